//! The packing map as lines: cells, columns and folding.
//!
//! Nodes that look equal share a row: same boards, same cells, same cores, memory and pods left. Where
//! that leaves more than [`MOST_EXACT`] rows, cells are sorted first and what else is left becomes a
//! range. Pods are letters where there are few of both.

use std::collections::BTreeMap;

use super::paper::{Ink, Line, Paper};
use super::report::{GpuReport, Inspection, NodeReport};
use super::words::{gib, grouped, milli, shown};

/// Most rows before nodes are folded more coarsely.
const MOST_EXACT: usize = 30;
/// Most rows shown.
const MOST_ROWS: usize = 60;
/// Most pods that get a letter each.
const MOST_LETTERS: usize = 52;
/// Widest column of names, and of boards.
const WIDEST: [usize; 2] = [30, 22];

/// A row: a node, or several that look equal.
struct Row<'a> {
    nodes: Vec<&'a NodeReport>,
    cells: Vec<(String, Ink)>,
}

/// The map and what one must know to read it.
pub(super) fn lines(inspection: &Inspection, paper: Paper) -> Vec<Line> {
    let letters = letters(inspection);
    let exact = rows(inspection, &letters, false);
    let (rows, letters) = match exact.len() > MOST_EXACT {
        true => (
            self::rows(inspection, &BTreeMap::new(), true),
            BTreeMap::new(),
        ),
        false => (exact, letters),
    };
    let sizes = Sizes::of(&rows, paper);
    let mut lines = vec![header(&rows, &sizes)];
    for row in rows.iter().take(MOST_ROWS) {
        lines.extend(draw(row, &sizes));
    }
    if rows.len() > MOST_ROWS {
        let rest = &rows[MOST_ROWS..];
        let nodes: usize = rest.iter().map(|row| row.nodes.len()).sum();
        let text = format!(
            "... and {nodes} nodes in {} more rows (--format json has all)",
            rest.len()
        );
        lines.push(Line::of(text, Ink::Dim));
    }
    let bare = inspection
        .nodes
        .iter()
        .filter(|node| node.gpus.is_empty())
        .count();
    if bare > 0 {
        lines.push(Line::of(
            format!("{} without GPUs", super::words::count(bare as u64, "node")),
            Ink::Dim,
        ));
    }
    lines.extend(legend(inspection, &letters, paper));
    lines
}

type Letters<'a> = BTreeMap<&'a str, char>;

/// A letter for each pod with a GPU, if there are few of them.
fn letters(inspection: &Inspection) -> Letters<'_> {
    let gpus = inspection.nodes.iter().flat_map(|node| &node.gpus);
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
    debug_assert!(letters.len() <= MOST_LETTERS);
    letters
}

fn rows<'a>(inspection: &'a Inspection, letters: &Letters<'_>, coarse: bool) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut known = BTreeMap::new();
    for node in inspection.nodes.iter().filter(|node| !node.gpus.is_empty()) {
        let mut cells: Vec<_> = node.gpus.iter().map(|gpu| cell(gpu, letters)).collect();
        if coarse {
            // Held ones first, so that the same packing looks the same.
            let mut order: Vec<_> = (0..cells.len()).collect();
            order.sort_by_key(|&at| (node.gpus[at].free_milli, cells[at].0.clone()));
            cells = order.iter().map(|&at| cells[at].clone()).collect();
        }
        let texts: Vec<_> = cells.iter().map(|(text, _)| text.clone()).collect();
        let exact = (node.free_cores_milli, node.free_memory_mib, node.free_pods);
        let key = (board(node), texts, notes(node), (!coarse).then_some(exact));
        let at = *known.entry(key).or_insert_with(|| {
            rows.push(Row {
                nodes: Vec::new(),
                cells,
            });
            rows.len() - 1
        });
        rows[at].nodes.push(node);
    }
    rows
}

/// `.`, `x`, `?`, `!`, or who holds it and what is left.
fn cell(gpu: &GpuReport, letters: &Letters<'_>) -> (String, Ink) {
    let held = gpu
        .pods
        .iter()
        .filter_map(|pod| letters.get(&**pod))
        .copied();
    let held: String = match gpu.pods.len() {
        0..=6 => held.collect(),
        _ => held.take(5).chain(['+']).collect(),
    };
    let marked = |mark: &str| match held.is_empty() {
        true => mark.to_owned(),
        false => held.clone(),
    };
    match gpu.state {
        "idle" => (".".to_owned(), Ink::Green),
        "failed" => ("!".to_owned(), Ink::Red),
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

/// `8 x H100-80GB`.
fn board(node: &NodeReport) -> String {
    let alike = node.gpus.chunk_by(|a, b| a.model == b.model);
    let boards = alike.map(|gpus| format!("{} x {}", gpus.len(), gpus[0].model));
    boards.collect::<Vec<_>>().join(" + ")
}

/// What keeps pods away from a node, or is odd about it.
fn notes(node: &NodeReport) -> Vec<String> {
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
    notes
}

/// Widths of columns.
struct Sizes {
    name: usize,
    board: usize,
    /// Of the cells of one line; a row may take several lines.
    cells: Vec<usize>,
    room: [usize; 3],
}

impl Sizes {
    fn of(rows: &[Row<'_>], paper: Paper) -> Self {
        let most = |of: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let name = most(&|row| name(row).chars().count()).clamp(4, WIDEST[0]);
        let board = most(&|row| board(row.nodes[0]).chars().count()).clamp(4, WIDEST[1]);
        let room =
            [0, 1, 2].map(|at| most(&|row| room(row)[at].chars().count()).max(ROOM[at].len()));
        let fixed = name + board + room.iter().sum::<usize>() + 2 * 4 + 2;
        let all = most(&|row| row.cells.len());
        let cells = |a_line: usize| {
            let mut sizes = vec![1; a_line.min(all)];
            for (at, (text, _)) in rows.iter().flat_map(|row| row.cells.iter().enumerate()) {
                let size = &mut sizes[at % a_line];
                *size = text.chars().count().max(*size);
            }
            sizes
        };
        let wide = |sizes: &[usize]| sizes.iter().sum::<usize>() + sizes.len();
        let splits = [all.max(1), 16, 8, 4, 2];
        let splits = splits.into_iter().filter(|&a_line| a_line <= all.max(1));
        let fitting = splits
            .map(cells)
            .find(|sizes| fixed + wide(sizes) <= paper.width + 1);
        Self {
            name,
            board,
            cells: fitting.unwrap_or_else(|| cells(1)),
            room,
        }
    }
}

/// What a row says is left beside GPUs.
const ROOM: [&str; 3] = ["cores", "memory", "pods"];

fn room(row: &Row<'_>) -> [String; 3] {
    let range = |of: fn(&NodeReport) -> u64, say: fn(u64) -> String| {
        let values = row.nodes.iter().map(|node| of(node));
        let (low, high) = (values.clone().min().unwrap_or(0), values.max().unwrap_or(0));
        match (say(low), say(high)) {
            (low, high) if low == high => low,
            (low, high) => format!("{low}..{high}"),
        }
    };
    let cores = |milli: u64| match milli {
        0..10_000 => self::milli(milli / 100 * 100),
        _ => grouped(milli / 1000),
    };
    [
        range(|node| u64::from(node.free_cores_milli), cores),
        range(
            |node| u64::from(node.free_memory_mib),
            |mib| gib(mib).replace(" GiB", "G").replace(" MiB", "M"),
        ),
        range(|node| u64::from(node.free_pods), grouped),
    ]
}

/// The name of a row's node, or of the first of several and their number.
fn name(row: &Row<'_>) -> String {
    let first = &row.nodes[0].name;
    match row.nodes.len() {
        1 => shown(first, WIDEST[0]),
        n => {
            let many = format!(" x {n}");
            format!("{}{many}", shown(first, WIDEST[0] - many.len()))
        }
    }
}

fn header(rows: &[Row<'_>], sizes: &Sizes) -> Line {
    let mut line = Line::default();
    line.left("node", sizes.name + 2, Ink::Bold);
    line.left("GPUs", sizes.board + 2, Ink::Bold);
    let split = rows.iter().any(|row| row.cells.len() > sizes.cells.len());
    for (at, size) in sizes.cells.iter().enumerate() {
        let number = if split { String::new() } else { at.to_string() };
        line.left(&number, (*size).max(number.len()) + 1, Ink::Dim);
    }
    for (title, size) in ROOM.iter().zip(sizes.room) {
        line.right(title, size + 2, Ink::Bold);
    }
    line
}

fn draw(row: &Row<'_>, sizes: &Sizes) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, part) in row.cells.chunks(sizes.cells.len().max(1)).enumerate() {
        let mut line = Line::default();
        let (name, board) = match at {
            0 => (name(row), shown(&board(row.nodes[0]), WIDEST[1])),
            _ => (String::new(), String::new()),
        };
        line.left(&name, sizes.name + 2, Ink::Plain);
        line.left(&board, sizes.board + 2, Ink::Plain);
        for (index, size) in sizes.cells.iter().enumerate() {
            let (text, ink) = part
                .get(index)
                .map_or(("", Ink::Plain), |(text, ink)| (text, *ink));
            line.left(text, *size + 1, ink);
        }
        if at == 0 {
            for (text, size) in room(row).iter().zip(sizes.room) {
                line.right(text, size + 2, Ink::Plain);
            }
        }
        lines.push(line);
    }
    for note in notes(row.nodes[0]) {
        lines.push(Line::of(format!("  {}", shown(&note, 90)), Ink::Yellow));
    }
    lines
}

/// What the signs mean, those that are there, and who has which letter.
fn legend(inspection: &Inspection, letters: &Letters<'_>, paper: Paper) -> Vec<Line> {
    let states = inspection
        .nodes
        .iter()
        .flat_map(|node| &node.gpus)
        .map(|gpu| gpu.state);
    let states: std::collections::BTreeSet<_> = states.collect();
    let full = if letters.is_empty() {
        "x full"
    } else {
        "A full, held by pod A"
    };
    let part = if letters.is_empty() {
        "35%/12G left: compute/memory"
    } else {
        "A:35%/12G left beside pod A: compute/memory"
    };
    let signs = [
        ("idle", ". idle"),
        ("full", full),
        ("part", part),
        ("unknown", "? held, which GPU is the device plugin's choice"),
        ("failed", "! failed"),
    ];
    let signs = signs.iter().filter(|(state, _)| states.contains(state));
    let signs: Vec<_> = signs.map(|(_, sign)| *sign).collect();
    let mut lines = Vec::new();
    if !signs.is_empty() {
        lines.extend(paper.wrap(&format!("  {}", signs.join("   ")), 2));
    }
    let mut pods: Vec<_> = letters
        .iter()
        .map(|(pod, letter)| (*letter, *pod))
        .collect();
    pods.sort_by_key(|&(letter, _)| (letter.is_lowercase(), letter));
    let names: Vec<_> = pods
        .iter()
        .map(|(letter, pod)| format!("{letter} {}", shown(pod, 40)))
        .collect();
    let size = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(1)
        + 2;
    let a_line = (paper.width.saturating_sub(2) / size).max(1);
    for names in names.chunks(a_line) {
        let mut line = Line::of("  ", Ink::Plain);
        names
            .iter()
            .for_each(|name| line.left(name, size, Ink::Dim));
        lines.push(line);
    }
    lines
}
