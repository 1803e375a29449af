//! The objective by search, for one question about any layout: no tables, no memory.
//!
//! First the slowest pair: the widest bandwidth at which enough devices form a clique. Then all
//! cliques at that bandwidth, cut off where the total cannot be reached any more; of devices that
//! could be swapped without a difference only the lower-numbered are tried first. Up to
//! [`EXACT`] devices that always ends. Beyond, after [`STEPS`] steps the answer is the better by
//! slowest pair and total of what was found so far and of some greedy sets: from each device, add the
//! device with the widest slowest link to those taken, then the most bandwidth to them, then the
//! lowest index. With a must, a set that exists may be missed then.

use std::cmp::Reverse;

use super::kept::KEPT;
use super::levels::{Level, relation};
use super::objective::{Left, bits, indices, set, total};
use super::{Bandwidth, Choice, Layout, MOST_GPUS, Wish, satisfies};
use crate::gpu::DeviceSet;

/// Most GPUs of a layout for which the search is exact whatever it takes.
pub(super) const EXACT: usize = 16;

/// Most steps of the search in a larger layout: some milliseconds.
const STEPS: u64 = 200_000;

/// The best `n` of the `free` devices by the objective, or none where there are not so many, or
/// none that satisfy a must. A should is followed where some set satisfies it.
#[must_use]
pub fn best(layout: &Layout, free: DeviceSet, n: usize, wish: Option<Wish>) -> Option<Choice> {
    if let Some(wish) = wish {
        let found = restricted(layout, free, n, Some(wish));
        if found.is_some() || wish.must {
            return found;
        }
    }
    restricted(layout, free, n, None)
}

/// As [`best`], with every wish as a must.
pub(super) fn restricted(
    layout: &Layout,
    free: DeviceSet,
    n: usize,
    wish: Option<Wish>,
) -> Option<Choice> {
    let free = bits(free) & bits(layout.devices());
    if (free.count_ones() as usize) < n {
        return None;
    }
    if layout.is_uniform() && wish.is_none_or(|wish| !wish.splits(layout)) {
        let lowest = indices(free).take(n).collect();
        let good = wish.is_none_or(|wish| satisfies(layout, lowest, wish.wanted));
        return good.then(|| Choice::of(layout, lowest));
    }
    let search = || {
        let mut search = Search::new(layout, free, n, wish);
        match search.cliques() {
            Ok(()) => search.best.map(|(_, _, set)| set),
            Err(Exhausted) => search.greedy(),
        }
    };
    let found = match layout.gpus() {
        ..=KEPT => layout
            .kept()
            .best(free, n, wish.map(|wish| wish.wanted), search),
        _ => search(),
    };
    found.map(|found| Choice::of(layout, set(found)))
}

struct Search<'a> {
    layout: &'a Layout,
    levels: &'a [Level],
    /// Who may be taken with whom.
    allowed: [u32; MOST_GPUS],
    free: u32,
    n: usize,
    /// The next lower free device that could be swapped with this one.
    twin: [Option<usize>; MOST_GPUS],
    best: Option<(Bandwidth, Option<Left>, u32)>,
}

/// The steps are used up.
struct Exhausted;

impl<'a> Search<'a> {
    fn new(layout: &'a Layout, free: u32, n: usize, wish: Option<Wish>) -> Self {
        let pair = |a, b| layout.pair(a, b);
        let has = |wish: Wish, a, b| pair(a, b).is_some_and(|pair| wish.wanted.is_had_by(pair));
        let mut search = Self {
            layout,
            levels: layout.levels(),
            allowed: match wish {
                Some(wish) => relation(layout.gpus(), |a, b| has(wish, a, b)),
                None => [u32::MAX; MOST_GPUS],
            },
            free,
            n,
            twin: [None; MOST_GPUS],
            best: None,
        };
        for high in indices(free) {
            let lower = indices(free & !(u32::MAX << high));
            search.twin[high] = lower.filter(|&low| search.alike(low, high)).last();
        }
        search
    }

    fn steps(&self) -> u64 {
        match self.layout.gpus() {
            ..=EXACT => u64::MAX,
            _ => STEPS,
        }
    }

    /// Whether swapping `a` and `b` changes nothing among the free devices.
    fn alike(&self, a: usize, b: usize) -> bool {
        let others = self.free & !(1 << a) & !(1 << b);
        let same = |joined: &[u32; MOST_GPUS]| (joined[a] ^ joined[b]) & others == 0;
        self.levels.iter().all(|level| same(&level.joined)) && same(&self.allowed)
    }

    /// Finds the best set, if there is one.
    fn cliques(&mut self) -> Result<(), Exhausted> {
        let steps = &mut self.steps();
        for level in 0..self.levels.len() {
            let mut joined = self.levels[level].joined;
            let both = joined.iter_mut().zip(&self.allowed);
            both.for_each(|(joined, allowed)| *joined &= allowed);
            if is_clique(&joined, self.free, self.n, steps)? {
                return self.extend(&joined, 0, self.free, 0, steps);
            }
        }
        Ok(())
    }

    /// Tries all ways to complete `taken` from `rest`, in lexicographic order.
    fn extend(
        &mut self,
        joined: &[u32; MOST_GPUS],
        taken: u32,
        rest: u32,
        total: u32,
        steps: &mut u64,
    ) -> Result<(), Exhausted> {
        step(steps)?;
        let have = taken.count_ones() as usize;
        if have == self.n {
            return self.consider(taken, Bandwidth(total), steps);
        }
        if self.falls_short(have, total) {
            return Ok(());
        }
        let mut rest = rest;
        while have + rest.count_ones() as usize >= self.n {
            let device = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if self.twin[device].is_some_and(|twin| taken >> twin & 1 == 0) {
                continue;
            }
            let new = indices(taken).filter_map(|other| self.layout.pair(device, other));
            let new: u32 = new.map(|pair| pair.bandwidth.0).sum();
            let (taken, rest) = (taken | 1 << device, rest & joined[device]);
            self.extend(joined, taken, rest, total + new, steps)?;
        }
        Ok(())
    }

    /// Whether the missing pairs cannot make up for what the best set has more, were they all of
    /// the widest kind.
    fn falls_short(&self, have: usize, total: u32) -> bool {
        let Some((best, _, _)) = self.best else {
            return false;
        };
        let pairs = |n: usize| n as u64 * n.saturating_sub(1) as u64 / 2;
        let widest = self.levels.first().map_or(0, |level| level.bandwidth.0);
        let most = u64::from(total) + (pairs(self.n) - pairs(have)) * u64::from(widest);
        most < u64::from(best.0)
    }

    /// Keeps `taken` where it is better than the best: what is left is looked at only on a tie.
    fn consider(&mut self, taken: u32, total: Bandwidth, s: &mut u64) -> Result<(), Exhausted> {
        let (best, left, other) = match self.best {
            Some(best) if best.0 >= total => best,
            _ => {
                self.best = Some((total, None, taken));
                return Ok(());
            }
        };
        if best == total {
            let theirs = match left {
                Some(left) => left,
                None => self.left(self.free & !other, s)?,
            };
            let ours = self.left(self.free & !taken, s)?;
            self.best = Some(if ours > theirs {
                (total, Some(ours), taken)
            } else {
                (total, Some(theirs), other)
            });
        }
        Ok(())
    }

    fn left(&self, rest: u32, steps: &mut u64) -> Result<Left, Exhausted> {
        let mut left = Left::default();
        for (power, fastest) in left.fastest.iter_mut().enumerate() {
            for level in self.levels {
                if is_clique(&level.joined, rest, 2 << power, steps)? {
                    *fastest = level.bandwidth;
                    break;
                }
            }
        }
        left.total = total(self.layout, set(rest));
        Ok(left)
    }

    fn greedy(&self) -> Option<u32> {
        let sets = indices(self.free).filter_map(|first| {
            let mut taken: u32 = 1 << first;
            while (taken.count_ones() as usize) < self.n {
                taken |= 1 << self.next(taken)?;
            }
            Some(taken)
        });
        let sets = sets.chain(self.best.map(|(_, _, set)| set));
        sets.max_by_key(|&taken| {
            let choice = Choice::of(self.layout, set(taken));
            (choice.slowest, choice.total, taken.reverse_bits())
        })
    }

    fn next(&self, taken: u32) -> Option<usize> {
        let fits = |&device: &usize| self.allowed[device] & taken == taken;
        let rest = indices(self.free & !taken).filter(fits);
        rest.max_by_key(|&device| {
            let new = indices(taken).filter_map(|other| self.layout.pair(device, other));
            let new: Vec<_> = new.map(|pair| pair.bandwidth.0).collect();
            let slowest = new.iter().copied().min();
            (slowest, new.iter().sum::<u32>(), Reverse(device))
        })
    }
}

/// Whether some `n` of `among` are all joined to one another.
fn is_clique(
    joined: &[u32; MOST_GPUS],
    among: u32,
    n: usize,
    steps: &mut u64,
) -> Result<bool, Exhausted> {
    step(steps)?;
    let mut rest = among;
    while rest.count_ones() as usize >= n {
        if n < 2 {
            return Ok(true);
        }
        let device = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        if is_clique(joined, rest & joined[device], n - 1, steps)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn step(steps: &mut u64) -> Result<(), Exhausted> {
    *steps = steps.checked_sub(1).ok_or(Exhausted)?;
    Ok(())
}
