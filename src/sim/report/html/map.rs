//! The packing map: a row a node, a cell a GPU, filled by who holds how much of it.
//!
//! Nodes of one kind stand together in columns that flow with the width of the page. Each row is a
//! group with a title, so that a pointer or a screen reader finds the node's name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bars::class;
use super::key;
use super::model::{Fill, Map, MapNode, Pool};
use super::svg::{Anchor, escape, number, path, px, text, width_of};

const CELL: f64 = 16.0;
const GAP: f64 = 2.0;
const ROW: f64 = CELL + 3.0;
/// Rows of one column, at least.
const COLUMN_ROWS: usize = 12;
/// Most columns of a pool beside each other.
const MOST_COLUMNS: usize = 6;
/// Longest name that is written.
const MOST_NAME: f64 = 142.0;
const LETTER: f64 = 11.0;

/// Writes the whole map: what the fills mean, then pool by pool.
pub(super) fn write(out: &mut String, map: &Map) {
    let classes = map.classes.iter();
    key::fills(out, classes.map(|(fill, what)| (*fill, what.as_str())));
    for pool in &map.pools {
        let _ = write!(out, "<h4>{}</h4><div class=\"pool\">", escape(&pool.name));
        let rows = pool.nodes.len().div_ceil(MOST_COLUMNS).max(COLUMN_ROWS);
        for column in pool.nodes.chunks(rows) {
            write_column(out, pool, column);
        }
        out.push_str("</div>");
    }
}

fn write_column(out: &mut String, pool: &Pool, nodes: &[MapNode]) {
    let names = pool.nodes.iter().map(|node| width_of(&name(node), LETTER));
    let left = names.fold(0.0, f64::max).min(MOST_NAME) + 8.0;
    let gpus = nodes.iter().map(|node| node.gpus.len()).max().unwrap_or(0);
    let width = left + gpus as f64 * (CELL + GAP);
    let height = ROW * nodes.len() as f64;
    let (w, h) = (px(width), px(height));
    let _ = write!(
        out,
        "<svg role=\"img\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\"><title>{}</title>",
        escape(&format!("{} of the nodes {}", nodes.len(), pool.name))
    );
    for (index, node) in (0..).zip(nodes) {
        write_node(out, node, left, ROW * f64::from(index));
    }
    out.push_str("</svg>");
}

fn name(node: &MapNode) -> String {
    match node.times {
        1 => node.name.clone(),
        times => format!("{times} nodes"),
    }
}

fn write_node(out: &mut String, node: &MapNode, left: f64, y: f64) {
    let _ = write!(out, "<g><title>{}</title>", escape(&said(node)));
    let label = super::svg::fitted(&name(node), LETTER, MOST_NAME);
    text(out, left - 6.0, y + 12.0, Anchor::End, "small", &label);
    // One path a fill: thousands of rectangles would make a large file.
    let mut areas: BTreeMap<&str, String> = BTreeMap::new();
    for (index, gpu) in (0..).zip(&node.gpus) {
        let x = left + f64::from(index) * (CELL + GAP);
        let mut from = 0.0;
        for (fill, milli) in gpu {
            let length = CELL * f64::from(*milli) / 1000.0;
            let (x0, x1) = (x + from, x + from + length);
            let corners = [(x0, y), (x1, y), (x1, y + CELL), (x0, y + CELL)];
            let area = areas.entry(class(*fill)).or_default();
            area.push_str(&path(corners));
            area.push('z');
            from += length;
        }
    }
    for (class, steps) in areas {
        let _ = write!(out, "<path class=\"{class}\" d=\"{steps}\"/>");
    }
    out.push_str("</g>");
}

/// The node in words: what is held and free of it.
fn said(node: &MapNode) -> String {
    let of = |wanted: fn(Fill) -> bool| {
        let parts = node.gpus.iter().flatten();
        let milli: u32 = parts
            .filter(|(fill, _)| wanted(*fill))
            .map(|(_, m)| m)
            .sum();
        number(f64::from(milli) / 1000.0, 2)
    };
    let held = of(|fill| matches!(fill, Fill::Size(_) | Fill::Used));
    let stranded = of(|fill| fill == Fill::Stranded);
    let free = of(|fill| fill == Fill::Free);
    let name = &node.name;
    format!(
        "{name}: {held} of {} GPUs held, {stranded} stranded, {free} free",
        node.gpus.len()
    )
}
