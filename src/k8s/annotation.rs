//! The annotations that Stowage writes with a Binding, and reads from pods afterwards.
//!
//! `stowage.dev/placement` says which container got which devices:
//!
//! ```json
//! {"v":1,"containers":{"main":[{"gpu":"GPU-5c1f…","index":3,"memoryMib":8000,"computeMilli":300}]}}
//! ```
//!
//! A MIG instance made on demand is `{"gpu":…,"index":3,"mig":"1g.10gb","start":4,…}`; partitions that
//! a device plugin counts are not listed, because nobody chose one.
//! `"predicted":true` is added where a device plugin chooses by itself. Init containers that use the
//! devices of later containers are listed with them. A device is found by its UUID where the node
//! tells UUIDs, else by its index. Unknown fields are skipped; a placement that is not understood
//! entirely is an error, because to the ledger half an answer is a wrong one.
//!
//! Beside it goes only what the node's hand-over needs, see [`binding`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stowage_core::gpu::{DeviceSet, Gpu, MAX_DEVICES};
use stowage_core::mig::MigProfile;
use stowage_core::node::HandOver;
use stowage_core::partition::Partition;
use stowage_core::request::{ContainerRequest, Devices, PodRequest};

use super::node::NodeFacts;
use super::pod::GpuContainer;
use super::problem::AnnotationError;

/// The annotation that carries a [`Placement`].
pub const PLACEMENT: &str = "stowage.dev/placement";
/// The annotation that makes a container runtime refuse a container which Stowage's agent has not
/// seen (NRI's default validator).
pub const REQUIRED_PLUGINS: &str = "required-plugins.noderesource.dev";
/// What NVIDIA's NRI plugin obeys; the container's name follows.
pub const NVIDIA_CDI: &str = "nvidia.cdi.k8s.io/container.";

/// Characters that Kubernetes allows in the part of an annotation's name after the slash.
const MAX_NAME: usize = 63;

/// Which container of a pod got which devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    v: u32,
    /// Whether a device plugin may have chosen otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub predicted: bool,
    /// The devices of each container.
    pub containers: BTreeMap<String, Vec<Entry>>,
}

/// What a container got of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The device's UUID, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Its index.
    pub index: u32,
    /// MiB of its memory.
    pub memory_mib: u32,
    /// Thousandths of its compute.
    pub compute_milli: u32,
    /// The profile of a MIG instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mig: Option<String>,
    /// Its first memory slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u8>,
}

/// The version alone.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl Placement {
    /// The placement of `request` on `devices` of `node`; `containers` as the pod has them.
    #[must_use]
    pub fn decided(
        request: &PodRequest,
        containers: &[GpuContainer],
        devices: &Devices,
        node: &NodeFacts,
    ) -> Self {
        debug_assert_eq!(request.containers().len(), devices.len());
        let entry = |container: &GpuContainer, index: usize| {
            let (compute, memory) = container.asks.takes(node.node.gpus.get(index)?)?;
            let instance = instance(container);
            let start = instance.and(container.from.first().map(|&slot| devices.start(slot)));
            Some(Entry {
                gpu: node.uuids.get(index).cloned().flatten(),
                index: u32::try_from(index).ok()?,
                memory_mib: memory.0,
                compute_milli: compute.0,
                mig: instance.map(|profile| profile.to_string()),
                start,
            })
        };
        let mut entries: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for container in containers {
            let units = container.units(devices).into_iter();
            let more = units.filter_map(|index| entry(container, index));
            entries
                .entry(container.name.clone())
                .or_default()
                .extend(more);
        }
        Self {
            v: 1,
            predicted: node.node.hand_over == HandOver::DevicePlugin,
            containers: entries,
        }
    }

    /// Reads the annotation.
    ///
    /// # Errors
    /// When it is not a placement of a known version.
    pub fn parse(text: &str) -> Result<Self, AnnotationError> {
        let json = |error: serde_json::Error| AnnotationError::Json(error.to_string());
        let Version { v } = serde_json::from_str(text).map_err(json)?;
        if v != 1 {
            return Err(AnnotationError::Version(v));
        }
        let placement: Self = serde_json::from_str(text).map_err(json)?;
        for (container, entries) in &placement.containers {
            for entry in entries {
                let profile = entry.mig.as_deref().map(str::parse::<MigProfile>);
                if matches!(profile, Some(Err(_))) || entry.mig.is_some() != entry.start.is_some() {
                    let got = entry.mig.clone().unwrap_or_default();
                    return Err(AnnotationError::Mig {
                        container: container.clone(),
                        got,
                    });
                }
            }
        }
        Ok(placement)
    }

    /// The annotation.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain structs are JSON")
    }

    /// The devices of each container of `request`; `containers` as the pod has them, `uuids` as the
    /// node has them, or none where the node has not been seen yet.
    ///
    /// # Errors
    /// When the placement does not answer the request, or names a device that the node has not.
    pub fn devices(
        &self,
        request: &PodRequest,
        containers: &[GpuContainer],
        uuids: Option<&[Option<String>]>,
    ) -> Result<Devices, AnnotationError> {
        let asked = request.containers();
        let mut devices: Devices = asked.iter().map(|_| DeviceSet::EMPTY).collect();
        // First those that have one container of the request to themselves, then whoever uses up an
        // extra one beside.
        let mut order: Vec<_> = containers.iter().collect();
        order.sort_by_key(|container| container.from.len());
        let mut instances: BTreeMap<(&str, MigProfile), usize> = BTreeMap::new();
        for container in order {
            if let (ContainerRequest::Partition(_), Some(&slot)) =
                (&container.asks, container.from.first())
            {
                let Some(profile) = instance(container) else {
                    continue;
                };
                let nth = instances.entry((&container.name, profile)).or_default();
                if let Some((device, start)) = self.instance(container, profile, *nth, uuids)? {
                    devices[slot] = DeviceSet::EMPTY.with(device);
                    devices.set_start(slot, start);
                }
                *nth += 1;
                continue;
            }
            let counts = container.from.iter().map(|&slot| asked[slot].count());
            let all = counts.sum::<usize>() == container.asks.count();
            let Some(&slot) = container.from.last().filter(|_| all) else {
                continue;
            };
            if !devices[slot].is_empty() {
                continue;
            }
            let mut units = self.of_container(container, uuids)?;
            let others = container.from.iter().filter(|&&other| other != slot);
            for (device, times) in others.flat_map(|&other| devices.each(other)) {
                for _ in 0..times {
                    if let Some(at) = units.iter().position(|&unit| unit == device) {
                        units.swap_remove(at);
                    }
                }
            }
            let got = units.len();
            units.into_iter().for_each(|unit| devices.give(slot, unit));
            if got != asked[slot].count() {
                return Err(AnnotationError::Count {
                    container: container.name.clone(),
                    expected: asked[slot].count(),
                    got,
                });
            }
        }
        Ok(devices)
    }

    /// The same on `node`, or wherever the pod is if that has not been seen yet.
    ///
    /// # Errors
    /// As [`Placement::devices`], and when a device plugin chose and the node now hands over by name.
    pub fn devices_on(
        &self,
        request: &PodRequest,
        containers: &[GpuContainer],
        node: Option<&NodeFacts>,
    ) -> Result<Devices, AnnotationError> {
        let obeyed = node.is_some_and(|node| node.node.hand_over != HandOver::DevicePlugin);
        if self.predicted && obeyed {
            return Err(AnnotationError::Predicted);
        }
        let devices = self.devices(request, containers, node.map(|node| &node.uuids[..]))?;
        let gpus = node.map(|node| &*node.node.gpus).unwrap_or_default();
        let once = |device| {
            let gpu = gpus.get(device);
            gpu.is_some_and(|gpu: &Gpu| !gpu.mode.is_replicated())
        };
        for container in containers.iter().filter(|_| devices.repeat()) {
            let units = container.units(&devices);
            let mut pairs = units.windows(2);
            if pairs.any(|pair| pair[0] == pair[1] && once(pair[0])) {
                return Err(counted(container, distinct(&units)));
            }
        }
        Ok(devices)
    }

    /// The units of a container, ascending: of one device several only where a device plugin chose, which
    /// may have replicas to give.
    fn of_container(
        &self,
        container: &GpuContainer,
        uuids: Option<&[Option<String>]>,
    ) -> Result<Vec<usize>, AnnotationError> {
        let name = || container.name.clone();
        let entries = self.containers.get(&container.name);
        let entries = entries.ok_or_else(|| AnnotationError::Missing(name()))?;
        let entries: Vec<_> = entries.iter().filter(|entry| entry.mig.is_none()).collect();
        let units = entries.into_iter();
        let units = units.map(|entry| index_of(entry, container, uuids));
        let mut units = units.collect::<Result<Vec<_>, _>>()?;
        units.sort_unstable();
        let expected = container.asks.count();
        let got = distinct(&units);
        if expected != units.len() || expected != got && !self.predicted {
            return Err(counted(container, got));
        }
        Ok(units)
    }

    /// The device and the start of the `nth` instance of `profile` of a container; none if it has no
    /// such instance at all, because its node counts them.
    fn instance(
        &self,
        container: &GpuContainer,
        profile: MigProfile,
        nth: usize,
        uuids: Option<&[Option<String>]>,
    ) -> Result<Option<(usize, u8)>, AnnotationError> {
        let name = || container.name.clone();
        let entries = self.containers.get(&container.name);
        let entries = entries.ok_or_else(|| AnnotationError::Missing(name()))?;
        let named = profile.to_string();
        let mut same = entries.iter().filter(|e| e.mig.as_deref() == Some(&named));
        let Some(entry) = same.clone().nth(nth) else {
            return match same.next() {
                None => Ok(None),
                Some(_) => Err(AnnotationError::Count {
                    container: name(),
                    expected: nth + 1,
                    got: nth,
                }),
            };
        };
        let device = index_of(entry, container, uuids)?;
        Ok(Some((device, entry.start.unwrap_or(0))))
    }
}

/// A container that asks for another number of devices than it was given.
fn counted(container: &GpuContainer, got: usize) -> AnnotationError {
    AnnotationError::Count {
        container: container.name.clone(),
        expected: container.asks.count(),
        got,
    }
}

/// How many different ones there are of what is in order.
fn distinct(units: &[usize]) -> usize {
    units.chunk_by(|a, b| a == b).count()
}

/// The MIG profile of which a container asks an instance.
fn instance(container: &GpuContainer) -> Option<MigProfile> {
    match container.asks {
        ContainerRequest::Partition(Partition::Mig(profile)) => Some(profile),
        _ => None,
    }
}

/// Which device an entry names.
fn index_of(
    entry: &Entry,
    container: &GpuContainer,
    uuids: Option<&[Option<String>]>,
) -> Result<usize, AnnotationError> {
    let name = || container.name.clone();
    let known = uuids.filter(|uuids| uuids.iter().any(Option::is_some));
    let index = match (&entry.gpu, known) {
        (Some(gpu), Some(uuids)) => {
            let same = |have: &Option<String>| have.as_ref() == Some(gpu);
            let index = uuids.iter().position(same);
            index.ok_or_else(|| AnnotationError::Uuid {
                container: name(),
                gpu: gpu.clone(),
            })?
        }
        _ => entry.index as usize,
    };
    let devices = uuids.map_or(MAX_DEVICES, <[_]>::len).min(MAX_DEVICES);
    if index >= devices {
        return Err(AnnotationError::Index {
            container: name(),
            index: entry.index,
            most: devices.saturating_sub(1),
        });
    }
    Ok(index)
}

/// All annotations of the Binding that puts `request` on `devices` of `node`: the placement, and
/// what the node's hand-over needs. None for a pod without GPUs.
///
/// # Errors
/// When a container's name does not fit into an annotation that the hand-over needs.
pub fn binding(
    request: &PodRequest,
    containers: &[GpuContainer],
    devices: &Devices,
    node: &NodeFacts,
) -> Result<BTreeMap<String, String>, AnnotationError> {
    let mut annotations = BTreeMap::new();
    if !request.wants_gpu() {
        return Ok(annotations);
    }
    let placement = Placement::decided(request, containers, devices, node);
    annotations.insert(PLACEMENT.to_owned(), placement.to_json());
    match node.node.hand_over {
        HandOver::DevicePlugin => {}
        HandOver::StowageNri => {
            annotations.insert(REQUIRED_PLUGINS.to_owned(), r#"["stowage"]"#.to_owned());
        }
        HandOver::NvidiaNri => {
            for (container, entries) in placement.containers {
                let name = format!("{NVIDIA_CDI}{container}");
                if "container.".len() + container.len() > MAX_NAME {
                    return Err(AnnotationError::LongName(container));
                }
                annotations.insert(name, cdi_names(&entries));
            }
        }
    }
    Ok(annotations)
}

/// The devices as the Container Device Interface names them.
fn cdi_names(entries: &[Entry]) -> String {
    let names = entries.iter().map(|entry| match &entry.gpu {
        Some(uuid) => format!("nvidia.com/gpu={uuid}"),
        None => format!("nvidia.com/gpu={}", entry.index),
    });
    names.collect::<Vec<_>>().join(",")
}
