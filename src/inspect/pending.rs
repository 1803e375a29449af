//! Pods that look for a node, each with its verdict in one line.

use std::collections::BTreeMap;

use stowage_core::units::NodeIx;

use super::model::{Model, Place, PodInfo};
use super::verdict::{Refusal, Wish};
use super::words;

/// A pod that looks for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Where it stands in [`Model::pods`].
    pub pod: usize,
    /// What was found.
    pub outcome: Outcome,
}

/// What was found for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Some nodes could take it.
    Fits {
        /// How many.
        nodes: u32,
        /// The best of them.
        best: NodeIx,
    },
    /// No node can, for these reasons, the most frequent first.
    Refused(Vec<(Refusal, u32)>),
    /// No node ever could: what is wrong with it.
    Wrong(String),
}

/// All pods that look for a node; those with GPUs first, else in the files' order.
#[must_use]
pub fn pending(model: &Model) -> Vec<Pending> {
    let mut known: BTreeMap<usize, Outcome> = BTreeMap::new();
    let pods = model.pods.iter().enumerate();
    let pods = pods.filter(|(_, pod)| pod.place == Place::Pending);
    let mut pending: Vec<_> = pods
        .map(|(at, pod)| {
            let judged = |shape: usize| {
                known
                    .entry(shape)
                    .or_insert_with(|| judge(model, pod))
                    .clone()
            };
            let outcome = pod.shape.map_or_else(|| judge(model, pod), judged);
            Pending { pod: at, outcome }
        })
        .collect();
    let without = |p: &Pending| {
        let request = &model.pods[p.pod].facts.request;
        request.as_ref().is_ok_and(|request| !request.wants_gpu())
    };
    pending.sort_by_key(without);
    pending
}

/// What every node is for a pod.
#[must_use]
pub fn judge(model: &Model, pod: &PodInfo) -> Outcome {
    let (request, rules) = match (&pod.facts.request, &pod.rules) {
        (Ok(request), Ok(rules)) => (request, rules),
        (Err(unsupported), _) => return Outcome::Wrong(unsupported.to_string()),
        (_, Err(wrong)) => return Outcome::Wrong(wrong.clone()),
    };
    let mut reasons: BTreeMap<Refusal, u32> = BTreeMap::new();
    let mut fit = Vec::new();
    for (node, verdict) in model.verdicts(Wish { request, rules }) {
        match verdict {
            Ok(candidate) => fit.push((node, candidate)),
            Err(refusal) => *reasons.entry(refusal).or_insert(0) += 1,
        }
    }
    stowage_core::plan::order(model.cluster.nodes(), &mut fit, &model.context);
    match fit.first() {
        Some(&(best, _)) => Outcome::Fits {
            nodes: u32::try_from(fit.len()).unwrap_or(u32::MAX),
            best,
        },
        None => Outcome::Refused(by_frequency(reasons)),
    }
}

/// The most frequent first; of equally frequent ones the one that is looked for first.
#[must_use]
pub fn by_frequency(reasons: BTreeMap<Refusal, u32>) -> Vec<(Refusal, u32)> {
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|&(refusal, count)| (std::cmp::Reverse(count), refusal));
    reasons
}

/// In a few words: `fits nowhere: too few idle GPUs (12 of 15 nodes)`.
#[must_use]
pub fn sentence(model: &Model, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Fits { nodes, best } => {
            let best = &model.nodes[best.index()].facts.node.name;
            format!(
                "fits on {}, best {best}",
                words::count(u64::from(*nodes), "node")
            )
        }
        Outcome::Refused(reasons) => match reasons.first() {
            Some((refusal, nodes)) => {
                let all = words::count(model.nodes.len() as u64, "node");
                format!("fits nowhere: {} ({nodes} of {all})", refusal.sentence())
            }
            None => "fits nowhere: there is no node".to_owned(),
        },
        Outcome::Wrong(sentence) => format!("fits nowhere: {sentence}"),
    }
}
