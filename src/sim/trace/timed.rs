//! A trace with times: jobs that are submitted, run and end, and nodes that fail and come back.
//!
//! Times are milliseconds since the trace's first submission. A job is one pod or a gang: its pods
//! start together or not at all, and end together. Lines of a trace carry no order of their own: jobs
//! are kept by submission, then by name, so that shuffled lines give the same trace.
//!
//! Offered load is the GPU time that jobs would hold between the first submission and the last if nobody
//! waited, over the GPU time that there is: the sum over jobs of GPUs x min(duration, last submission -
//! own), over GPUs of the cluster that nobody holds for good x (last submission - first). It is what is allocated then. Times of
//! submission are compressed by dividing them; durations stay as they are. To reach a target, the
//! smallest divisor with that load is searched by bisection: load never falls when times are compressed.
//! The most that can be reached is when all jobs are there at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stowage_core::cluster::BoundPod;
use stowage_core::request::PodRequest;

use super::{TraceNode, offered_milli};

/// A cluster, what it is asked to run, and what happens to its nodes.
#[derive(Debug, Clone)]
pub struct TimedTrace {
    /// Where it comes from, as the user wrote it.
    pub source: String,
    /// The nodes, in the trace's order; those of `node_add` are there from that event on.
    pub nodes: Vec<TraceNode>,
    /// The jobs, in order of submission, then by name.
    pub jobs: Vec<Job>,
    /// What happens to nodes, in order of time, then by kind and name.
    pub events: Vec<NodeEvent>,
}

/// One pod or a gang.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Unique name.
    pub name: Arc<str>,
    /// Whose it is; may be empty.
    pub tenant: Arc<str>,
    /// When it is submitted, ms.
    pub submit: u64,
    /// How long it runs, ms; none if it never ends.
    pub duration: Option<u64>,
    /// The higher goes first in the queue; nothing is preempted.
    pub priority: i32,
    /// Its pods, at least one. Equal requests share one value.
    pub pods: Pods,
    /// The nodes that its rules let it on; none: every node.
    pub nodes: Option<Arc<NodeNames>>,
}

/// Names of nodes.
pub type NodeNames = BTreeSet<Arc<str>>;

/// Who is on a cluster before the first job is submitted, and stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing(pub Vec<BoundPod>);

impl Standing {
    /// GPU compute that they asked for, thousandths of a device.
    #[must_use]
    pub fn milli(&self) -> u64 {
        self.0.iter().map(|pod| pod.request.gpu_milli()).sum()
    }
}

/// The pods of a job.
pub type Pods = Arc<[Arc<PodRequest>]>;

/// Something that happens to a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeEvent {
    /// When, ms.
    pub at: u64,
    /// What.
    pub kind: NodeEventKind,
    /// To which node.
    pub node: Arc<str>,
}

/// What happens to a node, in the order in which events of one moment count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeEventKind {
    /// It is repaired.
    Up,
    /// It joins the cluster.
    Add,
    /// It fails; what ran there is lost.
    Down,
}

impl NodeEventKind {
    /// As files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "node_up",
            Self::Add => "node_add",
            Self::Down => "node_down",
        }
    }
}

impl Job {
    /// GPU compute asked for in all, thousandths of a device.
    #[must_use]
    pub fn gpu_milli(&self) -> u64 {
        self.pods.iter().map(|pod| pod.gpu_milli()).sum()
    }
}

impl TimedTrace {
    /// Brings jobs and events into their order and the first submission to 0. An event from before
    /// that counts at 0.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        let first = self.jobs.iter().map(|job| job.submit).min().unwrap_or(0);
        for job in &mut self.jobs {
            job.submit -= first;
        }
        for event in &mut self.events {
            event.at = event.at.saturating_sub(first);
        }
        self.jobs
            .sort_by(|a, b| (a.submit, &a.name).cmp(&(b.submit, &b.name)));
        self.events.sort();
        self
    }

    /// GPU compute of all nodes, thousandths of a device.
    #[must_use]
    pub fn capacity_milli(&self) -> u64 {
        self.nodes.iter().map(offered_milli).sum()
    }

    /// When the last job is submitted, ms.
    #[must_use]
    pub fn last_submit(&self) -> u64 {
        self.jobs.last().map_or(0, |job| job.submit)
    }

    /// The offered load in thousandths where others hold `standing` thousandths of a device for good;
    /// none if all jobs are submitted at once or no GPU is left.
    #[must_use]
    pub fn offered_per_mille(&self, standing: u64) -> Option<u64> {
        self.load_at(ONE, standing)
    }

    /// The offered load in thousandths if times are divided by `by` millionths.
    fn load_at(&self, by: u64, standing: u64) -> Option<u64> {
        let last = self.last_submit();
        let held = self.jobs.iter().map(|job| {
            let left = u128::from(last - job.submit) * u128::from(ONE);
            let runs = job.duration.map(|ms| u128::from(ms) * u128::from(by));
            u128::from(job.gpu_milli()) * runs.map_or(left, |runs| runs.min(left))
        });
        let open = self.capacity_milli().saturating_sub(standing);
        let there = u128::from(open) * u128::from(last) * u128::from(ONE);
        let load = (held.sum::<u128>() * 1000).checked_div(there)?;
        u64::try_from(load).ok()
    }

    /// The same with times of submission divided by `by` millionths. Events of nodes stay where they
    /// are.
    #[must_use]
    pub fn compressed(mut self, by: u64) -> Self {
        for job in &mut self.jobs {
            let at = u128::from(job.submit) * u128::from(ONE) / u128::from(by.max(1));
            job.submit = u64::try_from(at).unwrap_or(u64::MAX);
        }
        self.ordered()
    }

    /// The same with times of submission compressed or stretched so that the offered load is
    /// `target` thousandths where others hold `standing` thousandths of a device for good.
    ///
    /// # Errors
    /// The most that can be reached, in thousandths.
    pub fn at_load(self, target: u64, standing: u64) -> Result<Self, u64> {
        let load = |by| self.load_at(by, standing).unwrap_or(0);
        let (mut low, mut high) = (1, MOST_COMPRESSED);
        if load(high) < target {
            return Err(load(high));
        }
        while low < high {
            let middle = low + (high - low) / 2;
            match load(middle) < target {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(self.compressed(low))
    }
}

/// No compression, in millionths.
pub const ONE: u64 = 1_000_000;
/// Times of submission are divided by a billion at most.
const MOST_COMPRESSED: u64 = 1_000_000_000 * ONE;

/// Makes equal requests share one value.
#[derive(Debug, Default)]
pub struct Requests(BTreeMap<PodRequest, Arc<PodRequest>>);

impl Requests {
    /// The shared value of `request`.
    pub fn share(&mut self, request: PodRequest) -> Arc<PodRequest> {
        if let Some(shared) = self.0.get(&request) {
            return shared.clone();
        }
        let shared = Arc::new(request.clone());
        self.0.insert(request, shared.clone());
        shared
    }
}
