//! The packing map: per node a row, per GPU a cell, and who holds what.
//!
//! Which devices a pod holds is known from its placement. Behind a vendor's device plugin only their
//! number is: the core then counts the lowest-numbered idle ones, and so does the map, marked as not
//! sure. Nothing here decides.

use std::collections::BTreeMap;

use stowage_core::gpu::{DeviceFree, Gpu};
use stowage_core::node::{NodeState, Room};
use stowage_core::request::ContainerRequest;
use stowage_core::units::{NodeIx, PodUid};

use super::model::{Model, NodeInfo};
use super::stranded::free_milli;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the cluster.
    pub node: NodeIx,
    /// Its GPUs.
    pub cells: Vec<Cell>,
    /// Cores, memory and pods that are left.
    pub left: Room,
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it is.
    pub gpu: Gpu,
    /// What is left of it.
    pub left: DeviceFree,
    /// In one word.
    pub state: State,
    /// Who holds part of it.
    pub holders: Vec<Holder>,
}

/// A GPU in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody holds any of it.
    Idle,
    /// Somebody holds a part.
    Part,
    /// Nothing is left of its compute or of its memory.
    Full,
    /// As far as can be told somebody holds it; it may be another of this node.
    Unknown,
    /// It does not work.
    Failed,
}

impl State {
    /// Its name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Part => "part",
            Self::Full => "full",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

/// A pod on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The pod.
    pub pod: PodUid,
    /// Whether it is known to be on this one.
    pub sure: bool,
}

/// The rows of all nodes, in the cluster's order.
#[must_use]
pub fn rows(model: &Model) -> Vec<Row> {
    let nodes = model.each_node();
    nodes
        .map(|(node, state, info)| row(node, state, info))
        .collect()
}

fn row(node: NodeIx, state: &NodeState, info: &NodeInfo) -> Row {
    let holders = holders(state);
    let devices = state.free().devices.iter().zip(state.node().gpus.iter());
    let cells = devices
        .zip(holders)
        .enumerate()
        .map(|(index, ((&left, gpu), holders))| {
            let failed = info.facts.node.health.failed.contains(index);
            let sure = holders.iter().all(|holder| holder.sure);
            Cell {
                state: match free_milli(left, gpu) {
                    _ if failed => State::Failed,
                    _ if left.is_idle(gpu) => State::Idle,
                    _ if !sure => State::Unknown,
                    _ if is_full(left, gpu) => State::Full,
                    _ => State::Part,
                },
                gpu: gpu.clone(),
                left,
                holders,
            }
        });
    Row {
        node,
        cells: cells.collect(),
        left: state.free().room,
    }
}

/// Less than a thousandth of its memory may still be some MiB, which is something.
fn is_full(left: DeviceFree, gpu: &Gpu) -> bool {
    left.compute.0 == 0 || gpu.memory.0 > 0 && left.memory.0 == 0
}

/// Who holds part of each device.
fn holders(state: &NodeState) -> Vec<Vec<Holder>> {
    let gpus = &state.node().gpus;
    let mut holders: Vec<Vec<Holder>> = vec![Vec::new(); gpus.len()];
    let mut unknown = Vec::new();
    for (&pod, hold) in state.holds() {
        match hold.claim.devices() {
            None => unknown.push((pod, hold)),
            Some(devices) => {
                let held = devices.iter().flat_map(|set| set.iter());
                for device in held.filter(|&device| device < gpus.len()) {
                    holders[device].push(Holder { pod, sure: true });
                }
            }
        }
    }
    // As the core counts them, see `free.rs` there.
    for (pod, hold) in unknown {
        for container in hold.request.containers() {
            let accepted = |&device: &usize| hold.request.accepts(&gpus[device]);
            let (mut missing, whole) = match container {
                ContainerRequest::None => (0, false),
                ContainerRequest::Whole { .. } => (container.count(), true),
                ContainerRequest::Share { .. } => (gpus.len(), false),
                // A counted one has no device; one that was cut on demand may be on any.
                ContainerRequest::Partition(kind) => {
                    let counted = state.node().partitions.iter().any(|(k, _)| k == kind);
                    (if counted { 0 } else { gpus.len() }, false)
                }
            };
            for device in (0..gpus.len()).filter(accepted) {
                let taken = whole && !holders[device].is_empty();
                if missing > 0 && !taken {
                    holders[device].push(Holder { pod, sure: false });
                    missing -= 1;
                }
            }
        }
    }
    for on_device in &mut holders {
        on_device.sort();
        on_device.dedup();
    }
    holders
}

/// Pods with GPUs in the order in which they appear on the map.
#[must_use]
pub fn pods(rows: &[Row]) -> Vec<PodUid> {
    let mut seen = BTreeMap::new();
    let cells = rows.iter().flat_map(|row| &row.cells);
    for holder in cells.flat_map(|cell| &cell.holders) {
        let next = seen.len();
        seen.entry(holder.pod).or_insert(next);
    }
    let mut pods: Vec<_> = seen.into_iter().collect();
    pods.sort_by_key(|&(_, order)| order);
    pods.into_iter().map(|(pod, _)| pod).collect()
}
