//! The language of the tests about MIG: a board drawn slice by slice, a profile by a short name.
//!
//! `4g .. .. .. 3g .. .. ..` is an A100 with two instances: each begins with its short name and goes
//! on with `..`; a free slice is `--`. Short names: `1g` plain, `1w` wide (with extra memory for its
//! compute), `1m` with media extensions. Names of the table (`1g.10gb+me`) are understood too.

use stowage_core::mig::{Board, BoardState, Extra, Geometry, MigProfile};

/// A profile and where its instance begins.
pub(crate) type Instance = (MigProfile, u8);

/// A geometry of the table.
pub(crate) fn geometry(board: &str) -> &'static Geometry {
    Geometry::of_board(board).expect("the board is in the table")
}

/// The profile of `geometry` that a short or a full name means.
pub(crate) fn profile(geometry: &Geometry, name: &str) -> MigProfile {
    if let Ok(profile) = name.parse() {
        return profile;
    }
    let named = |profile: &MigProfile| short(geometry, *profile) == name;
    let mut profiles = geometry.shapes().iter().map(|shape| shape.profile);
    profiles.find(named).expect("the board has the profile")
}

/// How a profile is drawn.
pub(crate) fn short(geometry: &Geometry, profile: MigProfile) -> String {
    let shape = geometry.shape(profile).expect("the board has the profile");
    let plain = |extra| extra == Extra::None;
    let narrower = geometry.shapes().iter().any(|other| {
        plain(other.profile.extra())
            && other.profile.compute() == profile.compute()
            && other.size < shape.size
    });
    let kind = match profile.extra() {
        Extra::None if narrower => "w",
        Extra::None => "g",
        Extra::Media => "m",
        Extra::AllMedia => "a",
        Extra::NoMedia => "n",
        Extra::Graphics => "x",
    };
    format!("{}{kind}", profile.compute())
}

/// The instances of a drawing.
pub(crate) fn instances(geometry: &Geometry, drawing: &str) -> Vec<Instance> {
    let cells: Vec<&str> = drawing.split_whitespace().collect();
    assert_eq!(cells.len(), usize::from(geometry.slices()), "{drawing}");
    let begins = |cell: &str| !["--", ".."].contains(&cell);
    let instances = (0..).zip(&cells).filter(|(_, cell)| begins(cell));
    let instances: Vec<Instance> = instances
        .map(|(start, cell)| (profile(geometry, cell), start))
        .collect();
    assert_eq!(draw(geometry, &instances), cells.join(" "), "as drawn");
    instances
}

/// Draws instances that do not overlap.
pub(crate) fn draw(geometry: &Geometry, instances: &[Instance]) -> String {
    let mut cells = vec!["--".to_owned(); usize::from(geometry.slices())];
    for &(profile, start) in instances {
        let shape = geometry.shape(profile).expect("the board has the profile");
        let run = usize::from(start)..usize::from(start + shape.size);
        cells[run].fill("..".to_owned());
        cells[usize::from(start)] = short(geometry, profile);
    }
    cells.join(" ")
}

/// The state of a drawing whose instances are legal.
pub(crate) fn state(geometry: &Geometry, drawing: &str) -> BoardState {
    let instances = instances(geometry, drawing);
    let place = |state: BoardState, (profile, start)| state.place(geometry, profile, start);
    let state = instances
        .iter()
        .try_fold(BoardState::idle(geometry), |state, &one| place(state, one));
    state.expect("the drawing is legal")
}

/// Boards of one geometry, a line each.
pub(crate) fn boards(board: &str, drawing: &str) -> Vec<Board> {
    let geometry = geometry(board);
    let lines = drawing
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let board = |line| Board {
        geometry,
        state: state(geometry, line),
    };
    lines.map(board).collect()
}

/// As many boards without instances.
pub(crate) fn idle(board: &str, count: usize) -> Vec<Board> {
    let geometry = geometry(board);
    let state = BoardState::idle(geometry);
    vec![Board { geometry, state }; count]
}
