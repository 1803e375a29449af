//! One GPU: what it is ([`Gpu`]), what is left of it ([`DeviceFree`]), and sets of the GPUs of
//! one node ([`DeviceSet`]).
//!
//! A device has two capacities, compute and memory, and a share takes from both. Nothing here
//! decides; see `plan.rs`.

use std::fmt;
use std::sync::Arc;

use crate::units::{Mebibytes, Milli};

/// Most GPUs that one node may have. The largest boards on the market carry 16; a node that
/// advertises more than this is refused when it is read.
pub const MAX_DEVICES: usize = 32;

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
        Self {
            compute: Milli::WHOLE,
            memory: gpu.memory,
        }
    }

    /// Whether nobody holds any part of `gpu`.
    #[must_use]
    pub fn is_idle(self, gpu: &Gpu) -> bool {
        self == Self::idle(gpu)
    }
}

/// A set of devices of one node, by index.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceSet(u32);

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
