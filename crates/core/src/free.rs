//! What is left of a node ([`Free`]): inventory minus holds, and the arithmetic of it.
//!
//! A decision of ours is taken with every subtraction checked; what was observed is taken down to
//! nothing, never below. Devices that are not known are guessed (`guess.rs`), and what rests on the guess
//! is marked. It keeps nothing: `node.rs` remembers holds, `audit.rs` derives all this again, naively.

use std::collections::BTreeMap;
use std::iter::repeat_n;

use smallvec::SmallVec;
use thiserror::Error;

use crate::gpu::{DeviceFree, DeviceSet, Gpu, GpuMode};
use crate::guess::{guess, guess_units};
use crate::mig::{BoardState, Geometry, MigProfile};
use crate::node::{Claim, HandOver, Hold, Node};
use crate::partition::Partition;
use crate::request::{ContainerRequest, Devices, PodRequest};
use crate::units::{Mebibytes, Milli, PodUid};

/// What a node offers, or has left, besides devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Whether some device is given out in replicas or MIG instances.
    pub mixed: bool,
    /// What is left of what devices are cut into; none where nothing is cut, which keeps the rest
    /// small.
    pub parts: Option<Box<Parts>>,
    /// How many whole devices are held by pods whose devices are not known. They are counted as the
    /// lowest-numbered idle ones in `devices`, which is a guess.
    pub unknown: u32,
    /// Devices that are idle by that guess alone. Where a device plugin chooses, whole devices are a
    /// matter of counting; what names its device may not go there, see
    /// [`NodeState::perhaps_held`](crate::node::NodeState::perhaps_held).
    pub unsure: DeviceSet,
}

/// What is left of what the devices of a node are cut into.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parts {
    /// The slots of each device that is cut on demand; empty if none is.
    pub boards: Vec<Option<BoardState>>,
    /// How many are left of each kind of counted partition.
    pub partitions: SmallVec<[u32; 2]>,
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
            mixed: node.gpus.iter().any(|gpu| gpu.mode != GpuMode::Plain),
            parts: parts(node),
            unknown: 0,
            unsure: DeviceSet::EMPTY,
        }
    }

    /// GPU compute that nobody holds, thousandths of a device.
    #[must_use]
    pub fn gpu_milli(&self) -> u64 {
        self.devices.iter().map(|d| u64::from(d.compute.0)).sum()
    }

    /// The slots of each device that is cut on demand; empty if none is.
    #[must_use]
    pub fn boards(&self) -> &[Option<BoardState>] {
        self.parts.as_ref().map_or(&[], |parts| &parts.boards)
    }

    /// How many are left of each kind of counted partition.
    #[must_use]
    pub fn partitions(&self) -> &[u32] {
        self.parts.as_ref().map_or(&[], |parts| &parts.partitions)
    }

    pub(crate) fn board(&mut self, device: usize) -> Option<&mut Option<BoardState>> {
        self.parts.as_mut()?.boards.get_mut(device)
    }
}

/// All parts of `node`, if it has any.
fn parts(node: &Node) -> Option<Box<Parts>> {
    let parts = Parts {
        boards: boards(node),
        partitions: node.partitions.iter().map(|(_, count)| *count).collect(),
    };
    (parts != Parts::default()).then(|| Box::new(parts))
}

/// The idle boards of `node`.
fn boards(node: &Node) -> Vec<Option<BoardState>> {
    let geometry = |gpu: &Gpu| gpu.mode.geometry();
    if node.gpus.iter().all(|gpu| geometry(gpu).is_none()) {
        return Vec::new();
    }
    let gpus = node.gpus.iter();
    gpus.map(|gpu| geometry(gpu).map(BoardState::idle))
        .collect()
}

/// What is left of `node` under `holds`, and whether they exceed it.
pub(crate) fn derive(node: &Node, holds: &BTreeMap<PodUid, Hold>) -> (Free, bool) {
    let mut free = Free::all(node);
    let mut conflict = false;
    let mut lost: Vec<(&PodRequest, ContainerRequest, usize)> = Vec::new();
    let known = holds.values().filter(|hold| hold.claim != Claim::Foreign);
    for hold in known {
        let Some(devices) = hold.claim.devices() else {
            continue;
        };
        match take(node, &free, &hold.request, devices) {
            Ok(left) => free = left,
            Err(_) => {
                conflict = true;
                let more = take_what_there_is(node, &mut free, &hold.request, devices);
                lost.extend(more.into_iter().map(|(c, n)| (&*hold.request, c, n)));
            }
        }
    }
    let mut guessed: Vec<&PodRequest> = lost.iter().map(|(request, ..)| *request).collect();
    for (request, container, units) in lost {
        guess_units(node, &mut free, request, &container, units);
    }
    for hold in holds.values().filter(|h| h.claim == Claim::Foreign) {
        conflict |= guess(node, &mut free, &hold.request);
        guessed.push(&hold.request);
    }
    if free.unknown > 0 {
        let cells = free.devices.iter().zip(node.gpus.iter()).enumerate();
        let may = |gpu: &Gpu| {
            let of = |request: &&PodRequest| request.is_for(gpu.vendor);
            gpu.mode == GpuMode::Plain && guessed.iter().any(of)
        };
        let idle = cells.filter(|(_, (left, gpu))| may(gpu) && left.is_idle(gpu));
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
    for (index, (container, set)) in request.containers().iter().zip(devices).enumerate() {
        if let ContainerRequest::Partition(kind) = container
            && set.is_empty()
        {
            let counted = counted(node, &mut left, *kind).ok_or(HoldError::Devices)?;
            *counted = less(*counted, 1, "partitions")?;
            continue;
        }
        if devices.units(index) != container.count() {
            return Err(HoldError::Devices);
        }
        for (device, times) in devices.each(index) {
            let gpu = node.gpus.get(device).ok_or(HoldError::Devices)?;
            let (compute, memory) = takes(container, gpu, times).ok_or(HoldError::Devices)?;
            let cell = &mut left.devices[device];
            cell.compute.0 = less(cell.compute.0, compute.0, "GPU compute")?;
            cell.memory.0 = less(cell.memory.0, memory.0, "GPU memory")?;
            if let Some((geometry, board, profile)) = slot(gpu, &mut left, device, container) {
                let placed = board.place(geometry, profile, devices.start(index));
                *board = placed.map_err(|_| HoldError::TooMuch("MIG slots"))?;
            }
        }
    }
    Ok(left)
}

/// What so many units of `container` take of one device; none if it is not given out like that.
fn takes(container: &ContainerRequest, gpu: &Gpu, times: usize) -> Option<(Milli, Mebibytes)> {
    let (compute, memory) = container.takes(gpu)?;
    let times = u32::try_from(times).ok()?;
    let all = |one: u32| one.checked_mul(times);
    let all = Some((Milli(all(compute.0)?), Mebibytes(all(memory.0)?)));
    all.filter(|_| times == 1 || gpu.mode.is_replicated())
}

/// How many are left of a counted kind of partition.
pub(crate) fn counted<'f>(node: &Node, free: &'f mut Free, kind: Partition) -> Option<&'f mut u32> {
    let mut kinds = node.partitions.iter();
    let index = kinds.position(|(counted, _)| *counted == kind)?;
    free.parts.as_mut()?.partitions.get_mut(index)
}

/// The board of a device, if `container` takes an instance of it.
fn slot<'f>(
    gpu: &Gpu,
    free: &'f mut Free,
    device: usize,
    container: &ContainerRequest,
) -> Option<(&'static Geometry, &'f mut BoardState, MigProfile)> {
    let ContainerRequest::Partition(Partition::Mig(profile)) = container else {
        return None;
    };
    let board = free.board(device)?.as_mut()?;
    Some((gpu.mode.geometry()?, board, *profile))
}

/// The inverse of [`take`].
///
/// # Errors
/// When it was not taken like that; then `free` is to be derived anew.
pub(crate) fn give_back(
    node: &Node,
    free: &mut Free,
    request: &PodRequest,
    devices: &Devices,
) -> Result<(), HoldError> {
    free.room.cores.0 += request.cores().0;
    free.room.memory.0 += request.memory().0;
    free.room.pods += 1;
    for (index, (container, set)) in request.containers().iter().zip(devices).enumerate() {
        if let ContainerRequest::Partition(kind) = container
            && set.is_empty()
        {
            *counted(node, free, *kind).ok_or(HoldError::Devices)? += 1;
            continue;
        }
        for (device, times) in devices.each(index) {
            let gpu = &node.gpus[device];
            let (compute, memory) = takes(container, gpu, times).ok_or(HoldError::Devices)?;
            free.devices[device].compute.0 += compute.0;
            free.devices[device].memory.0 += memory.0;
            if let Some((geometry, board, profile)) = slot(gpu, free, device, container) {
                let removed = board.remove(geometry, profile, devices.start(index));
                *board = removed.map_err(|_| HoldError::Devices)?;
            }
        }
    }
    Ok(())
}

/// [`take`] for what was observed although it is more than there is: down to nothing. Gives what cannot
/// be where it is said to be, container by container: devices that the node no longer has, partitions
/// that it no longer counts, and of whole devices that a plugin gave out those that somebody else is
/// said to have.
fn take_what_there_is(
    node: &Node,
    free: &mut Free,
    request: &PodRequest,
    devices: &Devices,
) -> Vec<(ContainerRequest, usize)> {
    take_room(free, request);
    let mut lost = Vec::new();
    for (index, container) in request.containers().iter().enumerate() {
        let set = devices.get(index).copied().unwrap_or_default();
        if let ContainerRequest::Partition(kind) = container
            && set.is_empty()
            && let Some(left) = counted(node, free, *kind)
        {
            *left = left.saturating_sub(1);
            continue;
        }
        let mut found = 0;
        for device in devices
            .each(index)
            .flat_map(|(d, times)| repeat_n(d, times))
        {
            let Some(gpu) = node.gpus.get(device) else {
                continue;
            };
            let whole = matches!(container, ContainerRequest::Whole { .. });
            let plugin = node.hand_over == HandOver::DevicePlugin;
            let there = free.devices[device].takes(container, gpu);
            found += usize::from(there || !whole || !plugin);
            take_cell(&mut free.devices[device], container, gpu);
            if let Some((geometry, board, profile)) = slot(gpu, free, device, container) {
                *board = board.observe(geometry, profile, devices.start(index));
            } else if let Some(board) = free.board(device) {
                *board = gpu.mode.geometry().map(BoardState::full);
            }
        }
        lost.push((*container, container.count().saturating_sub(found)));
    }
    lost.retain(|&(_, units)| units > 0);
    lost
}

pub(crate) fn take_room(free: &mut Free, request: &PodRequest) {
    let room = &mut free.room;
    room.cores.0 = room.cores.0.saturating_sub(request.cores().0);
    room.memory.0 = room.memory.0.saturating_sub(request.memory().0);
    room.pods = room.pods.saturating_sub(1);
}

/// Takes from a device; all of it, if it is not given out in such parts, or if nobody knows what a share
/// of it is, because its memory is not known.
pub(crate) fn take_cell(cell: &mut DeviceFree, container: &ContainerRequest, gpu: &Gpu) {
    let share = matches!(container, ContainerRequest::Share { .. });
    let known = container.takes(gpu);
    let known = known.filter(|_| !share || gpu.memory > Mebibytes(0));
    let (compute, memory) = known.unwrap_or((cell.compute, cell.memory));
    cell.compute.0 = cell.compute.0.saturating_sub(compute.0);
    cell.memory.0 = cell.memory.0.saturating_sub(memory.0);
}
