//! A node: what it has ([`Node`]), what is left ([`Free`]) and who holds the rest ([`NodeState`]).
//!
//! Holds are the truth; [`Free`] is kept beside them only because deriving it for every question
//! would be slow. `audit.rs` derives it again and compares.
//! A [`NodeState`] prints as a drawing, one cell a device: `.` idle, `x` nothing left,
//! `350/1000` what is left of its compute. Tests, `explain` and debug output speak it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;
use thiserror::Error;

use crate::gpu::{DeviceFree, Gpu, MAX_DEVICES};
use crate::request::{Devices, Kind, PodRequest};
use crate::units::{Mebibytes, Milli, PodUid};

/// What a node advertises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, unique in the cluster.
    pub name: Arc<str>,
    /// Its place among nodes that are equally good, smallest first; equal ranks go by name.
    pub rank: u32,
    /// What it offers besides devices.
    pub room: Room,
    /// Its devices, by index; at most [`MAX_DEVICES`].
    pub gpus: Arc<[Gpu]>,
    /// Who makes a chosen device real.
    pub hand_over: HandOver,
}

/// Who gives a container the device that was chosen for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandOver {
    /// The vendor's device plugin, which chooses by itself: whole devices only, and which ones is a
    /// prediction.
    #[default]
    DevicePlugin,
    /// Stowage's node agent: whole devices and shares.
    StowageNri,
    /// NVIDIA's NRI plugin, which obeys an annotation: whole devices and shares without a limit.
    NvidiaNri,
}

impl HandOver {
    /// Whether a device can be given to several pods in shares.
    #[must_use]
    pub fn serves_shares(self) -> bool {
        self != Self::DevicePlugin
    }
}

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
}

impl Free {
    /// GPU compute that nobody holds, thousandths of a device.
    #[must_use]
    pub fn gpu_milli(&self) -> u64 {
        self.devices.iter().map(|d| u64::from(d.compute.0)).sum()
    }
}

/// What one pod holds on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What it asked for.
    pub request: Arc<PodRequest>,
    /// The devices it got, container by container.
    pub devices: Devices,
}

/// A node as the planner sees it: inventory minus holds.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeState {
    node: Arc<Node>,
    tie: u64,
    free: Free,
    hosted: BTreeMap<Kind, u32>,
    holds: BTreeMap<PodUid, Hold>,
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

impl NodeState {
    /// The node with nobody on it. Devices beyond [`MAX_DEVICES`] are refused by
    /// [`Cluster`](crate::cluster::Cluster), the only maker of states that live.
    #[must_use]
    pub fn idle(node: Arc<Node>) -> Self {
        debug_assert!(node.gpus.len() <= MAX_DEVICES);
        let free = Free {
            room: node.room,
            devices: node.gpus.iter().map(DeviceFree::idle).collect(),
        };
        Self {
            tie: fnv1a(node.name.as_bytes()),
            node,
            free,
            hosted: BTreeMap::new(),
            holds: BTreeMap::new(),
        }
    }

    /// The inventory.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// What is left.
    #[must_use]
    pub fn free(&self) -> &Free {
        &self.free
    }

    /// Who holds what.
    #[must_use]
    pub fn holds(&self) -> &BTreeMap<PodUid, Hold> {
        &self.holds
    }

    /// How many pods of each kind are here.
    #[must_use]
    pub fn hosted(&self) -> &BTreeMap<Kind, u32> {
        &self.hosted
    }

    /// A number that stands for the node's name when ties are drawn.
    #[must_use]
    pub fn tie(&self) -> u64 {
        self.tie
    }

    /// Books `hold` for `pod`.
    ///
    /// # Errors
    /// When the node cannot carry it; then nothing is changed.
    pub(crate) fn hold(&mut self, pod: PodUid, hold: Hold) -> Result<(), HoldError> {
        if self.holds.contains_key(&pod) {
            return Err(HoldError::Twice);
        }
        self.free = take(&self.node, &self.free, &hold.request, &hold.devices)?;
        *self.hosted.entry(hold.request.kind()).or_insert(0) += 1;
        self.holds.insert(pod, hold);
        Ok(())
    }

    /// Gives back what `pod` holds, if anything.
    pub(crate) fn release(&mut self, pod: PodUid) -> Option<Hold> {
        let hold = self.holds.remove(&pod)?;
        let (node, free, request) = (&self.node, &mut self.free, &hold.request);
        free.room.cores.0 += request.cores().0;
        free.room.memory.0 += request.memory().0;
        free.room.pods += 1;
        for (container, devices) in request.containers().iter().zip(&hold.devices) {
            for device in devices.iter() {
                free.devices[device].compute.0 += container.compute().0;
                free.devices[device].memory.0 += container.memory_on(&node.gpus[device]).0;
            }
        }
        let kind = request.kind();
        if let Some(count) = self.hosted.get_mut(&kind) {
            *count -= 1;
            if *count == 0 {
                self.hosted.remove(&kind);
            }
        }
        Some(hold)
    }
}

/// What is left after `request` took `devices`, every subtraction checked.
fn take(
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

/// The 64-bit FNV-1a hash: the same on every platform and in every release.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.node.name)?;
        for (device, gpu) in self.free.devices.iter().zip(self.node.gpus.iter()) {
            match device.compute {
                _ if device.is_idle(gpu) => f.write_str(" .")?,
                Milli(0) => f.write_str(" x")?,
                left => write!(f, " {left}/1000")?,
            }
        }
        let room = self.free.room;
        write!(f, " {}m {}Mi {}p", room.cores, room.memory, room.pods)
    }
}

impl fmt::Debug for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
