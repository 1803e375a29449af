//! One GPU: what it is ([`Gpu`]), what is left of it ([`DeviceFree`]), and sets of the GPUs of
//! one node ([`DeviceSet`]).
//!
//! A device has two capacities, compute and memory, and a share takes from both. Nothing here
//! decides; see `plan.rs`.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU8;
use std::sync::Arc;

use crate::mig::Geometry;
use crate::request::ContainerRequest;
use crate::units::{Mebibytes, Milli};

/// Most devices that one node may have. The largest nodes on the market carry 16 GPUs, or 8 that
/// are cut into 8 partitions each under the name of whole ones; a node that advertises more than this
/// is refused when it is read.
pub const MAX_DEVICES: usize = 64;

/// A GPU model's name as the cluster spells it, for example `A100-80GB` or `V100M16`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Model(Arc<str>);

impl Model {
    /// A model by its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who makes a device, which is also whose device plugin counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// `nvidia.com/gpu`.
    Nvidia,
    /// `amd.com/gpu`.
    Amd,
    /// `gpu.intel.com/xe` and `gpu.intel.com/i915`.
    Intel,
    /// `microsoft.com/directx`, on Windows nodes.
    DirectX,
}

/// A device as the node advertises it. Its compute is always 1000 milli.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gpu {
    /// Whose device it is.
    pub vendor: Vendor,
    /// Which model it is.
    pub model: Model,
    /// Its memory.
    pub memory: Mebibytes,
    /// How it is given out.
    pub mode: GpuMode,
}

/// How a device is given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum GpuMode {
    /// As a whole, or in shares where the node hands them over.
    #[default]
    Plain,
    /// In so many replicas, each under the name of a whole device: by turns ([`Sharing::Time`]),
    /// or each with its part of compute and memory ([`Sharing::Mps`]).
    Replicas(NonZeroU8, Sharing),
    /// In MIG instances that are made on demand; never as a whole.
    Mig(Cut),
    /// Cut beforehand into partitions that the node counts: nothing of the device itself is given out.
    Parted,
}

/// How replicas of a device share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sharing {
    /// Time-slicing: they take turns, and nothing keeps one from all of the memory.
    Time,
    /// NVIDIA's Multi-Process Service: each is limited to its part.
    Mps,
}

/// The geometry by which a board is cut. Ordered by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut(pub &'static Geometry);

impl PartialOrd for Cut {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cut {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.board().cmp(other.0.board())
    }
}

impl GpuMode {
    /// Whether it is given out in replicas.
    #[must_use]
    pub fn is_replicated(self) -> bool {
        matches!(self, Self::Replicas(..))
    }

    /// The geometry of a device that is cut on demand.
    #[must_use]
    pub fn geometry(self) -> Option<&'static Geometry> {
        match self {
            Self::Mig(Cut(geometry)) => Some(geometry),
            Self::Plain | Self::Replicas(..) | Self::Parted => None,
        }
    }
}

/// What is left of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceFree {
    /// Compute nobody holds, 0 to 1000.
    pub compute: Milli,
    /// Memory nobody holds.
    pub memory: Mebibytes,
}

impl DeviceFree {
    /// A device that nobody uses.
    #[must_use]
    pub fn idle(gpu: &Gpu) -> Self {
        if gpu.mode == GpuMode::Parted {
            return Self {
                compute: Milli(0),
                memory: Mebibytes(0),
            };
        }
        Self {
            compute: Milli::WHOLE,
            memory: gpu.memory,
        }
    }

    /// Whether so much is left of `gpu` as one unit of `container` takes. Says nothing about MIG slots.
    #[must_use]
    #[inline]
    pub fn takes(self, container: &ContainerRequest, gpu: &Gpu) -> bool {
        let Some((compute, memory)) = container.takes(gpu) else {
            return false;
        };
        match (container, gpu.mode) {
            (ContainerRequest::Whole { .. }, GpuMode::Plain) => self.is_idle(gpu),
            // What rounding leaves over is not another replica.
            (ContainerRequest::Whole { .. }, GpuMode::Replicas(count, _)) => {
                let others = compute.0 * (u32::from(count.get()) - 1);
                self.compute.0 + others >= Milli::WHOLE.0 && self.memory >= memory
            }
            _ => self.compute >= compute && self.memory >= memory,
        }
    }

    /// How many units of `container` are left of `gpu`, if one pod may have several: replicas.
    #[must_use]
    pub fn units(mut self, container: &ContainerRequest, gpu: &Gpu) -> usize {
        if !gpu.mode.is_replicated() {
            return usize::from(self.takes(container, gpu));
        }
        let mut units = 0;
        while let Some((compute, memory)) = container.takes(gpu)
            && self.takes(container, gpu)
        {
            self.compute.0 = self.compute.0.saturating_sub(compute.0);
            self.memory.0 = self.memory.0.saturating_sub(memory.0);
            units += 1;
        }
        units
    }

    /// Whether nobody holds any part of `gpu`.
    #[must_use]
    pub fn is_idle(self, gpu: &Gpu) -> bool {
        // One that is cut into partitions has nothing left from the start.
        self.compute == Milli::WHOLE && self.memory == gpu.memory
    }
}

/// A set of devices of one node, by index.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceSet(u64);

impl DeviceSet {
    /// No device.
    pub const EMPTY: Self = Self(0);

    /// This set and `device`. `device` is below [`MAX_DEVICES`].
    #[must_use]
    pub fn with(self, device: usize) -> Self {
        debug_assert!(device < MAX_DEVICES);
        Self(self.0 | 1 << device)
    }

    /// Everything in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Everything in this set that is not in `other`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Everything in both sets.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `device` is in the set.
    #[must_use]
    pub fn contains(self, device: usize) -> bool {
        device < MAX_DEVICES && self.0 >> device & 1 == 1
    }

    /// How many devices.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The indices, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let device = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                device
            })
        })
    }
}

impl FromIterator<usize> for DeviceSet {
    fn from_iter<I: IntoIterator<Item = usize>>(devices: I) -> Self {
        devices.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for DeviceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
