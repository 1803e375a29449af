//! Workload files: how often each shape of pod is expected.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stowage_core::gpu::{MAX_DEVICES, Model};
use stowage_core::mig::{Geometry, MigProfile};
use stowage_core::request::Models;
use stowage_core::units::{Mebibytes, Milli};
use stowage_core::workload::{Class, Workload};

use super::{ConfigError, WorkloadKind, WorkloadSource};

/// Most pods of one class: so many that sums of them stay within bounds.
const MOST_PODS: u64 = 1_000_000_000_000;

/// A file of kind Workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorkloadFile {
    api_version: ApiVersion,
    kind: Kind,
    classes: Vec<ClassEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ApiVersion {
    #[serde(rename = "stowage.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Workload,
}

/// Pods that look alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClassEntry {
    /// CPU, thousandths of a core.
    cores_milli: u32,
    /// GPUs, 0 to 64.
    #[serde(default)]
    devices: u32,
    /// The share of each, 1 to 1000; 0 without a GPU.
    #[serde(default)]
    share_milli: u32,
    /// MiB of each, where a share states its memory so.
    #[serde(default)]
    gpu_memory_mib: u32,
    /// A MIG instance, by its profile, in place of devices.
    #[serde(default)]
    mig: Option<String>,
    /// Acceptable models; none named is any.
    #[serde(default)]
    models: Vec<String>,
    /// How often.
    count: NonZeroU64,
}

/// What a policy looks ahead with, as far as it does not depend on a list or on what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// To be counted from pods.
    Counted,
    /// Known.
    Known(Workload),
}

impl WorkloadSource {
    /// Reads the file, if there is one. `counted` is the kind that is counted here.
    ///
    /// # Errors
    /// When the file cannot be used or the source does not exist here.
    pub fn load(&self, counted: WorkloadKind) -> Result<Expected, String> {
        match (self.source.unwrap_or(counted), &self.file) {
            (WorkloadKind::File, Some(file)) => {
                let workload = read(file).map_err(|e| e.to_string())?;
                Ok(Expected::Known(workload))
            }
            (WorkloadKind::File, None) => {
                Err("policy.workload.file: expected a file, got none".to_owned())
            }
            (kind, None) if kind == counted => Ok(Expected::Counted),
            (kind, None) => Err(format!(
                "policy.workload.source: expected {counted:?} or File here, got {kind:?}"
            )),
            (_, Some(_)) => Err("policy.workload.source: expected file beside a file".to_owned()),
        }
    }
}

impl ClassEntry {
    /// The profile of its MIG instance, if it asks for one.
    fn instance(&self) -> Result<Option<MigProfile>, String> {
        let Some(name) = &self.mig else {
            return Ok(None);
        };
        let has = |profile: &MigProfile| {
            let mut boards = Geometry::all().iter();
            boards.any(|board| board.shape(*profile).is_some())
        };
        let profile = name.parse().ok().filter(has);
        match profile.filter(|_| self.devices == 0) {
            None => Err(format!(
                "mig: expected a profile of some board, such as 1g.10gb, and no devices, got {name:?}"
            )),
            known => Ok(known),
        }
    }
}

fn read(file: &Path) -> Result<Workload, ConfigError> {
    let found: WorkloadFile = super::yaml::read(file)?;
    let wrong = |index: usize, problem: &str| ConfigError::Wrong {
        file: file.to_owned(),
        problem: format!(" classes[{index}]: {problem}"),
    };
    let (mut classes, mut instances) = (Vec::new(), BTreeMap::new());
    for (index, entry) in found.classes.into_iter().enumerate() {
        if entry.devices as usize > MAX_DEVICES {
            return Err(wrong(index, "devices: expected at most 64"));
        }
        let shared = entry.share_milli > 0 || entry.gpu_memory_mib > 0;
        if (entry.devices > 0) != shared || entry.share_milli > 1000 {
            return Err(wrong(
                index,
                "shareMilli: expected 1 to 1000 (or gpuMemoryMib) where devices is above 0, 0 elsewhere",
            ));
        }
        if entry.count.get() > MOST_PODS {
            return Err(wrong(index, "count: expected at most 10^12"));
        }
        if let Some(profile) = entry.instance().map_err(|problem| wrong(index, &problem))? {
            *instances.entry(profile).or_insert(0) += entry.count.get();
        }
        let models: Vec<_> = entry.models.iter().map(|name| Model::new(name)).collect();
        let class = Class {
            cores: Milli(entry.cores_milli),
            share: Milli(entry.share_milli),
            devices: entry.devices,
            models: if models.is_empty() {
                Models::Any
            } else {
                Models::OneOf(models.into())
            },
            memory: Mebibytes(entry.gpu_memory_mib),
        };
        classes.push((class, entry.count.get()));
    }
    Ok(Workload::of(classes).with_instances(instances))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(classes: &str) -> Result<Workload, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("w.yaml");
        let head = "apiVersion: stowage.dev/v1alpha1\nkind: Workload\nclasses:\n";
        std::fs::write(&file, format!("{head}{classes}")).expect("it can be written");
        let said = |error: ConfigError| error.to_string();
        read(&file).map_err(|error| {
            let said = said(error);
            said.split_once("w.yaml:")
                .map_or(said.clone(), |(_, rest)| rest.trim().to_owned())
        })
    }

    #[test]
    fn mig_instances_are_expected_by_profile() {
        let text = "- {coresMilli: 1000, mig: 1g.10gb, count: 3}\n\
                    - {coresMilli: 2000, mig: 1g.10gb, count: 1}\n\
                    - {coresMilli: 2000, devices: 1, shareMilli: 500, count: 5}\n";
        let workload = workload(text).expect("a workload");
        let instances: Vec<_> = workload.instances().iter().collect();
        let profile = "1g.10gb".parse().expect("a profile");
        assert_eq!(instances, [(&profile, &4)]);
        assert_eq!((workload.classes().len(), workload.total()), (3, 9));
    }

    #[test]
    fn what_no_board_gives_is_refused() {
        let mig = "expected a profile of some board, such as 1g.10gb, and no devices, got";
        for (class, said) in [
            ("mig: 9g.1gb, count: 1", format!("mig: {mig} \"9g.1gb\"")),
            ("mig: x, count: 1", format!("mig: {mig} \"x\"")),
            (
                "mig: 1g.10gb, devices: 1, shareMilli: 5, count: 1",
                format!("mig: {mig} \"1g.10gb\""),
            ),
            (
                "count: 18446744073709551615",
                "count: expected at most 10^12".to_owned(),
            ),
        ] {
            let found = workload(&format!("- {{coresMilli: 1, {class}}}\n"));
            assert_eq!(found, Err(format!("classes[0]: {said}")));
        }
    }
}
