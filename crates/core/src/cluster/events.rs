//! Facts about the cluster, one by one or as a complete list.
//!
//! [`Event`]s arrive in any order: a pod may be seen before its node, then its hold waits as a
//! *stray* until the node is there. What is observed is believed, even if the node cannot carry it;
//! reservations of ours are booked in `mod.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Cluster, ClusterError, Holds, check};
use crate::node::{Claim, Hold, Node, NodeState};
use crate::request::{Devices, PodRequest};
use crate::units::PodUid;

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

impl Cluster {
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
    /// write is still in flight, and those of `settled`, which were bound after the list was begun.
    pub fn replace_pods(
        &mut self,
        pods: impl IntoIterator<Item = BoundPod>,
        settled: &BTreeSet<PodUid>,
    ) {
        let mut claims: BTreeMap<PodUid, (Arc<str>, Hold)> = BTreeMap::new();
        for (node, on_node) in self.all_holds() {
            for (pod, hold) in on_node {
                if matches!(hold.claim, Claim::Assumed(_)) || settled.contains(&pod) {
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

    pub(super) fn node_seen(&mut self, node: Node) -> Result<(), ClusterError> {
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
}
