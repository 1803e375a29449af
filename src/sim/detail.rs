//! One run in detail: where each pod went or why it was refused, and what every GPU holds at the end.
//!
//! Recorded by making the run once more with a [`Witness`], because keeping this for every run would
//! take much memory and nobody looks at all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stowage_core::node::NodeState;
use stowage_core::plan;
use stowage_core::ranking::Verdict;
use stowage_core::request::{Devices, Kind, PodRequest};
use stowage_core::unfit::Unfit;
use stowage_core::units::NodeIx;
use stowage_core::verbs::{Placement, Planner};

use super::experiment::Run;
use super::run::Witness;
use super::trace::PodList;

/// Nodes of a decision that are recorded, the best first.
const BEST: usize = 3;

/// One run in detail.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Which run, and what it gave.
    pub run: Run,
    /// Every pod, in order of arrival.
    pub pods: Vec<Pod>,
    /// Every decision, if they were asked for.
    pub decisions: Vec<Decision>,
    /// Every node at the end, by name.
    pub nodes: Vec<NodeEnd>,
}

/// A pod and what became of it.
#[derive(Debug, Clone)]
pub struct Pod {
    /// What it asked for.
    pub request: Arc<PodRequest>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a pod.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It runs.
    Placed {
        /// The node's name.
        node: Arc<str>,
        /// On which devices.
        devices: Devices,
    },
    /// It fitted nowhere.
    Refused {
        /// How many nodes refused it, by reason.
        reasons: Reasons,
        /// GPU compute that was free in the whole cluster then, thousandths of a device.
        free_milli: u64,
    },
}

/// How many nodes refused a pod, by reason.
pub type Reasons = BTreeMap<Unfit, u32>;

/// What one decision saw.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Nodes that could take the pod.
    pub feasible: u32,
    /// Those that could not.
    pub reasons: Reasons,
    /// The best nodes with their scores.
    pub best: Vec<(Arc<str>, i64)>,
}

/// A node at the end.
#[derive(Debug, Clone)]
pub struct NodeEnd {
    /// Its name.
    pub name: Arc<str>,
    /// The model of its GPUs; empty without any.
    pub model: String,
    /// Its GPUs.
    pub gpus: Vec<GpuEnd>,
}

/// A GPU at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GpuEnd {
    /// Who holds how many thousandths, the largest pods first.
    pub held: Vec<(Kind, u32)>,
    /// Thousandths that nobody holds.
    pub free: u32,
    /// Why no pod of the list could take what is free, if none could: what most of them lack.
    pub stranded: Option<Unfit>,
}

/// Records a run.
#[derive(Debug)]
pub struct Recorder {
    record_decisions: bool,
    pods: Vec<Pod>,
    decisions: Vec<Decision>,
    free_milli: Option<u64>,
}

impl Recorder {
    /// Records pods and, if asked for, decisions.
    #[must_use]
    pub fn new(record_decisions: bool) -> Self {
        Self {
            record_decisions,
            pods: Vec::new(),
            decisions: Vec::new(),
            free_milli: None,
        }
    }

    /// What was recorded of `run`, which played `list` and left `planner`.
    #[must_use]
    pub fn detail(self, run: Run, list: &PodList, planner: &Planner) -> Detail {
        let kinds: BTreeSet<&Arc<PodRequest>> = list.pods.iter().collect();
        let kinds: Vec<&PodRequest> = kinds.into_iter().map(AsRef::as_ref).collect();
        let states = planner.cluster().nodes().iter();
        let mut nodes: Vec<_> = states.map(|state| end(state, &kinds, planner)).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Detail {
            run,
            pods: self.pods,
            decisions: self.decisions,
            nodes,
        }
    }
}

impl Witness for Recorder {
    fn before(&mut self, planner: &mut Planner, number: u64, pod: &Arc<PodRequest>) {
        if self.record_decisions {
            self.decisions.push(decision(planner, number, pod));
        }
    }

    fn after(
        &mut self,
        planner: &mut Planner,
        number: u64,
        pod: &Arc<PodRequest>,
        placed: Option<&Placement>,
    ) {
        let all = || {
            planner
                .cluster()
                .nodes()
                .iter()
                .map(|n| n.free().gpu_milli())
        };
        let free = self
            .free_milli
            .unwrap_or_else(|| all().sum::<u64>() + held(pod, placed));
        self.free_milli = Some(free - held(pod, placed));
        let fate = match placed {
            Some(placement) => Fate::Placed {
                node: planner.node(placement.node).node().name.clone(),
                devices: placement.devices.clone(),
            },
            None => Fate::Refused {
                reasons: decision(planner, number, pod).reasons,
                free_milli: free,
            },
        };
        self.pods.push(Pod {
            request: pod.clone(),
            fate,
        });
    }
}

fn held(pod: &PodRequest, placed: Option<&Placement>) -> u64 {
    placed.map_or(0, |_| pod.gpu_milli())
}

/// What every node is for `pod` at decision `number`.
pub(super) fn decision(planner: &mut Planner, number: u64, pod: &PodRequest) -> Decision {
    let nodes = planner.cluster().nodes().len() as u32;
    let verdicts: Vec<Verdict> = {
        let verdict = planner.verdicts(number, pod);
        (0..nodes).map(|node| verdict(NodeIx(node))).collect()
    };
    let mut reasons = Reasons::new();
    let mut best: Vec<(std::cmp::Reverse<i64>, u64, u32)> = Vec::new();
    let mut feasible = 0;
    for (node, verdict) in (0..).zip(verdicts) {
        if let Verdict::Unfit(unfit) = verdict {
            *reasons.entry(unfit).or_insert(0) += 1;
            continue;
        }
        feasible += 1;
        let tie = planner.context().tie(planner.node(NodeIx(node)).tie());
        best.push((std::cmp::Reverse(verdict.rank()), tie, node));
        if best.len() > 2 * BEST {
            best.sort_unstable();
            best.truncate(BEST);
        }
    }
    best.sort_unstable();
    best.truncate(BEST);
    let named = best.into_iter().map(|(score, _, node)| {
        let state = planner.node(NodeIx(node));
        (state.node().name.clone(), score.0)
    });
    Decision {
        feasible,
        reasons,
        best: named.collect(),
    }
}

/// What `state` holds. A free part counts as stranded if none of `kinds` could take it.
pub(super) fn end(state: &NodeState, kinds: &[&PodRequest], planner: &Planner) -> NodeEnd {
    let node = state.node();
    let mut gpus: Vec<GpuEnd> = state
        .free()
        .devices
        .iter()
        .map(|left| GpuEnd {
            free: left.compute.0,
            ..GpuEnd::default()
        })
        .collect();
    for hold in state.holds().values() {
        let devices = hold.claim.devices().into_iter().flatten();
        for (container, set) in hold.request.containers().iter().zip(devices) {
            for device in set.iter() {
                let part = (hold.request.kind(), container.compute().0);
                gpus[device].held.push(part);
            }
        }
    }
    if gpus.iter().any(|gpu| gpu.free > 0) {
        mark_stranded(state, kinds, planner, &mut gpus);
    }
    for gpu in &mut gpus {
        gpu.held.sort_unstable_by(|a, b| b.cmp(a));
    }
    NodeEnd {
        name: node.name.clone(),
        model: node
            .gpus
            .first()
            .map_or("", |gpu| gpu.model.as_str())
            .to_owned(),
        gpus,
    }
}

fn mark_stranded(state: &NodeState, kinds: &[&PodRequest], planner: &Planner, gpus: &mut [GpuEnd]) {
    let mut lacking = Reasons::new();
    let mut smallest = None::<u32>;
    for kind in kinds.iter().filter(|kind| kind.wants_gpu()) {
        match plan::candidate(state, kind, planner.context()) {
            Ok(_) => {
                let shares = kind.containers().iter().map(|c| c.compute().0);
                let least = shares.filter(|share| *share > 0).min();
                smallest = smallest.into_iter().chain(least).min();
            }
            Err(unfit) => *lacking.entry(unfit).or_insert(0) += 1,
        }
    }
    let most = lacking
        .iter()
        .max_by_key(|(unfit, count)| (**count, std::cmp::Reverse(**unfit)));
    let most = most.map_or(Unfit::Share, |(unfit, _)| *unfit);
    for gpu in gpus.iter_mut().filter(|gpu| gpu.free > 0) {
        match smallest {
            Some(share) if share <= gpu.free => {}
            // Something fits on the node, but not on this device.
            Some(_) => gpu.stranded = Some(Unfit::Share),
            None => gpu.stranded = Some(most),
        }
    }
}
