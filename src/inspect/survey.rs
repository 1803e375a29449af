//! Looks at everything and writes it down as a report.
//!
//! Nothing is decided or counted here that `map`, `stranded`, `more` and `pending` have not found.

use std::collections::BTreeMap;

use stowage_core::node::HandOver;
use stowage_core::request::PodRequest;

use super::map::{self, Cell, Row, State};
use super::model::{Model, Place};
use super::more;
use super::parts::{self, Parts};
use super::pending::{self, Outcome};
use super::report::{
    BoardReport, CauseReport, GpuReport, Inspection, InstanceReport, NodeReport, PartitionReport,
    PendingReport, ReasonReport, ReplicasReport, ShapeReport, StrandedReport, Totals,
    UnmodelledReport,
};
use super::shapes;
use super::stranded::{self, Cause, Stranded, free_milli};
use super::words;
use crate::config::API_VERSION;
use crate::k8s::node::Source;

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
    let given_out = || cells().filter(|cell| cell.state != State::Cut);
    Totals {
        nodes: rows.len(),
        gpu_nodes: rows
            .iter()
            .filter(|row| !row.cells.is_empty() || !row.counted.is_empty())
            .count(),
        gpus,
        idle_gpus: cells().filter(|cell| cell.state == State::Idle).count(),
        allocated_milli: 1000 * given_out().count() as u64 - free,
        free_milli: free,
        gpu_memory_mib: given_out().map(|cell| u64::from(cell.gpu.memory.0)).sum(),
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
            .map(|(index, cell)| {
                let uuid = info.facts.uuids.get(index).cloned().flatten();
                gpu(model, cell, index, uuid)
            })
            .collect(),
        partitions: row.counted.iter().map(PartitionReport::from).collect(),
    }
}

fn gpu(model: &Model, cell: &Cell, index: usize, uuid: Option<String>) -> GpuReport {
    let name = |pod| Some(model.pod(pod)?.facts.full_name());
    let (mig, replicas) = match &cell.parts {
        None => (None, None),
        Some(Parts::Replicas(replicas)) => (None, Some(ReplicasReport::from(replicas))),
        Some(Parts::Board { slots, instances }) => {
            let instance = |found: &parts::Instance| InstanceReport {
                pod: name(found.pod).unwrap_or_default(),
                profile: found.profile.to_string(),
                start: found.start,
            };
            let board = BoardReport {
                slots: slots.clone(),
                instances: instances.iter().map(instance).collect(),
            };
            (Some(board), None)
        }
    };
    GpuReport {
        index,
        uuid,
        model: cell.gpu.model.to_string(),
        memory_mib: cell.gpu.memory.0,
        state: cell.state.name(),
        free_compute_milli: cell.left.compute.0,
        free_memory_mib: cell.left.memory.0,
        free_milli: free_milli(cell.left, &cell.gpu),
        pods: cell.holders.iter().filter_map(|h| name(h.pod)).collect(),
        mig,
        replicas,
    }
}

impl From<&parts::Replicas> for ReplicasReport {
    fn from(found: &parts::Replicas) -> Self {
        Self {
            count: found.count,
            held: found.held,
            sharing: parts::sharing(found.sharing),
        }
    }
}

impl From<&parts::Counted> for PartitionReport {
    fn from(found: &parts::Counted) -> Self {
        Self {
            kind: found.kind.to_string(),
            count: found.count,
            left: found.left,
        }
    }
}

/// How a source is called.
pub(super) fn source(source: Source) -> &'static str {
    match source {
        Source::Inventory => "inventory",
        Source::Labels => "labels",
        Source::InstanceType => "instance-type",
        Source::AllocatableOnly => "allocatable",
    }
}

/// How a hand-over is called.
pub(super) fn hand_over(hand_over: HandOver) -> &'static str {
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
        let gpus = pod.facts.request.as_ref().is_ok_and(PodRequest::wants_gpu);
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
