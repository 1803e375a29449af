//! Jobs of which a trace knows the GPUs and nothing else, and the rule that makes pods of them.
//!
//! The rule: let `s` be the GPUs of the cluster's largest node. A job of up to `s` GPUs is one pod. A
//! larger one is a gang of pods with `s` GPUs each and one pod with the rest, as a training job of one
//! worker a node would be. Cores and host memory are so much a GPU ([`PerGpu`]); a part of a GPU asks
//! for that part of them.

use std::num::NonZeroU8;
use std::sync::Arc;

use stowage_core::gpu::MAX_DEVICES;
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::TraceNode;
use super::timed::{Job, Pods, Requests};

/// Cores and host memory that go with a GPU, of nodes and of pods, where a trace does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerGpu {
    /// CPU cores.
    pub cores: u32,
    /// Host memory, GiB.
    pub memory_gib: u32,
}

impl Default for PerGpu {
    /// 8 cores and 32 GiB: what an eight-GPU server of the traces' time has for each GPU at least
    /// (64 cores and 384 GB in PAI 2020), so that GPUs are what is scarce.
    fn default() -> Self {
        Self {
            cores: 8,
            memory_gib: 32,
        }
    }
}

/// A job as such a trace has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GpuJob {
    /// When it is submitted, ms from any origin.
    pub submit: u64,
    /// How long it runs, ms.
    pub duration: u64,
    /// GPUs, thousandths: below 1000 a part of one, else whole ones.
    pub gpu_milli: u64,
    /// How many such pods; 0 where the rule above makes the pods.
    pub pods: u32,
    /// Whose it is.
    pub tenant: Arc<str>,
}

/// Makes pods of `jobs` for a cluster of `nodes`. Jobs are named `PREFIX-NUMBER` in the order of all
/// their values, so that the order of lines does not matter.
#[must_use]
pub fn pods(prefix: &str, mut jobs: Vec<GpuJob>, nodes: &[TraceNode], per_gpu: PerGpu) -> Vec<Job> {
    jobs.sort();
    let largest = nodes.iter().map(|node| node.gpus.len()).max();
    let largest = largest.unwrap_or(1).clamp(1, MAX_DEVICES) as u64;
    let mut requests = Requests::default();
    let mut gangs = std::collections::BTreeMap::new();
    let mut made = Vec::with_capacity(jobs.len());
    for (number, job) in jobs.into_iter().enumerate() {
        let pods = gangs
            .entry((job.gpu_milli, job.pods))
            .or_insert_with(|| split(&job, largest, per_gpu, &mut requests));
        made.push(Job {
            name: format!("{prefix}-{number:06}").into(),
            tenant: job.tenant,
            submit: job.submit,
            duration: Some(job.duration),
            priority: 0,
            pods: pods.clone(),
            nodes: None,
        });
    }
    made
}

fn split(job: &GpuJob, largest: u64, per_gpu: PerGpu, requests: &mut Requests) -> Pods {
    let mut pod = |milli: u64| requests.share(request(milli, per_gpu));
    if job.pods > 0 {
        let one = pod(job.gpu_milli);
        return vec![one; job.pods as usize].into();
    }
    if job.gpu_milli <= 1000 * largest {
        return vec![pod(job.gpu_milli)].into();
    }
    let gpus = job.gpu_milli / 1000;
    let mut pods = vec![pod(1000 * largest); (gpus / largest) as usize];
    if !gpus.is_multiple_of(largest) {
        pods.push(pod(1000 * (gpus % largest)));
    }
    pods.into()
}

/// A pod that asks for so many thousandths of a GPU: a share below 1000, else whole devices.
#[must_use]
pub fn request(gpu_milli: u64, per_gpu: PerGpu) -> PodRequest {
    let milli = Milli(u32::try_from(gpu_milli.min(1000)).unwrap_or(1000));
    let container = match NonZeroU8::new(u8::try_from(gpu_milli / 1000).unwrap_or(u8::MAX)) {
        Some(count) => ContainerRequest::Whole { count },
        None if gpu_milli == 0 => ContainerRequest::None,
        None => ContainerRequest::Share {
            count: NonZeroU8::MIN,
            share: Share {
                compute: milli,
                memory: ShareMemory::Milli(milli),
            },
        },
    };
    // A pod without a GPU asks for what goes with one.
    let gpus = if gpu_milli == 0 { 1000 } else { gpu_milli };
    let part = |amount: u64| u32::try_from(amount * gpus / 1000).unwrap_or(u32::MAX);
    let cores = Milli(part(1000 * u64::from(per_gpu.cores)));
    let memory = Mebibytes(part(1024 * u64::from(per_gpu.memory_gib)));
    PodRequest::new(&[container], cores, memory, Models::Any)
        .expect("a share is at most a device, and no pod is larger than a node may be")
}
