//! Which devices of a node may serve a pod at all ([`Options`]), and which are free enough.
//!
//! This is the quick half of a decision: it copies nothing, and on most nodes it is all there is.

use smallvec::SmallVec;

use super::slots;
use crate::gpu::{DeviceFree, DeviceSet, Gpu};
use crate::mig::BoardState;
use crate::node::NodeState;
use crate::partition::Partition;
use crate::request::{ContainerRequest, PodRequest};
use crate::unfit::Unfit;

/// A pod, a node, and the devices of the node that may serve it.
pub(super) struct Options<'a> {
    state: &'a NodeState,
    request: &'a PodRequest,
    /// Accepted and well.
    pub(super) eligible: DeviceSet,
}

impl<'a> Options<'a> {
    /// The options of `request` on the node of `state`; a pod without GPU needs none.
    pub(super) fn of(state: &'a NodeState, request: &'a PodRequest) -> Result<Self, Unfit> {
        let eligible = match request.wants_gpu() {
            true => eligible(state, request)?,
            false => DeviceSet::EMPTY,
        };
        Ok(Self {
            state,
            request,
            eligible,
        })
    }

    /// The containers that want devices, one entry a device, in the order in which they choose.
    pub(super) fn units(&self) -> Result<SmallVec<[u8; 8]>, Unfit> {
        let containers = self.request.containers();
        let free = self.state.free();
        let mut order: SmallVec<[u8; 8]> = SmallVec::new();
        for (index, container) in containers.iter().enumerate() {
            if slots::is_counted(self.state, container) {
                continue;
            }
            let fits = self.fitting(container, &free.devices, free.boards());
            if self.units_of(container, fits) < container.count() {
                return Err(match container {
                    ContainerRequest::Share { .. } => Unfit::Share,
                    ContainerRequest::Partition(_) => Unfit::Partition,
                    _ => Unfit::WholeDevices,
                });
            }
            order.extend(std::iter::repeat_n(index as u8, container.count()));
        }
        if containers.len() > 1 {
            order.sort_by_key(|&index| {
                let container = &containers[usize::from(index)];
                let kind = match container {
                    ContainerRequest::None | ContainerRequest::Whole { .. } => 0,
                    ContainerRequest::Partition(_) => 1,
                    ContainerRequest::Share { .. } => 2,
                };
                (kind, std::cmp::Reverse(container.compute()), index)
            });
        }
        Ok(order)
    }

    /// Whether GPUs of the node are given out in replicas.
    pub(super) fn has_replicas(&self) -> bool {
        let mut gpus = self.state.node().gpus.iter();
        self.state.free().mixed && gpus.any(|gpu| gpu.mode.is_replicated())
    }

    /// How many units of `container` the devices of `fits` have: of replicas it may get several of one.
    fn units_of(&self, container: &ContainerRequest, fits: DeviceSet) -> usize {
        let whole = matches!(container, ContainerRequest::Whole { .. });
        if !whole || !self.state.free().mixed || fits.len() >= container.count() {
            return fits.len();
        }
        let (gpus, devices) = (&self.state.node().gpus, &self.state.free().devices);
        let units = fits
            .iter()
            .map(|device| devices[device].units(container, &gpus[device]));
        units.sum()
    }

    /// Devices that could serve one unit of `container` if so much were left of `devices` and
    /// `boards`.
    pub(super) fn fitting(
        &self,
        container: &ContainerRequest,
        devices: &[DeviceFree],
        boards: &[Option<BoardState>],
    ) -> DeviceSet {
        let gpus = &self.state.node().gpus;
        let unsure = self.state.perhaps_held(self.request, container);
        if !self.state.free().mixed {
            return self.fitting_plain(container, devices).minus(unsure);
        }
        let fits = |&device: &usize| {
            let (left, gpu) = (devices[device], &gpus[device]);
            match container {
                ContainerRequest::None => false,
                ContainerRequest::Whole { .. } | ContainerRequest::Share { .. } => {
                    left.takes(container, gpu) && !unsure.contains(device)
                }
                ContainerRequest::Partition(Partition::Mig(profile)) => {
                    let board = boards.get(device).copied().flatten();
                    let geometry = gpu.mode.geometry();
                    let board = geometry.zip(board);
                    // Where observed holds overlap, slots may be left and nothing for them.
                    let fits =
                        board.is_some_and(|(geometry, board)| board.fits(geometry, *profile));
                    fits && left.takes(container, gpu)
                }
                ContainerRequest::Partition(_) => false,
            }
        };
        self.eligible.iter().filter(fits).collect()
    }

    /// [`Options::fitting`] where every device is plain, which most are.
    fn fitting_plain(&self, container: &ContainerRequest, devices: &[DeviceFree]) -> DeviceSet {
        let cells = devices.iter().zip(self.state.node().gpus.iter());
        let cells = cells.enumerate();
        let fits = |(device, (left, gpu)): (usize, (&DeviceFree, &Gpu))| {
            let fits = match container {
                ContainerRequest::None | ContainerRequest::Partition(_) => false,
                ContainerRequest::Whole { .. } => left.is_idle(gpu),
                ContainerRequest::Share { share, .. } => {
                    left.compute >= share.compute && left.memory >= share.memory.on(gpu)
                }
            };
            fits.then_some(device)
        };
        let fits: DeviceSet = cells.filter_map(fits).collect();
        fits.common(self.eligible)
    }
}

/// The devices that may serve the pod: accepted and well.
fn eligible(state: &NodeState, request: &PodRequest) -> Result<DeviceSet, Unfit> {
    let node = state.node();
    let gpus = &node.gpus;
    if gpus.is_empty() && node.partitions.is_empty() {
        return Err(Unfit::NoGpu);
    }
    if node.health.ailing {
        return Err(Unfit::Unhealthy);
    }
    let containers = request.containers();
    let share = |c: &ContainerRequest| matches!(c, ContainerRequest::Share { .. });
    if containers.iter().any(share) && !node.hand_over.serves_shares() {
        return Err(Unfit::NoHandOver);
    }
    let whole = |c: &ContainerRequest| matches!(c, ContainerRequest::Whole { .. });
    let of_a_device = containers.iter().any(|c| whole(c) || share(c));
    if of_a_device && gpus.is_empty() {
        return Err(Unfit::NoGpu);
    }
    let accepted = |&device: &usize| request.accepts(&gpus[device]);
    let accepted: DeviceSet = (0..gpus.len()).filter(accepted).collect();
    if of_a_device && accepted.is_empty() {
        return Err(Unfit::Model);
    }
    let eligible = accepted.minus(node.health.failed);
    if of_a_device && eligible.is_empty() {
        return Err(Unfit::Unhealthy);
    }
    Ok(eligible)
}
