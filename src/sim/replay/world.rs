//! The cluster of a replay and the state of its jobs, by rank.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stowage_core::cluster::{Cluster, ClusterError};
use stowage_core::node::Node;
use stowage_core::plan::{Context, Parameters};
use stowage_core::strategy::Strategy;
use stowage_core::verbs::Planner;

use super::engine::{self, Input, Likeness};
use super::gang;
use super::outcome::{Fate, JobRecord};
use super::queue::{Class, Rank};
use super::witness::Asked;
use crate::sim::trace::gavel::Slowdown;
use crate::sim::trace::timed::{Job, NodeEventKind, Standing};
use crate::sim::trace::{TraceNode, offered_milli};

pub(super) struct World<'a> {
    input: Input<'a>,
    planner: Planner,
    /// All nodes, and only those on them who stay.
    idle: Planner,
    fits_idle: BTreeMap<Class, bool>,
    nodes: BTreeMap<&'a str, usize>,
    ranks: Vec<Rank>,
    jobs: Vec<u32>,
    class_of: Vec<Class>,
    classes: Vec<Likeness>,
    /// By job: GPU compute, number of its first pod.
    milli: Vec<u64>,
    first_pod: Vec<u64>,
    /// Pods of all jobs; what is numbered higher stood there before.
    pods: u64,
    records: Vec<JobRecord>,
    running: usize,
    /// Jobs that have been tried, and how often something was freed.
    tried: Vec<bool>,
    round: u64,
    /// GPUs of the largest node.
    largest: u64,
}

impl<'a> World<'a> {
    pub(super) fn new(input: Input<'a>, context: Context) -> Result<Self, ClusterError> {
        let added = input.events.iter().filter(|e| e.kind == NodeEventKind::Add);
        let later: BTreeSet<&str> = added.map(|event| event.node.as_ref()).collect();
        let node = |at: usize| node(input, at);
        let all = 0..input.nodes.len();
        let there = all
            .clone()
            .filter(|&at| !later.contains(&*input.nodes[at].name));
        let judge = judge(*context.parameters());
        let (ranks, jobs) = engine::ranks(input.jobs);
        let (class_of, classes) = engine::classes(input.jobs);
        let mut pods = 0;
        let first_pod = input.jobs.iter().map(|job| {
            let first = pods;
            pods += job.pods.len() as u64;
            first
        });
        let first_pod = first_pod.collect();
        let largest = input.nodes.iter().map(|node| node.gpus.len()).max();
        let with_standing = |mut cluster: Cluster| {
            cluster.replace_pods(input.standing.0.iter().cloned(), &BTreeSet::new());
            cluster
        };
        let there = with_standing(Cluster::new(there.map(node))?);
        let idle = with_standing(Cluster::new(all.clone().map(node))?);
        Ok(Self {
            input,
            first_pod,
            pods,
            planner: Planner::new(there, context),
            idle: Planner::new(idle, judge),
            fits_idle: BTreeMap::new(),
            nodes: all.map(|at| (&*input.nodes[at].name, at)).collect(),
            ranks,
            jobs,
            class_of,
            classes,
            milli: input.jobs.iter().map(Job::gpu_milli).collect(),
            records: vec![JobRecord::default(); input.jobs.len()],
            running: 0,
            tried: vec![false; input.jobs.len()],
            round: 1,
            largest: largest.unwrap_or(1).max(1) as u64,
        })
    }

    pub(super) fn planner(&self) -> &Planner {
        &self.planner
    }

    pub(super) fn classes(&self) -> &[Likeness] {
        &self.classes
    }

    /// GPU compute of the nodes that are there.
    pub(super) fn capacity(&self) -> u64 {
        let nodes = self.planner.cluster().nodes().iter();
        nodes.map(|state| offered_milli(state.node())).sum()
    }

    /// GPU compute of who stands on these nodes.
    pub(super) fn standing(&self) -> u64 {
        let nodes = self.planner.cluster().nodes().iter();
        let holds = nodes.flat_map(|state| state.holds().values());
        holds.map(|hold| hold.request.gpu_milli()).sum()
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    pub(super) fn rank_of(&self, job: usize) -> Rank {
        self.ranks[job]
    }

    fn at(&self, rank: Rank) -> usize {
        self.jobs[rank as usize] as usize
    }

    pub(super) fn job(&self, rank: Rank) -> &'a Job {
        &self.input.jobs[self.at(rank)]
    }

    pub(super) fn class_of(&self, rank: Rank) -> Class {
        self.class_of[self.at(rank)]
    }

    pub(super) fn milli(&self, rank: Rank) -> u64 {
        self.milli[self.at(rank)]
    }

    pub(super) fn record(&self, rank: Rank) -> &JobRecord {
        &self.records[self.at(rank)]
    }

    pub(super) fn is_running(&self, rank: Rank) -> bool {
        self.record(rank).fate == Fate::Running
    }

    pub(super) fn set(&mut self, rank: Rank, fate: Fate) {
        let at = self.at(rank);
        self.records[at].fate = fate;
    }

    pub(super) fn into_records(self) -> Vec<JobRecord> {
        self.records
    }

    /// Whether an idle cluster of all nodes can take the job.
    pub(super) fn fits_idle(&mut self, rank: Rank) -> bool {
        let class = self.class_of(rank);
        if let Some(&fits) = self.fits_idle.get(&class) {
            return fits;
        }
        let (pods, nodes) = &self.classes[class as usize];
        let placed = gang::place(&mut self.idle, 0, 0, (pods, nodes.as_deref()));
        let fits = matches!(placed, Ok(Some(_)));
        if fits {
            gang::release(&mut self.idle, 0, pods.len());
        }
        self.fits_idle.insert(class, fits);
        fits
    }

    /// Books the job if there is a place for all of it.
    pub(super) fn place(&mut self, rank: Rank, now: u64) -> Result<bool, ClusterError> {
        let at = self.at(rank);
        let round = self.next_round(at);
        self.tried[at] = true;
        let (first, job) = (self.first_pod[at], &self.input.jobs[at]);
        let pods = (&*job.pods, job.nodes.as_deref());
        let Some(places) = gang::place(&mut self.planner, round, first, pods)? else {
            return Ok(false);
        };
        let record = &mut self.records[at];
        record.fate = Fate::Running;
        record.first_start.get_or_insert(now);
        record.last_start = now;
        record.starts += 1;
        record.nodes = gang::spanned(&places);
        self.running += 1;
        Ok(true)
    }

    /// Which attempt the next one of the job is: 0 the first time.
    fn next_round(&self, at: usize) -> u64 {
        if self.tried[at] { self.round } else { 0 }
    }

    /// What is about to be decided about the job's first pod, and by whom.
    pub(super) fn asked(&mut self, rank: Rank, now: u64) -> (Asked<'a>, &mut Planner) {
        let at = self.at(rank);
        let job = &self.input.jobs[at];
        let asked = Asked {
            at: now,
            job: at,
            number: gang::decision(self.next_round(at), self.first_pod[at]),
            pod: &job.pods[0],
        };
        (asked, &mut self.planner)
    }

    /// When the job that starts at `now` ends.
    pub(super) fn end_of(&self, rank: Rank, now: u64, slowdown: Option<&Slowdown>) -> Option<u64> {
        let duration = self.job(rank).duration?;
        let gpus = self.milli(rank).div_ceil(1000);
        let spread = self.record(rank).nodes > self.nodes_needed(rank);
        let duration = match slowdown {
            Some(slowdown) if spread => slowdown.spread(duration, gpus),
            _ => duration,
        };
        Some(now.saturating_add(duration))
    }

    /// On how few nodes the job's GPUs could be.
    fn nodes_needed(&self, rank: Rank) -> u32 {
        let needed = self.milli(rank).div_ceil(1000 * self.largest).max(1);
        u32::try_from(needed).unwrap_or(u32::MAX)
    }

    /// The names of the job's nodes, in the order of its pods.
    pub(super) fn nodes_of(&self, rank: Rank) -> Vec<Arc<str>> {
        let at = self.at(rank);
        let pods = self.planner.cluster().pods();
        let count = self.input.jobs[at].pods.len();
        let uids = (self.first_pod[at]..).take(count);
        let uids = uids.map(|number| stowage_core::units::PodUid(u128::from(number)));
        uids.filter_map(|uid| pods.get(&uid).cloned()).collect()
    }

    /// Gives back what the running job holds.
    pub(super) fn release(&mut self, rank: Rank, fate: Fate, now: u64) {
        let at = self.at(rank);
        gang::release(
            &mut self.planner,
            self.first_pod[at],
            self.input.jobs[at].pods.len(),
        );
        self.running -= 1;
        self.round += 1;
        let record = &mut self.records[at];
        record.fate = fate;
        record.end = (fate == Fate::Ended).then_some(now);
        record.ran = now - record.last_start;
    }

    /// The same for a job whose work since its start is lost.
    pub(super) fn interrupt(&mut self, rank: Rank, fate: Fate, now: u64) {
        let at = self.at(rank);
        self.release(rank, fate, now);
        let record = &mut self.records[at];
        record.lost += now - record.last_start;
        record.failures += 1;
    }

    /// The jobs with a pod on `node`, by rank; none if there is no such node now.
    pub(super) fn jobs_on(&self, node: &str) -> Option<BTreeSet<Rank>> {
        let at = self.planner.cluster().find(node)?;
        let pods = self.planner.node(at).holds().keys();
        let pods = pods.filter(|pod| pod.0 < u128::from(self.pods));
        let job = |pod: &stowage_core::units::PodUid| {
            let number = pod.0 as u64;
            self.first_pod.partition_point(|&first| first <= number) - 1
        };
        Some(pods.map(|pod| self.ranks[job(pod)]).collect())
    }

    /// Takes away who stood on `node` from the start, and says how much GPU compute they held.
    pub(super) fn evict(&mut self, node: &str) -> u64 {
        let cluster = self.planner.cluster();
        let Some(at) = cluster.find(node) else {
            return 0;
        };
        let holds = cluster.nodes()[at.index()].holds().iter();
        let pods: Vec<_> = holds
            .map(|(pod, hold)| (*pod, hold.request.gpu_milli()))
            .collect();
        for (pod, _) in &pods {
            self.planner.release(*pod);
        }
        pods.iter().map(|(_, milli)| milli).sum()
    }

    /// Removes `node`, on which nobody is, and says how much GPU compute goes with it.
    pub(super) fn take_down(&mut self, node: &str) -> u64 {
        let state = self.planner.remove_node(node);
        state.map_or(0, |state| offered_milli(state.node()))
    }

    /// Adds `node` unless it is there, and says how much GPU compute comes with it.
    pub(super) fn bring_up(&mut self, name: &str) -> Result<Option<u64>, ClusterError> {
        let Some(&at) = self.nodes.get(name) else {
            return Ok(None);
        };
        if self.planner.cluster().find(name).is_some() {
            return Ok(None);
        }
        self.planner.add_node(node(self.input, at))?;
        self.round += 1;
        Ok(Some(offered_milli(&self.input.nodes[at])))
    }
}

/// All of `nodes`, and only those of `standing` on them.
pub(super) fn idle(nodes: &[TraceNode], standing: &Standing) -> Result<Planner, ClusterError> {
    let nodes = (0..).zip(nodes).map(|(rank, node)| as_node(node, rank));
    let mut cluster = Cluster::new(nodes)?;
    cluster.replace_pods(standing.0.iter().cloned(), &BTreeSet::new());
    Ok(Planner::new(cluster, judge(Parameters::default())))
}

/// Best fit wastes least, and what one strategy can run on an idle cluster all should.
fn judge(parameters: Parameters) -> Context {
    Context::new(Strategy::BestFit, parameters, Arc::default(), 0)
}

fn node(input: Input<'_>, at: usize) -> Node {
    as_node(&input.nodes[at], input.ranks[at])
}

fn as_node(node: &TraceNode, rank: u32) -> Node {
    Node {
        rank,
        ..node.clone()
    }
}
