//! Well-known boards, each drawn as a [`Graph`] and boiled down to its layout.
//!
//! Sources: the machines in the test data of NVIDIA/go-gpuallocator, the profiles of
//! NVIDIA/k8s-test-infra, Azure's size pages and public outputs of `nvidia-smi topo -m`. A machine
//! that reports its own links is better described by them: see [`Layout::from_links`].

use super::{Bandwidth, Graph, Kind, Layout, PciePath, TopologyError, Vertex};

/// A machine whose links are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Board {
    /// 8 V100 in a hybrid cube mesh of NVLink 2, as in a DGX-1 and in Azure's ND40rs_v2.
    Dgx1V100,
    /// 8 A100 behind NVSwitches, 12 links each.
    HgxA100,
    /// 8 H100 or H200 behind NVSwitches, 18 links each.
    HgxH100,
    /// 8 B200 or B300 behind NVSwitches, 18 links each.
    HgxB200,
    /// 4 A100 PCIe, (0,1) and (2,3) bridged by 12 links, a pair at each of two sockets.
    BridgedQuad,
    /// 8 PCIe 4.0 GPUs without any link: two behind each switch, two switches at each of two
    /// sockets, each switch at a host bridge of its own.
    TwoSocketPcie,
    /// 8 MI300X, one xGMI link for each pair.
    Mi300x,
}

/// NVLinks of the DGX-1 with V100: GPU, GPU, how many. Source: `NewDGX1VoltaNode` in the tests of
/// NVIDIA/go-gpuallocator. Each GPU has six.
const CUBE_MESH: [(usize, usize, u8); 16] = [
    (0, 1, 1),
    (0, 2, 1),
    (0, 3, 2),
    (0, 4, 2),
    (1, 2, 2),
    (1, 3, 1),
    (1, 5, 2),
    (2, 3, 2),
    (2, 6, 1),
    (3, 7, 1),
    (4, 5, 1),
    (4, 6, 1),
    (4, 7, 2),
    (5, 6, 2),
    (5, 7, 1),
    (6, 7, 2),
];

impl Board {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Dgx1V100,
        Self::HgxA100,
        Self::HgxH100,
        Self::HgxB200,
        Self::BridgedQuad,
        Self::TwoSocketPcie,
        Self::Mi300x,
    ];

    /// How its GPUs are joined.
    #[must_use]
    pub fn layout(self) -> Layout {
        let graph = self.graph().and_then(|graph| graph.layout());
        graph.expect("a known board is well formed, as the tests see")
    }

    fn graph(self) -> Result<Graph, TopologyError> {
        match self {
            Self::Dgx1V100 => {
                let mut frame = Frame::new(Bandwidth::PCIE3, [2, 2, 1, 2], false)?;
                for (a, b, count) in CUBE_MESH {
                    frame.bond(a, b, Bandwidth::NVLINK2, count)?;
                }
                Ok(frame.graph)
            }
            Self::HgxA100 => switched(Bandwidth::PCIE4, Bandwidth::NVLINK3.bonded(12)),
            Self::HgxH100 => switched(Bandwidth::PCIE5, Bandwidth::NVLINK4.bonded(18)),
            Self::HgxB200 => switched(Bandwidth::PCIE5, Bandwidth::NVLINK5.bonded(18)),
            Self::BridgedQuad => {
                let mut frame = Frame::new(Bandwidth::PCIE4, [1, 1, 2, 2], false)?;
                frame.bond(0, 1, Bandwidth::NVLINK3, 12)?;
                frame.bond(2, 3, Bandwidth::NVLINK3, 12)?;
                Ok(frame.graph)
            }
            Self::TwoSocketPcie => Ok(Frame::new(Bandwidth::PCIE4, [2, 1, 2, 2], false)?.graph),
            Self::Mi300x => {
                let mut frame = Frame::new(Bandwidth::PCIE5, [1, 1, 4, 2], false)?;
                for (a, b) in (0..8).flat_map(|b| (0..b).map(move |a| (a, b))) {
                    frame.bond(a, b, Bandwidth::XGMI_MI300X, 1)?;
                }
                Ok(frame.graph)
            }
        }
    }
}

/// Eight GPUs at two sockets behind NVSwitches that give each GPU `fabric`, a NIC beside each GPU.
fn switched(slot: Bandwidth, fabric: Bandwidth) -> Result<Graph, TopologyError> {
    let mut frame = Frame::new(slot, [1, 1, 4, 2], true)?;
    let switch = frame.graph.add(Kind::NvSwitch)?;
    for &gpu in &frame.gpus {
        frame.graph.join(gpu, switch, fabric)?;
    }
    Ok(frame.graph)
}

/// The PCIe side of a board, and its GPUs in order of index.
struct Frame {
    graph: Graph,
    gpus: Vec<Vertex>,
}

impl Frame {
    /// So many GPUs a switch, switches a host bridge, host bridges a NUMA node, and NUMA nodes.
    fn new(slot: Bandwidth, counts: [usize; 4], nics: bool) -> Result<Self, TopologyError> {
        let mut graph = Graph::new();
        let mut gpus = Vec::new();
        let [per_switch, switches, bridges, nodes] = counts;
        let mut sockets: Vec<Vertex> = Vec::new();
        for _ in 0..nodes {
            let socket = graph.add(Kind::Numa)?;
            for &other in &sockets {
                graph.join(other, socket, slot.over(PciePath::System))?;
            }
            sockets.push(socket);
            for _ in 0..bridges {
                let bridge = graph.add(Kind::HostBridge)?;
                graph.join(bridge, socket, slot.over(PciePath::Node))?;
                for _ in 0..switches {
                    let switch = graph.add(Kind::PcieSwitch)?;
                    graph.join(switch, bridge, slot.over(PciePath::HostBridge))?;
                    for _ in 0..per_switch {
                        let gpu = graph.add(Kind::Gpu)?;
                        graph.join(gpu, switch, slot)?;
                        gpus.push(gpu);
                    }
                    if nics {
                        let nic = graph.add(Kind::Nic)?;
                        graph.join(nic, switch, slot)?;
                    }
                }
            }
        }
        Ok(Self { graph, gpus })
    }

    fn bond(&mut self, a: usize, b: usize, speed: Bandwidth, n: u8) -> Result<(), TopologyError> {
        self.graph.bond(self.gpus[a], self.gpus[b], speed, n)
    }
}
