//! Which devices the containers of a pod get or have, as JSON has it, and how they are joined.

use serde::Serialize;
use stowage_core::gpu::{DeviceSet, GpuMode, Sharing};
use stowage_core::node::{Node, NodeState};
use stowage_core::partition::Partition;
use stowage_core::request::{ContainerRequest, Devices, PodRequest};
use stowage_core::topology::Closeness;

use super::model::{NodeInfo, PodInfo};
use super::parts;
use crate::k8s::pod::GpuContainer;

/// A container and its devices.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerReport {
    /// Its name.
    pub name: String,
    /// Its devices.
    pub gpus: Vec<DeviceReport>,
    /// The kind of its partition, where the node counts such and the device plugin chooses which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
}

/// What a container gets of one device.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceReport {
    /// Its index.
    pub index: usize,
    /// Its UUID, or null.
    pub uuid: Option<String>,
    /// Its board.
    pub model: String,
    /// MiB of its memory.
    pub memory_mib: u32,
    /// Thousandths of its compute.
    pub compute_milli: u32,
    /// The MIG instance, where it is made on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mig: Option<SlotReport>,
    /// Of how many replicas it is one, where the device has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_of: Option<u8>,
    /// How many of them the container has, where that is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
}

/// A MIG instance on its board.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotReport {
    /// For example `1g.10gb`.
    pub profile: String,
    /// Its first memory slice.
    pub start: u8,
    /// A character a memory slice: `#` this instance, `x` held by others, `.` free.
    pub slots: String,
}

/// What the containers of `pod` get of a node with `devices`; `state` is the node with the pod on it.
pub(super) fn containers(
    pod: &PodInfo,
    info: &NodeInfo,
    state: &NodeState,
    devices: &Devices,
) -> Vec<ContainerReport> {
    let report = |container: &GpuContainer| {
        let (units, start) = place(container, devices);
        let device = |same: &[usize]| device(info, state, container, same, start);
        let counted = units.is_empty() && container.asks.count() > 0;
        ContainerReport {
            name: container.name.clone(),
            gpus: units.chunk_by(|a, b| a == b).filter_map(device).collect(),
            partition: match container.asks {
                ContainerRequest::Partition(kind) if counted => Some(kind.to_string()),
                _ => None,
            },
        }
    };
    pod.facts.gpus.iter().map(report).collect()
}

/// The units of a container, each by its device, and where its instance starts if it has one.
fn place(container: &GpuContainer, devices: &Devices) -> (Vec<usize>, u8) {
    match (container.asks, container.from.first()) {
        (ContainerRequest::Partition(_), Some(&slot)) => {
            let set = devices.get(slot).copied().unwrap_or_default();
            (set.iter().collect(), devices.start(slot))
        }
        _ => (container.units(devices), 0),
    }
}

fn device(
    info: &NodeInfo,
    state: &NodeState,
    container: &GpuContainer,
    units: &[usize],
    start: u8,
) -> Option<DeviceReport> {
    let index = *units.first()?;
    let gpu = info.facts.node.gpus.get(index)?;
    let (compute, memory) = container.asks.takes(gpu)?;
    let times = u32::try_from(units.len()).ok()?;
    Some(DeviceReport {
        index,
        uuid: info.facts.uuids.get(index).cloned().flatten(),
        model: gpu.model.to_string(),
        memory_mib: memory.0.saturating_mul(times),
        compute_milli: compute.0.saturating_mul(times),
        replicas: (times > 1).then_some(units.len()),
        mig: slot(state, container, index, start),
        replica_of: match gpu.mode {
            GpuMode::Replicas(count, _) => Some(count.get()),
            GpuMode::Plain | GpuMode::Mig(_) | GpuMode::Parted => None,
        },
    })
}

fn slot(
    state: &NodeState,
    container: &GpuContainer,
    index: usize,
    start: u8,
) -> Option<SlotReport> {
    let ContainerRequest::Partition(Partition::Mig(profile)) = container.asks else {
        return None;
    };
    let board = parts::board(state, index)?;
    let chosen = board.0.shape(profile)?.slices(start);
    Some(SlotReport {
        profile: profile.to_string(),
        start,
        slots: parts::slots(board, chosen),
    })
}

/// How a class of links is called.
pub(super) fn class(closeness: Closeness) -> &'static str {
    match closeness {
        Closeness::NvLink => "nvlink",
        Closeness::PcieSwitch => "pcie",
        Closeness::SameNuma => "numa",
        Closeness::System => "system",
    }
}

/// How the worst joined whole devices of a container are joined; none if no container has several, or
/// nothing is known of their links.
pub(super) fn links(node: &Node, request: &PodRequest, devices: &Devices) -> Option<&'static str> {
    let links = node.links.as_ref()?;
    let containers = request.containers().iter().zip(devices);
    let several = containers.filter(|(container, set)| {
        matches!(container, ContainerRequest::Whole { .. }) && set.len() > 1
    });
    let classes: Option<Vec<_>> = several.map(|(_, set)| links.worst(*set)).collect();
    classes?.into_iter().max().map(class)
}

/// What somebody with these devices should know.
pub(super) fn warnings(node: &Node, devices: &Devices) -> Vec<&'static str> {
    let all = devices
        .iter()
        .fold(DeviceSet::EMPTY, |all, set| all.union(*set));
    let gpus = all.iter().filter_map(|device| node.gpus.get(device));
    let sliced = |mode| matches!(mode, GpuMode::Replicas(_, Sharing::Time));
    let sliced = gpus.into_iter().any(|gpu| sliced(gpu.mode));
    sliced.then_some(parts::NOT_ISOLATED).into_iter().collect()
}

/// What somebody should know whose devices are unknown: what is so wherever they are.
pub(super) fn warnings_anywhere(node: &Node, request: &PodRequest) -> Vec<&'static str> {
    let gpus = node.gpus.iter().enumerate();
    let serves = |container: &ContainerRequest, gpu| {
        container.count() > 0 && container.takes(gpu).is_some() && request.accepts(gpu)
    };
    let containers = request.containers();
    let may = gpus.filter(|(_, gpu)| containers.iter().any(|c| serves(c, *gpu)));
    let each = may.map(|(device, _)| {
        let alone = DeviceSet::EMPTY.with(device);
        warnings(node, &Devices::from_slice(&[alone]))
    });
    let common = |a: Vec<&'static str>, b: Vec<&'static str>| {
        a.into_iter()
            .filter(|warning| b.contains(warning))
            .collect()
    };
    each.reduce(common).unwrap_or_default()
}
