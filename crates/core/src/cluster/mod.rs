//! The cluster: every node's state, where every pod is, what is intended, and a log of what changed.
//!
//! The only place where state changes. Nodes are kept in the order in which ties fall: by rank, then
//! by name. A change is logged by node, so that `ranking.rs` looks again at nothing else; adding or
//! removing a node starts a new layout, because positions shift.
//!
//! Here are its state and our own decisions, which are reservations: booked with [`Cluster::hold`]
//! before anything is written, and freed only when the write was refused or the pod is gone. What is
//! seen of the world arrives in `events.rs`; tentative holds are in `intents.rs`.

mod events;
mod intents;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use thiserror::Error;

use crate::gpu::MAX_DEVICES;
use crate::node::{Claim, Hold, HoldError, Node, NodeState};
use crate::request::PodRequest;
use crate::units::{NodeIx, PodUid};

pub use events::{BoundPod, Event};
pub use intents::Intent;

/// Changes kept beyond one per node; a reader further behind looks at all nodes again.
const LOG_SLACK: usize = 4096;

/// Holds by the name of their node.
type Holds = BTreeMap<Arc<str>, BTreeMap<PodUid, Hold>>;

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
        self.sketch_all();
    }

    fn changed(&mut self, node: NodeIx) {
        self.sketch(node);
        self.log.push_back(node);
        if self.log.len() > self.nodes.len() + LOG_SLACK {
            self.log.pop_front();
            self.forgotten += 1;
        }
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
