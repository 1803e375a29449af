//! One replay in detail: where each job ran or why it did not, and what every GPU holds at one moment.
//!
//! Recorded by making the replay once more under the eyes of a `Recorder`, because keeping this for
//! every replay would take much memory and nobody looks at all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use stowage_core::plan;
use stowage_core::request::PodRequest;
use stowage_core::verbs::Planner;

use super::experiment::{Replay, Replayed};
use super::outcome::Fate;
use super::witness::{Asked, Note, Passing, Witness};
use super::world;
use crate::sim::detail::{self, NodeEnd, Reasons};
use crate::sim::experiment::ExperimentError;
use crate::sim::trace::timed::{Job, NodeNames, Pods, TimedTrace};

/// One replay in detail.
#[derive(Debug, Clone)]
pub struct Detail {
    /// What it gave.
    pub replayed: Replayed,
    /// The nodes of each job's pods at its last start, in the order of its pods; none if it never
    /// started.
    pub places: Vec<Vec<Arc<str>>>,
    /// Why jobs did not end, by their place in the trace's order.
    pub reasons: BTreeMap<usize, Reason>,
    /// The cluster at one moment.
    pub moment: Moment,
    /// Every attempt to start a job, if they were asked for.
    pub decisions: Vec<Decision>,
}

/// Why a job did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nodes of the idle cluster (a refused job) or of the cluster at the end (a waiting one) refuse
    /// one of its pods.
    Unfit(Reasons),
    /// Each of its pods would fit alone, but not all together, or the queue holds it back.
    Together,
    /// This node failed under it.
    Failed {
        /// Its name.
        node: Arc<str>,
        /// When, ms.
        at: u64,
    },
}

/// The cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// When, ms.
    pub at: u64,
    /// Every node that was up, by name.
    pub nodes: Vec<NodeEnd>,
    /// Jobs that waited.
    pub waiting: u64,
}

/// What one attempt to start a job saw for the first of its pods.
#[derive(Debug, Clone)]
pub struct Decision {
    /// When, ms.
    pub at: u64,
    /// The job's place in the trace's order.
    pub job: usize,
    /// What every node was for it.
    pub nodes: detail::Decision,
    /// Where its pods went; none if it had to wait.
    pub places: Vec<Arc<str>>,
}

impl Replay {
    /// Makes one replay again and records it, with the cluster at the moment `at`, ms; none if it is not
    /// one of this experiment's.
    ///
    /// # Errors
    /// As [`Replay::run`].
    pub fn detail(
        &self,
        (policy, seed): (&str, u64),
        at: u64,
        decisions: bool,
    ) -> Result<Option<Detail>, ExperimentError> {
        let trace = self.trace(seed)?;
        let mut recorder = Recorder::new(&trace, at, decisions);
        let replayed = self.again((policy, seed), &mut recorder)?;
        let idle = world::idle(&trace.nodes, &self.standing)?;
        Ok(replayed.map(|replayed| recorder.detail(replayed, &idle)))
    }
}

/// Records a replay.
struct Recorder<'a> {
    trace: &'a TimedTrace,
    numbers: BTreeMap<&'a str, usize>,
    /// Kinds of pods there are.
    kinds: Vec<&'a PodRequest>,
    places: Vec<Vec<Arc<str>>>,
    reasons: BTreeMap<usize, Reason>,
    /// Jobs lost since a node last failed; the node is told after them.
    lost: Vec<usize>,
    moment: Moment,
    wanted: Option<u64>,
    record_decisions: bool,
    decisions: Vec<Decision>,
    /// Jobs that wait, and the last attempt of each.
    waiting: BTreeSet<usize>,
    attempts: BTreeMap<usize, usize>,
}

impl<'a> Recorder<'a> {
    fn new(trace: &'a TimedTrace, at: u64, record_decisions: bool) -> Self {
        let jobs = trace.jobs.iter();
        let kinds: BTreeSet<&Arc<PodRequest>> = jobs.clone().flat_map(|j| j.pods.iter()).collect();
        Self {
            trace,
            numbers: (jobs.enumerate())
                .map(|(number, job)| (&*job.name, number))
                .collect(),
            kinds: kinds.into_iter().map(AsRef::as_ref).collect(),
            places: vec![Vec::new(); trace.jobs.len()],
            reasons: BTreeMap::new(),
            lost: Vec::new(),
            moment: Moment {
                at,
                ..Moment::default()
            },
            wanted: Some(at),
            record_decisions,
            decisions: Vec::new(),
            waiting: BTreeSet::new(),
            attempts: BTreeMap::new(),
        }
    }

    fn take(&mut self, waiting: u64, planner: &Planner) {
        self.wanted = None;
        let states = planner.cluster().nodes().iter();
        let end = |state| detail::end(state, &self.kinds, planner);
        self.moment.nodes = states.map(end).collect();
        self.moment.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self.moment.waiting = waiting;
    }

    fn started(&mut self, job: usize, nodes: &[Arc<str>]) {
        self.waiting.remove(&job);
        self.places[job] = nodes.to_vec();
        if let Some(attempt) = self.attempts.remove(&job) {
            self.decisions[attempt].places = nodes.to_vec();
        }
    }

    fn detail(mut self, replayed: Replayed, idle: &Planner) -> Detail {
        let mut known: BTreeMap<Likeness<'_>, Reason> = BTreeMap::new();
        for (number, record) in replayed.outcome.jobs.iter().enumerate() {
            if record.fate == Fate::Refused {
                let job = &self.trace.jobs[number];
                let reason = known.entry((&job.pods, &job.nodes));
                let reason = reason.or_insert_with(|| why(job, idle));
                self.reasons.insert(number, reason.clone());
            }
        }
        Detail {
            replayed,
            places: self.places,
            reasons: self.reasons,
            moment: self.moment,
            decisions: self.decisions,
        }
    }
}

impl Witness for Recorder<'_> {
    fn note(&mut self, note: &Note<'_>, _: &Planner) {
        let job = self.numbers.get(note.whom).copied();
        match (note.what, job) {
            ("is submitted" | "is requeued", Some(job)) => {
                self.waiting.insert(job);
            }
            ("starts", Some(job)) => self.started(job, &note.nodes),
            ("is lost", Some(job)) => self.lost.push(job),
            ("fails", _) => {
                let node: Arc<str> = note.whom.into();
                for job in self.lost.drain(..) {
                    let (node, at) = (node.clone(), note.at);
                    self.reasons.insert(job, Reason::Failed { node, at });
                }
            }
            _ => {}
        }
    }

    fn pass(&mut self, passing: &Passing, planner: &Planner) -> ControlFlow<()> {
        if self.wanted.is_some_and(|at| at < passing.to) {
            self.take(passing.level.jobs, planner);
        }
        ControlFlow::Continue(())
    }

    fn asked(&mut self, asked: &Asked<'_>, planner: &mut Planner) {
        if self.record_decisions {
            self.attempts.insert(asked.job, self.decisions.len());
            self.decisions.push(Decision {
                at: asked.at,
                job: asked.job,
                nodes: detail::decision(planner, asked.number, asked.pod),
                places: Vec::new(),
            });
        }
    }

    fn end(&mut self, planner: &Planner) {
        if self.wanted.is_some() {
            self.take(self.waiting.len() as u64, planner);
        }
        let mut known: BTreeMap<Likeness<'_>, Reason> = BTreeMap::new();
        for &number in &self.waiting {
            let job = &self.trace.jobs[number];
            let reason = known.entry((&job.pods, &job.nodes));
            let reason = reason.or_insert_with(|| why(job, planner));
            self.reasons.insert(number, reason.clone());
        }
    }
}

/// What equal jobs have in common.
type Likeness<'a> = (&'a Pods, &'a Option<Arc<NodeNames>>);

/// Why `job` cannot start now: what the nodes that its rules let it on say to the first of its pods that
/// none can take.
fn why(job: &Job, planner: &Planner) -> Reason {
    let admits = |name| job.nodes.as_ref().is_none_or(|nodes| nodes.contains(name));
    let mut seen: Option<&Arc<PodRequest>> = None;
    for pod in job.pods.iter() {
        // Pods of a gang are mostly equal.
        if seen.replace(pod).is_some_and(|last| last == pod) {
            continue;
        }
        let mut reasons = Reasons::new();
        let mut fits = false;
        let nodes = planner.cluster().nodes().iter();
        for node in nodes.filter(|state| admits(&state.node().name)) {
            match plan::candidate(node, pod, planner.context()) {
                Ok(_) => fits = true,
                Err(unfit) => *reasons.entry(unfit).or_insert(0) += 1,
            }
        }
        if !fits {
            return Reason::Unfit(reasons);
        }
    }
    Reason::Together
}
