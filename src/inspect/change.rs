//! A change of a pod or of its cluster, and the order in which changes are tried.

/// What would have to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of change it is.
    pub kind: Kind,
    /// What to do, in one sentence.
    pub sentence: String,
}

/// A kind of change, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Less GPU memory.
    GpuMemory,
    /// A smaller share of compute.
    GpuCompute,
    /// A smaller MIG profile.
    Profile,
    /// To prefer a topology in place of demanding it.
    Topology,
    /// Fewer GPUs.
    Gpus,
    /// Fewer cores.
    Cores,
    /// Less host memory.
    Memory,
    /// Any model.
    Models,
    /// To tolerate a taint.
    Toleration,
    /// To drop a label from the selector, or the affinity.
    Selector,
    /// That another pod ends.
    Pod,
}

impl Kind {
    /// Its name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GpuMemory => "gpu-memory",
            Self::GpuCompute => "gpu-compute",
            Self::Profile => "mig-profile",
            Self::Topology => "topology",
            Self::Gpus => "gpus",
            Self::Cores => "cores",
            Self::Memory => "memory",
            Self::Models => "models",
            Self::Toleration => "toleration",
            Self::Selector => "selector",
            Self::Pod => "pod",
        }
    }
}

/// The kind and the sentence of a change that is enough.
pub(super) type Found = Option<(Kind, String)>;
