//! How fast links are: integers of MB/s (10^6 bytes a second), one direction.
//!
//! NVLink figures are nominal. PCIe figures below the slot's full speed are an order, not a
//! measurement: peer traffic through a CPU is slower than through a switch, how much depends on the
//! machine, and the objective only needs to know which is slower.

use std::fmt;

use super::PciePath;

/// Megabytes (10^6 bytes) a second in one direction. Zero stands for what is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bandwidth(pub u32);

impl Bandwidth {
    /// The most that one link may claim: eight times NVLink 5, and so little that the pairs of 32
    /// GPUs add up to less than 2^32.
    pub const MOST: Self = Self(8_000_000);
    /// NVLink 1, one link: 20 GB/s (P100).
    pub const NVLINK1: Self = Self(20_000);
    /// NVLink 2, one link: 25 GB/s (V100: 6 links, 300 GB/s both ways).
    pub const NVLINK2: Self = Self(25_000);
    /// NVLink 3, one link, as an A100 reports it in NVIDIA/k8s-test-infra.
    pub const NVLINK3: Self = Self(25_781);
    /// NVLink 4, one link, as an H100 reports it there.
    pub const NVLINK4: Self = Self(26_562);
    /// NVLink 5, one link, as a B200 reports it there.
    pub const NVLINK5: Self = Self(53_125);
    /// One xGMI link of an MI300X: 128 GB/s both ways (Azure's size page: 896 GB/s over 7 links).
    pub const XGMI_MI300X: Self = Self(64_000);
    /// PCIe 3.0 x16.
    pub const PCIE3: Self = Self(16_000);
    /// PCIe 4.0 x16.
    pub const PCIE4: Self = Self(32_000);
    /// PCIe 5.0 x16.
    pub const PCIE5: Self = Self(64_000);
    /// PCIe 6.0 x16.
    pub const PCIE6: Self = Self(128_000);

    /// `count` such links bonded, at most [`Bandwidth::MOST`].
    #[must_use]
    pub fn bonded(self, count: u8) -> Self {
        Self(self.0.saturating_mul(u32::from(count))).min(Self::MOST)
    }

    /// What is left of a slot of this speed over `path`: eighths of it, in the order of the legend
    /// of `nvidia-smi topo -m`. All on one board or behind one switch, then 7, 6, 5 and 4 eighths.
    #[must_use]
    pub fn over(self, path: PciePath) -> Self {
        let eighths = match path {
            PciePath::Internal | PciePath::Single => 8,
            PciePath::Multiple => 7,
            PciePath::HostBridge => 6,
            PciePath::Node => 5,
            PciePath::System => 4,
        };
        // Never zero for a slot that has a speed: zero means unknown.
        let left = u64::from(self.0) * eighths / 8;
        Self(u32::try_from(left).unwrap_or(u32::MAX).max(self.0.min(1)))
    }

    /// Whether a link may have it.
    pub(super) fn is_credible(self) -> bool {
        (1..=Self::MOST.0).contains(&self.0)
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The speeds on one board where links are only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Speeds {
    /// One PCIe slot.
    pub slot: Bandwidth,
    /// One NVLink or xGMI link.
    pub link: Bandwidth,
}
