//! Identifiers and quantities, each with its unit in its name.
//!
//! Quantities are integers everywhere: a GPU share is a count of thousandths, memory a count
//! of mebibytes. Floating point appears only inside `strategy/`, where a published formula needs it.

use std::fmt;

/// Thousandths: of a CPU core, or of the compute of one GPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milli(pub u32);

impl Milli {
    /// The compute of one whole GPU.
    pub const WHOLE: Self = Self(1000);
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Mebibytes (2^20 bytes) of host memory or of GPU memory; up to 4 PiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mebibytes(pub u32);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A pod's UID. The API server gives every stored object a UUID, which is 128 bits; a trace
/// numbers its arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodUid(pub u128);

impl fmt::Display for PodUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// Position of a node in a [`Cluster`](crate::cluster::Cluster): nodes are kept in rank order, so
/// the smaller index wins a tie. Valid until a node is added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIx(pub u32);

impl NodeIx {
    /// The index into a slice of nodes.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A moment, in milliseconds since an origin of the caller's choice. The core has no clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// How good a node is for a pod; higher is better. Comparable only between nodes of one decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(pub i64);
