//! The objective from tables, for many questions about one layout.
//!
//! Up to 16 devices there are 2^16 sets. For each of them its slowest pair, its total and the rank
//! of what it would leave if it stayed free are computed once, when first asked for: 0.8 MB for 16
//! devices and 3 KB for eight. A question then walks through the sets of the right size, and its
//! answer is kept in a table by free set and size: for 16 devices at most 2 MB, 8 MB where all
//! wishes are used. Layouts that are uniform need no table; larger ones are searched and a bounded
//! number of answers kept.

use std::collections::BTreeMap;

use super::objective::{Left, bits, indices, set};
use super::search::{EXACT, restricted};
use super::{Choice, Layout, Wanted, Wish};
use crate::gpu::DeviceSet;

/// Most answers kept for a layout too large for tables. When there are more, all are forgotten.
const MOST_ANSWERS: usize = 4096;

/// In place of an answer: not asked yet.
const UNASKED: u16 = 0;

/// In place of an answer: there is none. Only sets of two devices and more are kept, so that the
/// set of device 0 alone is free for this.
const NONE: u16 = 1;

/// A layout and what is known about its sets. Give one to all nodes of the same layout.
#[derive(Debug, Clone)]
pub struct Sets {
    layout: Layout,
    uniform: bool,
    tables: Option<Tables>,
    /// By wish and number of devices, then by free set.
    answers: BTreeMap<(Option<Wanted>, usize), Vec<u16>>,
    large: BTreeMap<(Option<Wanted>, usize, DeviceSet), Option<Choice>>,
}

/// By set.
#[derive(Debug, Clone)]
struct Tables {
    slowest: Vec<u32>,
    total: Vec<u32>,
    /// Equal where equally much is left, higher where more is.
    left: Vec<u32>,
}

impl Sets {
    /// Nothing is computed yet.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self {
            uniform: layout.is_uniform(),
            layout,
            tables: None,
            answers: BTreeMap::new(),
            large: BTreeMap::new(),
        }
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// As [`best`](super::best), to the device.
    pub fn best(&mut self, free: DeviceSet, n: usize, wish: Option<Wish>) -> Option<Choice> {
        if let Some(wish) = wish {
            let found = self.restricted(free, n, Some(wish));
            if found.is_some() || wish.must {
                return found;
            }
        }
        self.restricted(free, n, None)
    }

    fn restricted(&mut self, free: DeviceSet, n: usize, wish: Option<Wish>) -> Option<Choice> {
        // One device alone has all that can be wished for.
        let wish = wish.filter(|_| n > 1);
        let simple = self.uniform && wish.is_none_or(|wish| !wish.splits(&self.layout));
        if simple || n == 0 || free.len() < n {
            return restricted(&self.layout, free, n, wish);
        }
        if self.layout.gpus() > EXACT {
            return self.large(free, n, wish);
        }
        let known = bits(free) & bits(self.layout.devices());
        let found = self.small(u16::try_from(known).ok()?, n, wish)?;
        let tables = self.tables.as_ref()?;
        Some(Choice {
            set: set(u32::from(found)),
            slowest: (n > 1).then(|| super::Bandwidth(tables.slowest[usize::from(found)])),
            total: super::Bandwidth(tables.total[usize::from(found)]),
        })
    }

    fn large(&mut self, free: DeviceSet, n: usize, wish: Option<Wish>) -> Option<Choice> {
        let key = (wish.map(|wish| wish.wanted), n, free);
        if let Some(&found) = self.large.get(&key) {
            return found;
        }
        if self.large.len() >= MOST_ANSWERS {
            self.large.clear();
        }
        let found = restricted(&self.layout, free, n, wish);
        self.large.insert(key, found);
        found
    }

    fn small(&mut self, free: u16, n: usize, wish: Option<Wish>) -> Option<u16> {
        let (layout, wanted) = (&self.layout, wish.map(|wish| wish.wanted));
        let tables = self.tables.get_or_insert_with(|| Tables::new(layout));
        let walk = || Walk::new(layout, tables, free, wanted).best(n);
        if n == 1 {
            return walk();
        }
        let answers = self.answers.entry((wanted, n));
        let answers = answers.or_insert_with(|| vec![UNASKED; 1 << layout.gpus()]);
        let answer = &mut answers[usize::from(free)];
        if *answer == UNASKED {
            *answer = walk().unwrap_or(NONE);
        }
        (*answer != NONE).then_some(*answer)
    }
}

impl Tables {
    fn new(layout: &Layout) -> Self {
        let sets = 1_usize << layout.gpus();
        let (mut slowest, mut total) = (vec![u32::MAX; sets], vec![0; sets]);
        for set in 1..sets {
            let (first, rest) = (set.trailing_zeros() as usize, set & (set - 1));
            (slowest[set], total[set]) = (slowest[rest], total[rest]);
            for other in (first + 1..layout.gpus()).filter(|other| rest >> other & 1 == 1) {
                let pair = layout.pair(first, other);
                let bandwidth = pair.map_or(0, |pair| pair.bandwidth.0);
                slowest[set] = slowest[set].min(bandwidth);
                total[set] += bandwidth;
            }
        }
        let left = ranks(&lefts(&slowest, &total));
        Self {
            slowest,
            total,
            left,
        }
    }
}

/// What each set leaves if it stays free. The fastest two, four and so on of a set are those of the
/// set without some one device, unless it has just as many.
fn lefts(slowest: &[u32], total: &[u32]) -> Vec<Left> {
    let mut lefts: Vec<Left> = Vec::with_capacity(total.len());
    for (set, &total) in total.iter().enumerate() {
        let mut left = Left::default();
        let mut rest = set;
        while rest != 0 {
            let without = &lefts[set & !(rest & rest.wrapping_neg())];
            let both = left.fastest.iter_mut().zip(without.fastest);
            both.for_each(|(fastest, other)| *fastest = other.max(*fastest));
            rest &= rest - 1;
        }
        for (power, fastest) in left.fastest.iter_mut().enumerate() {
            if set.count_ones() == 2 << power {
                fastest.0 = slowest[set];
            }
        }
        left.total.0 = total;
        lefts.push(left);
    }
    lefts
}

/// The place of each in order, the same for equals.
fn ranks(lefts: &[Left]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..lefts.len()).collect();
    order.sort_unstable_by_key(|&set| lefts[set]);
    let mut ranks = vec![0; lefts.len()];
    for pair in order.windows(2) {
        let next = u32::from(lefts[pair[0]] != lefts[pair[1]]);
        ranks[pair[1]] = ranks[pair[0]] + next;
    }
    ranks
}

/// A walk through the subsets of one free set in lexicographic order.
struct Walk<'a> {
    tables: &'a Tables,
    free: u16,
    /// Who may be taken with whom.
    allowed: [u16; EXACT],
    best: Option<((u32, u32, u32), u16)>,
}

impl<'a> Walk<'a> {
    fn new(layout: &Layout, tables: &'a Tables, free: u16, wanted: Option<Wanted>) -> Self {
        let has = |a, b| {
            let pair = layout.pair(a, b);
            pair.is_some_and(|pair| wanted.is_none_or(|wanted| wanted.is_had_by(pair)))
        };
        let allowed = std::array::from_fn(|a| {
            let others = (0..layout.gpus()).filter(|&b| has(a, b));
            others.fold(0, |bits, b| bits | 1 << b)
        });
        Self {
            tables,
            free,
            allowed,
            best: None,
        }
    }

    fn best(mut self, n: usize) -> Option<u16> {
        self.extend(0, self.free, n);
        self.best.map(|(_, set)| set)
    }

    fn extend(&mut self, taken: u16, rest: u16, missing: usize) {
        let at = usize::from(taken);
        if missing == 0 {
            let left = self.tables.left[usize::from(self.free & !taken)];
            let standing = (self.tables.slowest[at], self.tables.total[at], left);
            // On a tie the first stays: it has the lower indices.
            if self.best.is_none_or(|(best, _)| standing > best) {
                self.best = Some((standing, taken));
            }
            return;
        }
        // More devices never make the slowest pair faster.
        let slowest = self.best.map_or(0, |((slowest, ..), _)| slowest);
        if self.tables.slowest[at] < slowest {
            return;
        }
        for device in indices(u32::from(rest)) {
            let higher = rest & !(u16::MAX >> (15 - device));
            if higher.count_ones() as usize + 1 < missing {
                return;
            }
            let rest = higher & self.allowed[device];
            self.extend(taken | 1 << device, rest, missing - 1);
        }
    }
}
