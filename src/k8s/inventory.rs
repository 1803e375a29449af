//! The annotation `stowage.dev/inventory` of a Node: its devices, as the node agent found them.
//!
//! ```json
//! {"v":1,"handOver":"stowage-nri","devices":[
//!   {"index":0,"uuid":"GPU-5c1f…","vendor":"nvidia","model":"A100-80GB","memoryMib":81920,
//!    "healthy":true,"numa":0,"mig":"static"}, …],
//!  "links":[{"a":0,"b":1,"link":"NV12"}],
//!  "partitions":{"nvidia.com/mig-1g.10gb":7}}
//! ```
//!
//! Version 1 is strict about what it knows (types, ranges, indices 0 to n-1 each once, no UUID twice)
//! and skips fields that it does not know, so that a newer agent may add what an older program can do
//! without. Whatever changes the meaning of what is here takes a new version, and an unknown version is
//! refused. Optional, with their meaning where they are declared: `uuid`, `healthy`, `numa`, `mig`,
//! `links`, `partitions`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stowage_core::gpu::{MAX_DEVICES, Vendor};
use stowage_core::node::HandOver;

use super::json::null;
use super::problem::Wrong;

/// Where it stands.
pub const INVENTORY: &str = "stowage.dev/inventory";

/// What a node has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    v: u32,
    /// Who makes a chosen device real.
    pub hand_over: HandOverName,
    /// The devices by index.
    pub devices: Vec<Device>,
    /// What joins two devices. A pair may have NVLinks and a PCIe path, each once; a pair that is not
    /// listed is joined across sockets. None where nothing is known.
    #[serde(
        default,
        deserialize_with = "null",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub links: Vec<LinkEntry>,
    /// How many partitions of each resource were cut beforehand, from the devices that say so (`mig`), and
    /// are counted by the vendor's plugin.
    #[serde(
        default,
        deserialize_with = "null",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub partitions: BTreeMap<String, u32>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The driver's number of it.
    pub index: u32,
    /// The driver's name of it, for example `GPU-5c1f…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its maker.
    pub vendor: VendorName,
    /// The board, for example `A100-80GB`.
    pub model: String,
    /// Its memory.
    pub memory_mib: u32,
    /// Whether it works.
    #[serde(default = "yes")]
    pub healthy: bool,
    /// Its NUMA node; negative if that is not known, as the kernel has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numa: Option<i32>,
    /// Whether it is cut into MIG instances; then it is never given as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mig: Option<MigName>,
}

/// What joins two devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEntry {
    /// The index of one.
    pub a: u32,
    /// The index of the other.
    pub b: u32,
    /// In the words of `nvidia-smi topo -m`: `NV1` to `NV18`, `PIX`, `PXB`, `PHB`, `NODE` or `SYS`.
    pub link: String,
}

/// How MIG instances come about, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigName {
    /// The agent makes one when a pod that asks for it arrives.
    OnDemand,
    /// They were made beforehand and are counted among the partitions. Also for AMD's partitions.
    Static,
}

/// A hand-over as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandOverName {
    /// The device plugin's choice.
    None,
    /// Stowage's node agent.
    StowageNri,
    /// NVIDIA's NRI plugin.
    NvidiaNri,
}

/// A vendor as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VendorName {
    /// NVIDIA.
    Nvidia,
    /// AMD.
    Amd,
    /// Intel.
    Intel,
    /// Anything that Windows offers as a DirectX device.
    DirectX,
}

impl From<HandOverName> for HandOver {
    fn from(name: HandOverName) -> Self {
        match name {
            HandOverName::None => Self::DevicePlugin,
            HandOverName::StowageNri => Self::StowageNri,
            HandOverName::NvidiaNri => Self::NvidiaNri,
        }
    }
}

impl From<VendorName> for Vendor {
    fn from(name: VendorName) -> Self {
        match name {
            VendorName::Nvidia => Self::Nvidia,
            VendorName::Amd => Self::Amd,
            VendorName::Intel => Self::Intel,
            VendorName::DirectX => Self::DirectX,
        }
    }
}

fn yes() -> bool {
    true
}

/// Its name in sentences.
pub(super) const FIELD: &str = "annotation stowage.dev/inventory";

/// Most bytes: Kubernetes' own limit on all annotations of an object together (`TotalAnnotationSizeLimitB`).
const MAX_BYTES: usize = 256 << 10;

/// The version alone.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl Inventory {
    /// The newest version, with these devices.
    #[must_use]
    pub fn new(hand_over: HandOverName, devices: Vec<Device>) -> Self {
        Self {
            v: 1,
            hand_over,
            devices,
            links: Vec::new(),
            partitions: BTreeMap::new(),
        }
    }

    /// Reads the annotation. Devices are in the order of their indices afterwards.
    ///
    /// # Errors
    /// When it is not an inventory of a known version, or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let json = |error: serde_json::Error| {
            Wrong::said(FIELD, "an inventory of version 1", error.to_string())
        };
        if text.len() > MAX_BYTES {
            let expected = format!("at most {MAX_BYTES} bytes");
            return Err(Wrong::said(FIELD, expected, text.len().to_string()));
        }
        let Version { v } = serde_json::from_str(text).map_err(json)?;
        if v != 1 {
            return Err(Wrong::said(FIELD, "version 1", v.to_string()));
        }
        let mut inventory: Self = serde_json::from_str(text).map_err(json)?;
        inventory.devices.sort_by_key(|device| device.index);
        inventory.check()?;
        Ok(inventory)
    }

    /// The annotation.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain structs are JSON")
    }

    fn check(&self) -> Result<(), Wrong> {
        let devices = &self.devices;
        if devices.len() > MAX_DEVICES {
            let expected = format!("at most {MAX_DEVICES} devices");
            return Err(Wrong::said(FIELD, expected, devices.len().to_string()));
        }
        for (index, device) in devices.iter().enumerate() {
            let field = |name: &str| format!("{FIELD}: device {}: {name}", device.index);
            if device.index as usize != index {
                let expected = format!("0 to {}, each once", devices.len() - 1);
                return Err(Wrong::said(
                    field("index"),
                    expected,
                    device.index.to_string(),
                ));
            }
            if device.memory_mib == 0 {
                return Err(Wrong::said(
                    field("memoryMib"),
                    "at least 1",
                    "0".to_owned(),
                ));
            }
            if device.model.trim().is_empty() {
                return Err(Wrong::value(
                    field("model"),
                    "the board's name",
                    &device.model,
                ));
            }
            let nvidia = device.vendor == VendorName::Nvidia;
            if self.hand_over == HandOverName::NvidiaNri && !nvidia {
                let expected = "nvidia where the hand-over is nvidia-nri";
                return Err(Wrong::said(field("vendor"), expected, "another".to_owned()));
            }
            let Some(uuid) = &device.uuid else { continue };
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
            if uuid.is_empty() || uuid.len() > 128 || !uuid.bytes().all(plain) {
                let expected = "at most 128 letters, digits and dashes";
                return Err(Wrong::value(field("uuid"), expected, uuid));
            }
            if devices[..index]
                .iter()
                .any(|d| d.uuid.as_ref() == Some(uuid))
            {
                return Err(Wrong::value(field("uuid"), "one of its own", uuid));
            }
        }
        Ok(())
    }
}
