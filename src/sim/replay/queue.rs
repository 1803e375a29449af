//! Who goes next: kube-scheduler's queue, strict FIFO, or backfill.
//!
//! Jobs go by priority, the higher first, then by submission, then by name; that order is their *rank*.
//!
//! *kube-scheduler* (`backend/queue/scheduling_queue.go`, Kubernetes 1.37) takes jobs one by one. One
//! that fits nowhere is set aside and comes back when something was freed (a departure, a repair, a new
//! node wakes all), not before its back-off is over: 1 s after the first refusal, doubled with each, at
//! most 10 s. Every 5 minutes without that it is tried anyway, in vain, which renews its back-off.
//! Upstream, a job that comes back goes by the time of its last refusal; here it keeps its rank.
//! *Strict FIFO* starts nobody before the first in line has started. *Backfill* goes through the whole
//! line whenever something changed and starts every job for which a place is free now; it plans no
//! reservation for those that must wait, because nobody knows run times in advance, so a large job can
//! be passed for as long as small ones come.
//!
//! Jobs with equal requests are of one *class*. When a class has been refused, it is not asked about
//! again before something is freed: placing other pods cannot make room. (For gangs of pods that differ
//! this is a rule rather than a theorem.) Jobs of one class with equal back-off share one cohort, so
//! that waking ten thousand waiting jobs costs as much as waking one. `tests.rs` compares with a queue
//! that knows neither classes nor cohorts.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::mem;

/// A job's place in line, by which it is also known.
pub(super) type Rank = u32;
/// Jobs with equal requests.
pub(super) type Class = u32;

/// The queue's rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Discipline {
    /// kube-scheduler's.
    #[default]
    KubeScheduler,
    /// Nobody overtakes.
    StrictFifo,
    /// Whoever fits starts.
    Backfill,
}

/// Time in the unschedulable pool after which a pod is tried anyway, ms.
const FLUSH_MS: u64 = 300_000;
/// Refusals after which the back-off no longer grows.
const RIPE: u8 = 5;

/// Back-off after so many refusals, ms: 1, 2, 4, 8, 10, 10 s ...
fn back_off(refusals: u8) -> u64 {
    match refusals {
        0 => 0,
        n if n < RIPE => 1000 << (n - 1),
        _ => 10_000,
    }
}

/// Jobs that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    discipline: Discipline,
    /// To be tried in this pass, by class and refusals so far.
    active: BTreeMap<(Class, u8), BTreeSet<Rank>>,
    /// Refused since something was last freed; by class, refusals and the time of the last one.
    parked: BTreeMap<(Class, u8, u64), BTreeSet<Rank>>,
    /// Woken before their back-off is over, by the end of it.
    cooling: BTreeMap<u64, BTreeMap<(Class, u8), BTreeSet<Rank>>>,
    /// Classes refused since something was last freed.
    refused: BTreeSet<Class>,
    /// How many wait, by class.
    waiting: BTreeMap<Class, u32>,
}

impl Queue {
    pub(super) fn new(discipline: Discipline) -> Self {
        Self {
            discipline,
            ..Self::default()
        }
    }

    /// Adds a job.
    pub(super) fn submit(&mut self, rank: Rank, class: Class) {
        self.active.entry((class, 0)).or_default().insert(rank);
        *self.waiting.entry(class).or_insert(0) += 1;
    }

    /// Classes of which jobs wait, with their number.
    pub(super) fn waiting(&self) -> &BTreeMap<Class, u32> {
        &self.waiting
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next back-off ends.
    pub(super) fn next_retry(&self) -> Option<u64> {
        self.cooling.first_key_value().map(|(at, _)| *at)
    }

    /// Something was freed at `now`: refusals no longer count.
    pub(super) fn wake(&mut self, now: u64) {
        self.refused.clear();
        for ((class, refusals, last), jobs) in mem::take(&mut self.parked) {
            let flushes = (now - last) / FLUSH_MS;
            let refusals = (u64::from(refusals) + flushes).min(u64::from(RIPE)) as u8;
            let ready = last + flushes * FLUSH_MS + back_off(refusals);
            let cohorts = match ready <= now {
                true => &mut self.active,
                false => self.cooling.entry(ready).or_default(),
            };
            join(cohorts.entry((class, refusals)).or_default(), jobs);
        }
    }

    /// Lets those whose back-off ends at `now` come back.
    pub(super) fn retry(&mut self, now: u64) {
        while let Some(entry) = self.cooling.first_entry()
            && *entry.key() <= now
        {
            for (key, jobs) in entry.remove() {
                join(self.active.entry(key).or_default(), jobs);
            }
        }
    }

    /// Works the line off at `now`: asks `place` about jobs in order of rank, which books them.
    pub(super) fn pass(&mut self, now: u64, mut place: impl FnMut(Rank) -> bool) {
        let mut heads: BinaryHeap<Reverse<(Rank, (Class, u8))>> = BinaryHeap::new();
        let fifo = self.discipline == Discipline::StrictFifo;
        for (key, jobs) in &self.active {
            if fifo || !self.refused.contains(&key.0) {
                heads.extend(jobs.first().map(|&rank| Reverse((rank, *key))));
            }
        }
        while let Some(Reverse((rank, key))) = heads.pop() {
            if self.refused.contains(&key.0) || !place(rank) {
                self.refused.insert(key.0);
                if fifo {
                    break;
                }
                continue;
            }
            self.started(rank, key);
            if let Some(next) = self.active.get(&key).and_then(BTreeSet::first) {
                heads.push(Reverse((*next, key)));
            }
        }
        if self.discipline == Discipline::KubeScheduler {
            for ((class, refusals), jobs) in mem::take(&mut self.active) {
                let key = (class, (refusals + 1).min(RIPE), now);
                join(self.parked.entry(key).or_default(), jobs);
            }
        }
    }

    fn started(&mut self, rank: Rank, key: (Class, u8)) {
        if let Some(jobs) = self.active.get_mut(&key) {
            jobs.remove(&rank);
            if jobs.is_empty() {
                self.active.remove(&key);
            }
        }
        if let Some(count) = self.waiting.get_mut(&key.0) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&key.0);
            }
        }
    }
}

/// Adds `more` to `jobs`, the smaller to the larger.
fn join(jobs: &mut BTreeSet<Rank>, mut more: BTreeSet<Rank>) {
    if jobs.len() < more.len() {
        mem::swap(jobs, &mut more);
    }
    jobs.extend(more);
}
