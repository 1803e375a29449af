//! What `stowage inspect` found, as JSON has it. The table shows the same, folded.
//!
//! Field names are part of the interface (docs/inspect-json.md); new fields may come. Amounts carry their unit in their name:
//! `Milli` is thousandths of a core or of a device, `Mib` is mebibytes.

use serde::Serialize;

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// `stowage.dev/v1alpha1`.
    pub api_version: &'static str,
    /// `Inspection`.
    pub kind: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The strategy that places further pods.
    pub strategy: &'static str,
    /// Sums over the cluster.
    pub totals: Totals,
    /// Every node, by name.
    pub nodes: Vec<NodeReport>,
    /// What is free and of no use, and why.
    pub stranded: StrandedReport,
    /// What pods with GPUs ask for, the most frequent first; at most eight.
    pub shapes: Vec<ShapeReport>,
    /// Pods that look for a node; those with GPUs first.
    pub pending: Vec<PendingReport>,
    /// What pods demand and nobody judges here.
    pub unmodelled: Vec<UnmodelledReport>,
}

/// Sums over the cluster.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Nodes.
    pub nodes: usize,
    /// Of these, nodes with GPUs or partitions of some.
    pub gpu_nodes: usize,
    /// GPUs.
    pub gpus: usize,
    /// Of these, GPUs that nobody uses.
    pub idle_gpus: usize,
    /// What pods hold, thousandths of a device: 1000 less what is free.
    pub allocated_milli: u64,
    /// What is free, thousandths of a device: of each the scarcer of compute and memory.
    pub free_milli: u64,
    /// Memory of all GPUs, as far as it is known.
    pub gpu_memory_mib: u64,
    /// Of that, memory that nobody holds.
    pub free_gpu_memory_mib: u64,
    /// Pods on nodes, those of `podsElsewhere` left out.
    pub pods_bound: usize,
    /// Pods on nodes that are not here, or were left out.
    pub pods_elsewhere: usize,
    /// Pods that look for a node.
    pub pods_pending: usize,
}

/// A node.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// Where its GPUs were looked up: `inventory`, `labels` or `allocatable`.
    pub source: &'static str,
    /// Who makes a chosen device real: `device-plugin`, `stowage-nri` or `nvidia-nri`.
    pub hand_over: &'static str,
    /// Whether it is cordoned.
    pub cordoned: bool,
    /// Why it gets no pods with GPUs at all, or null; a GPU that failed alone is in `gpus`.
    pub unhealthy: Option<String>,
    /// Taints that keep pods away, as kubectl writes them.
    pub taints: Vec<String>,
    /// Cores that are left.
    pub free_cores_milli: u32,
    /// Host memory that is left.
    pub free_memory_mib: u32,
    /// Pods that it may still run.
    pub free_pods: u32,
    /// Whether pods hold more than it has.
    pub conflict: bool,
    /// Its GPUs by index.
    pub gpus: Vec<GpuReport>,
    /// Partitions that were cut beforehand and are only counted, beside `gpus` and in no sum.
    pub partitions: Vec<PartitionReport>,
}

/// A GPU.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuReport {
    /// Its index.
    pub index: usize,
    /// Its UUID, or null.
    pub uuid: Option<String>,
    /// Its board.
    pub model: String,
    /// Its memory; 0 if that is not known.
    pub memory_mib: u32,
    /// `idle`, `part`, `full`, `unknown` (held, as far as can be told), `failed` or `cut` (into partitions).
    pub state: &'static str,
    /// Compute that is left.
    pub free_compute_milli: u32,
    /// Memory that is left.
    pub free_memory_mib: u32,
    /// The scarcer of both.
    pub free_milli: u64,
    /// Who holds part of it, NAMESPACE/NAME.
    pub pods: Vec<String>,
    /// Its slices, where MIG instances are made on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mig: Option<BoardReport>,
    /// Its replicas, where it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<ReplicasReport>,
}

/// A board that is cut on demand.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BoardReport {
    /// A character a memory slice: `.` free, `x` held.
    pub slots: String,
    /// What lies there, by start.
    pub instances: Vec<InstanceReport>,
}

/// A MIG instance.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceReport {
    /// Who holds it, NAMESPACE/NAME.
    pub pod: String,
    /// For example `1g.10gb`.
    pub profile: String,
    /// Its first memory slice.
    pub start: u8,
}

/// Replicas of a GPU.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicasReport {
    /// How many there are.
    pub count: u8,
    /// How many are held.
    pub held: u8,
    /// `time-slicing`, which does not isolate memory, or `MPS`.
    pub sharing: &'static str,
}

/// Partitions of one kind on a node.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionReport {
    /// For example `1g.10gb` or `cpx_nps4`.
    pub kind: String,
    /// How many there are.
    pub count: u32,
    /// How many are left.
    pub left: u32,
}

impl NodeReport {
    /// Whether it has GPUs, or partitions of some.
    #[must_use]
    pub fn has_gpus(&self) -> bool {
        !self.gpus.is_empty() || !self.partitions.is_empty()
    }
}

/// Where all that is free went; thousandths of a device. `freeMilli` is the sum of all others.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StrandedReport {
    /// All that is free.
    pub free_milli: u64,
    /// What common shapes could take.
    pub usable_milli: u64,
    /// What they could not, by cause.
    pub causes: Vec<CauseReport>,
}

/// Something that strands free GPUs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseReport {
    /// Its name.
    pub cause: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// So much; thousandths of a device.
    pub milli: u64,
}

/// Pods that are alike to every decision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShapeReport {
    /// What each asks for, in words.
    pub asks: String,
    /// How many are on nodes.
    pub bound: u32,
    /// How many look for one.
    pub pending: u32,
    /// One of them, NAMESPACE/NAME.
    pub example: String,
    /// How many more fit, of this shape alone; at most 10000.
    pub more: u32,
    /// Whether counting stopped there.
    pub more_capped: bool,
    /// Nodes that could take one if they were empty.
    pub nodes: u32,
    /// Why nodes do not take one now, the most frequent reason first.
    pub refusals: Vec<ReasonReport>,
}

/// A reason and how many nodes have it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasonReport {
    /// In the words of the pod's event.
    pub reason: String,
    /// So many nodes.
    pub nodes: u32,
}

/// A pod that looks for a node.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingReport {
    /// NAMESPACE/NAME.
    pub pod: String,
    /// What it asks for, in words; empty if that makes no sense.
    pub asks: String,
    /// Nodes that could take it now.
    pub nodes: u32,
    /// The best of them, or null.
    pub best: Option<String>,
    /// Why nodes do not take it, the most frequent reason first; or one reason for all.
    pub refusals: Vec<ReasonReport>,
    /// All of that in one sentence.
    pub verdict: String,
}

/// Something that pods demand and nobody judges here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnmodelledReport {
    /// What.
    pub demand: &'static str,
    /// How many pods do.
    pub pods: u32,
}
