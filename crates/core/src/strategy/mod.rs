//! The strategies: one file each, which opens with what it does, its formula and its source.
//!
//! To write the next one: add a variant to [`Strategy`] (the compiler then lists every place that
//! must know it), a file with a `score` function over a `View`, and a line in `ALL`. If it looks
//! at something that [`Sight`] does not name, name it there: equal sights share a score.
//!
//! Floating point is allowed in this folder alone, through `libm` where std may differ between
//! platforms, and becomes an integer score before it leaves its file.

pub mod best_fit;
pub mod dot_product;
pub mod fgd;
pub mod gpu_clustering;
pub mod gpu_packing;
pub mod least_allocated;
pub mod most_allocated;
pub mod random;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::gpu::{DeviceFree, DeviceSet};
use crate::node::{Free, NodeState};
use crate::plan::Context;
use crate::request::PodRequest;
use crate::units::Score;

/// Cores that the published policies take as one full node, thousandths (openb's largest node).
pub(crate) const FULL_NODE_CORES: f64 = 128_000.0;
/// GPU compute that the published policies take as one full node, thousandths of a device.
pub(crate) const FULL_NODE_GPU: f64 = 8_000.0;

/// How to rank nodes and choose devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// A feasible node drawn uniformly.
    Random,
    /// kube-scheduler's default scoring.
    LeastAllocated,
    /// kube-scheduler's bin packing.
    MostAllocated,
    /// Dot product of what is left and what is asked (Tetris).
    DotProduct,
    /// Pods of one size beside pods of that size.
    GpuClustering,
    /// Started nodes before idle ones, started devices before idle ones.
    GpuPacking,
    /// The node with least left.
    BestFit,
    /// Fragmentation gradient descent.
    Fgd,
}

/// What a strategy wants to know about a node besides hardware, cores and devices. Nodes that look
/// equal through it share one computed score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Which kinds of pods are hosted.
    pub hosted: bool,
    /// The node's capacities, host memory and whatever else: then nothing is shared.
    pub everything: bool,
}

/// The order in which devices are tried for a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceRule {
    /// Least compute left first.
    Fullest,
    /// Most compute left first.
    Emptiest,
    /// Drawn by the decision's tie key.
    Drawn,
    /// Best score first.
    Scored,
}

/// One node before and after a placement: all that a score may look at.
pub(crate) struct View<'a> {
    pub(crate) state: &'a NodeState,
    pub(crate) standing: Standing,
    pub(crate) request: &'a PodRequest,
    pub(crate) context: &'a Context,
    pub(crate) after: &'a After,
    pub(crate) chosen: DeviceSet,
}

/// What would be left of a node.
pub(crate) struct After {
    pub(crate) cores: u32,
    pub(crate) devices: smallvec::SmallVec<[DeviceFree; 8]>,
}

/// What a strategy knows about a node before it looks at a pod, computed once per change of the
/// node.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    fragmentation: f64,
    /// How the expected pods see the node's model.
    row: usize,
}

impl Strategy {
    /// All of them, the simplest first.
    pub const ALL: [Self; 8] = [
        Self::Random,
        Self::LeastAllocated,
        Self::MostAllocated,
        Self::DotProduct,
        Self::GpuClustering,
        Self::GpuPacking,
        Self::BestFit,
        Self::Fgd,
    ];

    /// The name that users write.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::LeastAllocated => "least-allocated",
            Self::MostAllocated => "most-allocated",
            Self::DotProduct => "dot-product",
            Self::GpuClustering => "gpu-clustering",
            Self::GpuPacking => "gpu-packing",
            Self::BestFit => "best-fit",
            Self::Fgd => "fgd",
        }
    }

    /// One line for `--help` and reports.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Random => "a feasible node drawn uniformly",
            Self::LeastAllocated => "kube-scheduler's default: spread by cores and memory",
            Self::MostAllocated => "kube-scheduler's bin packing by cores, memory and GPUs",
            Self::DotProduct => "smallest product of what is left and what is asked (Tetris)",
            Self::GpuClustering => "pods of one GPU size together",
            Self::GpuPacking => "started nodes and devices before idle ones",
            Self::BestFit => "the node with least left",
            Self::Fgd => "least growth of fragmentation for the expected pods (ATC '23)",
        }
    }

    /// Whether equally good nodes are drawn by the seed, as a stock kube-scheduler does, instead of
    /// taken in rank order.
    #[must_use]
    pub fn draws_ties(self) -> bool {
        matches!(
            self,
            Self::Random | Self::LeastAllocated | Self::MostAllocated
        )
    }

    /// Whether MIG instances and counted partitions are scored by what future requests lose. The
    /// others judge them by cores, memory and compute, as everything else.
    #[must_use]
    pub fn looks_ahead(self) -> bool {
        match self {
            Self::Random | Self::LeastAllocated | Self::MostAllocated => false,
            Self::DotProduct
            | Self::GpuClustering
            | Self::GpuPacking
            | Self::BestFit
            | Self::Fgd => true,
        }
    }

    /// What it looks at.
    #[must_use]
    pub fn sight(self) -> Sight {
        Sight {
            hosted: self == Self::GpuClustering,
            everything: matches!(self, Self::LeastAllocated | Self::MostAllocated),
        }
    }

    pub(crate) fn device_rule(self) -> DeviceRule {
        match self {
            Self::Random => DeviceRule::Drawn,
            Self::LeastAllocated => DeviceRule::Emptiest,
            Self::Fgd => DeviceRule::Scored,
            Self::MostAllocated
            | Self::DotProduct
            | Self::GpuClustering
            | Self::GpuPacking
            | Self::BestFit => DeviceRule::Fullest,
        }
    }

    pub(crate) fn standing(self, state: &NodeState, context: &Context) -> Standing {
        match self {
            Self::Fgd => Standing {
                fragmentation: context.outlook().fragmentation(state),
                row: context.outlook().row(&state.node().gpus),
            },
            _ => Standing::default(),
        }
    }

    pub(crate) fn score(self, view: &View<'_>) -> Score {
        Score(match self {
            Self::Random => random::score(),
            Self::LeastAllocated => least_allocated::score(view),
            Self::MostAllocated => most_allocated::score(view),
            Self::DotProduct => dot_product::score(view),
            Self::GpuClustering => gpu_clustering::score(view),
            Self::GpuPacking => gpu_packing::score(view),
            Self::BestFit => best_fit::score(view),
            Self::Fgd => fgd::score(view),
        })
    }

    /// Brings the scores of all feasible nodes of one decision to the scale that the published
    /// policy reports. Keeps their order.
    pub(crate) fn normalise(self, scores: &mut [Score]) {
        if self == Self::BestFit {
            best_fit::normalise(scores);
        }
    }
}

impl View<'_> {
    fn before(&self) -> &Free {
        self.state.free()
    }

    /// GPU compute that would be left, thousandths of a device.
    fn gpu_after(&self) -> u64 {
        let devices = self.after.devices.iter();
        devices.map(|device| u64::from(device.compute.0)).sum()
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No strategy has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no strategy is called {0:?}")]
pub struct UnknownStrategy(pub String);

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
            .ok_or_else(|| UnknownStrategy(name.to_owned()))
    }
}
