//! What instances a board can be cut into: [`Geometry`], one for each board of the table.
//!
//! Two instances may not overlap on the axis of memory slices; compute slices must suffice; a board
//! gives out its media extensions once; a profile has a most. Where the axis alone enforces a most
//! (seven 1g fit, eight have no place) it is dropped, so that a state stays small.

use std::fmt;
use std::sync::OnceLock;

use super::profile::{Extra, MigProfile};
use super::table::{self, MAX_SLICES, Places, Row, TableError};

/// Most limits on instances that a board has beside its slices. The known boards have one at most.
pub(super) const MAX_LIMITS: usize = 4;

/// Most profiles of a board; the known ones have eleven at most.
const MAX_PROFILES: usize = 32;

const TABLE: &str = include_str!("../../data/mig-profiles.csv");

/// How one model of board can be cut.
#[derive(Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Place in the table it was read from.
    pub(super) index: usize,
    board: String,
    slices: u8,
    compute: u8,
    shapes: Vec<Shape>,
    /// How many instances each limit allows; the media extensions' comes first.
    limits: Vec<u8>,
}

/// A profile on a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub profile: MigProfile,
    /// Memory slices of one instance.
    pub size: u8,
    /// Where an instance may begin, ascending.
    pub starts: Vec<u8>,
    /// Most instances on one board.
    pub most: u8,
    /// By which of the board's limits its instances are counted: a set of their indices.
    pub(super) limits: u8,
}

/// A set of memory slices of one board.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceMask(pub(super) u16);

impl Geometry {
    /// The geometry of `board`, a name of the table such as `A100-40GB`. None for a board that has
    /// no MIG, that is not known, or whose placements are not published.
    #[must_use]
    pub fn of_board(board: &str) -> Option<&'static Self> {
        Self::all().iter().find(|geometry| geometry.board == board)
    }

    /// Every board of the table, in its order.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Geometry>> = OnceLock::new();
        // A test reads every row, so what is built in cannot be wrong.
        ALL.get_or_init(|| Self::read(TABLE).unwrap_or_default())
    }

    /// The boards of a table in the form of `data/mig-profiles.csv`. A board with a row that lacks
    /// placements is left out: half a geometry would waste what it does not know.
    ///
    /// # Errors
    /// At the first line that is malformed or contradicts the ones before it.
    pub fn read(text: &str) -> Result<Vec<Self>, TableError> {
        let rows = table::rows(text)?;
        let mut geometries: Vec<Self> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for rows in rows.chunk_by(|a, b| a.board == b.board) {
            let first = &rows[0];
            if seen.contains(&first.board) {
                let expected = "the rows of one board together";
                return Err(table::error(first.line, first.board, expected));
            }
            seen.push(first.board);
            geometries.extend(Self::of_rows(geometries.len(), rows)?);
        }
        Ok(geometries)
    }

    fn of_rows(index: usize, rows: &[Row<'_>]) -> Result<Option<Self>, TableError> {
        if let Some(row) = rows.get(MAX_PROFILES) {
            let name = row.profile.to_string();
            return Err(table::error(
                row.line,
                &name,
                "at most 32 profiles of a board",
            ));
        }
        for (at, row) in rows.iter().enumerate() {
            if rows[..at].iter().any(|other| other.profile == row.profile) {
                let name = row.profile.to_string();
                return Err(table::error(
                    row.line,
                    &name,
                    "each profile of a board once",
                ));
            }
        }
        let shapes: Option<Vec<Shape>> = rows.iter().map(Shape::of).collect();
        let Some(mut shapes) = shapes else {
            return Ok(None);
        };
        let limits = limit(&mut shapes);
        if limits.len() > MAX_LIMITS {
            let first = &rows[0];
            let expected = "at most four profiles with fewer instances than places";
            return Err(table::error(first.line, first.board, expected));
        }
        let end = shapes.iter().map(Shape::end).max();
        let compute = shapes.iter().map(|shape| shape.profile.compute()).max();
        Ok(Some(Self {
            index,
            board: rows[0].board.to_owned(),
            slices: end.unwrap_or_default(),
            compute: compute.unwrap_or_default(),
            shapes,
            limits,
        }))
    }

    /// The board's name.
    #[must_use]
    pub fn board(&self) -> &str {
        &self.board
    }

    /// Memory slices of the axis.
    #[must_use]
    pub fn slices(&self) -> u8 {
        self.slices
    }

    /// Compute slices of the board.
    #[must_use]
    pub fn compute(&self) -> u8 {
        self.compute
    }

    /// How many instances with media extensions (`+me`, `+me.all`) it may carry.
    #[must_use]
    pub fn media(&self) -> u8 {
        let media = self.shapes.iter().filter(|s| s.profile.takes_media());
        media.map(|shape| shape.most).max().unwrap_or(0)
    }

    /// Its profiles, in the table's order.
    #[must_use]
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// What `profile` is on this board.
    #[must_use]
    pub fn shape(&self, profile: MigProfile) -> Option<&Shape> {
        self.shapes.iter().find(|shape| shape.profile == profile)
    }

    pub(super) fn limits(&self) -> &[u8] {
        &self.limits
    }

    /// Whether `shape` has more memory for its compute than another plain profile (`1g.10gb` beside
    /// `1g.5gb`).
    pub(super) fn is_wide(&self, shape: &Shape) -> bool {
        let narrower = |other: &Shape| {
            other.profile.extra() == Extra::None
                && other.profile.compute() == shape.profile.compute()
                && other.size < shape.size
        };
        self.shapes.iter().any(narrower)
    }
}

impl Shape {
    fn of(row: &Row<'_>) -> Option<Self> {
        let Places { size, starts } = row.places.clone()?;
        Some(Self {
            profile: row.profile,
            size,
            starts,
            most: row.most,
            limits: 0,
        })
    }

    /// The slices of an instance that begins at `start`, one of [`Shape::starts`].
    #[must_use]
    pub fn slices(&self, start: u8) -> SliceMask {
        SliceMask::run(start, self.size)
    }

    /// The first slice that no instance reaches.
    fn end(&self) -> u8 {
        self.starts.last().map_or(0, |last| last + self.size)
    }

    /// How many instances lie beside each other on an otherwise empty axis.
    fn side_by_side(&self) -> u8 {
        let (mut count, mut free_from) = (0, 0);
        for &start in &self.starts {
            if start >= free_from {
                (count, free_from) = (count + 1, start + self.size);
            }
        }
        count
    }
}

/// Writes into `shapes` which limits count them and gives what each allows.
fn limit(shapes: &mut [Shape]) -> Vec<u8> {
    let mut limits = Vec::new();
    let media = shapes.iter().filter(|s| s.profile.takes_media());
    if let Some(most) = media.map(|shape| shape.most).max() {
        limits.push(most);
        let media = shapes.iter_mut().filter(|s| s.profile.takes_media());
        media.for_each(|shape| shape.limits = 1);
    }
    for shape in shapes {
        let enforced = shape.most >= shape.side_by_side()
            || shape.limits == 1 && limits.first().is_some_and(|&media| media <= shape.most);
        if !enforced {
            // Beyond the bits a board is refused for its number of limits anyway.
            shape.limits |= 1u8.checked_shl(limits.len() as u32).unwrap_or(0);
            limits.push(shape.most);
        }
    }
    limits
}

impl SliceMask {
    /// No slice.
    pub const EMPTY: Self = Self(0);

    /// `size` slices from `start` on, as far as a mask reaches.
    #[must_use]
    pub fn run(start: u8, size: u8) -> Self {
        let bits = 1u32.checked_shl(u32::from(size)).unwrap_or(0);
        let run = u64::from(bits.wrapping_sub(1)) << start.min(MAX_SLICES);
        Self((run & u64::from(u16::MAX)) as u16)
    }

    /// Slices in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Slices in both.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Slices of this set that are not in `other`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many slices.
    #[must_use]
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }
}

impl fmt::Debug for SliceMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#b}", self.0)
    }
}
