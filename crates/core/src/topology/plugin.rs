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

use super::kept::KEPT;
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
    match layout.gpus() {
        gpus if gpus <= KEPT => set(layout.kept().predicted(layout, known, n)),
        gpus if gpus <= EXACT => set(Splits::new(layout, n).choice(known)),
        _ => best(layout, set(known), n, None).map_or(DeviceSet::EMPTY, |choice| choice.set),
    }
}

/// The choice of `n` for each set of the free devices of a small layout.
pub(super) fn choices(layout: &Layout, n: usize) -> Box<[u8]> {
    let mut splits = Splits::new(layout, n);
    let mut answer = |free: u32| match free.count_ones() as usize {
        count if count < n => 0,
        _ => splits.choice(free) as u8,
    };
    (0..1 << layout.gpus()).map(&mut answer).collect()
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

/// All splits into groups of `n`, by what is not split yet. What is left over makes a smaller group.
struct Splits {
    scores: [[u32; EXACT]; EXACT],
    /// The next lower device that could be swapped with this one without a difference.
    twin: [Option<usize>; EXACT],
    n: usize,
    /// The best total and the first group to reach it.
    known: Vec<Option<(u32, u32)>>,
}

/// What is left to split, the group that is being filled, and who may join it.
#[derive(Clone, Copy)]
struct Begun {
    rest: u32,
    group: u32,
    more: u32,
    score: u32,
}

impl Splits {
    fn new(layout: &Layout, n: usize) -> Self {
        let scores: [[u32; EXACT]; EXACT] =
            std::array::from_fn(|a| std::array::from_fn(|b| score(layout, a, b)));
        let alike = |a: usize, b: usize| {
            let mut others = (0..EXACT).filter(|&other| other != a && other != b);
            others.all(|other| scores[a][other] == scores[b][other])
        };
        Self {
            twin: std::array::from_fn(|high| (0..high).rev().find(|&low| alike(low, high))),
            scores,
            n,
            known: vec![None; 1 << layout.gpus()],
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
        let lower = |device: usize| group & !(u32::MAX << device);
        let each = indices(group).map(|device| self.with(lower(device), device));
        each.sum()
    }

    /// What `device` adds to the score of `group`.
    fn with(&self, group: u32, device: usize) -> u32 {
        indices(group).map(|other| self.scores[device][other]).sum()
    }

    /// The best total for `rest`, and the first group of the first split that has it.
    fn split(&mut self, rest: u32) -> (u32, u32) {
        if rest == 0 {
            return (0, 0);
        }
        if let Some(known) = self.known[rest as usize] {
            return known;
        }
        let group = rest & rest.wrapping_neg();
        let mut best = None;
        let begun = Begun {
            rest,
            group,
            more: rest & !group,
            score: 0,
        };
        self.extend(begun, &mut best);
        // Its own rest in one group is always a split, so that there is one.
        let best = best.unwrap_or((self.score(rest), rest));
        self.known[rest as usize] = Some(best);
        best
    }

    /// Tries the groups that begin as `begun`, in the source's order: the filling comes last. Of twins
    /// the lower one goes first: the other way round is as good, and comes later.
    fn extend(&mut self, begun: Begun, best: &mut Option<(u32, u32)>) {
        let Begun {
            rest,
            group,
            more,
            score,
        } = begun;
        let have = group.count_ones() as usize;
        if have < self.n {
            for device in indices(more) {
                let left_out = |twin: usize| (rest & !group) >> twin & 1 == 1;
                if self.twin[device].is_some_and(left_out) {
                    continue;
                }
                let begun = Begun {
                    rest,
                    group: group | 1 << device,
                    more: more & (u32::MAX << device << 1),
                    score: score + self.with(group, device),
                };
                self.extend(begun, best);
            }
        }
        let left_over = rest.count_ones() as usize % self.n;
        if have == self.n || have == left_over {
            let total = score + self.split(rest & !group).0;
            if best.is_none_or(|(most, _)| total > most) {
                *best = Some((total, group));
            }
        }
    }
}
