//! The cluster: every node's state, where every pod is, what is intended, and a log of what changed.
//!
//! The only place where state changes. Nodes are kept in the order in which ties fall: by rank, then
//! by name. A change is logged by node, so that `ranking.rs` looks again at nothing else; adding or
//! removing a node starts a new layout, because positions shift.
//!
//! Facts arrive as [`Event`]s in any order: a pod may be seen before its node, then its hold waits as
//! a *stray*. Our own decisions are reservations: booked with [`Cluster::hold`] before anything is
//! written, and freed only when the write was refused or the pod is gone.
//!
//! An [`Intent`] is a tentative hold: where a pod would go that was ranked but not bound. It changes
//! nothing that is true. [`Cluster::seen`] shows a node with intents applied, for scoring;
//! [`Cluster::nodes`] shows it without, for judging what fits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use thiserror::Error;

use crate::gpu::MAX_DEVICES;
use crate::node::{Claim, Hold, HoldError, Node, NodeState};
use crate::request::{Devices, PodRequest};
use crate::units::{NodeIx, PodUid, Timestamp};

/// Changes kept beyond one per node; a reader further behind looks at all nodes again.
const LOG_SLACK: usize = 4096;

/// A fact about the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A node is there, as it is now.
    NodeSeen(Node),
    /// A node is no longer there, or no longer understood. What pods hold on it is remembered.
    NodeGone(Arc<str>),
    /// A pod is bound.
    PodBound(BoundPod),
    /// A pod is gone, or its containers have stopped for good.
    PodGone(PodUid),
}

/// A pod on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundPod {
    /// The pod.
    pub pod: PodUid,
    /// Its node.
    pub node: Arc<str>,
    /// What it asked for.
    pub request: Arc<PodRequest>,
    /// Its devices, if it carries a placement that we can read.
    pub devices: Option<Devices>,
}

/// Holds by the name of their node.
type Holds = BTreeMap<Arc<str>, BTreeMap<PodUid, Hold>>;

/// A tentative hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Where the pod would go.
    pub node: Arc<str>,
    /// On which devices.
    pub devices: Devices,
    /// What it asks for.
    pub request: Arc<PodRequest>,
    /// When that was ranked.
    pub since: Timestamp,
}

/// All state.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    nodes: Vec<NodeState>,
    by_name: BTreeMap<Arc<str>, NodeIx>,
    pods: BTreeMap<PodUid, Arc<str>>,
    strays: Holds,
    intents: BTreeMap<PodUid, Intent>,
    /// Nodes with intents on them, as they would be.
    tentative: BTreeMap<NodeIx, NodeState>,
    log: VecDeque<NodeIx>,
    /// Changes that are no longer in the log.
    forgotten: u64,
    layout: u64,
}

/// A change that was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterError {
    /// Two nodes of one name.
    #[error("node {0} is there twice")]
    DuplicateNode(Arc<str>),
    /// More devices than a node may have.
    #[error("node {0} has {1} GPUs: expected at most {MAX_DEVICES}")]
    TooManyDevices(Arc<str>, usize),
    /// More nodes than can be numbered.
    #[error("more than {} nodes", u32::MAX)]
    TooManyNodes,
    /// No node at this position.
    #[error("no such node")]
    NoSuchNode,
    /// The pod is placed already.
    #[error("pod {0} is placed already")]
    AlreadyPlaced(PodUid),
    /// The node cannot carry it.
    #[error(transparent)]
    Hold(#[from] HoldError),
}

impl Cluster {
    /// A cluster of idle nodes.
    ///
    /// # Errors
    /// When two nodes share a name or a node has too many devices.
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Result<Self, ClusterError> {
        let mut cluster = Self::default();
        for node in nodes {
            check(&node)?;
            cluster.nodes.push(NodeState::idle(Arc::new(node)));
        }
        if u32::try_from(cluster.nodes.len()).is_err() {
            return Err(ClusterError::TooManyNodes);
        }
        let mut names: Vec<_> = cluster.nodes.iter().map(|s| &s.node().name).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ClusterError::DuplicateNode(twice[0].clone()));
        }
        cluster.renumber();
        Ok(cluster)
    }

    /// Every node, in tie order.
    #[must_use]
    pub fn nodes(&self) -> &[NodeState] {
        &self.nodes
    }

    /// One node with intents applied.
    #[must_use]
    pub fn seen(&self, node: NodeIx) -> &NodeState {
        self.tentative
            .get(&node)
            .unwrap_or(&self.nodes[node.index()])
    }

    /// Whether somebody intends to go to the node.
    #[must_use]
    pub fn is_intended(&self, node: NodeIx) -> bool {
        self.tentative.contains_key(&node)
    }

    /// The position of the node called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeIx> {
        self.by_name.get(name).copied()
    }

    /// The name of the node that each pod is on.
    #[must_use]
    pub fn pods(&self) -> &BTreeMap<PodUid, Arc<str>> {
        &self.pods
    }

    /// What `pod` holds, wherever it is.
    #[must_use]
    pub fn hold_of(&self, pod: PodUid) -> Option<(&Arc<str>, &Hold)> {
        let name = self.pods.get(&pod)?;
        let holds = match self.find(name) {
            Some(node) => self.nodes[node.index()].holds(),
            None => self.strays.get(name)?,
        };
        Some((name, holds.get(&pod)?))
    }

    /// Holds on nodes that are not there.
    #[must_use]
    pub fn strays(&self) -> &BTreeMap<Arc<str>, BTreeMap<PodUid, Hold>> {
        &self.strays
    }

    /// Tentative holds.
    #[must_use]
    pub fn intents(&self) -> &BTreeMap<PodUid, Intent> {
        &self.intents
    }

    /// Changes so far; see [`Cluster::changes_since`].
    #[must_use]
    pub fn version(&self) -> u64 {
        self.forgotten + self.log.len() as u64
    }

    /// Differs whenever positions of nodes mean something else than before.
    #[must_use]
    pub fn layout(&self) -> u64 {
        self.layout
    }

    /// The nodes changed since `version`, oldest first, repeated if changed repeatedly; none if the
    /// log no longer reaches so far back.
    #[must_use]
    pub fn changes_since(
        &self,
        version: u64,
    ) -> Option<impl ExactSizeIterator<Item = NodeIx> + use<'_>> {
        let from = usize::try_from(version.checked_sub(self.forgotten)?).ok()?;
        (from <= self.log.len()).then(|| self.log.range(from..).copied())
    }

    /// Books `claim` on `node` for `pod` and drops its intent.
    ///
    /// # Errors
    /// When the pod is placed already or the node cannot carry it; then nothing is changed.
    pub fn hold(
        &mut self,
        pod: PodUid,
        node: NodeIx,
        request: Arc<PodRequest>,
        claim: Claim,
    ) -> Result<(), ClusterError> {
        if self.pods.contains_key(&pod) {
            return Err(ClusterError::AlreadyPlaced(pod));
        }
        let state = self
            .nodes
            .get_mut(node.index())
            .ok_or(ClusterError::NoSuchNode)?;
        state.hold(pod, Hold { request, claim })?;
        let name = state.node().name.clone();
        self.pods.insert(pod, name);
        self.withdraw(pod);
        self.changed(node);
        Ok(())
    }

    /// Marks what `pod` holds as settled.
    pub fn settle(&mut self, pod: PodUid) {
        let Some(name) = self.pods.get(&pod) else {
            return;
        };
        if let Some(node) = self.find(name) {
            self.nodes[node.index()].settle(pod);
        } else if let Some(hold) = self.strays.get_mut(name).and_then(|s| s.get_mut(&pod))
            && let Claim::Assumed(devices) = &hold.claim
        {
            hold.claim = Claim::Bound(devices.clone());
        }
    }

    /// Gives back what `pod` holds and says where that was.
    pub fn release(&mut self, pod: PodUid) -> Option<(Arc<str>, Hold)> {
        let name = self.pods.remove(&pod)?;
        let hold = if let Some(node) = self.find(&name) {
            let hold = self.nodes[node.index()].release(pod);
            self.changed(node);
            hold
        } else {
            let strays = self.strays.get_mut(&name)?;
            let hold = strays.remove(&pod);
            if strays.is_empty() {
                self.strays.remove(&name);
            }
            hold
        };
        Some((name, hold?))
    }

    /// Takes note of a fact.
    ///
    /// # Errors
    /// When a node has too many devices; then it is gone, because what is not understood is not
    /// free.
    pub fn apply(&mut self, event: Event) -> Result<(), ClusterError> {
        match event {
            Event::NodeSeen(node) => self.node_seen(node)?,
            Event::NodeGone(name) => self.node_gone(&name),
            Event::PodBound(bound) => {
                let claim = bound.devices.map_or(Claim::Foreign, Claim::Bound);
                let request = bound.request;
                self.pod_bound(bound.pod, &bound.node, Hold { request, claim });
            }
            Event::PodGone(pod) => {
                self.release(pod);
                self.withdraw(pod);
            }
        }
        Ok(())
    }

    /// Takes note of the complete list of nodes: others are gone. What pods hold on them is
    /// remembered. Returns the nodes that were not understood, which are gone too.
    pub fn replace_nodes(&mut self, nodes: impl IntoIterator<Item = Node>) -> Vec<ClusterError> {
        let holds = self.all_holds();
        let mut known: BTreeMap<Arc<str>, Arc<Node>> = BTreeMap::new();
        let mut errors = Vec::new();
        for node in nodes {
            match check(&node) {
                Ok(()) => drop(known.insert(node.name.clone(), Arc::new(node))),
                Err(error) => errors.push(error),
            }
        }
        self.rebuild(known.into_values(), holds);
        errors
    }

    /// Takes note of the complete list of bound pods: others are gone, except pods of ours whose
    /// write is still in flight.
    pub fn replace_pods(&mut self, pods: impl IntoIterator<Item = BoundPod>) {
        let mut claims: BTreeMap<PodUid, (Arc<str>, Hold)> = BTreeMap::new();
        for (node, on_node) in self.all_holds() {
            for (pod, hold) in on_node {
                if matches!(hold.claim, Claim::Assumed(_)) {
                    claims.insert(pod, (node.clone(), hold));
                }
            }
        }
        for bound in pods {
            let claim = bound.devices.map_or(Claim::Foreign, Claim::Bound);
            let request = bound.request;
            claims.insert(bound.pod, (bound.node, Hold { request, claim }));
        }
        let mut holds: Holds = BTreeMap::new();
        for (pod, (node, hold)) in claims {
            self.intents.remove(&pod);
            holds.entry(node).or_default().insert(pod, hold);
        }
        let nodes: Vec<_> = self.nodes.iter().map(|s| s.node().clone()).collect();
        self.rebuild(nodes.into_iter(), holds);
    }

    fn all_holds(&self) -> Holds {
        let mut holds = self.strays.clone();
        for state in &self.nodes {
            if !state.holds().is_empty() {
                holds.insert(state.node().name.clone(), state.holds().clone());
            }
        }
        holds
    }

    /// Makes everything anew from inventory and holds.
    fn rebuild(&mut self, nodes: impl Iterator<Item = Arc<Node>>, mut holds: Holds) {
        self.pods.clear();
        for (node, on_node) in &holds {
            self.pods
                .extend(on_node.keys().map(|&pod| (pod, node.clone())));
        }
        let states = nodes.map(|node| {
            let on_node = holds.remove(&node.name).unwrap_or_default();
            NodeState::with_holds(node, on_node)
        });
        self.nodes = states.collect();
        self.strays = holds;
        self.renumber();
    }

    /// Replaces the intent of `pod`.
    pub fn intend(&mut self, pod: PodUid, intent: Intent) {
        self.withdraw(pod);
        let node = self.find(&intent.node);
        self.intents.insert(pod, intent);
        node.into_iter().for_each(|node| self.changed(node));
    }

    /// Drops the intent of `pod`, if it has one.
    pub fn withdraw(&mut self, pod: PodUid) -> Option<Intent> {
        let intent = self.intents.remove(&pod)?;
        let node = self.find(&intent.node);
        node.into_iter().for_each(|node| self.changed(node));
        Some(intent)
    }

    /// Drops intents from before `moment`.
    pub fn expire_intents(&mut self, moment: Timestamp) {
        let old = self.intents.iter().filter(|(_, i)| i.since < moment);
        let old: Vec<_> = old.map(|(pod, _)| *pod).collect();
        for pod in old {
            self.withdraw(pod);
        }
    }

    /// Adds an idle node.
    ///
    /// # Errors
    /// As [`Cluster::new`]; then nothing is changed.
    pub fn add_node(&mut self, node: Node) -> Result<(), ClusterError> {
        if self.find(&node.name).is_some() {
            return Err(ClusterError::DuplicateNode(node.name));
        }
        self.node_seen(node)
    }

    /// Removes a node with all pods on it and returns its last state.
    pub fn remove_node(&mut self, name: &str) -> Option<NodeState> {
        let node = self.find(name)?;
        let state = self.nodes.remove(node.index());
        for pod in state.holds().keys() {
            self.pods.remove(pod);
        }
        self.renumber();
        Some(state)
    }

    fn node_seen(&mut self, node: Node) -> Result<(), ClusterError> {
        if let Err(error) = check(&node) {
            self.node_gone(&node.name);
            return Err(error);
        }
        let name = node.name.clone();
        match self.find(&name) {
            Some(at) if *self.nodes[at.index()].node().as_ref() == node => {}
            Some(at) if self.nodes[at.index()].node().rank == node.rank => {
                let holds = self.nodes[at.index()].holds().clone();
                self.nodes[at.index()] = NodeState::with_holds(Arc::new(node), holds);
                self.changed(at);
            }
            Some(at) => {
                let holds = self.nodes.remove(at.index()).holds().clone();
                self.nodes
                    .push(NodeState::with_holds(Arc::new(node), holds));
                self.renumber();
            }
            None if u32::try_from(self.nodes.len() + 1).is_err() => {
                return Err(ClusterError::TooManyNodes);
            }
            None => {
                let holds = self.strays.remove(&name).unwrap_or_default();
                self.nodes
                    .push(NodeState::with_holds(Arc::new(node), holds));
                self.renumber();
            }
        }
        Ok(())
    }

    fn node_gone(&mut self, name: &Arc<str>) {
        if let Some(node) = self.find(name) {
            let state = self.nodes.remove(node.index());
            if !state.holds().is_empty() {
                self.strays.insert(name.clone(), state.holds().clone());
            }
            self.renumber();
        }
    }

    fn pod_bound(&mut self, pod: PodUid, name: &Arc<str>, hold: Hold) {
        self.withdraw(pod);
        if self
            .hold_of(pod)
            .is_some_and(|(node, held)| node == name && *held == hold)
        {
            return;
        }
        self.release(pod);
        self.pods.insert(pod, name.clone());
        if let Some(node) = self.find(name) {
            self.nodes[node.index()].observe(pod, hold);
            self.changed(node);
        } else {
            let strays = self.strays.entry(name.clone()).or_default();
            strays.insert(pod, hold);
        }
    }

    /// Restores the order of nodes and everything that goes by position.
    fn renumber(&mut self) {
        let key = |state: &NodeState| (state.node().rank, state.node().name.clone());
        if !self.nodes.is_sorted_by_key(key) {
            self.nodes.sort_by_cached_key(key);
        }
        let names = self.nodes.iter().map(|state| state.node().name.clone());
        self.by_name = names.zip((0..).map(NodeIx)).collect();
        self.layout += 1;
        self.forgotten = self.version();
        self.log.clear();
        self.tentative.clear();
        let intended: Vec<_> = self
            .intents
            .values()
            .filter_map(|i| self.find(&i.node))
            .collect();
        for node in intended {
            self.sketch(node);
        }
    }

    fn changed(&mut self, node: NodeIx) {
        self.sketch(node);
        self.log.push_back(node);
        if self.log.len() > self.nodes.len() + LOG_SLACK {
            self.log.pop_front();
            self.forgotten += 1;
        }
    }

    /// Applies the intents on `node` anew. One that no longer fits there is passed over: its pod
    /// will be planned again.
    fn sketch(&mut self, node: NodeIx) {
        if self.intents.is_empty() && self.tentative.is_empty() {
            return;
        }
        let state = &self.nodes[node.index()];
        let here = |intent: &&Intent| intent.node == state.node().name;
        let mut intents = self.intents.iter().filter(|(_, i)| here(i)).peekable();
        if intents.peek().is_none() {
            self.tentative.remove(&node);
            return;
        }
        let mut sketch = state.sketch();
        for (pod, intent) in intents {
            let hold = Hold {
                request: intent.request.clone(),
                claim: Claim::Assumed(intent.devices.clone()),
            };
            let _ = sketch.hold(*pod, hold);
        }
        self.tentative.insert(node, sketch);
    }
}

fn check(node: &Node) -> Result<(), ClusterError> {
    if node.gpus.len() > MAX_DEVICES {
        return Err(ClusterError::TooManyDevices(
            node.name.clone(),
            node.gpus.len(),
        ));
    }
    Ok(())
}
