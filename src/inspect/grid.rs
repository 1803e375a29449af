//! The columns of the packing map: how wide they are, and rows drawn in them.
//!
//! Cells of a node stand on one line if the paper is wide enough, else on several of equal length.

use super::chart::{Fold, Row, board, notes};
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

pub(super) fn header(rows: &[Row<'_>], sizes: &Sizes, fold: Fold) -> Line {
    let mut line = Line::default();
    line.left("node", sizes.name + 2, Ink::Bold);
    line.left("GPUs", sizes.board + 2, Ink::Bold);
    // A column stands for an index only where each GPU stands in its own.
    let split = fold != Fold::Exact || rows.iter().any(|row| row.cells.len() > sizes.cells.len());
    for (at, size) in sizes.cells.iter().enumerate() {
        let number = if split { String::new() } else { at.to_string() };
        line.left(&number, (*size).max(number.len()) + 1, Ink::Dim);
    }
    for (title, size) in ROOM.iter().zip(sizes.room) {
        line.right(title, size + 2, Ink::Bold);
    }
    line
}

pub(super) fn draw(row: &Row<'_>, sizes: &Sizes) -> Vec<Line> {
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
