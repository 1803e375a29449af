//! What `stowage explain` found about one pod, as JSON has it: the verdict of every node, the best ones
//! with devices and scores, and the nearest change where no node fits.
//!
//! Field names are part of the interface (docs/inspect-json.md); new fields may come. Intents of a running server are not
//! known here, so that a burst of pods may be placed otherwise there.

use std::collections::BTreeMap;

use serde::Serialize;
use stowage_core::node::{Claim, HandOver, NodeState};
use stowage_core::plan::{self, Candidate};
use stowage_core::request::PodRequest;
use stowage_core::units::{NodeIx, PodUid};

use super::closest::closest;
use super::devices::{ContainerReport, containers, links, warnings, warnings_anywhere};
use super::model::{Model, Place, PodInfo};
use super::more::unused;
use super::nearest::nearest;
use super::survey::{hand_over, source};
use super::verdict::{Refusal, Wish};
use super::words;
use crate::config::API_VERSION;

/// Nodes whose devices and scores are told.
const BEST: usize = 3;

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// `stowage.dev/v1alpha1`.
    pub api_version: &'static str,
    /// `Explanation`.
    pub kind: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The strategy that decides.
    pub strategy: &'static str,
    /// What the strategy scores, in words.
    pub strategy_summary: &'static str,
    /// NAMESPACE/NAME.
    pub pod: String,
    /// What it asks for, in words; empty if that makes no sense.
    pub asks: String,
    /// `fits`, `refused`, `bound` or `ended`.
    pub status: &'static str,
    /// Where it is, if it is bound.
    pub bound: Option<BoundReport>,
    /// Nodes by verdict: those that fit first, then by number. Empty if the pod is not pending.
    pub verdicts: Vec<VerdictReport>,
    /// The best nodes, at most three.
    pub best: Vec<BestReport>,
    /// The nearest change that would make it fit, if it fits nowhere and one change is enough.
    pub nearest_change: Option<ChangeReport>,
    /// What it demands and nobody judges here.
    pub unmodelled: Vec<&'static str>,
}

/// Where a pod is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundReport {
    /// Its node.
    pub node: String,
    /// Whether the node is among those that were read.
    pub node_known: bool,
    /// Whether its devices are known; else the device plugin chose them and told nobody.
    pub devices_known: bool,
    /// Whether the devices are a prediction.
    pub predicted: bool,
    /// Its containers with GPUs.
    pub containers: Vec<ContainerReport>,
    /// As in `best`.
    pub links: Option<&'static str>,
    /// As in `best`.
    pub warnings: Vec<&'static str>,
}

/// Nodes with one verdict.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictReport {
    /// In the words of the pod's event; `fits`.
    pub verdict: String,
    /// Whether they could take it.
    pub fits: bool,
    /// How many there are.
    pub nodes: u32,
    /// One of them: the best, or the closest.
    pub example: Option<String>,
    /// The numbers behind it, for the example.
    pub detail: Option<String>,
}

/// A node that could take the pod.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BestReport {
    /// Its place, from 1.
    pub rank: usize,
    /// Its name.
    pub node: String,
    /// Its score; higher is better, comparable within this answer.
    pub score: i64,
    /// Where its GPUs were looked up: `inventory`, `labels` or `allocatable`.
    pub source: &'static str,
    /// Who makes the devices real.
    pub hand_over: &'static str,
    /// Whether the devices are a prediction.
    pub predicted: bool,
    /// The devices of each container with GPUs.
    pub containers: Vec<ContainerReport>,
    /// How the worst joined GPUs of a container are joined: `nvlink`, `pcie`, `numa` or `system`; null if
    /// none has several, or their links are not known.
    pub links: Option<&'static str>,
    /// What somebody with these devices should know.
    pub warnings: Vec<&'static str>,
    /// The node as it is: a cell a GPU, then cores, memory and pods left.
    pub before: String,
    /// The node with the pod on it.
    pub after: String,
}

/// A change that would make the pod fit.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeReport {
    /// `gpu-memory`, `gpu-compute`, `mig-profile`, `topology`, `gpus`, `cores`, `memory`, `models`,
    /// `toleration`, `selector` or `pod`.
    pub kind: &'static str,
    /// What to do.
    pub sentence: String,
}

impl Explanation {
    /// What there is to say about `pod`.
    #[must_use]
    pub fn of(model: &Model, pod: &PodInfo) -> Self {
        let strategy = model.context.strategy();
        let request = pod.facts.request.as_ref();
        let mut found = Self {
            api_version: API_VERSION,
            kind: "Explanation",
            version: env!("CARGO_PKG_VERSION"),
            strategy: strategy.name(),
            strategy_summary: strategy.summary(),
            pod: pod.facts.full_name(),
            asks: request.map(words::request).unwrap_or_default(),
            status: "ended",
            bound: None,
            verdicts: Vec::new(),
            best: Vec::new(),
            nearest_change: None,
            unmodelled: pod.unmodelled.clone(),
        };
        match pod.place {
            Place::Ended => {}
            Place::On(_) | Place::Elsewhere => {
                found.status = "bound";
                found.bound = Some(bound(model, pod));
            }
            Place::Pending => found.judge(model, pod),
        }
        found
    }

    /// Whether the pod is somewhere or could go somewhere.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status != "refused"
    }

    fn judge(&mut self, model: &Model, pod: &PodInfo) {
        self.status = "refused";
        let (request, rules) = match (&pod.facts.request, &pod.rules) {
            (Ok(request), Ok(rules)) => (request, rules),
            (Err(unsupported), _) => {
                return self.verdicts.push(for_all(model, unsupported.to_string()));
            }
            (_, Err(wrong)) => return self.verdicts.push(for_all(model, wrong.clone())),
        };
        let wish = Wish { request, rules };
        let mut fit: Vec<(NodeIx, Candidate)> = Vec::new();
        let mut refused: BTreeMap<Refusal, Vec<NodeIx>> = BTreeMap::new();
        for (node, verdict) in model.verdicts(wish) {
            match verdict {
                Ok(candidate) => fit.push((node, candidate)),
                Err(refusal) => refused.entry(refusal).or_default().push(node),
            }
        }
        plan::order(model.cluster.nodes(), &mut fit, &model.context);
        if let Some(&(best, _)) = fit.first() {
            self.status = "fits";
            self.verdicts.push(VerdictReport {
                verdict: "fits".to_owned(),
                fits: true,
                nodes: number(fit.len()),
                example: Some(name(model, best)),
                detail: None,
            });
        }
        self.verdicts.extend(refusals(model, refused, wish));
        self.best = best(model, pod, request, &fit);
        if fit.is_empty() {
            self.nearest_change = nearest(model, wish).map(|change| ChangeReport {
                kind: change.kind.name(),
                sentence: change.sentence,
            });
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn name(model: &Model, node: NodeIx) -> String {
    model.nodes[node.index()].facts.node.name.to_string()
}

/// A reason that holds whatever the node.
fn for_all(model: &Model, verdict: String) -> VerdictReport {
    VerdictReport {
        verdict,
        fits: false,
        nodes: number(model.nodes.len()),
        example: None,
        detail: None,
    }
}

/// The most frequent reason first.
fn refusals(
    model: &Model,
    refused: BTreeMap<Refusal, Vec<NodeIx>>,
    wish: Wish<'_>,
) -> Vec<VerdictReport> {
    let mut refused: Vec<_> = refused.into_iter().collect();
    refused.sort_by_key(|(refusal, nodes)| (std::cmp::Reverse(nodes.len()), *refusal));
    let report = |(refusal, nodes): (Refusal, Vec<NodeIx>)| {
        let found = closest(model, &nodes, refusal, wish);
        VerdictReport {
            verdict: refusal.sentence().to_owned(),
            fits: false,
            nodes: number(nodes.len()),
            example: found.as_ref().map(|(node, _)| name(model, *node)),
            detail: found.and_then(|(_, detail)| detail),
        }
    };
    refused.into_iter().map(report).collect()
}

fn best(
    model: &Model,
    pod: &PodInfo,
    request: &PodRequest,
    fit: &[(NodeIx, Candidate)],
) -> Vec<BestReport> {
    let mut after = model.cluster.clone();
    let request = std::sync::Arc::new(request.clone());
    let report = |((rank, (node, candidate)), uid): ((usize, &(NodeIx, Candidate)), PodUid)| {
        let info = &model.nodes[node.index()];
        let claim = Claim::Bound(candidate.devices.clone());
        // What `candidate` returned can be held.
        let _ = after.hold(uid, *node, request.clone(), claim);
        let with_pod = &after.nodes()[node.index()];
        BestReport {
            rank: rank + 1,
            node: name(model, *node),
            score: candidate.score.0,
            source: source(info.facts.source),
            hand_over: hand_over(info.facts.node.hand_over),
            predicted: info.facts.node.hand_over == HandOver::DevicePlugin && request.wants_gpu(),
            containers: containers(pod, info, with_pod, &candidate.devices),
            links: links(&info.facts.node, &request, &candidate.devices),
            warnings: warnings(&info.facts.node, &candidate.devices),
            before: drawing(&model.cluster.nodes()[node.index()]),
            after: drawing(with_pod),
        }
    };
    let best = fit.iter().take(BEST).enumerate().zip(unused(model));
    best.map(report).collect()
}

/// The node's drawing without its name.
fn drawing(state: &NodeState) -> String {
    let text = state.to_string();
    let name = state.node().name.len() + 1;
    text.get(name..).unwrap_or_default().trim_start().to_owned()
}

fn bound(model: &Model, pod: &PodInfo) -> BoundReport {
    let node = pod.facts.node_name.clone().unwrap_or_default();
    let hold = model.cluster.hold_of(pod.facts.uid);
    let held = hold.and_then(|(_, hold)| Some((&*hold.request, hold.claim.devices()?)));
    let at = match pod.place {
        Place::On(node) => Some(node.index()),
        _ => None,
    };
    let info = at.map(|at| &model.nodes[at]);
    let state = at.map(|at| &model.cluster.nodes()[at]);
    let placement = pod
        .facts
        .placement
        .as_ref()
        .and_then(|placement| placement.as_ref().ok());
    BoundReport {
        node,
        node_known: info.is_some(),
        devices_known: held.is_some(),
        predicted: placement.is_some_and(|placement| placement.predicted),
        containers: match (info, state, held) {
            (Some(info), Some(state), Some((_, devices))) => containers(pod, info, state, devices),
            _ => Vec::new(),
        },
        links: info
            .zip(held)
            .and_then(|(info, (request, devices))| links(&info.facts.node, request, devices)),
        warnings: match (info, held) {
            (Some(info), Some((_, devices))) => warnings(&info.facts.node, devices),
            (Some(info), None) => warnings_anywhere(&info.facts.node, &pod.facts.held()),
            (None, _) => Vec::new(),
        },
    }
}
