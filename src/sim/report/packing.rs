//! The packing map of one moment of one run: who holds which GPU, and what is left in useless pieces.
//!
//! Small clusters are drawn node by node. Of large ones, nodes that look alike to a tenth of a GPU
//! are drawn once, with their number, and the map is shown on demand.

use std::collections::BTreeMap;

use stowage_core::request::Kind;
use stowage_core::unfit::Unfit;

use super::html::model::{Block, Fill, Map, MapNode, Pool};
use super::page::{number, whole};
use crate::sim::detail::{GpuEnd, NodeEnd};

/// Nodes with GPUs up to which each is drawn.
const MOST_NODES: usize = 200;
/// Kinds of nodes of one pool that are drawn, the most frequent first.
const MOST_ROWS: usize = 120;
/// Names of pod size classes, by number.
pub(super) const SIZES: [&str; 5] = [
    "part of a GPU",
    "1 GPU",
    "2 or 3 GPUs",
    "4 to 7 GPUs",
    "8 or more GPUs",
];

/// The class of a pod's size; none if it asks for no GPU.
pub(super) fn size(kind: Kind) -> Option<usize> {
    match kind {
        Kind::NoGpu => None,
        Kind::Part => Some(0),
        Kind::Whole(0 | 1) => Some(1),
        Kind::Whole(2 | 3) => Some(2),
        Kind::Whole(4..=7) => Some(3),
        Kind::Whole(_) => Some(4),
    }
}

/// The section: `intro`, which says of which moment the map is, then what is stranded, then the map.
pub(super) fn blocks(intro: &str, nodes: &[NodeEnd]) -> Vec<Block> {
    let nodes: Vec<_> = nodes.iter().filter(|node| !node.gpus.is_empty()).collect();
    let how =
        "A row is a node, a cell one of its GPUs, filled by the size of the pods that hold it.";
    let mut blocks = vec![
        Block::Text(format!("{intro} {how}")),
        Block::Text(causes(&nodes)),
    ];
    let folded = nodes.len() > MOST_NODES;
    let map = Map {
        caption: caption(folded),
        classes: classes(&nodes),
        pools: pools(&nodes, folded),
    };
    if folded {
        let rows: usize = map.pools.iter().map(|pool| pool.nodes.len()).sum();
        blocks.push(Block::Folded {
            summary: format!(
                "The map of {} nodes in {} rows",
                whole(nodes.len()),
                whole(rows)
            ),
            blocks: vec![Block::Map(map)],
        });
    } else {
        blocks.push(Block::Map(map));
    }
    blocks
}

fn caption(folded: bool) -> String {
    let stranded = "Hatched: free, but no pod of the list or trace could take it.";
    if folded {
        format!("{stranded} Nodes that look alike to a tenth of a GPU are drawn once.")
    } else {
        format!("{stranded} Within a kind of node, the fullest come first.")
    }
}

/// How much is stranded, and why.
fn causes(nodes: &[&NodeEnd]) -> String {
    let mut lost: BTreeMap<Unfit, u64> = BTreeMap::new();
    let gpus = nodes.iter().flat_map(|node| &node.gpus);
    for gpu in gpus {
        if let Some(unfit) = gpu.stranded {
            *lost.entry(unfit).or_insert(0) += u64::from(gpu.free);
        }
    }
    let all: u64 = lost.values().sum();
    if all == 0 {
        return "No GPU is stranded.".to_owned();
    }
    let mut lost: Vec<_> = lost.into_iter().collect();
    lost.sort_by_key(|(unfit, milli)| (std::cmp::Reverse(*milli), *unfit));
    let parts = lost
        .iter()
        .map(|(unfit, milli)| format!("{} ({})", gpu_count(*milli), cause(*unfit)));
    let parts: Vec<_> = parts.collect();
    format!(
        "{} GPUs are stranded: free, but of no use to any pod of the list or trace. By what most of those pods \
         lack there: {}.",
        gpu_count(all),
        parts.join(", ")
    )
}

fn cause(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Share => "the free piece is too small",
        other => other.sentence(),
    }
}

fn gpu_count(milli: u64) -> String {
    number(milli as f64 / 1000.0, 1)
}

/// The classes with what they hold.
fn classes(nodes: &[&NodeEnd]) -> Vec<(Fill, String)> {
    let mut held = [0_u64; SIZES.len()];
    let (mut stranded, mut free) = (0_u64, 0_u64);
    for gpu in nodes.iter().flat_map(|node| &node.gpus) {
        for (kind, milli) in &gpu.held {
            if let Some(class) = size(*kind) {
                held[class] += u64::from(*milli);
            }
        }
        let left = if gpu.stranded.is_some() {
            &mut stranded
        } else {
            &mut free
        };
        *left += u64::from(gpu.free);
    }
    let sizes = held.iter().enumerate().filter(|(_, milli)| **milli > 0);
    let sizes = sizes.map(|(class, milli)| {
        (
            Fill::Size(class),
            format!("pods of {}: {} GPUs", SIZES[class], gpu_count(*milli)),
        )
    });
    let rest = [
        (Fill::Stranded, "stranded", stranded),
        (Fill::Free, "free", free),
    ];
    let rest = rest.map(|(fill, name, milli)| (fill, format!("{name}: {} GPUs", gpu_count(milli))));
    sizes.chain(rest).collect()
}

/// Nodes by model and number of GPUs, the largest pool first.
fn pools(nodes: &[&NodeEnd], folded: bool) -> Vec<Pool> {
    let mut kinds: BTreeMap<(&str, usize), Vec<&NodeEnd>> = BTreeMap::new();
    for node in nodes {
        kinds
            .entry((&node.model, node.gpus.len()))
            .or_default()
            .push(node);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|((_, gpus), nodes)| std::cmp::Reverse(gpus * nodes.len()));
    kinds
        .into_iter()
        .map(|((model, gpus), nodes)| Pool {
            name: format!("{model}, {gpus} in a node, {} nodes", whole(nodes.len())),
            nodes: if folded {
                alike(&nodes)
            } else {
                one_by_one(&nodes)
            },
        })
        .collect()
}

fn free(node: &NodeEnd) -> u32 {
    node.gpus.iter().map(|gpu| gpu.free).sum()
}

fn one_by_one(nodes: &[&NodeEnd]) -> Vec<MapNode> {
    let mut nodes = nodes.to_vec();
    nodes.sort_by_key(|node| free(node));
    let drawn = nodes.into_iter().map(|node| MapNode {
        name: node.name.to_string(),
        times: 1,
        gpus: node.gpus.iter().map(parts).collect(),
    });
    drawn.collect()
}

/// What fills a GPU, from left to right.
fn parts(gpu: &GpuEnd) -> Vec<(Fill, u32)> {
    let held = gpu
        .held
        .iter()
        .filter_map(|(kind, milli)| Some((Fill::Size(size(*kind)?), *milli)));
    let rest = if gpu.stranded.is_some() {
        Fill::Stranded
    } else {
        Fill::Free
    };
    held.chain((gpu.free > 0).then_some((rest, gpu.free)))
        .collect()
}

/// A GPU to a tenth: what is free, then tenths by class.
type Look = (u32, Vec<(usize, u32)>);

/// Nodes that look alike to a tenth of a GPU as one, the fullest first.
fn alike(nodes: &[&NodeEnd]) -> Vec<MapNode> {
    let mut looks: BTreeMap<Vec<Look>, u32> = BTreeMap::new();
    for node in nodes {
        let mut gpus: Vec<_> = node.gpus.iter().map(rough).collect();
        gpus.sort_unstable();
        *looks.entry(gpus).or_insert(0) += 1;
    }
    let mut looks: Vec<_> = looks.into_iter().collect();
    looks.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let left_out: u32 = looks.iter().skip(MOST_ROWS).map(|(_, times)| times).sum();
    looks.truncate(MOST_ROWS);
    looks.sort_by_key(|(gpus, _)| gpus.iter().map(|(free, _)| *free).sum::<u32>());
    let fills = |(_, parts): Look| {
        let fill = |class| match class {
            5 => Fill::Stranded,
            6 => Fill::Free,
            class => Fill::Size(class),
        };
        parts
            .into_iter()
            .map(|(class, tenths)| (fill(class), 100 * tenths))
            .collect()
    };
    let mut rows: Vec<_> = looks
        .into_iter()
        .map(|(gpus, times)| MapNode {
            name: if times == 1 {
                "1 node".to_owned()
            } else {
                format!("each of {times} nodes")
            },
            times,
            gpus: gpus.into_iter().map(fills).collect(),
        })
        .collect();
    if left_out > 0 {
        rows.push(MapNode {
            name: format!("{left_out} more"),
            times: 1,
            gpus: Vec::new(),
        });
    }
    rows
}

/// A GPU to a tenth: what is free, then tenths by class, the largest pods first.
fn rough(gpu: &GpuEnd) -> Look {
    let mut tenths: BTreeMap<usize, u32> = BTreeMap::new();
    for (kind, milli) in &gpu.held {
        if let Some(class) = size(*kind) {
            *tenths.entry(4 - class).or_insert(0) += milli;
        }
    }
    let left = if gpu.stranded.is_some() { 5 } else { 6 };
    let free = (gpu.free + 50) / 100;
    let mut rest = 10 - free.min(10);
    let mut parts = Vec::new();
    for (index, milli) in tenths {
        let share = ((milli + 50) / 100).min(rest);
        rest -= share;
        parts.push((4 - index, share));
    }
    // What rounding left over goes to the last, so that a GPU is always ten tenths.
    if let Some(last) = parts.last_mut() {
        last.1 += rest;
    }
    if free > 0 {
        parts.push((left, free));
    }
    parts.retain(|(_, share)| *share > 0);
    (free, parts)
}
