//! The report of pouring pods in: which strategy packs most, and what it looks like.

mod charts;
mod method;
mod refused;
mod verdict;

use super::html::model::{Block, Cell, Report, Row, Table};
use super::manifest::Manifest;
use super::page::{
    self, cell, column, count, listed, number, section, signed, source_name, span, whole,
};
use super::{Compared, Comparison, SimulationResult, packing};
use crate::sim::detail::Detail;

/// Lists whose charts are drawn; the others are in the tables.
const MOST_CHARTS: usize = 24;

/// Everything the report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The results.
    pub result: &'a SimulationResult,
    /// The strategies against each other.
    pub comparison: &'a [Comparison],
    /// One run in detail.
    pub detail: &'a Detail,
    /// What was asked for.
    pub manifest: &'a Manifest,
}

/// The report.
#[must_use]
pub fn report(evidence: Evidence<'_>) -> Report {
    let Evidence {
        result,
        comparison,
        detail,
        manifest,
    } = evidence;
    Report {
        title: format!(
            "Placement strategies on {}",
            source_name(&result.inputs.trace)
        ),
        subtitle: subtitle(manifest),
        verdict: verdict::verdict(comparison, manifest, &detail.run),
        sections: vec![
            section("strategies", "Strategies compared", strategies(comparison)),
            section(
                "demand",
                "Allocation against demand",
                each(comparison, |c| charts::demand(c, result)),
            ),
            section(
                "end",
                "Where the GPUs are at the end",
                each(comparison, |c| vec![charts::end(c, result)]),
            ),
            section(
                "first-refusal",
                "When the first pod is refused",
                each(comparison, |c| charts::first_refusal(c, result)),
            ),
            section(
                "map",
                "The cluster at the end of one run",
                packing::blocks(&moment(detail), &detail.nodes),
            ),
            section(
                "refused",
                "Refused pods of that run",
                refused::blocks(detail),
            ),
            section("method", "Method and caveats", method::blocks(evidence)),
            section("manifest", "Manifest", method::manifest(manifest)),
        ],
    }
}

fn subtitle(manifest: &Manifest) -> String {
    let inputs = &manifest.scenario;
    format!(
        "{}, {} · {} · {} · {}",
        count(inputs.nodes, "node", "nodes"),
        count(inputs.gpus as usize, "GPU", "GPUs"),
        count(inputs.lists.len(), "list of pods", "lists of pods"),
        count(inputs.policies.len(), "strategy", "strategies"),
        count(inputs.seeds.len(), "seed", "seeds"),
    )
}

/// Of which moment the map is.
fn moment(detail: &Detail) -> String {
    let run = &detail.run;
    format!(
        "Strategy {}, seed {}, list {}: every GPU after the last pod has arrived.",
        run.policy, run.seed, run.list
    )
}

/// `of` for every list, under its name if there are several.
fn each(comparison: &[Comparison], of: impl Fn(&Comparison) -> Vec<Block>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (index, list) in comparison.iter().enumerate().take(MOST_CHARTS) {
        let drawn = of(list);
        match (comparison.len(), index) {
            (1, _) => blocks.extend(drawn),
            (_, 0) => {
                blocks.push(Block::Heading(format!("List {}", list.list)));
                blocks.extend(drawn);
            }
            // Others than the first on demand: a page of thirty charts hides all of them.
            _ => blocks.push(Block::Folded {
                summary: format!("List {}", list.list),
                blocks: drawn,
            }),
        }
    }
    if comparison.len() > MOST_CHARTS {
        let text = format!(
            "Charts are drawn for the first {MOST_CHARTS} lists; series.csv has the curves of all {}.",
            comparison.len()
        );
        blocks.push(Block::Text(text));
    }
    blocks
}

fn strategies(comparison: &[Comparison]) -> Vec<Block> {
    let several = comparison.len() > 1;
    let overview = several.then(|| Block::Table(overview(comparison)));
    let of_list = |list: &Comparison| {
        let differences = (list.seeds > 1).then(|| charts::differences(list));
        let table = Block::Table(table(list, several));
        std::iter::once(table)
            .chain(differences.flatten())
            .collect()
    };
    overview
        .into_iter()
        .chain(each(comparison, of_list))
        .collect()
}

/// A row a list: which strategy is the best there, and by how much.
fn overview(comparison: &[Comparison]) -> Table {
    let row = |list: &Comparison| {
        let ranked = list.ranked();
        let next = ranked.iter().find(|entry| entry.strategy != list.best);
        let lead = next.and_then(|next| Some((next, next.difference?.negated())));
        let mark = |tied: bool| if tied && list.seeds > 1 { "~ " } else { "" };
        Row {
            cells: vec![
                Cell::text(&list.list),
                Cell::text(&list.best),
                list.get(&list.best)
                    .map_or_else(Cell::default, |best| cell(&best.allocated_percent, 2)),
                Cell::text(next.map_or("", |next| &next.strategy)),
                lead.map_or_else(Cell::default, |(next, lead)| Cell {
                    text: format!("{}{}", mark(next.tied), number(lead.mean, 2)),
                    ..cell(&lead, 2)
                }),
            ],
            strong: false,
        }
    };
    Table {
        caption:
            "The best strategy of each list, and its lead over the next in percentage points, with \
                  95 % intervals over the seeds; ~: cannot be told apart."
                .to_owned(),
        columns: vec![
            column("List", false),
            column("Best", false),
            column("Allocated, % of GPU capacity", true),
            column("Next", false),
            column("Lead, points", true),
        ],
        rows: comparison.iter().map(row).collect(),
    }
}

fn table(list: &Comparison, several: bool) -> Table {
    let on = if several {
        format!("List {}: ", list.list)
    } else {
        String::new()
    };
    let means = if several { "means" } else { "Means" };
    let caption = match list.seeds {
        1 => format!(
            "{on}One sample (a single seed), without intervals: one run says nothing about chance."
        ),
        n => format!(
            "{on}{means} over {n} seeds, with their 95 % intervals below. ~ marks a strategy that cannot \
             be told apart from {}, the best.",
            list.best
        ),
    };
    Table {
        caption,
        columns: vec![
            column("Strategy", false),
            column("Allocated, % of GPU capacity", true),
            column("Against the best, points", true),
            column("GPUs not allocated", true),
            column("Fragmented, % of GPU capacity", true),
            column("Pods refused", true),
            column("First refusal, at % asked for", true),
        ],
        rows: list
            .ranked()
            .into_iter()
            .map(|entry| row(list, entry))
            .collect(),
    }
}

fn row(list: &Comparison, entry: &Compared) -> Row {
    let best = entry.strategy == list.best;
    let difference = match &entry.difference {
        Some(difference) => Cell {
            text: format!(
                "{}{}",
                if entry.tied && list.seeds > 1 {
                    "~ "
                } else {
                    ""
                },
                signed(difference.mean, 2)
            ),
            ..cell(difference, 2)
        },
        None => Cell::text("best"),
    };
    let first = entry.first_refusal_percent.as_ref();
    Row {
        cells: vec![
            Cell::text(&entry.strategy),
            cell(&entry.allocated_percent, 2),
            difference,
            cell(&entry.unallocated_gpus, 1),
            cell(&entry.fragmented_percent, 2),
            cell(&entry.refused_pods, 1),
            first.map_or_else(|| Cell::text("none"), |first| cell(first, 1)),
        ],
        strong: best,
    }
}
