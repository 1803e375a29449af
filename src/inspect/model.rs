//! A snapshot as the core sees it, and beside each node and pod what only an offline answer needs.
//!
//! Built once; `inspect` and `explain` ask it. Nodes stand in the cluster's order, so that one
//! [`NodeIx`] finds the state, the facts and the rules of a node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stowage_core::cluster::Cluster;
use stowage_core::node::NodeState;
use stowage_core::plan::{Context, Parameters};
use stowage_core::rules::{NodeRules, PodRules};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::workload::Workload;

use super::shapes::{self, Shape};
use crate::k8s::node::NodeFacts;
use crate::k8s::pod::PodFacts;
use crate::k8s::snapshot::{Demands, Snapshot};

/// The share of pods whose classes a strategy looks ahead with, as `serve` does unless told otherwise.
const COVER_PERCENT: u32 = 95;

/// A cluster and everything that is known of it.
#[derive(Debug)]
pub struct Model {
    /// What the core decides on.
    pub cluster: Cluster,
    /// How it decides.
    pub context: Context,
    /// What else is known of each node, in the cluster's order.
    pub nodes: Vec<NodeInfo>,
    /// All pods, in the files' order.
    pub pods: Vec<PodInfo>,
    /// What pods ask for, the most frequent first.
    pub shapes: Vec<Shape>,
    /// What is wrong with what was read and did not hinder reading it, a sentence each.
    pub problems: Vec<String>,
    by_uid: BTreeMap<PodUid, usize>,
}

/// A node beside its state.
#[derive(Debug, Clone)]
pub struct NodeInfo {
    /// What Stowage knows of it.
    pub facts: NodeFacts,
    /// Who may come.
    pub rules: NodeRules,
}

/// A pod.
#[derive(Debug, Clone)]
pub struct PodInfo {
    /// What Stowage knows of it.
    pub facts: PodFacts,
    /// Where it may go, but for the node it is bound to; or why that cannot be told.
    pub rules: Result<PodRules, String>,
    /// What else it demands and nobody judges here.
    pub unmodelled: Vec<&'static str>,
    /// Where it is.
    pub place: Place,
    /// Its shape in [`Model::shapes`]; none if its request or its rules cannot be served.
    pub shape: Option<usize>,
}

/// Where a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On a node.
    On(NodeIx),
    /// On a node that was not read, or not understood.
    Elsewhere,
    /// It looks for a node.
    Pending,
    /// It has ended and holds nothing.
    Ended,
}

impl Model {
    /// What `snapshot`, read with rules, says, decided by `strategy`.
    #[must_use]
    pub fn of(snapshot: Snapshot, strategy: Strategy) -> Self {
        let mut problems = Vec::new();
        let (cluster, nodes) = nodes(&snapshot, &mut problems);
        let by_name: BTreeMap<_, _> = nodes
            .iter()
            .map(|n| (n.facts.node.name.clone(), &n.facts))
            .collect();
        let mut cluster = cluster;
        let bound: Vec<_> = snapshot
            .pods
            .iter()
            .filter_map(|pod| pod.bound_on(&by_name, &mut problems))
            .collect();
        cluster.replace_pods(bound, &BTreeSet::new());
        let demands = snapshot.rules.pods.into_iter().map(Some);
        let demands = demands.chain(std::iter::repeat(None));
        let pods = snapshot.pods.into_iter().zip(demands);
        let mut pods: Vec<_> = pods
            .map(|(facts, demands)| info(facts, demands, &cluster))
            .collect();
        let shapes = shapes::count(&mut pods);
        let requests = pods.iter().filter(|pod| pod.place != Place::Ended);
        let requests = requests.filter_map(|pod| pod.facts.request.as_ref().ok());
        let workload = Workload::count(requests).covering(COVER_PERCENT);
        let outlook = Arc::new(Outlook::new(&workload));
        Self {
            context: Context::new(strategy, Parameters::default(), outlook, 0),
            by_uid: pods
                .iter()
                .enumerate()
                .map(|(at, pod)| (pod.facts.uid, at))
                .collect(),
            cluster,
            nodes,
            pods,
            shapes,
            problems,
        }
    }

    /// The pod with this UID.
    #[must_use]
    pub fn pod(&self, uid: PodUid) -> Option<&PodInfo> {
        self.by_uid.get(&uid).map(|&at| &self.pods[at])
    }

    /// The pod of this namespace and name; of several the one that has not ended.
    #[must_use]
    pub fn find(&self, full_name: &str) -> Option<&PodInfo> {
        let named = self
            .pods
            .iter()
            .filter(|pod| pod.facts.full_name() == full_name);
        named.min_by_key(|pod| pod.place == Place::Ended)
    }

    /// The namespace and name that somebody may have meant, if one is near: the same name elsewhere, or
    /// a few letters away.
    #[must_use]
    pub fn nearest_name(&self, full_name: &str) -> Option<String> {
        let (_, name) = full_name.split_once('/').unwrap_or_default();
        let names = self.pods.iter().map(|pod| {
            let full = pod.facts.full_name();
            let elsewhere = pod.facts.name == name;
            (
                !elsewhere,
                strsim::damerau_levenshtein(&full, full_name),
                full,
            )
        });
        let (other, distance, near) = names.min()?;
        (!other || distance <= 3).then_some(near)
    }

    /// Every node with its state, in order.
    pub fn each_node(&self) -> impl Iterator<Item = (NodeIx, &NodeState, &NodeInfo)> {
        let nodes = self.cluster.nodes().iter().zip(&self.nodes);
        (0..)
            .map(NodeIx)
            .zip(nodes)
            .map(|(node, (state, info))| (node, state, info))
    }

    /// Everybody who is on a node or may come to one.
    pub fn living(&self) -> impl Iterator<Item = &PodInfo> {
        self.pods.iter().filter(|pod| pod.place != Place::Ended)
    }
}

impl PodInfo {
    /// The only pod of `snapshot`, as if it came now; none if there are none or several.
    #[must_use]
    pub fn guest(snapshot: Snapshot) -> Option<Self> {
        let mut pods = snapshot.pods.into_iter().zip(snapshot.rules.pods);
        let (facts, demands) = pods.next().filter(|_| pods.next().is_none())?;
        Some(Self {
            facts,
            rules: demands.rules,
            unmodelled: demands.unmodelled,
            place: Place::Pending,
            shape: None,
        })
    }
}

/// The cluster without pods, and what else is known of its nodes, in its order.
fn nodes(snapshot: &Snapshot, problems: &mut Vec<String>) -> (Cluster, Vec<NodeInfo>) {
    let mut cluster = Cluster::default();
    let inventory = snapshot.nodes.iter().map(|facts| facts.node.clone());
    let refused = cluster.replace_nodes(inventory);
    problems.extend(refused.iter().map(ToString::to_string));
    let rules = snapshot.rules.nodes.iter();
    let rules: BTreeMap<_, _> = rules.map(|rules| (rules.name(), rules)).collect();
    let facts: BTreeMap<_, _> = snapshot
        .nodes
        .iter()
        .map(|facts| (&*facts.node.name, facts))
        .collect();
    let info = |state: &NodeState| {
        let name = &*state.node().name;
        NodeInfo {
            facts: facts[name].clone(),
            rules: rules
                .get(name)
                .map_or_else(|| without_rules(facts[name]), |&rules| rules.clone()),
        }
    };
    let nodes = cluster.nodes().iter().map(info).collect();
    (cluster, nodes)
}

/// A node that was read without its rules.
fn without_rules(facts: &NodeFacts) -> NodeRules {
    let name = facts.node.name.to_string();
    NodeRules::new(name, BTreeMap::new(), Vec::new(), facts.unschedulable)
        .expect("no label and no taint are not too many")
}

fn info(facts: PodFacts, demands: Option<Demands>, cluster: &Cluster) -> PodInfo {
    let place = match &facts.node_name {
        _ if facts.terminal => Place::Ended,
        None => Place::Pending,
        Some(name) => cluster.find(name).map_or(Place::Elsewhere, Place::On),
    };
    let (rules, unmodelled) = match demands {
        Some(demands) => (demands.rules, demands.unmodelled),
        None => (Ok(PodRules::default()), Vec::new()),
    };
    PodInfo {
        rules: rules.map(PodRules::anywhere),
        facts,
        unmodelled,
        place,
        shape: None,
    }
}
