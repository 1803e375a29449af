//! The objective read aloud: look at every set, compare as it is written, keep the best.

use std::cmp::Reverse;

use crate::gpu::DeviceSet;
use crate::topology::{Layout, Wanted};

/// Better is greater.
type Standing = (u32, u64, [u32; 5], u64, Reverse<Vec<usize>>);

fn subsets(of: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    (0..1_u32 << of.len()).map(|bits| {
        let chosen = of.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
        chosen.map(|(_, &device)| device).collect()
    })
}

fn bandwidths(layout: &Layout, set: &[usize]) -> Vec<u32> {
    let mut all = Vec::new();
    for (i, &a) in set.iter().enumerate() {
        for &b in &set[i + 1..] {
            all.push(layout.pair(a, b).expect("both are there").bandwidth.0);
        }
    }
    all
}

fn slowest(layout: &Layout, set: &[usize]) -> u32 {
    bandwidths(layout, set).into_iter().min().unwrap_or(0)
}

fn total(layout: &Layout, set: &[usize]) -> u64 {
    bandwidths(layout, set).into_iter().map(u64::from).sum()
}

fn standing(layout: &Layout, free: &[usize], set: &[usize]) -> Standing {
    let left: Vec<_> = free.iter().copied().filter(|d| !set.contains(d)).collect();
    let fastest = [2, 4, 8, 16, 32].map(|size| {
        let sets = subsets(&left).filter(|set| set.len() == size);
        let slowest = sets.map(|set| slowest(layout, &set));
        slowest.max().unwrap_or(0)
    });
    (
        slowest(layout, set),
        total(layout, set),
        fastest,
        total(layout, &left),
        Reverse(set.to_vec()),
    )
}

/// The best `n` of the free devices, all pairs of which have what is wanted.
pub(super) fn best(
    layout: &Layout,
    free: DeviceSet,
    n: usize,
    must: Option<Wanted>,
) -> Option<DeviceSet> {
    let free: Vec<_> = free.iter().filter(|&d| d < layout.gpus()).collect();
    let has = |a, b| {
        let pair = layout.pair(a, b).expect("both are there");
        must.is_none_or(|wanted| wanted.is_had_by(pair))
    };
    let good = |set: &[usize]| {
        let of = |a| set.iter().filter(move |&&b| a < b);
        set.iter().all(|&a| of(a).all(|&b| has(a, b)))
    };
    let sets = subsets(&free).filter(|set| set.len() == n && good(set));
    let best = sets.max_by_key(|set| standing(layout, &free, set));
    best.map(|set| set.into_iter().collect())
}
