//! The questions one asks a cluster: filter, prioritize, reserve, place.
//!
//! [`filter`] and [`prioritize`] look at every node and are the naive form of the decision, which
//! judges the incremental one. [`Planner`] holds a cluster with its rankings and answers the same
//! without looking at all nodes again. Filtering and prioritizing never change what is true; they
//! may leave an intent.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use crate::cluster::{BoundPod, Cluster, ClusterError, Event, Intent};
use crate::node::{Claim, Hold, Node, NodeState};
use crate::plan::{self, Candidate, Context};
use crate::ranking::{Rankings, Verdict};
use crate::request::{ContainerRequest, Devices, PodRequest};
use crate::unfit::Unfit;
use crate::units::{NodeIx, PodUid, Timestamp};

/// For every node, whether and how it could take the pod, in node order, intents left aside.
pub fn filter<'a>(
    cluster: &'a Cluster,
    request: &'a PodRequest,
    context: &'a Context,
) -> impl Iterator<Item = (NodeIx, Result<Candidate, Unfit>)> + use<'a> {
    let nodes = (0..).map(NodeIx).zip(cluster.nodes());
    nodes.map(move |(node, state)| (node, plan::candidate(state, request, context)))
}

/// Every node that can take the pod, the best first: scored with intents applied; nodes that can take
/// it only without them come last, in tie order.
#[must_use]
pub fn prioritize(
    cluster: &Cluster,
    request: &PodRequest,
    context: &Context,
) -> Vec<(NodeIx, Candidate)> {
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (node, answer) in filter(cluster, request, context) {
        let Ok(candidate) = answer else {
            continue;
        };
        match plan::candidate(cluster.seen(node), request, context) {
            Ok(candidate) => first.push((node, candidate)),
            Err(_) => last.push((node, candidate)),
        }
    }
    plan::order(cluster.nodes(), &mut first, context);
    last.sort_by_key(|(node, _)| (context.tie(cluster.nodes()[node.index()].tie()), *node));
    first.extend(last);
    first
}

/// Where a pod went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The node.
    pub node: NodeIx,
    /// The devices, container by container.
    pub devices: Devices,
}

/// Why a pod could not be booked on the node that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such node, or it is not understood.
    #[error("node {0} is not known")]
    NoSuchNode(Arc<str>),
    /// The node cannot take it.
    #[error("{0}")]
    Unfit(Unfit),
    /// The pod is, or may be, on another node.
    #[error("the pod is bound to node {0}, or may be")]
    Elsewhere(Arc<str>),
    /// The pod is there, and its devices are not known.
    #[error("the pod is bound to the node already")]
    Foreign,
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

    /// The context of the last decision.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Decides by another context from now on.
    pub fn set_context(&mut self, context: Context) {
        self.context = context;
        self.rankings = Rankings::default();
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

    /// What every node is for `request`.
    pub fn verdicts(
        &mut self,
        decision: u64,
        request: &PodRequest,
    ) -> impl Fn(NodeIx) -> Verdict + use<'_> {
        self.context.set_decision(decision);
        self.rankings
            .verdicts(&self.cluster, request, &self.context)
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
        self.book(pod, node, request)
    }

    /// The same on the best of the nodes that `admits` lets in.
    ///
    /// # Errors
    /// When the pod is placed already.
    pub fn place_among(
        &mut self,
        decision: u64,
        pod: PodUid,
        request: &Arc<PodRequest>,
        admits: impl Fn(&Node) -> bool,
    ) -> Result<Option<Placement>, ClusterError> {
        if self.cluster.pods().contains_key(&pod) {
            return Err(ClusterError::AlreadyPlaced(pod));
        }
        let all = self.cluster.nodes().len() as u32;
        let admitted = |node: &NodeIx| admits(self.node(*node).node());
        let nodes: Vec<_> = (0..all).map(NodeIx).filter(admitted).collect();
        let verdict = self.verdicts(decision, request);
        let judged: Vec<_> = nodes.iter().map(|&node| (node, verdict(node))).collect();
        drop(verdict);
        let fitting = judged.into_iter().filter(|(_, verdict)| verdict.fits());
        let best = fitting.max_by_key(|&(node, verdict)| {
            let tie = self.context.tie(self.node(node).tie());
            (verdict.rank(), Reverse((tie, node)))
        });
        match best {
            Some((node, _)) => self.book(pod, node, request),
            None => Ok(None),
        }
    }

    fn book(
        &mut self,
        pod: PodUid,
        node: NodeIx,
        request: &Arc<PodRequest>,
    ) -> Result<Option<Placement>, ClusterError> {
        let Ok(candidate) = self.plan_on(node, request) else {
            return Ok(None);
        };
        let devices = candidate.devices;
        let claim = Claim::Bound(devices.clone());
        self.cluster.hold(pod, node, request.clone(), claim)?;
        Ok(Some(Placement { node, devices }))
    }

    /// Leaves the intent that `pod` goes to `node`, in place of its intent so far, and says on which
    /// devices; none if the node cannot take it.
    pub fn intend(
        &mut self,
        pod: PodUid,
        node: NodeIx,
        request: &Arc<PodRequest>,
        now: Timestamp,
    ) -> Option<Candidate> {
        self.cluster.withdraw(pod);
        let candidate = self.plan_on(node, request).ok()?;
        let intent = Intent {
            node: self.node(node).node().name.clone(),
            devices: candidate.devices.clone(),
            request: request.clone(),
            since: now,
        };
        self.cluster.intend(pod, intent);
        Some(candidate)
    }

    /// Checks again and books `pod` on the node called `name`: on the devices it intends to take if
    /// they are still free, else on newly planned ones. Asking again gives the same devices.
    ///
    /// # Errors
    /// When the node is not known or cannot take the pod, or the pod is, or may be, elsewhere; then
    /// nothing is changed.
    pub fn reserve(
        &mut self,
        decision: u64,
        pod: PodUid,
        name: &Arc<str>,
        request: &Arc<PodRequest>,
    ) -> Result<Devices, Refusal> {
        self.context.set_decision(decision);
        if let Some((node, hold)) = self.cluster.hold_of(pod) {
            return match hold.claim.devices() {
                _ if node != name => Err(Refusal::Elsewhere(node.clone())),
                Some(devices) => Ok(devices.clone()),
                None => Err(Refusal::Foreign),
            };
        }
        let node = self.cluster.find(name);
        let node = node.ok_or_else(|| Refusal::NoSuchNode(name.clone()))?;
        let intent = self.cluster.withdraw(pod);
        let intended = intent.as_ref().filter(|i| {
            let allowed = || allows(self.node(node), request, &i.devices);
            i.node == *name && i.request == *request && allowed()
        });
        if let Some(intent) = intended {
            let claim = Claim::Assumed(intent.devices.clone());
            let held = self.cluster.hold(pod, node, request.clone(), claim);
            if held.is_ok() {
                return Ok(intent.devices.clone());
            }
        }
        let planned = self.plan_on(node, request).and_then(|candidate| {
            let claim = Claim::Assumed(candidate.devices.clone());
            let held = self.cluster.hold(pod, node, request.clone(), claim);
            held.map_err(|_| Unfit::Together)?;
            Ok(candidate.devices)
        });
        planned.map_err(|unfit| {
            if let Some(intent) = intent {
                self.cluster.intend(pod, intent);
            }
            Refusal::Unfit(unfit)
        })
    }

    /// Plans `request` on one node: beside the intents there if possible, else without them.
    ///
    /// # Errors
    /// When the node cannot take it.
    pub fn plan_on(&self, node: NodeIx, request: &PodRequest) -> Result<Candidate, Unfit> {
        plan::candidate(self.cluster.seen(node), request, &self.context)
            .or_else(|_| plan::candidate(self.node(node), request, &self.context))
    }

    /// Drops the intent of `pod`, if it has one.
    pub fn withdraw(&mut self, pod: PodUid) {
        self.cluster.withdraw(pod);
    }

    /// Drops intents from before `moment`.
    pub fn expire_intents(&mut self, moment: Timestamp) {
        self.cluster.expire_intents(moment);
    }

    /// Marks what `pod` holds as settled.
    pub fn settle(&mut self, pod: PodUid) {
        self.cluster.settle(pod);
    }

    /// Gives back what `pod` holds and says where that was.
    pub fn release(&mut self, pod: PodUid) -> Option<(Arc<str>, Hold)> {
        self.cluster.release(pod)
    }

    /// Takes note of a fact.
    ///
    /// # Errors
    /// As [`Cluster::apply`].
    pub fn apply(&mut self, event: Event) -> Result<(), ClusterError> {
        self.cluster.apply(event)
    }

    /// Takes note of the complete list of nodes, see [`Cluster::replace_nodes`].
    pub fn replace_nodes(&mut self, nodes: impl IntoIterator<Item = Node>) -> Vec<ClusterError> {
        self.cluster.replace_nodes(nodes)
    }

    /// Takes note of the complete list of bound pods, see [`Cluster::replace_pods`].
    pub fn replace_pods(
        &mut self,
        pods: impl IntoIterator<Item = BoundPod>,
        settled: &BTreeSet<PodUid>,
    ) {
        self.cluster.replace_pods(pods, settled);
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

/// Whether `devices` may serve `request` by every rule that is not a matter of amounts: acceptable
/// models, how a device is given out, the node's hand-over, health, devices that are idle by a guess.
fn allows(state: &NodeState, request: &PodRequest, devices: &Devices) -> bool {
    let node = state.node();
    if request.wants_gpu() && node.health.ailing {
        return false;
    }
    let mut containers = request.containers().iter().zip(devices);
    containers.all(|(container, set)| {
        let share = matches!(container, ContainerRequest::Share { .. });
        let serves = !share || node.hand_over.serves_shares();
        let unsure = state.perhaps_held(request, container);
        serves
            && set.iter().all(|device| {
                let well = !node.health.failed.contains(device);
                let given = node
                    .gpus
                    .get(device)
                    .is_some_and(|gpu| request.accepts(gpu) && container.takes(gpu).is_some());
                well && given && !unsure.contains(device)
            })
    })
}
