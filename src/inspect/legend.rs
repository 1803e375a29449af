//! What one must know to read the packing map.

use std::collections::BTreeSet;

use super::chart::{Fold, Letters};
use super::paper::{Ink, Line, Paper};
use super::report::{GpuReport, Inspection};
use super::words::shown;

/// Most boards whose instances are listed.
const MOST_BOARDS: usize = 12;

/// What the signs mean, those that are there, and who has which letter.
pub(super) fn legend(
    inspection: &Inspection,
    letters: &Letters<'_>,
    fold: Fold,
    paper: Paper,
) -> Vec<Line> {
    let gpus = || inspection.nodes.iter().flat_map(|node| &node.gpus);
    // A board or replicas are drawn with what is held, whatever their state; but for two of them.
    let drawn = |gpu: &&GpuReport| gpu.mig.is_some() || gpu.replicas.is_some();
    let states = gpus().filter(|gpu| !drawn(gpu) || matches!(gpu.state, "unknown" | "failed"));
    let states = states.map(|gpu| gpu.state);
    let mut states: BTreeSet<_> = states.collect();
    states.extend(gpus().any(|gpu| gpu.mig.is_some()).then_some("mig"));
    states.extend(
        gpus()
            .any(|gpu| gpu.replicas.is_some())
            .then_some("replicas"),
    );
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
        ("mig", "M[x.] memory slices of a MIG board, x held"),
        ("replicas", "3/4 replicas held"),
        ("unknown", "? held, by number: which GPU is not known"),
        ("failed", "! failed"),
        ("cut", "- cut into partitions, which are counted"),
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
    if fold == Fold::Exact {
        lines.extend(instances(inspection, paper));
    }
    lines
}

/// Who holds which MIG instance, a line a GPU.
fn instances(inspection: &Inspection, paper: Paper) -> Vec<Line> {
    let gpus = inspection.nodes.iter().flat_map(|node| {
        let gpus = node.gpus.iter();
        gpus.filter_map(move |gpu| Some((node, gpu, gpu.mig.as_ref()?)))
    });
    let gpus: Vec<_> = gpus
        .filter(|(_, _, mig)| !mig.instances.is_empty())
        .collect();
    let mut lines = Vec::new();
    for (node, gpu, mig) in gpus.iter().take(MOST_BOARDS) {
        let held = mig.instances.iter().map(|instance| {
            let (profile, start) = (&instance.profile, instance.start);
            format!("{profile} at {start} {}", shown(&instance.pod, 30))
        });
        let held: Vec<_> = held.collect();
        let name = shown(&node.name, 30);
        let text = format!("  {name} GPU {}: {}", gpu.index, held.join(", "));
        lines.extend(paper.wrap(&text, 4));
    }
    if gpus.len() > MOST_BOARDS {
        let more = super::words::count((gpus.len() - MOST_BOARDS) as u64, "board");
        let text = format!("  ... and {more} more with instances (--format json has all)");
        lines.push(Line::of(text, Ink::Dim));
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
