//! The devices of a node whose agent wrote an inventory: what it lists, and nothing else.
//!
//! Labels that say the same GPUs are given out in other ways are refused: the device plugin would then
//! hand over what the agent believes to be its own.

use stowage_core::gpu::{Cut, DeviceSet, Gpu, GpuMode};
use stowage_core::mig::Geometry;
use stowage_core::units::Mebibytes;

use super::devices::{Devices, offered};
use super::object::NodeObject;
use super::{Reason, Source, amd, links, nvidia, partitions};
use crate::k8s::boards;
use crate::k8s::inventory::{Device, FIELD, HandOverName, Inventory, MigName};
use crate::k8s::pod::is_shared;
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

/// The devices that `inventory` lists.
pub(super) fn of(node: &NodeObject<'_>, inventory: &Inventory) -> Result<Devices, Reason> {
    check_labels(node)?;
    let devices = &inventory.devices;
    let gpus = devices.iter().map(|device| gpu(inventory, device));
    let gpus: Vec<Gpu> = gpus.collect::<Result<_, _>>()?;
    let failed: DeviceSet = (0..devices.len())
        .filter(|&d| !devices[d].healthy)
        .collect();
    let parted: Vec<&Gpu> = gpus.iter().filter(|g| g.mode == GpuMode::Parted).collect();
    let partitions = partitions::listed(inventory, &parted)?;
    let alike = parted.windows(2).all(|pair| pair[0].model == pair[1].model);
    let whole = |gpu: &&Gpu| Gpu {
        mode: GpuMode::Plain,
        ..(*gpu).clone()
    };
    Ok(Devices {
        cut_from: parted.first().filter(|_| alike).map(whole),
        partitions,
        joined: links::listed(inventory, &gpus)?,
        gpus: gpus.into(),
        uuids: devices.iter().map(|d| d.uuid.clone()).collect(),
        failed,
        hand_over: inventory.hand_over.into(),
        source: Source::Inventory,
    })
}

fn gpu(inventory: &Inventory, device: &Device) -> Result<Gpu, Wrong> {
    let model = boards::model(&device.model);
    let mode = match device.mig {
        None => GpuMode::Plain,
        Some(MigName::Static) => GpuMode::Parted,
        Some(MigName::OnDemand) => {
            let field = || format!("{FIELD}: device {}: mig", device.index);
            if inventory.hand_over != HandOverName::StowageNri {
                let expected = "a hand-over stowage-nri where instances are made on demand";
                return Err(Wrong::said(field(), expected, "another".to_owned()));
            }
            let geometry = Geometry::of_board(model.as_str());
            let expected = "a board whose MIG profiles are known";
            let wrong = || Wrong::value(field(), expected, &device.model);
            GpuMode::Mig(Cut(geometry.ok_or_else(wrong)?))
        }
    };
    Ok(Gpu {
        vendor: device.vendor.into(),
        model,
        memory: Mebibytes(device.memory_mib),
        mode,
    })
}

/// Refuses a node where pods get parts of the devices that the inventory lists, by other ways.
fn check_labels(node: &NodeObject<'_>) -> Result<(), Reason> {
    nvidia::check_beside_inventory(node)?;
    amd::check_beside_inventory(node)?;
    let shared = offered(node).iter().find(|(name, count)| {
        is_shared(name) && quantity::count(count).is_ok_and(|count| count > 0)
    });
    match shared {
        Some((name, _)) => Err(Reason::NotYet(format!(
            "status.allocatable {name} beside an inventory"
        ))),
        None => Ok(()),
    }
}
