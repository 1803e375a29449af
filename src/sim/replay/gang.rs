//! All or nothing: the pods of a job are placed one after another, and given back if one fits nowhere.

use std::sync::Arc;

use stowage_core::cluster::ClusterError;
use stowage_core::request::PodRequest;
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::verbs::Planner;

use crate::sim::trace::timed::NodeNames;

/// The node of each pod, in the order of the members.
pub(super) type Places = Vec<NodeIx>;

/// Books `pods`, the first of which is number `first`, or none of them. `round` makes decision numbers
/// of later attempts differ from those of the first. Only `nodes` are looked at, where they are named.
pub(super) fn place(
    planner: &mut Planner,
    round: u64,
    first: u64,
    (pods, nodes): (&[Arc<PodRequest>], Option<&NodeNames>),
) -> Result<Option<Places>, ClusterError> {
    let mut places = Places::new();
    for (number, pod) in (first..).zip(pods) {
        let (decision, uid) = (decision(round, number), PodUid(u128::from(number)));
        let placed = match nodes {
            None => planner.place(decision, uid, pod),
            Some(names) => {
                planner.place_among(decision, uid, pod, |node| names.contains(&node.name))
            }
        };
        match placed? {
            Some(placement) => places.push(placement.node),
            None => {
                release(planner, first, places.len());
                return Ok(None);
            }
        }
    }
    Ok(Some(places))
}

/// The number of the decision about pod `number` in attempt `round`.
pub(super) fn decision(round: u64, number: u64) -> u64 {
    (round << 40) | number
}

/// Gives back the first `count` pods from number `first` on.
pub(super) fn release(planner: &mut Planner, first: u64, count: usize) {
    for number in (first..).take(count) {
        planner.release(PodUid(u128::from(number)));
    }
}

/// On how many different nodes.
pub(super) fn spanned(places: &[NodeIx]) -> u32 {
    let mut nodes = places.to_vec();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len() as u32
}
