//! What pods hold of which only the request is known: where it may be, as far as it matters.
//!
//! Unknown is never free: a guess takes at least as much as the pod can have taken, from whatever
//! devices that may be. `free.rs` marks what rests on it.

use std::num::NonZeroU8;

use crate::free::{Free, counted, take_cell, take_room};
use crate::gpu::{Gpu, GpuMode};
use crate::mig::BoardState;
use crate::node::Node;
use crate::partition::Partition;
use crate::request::{ContainerRequest, PodRequest};
use crate::units::{Mebibytes, Milli};

/// Takes devices for a pod of which only the request is known, and says whether there were too few.
/// Whole devices are taken from the lowest-numbered idle ones that the pod accepts, replicas from the
/// device with most left; a share or a MIG instance may be anywhere, so it is taken from every device
/// it could be on.
pub(crate) fn guess(node: &Node, free: &mut Free, request: &PodRequest) -> bool {
    let short = free.room.cores < request.cores() || free.room.memory < request.memory();
    let mut conflict = short || free.room.pods == 0;
    take_room(free, request);
    for container in request.containers() {
        conflict |= guess_units(node, free, request, container, container.count());
    }
    conflict
}

/// The same for so many units of one container.
pub(crate) fn guess_units(
    node: &Node,
    free: &mut Free,
    request: &PodRequest,
    container: &ContainerRequest,
    units: usize,
) -> bool {
    match container {
        ContainerRequest::None => false,
        ContainerRequest::Share { .. } => {
            for (device, gpu) in accepted(node, request) {
                if container.takes(gpu).is_some() {
                    take_cell(&mut free.devices[device], container, gpu);
                }
            }
            false
        }
        ContainerRequest::Whole { .. } => {
            let taken = (0..units).filter(|_| guess_one(node, free, request));
            taken.count() < units
        }
        ContainerRequest::Partition(kind) => guess_partition(node, free, request, *kind),
    }
}

fn accepted<'n>(
    node: &'n Node,
    request: &'n PodRequest,
) -> impl Iterator<Item = (usize, &'n Gpu)> + use<'n> {
    let gpus = node.gpus.iter().enumerate();
    gpus.filter(|(_, gpu)| request.accepts(gpu))
}

/// Takes one whole device, or a replica of one; no if there is none. A device that works is taken
/// before one that does not, so that no more is promised than there may be; one that the pod does not
/// accept last, because an earlier guess may have taken what it has.
fn guess_one(node: &Node, free: &mut Free, request: &PodRequest) -> bool {
    let one = ContainerRequest::Whole {
        count: NonZeroU8::MIN,
    };
    let fits = |&(device, gpu): &(usize, &Gpu)| free.devices[device].takes(&one, gpu);
    let order = |&(device, gpu): &(usize, &Gpu)| {
        let left = match gpu.mode {
            GpuMode::Replicas(..) => free.devices[device].compute,
            GpuMode::Plain | GpuMode::Mig(_) | GpuMode::Parted => Milli(0),
        };
        let failed = node.health.failed.contains(device);
        let other = !request.accepts(gpu);
        (other, failed, std::cmp::Reverse(left), device)
    };
    let gpus = node.gpus.iter().enumerate();
    let of_vendor = gpus.filter(|(_, gpu)| request.is_for(gpu.vendor));
    let Some((device, gpu)) = of_vendor.filter(fits).min_by_key(order) else {
        return false;
    };
    take_cell(&mut free.devices[device], &one, gpu);
    free.unknown += u32::from(gpu.mode == GpuMode::Plain);
    true
}

/// Takes one partition; whether there was none. A partition of a kind that the node does not give out
/// any more still is on some device of it.
fn guess_partition(node: &Node, free: &mut Free, request: &PodRequest, kind: Partition) -> bool {
    if let Some(left) = counted(node, free, kind) {
        let none = *left == 0;
        *left = left.saturating_sub(1);
        return none;
    }
    let one = ContainerRequest::Partition(kind);
    let mut none = true;
    for (device, gpu) in node.gpus.iter().enumerate() {
        if one.takes(gpu).is_some() {
            none = false;
            free.devices[device].compute = Milli(0);
            free.devices[device].memory = Mebibytes(0);
            if let Some(board) = free.board(device) {
                *board = gpu.mode.geometry().map(BoardState::full);
            }
        }
    }
    if none {
        guess_one(node, free, request);
    }
    none
}
