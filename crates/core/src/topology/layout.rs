//! The compact result: a [`Pair`] for every two GPUs of a node.
//!
//! A layout is small, shared and comparable, so that all nodes of one machine type share one. It
//! comes from a [`Graph`](super::Graph), from a list of links, from the matrix that
//! `nvidia-smi topo -m` prints, or from `boards.rs`.

use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::kept::Kept;
use super::levels::{Level, levels};
use super::{Bandwidth, MOST_GPUS, Speeds, TopologyError};
use crate::gpu::DeviceSet;

/// How PCIe joins two GPUs, from close to far. Source: `nvmlGpuTopologyLevel_t` of NVML, which
/// `nvidia-smi topo -m` abbreviates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PciePath {
    /// Two GPUs on one board.
    Internal,
    /// At most one PCIe switch: `PIX`.
    Single,
    /// Several PCIe switches, no host bridge: `PXB`.
    Multiple,
    /// A PCIe host bridge: `PHB`.
    HostBridge,
    /// Host bridges of one NUMA node: `NODE`.
    Node,
    /// The interconnect between NUMA nodes: `SYS`.
    System,
}

/// How close two GPUs are, from close to far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Closeness {
    /// Joined by NVLink or xGMI, directly or through switches of such links.
    NvLink,
    /// Behind PCIe switches that share no CPU on the way.
    PcieSwitch,
    /// At one NUMA node.
    SameNuma,
    /// At different sockets, or not known.
    System,
}

/// What two GPUs have between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The bottleneck of the widest path, zero where nothing is known.
    pub bandwidth: Bandwidth,
    /// The PCIe side of it, whatever else joins the two.
    pub path: PciePath,
    /// Bonded links from GPU to GPU, none where a switch is between them.
    pub links: u8,
    /// Whether a fabric of NVSwitches joins the two.
    pub switched: bool,
}

impl Pair {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        bandwidth: Bandwidth(0),
        path: PciePath::System,
        links: 0,
        switched: false,
    };

    /// How close the two are.
    #[must_use]
    pub fn closeness(self) -> Closeness {
        match self.path {
            _ if self.links > 0 || self.switched => Closeness::NvLink,
            PciePath::Internal | PciePath::Single | PciePath::Multiple => Closeness::PcieSwitch,
            PciePath::HostBridge | PciePath::Node => Closeness::SameNuma,
            PciePath::System => Closeness::System,
        }
    }
}

/// One entry of a list of links, or one cell of `nvidia-smi topo -m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hop {
    /// `PIX`, `PXB`, `PHB`, `NODE` or `SYS`.
    Pcie(PciePath),
    /// So many bonded NVLinks from GPU to GPU: `NV1` to `NV18`.
    NvLink(u8),
    /// So many bonded NVLinks into NVSwitches; `topo -m` writes `NV18` here too.
    NvSwitch(u8),
}

/// A word that `nvidia-smi topo -m` does not write between two GPUs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("link {0:?}: expected NV1 to NV{most}, PIX, PXB, PHB, NODE or SYS", most = Hop::MOST_LINKS)]
pub struct HopError(String);

impl Hop {
    /// Most NVLinks that one GPU has (H100 and later).
    pub const MOST_LINKS: u8 = 18;
}

impl FromStr for Hop {
    type Err = HopError;

    fn from_str(word: &str) -> Result<Self, HopError> {
        Ok(Self::Pcie(match word {
            "PIX" => PciePath::Single,
            "PXB" => PciePath::Multiple,
            "PHB" => PciePath::HostBridge,
            "NODE" => PciePath::Node,
            "SYS" => PciePath::System,
            _ => {
                let digits = word.strip_prefix("NV").filter(|n| !n.starts_with('+'));
                let count = digits.and_then(|digits| digits.parse().ok());
                let count = count.filter(|n| (1..=Self::MOST_LINKS).contains(n));
                return Ok(Self::NvLink(count.ok_or_else(|| HopError(word.into()))?));
            }
        }))
    }
}

/// Two GPUs and what joins them. A pair may have a link and a PCIe path, each once.
pub type Link = (usize, usize, Hop);

/// How the GPUs of one node are joined. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layout {
    gpus: usize,
    known: Arc<Known>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Known {
    /// The pairs (0,1), (0,2), (1,2), (0,3) and so on: by the larger index, then the smaller.
    pairs: Box<[Pair]>,
    /// What follows from them.
    levels: Box<[Level]>,
    /// What was asked about them before.
    kept: Kept,
}

/// Where the pair of `low` and the larger `high` stands.
fn place(low: usize, high: usize) -> usize {
    high * high.saturating_sub(1) / 2 + low
}

fn found(gpus: usize, pairs: &[Pair], a: usize, b: usize) -> Option<Pair> {
    let (low, high) = (a.min(b), a.max(b));
    (low != high && high < gpus).then(|| pairs[place(low, high)])
}

impl Layout {
    /// `gpus` GPUs about whose links nothing is known: nothing is promised.
    ///
    /// # Errors
    /// When there are too many.
    pub fn unknown(gpus: usize) -> Result<Self, TopologyError> {
        Self::uniform(gpus, Pair::UNKNOWN)
    }

    /// `gpus` GPUs, every two of which are joined by `pair`.
    ///
    /// # Errors
    /// When there are too many, or when the bandwidth is incredible.
    pub fn uniform(gpus: usize, pair: Pair) -> Result<Self, TopologyError> {
        if pair != Pair::UNKNOWN && !pair.bandwidth.is_credible() {
            return Err(TopologyError::Bandwidth(pair.bandwidth));
        }
        Self::from_pairs(gpus, |_, _| pair)
    }

    /// From a list of `links` as an inventory has them. A pair without a PCIe path is `SYS`.
    ///
    /// # Errors
    /// When a GPU is not there, linked to itself or linked twice in one way, see [`TopologyError`].
    pub fn from_links(gpus: usize, speeds: Speeds, links: &[Link]) -> Result<Self, TopologyError> {
        for speed in [speeds.slot, speeds.link] {
            if !speed.is_credible() {
                return Err(TopologyError::Bandwidth(speed));
            }
        }
        let far = Pair {
            bandwidth: speeds.slot.over(PciePath::System),
            ..Pair::UNKNOWN
        };
        if gpus > MOST_GPUS {
            return Err(TopologyError::Gpus(gpus));
        }
        let mut pairs = vec![far; place(0, gpus)];
        let mut seen = vec![[false; 2]; pairs.len()];
        for &(a, b, hop) in links {
            if let Some(vertex) = [a, b].into_iter().find(|&gpu| gpu >= gpus) {
                return Err(TopologyError::Unknown {
                    vertex,
                    count: gpus,
                });
            }
            if a == b {
                return Err(TopologyError::Itself(a));
            }
            let at = place(a.min(b), a.max(b));
            let way = usize::from(matches!(hop, Hop::Pcie(_)));
            if std::mem::replace(&mut seen[at][way], true) {
                return Err(TopologyError::Twice(a, b));
            }
            apply(hop, speeds, &mut pairs[at])?;
        }
        Ok(Self::of(gpus, pairs.into()))
    }

    /// From the rows of `nvidia-smi topo -m`, GPUs only; the diagonal is `None`. It does not show
    /// the PCIe path beneath an NVLink, which is taken for `SYS`, nor whether switches are between:
    /// a GPU with more links in its row than any GPU has is behind switches.
    ///
    /// # Errors
    /// When the matrix is not square, not symmetric or has a cell that cannot be.
    pub fn from_matrix(speeds: Speeds, rows: &[Vec<Option<Hop>>]) -> Result<Self, TopologyError> {
        let mut links = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            if row.len() != rows.len() {
                return Err(TopologyError::Square {
                    row: i,
                    rows: rows.len(),
                    cells: row.len(),
                });
            }
            let switched = linked(row) > u32::from(Hop::MOST_LINKS);
            for (j, &cell) in row.iter().enumerate().take(i + 1) {
                match cell {
                    None if i == j => {}
                    Some(hop) if i != j && rows[j].get(i) == Some(&Some(hop)) => {
                        links.push((i, j, through(hop, switched)));
                    }
                    Some(_) if i != j => return Err(TopologyError::Asymmetric(j, i)),
                    _ => return Err(TopologyError::Cell(i, j)),
                }
            }
        }
        Self::from_links(rows.len(), speeds, &links)
    }

    /// A layout of what `pair` says of every two indices, the smaller one first.
    pub(super) fn from_pairs(
        gpus: usize,
        mut pair: impl FnMut(usize, usize) -> Pair,
    ) -> Result<Self, TopologyError> {
        if gpus > MOST_GPUS {
            return Err(TopologyError::Gpus(gpus));
        }
        let pairs = (0..gpus).flat_map(|high| (0..high).map(move |low| (low, high)));
        let pairs = pairs.map(|(low, high)| pair(low, high)).collect();
        Ok(Self::of(gpus, pairs))
    }

    fn of(gpus: usize, pairs: Box<[Pair]>) -> Self {
        let levels = levels(gpus, |a, b| found(gpus, &pairs, a, b));
        Self {
            gpus,
            known: Arc::new(Known {
                pairs,
                levels,
                kept: Kept::default(),
            }),
        }
    }

    /// How many GPUs.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.gpus
    }

    /// All of its GPUs.
    #[must_use]
    pub fn devices(&self) -> DeviceSet {
        (0..self.gpus).collect()
    }

    /// What joins `a` and `b`, or none where they are one device or not there.
    #[must_use]
    pub fn pair(&self, a: usize, b: usize) -> Option<Pair> {
        found(self.gpus, &self.known.pairs, a, b)
    }

    /// How the worst joined pair of `set` is joined; none if it has no pair, or one is not known.
    #[must_use]
    pub fn worst(&self, set: DeviceSet) -> Option<Closeness> {
        let known = set.minus(self.devices()).is_empty();
        let pairs = self.within(set).map(Pair::closeness);
        pairs.max().filter(|_| known)
    }

    /// The pairs within `set`.
    pub(super) fn within(&self, set: DeviceSet) -> impl Iterator<Item = Pair> {
        set.iter().flat_map(move |high| {
            let lower = set.iter().take_while(move |&low| low < high);
            lower.filter_map(move |low| self.pair(low, high))
        })
    }

    /// All bandwidths that occur, from wide to narrow, and who is joined at each.
    pub(super) fn levels(&self) -> &[Level] {
        &self.known.levels
    }

    /// What was asked about it before, if it has a few GPUs.
    pub(super) fn kept(&self) -> &Kept {
        &self.known.kept
    }

    /// Whether every two GPUs have the same bandwidth. Then all sets of one size are equally good
    /// and devices may be treated as interchangeable, unless a must tells them apart, see
    /// [`Wish::splits`](super::Wish::splits).
    #[must_use]
    pub fn is_uniform(&self) -> bool {
        self.known.levels.len() < 2
    }
}

fn apply(hop: Hop, speeds: Speeds, pair: &mut Pair) -> Result<(), TopologyError> {
    let bandwidth = match hop {
        Hop::Pcie(path) => {
            pair.path = path;
            speeds.slot.over(path)
        }
        Hop::NvLink(count) | Hop::NvSwitch(count) => {
            if !(1..=Hop::MOST_LINKS).contains(&count) {
                return Err(TopologyError::Bonded(count));
            }
            pair.switched = matches!(hop, Hop::NvSwitch(_));
            pair.links = if pair.switched { 0 } else { count };
            speeds.link.bonded(count)
        }
    };
    pair.bandwidth = pair.bandwidth.max(bandwidth);
    Ok(())
}

fn linked(row: &[Option<Hop>]) -> u32 {
    let links = row.iter().map(|cell| match cell {
        Some(Hop::NvLink(count)) => u32::from(*count),
        _ => 0,
    });
    links.sum()
}

fn through(hop: Hop, switched: bool) -> Hop {
    match hop {
        Hop::NvLink(count) if switched => Hop::NvSwitch(count),
        _ => hop,
    }
}
