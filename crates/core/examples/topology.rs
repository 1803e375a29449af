//! How long a choice of devices by their links takes: medians over all free sets of a board, in
//! nanoseconds. `cargo run --release -p stowage-core --example topology`
//!
//! Not a benchmark to be watched: it tells whether tables, search and prediction are of the order
//! that a decision can afford.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::hint::black_box;
use std::time::Instant;

use stowage_core::gpu::DeviceSet;
use stowage_core::topology::{
    Bandwidth, Board, Hop, Layout, Link, PciePath, Sets, Speeds, best, predicted,
};

/// Calls measured together, because the clock is coarse.
const BATCH: u32 = 8;

fn main() {
    let boards = [
        ("8 V100, cube mesh", Board::Dgx1V100.layout()),
        ("8 PCIe, two sockets", Board::TwoSocketPcie.layout()),
        ("8 H100, NVSwitch", Board::HgxH100.layout()),
        ("16 PCIe, two sockets", sixteen(false)),
        ("16 bridged, two sockets", sixteen(true)),
    ];
    for (name, layout) in boards {
        let start = Instant::now();
        let mut sets = Sets::new(layout.clone());
        black_box(sets.best(layout.devices(), 2, None));
        println!("{name}: first answer {} us", start.elapsed().as_micros());
        let step = if layout.gpus() > 8 { 97 } else { 1 };
        let frees: Vec<_> = (1_u32..1 << layout.gpus()).step_by(step).collect();
        for n in [1, 2, 4, 8] {
            let frees = frees.iter().map(|&bits| from_bits(bits));
            let frees: Vec<_> = frees.filter(|free| free.len() >= n).collect();
            let first = median(&frees, 1, |free| sets.best(free, n, None));
            let again = median(&frees, BATCH, |free| sets.best(free, n, None));
            let search = median(&frees, 1, |free| best(&layout, free, n, None));
            let plugin = median(&frees[..frees.len().min(100)], 1, |free| {
                predicted(&layout, free, n)
            });
            println!(
                "  {n} devices: tables {first}, known {again}, search {search}, plugin {plugin} ns"
            );
        }
    }
}

/// The median and the most that one call takes.
fn median<T>(frees: &[DeviceSet], times: u32, mut ask: impl FnMut(DeviceSet) -> T) -> String {
    let mut took: Vec<_> = Vec::new();
    for &free in frees {
        let start = Instant::now();
        for _ in 0..times {
            black_box(ask(black_box(free)));
        }
        took.push(start.elapsed().as_nanos() / u128::from(times));
    }
    took.sort_unstable();
    let most = took.last().copied().unwrap_or_default();
    format!("{} (most {most})", took[took.len() / 2])
}

fn from_bits(bits: u32) -> DeviceSet {
    (0..32).filter(|&device| bits >> device & 1 == 1).collect()
}

/// Two sockets of eight GPUs, two behind each switch, with a bridge or without.
fn sixteen(bridged: bool) -> Layout {
    let pairs = (0..16_usize).flat_map(|b| (0..b).map(move |a| (a, b)));
    let links = pairs.flat_map(|(a, b)| {
        let path = match (a / 8 == b / 8, a / 2 == b / 2) {
            (true, true) => PciePath::Single,
            (true, false) => PciePath::Node,
            _ => PciePath::System,
        };
        let bridge = (bridged && a / 2 == b / 2).then_some((a, b, Hop::NvLink(12)));
        [Some((a, b, Hop::Pcie(path))), bridge]
    });
    let links: Vec<Link> = links.flatten().collect();
    let speeds = Speeds {
        slot: Bandwidth::PCIE4,
        link: Bandwidth::NVLINK3,
    };
    Layout::from_links(16, speeds, &links).expect("the links are good")
}
