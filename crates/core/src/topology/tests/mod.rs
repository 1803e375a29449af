//! Boards drawn in the tests, and the tests.
//!
//! What is fast is judged by something naive: `naive` reads the objective aloud, `splits` the
//! device plugin's policy. `expected` is what an operator would say, written by hand.

mod naive;
mod expected;
mod equal;
mod links;
mod graphs;
mod splits;
mod wishes;

use super::{Bandwidth, Board, Hop, Layout, Link, PciePath, Speeds};
use crate::gpu::DeviceSet;

/// PCIe 4.0 and the bridges of an A100.
const BRIDGED: Speeds = Speeds {
    slot: Bandwidth::PCIE4,
    link: Bandwidth::NVLINK3,
};

fn set(devices: &[usize]) -> DeviceSet {
    devices.iter().copied().collect()
}

/// The set with these bits.
fn from_bits(bits: u32) -> DeviceSet {
    (0..32).filter(|&device| bits >> device & 1 == 1).collect()
}

/// A matrix in the words of `nvidia-smi topo -m`, a row a line, `X` on the diagonal.
fn matrix(speeds: Speeds, drawing: &str) -> Layout {
    let cell = |word: &str| (word != "X").then(|| word.parse::<Hop>().expect("it is a link"));
    let rows = drawing.trim().lines();
    let rows: Vec<Vec<_>> = rows
        .map(|row| row.split_whitespace().map(cell).collect())
        .collect();
    Layout::from_matrix(speeds, &rows).expect("the drawing is a matrix")
}

/// Four RTX 8000, the machine of go-gpuallocator's tests: bridges (0,3) and (1,2), which go across
/// the sockets (0,1) and (2,3).
fn rtx8000() -> Layout {
    let links: [Link; 4] = [
        (0, 3, Hop::NvLink(2)),
        (1, 2, Hop::NvLink(2)),
        (0, 1, Hop::Pcie(PciePath::Node)),
        (2, 3, Hop::Pcie(PciePath::Node)),
    ];
    let speeds = Speeds {
        slot: Bandwidth::PCIE3,
        link: Bandwidth::NVLINK2,
    };
    Layout::from_links(4, speeds, &links).expect("the links are good")
}

/// Eight bridged PCIe GPUs: pairs (0,1), (2,3) at one socket, (4,5), (6,7) at the other.
fn bridged_eight() -> Layout {
    matrix(
        BRIDGED,
        "X    NV12 NODE NODE SYS  SYS  SYS  SYS
         NV12 X    NODE NODE SYS  SYS  SYS  SYS
         NODE NODE X    NV12 SYS  SYS  SYS  SYS
         NODE NODE NV12 X    SYS  SYS  SYS  SYS
         SYS  SYS  SYS  SYS  X    NV12 NODE NODE
         SYS  SYS  SYS  SYS  NV12 X    NODE NODE
         SYS  SYS  SYS  SYS  NODE NODE X    NV12
         SYS  SYS  SYS  SYS  NODE NODE NV12 X",
    )
}

fn boards() -> Vec<(&'static str, Layout)> {
    vec![
        ("DGX-1", Board::Dgx1V100.layout()),
        ("NVSwitch", Board::HgxH100.layout()),
        ("bridged quad", Board::BridgedQuad.layout()),
        ("two-socket PCIe", Board::TwoSocketPcie.layout()),
        ("RTX 8000", rtx8000()),
        ("eight bridged", bridged_eight()),
    ]
}
