//! What is left of a node ([`Free`]): inventory minus holds, and the arithmetic of it.
//!
//! A decision of ours is taken with every subtraction checked; what was observed is taken down to
//! nothing, never below. Devices that are not known are guessed, and what rests on the guess is
//! marked. It keeps nothing: `node.rs` remembers holds, `audit.rs` derives all this again, naively.

use std::collections::BTreeMap;

use smallvec::SmallVec;
use thiserror::Error;

use crate::gpu::{DeviceFree, DeviceSet, Gpu};
use crate::node::{Claim, Hold, Node};
use crate::request::{ContainerRequest, Devices, PodRequest};
use crate::units::{Mebibytes, Milli, PodUid};

/// What a node offers, or has left, besides devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// CPU cores.
    pub cores: Milli,
    /// Host memory.
    pub memory: Mebibytes,
    /// Pods.
    pub pods: u32,
}

/// What is left of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Free {
    /// Cores, memory and pods.
    pub room: Room,
    /// Each device.
    pub devices: SmallVec<[DeviceFree; 8]>,
    /// How many whole devices are held by pods whose devices are not known. They are counted as the
    /// lowest-numbered idle ones in `devices`, which is a guess.
    pub unknown: u32,
    /// Devices that are idle by that guess alone. Whole devices are a matter of counting, but a share
    /// names its device, so it may not go there.
    pub unsure: DeviceSet,
}

/// A hold that the node cannot carry. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HoldError {
    /// The pod holds something here already.
    #[error("the pod already holds something on the node")]
    Twice,
    /// A resource would be promised beyond what the node has.
    #[error("the hold takes more {0} than is left")]
    TooMuch(&'static str),
    /// The devices do not answer the request: wrong number, or an index the node does not have.
    #[error("the devices do not answer the request")]
    Devices,
}

impl Free {
    /// All of `node`.
    #[must_use]
    pub fn all(node: &Node) -> Self {
        Self {
            room: node.room,
            devices: node.gpus.iter().map(DeviceFree::idle).collect(),
            unknown: 0,
            unsure: DeviceSet::EMPTY,
        }
    }

    /// GPU compute that nobody holds, thousandths of a device.
    #[must_use]
    pub fn gpu_milli(&self) -> u64 {
        self.devices.iter().map(|d| u64::from(d.compute.0)).sum()
    }
}

/// What is left of `node` under `holds`, and whether they exceed it.
pub(crate) fn derive(node: &Node, holds: &BTreeMap<PodUid, Hold>) -> (Free, bool) {
    let mut free = Free::all(node);
    let mut conflict = false;
    let known = holds.values().filter(|hold| hold.claim != Claim::Foreign);
    for hold in known {
        let Some(devices) = hold.claim.devices() else {
            continue;
        };
        match take(node, &free, &hold.request, devices) {
            Ok(left) => free = left,
            Err(_) => {
                conflict = true;
                take_what_there_is(node, &mut free, &hold.request, devices);
            }
        }
    }
    for hold in holds.values().filter(|h| h.claim == Claim::Foreign) {
        conflict |= guess(node, &mut free, &hold.request);
    }
    if free.unknown > 0 {
        let cells = free.devices.iter().zip(node.gpus.iter()).enumerate();
        let idle = cells.filter(|(_, (left, gpu))| left.is_idle(gpu));
        free.unsure = idle.map(|(device, _)| device).collect();
    }
    (free, conflict)
}

/// What is left after `request` took `devices`, every subtraction checked.
pub(crate) fn take(
    node: &Node,
    free: &Free,
    request: &PodRequest,
    devices: &Devices,
) -> Result<Free, HoldError> {
    let mut left = free.clone();
    let less = |have: u32, take: u32, what| have.checked_sub(take).ok_or(HoldError::TooMuch(what));
    let room = &mut left.room;
    room.cores.0 = less(room.cores.0, request.cores().0, "CPU")?;
    room.memory.0 = less(room.memory.0, request.memory().0, "host memory")?;
    room.pods = less(room.pods, 1, "pods")?;
    if devices.len() != request.containers().len() {
        return Err(HoldError::Devices);
    }
    for (container, set) in request.containers().iter().zip(devices) {
        if set.len() != container.count() {
            return Err(HoldError::Devices);
        }
        for device in set.iter() {
            let gpu = node.gpus.get(device).ok_or(HoldError::Devices)?;
            let cell = &mut left.devices[device];
            cell.compute.0 = less(cell.compute.0, container.compute().0, "GPU compute")?;
            cell.memory.0 = less(cell.memory.0, container.memory_on(gpu).0, "GPU memory")?;
        }
    }
    Ok(left)
}

/// The inverse of [`take`].
pub(crate) fn give_back(node: &Node, free: &mut Free, request: &PodRequest, devices: &Devices) {
    free.room.cores.0 += request.cores().0;
    free.room.memory.0 += request.memory().0;
    free.room.pods += 1;
    for (container, set) in request.containers().iter().zip(devices) {
        for device in set.iter() {
            free.devices[device].compute.0 += container.compute().0;
            free.devices[device].memory.0 += container.memory_on(&node.gpus[device]).0;
        }
    }
}

/// [`take`] for what was observed although it is more than there is: down to nothing.
fn take_what_there_is(node: &Node, free: &mut Free, request: &PodRequest, devices: &Devices) {
    take_room(free, request);
    for (container, set) in request.containers().iter().zip(devices) {
        for device in set.iter() {
            if let Some(gpu) = node.gpus.get(device) {
                take_cell(&mut free.devices[device], container, gpu);
            }
        }
    }
}

fn take_room(free: &mut Free, request: &PodRequest) {
    let room = &mut free.room;
    room.cores.0 = room.cores.0.saturating_sub(request.cores().0);
    room.memory.0 = room.memory.0.saturating_sub(request.memory().0);
    room.pods = room.pods.saturating_sub(1);
}

fn take_cell(cell: &mut DeviceFree, container: &ContainerRequest, gpu: &Gpu) {
    cell.compute.0 = cell.compute.0.saturating_sub(container.compute().0);
    cell.memory.0 = cell.memory.0.saturating_sub(container.memory_on(gpu).0);
}

/// Takes devices for a pod of which only the request is known, and says whether there were too few.
/// Whole devices are taken from the lowest-numbered idle ones that the pod accepts; a share may be
/// anywhere, so it is taken from every such device.
fn guess(node: &Node, free: &mut Free, request: &PodRequest) -> bool {
    let short = free.room.cores < request.cores() || free.room.memory < request.memory();
    let mut conflict = short || free.room.pods == 0;
    take_room(free, request);
    for container in request.containers() {
        let gpus = node.gpus.iter().enumerate();
        let gpus = gpus.filter(|(_, gpu)| request.accepts(gpu));
        match container {
            ContainerRequest::None => {}
            ContainerRequest::Share { .. } => {
                for (device, gpu) in gpus {
                    take_cell(&mut free.devices[device], container, gpu);
                }
            }
            ContainerRequest::Whole { .. } => {
                let mut missing = container.count();
                for (device, gpu) in gpus {
                    if missing > 0 && free.devices[device].is_idle(gpu) {
                        take_cell(&mut free.devices[device], container, gpu);
                        free.unknown += 1;
                        missing -= 1;
                    }
                }
                conflict |= missing > 0;
            }
        }
    }
    conflict
}
