//! The devices of a node: from the agent's inventory, else from labels of feature discovery, else
//! only how many there are.
//!
//! Without an inventory all devices of a vendor are the same board, there are as many as the device
//! plugin offers, and their numbers are ours alone. Ways to offer GPUs that this cannot express
//! (time-slicing, MPS, every GPU cut into equal partitions) are refused, so that a replica is not
//! taken for a device.

use std::sync::Arc;

use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, MAX_DEVICES, Model, Vendor};
use stowage_core::node::HandOver;
use stowage_core::units::Mebibytes;

use super::object::NodeObject;
use super::{Reason, Source};
use crate::k8s::boards;
use crate::k8s::inventory::{INVENTORY, Inventory};
use crate::k8s::json::Amounts;
use crate::k8s::pod::{WHOLE, is_shared};
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

/// What a node has, and how that is known.
pub(super) struct Devices {
    pub(super) gpus: Arc<[Gpu]>,
    pub(super) uuids: Vec<Option<String>>,
    pub(super) failed: DeviceSet,
    pub(super) hand_over: HandOver,
    pub(super) source: Source,
}

/// The devices of `node`.
pub(super) fn of(node: &NodeObject<'_>) -> Result<Devices, Reason> {
    refuse_shared(node)?;
    let inventory = node.metadata.annotations.get(INVENTORY);
    match inventory {
        Some(text) => Ok(from_inventory(&Inventory::parse(text)?)),
        None => from_labels(node),
    }
}

fn from_inventory(inventory: &Inventory) -> Devices {
    let devices = &inventory.devices;
    let gpu = |device: &crate::k8s::inventory::Device| Gpu {
        vendor: device.vendor.into(),
        model: boards::model(&device.model),
        memory: Mebibytes(device.memory_mib),
        mode: GpuMode::Plain,
    };
    let failed = devices.iter().enumerate().filter(|(_, d)| !d.healthy);
    Devices {
        gpus: devices.iter().map(gpu).collect(),
        uuids: devices.iter().map(|d| d.uuid.clone()).collect(),
        failed: failed.map(|(index, _)| index).collect(),
        hand_over: inventory.hand_over.into(),
        source: Source::Inventory,
    }
}

fn from_labels(node: &NodeObject<'_>) -> Result<Devices, Reason> {
    let mut gpus: Vec<Gpu> = Vec::new();
    let mut source = Source::AllocatableOnly;
    let offered = offered(node);
    for (resource, vendor) in WHOLE {
        let Some(text) = offered.get(resource) else {
            continue;
        };
        let most = (MAX_DEVICES - gpus.len()) as u64;
        let count = quantity::count(text).ok().filter(|&n| n <= most);
        let count = count.ok_or_else(|| {
            let field = format!("status.allocatable {resource}");
            Wrong::value(field, format!("a whole number up to {most}"), text)
        })?;
        if count == 0 {
            continue;
        }
        let labelled = match vendor {
            Vendor::Nvidia => nvidia(node, count)?,
            Vendor::Amd => amd(node)?,
            Vendor::Intel => intel(node),
            Vendor::DirectX => None,
        };
        if labelled.is_some() {
            source = Source::Labels;
        }
        let (model, memory) = labelled.unwrap_or((Model::new(boards::UNKNOWN), Mebibytes(0)));
        let gpu = Gpu {
            vendor,
            model,
            memory,
            mode: GpuMode::Plain,
        };
        gpus.extend(std::iter::repeat_n(gpu, count as usize));
    }
    Ok(Devices {
        uuids: vec![None; gpus.len()],
        gpus: gpus.into(),
        failed: DeviceSet::EMPTY,
        hand_over: HandOver::DevicePlugin,
        source,
    })
}

/// What the device plugins offer.
pub(super) fn offered<'n>(node: &'n NodeObject<'_>) -> &'n Amounts<'n> {
    let status = &node.status;
    match status.allocatable.is_empty() {
        true => &status.capacity,
        false => &status.allocatable,
    }
}

type Board = Option<(Model, Mebibytes)>;

/// Labels of GPU Feature Discovery.
fn nvidia(node: &NodeObject<'_>, count: u64) -> Result<Board, Wrong> {
    let labels = &node.metadata.labels;
    if let Some(text) = labels.get("nvidia.com/gpu.count") {
        let field = "label nvidia.com/gpu.count";
        let devices = quantity::count(text).ok();
        let devices = devices.filter(|n| (1..=MAX_DEVICES as u64).contains(n));
        let devices =
            devices.ok_or_else(|| Wrong::value(field, format!("1 to {MAX_DEVICES}"), text))?;
        if count > devices {
            // Somebody offers parts of devices under the name of whole ones.
            let expected = format!("at least the {count} devices that nvidia.com/gpu offers");
            return Err(Wrong::value(field, expected, text));
        }
    }
    let product = labels.get("nvidia.com/gpu.product");
    let memory = match labels.get("nvidia.com/gpu.memory") {
        Some(text) => mebibytes("label nvidia.com/gpu.memory", text)?,
        None if product.is_none() => return Ok(None),
        None => Mebibytes(0),
    };
    let product = product.map_or(boards::UNKNOWN, |product| &**product);
    Ok(Some((boards::model(product), memory)))
}

/// Labels of AMD's node labeller, in either form: `amd.com/gpu.vram=192G` where all devices are
/// alike, `beta.amd.com/gpu.vram.192G=8` in older releases. Of several kinds none is believed.
fn amd(node: &NodeObject<'_>) -> Result<Board, Wrong> {
    let Some(product) = amd_label(node, "product-name") else {
        return Ok(None);
    };
    let gib = match amd_label(node, "vram") {
        Some(text) => {
            let gib = text.strip_suffix('G').and_then(|n| n.parse().ok());
            let gib = gib.filter(|&gib: &u32| gib > 0 && gib <= u32::MAX / 1024);
            gib.ok_or_else(|| Wrong::value("label amd.com/gpu.vram", "GiB such as 192G", text))?
        }
        None => 0,
    };
    Ok(Some((
        boards::amd_model(product, gib),
        Mebibytes(gib * 1024),
    )))
}

fn amd_label<'n>(node: &'n NodeObject<'_>, property: &str) -> Option<&'n str> {
    let labels = &node.metadata.labels;
    if let Some(value) = labels.get(&format!("amd.com/gpu.{property}")) {
        return Some(value);
    }
    for prefix in ["amd.com/gpu.", "beta.amd.com/gpu."] {
        let values = labels.iter().filter_map(|(key, _)| {
            let key = key.strip_prefix(prefix)?.strip_prefix(property)?;
            key.strip_prefix('.')
        });
        let values: Vec<_> = values.collect();
        if let [value] = values[..] {
            return Some(value);
        }
    }
    None
}

/// Intel's labeller names the product, not its memory.
fn intel(node: &NodeObject<'_>) -> Board {
    let product = node.metadata.labels.get("gpu.intel.com/product")?;
    Some((Model::new(product), Mebibytes(0)))
}

fn mebibytes(field: &str, text: &str) -> Result<Mebibytes, Wrong> {
    let number = text.parse().ok().filter(|&n: &u32| n > 0);
    let wrong = || Wrong::value(field, "MiB, at least 1", text);
    number.map(Mebibytes).ok_or_else(wrong)
}

/// Refuses a node where a name of whole devices stands for something else, or where pods get parts
/// of the devices that whole ones would be taken from.
fn refuse_shared(node: &NodeObject<'_>) -> Result<(), Reason> {
    let labels = &node.metadata.labels;
    let label = |key: &str, allowed: &[&str]| match labels.get(key) {
        Some(value) if !allowed.contains(&&**value) => {
            Err(Reason::NotYet(format!("label {key}: {:?}", &**value)))
        }
        _ => Ok(()),
    };
    // 0 is what discovery says of a device that is cut into partitions.
    label("nvidia.com/gpu.replicas", &["0", "1"])?;
    label("nvidia.com/gpu.sharing-strategy", &["none", ""])?;
    label("nvidia.com/mig.strategy", &["none", "mixed", ""])?;
    label("amd.com/gpu.compute-memory-partition", &["spx_nps1"])?;
    let shared = offered(node).iter().find(|(name, count)| {
        is_shared(name) && quantity::count(count).is_ok_and(|count| count > 0)
    });
    match shared {
        Some((name, _)) => Err(Reason::NotYet(format!("status.allocatable {name}"))),
        None => Ok(()),
    }
}
