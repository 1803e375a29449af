//! What NVIDIA's device plugin would choose by itself: its aligned allocation, for whole GPUs that
//! are not shared.
//!
//! Source: the best-effort policy of NVIDIA/go-gpuallocator, which the plugin hands the free devices
//! (`gpuallocator/besteffort_policy.go`; the plugin's `internal/rm`). A pair scores by its PCIe path
//! (60 on one board, then 50, 40, 30, 20, and 10 across sockets) and 100 for each NVLink from GPU to
//! GPU; links that end in an NVSwitch are not seen. All free devices are split into groups of the size asked
//! for, the last one filled up; the first split of the highest total score wins, and in it the first
//! group of the highest score. That protects what is left over.
//!
//! It is a prediction: the kubelet hands the plugin the free devices in no particular order, so that
//! among equal scores any may win, where this says the lowest indices. It may also narrow them down
//! to one NUMA node before. AMD's plugin has a policy of its own. The source lets the filled-up group
//! win where its few devices score highest, which is no answer to the question; it is passed over here.

use super::objective::{bits, indices, set};
use super::search::{EXACT, best};
use super::{Layout, PciePath};
use crate::gpu::DeviceSet;

/// The plugin's choice of `n` of the `free` devices; empty where there are not so many. Layouts of
/// more than 16 GPUs have too many splits, for the plugin too: there it is [`best`]'s choice.
#[must_use]
pub fn predicted(layout: &Layout, free: DeviceSet, n: usize) -> DeviceSet {
    let known = bits(free) & bits(layout.devices());
    if n == 0 || (known.count_ones() as usize) < n {
        return DeviceSet::EMPTY;
    }
    if n == 1 {
        return indices(known).take(1).collect();
    }
    if layout.gpus() > EXACT {
        return best(layout, set(known), n, None).map_or(DeviceSet::EMPTY, |choice| choice.set);
    }
    set(Splits::new(layout, known, n).choice(known))
}

/// The score of two devices.
fn score(layout: &Layout, a: usize, b: usize) -> u32 {
    layout.pair(a, b).map_or(0, |pair| {
        let path = match pair.path {
            PciePath::Internal => 60,
            PciePath::Single => 50,
            PciePath::Multiple => 40,
            PciePath::HostBridge => 30,
            PciePath::Node => 20,
            PciePath::System => 10,
        };
        path + 100 * u32::from(pair.links)
    })
}

/// All splits into groups of `n`, by what is not split yet.
struct Splits {
    scores: [[u32; EXACT]; EXACT],
    n: usize,
    /// How many devices the filled-up group has, 0 where none is filled up.
    short: usize,
    /// The best total and the first group to reach it.
    known: Vec<Option<(u32, u32)>>,
}

impl Splits {
    fn new(layout: &Layout, free: u32, n: usize) -> Self {
        let width = 32 - free.leading_zeros();
        Self {
            scores: std::array::from_fn(|a| std::array::from_fn(|b| score(layout, a, b))),
            n,
            short: free.count_ones() as usize % n,
            known: vec![None; 1 << width],
        }
    }

    fn choice(&mut self, free: u32) -> u32 {
        let (mut rest, mut best) = (free, None);
        while rest != 0 {
            let (_, group) = self.split(rest);
            let score = self.score(group);
            let whole = group.count_ones() as usize == self.n;
            if whole && best.is_none_or(|(most, _)| score > most) {
                best = Some((score, group));
            }
            rest &= !group;
        }
        best.map_or(0, |(_, group)| group)
    }

    fn score(&self, group: u32) -> u32 {
        let pairs =
            indices(group).flat_map(|b| indices(group & !(u32::MAX << b)).map(move |a| (a, b)));
        pairs.map(|(a, b)| self.scores[a][b]).sum()
    }

    /// The best total for `rest`, and the first group of the first split that has it.
    fn split(&mut self, rest: u32) -> (u32, u32) {
        if rest == 0 {
            return (0, 0);
        }
        if let Some(known) = self.known[rest as usize] {
            return known;
        }
        let first = rest & rest.wrapping_neg();
        let mut best = None;
        self.extend(rest, first, rest & !first, &mut best);
        // Its own rest in one group is always a split, so that there is one.
        let best = best.unwrap_or((self.score(rest), rest));
        self.known[rest as usize] = Some(best);
        best
    }

    /// Tries the groups that begin with `group`, in the source's order: the filling comes last.
    fn extend(&mut self, rest: u32, group: u32, more: u32, best: &mut Option<(u32, u32)>) {
        let have = group.count_ones() as usize;
        if have < self.n {
            for device in indices(more) {
                self.extend(
                    rest,
                    group | 1 << device,
                    more & (u32::MAX << device << 1),
                    best,
                );
            }
        }
        let unfilled = !(rest.count_ones() as usize).is_multiple_of(self.n);
        if have == self.n || unfilled && have == self.short {
            let total = self.score(group) + self.split(rest & !group).0;
            if best.is_none_or(|(most, _)| total > most) {
                *best = Some((total, group));
            }
        }
    }
}
