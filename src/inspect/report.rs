//! What `stowage inspect` found, as JSON has it. The table shows the same, folded.
//!
//! Field names are part of the interface; new fields may come. Amounts carry their unit in their name:
//! `Milli` is thousandths of a core or of a device, `Mib` is mebibytes.

use std::collections::BTreeMap;

use serde::Serialize;
use stowage_core::node::HandOver;

use super::map::{self, Row};
use super::model::{Model, Place};
use super::more;
use super::pending::{self, Outcome};
use super::shapes;
use super::stranded::{self, Cause, Stranded, free_milli};
use super::words;
use crate::config::API_VERSION;
use crate::k8s::node::Source;

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// `stowage.dev/v1alpha1`.
    pub api_version: &'static str,
    /// `Inspection`.
    pub kind: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The strategy that places further pods.
    pub strategy: &'static str,
    /// Sums over the cluster.
    pub totals: Totals,
    /// Every node, by name.
    pub nodes: Vec<NodeReport>,
    /// What is free and of no use, and why.
    pub stranded: StrandedReport,
    /// What pods with GPUs ask for, the most frequent first; at most eight.
    pub shapes: Vec<ShapeReport>,
    /// Pods that look for a node; those with GPUs first.
    pub pending: Vec<PendingReport>,
    /// What pods demand and nobody judges here.
    pub unmodelled: Vec<UnmodelledReport>,
}

/// Sums over the cluster.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Nodes.
    pub nodes: usize,
    /// Of these, nodes with GPUs.
    pub gpu_nodes: usize,
    /// GPUs.
    pub gpus: usize,
    /// Of these, GPUs that nobody uses.
    pub idle_gpus: usize,
    /// What pods hold, thousandths of a device: 1000 less what is free.
    pub allocated_milli: u64,
    /// What is free, thousandths of a device: of each the scarcer of compute and memory.
    pub free_milli: u64,
    /// Memory of all GPUs, as far as it is known.
    pub gpu_memory_mib: u64,
    /// Of that, memory that nobody holds.
    pub free_gpu_memory_mib: u64,
    /// Pods on nodes, those of `podsElsewhere` left out.
    pub pods_bound: usize,
    /// Pods on nodes that are not here, or were left out.
    pub pods_elsewhere: usize,
    /// Pods that look for a node.
    pub pods_pending: usize,
}

/// A node.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// Where its GPUs were looked up: `inventory`, `labels` or `allocatable`.
    pub source: &'static str,
    /// Who makes a chosen device real: `device-plugin`, `stowage-nri` or `nvidia-nri`.
    pub hand_over: &'static str,
    /// Whether it is cordoned.
    pub cordoned: bool,
    /// Why it gets no pods with GPUs, or null.
    pub unhealthy: Option<String>,
    /// Taints that keep pods away, as kubectl writes them.
    pub taints: Vec<String>,
    /// Cores that are left.
    pub free_cores_milli: u32,
    /// Host memory that is left.
    pub free_memory_mib: u32,
    /// Pods that it may still run.
    pub free_pods: u32,
    /// Whether pods hold more than it has.
    pub conflict: bool,
    /// Its GPUs by index.
    pub gpus: Vec<GpuReport>,
}

/// A GPU.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuReport {
    /// Its index.
    pub index: usize,
    /// Its UUID, or null.
    pub uuid: Option<String>,
    /// Its board.
    pub model: String,
    /// Its memory; 0 if that is not known.
    pub memory_mib: u32,
    /// `idle`, `part`, `full`, `unknown` (held, as far as can be told) or `failed`.
    pub state: &'static str,
    /// Compute that is left.
    pub free_compute_milli: u32,
    /// Memory that is left.
    pub free_memory_mib: u32,
    /// The scarcer of both.
    pub free_milli: u64,
    /// Who holds part of it, NAMESPACE/NAME.
    pub pods: Vec<String>,
}

/// Where all that is free went; thousandths of a device. `freeMilli` is the sum of all others.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StrandedReport {
    /// All that is free.
    pub free_milli: u64,
    /// What common shapes could take.
    pub usable_milli: u64,
    /// What they could not, by cause.
    pub causes: Vec<CauseReport>,
}

/// Something that strands free GPUs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseReport {
    /// Its name.
    pub cause: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// So much; thousandths of a device.
    pub milli: u64,
}

/// Pods that are alike to every decision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShapeReport {
    /// What each asks for, in words.
    pub asks: String,
    /// How many are on nodes.
    pub bound: u32,
    /// How many look for one.
    pub pending: u32,
    /// One of them, NAMESPACE/NAME.
    pub example: String,
    /// How many more fit, of this shape alone; at most 10000.
    pub more: u32,
    /// Whether counting stopped there.
    pub more_capped: bool,
    /// Nodes that could take one if they were empty.
    pub nodes: u32,
    /// Why nodes do not take one now, the most frequent reason first.
    pub refusals: Vec<ReasonReport>,
}

/// A reason and how many nodes have it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasonReport {
    /// In the words of the pod's event.
    pub reason: String,
    /// So many nodes.
    pub nodes: u32,
}

/// A pod that looks for a node.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingReport {
    /// NAMESPACE/NAME.
    pub pod: String,
    /// What it asks for, in words; empty if that makes no sense.
    pub asks: String,
    /// Nodes that could take it now.
    pub nodes: u32,
    /// The best of them, or null.
    pub best: Option<String>,
    /// Why nodes do not take it, the most frequent reason first; or one reason for all.
    pub refusals: Vec<ReasonReport>,
    /// All of that in one sentence.
    pub verdict: String,
}

/// Something that pods demand and nobody judges here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnmodelledReport {
    /// What.
    pub demand: &'static str,
    /// How many pods do.
    pub pods: u32,
}

impl Inspection {
    /// Looks at everything.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let rows = map::rows(model);
        let common = shapes::common(&model.shapes);
        let only: Vec<_> = common.iter().map(|(_, shape)| *shape).collect();
        let stranded = stranded::stranded(model, &only);
        Self {
            api_version: API_VERSION,
            kind: "Inspection",
            version: env!("CARGO_PKG_VERSION"),
            strategy: model.context.strategy().name(),
            totals: totals(model, &rows),
            nodes: rows.iter().map(|row| node(model, row)).collect(),
            stranded: StrandedReport::from(&stranded),
            shapes: only
                .iter()
                .map(|shape| shape_report(model, shape))
                .collect(),
            pending: pending_reports(model),
            unmodelled: unmodelled(model),
        }
    }
}

fn totals(model: &Model, rows: &[Row]) -> Totals {
    let cells = || rows.iter().flat_map(|row| &row.cells);
    let placed =
        |place: fn(&Place) -> bool| model.pods.iter().filter(|pod| place(&pod.place)).count();
    let free = cells().map(|cell| free_milli(cell.left, &cell.gpu)).sum();
    let gpus = cells().count();
    Totals {
        nodes: rows.len(),
        gpu_nodes: rows.iter().filter(|row| !row.cells.is_empty()).count(),
        gpus,
        idle_gpus: cells().filter(|cell| cell.left.is_idle(&cell.gpu)).count(),
        allocated_milli: 1000 * gpus as u64 - free,
        free_milli: free,
        gpu_memory_mib: cells().map(|cell| u64::from(cell.gpu.memory.0)).sum(),
        free_gpu_memory_mib: cells().map(|cell| u64::from(cell.left.memory.0)).sum(),
        pods_bound: placed(|place| matches!(place, Place::On(_))),
        pods_elsewhere: placed(|place| *place == Place::Elsewhere),
        pods_pending: placed(|place| *place == Place::Pending),
    }
}

fn node(model: &Model, row: &Row) -> NodeReport {
    let info = &model.nodes[row.node.index()];
    let hard = info
        .rules
        .taints()
        .iter()
        .filter(|taint| taint.effect.is_hard());
    NodeReport {
        name: info.facts.node.name.to_string(),
        source: source(info.facts.source),
        hand_over: hand_over(info.facts.node.hand_over),
        cordoned: info.rules.unschedulable(),
        unhealthy: info.unhealthy(),
        taints: hard.map(words::taint).collect(),
        free_cores_milli: row.left.cores.0,
        free_memory_mib: row.left.memory.0,
        free_pods: row.left.pods,
        conflict: model.cluster.nodes()[row.node.index()].in_conflict(),
        gpus: row
            .cells
            .iter()
            .enumerate()
            .map(|(index, cell)| GpuReport {
                index,
                uuid: info.facts.uuids.get(index).cloned().flatten(),
                model: cell.gpu.model.to_string(),
                memory_mib: cell.gpu.memory.0,
                state: cell.state.name(),
                free_compute_milli: cell.left.compute.0,
                free_memory_mib: cell.left.memory.0,
                free_milli: free_milli(cell.left, &cell.gpu),
                pods: cell
                    .holders
                    .iter()
                    .filter_map(|holder| model.pod(holder.pod))
                    .map(|pod| pod.facts.full_name())
                    .collect(),
            })
            .collect(),
    }
}

/// How a source is called.
#[must_use]
pub fn source(source: Source) -> &'static str {
    match source {
        Source::Inventory => "inventory",
        Source::Labels => "labels",
        Source::AllocatableOnly => "allocatable",
    }
}

/// How a hand-over is called.
#[must_use]
pub fn hand_over(hand_over: HandOver) -> &'static str {
    match hand_over {
        HandOver::DevicePlugin => "device-plugin",
        HandOver::StowageNri => "stowage-nri",
        HandOver::NvidiaNri => "nvidia-nri",
    }
}

impl From<&Stranded> for StrandedReport {
    fn from(stranded: &Stranded) -> Self {
        let cause = |(&cause, &milli): (&Cause, &u64)| CauseReport {
            cause: cause.name(),
            meaning: cause.sentence(),
            milli,
        };
        Self {
            free_milli: stranded.free,
            usable_milli: stranded.usable,
            causes: stranded.causes.iter().map(cause).collect(),
        }
    }
}

fn shape_report(model: &Model, shape: &shapes::Shape) -> ShapeReport {
    let more = more::more(model, shape);
    ShapeReport {
        asks: words::request(&shape.request),
        bound: shape.bound,
        pending: shape.pending,
        example: shape.example.clone(),
        more: more.fit,
        more_capped: more.fit == more::CAP,
        nodes: more.nodes,
        refusals: reasons(&more.reasons),
    }
}

fn reasons(reasons: &[(super::verdict::Refusal, u32)]) -> Vec<ReasonReport> {
    let reason = |&(refusal, nodes): &(super::verdict::Refusal, u32)| ReasonReport {
        reason: refusal.sentence().to_owned(),
        nodes,
    };
    reasons.iter().map(reason).collect()
}

fn pending_reports(model: &Model) -> Vec<PendingReport> {
    let pending = pending::pending(model).into_iter();
    let report = |found: pending::Pending| {
        let pod = &model.pods[found.pod];
        let verdict = pending::sentence(model, &found.outcome);
        let (nodes, best, refusals) = match found.outcome {
            Outcome::Fits { nodes, best } => (nodes, Some(best), Vec::new()),
            Outcome::Refused(why) => (0, None, reasons(&why)),
            Outcome::Wrong(reason) => {
                let nodes = u32::try_from(model.nodes.len()).unwrap_or(u32::MAX);
                (0, None, vec![ReasonReport { reason, nodes }])
            }
        };
        PendingReport {
            pod: pod.facts.full_name(),
            asks: pod
                .facts
                .request
                .as_ref()
                .map(words::request)
                .unwrap_or_default(),
            nodes,
            best: best.map(|node| model.nodes[node.index()].facts.node.name.to_string()),
            refusals,
            verdict,
        }
    };
    pending.map(report).collect()
}

/// Demands of pods that look for a node, and of those whose shapes are counted.
fn unmodelled(model: &Model) -> Vec<UnmodelledReport> {
    let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
    for pod in model.living() {
        let gpus = pod.facts.request.as_ref().is_ok_and(|r| r.wants_gpu());
        if gpus || pod.place == Place::Pending {
            for demand in &pod.unmodelled {
                *counts.entry(demand).or_insert(0) += 1;
            }
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(demand, pods)| (std::cmp::Reverse(pods), demand));
    let report = |(demand, pods)| UnmodelledReport { demand, pods };
    counts.into_iter().map(report).collect()
}
