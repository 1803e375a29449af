//! Whole devices of NVIDIA as GPU Feature Discovery describes them: plain, in replicas (time-slicing,
//! MPS), or every GPU cut into the same MIG instances, each of which counts as a device (`single`).
//!
//! Source: `internal/lm` and `docs/gpu-feature-discovery` of NVIDIA/k8s-device-plugin v0.20. Labels
//! that contradict each other or what the device plugin offers are refused: then some device would be
//! counted that is not there.

use std::num::NonZeroU8;

use stowage_core::gpu::{Gpu, GpuMode, MAX_DEVICES, Model, Sharing, Vendor};
use stowage_core::units::Mebibytes;

use super::devices::Kind;
use super::object::NodeObject;
use super::{Reason, partitions};
use crate::k8s::boards::{self, Product};
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

const COUNT: &str = "nvidia.com/gpu.count";
const MEMORY: &str = "nvidia.com/gpu.memory";
const PRODUCT: &str = "nvidia.com/gpu.product";
/// How many replicas each device has.
pub(super) const REPLICAS: &str = "nvidia.com/gpu.replicas";
const SHARING: &str = "nvidia.com/gpu.sharing-strategy";
/// How MIG instances are offered.
const STRATEGY: &str = "nvidia.com/mig.strategy";

fn label<'n>(node: &'n NodeObject<'_>, key: &str) -> Option<&'n str> {
    node.metadata.labels.get(key).map(|value| &**value)
}

fn field(key: &str) -> String {
    format!("label {key}")
}

/// The product that discovery names.
pub(super) fn product<'n>(node: &'n NodeObject<'_>) -> Option<Product<'n>> {
    label(node, PRODUCT).map(boards::product)
}

/// The board whose parts the node counts; none if it is not labelled.
pub(super) fn board(node: &NodeObject<'_>) -> Option<Gpu> {
    let memory = label(node, MEMORY).and_then(|text| mebibytes(MEMORY, text).ok());
    Some(Gpu {
        vendor: Vendor::Nvidia,
        model: boards::model(label(node, PRODUCT)?),
        memory: memory.unwrap_or_default(),
        mode: GpuMode::Plain,
    })
}

/// How many GPUs discovery counted; MIG instances, where each counts as a device.
pub(super) fn physical(node: &NodeObject<'_>) -> Result<Option<u64>, Wrong> {
    let Some(text) = label(node, COUNT) else {
        return Ok(None);
    };
    let count = quantity::count(text).ok();
    match count.filter(|count| (1..=MAX_DEVICES as u64).contains(count)) {
        None => Err(Wrong::value(
            field(COUNT),
            format!("1 to {MAX_DEVICES}"),
            text,
        )),
        count => Ok(count),
    }
}

/// The number of replicas in the label `key`; 1 where there are none. Discovery writes 0 of a GPU that
/// is cut into instances.
pub(super) fn replicas(node: &NodeObject<'_>, key: &str) -> Result<u8, Wrong> {
    let Some(text) = label(node, key) else {
        return Ok(1);
    };
    let number: Result<u8, _> = text.parse();
    let wrong = |_| Wrong::value(field(key), format!("0 to {}", u8::MAX), text);
    number.map(|number| number.max(1)).map_err(wrong)
}

/// Refuses a MIG strategy that nobody knows.
pub(super) fn check_strategy(node: &NodeObject<'_>) -> Result<(), Reason> {
    match label(node, STRATEGY) {
        None | Some("" | "none" | "mixed" | "single") => Ok(()),
        Some(other) => Err(not_yet(STRATEGY, other)),
    }
}

fn not_yet(key: &str, value: &str) -> Reason {
    Reason::NotYet(format!("label {key}: {value:?}"))
}

/// The devices behind the `offered` ones of `nvidia.com/gpu`; none if nothing is known of them.
pub(super) fn whole(node: &NodeObject<'_>, offered: u64) -> Result<Option<Kind>, Reason> {
    let product = product(node);
    let shared = product.is_some_and(|product| product.shared);
    let mode = sharing(node, shared)?;
    let cut = product.and_then(|product| Some((product.board, product.mig?)));
    if let Some((board, profile)) = cut {
        check_single(node, board, profile)?;
    }
    let count = count(node, offered, mode)?;
    let memory = label(node, MEMORY).map(|text| mebibytes(MEMORY, text));
    let memory = memory.transpose()?;
    if product.is_none() && memory.is_none() && mode == GpuMode::Plain {
        return Ok(None);
    }
    let name = label(node, PRODUCT);
    Ok(Some(Kind {
        gpu: Gpu {
            vendor: Vendor::Nvidia,
            model: name.map_or_else(|| Model::new(boards::UNKNOWN), boards::model),
            memory: memory.unwrap_or_default(),
            mode,
        },
        count,
        machine: name.and_then(boards::machine),
        whole: cut.is_none() && mode == GpuMode::Plain,
    }))
}

/// How the devices under the name of whole ones are given out; `marked` if their product says that
/// they have replicas.
fn sharing(node: &NodeObject<'_>, marked: bool) -> Result<GpuMode, Reason> {
    let replicas = replicas(node, REPLICAS)?;
    let several = NonZeroU8::new(replicas).filter(|count| count.get() > 1);
    let said = label(node, REPLICAS).unwrap_or_default();
    let sharing = match label(node, SHARING) {
        Some("none") if several.is_some() => {
            let expected = format!("0 or 1 where {SHARING} is none");
            return Err(Wrong::value(field(REPLICAS), expected, said).into());
        }
        Some("none") => None,
        Some("time-slicing") => Some(Sharing::Time),
        Some("mps") => Some(Sharing::Mps),
        // Older releases know time-slicing alone, and write nothing about it.
        None | Some("") => several.map(|_| Sharing::Time),
        Some(other) => return Err(not_yet(SHARING, other)),
    };
    match (sharing, several) {
        (None, _) if !marked => Ok(GpuMode::Plain),
        (Some(sharing), Some(count)) => Ok(GpuMode::Replicas(count, sharing)),
        _ => {
            let expected = "at least 2 where GPUs are shared";
            Err(Wrong::value(field(REPLICAS), expected, said).into())
        }
    }
}

/// Refuses a product of MIG instances that cannot be.
fn check_single(node: &NodeObject<'_>, board: &str, profile: &str) -> Result<(), Wrong> {
    let product = label(node, PRODUCT).unwrap_or_default();
    let field = || field(PRODUCT);
    let Some(known) = boards::profile(profile) else {
        let expected = "every GPU cut into the same MIG instances";
        return Err(Wrong::value(field(), expected, product));
    };
    if let Some(strategy @ ("none" | "mixed")) = label(node, STRATEGY) {
        let expected = format!("single where MIG instances {profile} count as devices");
        return Err(Wrong::value(self::field(STRATEGY), expected, strategy));
    }
    partitions::check_profile(&field, known, Some(board))
}

/// How many devices there are where so many are offered, each in as many replicas as `mode` says.
fn count(node: &NodeObject<'_>, offered: u64, mode: GpuMode) -> Result<u64, Wrong> {
    let replicas = match mode {
        GpuMode::Replicas(count, _) => u64::from(count.get()),
        GpuMode::Plain | GpuMode::Mig(_) | GpuMode::Parted => 1,
    };
    let devices = offered / replicas;
    if devices * replicas != offered {
        let field = "status.allocatable nvidia.com/gpu";
        let expected = format!("a multiple of the {replicas} replicas of a device");
        return Err(Wrong::value(field, expected, &offered.to_string()));
    }
    match physical(node)? {
        // Somebody offers parts of devices under the name of whole ones.
        Some(counted) if devices > counted => {
            let expected = format!("at least the {devices} devices that nvidia.com/gpu offers");
            Err(Wrong::value(field(COUNT), expected, &counted.to_string()))
        }
        _ => Ok(devices),
    }
}

fn mebibytes(key: &str, text: &str) -> Result<Mebibytes, Wrong> {
    let number = text.parse().ok().filter(|&n: &u32| n > 0);
    let wrong = || Wrong::value(field(key), "MiB, at least 1", text);
    number.map(Mebibytes).ok_or_else(wrong)
}

/// Refuses labels that say of GPUs which an inventory lists that they are given out otherwise.
pub(super) fn check_beside_inventory(node: &NodeObject<'_>) -> Result<(), Reason> {
    let label = |key: &str, allowed: &[&str]| match label(node, key) {
        Some(value) if !allowed.contains(&value) => Err(Reason::NotYet(format!(
            "label {key}: {value:?} beside an inventory"
        ))),
        _ => Ok(()),
    };
    label(REPLICAS, &["0", "1"])?;
    label(SHARING, &["none", ""])?;
    label(STRATEGY, &["none", "mixed", ""])
}
