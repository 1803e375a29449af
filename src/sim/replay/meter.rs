//! What is measured while a replay runs: levels over time, and where idle GPUs are when jobs wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use stowage_core::node::NodeState;
use stowage_core::plan::{self, Context, Parameters};
use stowage_core::request::PodRequest;
use stowage_core::strategy::{Strategy, fgd::Outlook};
use stowage_core::unfit::Unfit;

use super::series::{Area, Causes, Level, Series};

/// Idle GPUs are judged by so many requests, those that most pods wait with.
const JUDGED: usize = 8;

/// Levels, their integrals and their curve.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) level: Level,
    now: u64,
    /// Until the last submission, and after it.
    submitting_until: u64,
    pub(super) submitting: Area,
    pub(super) whole: Area,
    pub(super) series: Series,
    pub(super) peak_jobs: u64,
    /// Most GPU compute held and, then, waited for over some time, and since when.
    pub(super) busiest: ((u64, u64), u64),
    judge: Context,
}

impl Meter {
    pub(super) fn new(submitting_until: u64, span: u64) -> Self {
        let outlook = Arc::new(Outlook::default());
        Self {
            level: Level::default(),
            now: 0,
            submitting_until,
            submitting: Area::default(),
            whole: Area::default(),
            series: Series::new(span),
            peak_jobs: 0,
            busiest: Default::default(),
            judge: Context::new(Strategy::BestFit, Parameters::default(), outlook, 0),
        }
    }

    /// Until when levels are counted, ms.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Counts the level from the last moment to `now`.
    pub(super) fn advance<'a>(
        &mut self,
        now: u64,
        nodes: &[NodeState],
        waiting: impl Iterator<Item = (&'a [Arc<PodRequest>], u32)>,
    ) {
        self.peak_jobs = self.peak_jobs.max(self.level.jobs);
        if now <= self.now {
            return;
        }
        let load = (self.level.allocated, self.level.waiting);
        if load > self.busiest.0 {
            self.busiest = (load, self.now);
        }
        let sampled = self.level.jobs > 0 && self.series.ends_before(now);
        let causes = match sampled {
            true => self.causes(nodes, waiting),
            false => Causes::default(),
        };
        self.series.advance(now, &self.level, &causes);
        self.whole.add(&self.level, now - self.now);
        let until = now.min(self.submitting_until);
        self.submitting
            .add(&self.level, until.saturating_sub(self.now));
        self.now = now;
    }

    fn causes<'a>(
        &self,
        nodes: &[NodeState],
        waiting: impl Iterator<Item = (&'a [Arc<PodRequest>], u32)>,
    ) -> Causes {
        let mut counts: BTreeMap<&PodRequest, u64> = BTreeMap::new();
        for (pods, jobs) in waiting {
            for pod in pods.iter().filter(|pod| pod.wants_gpu()) {
                *counts.entry(pod).or_insert(0) += u64::from(jobs);
            }
        }
        let mut requests: Vec<_> = counts.into_iter().collect();
        requests.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        requests.truncate(JUDGED);
        let mut causes = Causes::default();
        for node in nodes {
            let idle = node.free().gpu_milli();
            if idle > 0 && !requests.is_empty() {
                let answers = requests.iter().map(|(request, _)| {
                    let answer = plan::candidate(node, request, &self.judge);
                    answer.err()
                });
                *slot(&mut causes, answers) += idle;
            }
        }
        causes
    }
}

/// Where idle compute of a node counts that answers so.
fn slot(causes: &mut Causes, answers: impl Iterator<Item = Option<Unfit>>) -> &mut u64 {
    let (mut room, mut pieces) = (false, false);
    for answer in answers {
        match answer {
            None => return &mut causes.held_back,
            Some(Unfit::Pods | Unfit::Cores | Unfit::Memory) => room = true,
            Some(Unfit::NoGpu | Unfit::NoHandOver | Unfit::Model) => {}
            Some(_) => pieces = true,
        }
    }
    match (pieces, room) {
        (true, _) => &mut causes.pieces,
        (false, true) => &mut causes.room,
        (false, false) => &mut causes.model,
    }
}
