//! Devices of AMD as its node labeller describes them, and Intel's, whose labeller says little more
//! than the product.
//!
//! AMD's labels come in two forms: `amd.com/gpu.vram=192G` where all devices are alike,
//! `beta.amd.com/gpu.vram.192G=8` in older releases. Of several kinds none is believed. Where every
//! GPU is cut in the same way, each part counts as a device, as if it had an equal part of the memory:
//! under NPS1 all parts share it, and no more can be promised to each. Source: ROCm/k8s-device-plugin.

use std::num::NonZeroU8;

use stowage_core::gpu::{Gpu, GpuMode, Model, Sharing, Vendor};
use stowage_core::partition::AmdMode;
use stowage_core::units::Mebibytes;

use super::Reason;
use super::devices::Kind;
use super::object::NodeObject;
use crate::k8s::boards;
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

const MODE: &str = "compute-memory-partition";

/// The `offered` devices of `amd.com/gpu`; none if nothing is known of them.
pub(super) fn whole(node: &NodeObject<'_>, offered: u64) -> Result<Option<Kind>, Reason> {
    let mode = mode(node)?;
    let in_parts = mode.filter(|(mode, _)| *mode != AmdMode::Spx);
    let Some(product) = label(node, "product-name") else {
        return match in_parts {
            None => Ok(None),
            Some(_) => {
                let expected = "the product whose parts amd.com/gpu counts";
                Err(Wrong::missing("label amd.com/gpu.product-name", expected).into())
            }
        };
    };
    let vram = label(node, "vram").map(gibibytes).transpose()?;
    let board = boards::amd(product, vram.unwrap_or(0), in_parts.is_some());
    let (model, parts) = match in_parts {
        None => (board.model, 1),
        Some((compute, _)) => {
            let parts = match compute {
                AmdMode::Spx => Some(1),
                AmdMode::Dpx => Some(2),
                AmdMode::Tpx => Some(3),
                AmdMode::Qpx => Some(4),
                AmdMode::Cpx => board.dies,
            };
            let name = label(node, MODE).unwrap_or_default();
            let not_yet = || Reason::NotYet(format!("label amd.com/gpu.{MODE}: {name:?}"));
            let model = Model::new(&format!("{}-{name}", board.model));
            (model, parts.ok_or_else(not_yet)?)
        }
    };
    Ok(Some(Kind {
        gpu: Gpu {
            vendor: Vendor::Amd,
            model,
            memory: Mebibytes(board.gib * 1024 / parts),
            mode: GpuMode::Plain,
        },
        count: offered,
        machine: boards::machine(product),
        whole: parts == 1,
    }))
}

/// The board whose parts the node counts; none if it is not labelled.
pub(super) fn board(node: &NodeObject<'_>) -> Option<Gpu> {
    let board = boards::amd(label(node, "product-name")?, 0, true);
    Some(Gpu {
        vendor: Vendor::Amd,
        model: board.model,
        memory: Mebibytes(board.gib * 1024),
        mode: GpuMode::Plain,
    })
}

/// How every GPU of the node is cut, if that is said.
fn mode(node: &NodeObject<'_>) -> Result<Option<(AmdMode, u8)>, Wrong> {
    let field = || format!("label amd.com/gpu.{MODE}");
    let expected = "a mode such as cpx_nps4, the same on every GPU";
    match (label(node, MODE), values(node, MODE).next()) {
        (Some(text), _) => match AmdMode::with_memory(text) {
            None => Err(Wrong::value(field(), expected, text)),
            mode => Ok(mode),
        },
        (None, Some(_)) => Err(Wrong::said(field(), expected, "several".to_owned())),
        (None, None) => Ok(None),
    }
}

/// `192G`.
fn gibibytes(text: &str) -> Result<u32, Wrong> {
    let gib = text.strip_suffix('G').and_then(|n| n.parse().ok());
    let gib = gib.filter(|&gib: &u32| gib > 0 && gib <= u32::MAX / 1024);
    gib.ok_or_else(|| Wrong::value("label amd.com/gpu.vram", "GiB such as 192G", text))
}

/// What all GPUs of the node have as `property`.
fn label<'n>(node: &'n NodeObject<'_>, property: &str) -> Option<&'n str> {
    let labels = &node.metadata.labels;
    if let Some(value) = labels.get(&format!("amd.com/gpu.{property}")) {
        return Some(value);
    }
    let mut all = values(node, property);
    let first = all.next()?;
    all.all(|value| value == first).then_some(first)
}

/// The values that have a label of their own.
fn values<'n>(node: &'n NodeObject<'_>, property: &str) -> impl Iterator<Item = &'n str> {
    let labels = node.metadata.labels.iter();
    labels.filter_map(move |(key, _)| {
        let key = key.strip_prefix("beta.").unwrap_or(key);
        let key = key.strip_prefix("amd.com/gpu.")?.strip_prefix(property)?;
        key.strip_prefix('.')
    })
}

/// Whether the labeller names a product.
pub(super) fn is_labelled(node: &NodeObject<'_>) -> bool {
    label(node, "product-name").is_some()
}

/// Refuses labels that say of GPUs which an inventory lists that they are cut.
pub(super) fn check_beside_inventory(node: &NodeObject<'_>) -> Result<(), Reason> {
    match label(node, MODE) {
        None | Some("spx_nps1") => Ok(()),
        Some(mode) => {
            let what = format!("label amd.com/gpu.{MODE}: {mode:?} beside an inventory");
            Err(Reason::NotYet(what))
        }
    }
}

/// The devices behind the `offered` ones of a resource of Intel's; none if nothing is known of them.
/// More than there are GPUs are replicas that take turns (`-shared-dev-num`).
pub(super) fn intel(
    node: &NodeObject<'_>,
    resource: &str,
    offered: u64,
) -> Result<Option<Kind>, Wrong> {
    const COUNT: &str = "gpu.intel.com/device.count";
    let labels = &node.metadata.labels;
    let devices = match labels.get(COUNT) {
        None => offered,
        Some(text) => {
            let count = quantity::count(text).ok().filter(|&count| count > 0);
            let wrong = || Wrong::value(format!("label {COUNT}"), "at least 1", text);
            count.ok_or_else(wrong)?.min(offered)
        }
    };
    let replicas = offered / devices.max(1);
    let count = u8::try_from(replicas).ok().and_then(NonZeroU8::new);
    let count = count.filter(|_| replicas * devices == offered);
    let count = count.ok_or_else(|| {
        let field = format!("status.allocatable {resource}");
        let expected = format!("as many for each of the {devices} GPUs of {COUNT}");
        Wrong::value(field, expected, &offered.to_string())
    })?;
    let mode = match count {
        NonZeroU8::MIN => GpuMode::Plain,
        count => GpuMode::Replicas(count, Sharing::Time),
    };
    let product = labels.get("gpu.intel.com/product");
    if product.is_none() && mode == GpuMode::Plain {
        return Ok(None);
    }
    let name = product.map_or(boards::UNKNOWN, |product| &**product);
    Ok(Some(Kind {
        gpu: Gpu {
            vendor: Vendor::Intel,
            model: Model::new(name),
            memory: Mebibytes(0),
            mode,
        },
        count: devices,
        machine: None,
        whole: false,
    }))
}
