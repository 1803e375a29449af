//! Parts of a device that have names of their own: MIG instances, AMD's partitions, replicas.
//!
//! A node either *counts* partitions, cut beforehand and handed over by the vendor's device plugin
//! ([`Node::partitions`](crate::node::Node::partitions)), or has boards whose MIG instances are made
//! on demand, and then a slot is chosen. What a partition is worth on a board is the board's business.

use std::fmt;

use crate::gpu::Vendor;
use crate::mig::MigProfile;
use crate::units::Milli;

/// The kind of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// A MIG instance.
    Mig(MigProfile),
    /// A replica of a MIG instance that several pods use by turns.
    MigReplica(MigProfile),
    /// A replica of a whole device, where replicas bear a name of their own.
    Replica(Vendor),
    /// A part of an AMD device.
    Amd(AmdMode, u8),
}

/// Into how many parts AMD cuts the compute of a device; the number beside it is that of its memory
/// domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AmdMode {
    /// One.
    Spx,
    /// Two.
    Dpx,
    /// Three.
    Tpx,
    /// Four.
    Qpx,
    /// Eight, or as many as there are dies.
    Cpx,
}

impl AmdMode {
    /// All of them, by the name that resources have.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Spx, "spx"),
        (Self::Dpx, "dpx"),
        (Self::Tpx, "tpx"),
        (Self::Qpx, "qpx"),
        (Self::Cpx, "cpx"),
    ];

    /// The mode and the memory domains that AMD's labels and resources spell `cpx_nps4`.
    #[must_use]
    pub fn with_memory(text: &str) -> Option<(Self, u8)> {
        let (compute, memory) = text.split_once('_')?;
        let (mode, _) = Self::ALL.iter().find(|(_, name)| *name == compute)?;
        let memory = match memory {
            "nps1" => 1,
            "nps2" => 2,
            "nps4" => 4,
            "nps8" => 8,
            _ => return None,
        };
        Some((*mode, memory))
    }
}

impl Partition {
    /// Nominal compute, thousandths of a device: a MIG profile's sevenths. A board of four or twelve
    /// slices gives more, and other kinds are not measured.
    #[must_use]
    pub fn nominal(self) -> Milli {
        match self {
            Self::Mig(profile) => Milli((u32::from(profile.compute()) * 1000 / 7).min(1000)),
            Self::MigReplica(_) | Self::Replica(_) | Self::Amd(..) => Milli(0),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mig(profile) => write!(f, "{profile}"),
            Self::MigReplica(profile) => write!(f, "{profile}.shared"),
            Self::Replica(_) => f.write_str("replica"),
            Self::Amd(mode, memory) => {
                let name = AmdMode::ALL.iter().find(|(known, _)| known == mode);
                write!(f, "{}_nps{memory}", name.map_or("", |(_, name)| name))
            }
        }
    }
}
