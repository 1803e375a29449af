//! The devices of a node: from the agent's inventory, else from labels of feature discovery, else
//! from the size of its machine, else only how many there are.
//!
//! Without an inventory all devices of a vendor are the same board, there are as many as the device
//! plugin offers, and their numbers are ours alone. `nvidia.rs` and `amd.rs` say what whole devices
//! are, `partitions.rs` counts what has a name of its own, `links.rs` says how devices are joined. Ways
//! to offer GPUs that none of them knows are refused, so that a part is not taken for a device.

use std::sync::Arc;

use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, MAX_DEVICES, Model, Vendor};
use stowage_core::node::HandOver;
use stowage_core::partition::Partition;
use stowage_core::topology::{Board as Machine, Layout};
use stowage_core::units::Mebibytes;

use super::object::NodeObject;
use super::partitions::{self, Counted};
use super::sizes::{self, Size};
use super::{Reason, Source, amd, links, listed, nvidia};
use crate::k8s::boards;
use crate::k8s::inventory::{INVENTORY, Inventory};
use crate::k8s::json::Amounts;
use crate::k8s::pod::WHOLE;
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

/// What a node has, and how that is known.
pub(super) struct Devices {
    pub(super) gpus: Arc<[Gpu]>,
    pub(super) partitions: Counted,
    pub(super) cut_from: Option<Gpu>,
    pub(super) uuids: Vec<Option<String>>,
    pub(super) failed: DeviceSet,
    pub(super) hand_over: HandOver,
    pub(super) joined: Option<Arc<Layout>>,
    pub(super) source: Source,
}

/// The devices of one resource, all alike.
pub(super) struct Kind {
    pub(super) gpu: Gpu,
    pub(super) count: u64,
    /// The machine that eight of them make.
    pub(super) machine: Option<Machine>,
    /// Whether they are whole boards, so that links join them.
    pub(super) whole: bool,
}

/// The devices of `node`.
pub(super) fn of(node: &NodeObject<'_>) -> Result<Devices, Reason> {
    match node.metadata.annotations.get(INVENTORY) {
        Some(text) => listed::of(node, &Inventory::parse(text)?),
        None => from_labels(node),
    }
}

fn from_labels(node: &NodeObject<'_>) -> Result<Devices, Reason> {
    nvidia::check_strategy(node)?;
    let size = sizes::of(node);
    let mut gpus: Vec<Gpu> = Vec::new();
    let mut source = Source::AllocatableOnly;
    let mut machine = None;
    for (resource, vendor) in WHOLE {
        let Some(offered) = whole(node, resource)? else {
            continue;
        };
        let (kind, from) = kind(node, resource, vendor, offered, size)?;
        let most = (MAX_DEVICES - gpus.len()) as u64;
        if kind.count > most {
            let expected = format!("a whole number up to {most}");
            return Err(too_many(resource, expected, kind.count).into());
        }
        let alone = gpus.is_empty() && kind.whole;
        machine = kind.machine.filter(|_| alone);
        source = source.min(from);
        gpus.extend(std::iter::repeat_n(kind.gpu, kind.count as usize));
    }
    let partitions = counted(node, size, &mut source)?;
    let joined = machine.filter(|_| partitions.is_empty());
    let cut_from = board(node, &partitions, size);
    Ok(Devices {
        uuids: vec![None; gpus.len()],
        joined: joined.and_then(|machine| links::of_machine(machine, gpus.len())),
        gpus: gpus.into(),
        partitions,
        cut_from,
        failed: DeviceSet::EMPTY,
        hand_over: HandOver::DevicePlugin,
        source,
    })
}

/// How many whole devices `resource` offers; none if it offers none.
fn whole(node: &NodeObject<'_>, resource: &str) -> Result<Option<u64>, Wrong> {
    let Some(text) = offered(node).get(resource) else {
        return Ok(None);
    };
    let field = || format!("status.allocatable {resource}");
    let count = quantity::count(text).map_err(|error| error.at(field()))?;
    Ok(Some(count).filter(|&count| count > 0))
}

fn too_many(resource: &str, expected: String, got: u64) -> Wrong {
    let field = format!("status.allocatable {resource}");
    Wrong::value(field, expected, &got.to_string())
}

/// What the `offered` devices of `resource` are, and how that is known.
fn kind(
    node: &NodeObject<'_>,
    resource: &str,
    vendor: Vendor,
    offered: u64,
    size: Option<&Size>,
) -> Result<(Kind, Source), Reason> {
    let labelled = match vendor {
        Vendor::Nvidia => nvidia::whole(node, offered)?,
        Vendor::Amd => amd::whole(node, offered)?,
        Vendor::Intel => amd::intel(node, resource, offered)?,
        Vendor::DirectX => None,
    };
    let of_size = size.and_then(|size| size.machine);
    if let Some(kind) = labelled {
        let machine = of_size.or(kind.machine);
        return Ok((Kind { machine, ..kind }, Source::Labels));
    }
    let Some(size) = size else {
        return Ok((unknown(vendor, offered), Source::AllocatableOnly));
    };
    // Windows has one name for the devices of all vendors.
    if size.vendor != vendor && vendor != Vendor::DirectX {
        let expected = format!("none on a machine of size {}", size.name);
        return Err(too_many(resource, expected, offered).into());
    }
    if offered > size.gpus {
        // Somebody offers parts of devices under the name of whole ones, and nobody says which.
        let expected = format!("at most {} on a machine of size {}", size.gpus, size.name);
        return Err(too_many(resource, expected, offered).into());
    }
    let kind = Kind {
        machine: size.machine,
        ..unknown(vendor, offered)
    };
    let gpu = Gpu {
        model: Model::new(size.board),
        memory: size.memory,
        ..kind.gpu
    };
    Ok((Kind { gpu, ..kind }, Source::InstanceType))
}

fn unknown(vendor: Vendor, count: u64) -> Kind {
    Kind {
        gpu: Gpu {
            vendor,
            model: Model::new(boards::UNKNOWN),
            memory: Mebibytes(0),
            mode: GpuMode::Plain,
        },
        count,
        machine: None,
        whole: true,
    }
}

/// The counted partitions; `source` gets to know how their board is known.
fn counted(
    node: &NodeObject<'_>,
    size: Option<&Size>,
    source: &mut Source,
) -> Result<Counted, Reason> {
    let product = nvidia::product(node);
    let of_size = size.filter(|size| size.vendor == Vendor::Nvidia);
    let board = product.map(|product| product.board);
    let board = board.or(of_size.map(|size| size.board));
    let partitions = partitions::offered(node, board)?;
    if partitions.is_empty() {
        return Ok(partitions);
    }
    if let Some((_, count)) = partitions.iter().find(|(kind, _)| is_replica(*kind))
        && whole(node, "nvidia.com/gpu")?.is_some()
    {
        let expected = "none beside nvidia.com/gpu".to_owned();
        return Err(too_many("nvidia.com/gpu.shared", expected, u64::from(*count)).into());
    }
    let labelled = product.is_some() || amd::is_labelled(node);
    let from = match (labelled, size) {
        (true, _) => Source::Labels,
        (false, Some(_)) => Source::InstanceType,
        (false, None) => Source::AllocatableOnly,
    };
    *source = (*source).min(from);
    Ok(partitions)
}

/// What the counted `partitions` are parts of, if it is known; none if there are none.
fn board(
    node: &NodeObject<'_>,
    partitions: &[(Partition, u32)],
    size: Option<&Size>,
) -> Option<Gpu> {
    let (kind, _) = partitions.first()?;
    let (vendor, labelled) = match kind {
        Partition::Amd(..) => (Vendor::Amd, amd::board(node)),
        _ => (Vendor::Nvidia, nvidia::board(node)),
    };
    let of_size = size.filter(|size| size.vendor == vendor);
    labelled.or(of_size.map(|size| Gpu {
        vendor,
        model: Model::new(size.board),
        memory: size.memory,
        mode: GpuMode::Plain,
    }))
}

fn is_replica(kind: Partition) -> bool {
    matches!(kind, Partition::Replica(_))
}

/// What the device plugins offer.
pub(super) fn offered<'n>(node: &'n NodeObject<'_>) -> &'n Amounts<'n> {
    let status = &node.status;
    match status.allocatable.is_empty() {
        true => &status.capacity,
        false => &status.allocatable,
    }
}
