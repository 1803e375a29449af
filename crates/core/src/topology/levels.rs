//! The bandwidths of a layout from wide to narrow, and who is joined at each: what a search asks again
//! and again, computed once.

use std::cmp::Reverse;

use super::objective::bits;
use super::{Bandwidth, MOST_GPUS, Pair};

/// Who is joined to whom at one bandwidth or a wider one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Level {
    pub(super) bandwidth: Bandwidth,
    /// For each device the others, as bits.
    pub(super) joined: [u32; MOST_GPUS],
}

/// All bandwidths that occur among `gpus` devices, from wide to narrow.
pub(super) fn levels(gpus: usize, pair: impl Fn(usize, usize) -> Option<Pair>) -> Box<[Level]> {
    let every = (0..gpus).flat_map(|high| (0..high).map(move |low| (low, high)));
    let mut all: Vec<_> = every.filter_map(|(low, high)| pair(low, high)).collect();
    all.sort_unstable_by_key(|pair| Reverse(pair.bandwidth));
    all.dedup_by_key(|pair| pair.bandwidth);
    let level = |Pair { bandwidth, .. }: Pair| Level {
        bandwidth,
        joined: relation(gpus, |a, b| {
            pair(a, b).is_some_and(|pair| pair.bandwidth >= bandwidth)
        }),
    };
    all.into_iter().map(level).collect()
}

/// For each of `gpus` devices those that have a good pair with it.
pub(super) fn relation(gpus: usize, good: impl Fn(usize, usize) -> bool) -> [u32; MOST_GPUS] {
    std::array::from_fn(|a| bits((0..gpus).filter(|&b| good(a, b)).collect()))
}
