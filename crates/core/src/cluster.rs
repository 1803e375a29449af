//! The cluster: every node's state, where every pod is, and a log of what changed.
//!
//! The only place where state changes. Nodes are kept in the order in which ties fall: by rank, then
//! by name. A change is logged by node, so that `ranking.rs` looks again at nothing else; adding or
//! removing a node starts a new layout, because positions shift.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use thiserror::Error;

use crate::gpu::MAX_DEVICES;
use crate::node::{Hold, HoldError, Node, NodeState};
use crate::request::{Devices, PodRequest};
use crate::units::{NodeIx, PodUid};

/// Changes kept beyond one per node; a reader further behind looks at all nodes again.
const LOG_SLACK: usize = 4096;

/// All state.
#[derive(Debug, Clone)]
pub struct Cluster {
    nodes: Vec<NodeState>,
    pods: BTreeMap<PodUid, NodeIx>,
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
        let mut cluster = Self {
            nodes: Vec::new(),
            pods: BTreeMap::new(),
            log: VecDeque::new(),
            forgotten: 0,
            layout: 0,
        };
        for node in nodes {
            if node.gpus.len() > MAX_DEVICES {
                return Err(ClusterError::TooManyDevices(node.name, node.gpus.len()));
            }
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
        cluster
            .nodes
            .sort_by_cached_key(|state| (state.node().rank, state.node().name.clone()));
        Ok(cluster)
    }

    /// Every node, in tie order.
    #[must_use]
    pub fn nodes(&self) -> &[NodeState] {
        &self.nodes
    }

    /// Where each pod is.
    #[must_use]
    pub fn pods(&self) -> &BTreeMap<PodUid, NodeIx> {
        &self.pods
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

    /// Books `devices` on `node` for `pod`.
    ///
    /// # Errors
    /// When the pod is placed already or the node cannot carry it; then nothing is changed.
    pub fn hold(
        &mut self,
        pod: PodUid,
        node: NodeIx,
        request: Arc<PodRequest>,
        devices: Devices,
    ) -> Result<(), ClusterError> {
        if self.pods.contains_key(&pod) {
            return Err(ClusterError::AlreadyPlaced(pod));
        }
        let state = self
            .nodes
            .get_mut(node.index())
            .ok_or(ClusterError::NoSuchNode)?;
        state.hold(pod, Hold { request, devices })?;
        self.pods.insert(pod, node);
        self.changed(node);
        Ok(())
    }

    /// Gives back what `pod` holds and says where that was.
    pub fn release(&mut self, pod: PodUid) -> Option<(NodeIx, Hold)> {
        let node = self.pods.remove(&pod)?;
        let hold = self.nodes[node.index()].release(pod)?;
        self.changed(node);
        Some((node, hold))
    }

    /// Adds an idle node.
    ///
    /// # Errors
    /// As [`Cluster::new`]; then nothing is changed.
    pub fn add_node(&mut self, node: Node) -> Result<(), ClusterError> {
        if node.gpus.len() > MAX_DEVICES {
            return Err(ClusterError::TooManyDevices(node.name, node.gpus.len()));
        }
        if self.nodes.iter().any(|s| s.node().name == node.name) {
            return Err(ClusterError::DuplicateNode(node.name));
        }
        if u32::try_from(self.nodes.len() + 1).is_err() {
            return Err(ClusterError::TooManyNodes);
        }
        let key = (node.rank, node.name.clone());
        let at = self
            .nodes
            .partition_point(|s| (s.node().rank, s.node().name.clone()) < key);
        self.nodes.insert(at, NodeState::idle(Arc::new(node)));
        self.renumber();
        Ok(())
    }

    /// Removes a node with all pods on it and returns its last state.
    pub fn remove_node(&mut self, name: &str) -> Option<NodeState> {
        let at = self.nodes.iter().position(|s| &*s.node().name == name)?;
        let state = self.nodes.remove(at);
        for pod in state.holds().keys() {
            self.pods.remove(pod);
        }
        self.renumber();
        Some(state)
    }

    fn renumber(&mut self) {
        for (index, state) in self.nodes.iter().enumerate() {
            for pod in state.holds().keys() {
                self.pods.insert(*pod, NodeIx(index as u32));
            }
        }
        self.layout += 1;
        self.forgotten = self.version();
        self.log.clear();
    }

    fn changed(&mut self, node: NodeIx) {
        self.log.push_back(node);
        if self.log.len() > self.nodes.len() + LOG_SLACK {
            self.log.pop_front();
            self.forgotten += 1;
        }
    }
}
