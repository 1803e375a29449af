//! How much free GPU is of no use, and why.
//!
//! A device is as free as the scarcer of its two parts, in thousandths: compute, or memory rounded down.
//! All that is free is counted once, in this way. Per node the common shapes are poured in until none
//! fits, the one that needs fewest cores for its GPUs first: what they take is *usable*. What is free
//! then is stranded, device by device, by the first [`Cause`] that holds, in their order.
//!
//! So usable is what could be filled in the best of cases, and stranded is what cannot be, unless a pod
//! ends or comes in another shape.

use std::collections::BTreeMap;
use std::sync::Arc;

use stowage_core::cluster::Cluster;
use stowage_core::gpu::{DeviceFree, Gpu};
use stowage_core::node::{Claim, Node, NodeState};
use stowage_core::partition::Partition;
use stowage_core::plan::{self, Context, Parameters};
use stowage_core::request::{ContainerRequest, PodRequest};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::{Mebibytes, Milli, NodeIx, PodUid};

use super::model::{Model, NodeInfo};
use super::more::unused;
use super::parts;
use super::shapes::Shape;

/// Most pods poured into one node.
const MOST_PODS: usize = 10_000;

/// Why something free is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The device has failed, or something is wrong with the node's devices as a whole.
    Unhealthy,
    /// The node is cordoned.
    Cordoned,
    /// No common shape takes this device: vendor, model, or a share where there is no hand-over.
    Unasked,
    /// Shapes that would take the device may not come: taints, selectors, affinity.
    Rules,
    /// The node runs as many pods as it may.
    Pods,
    /// Every shape that may come and takes the device needs more cores than are left.
    Cores,
    /// Of those with cores enough each needs more host memory than is left.
    Memory,
    /// The device may be held by a pod whose device is not known, so that nothing goes there that names
    /// its device.
    Unknown,
    /// The share that is left of the device is too small for every shape that has room.
    Sliver,
    /// No profile that a shape asks for has a place left on the board.
    Slots,
    /// The device would do, but too few like it are free on the node for one pod.
    Apart,
}

impl Cause {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 11] = [
        Self::Unhealthy,
        Self::Cordoned,
        Self::Unasked,
        Self::Rules,
        Self::Pods,
        Self::Cores,
        Self::Memory,
        Self::Unknown,
        Self::Sliver,
        Self::Slots,
        Self::Apart,
    ];

    /// Its name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Cordoned => "cordoned",
            Self::Unasked => "unasked",
            Self::Rules => "rules",
            Self::Pods => "pods",
            Self::Cores => "cores",
            Self::Memory => "memory",
            Self::Unknown => "unknown",
            Self::Sliver => "sliver",
            Self::Slots => "slots",
            Self::Apart => "apart",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy: GPUs that failed, or all of a node that is not well",
            Self::Cordoned => "the node is cordoned",
            Self::Unasked => "nobody asks: no common shape takes such a GPU",
            Self::Rules => "kept away: taints, selectors or affinity of who would take it",
            Self::Pods => "no pod slot left on the node",
            Self::Cores => "no cores left: too few for every shape that may come",
            Self::Memory => "no host memory left: too little for every shape that may come",
            Self::Unknown => "perhaps held: by a pod whose GPU is not known",
            Self::Sliver => "slivers: the share left is too small for every common shape",
            Self::Slots => "slots: MIG slices where no profile that is asked for has a place",
            Self::Apart => "apart: too few free side by side on the node",
        }
    }
}

/// Where all that is free went; thousandths of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stranded {
    /// All that is free.
    pub free: u64,
    /// What common shapes could take.
    pub usable: u64,
    /// What they could not, by cause; those that hold for nothing are left out.
    pub causes: BTreeMap<Cause, u64>,
}

/// What is free of `gpu`: the scarcer of its parts; of replicas those that nobody holds.
#[must_use]
pub fn free_milli(left: DeviceFree, gpu: &Gpu) -> u64 {
    if let Some(found) = parts::replicas(left, gpu) {
        return u64::from(found.count - found.held) * 1000 / u64::from(found.count);
    }
    let compute = u64::from(left.compute.0);
    match u64::from(gpu.memory.0) {
        // Memory that is not known limits nothing.
        0 => compute,
        all => compute.min(u64::from(left.memory.0) * 1000 / all),
    }
}

/// What is free of all devices of a node.
#[must_use]
pub fn free_of(state: &NodeState) -> u64 {
    let devices = state.free().devices.iter().zip(state.node().gpus.iter());
    devices.map(|(&left, gpu)| free_milli(left, gpu)).sum()
}

/// Where all that is free in the cluster went, as far as `shapes` are concerned.
#[must_use]
pub fn stranded(model: &Model, shapes: &[&Shape]) -> Stranded {
    let mut all = Stranded::default();
    let mut cluster = model.cluster.clone();
    let mut uids = unused(model);
    for (node, alike) in groups(model, shapes) {
        let one = on_node(model, node, shapes, &mut cluster, &mut uids);
        all.free += alike * one.free;
        all.usable += alike * one.usable;
        for (cause, milli) in one.causes {
            *all.causes.entry(cause).or_insert(0) += alike * milli;
        }
    }
    all
}

/// One of each kind of node with something free, and how many are alike in every respect.
fn groups(model: &Model, shapes: &[&Shape]) -> Vec<(NodeIx, u64)> {
    let mut groups = BTreeMap::new();
    for (node, state, info) in model.each_node() {
        if free_of(state) == 0 {
            continue;
        }
        let admitted: Vec<_> = shapes
            .iter()
            .map(|s| info.admits(s.wish()).is_ok())
            .collect();
        let (free, room) = (state.free(), state.free().room);
        let key = (
            (
                state.node().gpus.to_vec(),
                free.devices.to_vec(),
                free.unsure,
            ),
            free.parts.clone(),
            (
                state.node().partitions.clone(),
                state.node().cut_from.clone(),
                state.node().links.clone(),
            ),
            (room.cores, room.memory, room.pods, state.node().hand_over),
            (state.node().health, info.rules.unschedulable(), admitted),
        );
        groups.entry(key).or_insert((node, 0)).1 += 1;
    }
    groups.into_values().collect()
}

/// The same on one node. What is poured in stays in `cluster`; nobody looks at the node again.
fn on_node(
    model: &Model,
    node: NodeIx,
    shapes: &[&Shape],
    cluster: &mut Cluster,
    uids: &mut impl Iterator<Item = PodUid>,
) -> Stranded {
    let info = &model.nodes[node.index()];
    let state = &model.cluster.nodes()[node.index()];
    let free = free_of(state);
    if !info.rules.unschedulable() {
        pour(node, info, shapes, cluster, uids);
    }
    let left = &cluster.nodes()[node.index()];
    let mut causes = BTreeMap::new();
    for (device, gpu) in left.node().gpus.iter().enumerate() {
        let milli = free_milli(left.free().devices[device], gpu);
        if milli > 0 {
            *causes.entry(cause(left, info, device, shapes)).or_insert(0) += milli;
        }
    }
    Stranded {
        free,
        usable: free - free_of(left),
        causes,
    }
}

/// Fills a node with what may come, the shape that needs fewest cores for its GPUs first.
fn pour(
    node: NodeIx,
    info: &NodeInfo,
    shapes: &[&Shape],
    cluster: &mut Cluster,
    uids: &mut impl Iterator<Item = PodUid>,
) {
    // Least left first wastes least; what a look ahead would add is not worth its time here.
    let outlook = Arc::new(Outlook::default());
    let context = Context::new(Strategy::BestFit, Parameters::default(), outlook, 0);
    let admitted = shapes
        .iter()
        .filter(|shape| info.admits(shape.wish()).is_ok());
    let mut admitted: Vec<_> = admitted.collect();
    let gpus = info.facts.node.gpus.clone();
    admitted.sort_by_key(|shape| {
        let milli = weight(&shape.request, &gpus);
        let cores = u64::from(shape.request.cores().0);
        (cores * 1000 / milli.max(1), std::cmp::Reverse(milli))
    });
    let mut poured = 0;
    for shape in admitted {
        while poured < MOST_PODS
            && let Ok(candidate) =
                plan::candidate(&cluster.nodes()[node.index()], &shape.request, &context)
            && let Some(pod) = uids.next()
            && cluster
                .hold(
                    pod,
                    node,
                    shape.request.clone(),
                    Claim::Bound(candidate.devices),
                )
                .is_ok()
        {
            poured += 1;
        }
    }
}

/// How much of a device `request` takes in all, each container on the first of `gpus` that serves it.
fn weight(request: &PodRequest, gpus: &[Gpu]) -> u64 {
    let accepted = || gpus.iter().filter(|gpu| request.accepts(gpu));
    let taken = |container: &ContainerRequest| {
        let found = accepted().find_map(|gpu| Some((gpu, container.takes(gpu)?)));
        let Some((gpu, (compute, memory))) = found else {
            return 0;
        };
        let left = DeviceFree {
            compute: Milli(1000u32.saturating_sub(compute.0)),
            memory: Mebibytes(gpu.memory.0.saturating_sub(memory.0)),
        };
        container.count() as u64 * (1000 - free_milli(left, gpu))
    };
    request.containers().iter().map(taken).sum()
}

/// Why nothing more goes to `device` of a node that is full to the shapes.
fn cause(state: &NodeState, info: &NodeInfo, device: usize, shapes: &[&Shape]) -> Cause {
    let node = state.node();
    let room = state.free().room;
    if node.health.ailing || node.health.failed.contains(device) {
        return Cause::Unhealthy;
    }
    if info.rules.unschedulable() {
        return Cause::Cordoned;
    }
    let mut shapes: Vec<_> = shapes.iter().map(|shape| shape.wish()).collect();
    shapes.retain(|wish| takes(wish.request, node, device));
    if shapes.is_empty() {
        return Cause::Unasked;
    }
    shapes.retain(|wish| info.admits(*wish).is_ok());
    if shapes.is_empty() {
        return Cause::Rules;
    }
    if room.pods == 0 {
        return Cause::Pods;
    }
    shapes.retain(|wish| wish.request.cores() <= room.cores);
    if shapes.is_empty() {
        return Cause::Cores;
    }
    shapes.retain(|wish| wish.request.memory() <= room.memory);
    if shapes.is_empty() {
        return Cause::Memory;
    }
    let unsure = |request, container| state.perhaps_held(request, container).contains(device);
    let fits = |sure: bool| {
        let mut requests = shapes.iter().map(|wish| wish.request);
        requests.any(|request| {
            let mut containers = request.containers().iter();
            containers.any(|c| serves(state, device, c) && !(sure && unsure(request, c)))
        })
    };
    match (fits(true), fits(false)) {
        (true, _) => Cause::Apart,
        (false, true) => Cause::Unknown,
        (false, false) if node.gpus[device].mode.geometry().is_some() => Cause::Slots,
        (false, false) => Cause::Sliver,
    }
}

/// Whether the device, idle, could serve a pod that asks for `request`.
fn takes(request: &PodRequest, node: &Node, device: usize) -> bool {
    let gpu = &node.gpus[device];
    let containers = request.containers();
    let share = |c: &ContainerRequest| matches!(c, ContainerRequest::Share { .. });
    let shares = containers.iter().any(share);
    let of_it = |container: &ContainerRequest| match container {
        ContainerRequest::None => false,
        // What the node counts comes from no device of ours.
        ContainerRequest::Partition(kind) if node.partitions.iter().any(|(k, _)| k == kind) => {
            false
        }
        container => container.takes(gpu).is_some(),
    };
    request.accepts(gpu)
        && (node.hand_over.serves_shares() || !shares)
        && containers.iter().any(of_it)
}

/// Whether what is left of `device` does for one unit of `container`, if nobody else holds it.
fn serves(state: &NodeState, device: usize, container: &ContainerRequest) -> bool {
    let (left, gpu) = (state.free().devices[device], &state.node().gpus[device]);
    match container {
        ContainerRequest::None => false,
        ContainerRequest::Whole { .. } | ContainerRequest::Share { .. } => {
            left.takes(container, gpu)
        }
        ContainerRequest::Partition(Partition::Mig(profile)) => {
            let cut = parts::board(state, device);
            cut.is_some_and(|(geometry, board)| board.fits(geometry, *profile))
        }
        ContainerRequest::Partition(_) => false,
    }
}
