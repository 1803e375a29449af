//! A node: what it has ([`Node`]), what is left ([`Free`]) and who holds the rest ([`NodeState`]).
//!
//! Holds are the truth; [`Free`] is kept beside them only because deriving it for every question
//! would be slow. The arithmetic is in `free.rs`. What was observed may exceed what a node has: then
//! nothing is left, never less, and the node says that it is in conflict.
//!
//! A [`NodeState`] prints as a drawing, one cell a device: `.` idle, `x` nothing left,
//! `350/1000` what is left of its compute, `?2` two devices whose holder is known and whose index is
//! not, `M[xx......]` the memory slices of a board that is cut on demand, `5*1g.10gb` partitions left
//! of those that are counted, `-` a device that they are cut from. Tests, `explain` and debug output
//! speak it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::free::{derive, give_back, take};
use crate::gpu::{DeviceSet, Gpu, GpuMode, MAX_DEVICES};
use crate::mig::{BoardState, Geometry, SliceMask};
use crate::partition::Partition;
use crate::request::{ContainerRequest, Devices, Kind, PodRequest};
use crate::topology::Layout;
use crate::units::{Milli, PodUid};

pub use crate::free::{Free, HoldError, Parts, Room};

/// What a node advertises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name, unique in the cluster.
    pub name: Arc<str>,
    /// Its place among nodes that are equally good, smallest first; equal ranks go by name.
    pub rank: u32,
    /// What it offers besides devices.
    pub room: Room,
    /// Its devices, by index; at most [`MAX_DEVICES`].
    pub gpus: Arc<[Gpu]>,
    /// Partitions that were cut beforehand, of which the vendor's plugin chooses: how many of a kind.
    pub partitions: Arc<[(Partition, u32)]>,
    /// What the partitions were cut from, as far as it is known.
    pub cut_from: Option<Gpu>,
    /// Who makes a chosen device real.
    pub hand_over: HandOver,
    /// How the devices are joined, if that is known.
    pub links: Option<Arc<Layout>>,
    /// What keeps new pods away; running ones stay counted.
    pub health: Health,
}

/// What is wrong with a node's devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Health {
    /// Devices that do not work.
    pub failed: DeviceSet,
    /// Whether something is wrong with all of them, or is being changed.
    pub ailing: bool,
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

/// What one pod holds on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What it asked for.
    pub request: Arc<PodRequest>,
    /// How we know.
    pub claim: Claim,
}

/// How a hold came to be, and on which devices it is, container by container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Decided by us; the write is in flight or its outcome unknown.
    Assumed(Devices),
    /// Seen on the pod, or settled.
    Bound(Devices),
    /// Seen on the pod without a placement that we can read: it is somewhere on the node.
    Foreign,
}

impl Claim {
    /// The devices, if they are known.
    #[must_use]
    pub fn devices(&self) -> Option<&Devices> {
        match self {
            Self::Assumed(devices) | Self::Bound(devices) => Some(devices),
            Self::Foreign => None,
        }
    }
}

/// A node as the planner sees it: inventory minus holds.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeState {
    node: Arc<Node>,
    tie: u64,
    free: Free,
    conflict: bool,
    /// Holds whose devices are not known.
    foreign: u32,
    hosted: BTreeMap<Kind, u32>,
    holds: BTreeMap<PodUid, Hold>,
}

impl NodeState {
    /// The node with nobody on it. Devices beyond [`MAX_DEVICES`] are refused by
    /// [`Cluster`](crate::cluster::Cluster), the only maker of states that live.
    #[must_use]
    pub fn idle(node: Arc<Node>) -> Self {
        Self::with_holds(node, BTreeMap::new())
    }

    /// The node with `holds` on it, whatever they add up to.
    #[must_use]
    pub(crate) fn with_holds(node: Arc<Node>, holds: BTreeMap<PodUid, Hold>) -> Self {
        debug_assert!(node.gpus.len() <= MAX_DEVICES);
        let mut state = Self {
            tie: fnv1a(node.name.as_bytes()),
            free: Free::all(&node),
            node,
            conflict: false,
            foreign: 0,
            hosted: BTreeMap::new(),
            holds,
        };
        state.derive();
        state
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

    /// Idle devices that may be held by a pod whose device is not known, as far as `container` of
    /// `request` must stay away from them: a share names its device, and so does a whole one where
    /// somebody obeys that, or where the pod does not take whichever is left.
    #[must_use]
    pub fn perhaps_held(&self, request: &PodRequest, container: &ContainerRequest) -> DeviceSet {
        let unsure = self.free.unsure;
        if unsure.is_empty() {
            return unsure;
        }
        let named = match container {
            ContainerRequest::Share { .. } => true,
            ContainerRequest::Whole { .. } => {
                let mut gpus = self.node.gpus.iter();
                let other = |gpu: &Gpu| request.is_for(gpu.vendor) && !request.accepts(gpu);
                self.node.hand_over.serves_shares() || gpus.any(other)
            }
            ContainerRequest::None | ContainerRequest::Partition(_) => false,
        };
        if named { unsure } else { DeviceSet::EMPTY }
    }

    /// Whether observed holds exceed what the node has.
    #[must_use]
    pub fn in_conflict(&self) -> bool {
        self.conflict
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

    /// The same without the record of who holds what: enough to decide on, and to try holds on.
    #[must_use]
    pub fn sketch(&self) -> Self {
        Self {
            node: self.node.clone(),
            tie: self.tie,
            free: self.free.clone(),
            conflict: false,
            foreign: 0,
            hosted: self.hosted.clone(),
            holds: BTreeMap::new(),
        }
    }

    /// Books `hold` for `pod`.
    ///
    /// # Errors
    /// When its devices are not free here; then nothing is changed.
    pub(crate) fn hold(&mut self, pod: PodUid, hold: Hold) -> Result<(), HoldError> {
        if self.holds.contains_key(&pod) {
            return Err(HoldError::Twice);
        }
        let devices = hold.claim.devices().ok_or(HoldError::Devices)?;
        let left = take(&self.node, &self.free, &hold.request, devices)?;
        let kind = hold.request.kind();
        self.holds.insert(pod, hold);
        if self.adds_up() {
            self.free = left;
            *self.hosted.entry(kind).or_insert(0) += 1;
        } else {
            self.derive();
        }
        Ok(())
    }

    /// Whether what is left is inventory minus holds and nothing else, so that it can be kept by
    /// adding and subtracting.
    fn adds_up(&self) -> bool {
        !self.conflict && self.foreign == 0
    }

    /// Takes note of a hold that is there, even if the node cannot carry it.
    pub(crate) fn observe(&mut self, pod: PodUid, hold: Hold) {
        self.release(pod);
        if self.hold(pod, hold.clone()).is_err() {
            self.holds.insert(pod, hold);
            self.derive();
        }
    }

    /// Marks what `pod` holds as seen or settled.
    pub(crate) fn settle(&mut self, pod: PodUid) {
        if let Some(hold) = self.holds.get_mut(&pod)
            && let Claim::Assumed(devices) = &hold.claim
        {
            hold.claim = Claim::Bound(devices.clone());
        }
    }

    /// Gives back what `pod` holds, if anything.
    pub(crate) fn release(&mut self, pod: PodUid) -> Option<Hold> {
        let adds_up = self.adds_up();
        let hold = self.holds.remove(&pod)?;
        match hold.claim.devices() {
            Some(devices)
                if adds_up
                    && give_back(&self.node, &mut self.free, &hold.request, devices).is_ok() =>
            {
                let kind = hold.request.kind();
                if let Some(count) = self.hosted.get_mut(&kind) {
                    *count -= 1;
                    if *count == 0 {
                        self.hosted.remove(&kind);
                    }
                }
            }
            _ => self.derive(),
        }
        Some(hold)
    }

    /// Derives what is left from inventory and holds: known devices first, then the guess for those
    /// that are not known. Nothing goes below zero.
    fn derive(&mut self) {
        let (free, conflict) = derive(&self.node, &self.holds);
        (self.free, self.conflict) = (free, conflict);
        self.hosted.clear();
        self.foreign = 0;
        for hold in self.holds.values() {
            self.foreign += u32::from(hold.claim == Claim::Foreign);
            *self.hosted.entry(hold.request.kind()).or_insert(0) += 1;
        }
    }
}

/// One character a memory slice of a board: `.` free, `x` taken.
fn slots(gpu: &Gpu, board: Option<BoardState>) -> String {
    let slices = gpu.mode.geometry().map_or(0, Geometry::slices);
    let taken = board.map(BoardState::taken);
    let slot = |slice| {
        let free = taken.is_some_and(|taken| taken.common(SliceMask::run(slice, 1)).is_empty());
        if free { '.' } else { 'x' }
    };
    (0..slices).map(slot).collect()
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
        let cells = self.free.devices.iter().zip(self.node.gpus.iter());
        for (index, (device, gpu)) in cells.enumerate() {
            match device.compute {
                _ if gpu.mode.geometry().is_some() => {
                    let board = self.free.boards().get(index).copied().flatten();
                    write!(f, " M[{}]", slots(gpu, board))?;
                }
                _ if gpu.mode == GpuMode::Parted => f.write_str(" -")?,
                _ if device.is_idle(gpu) => f.write_str(" .")?,
                Milli(0) => f.write_str(" x")?,
                left => write!(f, " {left}/1000")?,
            }
        }
        for ((kind, _), left) in self.node.partitions.iter().zip(self.free.partitions()) {
            write!(f, " {left}*{kind}")?;
        }
        if self.free.unknown > 0 {
            write!(f, " ?{}", self.free.unknown)?;
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

/// For tests of what must notice a state that no call can bring about.
#[cfg(test)]
impl NodeState {
    pub(crate) fn corrupt(&mut self) -> (&mut Free, &mut BTreeMap<Kind, u32>) {
        (&mut self.free, &mut self.hosted)
    }
}
