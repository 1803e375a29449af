//! The written objective: which of two sets of `n` free devices is better.
//!
//! A set is better than another of the same size when, in this order,
//!
//! 1. its slowest pair is faster: collective operations run at the pace of the slowest link. One
//!    device alone has no pair and all singles are equal here;
//! 2. its pairs have more bandwidth in total;
//! 3. more is left for the next, see [`Left`]: the slowest pair of the best two, best four, best
//!    eight, 16 and 32 of the devices that stay free, in this order, then the total bandwidth of
//!    what stays free. So a pair does not break a quad, and a single is taken from what is broken;
//! 4. its devices have the lower indices: ascending lists are compared in lexicographic order.
//!
//! Small sets come first in 3 because most pods ask for few devices, and it is the last of the
//! intact pairs that counts, not how many there are: how many is what the total tells.
//!
//! Devices that a layout does not know are never chosen.

use super::{Bandwidth, Closeness, Layout, MOST_GPUS, Pair};
use crate::gpu::DeviceSet;

/// The devices to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// Which.
    pub set: DeviceSet,
    /// Bandwidth of the slowest pair, none for fewer than two devices.
    pub slowest: Option<Bandwidth>,
    /// Bandwidth of all pairs together.
    pub total: Bandwidth,
}

/// What stays free: better is greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left {
    /// For 2, 4, 8, 16 and 32 devices: the slowest pair of the set where it is fastest, zero where
    /// so many are not left.
    pub(super) fastest: [Bandwidth; 5],
    /// All pairs together.
    pub(super) total: Bandwidth,
}

impl Choice {
    /// Taking `set`.
    pub(super) fn of(layout: &Layout, set: DeviceSet) -> Self {
        Self {
            set,
            slowest: layout.within(set).map(|pair| pair.bandwidth).min(),
            total: total(layout, set),
        }
    }
}

/// The bandwidth of all pairs of `set` together. It cannot overflow: see [`Bandwidth::MOST`].
pub(super) fn total(layout: &Layout, set: DeviceSet) -> Bandwidth {
    Bandwidth(layout.within(set).map(|pair| pair.bandwidth.0).sum())
}

/// The set as bits; devices that no layout has are left out.
pub(super) fn bits(set: DeviceSet) -> u32 {
    let known = set.iter().take_while(|&device| device < MOST_GPUS);
    known.fold(0, |bits, device| bits | 1 << device)
}

/// The bits as a set.
pub(super) fn set(bits: u32) -> DeviceSet {
    indices(bits).collect()
}

/// The bits that are set, ascending.
pub(super) fn indices(bits: u32) -> impl Iterator<Item = usize> {
    let mut rest = bits;
    std::iter::from_fn(move || {
        (rest != 0).then(|| {
            let index = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            index
        })
    })
}

/// How much a node with this choice is worth beside nodes with other layouts, for one request:
/// higher is better. By the least close pair, then the slowest pair, then the total: so a node that
/// can give a fully linked set outranks every node that cannot.
///
/// One device alone is worth the less the faster its links are, because they would lie idle: singles
/// go where there is least to lose.
#[must_use]
pub fn worth(layout: &Layout, choice: &Choice) -> i64 {
    let Some(slowest) = choice.slowest else {
        let others = |device| (0..layout.gpus()).filter_map(move |b| layout.pair(device, b));
        let fastest = choice.set.iter().flat_map(others);
        let fastest = fastest.map(|pair| pair.bandwidth.0).max();
        return -i64::from(fastest.unwrap_or_default());
    };
    let farthest = layout.within(choice.set).map(Pair::closeness).max();
    let tier: i64 = match farthest {
        Some(Closeness::NvLink) => 3,
        Some(Closeness::PcieSwitch) => 2,
        Some(Closeness::SameNuma) => 1,
        Some(Closeness::System) | None => 0,
    };
    // A bandwidth is below 2^23 and a total below 2^32, so that nothing carries over.
    tier << 55 | i64::from(slowest.0) << 32 | i64::from(choice.total.0)
}
