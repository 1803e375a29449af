//! Attempts to write a Binding, by pod: how many are in flight, and since when the outcome of one is
//! open.
//!
//! Several attempts may share one reservation, because kube-scheduler asks again after its own time-out.
//! The refusal of one says nothing about another that may still be applied: what was booked is freed
//! only when no attempt is left that could be.

use std::collections::BTreeMap;

use stowage_core::units::{PodUid, Timestamp};

/// Attempts that may still matter.
#[derive(Debug, Default)]
pub struct Attempts(BTreeMap<PodUid, Attempt>);

#[derive(Debug, Default)]
struct Attempt {
    in_flight: u32,
    open_since: Option<Timestamp>,
    /// Whether somebody is finding out.
    followed: bool,
}

impl Attempts {
    /// An attempt begins.
    pub fn begin(&mut self, pod: PodUid) {
        self.0.entry(pod).or_default().in_flight += 1;
    }

    /// An attempt ends; `open` says when, if it may have been applied or may still be.
    pub fn end(&mut self, pod: PodUid, open: Option<Timestamp>) {
        if let Some(attempt) = self.0.get_mut(&pod) {
            attempt.in_flight = attempt.in_flight.saturating_sub(1);
            attempt.open_since = open.or(attempt.open_since);
            if attempt.in_flight == 0 && attempt.open_since.is_none() {
                self.0.remove(&pod);
            }
        }
    }

    /// Whether an attempt may have been applied, or may still be.
    #[must_use]
    pub fn may_be_applied(&self, pod: PodUid) -> bool {
        self.0.contains_key(&pod)
    }

    /// Whether a read at `moment` that shows the pod unbound disproves all attempts: none is in flight,
    /// and the last open one ended at least `after_ms` before.
    #[must_use]
    pub fn disproved(&self, pod: PodUid, moment: Timestamp, after_ms: u64) -> bool {
        self.0.get(&pod).is_none_or(|attempt| {
            let since = attempt.open_since.map_or(0, |since| since.0);
            attempt.in_flight == 0 && moment.0 >= since.saturating_add(after_ms)
        })
    }

    /// Whether the caller is the first who wants to find out.
    pub fn follow(&mut self, pod: PodUid) -> bool {
        let attempt = self.0.entry(pod).or_default();
        !std::mem::replace(&mut attempt.followed, true)
    }

    /// It is known how all of them ended.
    pub fn forget(&mut self, pod: PodUid) {
        self.0.remove(&pod);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_says_nothing_about_an_attempt_that_is_open() {
        let (pod, mut attempts) = (PodUid(1), Attempts::default());
        attempts.begin(pod);
        attempts.end(pod, Some(Timestamp(100)));
        attempts.begin(pod);
        assert!(
            !attempts.disproved(pod, Timestamp(9_999), 50),
            "one is in flight"
        );
        attempts.end(pod, None);
        assert!(attempts.may_be_applied(pod));
        assert!(!attempts.disproved(pod, Timestamp(149), 50));
        assert!(attempts.disproved(pod, Timestamp(150), 50));
    }

    #[test]
    fn attempt_that_was_refused_leaves_nothing() {
        let (pod, mut attempts) = (PodUid(1), Attempts::default());
        attempts.begin(pod);
        attempts.end(pod, None);
        assert!(!attempts.may_be_applied(pod));
    }
}
