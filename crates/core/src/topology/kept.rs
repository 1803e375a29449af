//! Answers about a small layout that were worked out before ([`Kept`]).
//!
//! Most nodes are of a few machines and share their layout, and the same few sets of devices are free
//! again and again. What is kept follows from the layout, whoever asks first: it makes no difference
//! between two layouts, and none to any answer.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{self, AtomicU16};

use super::{Layout, Wanted, plugin};

/// Most GPUs of a layout whose answers are kept: any set of them is one byte.
pub(super) const KEPT: usize = 8;

/// What was asked about a layout of at most [`KEPT`] GPUs.
#[derive(Default)]
pub(super) struct Kept {
    /// What a device plugin chooses, by how many are asked for and what is free: quick to work out for
    /// all that may be free at once.
    predicted: [OnceLock<Box<[u8]>>; KEPT],
    /// The best set, without a wish and with each, likewise; one by one, as asked for. 0 is not known,
    /// 1 none, everything else one more than the set.
    best: [OnceLock<Box<[AtomicU16]>>; 4],
}

impl Kept {
    /// What a plugin chooses as `n` of the `free` devices of `layout`; n is 1 to [`KEPT`].
    pub(super) fn predicted(&self, layout: &Layout, free: u32, n: usize) -> u32 {
        let choices = self.predicted[n - 1].get_or_init(|| plugin::choices(layout, n));
        u32::from(choices[free as usize])
    }

    /// The best `n` of the `free` devices with `wanted`, which `search` finds.
    pub(super) fn best(
        &self,
        free: u32,
        n: usize,
        wanted: Option<Wanted>,
        search: impl FnOnce() -> Option<u32>,
    ) -> Option<u32> {
        let question = wanted.map_or(0, |wanted| 1 + wanted as usize);
        let sets = 1 << KEPT;
        let answers = self.best[question].get_or_init(|| {
            let unknown = || AtomicU16::new(0);
            std::iter::repeat_with(unknown).take(KEPT * sets).collect()
        });
        let Some(answer) = n
            .checked_sub(1)
            .and_then(|n| answers.get(n * sets + free as usize))
        else {
            return search();
        };
        // Whoever comes first writes what everybody else would.
        match answer.load(atomic::Ordering::Relaxed) {
            0 => {
                let found = search();
                let kept = found.map_or(1, |set| set as u16 + 1);
                answer.store(kept, atomic::Ordering::Relaxed);
                found
            }
            1 => None,
            known => Some(u32::from(known - 1)),
        }
    }
}

impl PartialEq for Kept {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Kept {}

impl Ord for Kept {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
