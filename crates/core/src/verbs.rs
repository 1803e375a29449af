//! The questions one asks a cluster: filter, prioritize, place.
//!
//! [`filter`] and [`prioritize`] look at every node and are the naive form of the decision, which
//! judges the incremental one. [`Planner`] holds a cluster with its rankings and answers the same
//! without looking at all nodes again.

use std::sync::Arc;

use crate::cluster::{Cluster, ClusterError};
use crate::node::{Hold, Node, NodeState};
use crate::plan::{self, Candidate, Context};
use crate::ranking::Rankings;
use crate::request::{Devices, PodRequest};
use crate::unfit::Unfit;
use crate::units::{NodeIx, PodUid};

/// For every node, whether and how it could take the pod, in node order.
pub fn filter<'a>(
    cluster: &'a Cluster,
    request: &'a PodRequest,
    context: &'a Context,
) -> impl Iterator<Item = (NodeIx, Result<Candidate, Unfit>)> + use<'a> {
    let nodes = (0..).map(NodeIx).zip(cluster.nodes());
    nodes.map(move |(node, state)| (node, plan::candidate(state, request, context)))
}

/// Every node that can take the pod, the best first.
#[must_use]
pub fn prioritize(
    cluster: &Cluster,
    request: &PodRequest,
    context: &Context,
) -> Vec<(NodeIx, Candidate)> {
    let mut candidates: Vec<_> = filter(cluster, request, context)
        .filter_map(|(node, answer)| Some((node, answer.ok()?)))
        .collect();
    plan::order(cluster.nodes(), &mut candidates, context);
    candidates
}

/// Where a pod went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The node.
    pub node: NodeIx,
    /// The devices, container by container.
    pub devices: Devices,
}

/// A cluster with the rankings of its nodes under one context.
#[derive(Debug)]
pub struct Planner {
    cluster: Cluster,
    rankings: Rankings,
    context: Context,
}

impl Planner {
    /// A planner for `cluster`; decisions are numbered by the caller.
    #[must_use]
    pub fn new(cluster: Cluster, context: Context) -> Self {
        Self::with_rankings(cluster, context, Rankings::default())
    }

    /// The same with rankings of other bounds.
    #[must_use]
    pub fn with_rankings(cluster: Cluster, context: Context, rankings: Rankings) -> Self {
        Self {
            cluster,
            rankings,
            context,
        }
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The state of one node.
    #[must_use]
    pub fn node(&self, node: NodeIx) -> &NodeState {
        &self.cluster.nodes()[node.index()]
    }

    /// The best node for `request`, or none if no node can take it.
    pub fn best(&mut self, decision: u64, request: &PodRequest) -> Option<NodeIx> {
        self.context.set_decision(decision);
        self.rankings.best(&self.cluster, request, &self.context)
    }

    /// Books `pod` on the best node, or nowhere if no node can take it.
    ///
    /// # Errors
    /// When the pod is placed already.
    pub fn place(
        &mut self,
        decision: u64,
        pod: PodUid,
        request: &Arc<PodRequest>,
    ) -> Result<Option<Placement>, ClusterError> {
        if self.cluster.pods().contains_key(&pod) {
            return Err(ClusterError::AlreadyPlaced(pod));
        }
        let Some(node) = self.best(decision, request) else {
            return Ok(None);
        };
        let Ok(candidate) = plan::candidate(self.node(node), request, &self.context) else {
            return Ok(None);
        };
        let devices = candidate.devices;
        self.cluster
            .hold(pod, node, request.clone(), devices.clone())?;
        Ok(Some(Placement { node, devices }))
    }

    /// Gives back what `pod` holds and says where that was.
    pub fn release(&mut self, pod: PodUid) -> Option<(NodeIx, Hold)> {
        self.cluster.release(pod)
    }

    /// Adds an idle node.
    ///
    /// # Errors
    /// As [`Cluster::add_node`].
    pub fn add_node(&mut self, node: Node) -> Result<(), ClusterError> {
        self.cluster.add_node(node)
    }

    /// Removes a node with all pods on it and returns its last state.
    pub fn remove_node(&mut self, name: &str) -> Option<NodeState> {
        self.cluster.remove_node(name)
    }
}
