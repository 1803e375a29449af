//! The workload a strategy looks ahead with: how often each shape of pod occurs.
//!
//! A *class* is what fragmentation can see of a pod: cores, devices, the share of each, acceptable
//! models. Host memory is left out, as in the published method (openb benchmark: "typical pods").
//! MIG instances are counted beside the classes, by profile: what they lose or keep is another question
//! (`mig/prospects.rs`).

use std::collections::BTreeMap;

use crate::mig::MigProfile;
use crate::partition::Partition;
use crate::request::{ContainerRequest, Models, PodRequest, ShareMemory};
use crate::units::{Mebibytes, Milli};

/// What fragmentation sees of a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// CPU cores.
    pub cores: Milli,
    /// The share of each device; 1000 for whole devices, 0 without a GPU.
    pub share: Milli,
    /// On how many devices.
    pub devices: u32,
    /// Acceptable models.
    pub models: Models,
    /// MiB of each device, where a share states its memory so; 0 where it follows compute.
    pub memory: Mebibytes,
}

impl Class {
    /// The class of one pod. Of several containers the largest share counts for all devices.
    #[must_use]
    pub fn of(request: &PodRequest) -> Self {
        let partition = |c: &&ContainerRequest| !matches!(c, ContainerRequest::Partition(_));
        let containers = || request.containers().iter().filter(partition);
        Self {
            cores: request.cores(),
            share: containers()
                .map(ContainerRequest::compute)
                .max()
                .unwrap_or_default(),
            devices: containers().map(|c| c.count() as u32).sum(),
            models: request.models().clone(),
            memory: containers().map(memory).max().unwrap_or_default(),
        }
    }
}

/// The MIG instances that a pod asks for, container by container; replicas of instances that are there
/// already are not.
pub fn instances(pod: &PodRequest) -> impl Iterator<Item = MigProfile> {
    let containers = pod.containers().iter();
    containers.filter_map(|container| match container {
        ContainerRequest::Partition(Partition::Mig(profile)) => Some(*profile),
        _ => None,
    })
}

/// MiB that a share asks of each device, 0 where it asks for a part of the device.
fn memory(container: &ContainerRequest) -> Mebibytes {
    match container {
        ContainerRequest::Share { share, .. } => match share.memory {
            ShareMemory::Mebibytes(memory) => memory,
            ShareMemory::Milli(_) => Mebibytes(0),
        },
        _ => Mebibytes(0),
    }
}

/// A histogram of pod classes, the most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    classes: Vec<(Class, u64)>,
    total: u64,
    instances: BTreeMap<MigProfile, u64>,
}

impl Workload {
    /// Counts `pods`. Equally frequent classes go by cores, share, devices, models, largest first.
    pub fn count<'a>(pods: impl IntoIterator<Item = &'a PodRequest>) -> Self {
        let mut asked = BTreeMap::new();
        let classes = pods.into_iter().map(|pod| {
            instances(pod).for_each(|profile| *asked.entry(profile).or_insert(0) += 1);
            (Class::of(pod), 1)
        });
        let workload = Self::of(classes);
        workload.with_instances(asked)
    }

    /// The same with so many requests for MIG instances, by profile.
    #[must_use]
    pub fn with_instances(self, instances: BTreeMap<MigProfile, u64>) -> Self {
        Self { instances, ..self }
    }

    /// Adds up counted classes; in the order of [`Workload::count`]. No MIG instances.
    pub fn of(counted: impl IntoIterator<Item = (Class, u64)>) -> Self {
        let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
        for (class, count) in counted {
            *counts.entry(class).or_insert(0) += count;
        }
        let total = counts.values().sum();
        let mut classes: Vec<_> = counts.into_iter().rev().collect();
        classes.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        Self {
            classes,
            total,
            instances: BTreeMap::new(),
        }
    }

    /// Only the most frequent classes that together make up at least `percent` of the pods; all MIG
    /// instances.
    #[must_use]
    pub fn covering(&self, percent: u32) -> Self {
        let mut covered = 0;
        let classes = self
            .classes
            .iter()
            .take_while(|(_, count)| {
                let more = covered * 100 < self.total * u64::from(percent);
                covered += count;
                more
            })
            .cloned()
            .collect();
        Self {
            classes,
            total: self.total,
            instances: self.instances.clone(),
        }
    }

    /// Classes with their counts, the most frequent first.
    #[must_use]
    pub fn classes(&self) -> &[(Class, u64)] {
        &self.classes
    }

    /// Requests for MIG instances, by profile.
    #[must_use]
    pub fn instances(&self) -> &BTreeMap<MigProfile, u64> {
        &self.instances
    }

    /// Pods counted, those of classes left out included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}
