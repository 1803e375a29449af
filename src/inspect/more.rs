//! How many more pods of one shape fit: placed one after the other, alone, until none does.
//!
//! They go where the strategy sends them, on the nodes that their rules allow, beside everybody who is
//! there. The answer is about this shape alone: two shapes with 10 more each do not fit 20 together.

use std::collections::BTreeMap;
use std::sync::Arc;

use stowage_core::cluster::{BoundPod, Cluster};
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::verbs::Planner;

use super::model::Model;
use super::pending::by_frequency;
use super::shapes::Shape;
use super::verdict::{Refusal, Wish};

/// Counting stops here.
pub const CAP: u32 = 10_000;

/// How many more fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// So many, at most [`CAP`].
    pub fit: u32,
    /// On how many nodes a pod of this shape may be, full or not: rules, health and hardware.
    pub nodes: u32,
    /// Why nodes do not take one now, the most frequent reason first.
    pub reasons: Vec<(Refusal, u32)>,
}

/// How many more of `shape` fit.
#[must_use]
pub fn more(model: &Model, shape: &Shape) -> More {
    let wish = shape.wish();
    let mut reasons: BTreeMap<Refusal, u32> = BTreeMap::new();
    let mut nodes = 0;
    for (node, verdict) in model.verdicts(wish) {
        nodes += u32::from(could_ever(model, node, wish));
        if let Err(refusal) = verdict {
            *reasons.entry(refusal).or_insert(0) += 1;
        }
    }
    More {
        fit: count(model, shape),
        nodes,
        reasons: by_frequency(reasons),
    }
}

impl Shape {
    /// What a pod of this shape wants.
    #[must_use]
    pub fn wish(&self) -> Wish<'_> {
        Wish {
            request: &self.request,
            rules: &self.rules,
        }
    }
}

/// Whether the node could take the pod if nobody were on it.
fn could_ever(model: &Model, node: NodeIx, wish: Wish<'_>) -> bool {
    let inventory = model.cluster.nodes()[node.index()].node().clone();
    let idle = stowage_core::node::NodeState::idle(inventory);
    let info = &model.nodes[node.index()];
    info.candidate(&idle, wish, &model.context).is_ok()
}

fn count(model: &Model, shape: &Shape) -> u32 {
    let mut planner = Planner::new(allowed(model, shape.wish()), model.context.clone());
    let mut uids = unused(model);
    let mut fit = 0;
    while fit < CAP
        && let Some(pod) = uids.next()
        && let Ok(Some(_)) = planner.place(u64::from(fit), pod, &shape.request)
    {
        fit += 1;
    }
    fit
}

/// UIDs that no pod has.
pub(super) fn unused(model: &Model) -> impl Iterator<Item = PodUid> + use<'_> {
    let uids = (0..=u128::MAX).rev().map(PodUid);
    uids.filter(|uid| !model.cluster.pods().contains_key(uid))
}

/// The part of the cluster that the pod may go to.
fn allowed(model: &Model, wish: Wish<'_>) -> Cluster {
    let admits = |node: &NodeIx| model.nodes[node.index()].admits(wish).is_ok();
    let allowed: Vec<_> = model
        .each_node()
        .map(|(node, ..)| node)
        .filter(admits)
        .collect();
    let states = allowed
        .iter()
        .map(|node| &model.cluster.nodes()[node.index()]);
    let mut cluster = Cluster::default();
    let refused = cluster.replace_nodes(states.clone().map(|state| (**state.node()).clone()));
    debug_assert!(refused.is_empty(), "the model has only nodes that can be");
    let pods = states.flat_map(|state| {
        let bound = |(&pod, hold): (&PodUid, &stowage_core::node::Hold)| BoundPod {
            pod,
            node: state.node().name.clone(),
            request: Arc::clone(&hold.request),
            devices: hold.claim.devices().cloned(),
        };
        state.holds().iter().map(bound).collect::<Vec<_>>()
    });
    cluster.replace_pods(pods, &std::collections::BTreeSet::new());
    cluster
}
