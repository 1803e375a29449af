//! Workload files: how often each shape of pod is expected.

use std::num::NonZeroU64;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stowage_core::gpu::{MAX_DEVICES, Model};
use stowage_core::request::Models;
use stowage_core::units::{Mebibytes, Milli};
use stowage_core::workload::{Class, Workload};

use super::{ConfigError, WorkloadKind, WorkloadSource};

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

fn read(file: &Path) -> Result<Workload, ConfigError> {
    let found: WorkloadFile = super::yaml::read(file)?;
    let wrong = |index: usize, problem: &str| ConfigError::Wrong {
        file: file.to_owned(),
        problem: format!(" classes[{index}]: {problem}"),
    };
    let mut classes = Vec::new();
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
    Ok(Workload::of(classes))
}
