//! Devices that are given out in parts of their own: MIG boards, replicas, partitions that are counted.
//!
//! What is left of them, counted and drawn. A board is drawn as the core draws it, a character a memory
//! slice: `.` free, `x` held; `#` is what somebody would get.

use stowage_core::gpu::{DeviceFree, Gpu, GpuMode, Sharing};
use stowage_core::mig::{BoardState, Geometry, MigProfile, SliceMask};
use stowage_core::node::NodeState;
use stowage_core::partition::Partition;
use stowage_core::request::ContainerRequest;
use stowage_core::units::PodUid;

/// The parts of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// Slices of a board that is cut on demand.
    Board {
        /// Drawn.
        slots: String,
        /// What is known to lie there, by start.
        instances: Vec<Instance>,
    },
    /// Replicas.
    Replicas(Replicas),
}

/// A MIG instance and who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// The pod.
    pub pod: PodUid,
    /// Its profile.
    pub profile: MigProfile,
    /// Its first memory slice.
    pub start: u8,
}

/// A device in replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// How many it has.
    pub count: u8,
    /// How many of them are held.
    pub held: u8,
    /// How they share it.
    pub sharing: Sharing,
}

/// Partitions of one kind that a node counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub kind: Partition,
    /// How many there are.
    pub count: u32,
    /// How many of them are left.
    pub left: u32,
}

/// What pods in time-sliced replicas should know.
pub const NOT_ISOLATED: &str =
    "time-slicing: GPU memory is not isolated, any pod on the GPU can take all of it";

/// How a way of sharing is called.
#[must_use]
pub fn sharing(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::Time => "time-slicing",
        Sharing::Mps => "MPS",
    }
}

/// The replicas of `gpu`, if it has any.
#[must_use]
pub fn replicas(left: DeviceFree, gpu: &Gpu) -> Option<Replicas> {
    let GpuMode::Replicas(count, sharing) = gpu.mode else {
        return None;
    };
    let count = count.get();
    // A replica is so much, rounded down; what rounding leaves over is nobody's.
    let one = (1000 / u32::from(count)).max(1);
    let held = 1000u32.saturating_sub(left.compute.0) / one;
    Some(Replicas {
        count,
        held: u8::try_from(held).unwrap_or(count).min(count),
        sharing,
    })
}

/// The geometry and the state of a device that is cut on demand.
#[must_use]
pub fn board(state: &NodeState, device: usize) -> Option<(&'static Geometry, BoardState)> {
    let geometry = state.node().gpus.get(device)?.mode.geometry()?;
    let board = state.free().boards().get(device).copied().flatten()?;
    Some((geometry, board))
}

/// Whether no profile of the board has a place left.
#[must_use]
pub fn takes_nothing((geometry, board): (&Geometry, BoardState)) -> bool {
    let mut shapes = geometry.shapes().iter();
    !shapes.any(|shape| board.fits(geometry, shape.profile))
}

/// The board, with `chosen` marked.
#[must_use]
pub fn slots((geometry, board): (&Geometry, BoardState), chosen: SliceMask) -> String {
    let holds = |mask: SliceMask, slice| !mask.common(SliceMask::run(slice, 1)).is_empty();
    let slot = |slice| match slice {
        slice if holds(chosen, slice) => '#',
        slice if holds(board.taken(), slice) => 'x',
        _ => '.',
    };
    (0..geometry.slices()).map(slot).collect()
}

/// The instances whose place is known, device by device, each by its start.
#[must_use]
pub fn instances(state: &NodeState) -> Vec<Vec<Instance>> {
    let mut found = vec![Vec::new(); state.node().gpus.len()];
    for (&pod, hold) in state.holds() {
        let Some(devices) = hold.claim.devices() else {
            continue;
        };
        let containers = hold.request.containers().iter().zip(devices).enumerate();
        for (at, (container, set)) in containers {
            if let ContainerRequest::Partition(Partition::Mig(profile)) = *container
                && let Some(on) = set.iter().next().and_then(|device| found.get_mut(device))
            {
                let start = devices.start(at);
                on.push(Instance {
                    pod,
                    profile,
                    start,
                });
            }
        }
    }
    for on in &mut found {
        on.sort_by_key(|instance| (instance.start, instance.pod));
    }
    found
}

/// The partitions that the node counts, in its order.
#[must_use]
pub fn counted(state: &NodeState) -> Vec<Counted> {
    let kinds = state.node().partitions.iter();
    let kinds = kinds.zip(state.free().partitions());
    let counted =
        |(&(kind, count), &left): (&(Partition, u32), &u32)| Counted { kind, count, left };
    kinds.map(counted).collect()
}

/// The drawings of all boards of a node: `M[xx......] M[........]`; none if it has no board.
#[must_use]
pub fn boards(state: &NodeState) -> Option<String> {
    let devices = 0..state.node().gpus.len();
    let boards = devices.filter_map(|device| board(state, device));
    let boards: Vec<_> = boards
        .map(|board| format!("M[{}]", slots(board, SliceMask::EMPTY)))
        .collect();
    (!boards.is_empty()).then(|| boards.join(" "))
}
