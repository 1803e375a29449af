//! What the reports of both modes share: small values of the model, words, and the end of the page.

use serde::Serialize;
use stowage_core::gpu::Model;
use stowage_core::request::{Models, PodRequest};
use stowage_core::unfit::Unfit;

use super::PolicyInput;
use super::html::model::{Block, Cell, Column, Row, Section, Table};
pub(super) use super::html::number;
use super::manifest::{InputFile, Manifest};
use crate::sim::detail::Reasons;
use crate::sim::statistics::{Estimate, Interval};

/// A section of the page.
pub(super) fn section(id: &'static str, heading: &str, blocks: Vec<Block>) -> Section {
    Section {
        id,
        heading: heading.to_owned(),
        blocks,
    }
}

/// A column of a table.
pub(super) fn column(title: &str, numeric: bool) -> Column {
    Column {
        title: title.to_owned(),
        numeric,
    }
}

/// A mean with its interval below.
pub(super) fn cell(estimate: &Estimate, decimals: usize) -> Cell {
    Cell {
        text: number(estimate.mean, decimals),
        note: span(estimate, decimals),
        value: Some(estimate.mean),
    }
}

/// The interval in words; empty without one.
pub(super) fn span(estimate: &Estimate, decimals: usize) -> String {
    let span = |i: Interval| {
        format!(
            "{} to {}",
            number(i.low, decimals),
            number(i.high, decimals)
        )
    };
    estimate.interval.map_or(String::new(), span)
}

/// A number with its sign.
pub(super) fn signed(x: f64, decimals: usize) -> String {
    let text = number(x, decimals);
    let plain = text.starts_with('\u{2212}') || text.chars().all(|c| c == '0' || c == '.');
    if plain { text } else { format!("+{text}") }
}

/// A count with its thousands set apart.
pub(super) fn whole(n: usize) -> String {
    number(n as f64, 0)
}

/// A count and what is counted.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", whole(n), if n == 1 { one } else { many })
}

/// Names as a sentence lists them.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A trace by its last name: where it lies on somebody's disk is in the manifest.
pub(super) fn source_name(trace: &str) -> &str {
    let trace = trace.trim_end_matches('/');
    if trace.starts_with("synth:") {
        return "a synthetic workload";
    }
    match trace.rsplit(['/', ':']).next() {
        Some("demo") => "the built-in demo",
        Some(name) => name,
        None => trace,
    }
}

/// Seeds in a row as `42..51`, else one by one, at most thirty of them.
pub(super) fn seeds(seeds: &[u64]) -> String {
    let row = seeds
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match (seeds, row) {
        ([first, .., last], true) => format!("{first}..{last}"),
        _ => {
            let shown = seeds.iter().take(30).map(u64::to_string);
            let more = if seeds.len() > 30 {
                format!(" and {} more", seeds.len() - 30)
            } else {
                String::new()
            };
            format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What nodes said, with the share of nodes that said it.
pub(super) fn said(reasons: &Reasons) -> String {
    let all: u64 = reasons.values().map(|n| u64::from(*n)).sum();
    let mut sorted: Vec<(Unfit, u32)> = reasons.iter().map(|(u, n)| (*u, *n)).collect();
    sorted.sort_by_key(|(unfit, nodes)| (std::cmp::Reverse(*nodes), *unfit));
    let share = |nodes: u32| 100.0 * f64::from(nodes) / all.max(1) as f64;
    // What hardly any node says is left out.
    sorted.retain(|(_, nodes)| share(*nodes) >= 0.5);
    let words = sorted
        .iter()
        .map(|(unfit, nodes)| format!("{} % {unfit}", number(share(*nodes), 0)));
    words.collect::<Vec<_>>().join(", ")
}

/// A request as people say it.
pub(super) fn asks(request: &PodRequest) -> String {
    let mut parts = Vec::new();
    for container in request.containers() {
        match (container.count(), container.compute().0) {
            (0, _) => {}
            (n, 1000) => parts.push(format!("{n} GPU{}", if n == 1 { "" } else { "s" })),
            (1, share) => parts.push(format!("{} of a GPU", number(f64::from(share) / 1000.0, 2))),
            (n, share) => parts.push(format!(
                "{} of {n} GPUs each",
                number(f64::from(share) / 1000.0, 2)
            )),
        }
    }
    parts.push(format!(
        "{} cores",
        number(f64::from(request.cores().0) / 1000.0, 1)
    ));
    parts.push(format!(
        "{} GiB",
        number(f64::from(request.memory().0) / 1024.0, 0)
    ));
    if let Models::OneOf(models) = request.models() {
        let names: Vec<_> = models.iter().map(Model::as_str).collect();
        parts.push(names.join(" or "));
    }
    parts.join(", ")
}

/// How many of the runs that were to be made are there.
pub(super) fn runs<S>(manifest: &Manifest<S>) -> String {
    let (finished, planned) = (manifest.runs_finished, manifest.runs_planned);
    format!("{} of {}", whole(finished), whole(planned))
}

/// What is to be said of an experiment that was stopped.
pub(super) fn stopped<S>(manifest: &Manifest<S>) -> Option<String> {
    (!manifest.is_complete()).then(|| {
        format!(
            "This experiment was stopped: {} runs are in this report, those of seeds that were finished \
             under every strategy.",
            runs(manifest)
        )
    })
}

/// Terms and what they are.
pub(super) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> Block {
    let facts = facts.into_iter();
    Block::Facts(facts.map(|(term, what)| (term.to_owned(), what)).collect())
}

/// What each strategy does.
pub(super) fn strategies(policies: &[PolicyInput]) -> Block {
    let rows = policies.iter().map(|policy| {
        let (name, strategy) = (policy.name(), policy.strategy());
        let note = if name == strategy.name() {
            String::new()
        } else {
            format!("{strategy}: ")
        };
        (name.to_owned(), format!("{note}{}", strategy.summary()))
    });
    Block::Folded {
        summary: "The strategies".to_owned(),
        blocks: vec![Block::Facts(rows.collect())],
    }
}

/// The files that were read and the manifest as it is.
pub(super) fn manifest<S: Serialize>(manifest: &Manifest<S>) -> Vec<Block> {
    let json = serde_json::to_string_pretty(manifest).unwrap_or_default();
    let files = &manifest.input_files;
    let read = (!files.is_empty()).then(|| Block::Folded {
        summary: "Input files and their SHA-256".to_owned(),
        blocks: vec![Block::Table(digests(files))],
    });
    let verbatim = Block::Folded {
        summary: "manifest.json".to_owned(),
        blocks: vec![Block::Verbatim(json)],
    };
    read.into_iter().chain([verbatim]).collect()
}

fn digests(files: &[InputFile]) -> Table {
    let rows = files.iter().map(|file| Row {
        cells: vec![Cell::text(&file.name), Cell::text(&file.sha256)],
        strong: false,
    });
    Table {
        caption: "Files that were read".to_owned(),
        columns: vec![column("File", false), column("SHA-256", false)],
        rows: rows.collect(),
    }
}
