//! What a pod wants of the links between its GPUs, as a must or as a should.
//!
//! The three wishes are no ladder: `numa` is about host memory, so that two GPUs with an NVLink
//! across sockets do not have it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Closeness, Layout, Pair, PciePath};
use crate::gpu::DeviceSet;

/// What every two GPUs of a set shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// Joined by NVLink or xGMI, directly or through switches of such links.
    NvLink,
    /// Traffic between them stays off the CPUs: as `nvlink`, or over PCIe switches alone.
    Pcie,
    /// At one NUMA node, whatever else joins them.
    Numa,
}

/// What is wanted, and whether nothing else will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wish {
    /// What is wanted.
    pub wanted: Wanted,
    /// Whether a set without it is refused. Else it is only worse than any set with it.
    pub must: bool,
}

/// A word that is no wish.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?}: expected nvlink, pcie or numa, with ? where it is only preferred")]
pub struct WishError(String);

impl Wanted {
    /// Whether `pair` has it.
    #[must_use]
    pub fn is_had_by(self, pair: Pair) -> bool {
        match self {
            Self::NvLink => pair.closeness() == Closeness::NvLink,
            Self::Pcie => pair.closeness() <= Closeness::PcieSwitch,
            Self::Numa => pair.path <= PciePath::Node,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::NvLink => "nvlink",
            Self::Pcie => "pcie",
            Self::Numa => "numa",
        }
    }
}

impl Wish {
    /// Whether some pairs of `layout` have what is wanted and others do not: whether the wish
    /// tells devices apart that [`Layout::is_uniform`] takes for interchangeable.
    #[must_use]
    pub fn splits(self, layout: &Layout) -> bool {
        let mut pairs = layout.within(layout.devices());
        let had = |pair| self.wanted.is_had_by(pair);
        let first = pairs.next().map(had);
        pairs.any(|pair| Some(had(pair)) != first)
    }
}

/// Whether every two GPUs of `set` have what is `wanted`; one alone and none at all do. A device
/// that the layout does not know has nothing.
#[must_use]
pub fn satisfies(layout: &Layout, set: DeviceSet, wanted: Wanted) -> bool {
    let unknown = set.minus(layout.devices());
    let known = unknown.is_empty() || set.len() < 2;
    known && layout.within(set).all(|pair| wanted.is_had_by(pair))
}

impl FromStr for Wish {
    type Err = WishError;

    fn from_str(word: &str) -> Result<Self, WishError> {
        let (name, must) = match word.strip_suffix('?') {
            Some(name) => (name, false),
            None => (word, true),
        };
        let mut all = [Wanted::NvLink, Wanted::Pcie, Wanted::Numa].into_iter();
        let wanted = all.find(|wanted| wanted.word() == name);
        let wanted = wanted.ok_or_else(|| WishError(word.into()))?;
        Ok(Self { wanted, must })
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.must { "" } else { "?" };
        write!(f, "{}{mark}", self.wanted.word())
    }
}
