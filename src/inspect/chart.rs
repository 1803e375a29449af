//! The packing map as lines: cells, columns and folding.
//!
//! Nodes that look equal share a row: same boards, same cells, same cores, memory and pods left. Where
//! that leaves more than [`MANY_ROWS`] rows they are [folded](Fold) further: first without the order of
//! GPUs, then with ranges in place of what is left. Pods are letters where there are few of them.

use std::collections::BTreeMap;

use super::grid::{Sizes, draw, header};
use super::legend::legend;
use super::paper::{Ink, Line, Paper};
use super::report::{GpuReport, Inspection, NodeReport, PartitionReport};

/// More rows than these are folded further.
const MANY_ROWS: usize = 30;
/// Most rows shown.
const MOST_ROWS: usize = 60;
/// Most pods of a GPU that are told apart.
const CROWD: usize = 5;

/// A row: a node, or several that look equal.
pub(super) struct Row<'a> {
    pub(super) nodes: Vec<&'a NodeReport>,
    pub(super) cells: Vec<(String, Ink)>,
}

/// Which nodes look equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// Those with the same cells in the same order and the same room.
    Exact,
    /// Those with the same cells; they are sorted, the fullest first.
    Sorted,
    /// Those with as many full, started, idle, unknown and failed GPUs.
    States,
}

/// The map and what one must know to read it.
pub(super) fn lines(inspection: &Inspection, paper: Paper) -> Vec<Line> {
    let letters = letters(inspection);
    let nobody = BTreeMap::new();
    let few = |rows: &Vec<Row<'_>>| rows.len() <= MANY_ROWS;
    let exact = Some(rows(inspection, &letters, Fold::Exact)).filter(few);
    let (rows, letters, fold) = match exact {
        Some(exact) => (exact, &letters, Fold::Exact),
        None => match Some(self::rows(inspection, &nobody, Fold::Sorted)).filter(few) {
            Some(sorted) => (sorted, &nobody, Fold::Sorted),
            None => (
                self::rows(inspection, &nobody, Fold::States),
                &nobody,
                Fold::States,
            ),
        },
    };
    let sizes = Sizes::of(&rows, paper);
    let mut lines = vec![header(&rows, &sizes, fold)];
    for row in rows.iter().take(MOST_ROWS) {
        lines.extend(draw(row, &sizes));
    }
    if rows.len() > MOST_ROWS {
        let rest = &rows[MOST_ROWS..];
        let nodes: usize = rest.iter().map(|row| row.nodes.len()).sum();
        let rows = rest.len();
        let text = format!("... and {nodes} nodes in {rows} more rows (--format json has all)");
        lines.push(Line::of(text, Ink::Dim));
    }
    let bare = inspection.nodes.iter().filter(|node| !node.has_gpus());
    let bare = bare.count() as u64;
    if bare > 0 {
        let text = format!("{} without GPUs", super::words::count(bare, "node"));
        lines.push(Line::of(text, Ink::Dim));
    }
    lines.extend(legend(inspection, letters, fold, paper));
    lines
}

pub(super) type Letters<'a> = BTreeMap<&'a str, char>;

/// A letter for each pod with a GPU, if there are few of them; pods in a crowd are only counted.
fn letters(inspection: &Inspection) -> Letters<'_> {
    let gpus = inspection.nodes.iter().flat_map(|node| &node.gpus);
    let gpus = gpus.filter(|gpu| gpu.pods.len() <= CROWD && !in_parts(gpu));
    let mut letters = BTreeMap::new();
    let mut next = ('A'..='Z').chain('a'..='z');
    for pod in gpus.flat_map(|gpu| &gpu.pods) {
        if !letters.contains_key(&**pod) {
            let Some(letter) = next.next() else {
                return BTreeMap::new();
            };
            letters.insert(&**pod, letter);
        }
    }
    letters
}

/// The rows, in the order of their first nodes.
fn rows<'a>(inspection: &'a Inspection, letters: &Letters<'_>, fold: Fold) -> Vec<Row<'a>> {
    let mut rows: Vec<Vec<(&'a NodeReport, Vec<&'a GpuReport>)>> = Vec::new();
    let mut known = BTreeMap::new();
    for node in inspection.nodes.iter().filter(|node| node.has_gpus()) {
        let mut gpus: Vec<_> = node.gpus.iter().collect();
        if fold != Fold::Exact {
            gpus.sort_by_key(|gpu| (order(gpu.state), gpu.free_milli, gpu.free_memory_mib));
        }
        let look = |gpu: &&GpuReport| match fold {
            Fold::States => format!("{}{}", mode(gpu), gpu.state),
            _ => cell(gpu, letters).0,
        };
        let room = (node.free_cores_milli, node.free_memory_mib, node.free_pods);
        let left = node.partitions.iter().map(|kind| kind.left);
        let room = (fold == Fold::Exact).then_some((room, left.collect::<Vec<_>>()));
        let key = (
            board(node),
            (notes(node), partitions_key(node)),
            gpus.iter().map(look).collect::<Vec<_>>(),
            room,
        );
        let at = *known.entry(key).or_insert_with(|| {
            rows.push(Vec::new());
            rows.len() - 1
        });
        rows[at].push((node, gpus));
    }
    let row = |members: Vec<(&'a NodeReport, Vec<&'a GpuReport>)>| Row {
        cells: (0..members[0].1.len())
            .map(|at| common(members.iter().map(|(_, gpus)| gpus[at]), letters))
            .collect(),
        nodes: members.into_iter().map(|(node, _)| node).collect(),
    };
    rows.into_iter().map(row).collect()
}

/// Which partitions a node has, whatever is left of them.
fn partitions_key(node: &NodeReport) -> Vec<(&str, u32)> {
    let kinds = node.partitions.iter();
    kinds.map(|kind| (&*kind.kind, kind.count)).collect()
}

/// Held ones first.
fn order(state: &str) -> usize {
    let states = ["failed", "full", "unknown", "part", "idle", "cut"];
    states.iter().position(|&have| have == state).unwrap_or(0)
}

/// One cell for GPUs in the same place of several nodes: what they are, or a range of what is left.
fn common<'a>(
    gpus: impl Iterator<Item = &'a GpuReport> + Clone,
    letters: &Letters<'_>,
) -> (String, Ink) {
    let mut cells = gpus.clone().map(|gpu| cell(gpu, letters));
    let first = cells.next().unwrap_or_default();
    if cells.all(|cell| cell == first) {
        return first;
    }
    let left = gpus.map(|gpu| gpu.free_milli / 10);
    let (low, high) = (left.clone().min(), left.max());
    let (low, high) = (low.unwrap_or(0), high.unwrap_or(0));
    match low == high {
        true => (format!("{low}%"), Ink::Yellow),
        false => (format!("{low}..{high}%"), Ink::Yellow),
    }
}

/// Whether it is given out in replicas or MIG instances, which are drawn without letters.
fn in_parts(gpu: &GpuReport) -> bool {
    gpu.mig.is_some() || gpu.replicas.is_some()
}

/// Tells apart how GPUs are given out.
fn mode(gpu: &GpuReport) -> String {
    match (&gpu.mig, &gpu.replicas) {
        (Some(_), _) => "mig ".to_owned(),
        (_, Some(replicas)) => format!("{} ", replicas.count),
        _ => String::new(),
    }
}

/// `M[xx......]` or `3/4`, with `?` where that is not sure.
fn parts(gpu: &GpuReport) -> Option<(String, Ink)> {
    let drawn = match (&gpu.mig, &gpu.replicas) {
        (Some(board), _) => format!("M[{}]", board.slots),
        (_, Some(replicas)) => format!("{}/{}", replicas.held, replicas.count),
        _ => return None,
    };
    Some(match gpu.state {
        "failed" => ("!".to_owned(), Ink::Red),
        "unknown" => (drawn + "?", Ink::Magenta),
        "idle" => (drawn, Ink::Green),
        "full" => (drawn, Ink::Plain),
        _ => (drawn, Ink::Yellow),
    })
}

/// `.`, `x`, `?`, `!`, or who holds it and what is left.
fn cell(gpu: &GpuReport, letters: &Letters<'_>) -> (String, Ink) {
    if let Some(drawn) = parts(gpu) {
        return drawn;
    }
    let held: String = match gpu.pods.len() {
        0..=CROWD => gpu
            .pods
            .iter()
            .filter_map(|pod| letters.get(&**pod))
            .collect(),
        crowd => format!("{crowd}pods"),
    };
    let marked = |mark: &str| match held.is_empty() {
        true => mark.to_owned(),
        false => held.clone(),
    };
    match gpu.state {
        "idle" => (".".to_owned(), Ink::Green),
        "failed" => ("!".to_owned(), Ink::Red),
        "cut" => ("-".to_owned(), Ink::Dim),
        "unknown" => (format!("{held}?"), Ink::Magenta),
        "full" => (marked("x"), Ink::Plain),
        _ if held.is_empty() => (left(gpu), Ink::Yellow),
        _ => (format!("{held}:{}", left(gpu)), Ink::Yellow),
    }
}

/// What is left: `35%` of both, `12G` of memory alone, `35%/12G`.
fn left(gpu: &GpuReport) -> String {
    let compute = gpu.free_compute_milli / 10;
    let memory = match gpu.free_memory_mib {
        mib @ 0..1024 => format!("{mib}M"),
        mib => format!("{}G", mib / 1024),
    };
    if gpu.memory_mib == 0 {
        return format!("{compute}%");
    }
    let share = u64::from(gpu.free_memory_mib) * 100 / u64::from(gpu.memory_mib);
    match u64::from(compute).abs_diff(share) {
        0 | 1 => format!("{compute}%"),
        _ if compute == 100 => memory,
        _ => format!("{compute}%/{memory}"),
    }
}

/// `8 x H100-80GB`, or `7 x 1g.10gb` where only partitions are known.
pub(super) fn board(node: &NodeReport) -> String {
    let alike = node.gpus.chunk_by(|a, b| a.model == b.model);
    let boards = alike.map(|gpus| format!("{} x {}", gpus.len(), gpus[0].model));
    let kinds = node.partitions.iter().filter(|_| node.gpus.is_empty());
    let kinds = kinds.map(|kind| format!("{} x {}", kind.count, kind.kind));
    boards.chain(kinds).collect::<Vec<_>>().join(" + ")
}

/// What keeps pods away from a node, or is odd about it.
pub(super) fn notes(node: &NodeReport) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &node.unhealthy {
        notes.push(format!("not healthy: {reason}"));
    }
    if node.cordoned {
        notes.push("cordoned".to_owned());
    }
    if node.conflict {
        notes.push("pods hold more than the node has".to_owned());
    }
    for sharing in ["time-slicing", "MPS"] {
        let replicas = node.gpus.iter().filter_map(|gpu| gpu.replicas.as_ref());
        if replicas
            .into_iter()
            .any(|replicas| replicas.sharing == sharing)
        {
            notes.push(format!("replicas by {sharing}"));
        }
    }
    notes
}

/// `5 of 7 1g.10gb left`, or a range where several nodes share a row.
pub(super) fn partitions(nodes: &[&NodeReport]) -> Vec<String> {
    let kinds = nodes[0].partitions.iter().enumerate();
    let say = |(at, kind): (usize, &PartitionReport)| {
        let left = nodes.iter().filter_map(|node| node.partitions.get(at));
        let left = left.map(|kind| kind.left);
        let (low, high) = (left.clone().min().unwrap_or(0), left.max().unwrap_or(0));
        let left = match low == high {
            true => low.to_string(),
            false => format!("{low}..{high}"),
        };
        format!("{left} of {} {} left", kind.count, kind.kind)
    };
    kinds.map(say).collect()
}
