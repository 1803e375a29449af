//! What one must know to read the packing map.

use std::collections::BTreeSet;

use super::chart::{Fold, Letters};
use super::paper::{Ink, Line, Paper};
use super::report::Inspection;
use super::words::shown;

/// What the signs mean, those that are there, and who has which letter.
pub(super) fn legend(
    inspection: &Inspection,
    letters: &Letters<'_>,
    fold: Fold,
    paper: Paper,
) -> Vec<Line> {
    let states = inspection
        .nodes
        .iter()
        .flat_map(|node| &node.gpus)
        .map(|gpu| gpu.state);
    let states: BTreeSet<_> = states.collect();
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
        ("unknown", "? held, by number: which GPU is not known"),
        ("failed", "! failed"),
    ];
    let signs = signs.iter().filter(|(state, _)| states.contains(state));
    let signs: Vec<_> = signs.map(|(_, sign)| *sign).collect();
    let mut lines = signs_on(paper, &signs);
    if fold != Fold::Exact {
        let text = "  Nodes that look equal share a row, their fullest GPUs first.";
        lines.push(Line::of(text, Ink::Dim));
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

/// The signs side by side, on as many lines as they need.
fn signs_on(paper: Paper, signs: &[&str]) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for sign in signs {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + sign.chars().count() <= paper.width => {
                line.push_str("   ");
                line.push_str(sign);
            }
            _ => lines.push(format!("  {sign}")),
        }
    }
    let lines = lines.into_iter();
    lines.map(|line| Line::of(line, Ink::Dim)).collect()
}
