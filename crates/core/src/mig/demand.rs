//! Which profiles are expected, and how often: what [`Prospects`](super::Prospects) looks ahead with.

use std::collections::BTreeMap;

use super::geometry::{Geometry, Shape};
use super::profile::{Extra, MigProfile};

/// A histogram of requests by board and profile. A board about which nothing is known is expected to
/// see the usual ones, [`Demand::usual`]; the default knows nothing.
///
/// A pod that needs a board as a whole is a request of the largest profile here: it needs the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    counts: BTreeMap<String, BTreeMap<MigProfile, u32>>,
}

impl Demand {
    /// Adds up counted requests. Only the proportions among the profiles of one board matter. Counts
    /// of profiles that the board does not have are left out.
    pub fn of<'a>(counted: impl IntoIterator<Item = (&'a Geometry, MigProfile, u32)>) -> Self {
        let mut demand = Self::default();
        for (geometry, profile, count) in counted {
            if geometry.shape(profile).is_some() && count > 0 {
                let board = demand.counts.entry(geometry.board().to_owned());
                let sum = board.or_default().entry(profile).or_insert(0);
                *sum = sum.saturating_add(count);
            }
        }
        demand
    }

    /// Requests by profile alone, on whichever boards have it, steadied by the usual ones. A board none
    /// of whose profiles was asked for is expected to see the usual ones.
    pub fn on_all_boards(counted: &BTreeMap<MigProfile, u64>) -> Self {
        let asked = |geometry: &Geometry| {
            let mut profiles = counted.keys();
            profiles.any(|profile| geometry.shape(*profile).is_some())
        };
        let boards = Geometry::all().iter().filter(|geometry| asked(geometry));
        Self::of(boards.flat_map(|geometry| {
            let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            let seen = counted
                .iter()
                .map(move |(profile, n)| (*profile, count(*n)));
            let all = Self::usual(geometry).chain(seen);
            all.map(move |(profile, count)| (geometry, profile, count))
        }))
    }

    /// What is expected when nothing is known: each plain profile twice, but the whole board and a
    /// profile with extra memory once, others never (they lie where a plain one would).
    ///
    /// Of two hundred weightings tried on random plain, small-heavy and large-heavy mixes it was level
    /// with the best, and it is the simplest of those. Equal weights hoard idle boards for requests of
    /// whole ones. Added to counts it also steadies a short history.
    pub fn usual(geometry: &Geometry) -> impl Iterator<Item = (MigProfile, u32)> {
        let weigh = |shape: &Shape| match shape.profile.extra() {
            Extra::None if shape.size == geometry.slices() || geometry.is_wide(shape) => 1,
            Extra::None => 2,
            _ => 0,
        };
        let shapes = geometry.shapes().iter();
        shapes.map(move |shape| (shape.profile, weigh(shape)))
    }

    /// A weight for each of the geometry's shapes, not all zero.
    pub(super) fn weights(&self, geometry: &Geometry) -> Vec<u32> {
        match self.counts.get(geometry.board()) {
            Some(counts) => {
                let count = |shape: &Shape| counts.get(&shape.profile).copied().unwrap_or(0);
                geometry.shapes().iter().map(count).collect()
            }
            None => Self::usual(geometry).map(|(_, weight)| weight).collect(),
        }
    }
}
