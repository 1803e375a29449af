//! The columns of the packing map: how wide they are, and rows drawn in them.
//!
//! Cells stand beside the name of their node if the paper is wide enough, else below it, on as many
//! lines of equal length as they need.

use super::chart::{Fold, Row, board, notes, partitions};
use super::paper::{Ink, Line, Paper};
use super::report::NodeReport;
use super::words::{gib, grouped, milli, shown};

/// Widest column of names, and of boards.
const WIDEST: [usize; 2] = [30, 22];

/// Widths of columns.
pub(super) struct Sizes {
    name: usize,
    board: usize,
    /// Of the cells of one line; a row may take several lines.
    cells: Vec<usize>,
    /// Whether cells stand below the name.
    below: bool,
    room: [usize; 3],
}

impl Sizes {
    pub(super) fn of(rows: &[Row<'_>], paper: Paper) -> Self {
        let most = |of: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let name = most(&|row| name(row).chars().count()).clamp(4, WIDEST[0]);
        let board = most(&|row| board(row.nodes[0]).chars().count()).clamp(4, WIDEST[1]);
        let room =
            [0, 1, 2].map(|at| most(&|row| room(row)[at].chars().count()).max(ROOM[at].len()));
        let fixed = name + board + room.iter().sum::<usize>() + 2 * 4 + 2;
        let all = most(&|row| row.cells.len());
        let cells = |a_line: usize| {
            let digits = |at: usize| at.to_string().len();
            let mut sizes: Vec<_> = (0..a_line.min(all)).map(digits).collect();
            for (at, (text, _)) in rows.iter().flat_map(|row| row.cells.iter().enumerate()) {
                let size = &mut sizes[at % a_line];
                *size = text.chars().count().max(*size);
            }
            sizes
        };
        let wide = |sizes: &[usize]| sizes.iter().sum::<usize>() + sizes.len();
        let beside = Some(cells(all.max(1)));
        let beside = beside.filter(|sizes| fixed + wide(sizes) <= paper.width + 1);
        let below = beside.is_none();
        let splits = [all.max(1), 16, 8, 4, 2];
        let splits = splits.into_iter().filter(|&a_line| a_line <= all.max(1));
        let mut splits = splits.map(cells);
        let fitting = beside.or_else(|| splits.find(|sizes| wide(sizes) < paper.width));
        Self {
            name,
            board,
            cells: fitting.unwrap_or_else(|| cells(1)),
            below,
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

pub(super) fn header(rows: &[Row<'_>], sizes: &Sizes, fold: Fold) -> Line {
    let mut line = Line::default();
    line.left("node", sizes.name + 2, Ink::Bold);
    line.left("GPUs", sizes.board + 2, Ink::Bold);
    // A column stands for an index only where each GPU stands in its own.
    let numbered =
        fold == Fold::Exact && rows.iter().all(|row| row.cells.len() <= sizes.cells.len());
    let beside = sizes.cells.iter().enumerate().filter(|_| !sizes.below);
    for (at, size) in beside {
        let number = if numbered {
            at.to_string()
        } else {
            String::new()
        };
        line.left(&number, *size + 1, Ink::Dim);
    }
    for (title, size) in ROOM.iter().zip(sizes.room) {
        line.right(title, size + 2, Ink::Bold);
    }
    line
}

pub(super) fn draw(row: &Row<'_>, sizes: &Sizes) -> Vec<Line> {
    let mut first = Line::default();
    first.left(&name(row), sizes.name + 2, Ink::Plain);
    first.left(
        &shown(&board(row.nodes[0]), WIDEST[1]),
        sizes.board + 2,
        Ink::Plain,
    );
    if !sizes.below {
        cells(&mut first, &row.cells, &sizes.cells);
    }
    for (text, size) in room(row).iter().zip(sizes.room) {
        first.right(text, size + 2, Ink::Plain);
    }
    let mut lines = vec![first];
    let below = row.cells.chunks(sizes.cells.len().max(1));
    for part in below.filter(|_| sizes.below) {
        let mut line = Line::of("  ", Ink::Plain);
        cells(&mut line, part, &sizes.cells);
        lines.push(line);
    }
    for left in partitions(&row.nodes) {
        lines.push(Line::of(format!("  {}", shown(&left, 90)), Ink::Plain));
    }
    for note in notes(row.nodes[0]) {
        lines.push(Line::of(format!("  {}", shown(&note, 90)), Ink::Yellow));
    }
    lines
}

fn cells(line: &mut Line, cells: &[(String, Ink)], sizes: &[usize]) {
    for (index, size) in sizes.iter().enumerate() {
        let cell = cells.get(index).map(|(text, ink)| (&**text, *ink));
        let (text, ink) = cell.unwrap_or(("", Ink::Plain));
        line.left(text, *size + 1, ink);
    }
}
