//! What legality needs to know of one board: [`BoardState`], eight bytes.
//!
//! A state says which slices are taken, not by whom: whoever holds instances keeps their list, and
//! the state follows from it ([`BoardState::of`]). So equal states are equal for every question, and
//! `remove` refuses only what cannot have been there; that the instance did lie there is the
//! caller's fact. Where to put an instance is decided in `prospects.rs`.

use thiserror::Error;

use super::geometry::{Geometry, MAX_LIMITS, Shape, SliceMask};
use super::profile::MigProfile;

/// What is left of one board. Belongs to the geometry it was made for; with another one the answers
/// mean nothing, but nothing panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoardState {
    taken: SliceMask,
    compute: u8,
    /// How many more instances each limit of the geometry allows.
    left: [u8; MAX_LIMITS],
}

/// Why an instance cannot lie where it should, or cannot have lain there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Illegal {
    /// The board has no such profile.
    #[error("{0}: expected a profile of the board")]
    Profile(MigProfile),
    /// Instances of the profile do not begin there.
    #[error("{0} at slice {1}: expected one of the profile's starts")]
    Start(MigProfile, u8),
    /// Some of its slices are taken.
    #[error("{0} at slice {1}: expected free slices")]
    Taken(MigProfile, u8),
    /// Too few compute slices are left.
    #[error("{0}: expected as many free compute slices")]
    Compute(MigProfile),
    /// The board carries as many of them as it may.
    #[error("{0}: expected fewer such instances on the board")]
    Most(MigProfile),
    /// Nothing like it is on the board.
    #[error("{0} at slice {1}: expected an instance there")]
    Absent(MigProfile, u8),
}

impl BoardState {
    /// A board without instances.
    #[must_use]
    pub fn idle(geometry: &Geometry) -> Self {
        let mut left = [0; MAX_LIMITS];
        for (left, most) in left.iter_mut().zip(geometry.limits()) {
            *left = *most;
        }
        Self {
            taken: SliceMask::EMPTY,
            compute: geometry.compute(),
            left,
        }
    }

    /// A board that somebody uses as a whole, without instances.
    #[must_use]
    pub fn full(geometry: &Geometry) -> Self {
        Self {
            taken: SliceMask::run(0, geometry.slices()),
            compute: 0,
            left: [0; MAX_LIMITS],
        }
    }

    /// The state that `instances` make, in any order, legal or not; see [`BoardState::observe`].
    pub fn of(geometry: &Geometry, instances: impl IntoIterator<Item = (MigProfile, u8)>) -> Self {
        let observe = |state: Self, (profile, start)| state.observe(geometry, profile, start);
        instances.into_iter().fold(Self::idle(geometry), observe)
    }

    /// Taken slices.
    #[must_use]
    pub fn taken(self) -> SliceMask {
        self.taken
    }

    /// Compute slices left.
    #[must_use]
    pub fn compute_left(self) -> u8 {
        self.compute
    }

    /// Whether nothing is taken.
    #[must_use]
    pub fn is_idle(self) -> bool {
        self.taken.is_empty()
    }

    /// Where an instance of `profile` may begin now, ascending.
    pub fn options(self, geometry: &Geometry, profile: MigProfile) -> impl Iterator<Item = u8> {
        let shape = geometry.shape(profile);
        shape.into_iter().flat_map(move |shape| self.starts(shape))
    }

    /// Whether one more instance of `profile` can lie on the board.
    #[must_use]
    pub fn fits(self, geometry: &Geometry, profile: MigProfile) -> bool {
        self.options(geometry, profile).next().is_some()
    }

    /// The state with one more instance.
    ///
    /// # Errors
    /// When it is not one of [`BoardState::options`].
    pub fn place(
        self,
        geometry: &Geometry,
        profile: MigProfile,
        start: u8,
    ) -> Result<Self, Illegal> {
        let shape = known(geometry, profile, start)?;
        if !self.taken.common(shape.slices(start)).is_empty() {
            Err(Illegal::Taken(profile, start))
        } else if self.compute < profile.compute() {
            Err(Illegal::Compute(profile))
        } else if !self.allows(shape) {
            Err(Illegal::Most(profile))
        } else {
            Ok(self.with(shape, start))
        }
    }

    /// The state without an instance that was placed.
    ///
    /// # Errors
    /// When there cannot have been one. A state with instances that were only observed does not know
    /// what they share: make it again of those that remain.
    pub fn remove(
        self,
        geometry: &Geometry,
        profile: MigProfile,
        start: u8,
    ) -> Result<Self, Illegal> {
        let shape = known(geometry, profile, start)?;
        let absent = Illegal::Absent(profile, start);
        let slices = shape.slices(start);
        let compute = self.compute + profile.compute();
        if self.taken.common(slices) != slices || compute > geometry.compute() {
            return Err(absent);
        }
        let mut left = self.left;
        for (at, (left, most)) in left.iter_mut().zip(geometry.limits()).enumerate() {
            *left += shape.limits >> at & 1;
            if *left > *most {
                return Err(absent);
            }
        }
        let taken = self.taken.minus(slices);
        Ok(Self {
            taken,
            compute,
            left,
        })
    }

    /// The state with an instance that was seen, whether or not it may be there. What it touches is
    /// taken, and what it would need beyond that is gone; an instance of a profile that the board
    /// does not have, or off its axis, may be anywhere, so nothing is left. The order of such
    /// instances does not matter, and a legal one gives what [`BoardState::place`] gives.
    #[must_use]
    pub fn observe(self, geometry: &Geometry, profile: MigProfile, start: u8) -> Self {
        match geometry.shape(profile) {
            Some(shape) if start < geometry.slices() => {
                let state = self.with(shape, start);
                let axis = SliceMask::run(0, geometry.slices());
                Self {
                    taken: state.taken.common(axis),
                    ..state
                }
            }
            _ => Self::full(geometry),
        }
    }

    pub(super) fn starts(self, shape: &Shape) -> impl Iterator<Item = u8> {
        let allowed = self.compute >= shape.profile.compute() && self.allows(shape);
        let starts = if allowed { &shape.starts[..] } else { &[] };
        let free = move |&start: &u8| self.taken.common(shape.slices(start)).is_empty();
        starts.iter().copied().filter(free)
    }

    /// With an instance, less at least nothing.
    pub(super) fn with(self, shape: &Shape, start: u8) -> Self {
        let mut left = self.left;
        for (at, left) in left.iter_mut().enumerate() {
            *left = left.saturating_sub(shape.limits >> at & 1);
        }
        Self {
            taken: self.taken.union(shape.slices(start)),
            compute: self.compute.saturating_sub(shape.profile.compute()),
            left,
        }
    }

    /// Whether no limit speaks against another instance.
    fn allows(self, shape: &Shape) -> bool {
        let left = self.left.iter().enumerate();
        left.fold(true, |all, (at, &left)| {
            all && (left > 0 || shape.limits >> at & 1 == 0)
        })
    }

    /// Slices and limits as one number below [`BoardState::indices`]. Compute is left out: among
    /// placed instances it never refuses what slices allow (a test enumerates it).
    pub(super) fn index(self, geometry: &Geometry) -> usize {
        let limits = geometry.limits().iter().zip(self.left);
        let left = limits.rev().fold(0, |index, (&most, left)| {
            index * (usize::from(most) + 1) + usize::from(left.min(most))
        });
        let axis = SliceMask::run(0, geometry.slices());
        left << geometry.slices() | usize::from(self.taken.common(axis).0)
    }

    /// The state of this [`BoardState::index`] that has all compute left.
    pub(super) fn of_index(geometry: &Geometry, index: usize) -> Self {
        let idle = Self::idle(geometry);
        let mut left = [0; MAX_LIMITS];
        let mut rest = index >> geometry.slices();
        for (left, most) in left.iter_mut().zip(geometry.limits()) {
            let radix = usize::from(*most) + 1;
            (*left, rest) = ((rest % radix) as u8, rest / radix);
        }
        let axis = SliceMask::run(0, geometry.slices());
        let taken = SliceMask(index as u16).common(axis);
        Self {
            taken,
            left,
            ..idle
        }
    }

    /// How many numbers [`BoardState::index`] may give.
    pub(super) fn indices(geometry: &Geometry) -> usize {
        let limits = geometry.limits().iter();
        limits.map(|&most| usize::from(most) + 1).product::<usize>() << geometry.slices()
    }

    /// Whether this board has at most what `other` has left, slices and limits.
    pub(super) fn within(self, other: Self) -> bool {
        let limits = self.left.iter().zip(other.left);
        other.taken.minus(self.taken).is_empty() && limits.into_iter().all(|(a, b)| *a <= b)
    }
}

fn known(geometry: &Geometry, profile: MigProfile, start: u8) -> Result<&Shape, Illegal> {
    let shape = geometry.shape(profile).ok_or(Illegal::Profile(profile))?;
    let known = shape.starts.contains(&start);
    known.then_some(shape).ok_or(Illegal::Start(profile, start))
}
