//! The graph that a layout is derived from: GPUs and what is between them.
//!
//! Vertices are GPUs, switches, host bridges, NUMA nodes and NICs; edges are links with a bandwidth.
//! Bonded links are one edge, and the NVSwitches of a board are one vertex: traffic is spread over
//! all of them. GPUs and NICs are ends and never on the way: NVLink does not forward through a GPU,
//! which is why two GPUs of a cube mesh without a link of their own talk over PCIe.
//!
//! The only place that knows petgraph.

use std::ops::Add;

use petgraph::algo::{dijkstra, has_path_connecting};
use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::visit::NodeFiltered;

use super::{Bandwidth, Layout, MOST_GPUS, Pair, PciePath, TopologyError};

/// Most vertices that are no GPU: a switch, a bridge and a NIC for each of 32 GPUs, and some.
pub const MAX_OTHERS: usize = 128;

/// What a vertex is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A GPU.
    Gpu,
    /// The NVSwitches of a board, or whatever joins accelerators as they do.
    NvSwitch,
    /// A PCIe switch.
    PcieSwitch,
    /// A PCIe host bridge (root complex) of a CPU.
    HostBridge,
    /// A NUMA node: a socket, or a part of one.
    Numa,
    /// A network card.
    Nic,
}

/// A vertex of one graph, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vertex(pub usize);

/// GPUs and what is between them.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    graph: UnGraph<Kind, Edge>,
    /// The GPUs in order of index.
    gpus: Vec<NodeIndex>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    bandwidth: Bandwidth,
    /// Bonded NVLinks, between two GPUs; else 0.
    links: u8,
}

/// How narrow a path is: what is missing to infinite bandwidth. Dijkstra adds up lengths; added
/// here is "whichever is narrower", so that its shortest path is the widest.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
struct Narrowness(u32);

impl Narrowness {
    fn of(bandwidth: Bandwidth) -> Self {
        Self(u32::MAX - bandwidth.0)
    }

    fn bandwidth(self) -> Bandwidth {
        Bandwidth(u32::MAX - self.0)
    }
}

impl Add for Narrowness {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

impl Graph {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a vertex. GPUs get their device index in the order in which they are added.
    ///
    /// # Errors
    /// When there are too many of its kind.
    pub fn add(&mut self, kind: Kind) -> Result<Vertex, TopologyError> {
        let others = self.graph.node_count() - self.gpus.len();
        match kind {
            Kind::Gpu if self.gpus.len() == MOST_GPUS => {
                return Err(TopologyError::Gpus(MOST_GPUS + 1));
            }
            Kind::Gpu => {}
            _ if others == MAX_OTHERS => return Err(TopologyError::Others(MAX_OTHERS + 1)),
            _ => {}
        }
        let index = self.graph.add_node(kind);
        if kind == Kind::Gpu {
            self.gpus.push(index);
        }
        Ok(Vertex(index.index()))
    }

    /// Joins `a` and `b` by one link, or by bonded ones of `speed` together. Between two GPUs that
    /// is an NVLink or its like, else PCIe, the interconnect of sockets or a way into NVSwitches.
    ///
    /// # Errors
    /// When an end is not there, both are one, they are joined already or the bandwidth cannot be.
    pub fn join(&mut self, a: Vertex, b: Vertex, speed: Bandwidth) -> Result<(), TopologyError> {
        let bandwidth = speed;
        self.edge(
            a,
            b,
            Edge {
                bandwidth,
                links: 1,
            },
        )
    }

    /// Joins the GPUs `a` and `b` by `count` bonded links of `speed` each.
    ///
    /// # Errors
    /// As [`Graph::join`], and when there is no link or more than a GPU has.
    pub fn bond(
        &mut self,
        a: Vertex,
        b: Vertex,
        speed: Bandwidth,
        count: u8,
    ) -> Result<(), TopologyError> {
        if !(1..=super::Hop::MOST_LINKS).contains(&count) {
            return Err(TopologyError::Bonded(count));
        }
        let bandwidth = speed.bonded(count);
        let links = count;
        self.edge(a, b, Edge { bandwidth, links })
    }

    fn edge(&mut self, a: Vertex, b: Vertex, edge: Edge) -> Result<(), TopologyError> {
        let count = self.graph.node_count();
        if let Some(end) = [a, b].into_iter().find(|end| end.0 >= count) {
            let vertex = end.0;
            return Err(TopologyError::Unknown { vertex, count });
        }
        if a == b {
            return Err(TopologyError::Itself(a.0));
        }
        if !edge.bandwidth.is_credible() {
            return Err(TopologyError::Bandwidth(edge.bandwidth));
        }
        let (from, to) = (NodeIndex::new(a.0), NodeIndex::new(b.0));
        if self.graph.contains_edge(from, to) {
            return Err(TopologyError::Twice(a.0, b.0));
        }
        self.graph.add_edge(from, to, edge);
        Ok(())
    }

    /// What joins each pair of GPUs.
    ///
    /// # Errors
    /// When nothing joins two of them.
    pub fn layout(&self) -> Result<Layout, TopologyError> {
        let mut apart = None;
        let layout = Layout::from_pairs(self.gpus.len(), |low, high| {
            let pair = self.pair(self.gpus[low], self.gpus[high]);
            if pair.is_none() {
                apart = apart.or(Some((low, high)));
            }
            pair.unwrap_or(Pair::UNKNOWN)
        })?;
        match apart {
            Some((low, high)) => Err(TopologyError::Apart(low, high)),
            None => Ok(layout),
        }
    }

    fn pair(&self, a: NodeIndex, b: NodeIndex) -> Option<Pair> {
        let between = |kind| !matches!(kind, Kind::Gpu | Kind::Nic);
        let direct = self.graph.find_edge(a, b);
        Some(Pair {
            bandwidth: self.widest(a, b, between)?,
            path: self.pcie(a, b),
            links: direct.map_or(0, |edge| self.graph[edge].links),
            switched: self.reaches(a, b, |kind| kind == Kind::NvSwitch) && direct.is_none(),
        })
    }

    /// The bandwidth of the widest path from `a` to `b` over vertices that `may` be on the way.
    fn widest(&self, a: NodeIndex, b: NodeIndex, may: impl Fn(Kind) -> bool) -> Option<Bandwidth> {
        let ends = |at: NodeIndex| at == a || at == b;
        let allowed = NodeFiltered(&self.graph, |at| ends(at) || may(self.graph[at]));
        let found = dijkstra(&allowed, a, Some(b), |edge| {
            Narrowness::of(edge.weight().bandwidth)
        });
        found.get(&b).map(|narrowness| narrowness.bandwidth())
    }

    /// Whether a path with something on the way leads from `a` to `b` over what `may` be there.
    fn reaches(&self, a: NodeIndex, b: NodeIndex, may: impl Fn(Kind) -> bool) -> bool {
        let middle = NodeFiltered(&self.graph, |at| may(self.graph[at]));
        let first = self.graph.neighbors(a).filter(|&at| may(self.graph[at]));
        let last = |from| {
            let mut last = self.graph.neighbors(b).filter(|&at| may(self.graph[at]));
            last.any(|to| has_path_connecting(&middle, from, to, None))
        };
        first.into_iter().any(last)
    }

    /// The closest PCIe path: what has to be crossed at least.
    fn pcie(&self, a: NodeIndex, b: NodeIndex) -> PciePath {
        let switch = |kind| kind == Kind::PcieSwitch;
        let bridge = |kind| switch(kind) || kind == Kind::HostBridge;
        let shared = |kind| {
            let mut near = self.graph.neighbors(a).filter(|&at| self.graph[at] == kind);
            near.any(|at| self.graph.contains_edge(at, b))
        };
        if shared(Kind::PcieSwitch) {
            PciePath::Single
        } else if self.reaches(a, b, switch) {
            PciePath::Multiple
        } else if self.reaches(a, b, bridge) {
            PciePath::HostBridge
        } else if self.numa(a).is_some() && self.numa(a) == self.numa(b) {
            PciePath::Node
        } else {
            PciePath::System
        }
    }

    /// The NUMA node that a GPU is at: the first one that it reaches over switches and bridges.
    fn numa(&self, gpu: NodeIndex) -> Option<NodeIndex> {
        let bridge = |kind| matches!(kind, Kind::PcieSwitch | Kind::HostBridge);
        let nodes = self.graph.node_indices();
        let mut nodes = nodes.filter(|&at| self.graph[at] == Kind::Numa);
        nodes.find(|&node| self.graph.contains_edge(gpu, node) || self.reaches(gpu, node, bridge))
    }
}
