//! The packing map: per node a row, per GPU a cell, and who holds what.
//!
//! Which devices a pod holds is known from its placement. Behind a vendor's device plugin only their
//! number is: the core then counts the lowest-numbered idle ones, and so does the map, marked as not
//! sure. Nothing here decides.

use std::collections::BTreeMap;

use stowage_core::gpu::{DeviceFree, Gpu, GpuMode};
use stowage_core::mig::SliceMask;
use stowage_core::node::{NodeState, Room};
use stowage_core::request::{ContainerRequest, PodRequest};
use stowage_core::units::{NodeIx, PodUid};

use super::model::Model;
use super::parts::{self, Counted, Parts};
use super::stranded::free_milli;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the cluster.
    pub node: NodeIx,
    /// Its GPUs.
    pub cells: Vec<Cell>,
    /// Its partitions that are counted, which belong to no cell.
    pub counted: Vec<Counted>,
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
    /// Its parts, if it is given out in parts of their own.
    pub parts: Option<Parts>,
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
    /// Nothing is left of its compute or of its memory, no replica, no place for any MIG profile.
    Full,
    /// As far as can be told somebody holds it; it may be another of this node.
    Unknown,
    /// It does not work.
    Failed,
    /// Cut into partitions, which the node counts.
    Cut,
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
            Self::Cut => "cut",
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
    nodes.map(|(node, state, _)| row(node, state)).collect()
}

fn row(node: NodeIx, state: &NodeState) -> Row {
    let holders = holders(state);
    let mut instances = parts::instances(state);
    let devices = state.free().devices.iter().zip(state.node().gpus.iter());
    let cells = devices
        .zip(holders)
        .enumerate()
        .map(|(index, ((&left, gpu), holders))| {
            let failed = state.node().health.failed.contains(index);
            let sure = holders.iter().all(|holder| holder.sure);
            Cell {
                state: match free_milli(left, gpu) {
                    _ if failed => State::Failed,
                    _ if gpu.mode == GpuMode::Parted => State::Cut,
                    _ if left.is_idle(gpu) => State::Idle,
                    _ if !sure => State::Unknown,
                    _ if is_full(state, index) => State::Full,
                    _ => State::Part,
                },
                parts: parts(state, index, std::mem::take(&mut instances[index])),
                gpu: gpu.clone(),
                left,
                holders,
            }
        });
    Row {
        node,
        cells: cells.collect(),
        counted: parts::counted(state),
        left: state.free().room,
    }
}

fn parts(state: &NodeState, device: usize, instances: Vec<parts::Instance>) -> Option<Parts> {
    if let Some(board) = parts::board(state, device) {
        let slots = parts::slots(board, SliceMask::EMPTY);
        return Some(Parts::Board { slots, instances });
    }
    let (left, gpu) = (state.free().devices[device], &state.node().gpus[device]);
    parts::replicas(left, gpu).map(Parts::Replicas)
}

/// Less than a thousandth of its memory may still be some MiB, which is something.
fn is_full(state: &NodeState, device: usize) -> bool {
    let (left, gpu) = (state.free().devices[device], &state.node().gpus[device]);
    if let Some(board) = parts::board(state, device) {
        return parts::takes_nothing(board);
    }
    match parts::replicas(left, gpu) {
        Some(replicas) => replicas.held == replicas.count,
        None => left.compute.0 == 0 || gpu.memory.0 > 0 && left.memory.0 == 0,
    }
}

/// Who holds part of each device.
fn holders(state: &NodeState) -> Vec<Vec<Holder>> {
    let gpus = &state.node().gpus;
    let mut holders: Vec<Vec<Holder>> = vec![Vec::new(); gpus.len()];
    // How many replicas of each device are held.
    let mut replicas = vec![0; gpus.len()];
    let mut unknown = Vec::new();
    for (&pod, hold) in state.holds() {
        match hold.claim.devices() {
            None => unknown.push((pod, &*hold.request)),
            Some(devices) => {
                let held = (0..devices.len()).flat_map(|container| devices.each(container));
                for (device, times) in held.filter(|&(device, _)| device < gpus.len()) {
                    holders[device].push(Holder { pod, sure: true });
                    replicas[device] += times as u32;
                }
            }
        }
    }
    for (pod, request) in unknown {
        guess(state, pod, request, &mut holders, &mut replicas);
    }
    for on_device in &mut holders {
        on_device.sort();
        on_device.dedup();
    }
    holders
}

/// Where a pod is counted whose devices are not known: as the core does it, see `guess.rs` there.
fn guess(
    state: &NodeState,
    pod: PodUid,
    request: &PodRequest,
    holders: &mut [Vec<Holder>],
    replicas: &mut [u32],
) {
    let node = state.node();
    let accepted: Vec<usize> = (0..node.gpus.len())
        .filter(|&device| request.accepts(&node.gpus[device]))
        .collect();
    let holder = Holder { pod, sure: false };
    for container in request.containers() {
        match container {
            ContainerRequest::None => {}
            ContainerRequest::Whole { .. } => {
                for _ in 0..container.count() {
                    let free =
                        accepted
                            .iter()
                            .copied()
                            .filter(|&device| match node.gpus[device].mode {
                                GpuMode::Replicas(count, _) => {
                                    replicas[device] < u32::from(count.get())
                                }
                                GpuMode::Plain => holders[device].is_empty(),
                                GpuMode::Mig(_) | GpuMode::Parted => false,
                            });
                    let order = |&device: &usize| {
                        (
                            node.health.failed.contains(device),
                            replicas[device],
                            device,
                        )
                    };
                    if let Some(device) = free.min_by_key(order) {
                        holders[device].push(holder);
                        replicas[device] += 1;
                    }
                }
            }
            // May be on any; a counted partition is on none.
            ContainerRequest::Share { .. } | ContainerRequest::Partition(_) => {
                let counted = |kind| node.partitions.iter().any(|(known, _)| known == kind);
                let nowhere =
                    matches!(container, ContainerRequest::Partition(kind) if counted(kind));
                let takes = |&&device: &&usize| container.takes(&node.gpus[device]).is_some();
                for &device in accepted.iter().filter(takes).filter(|_| !nowhere) {
                    holders[device].push(holder);
                }
            }
        }
    }
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
