//! Results as a table for the terminal, as Markdown and as CSV.

use std::fmt::Write as _;

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{Attribute, Cell, CellAlignment, Row, Table, TableStyle};

use super::{SimulationResult, Summary};
use crate::sim::metrics::Spread;

/// A table for the terminal; `bold` marks the best strategy of each list with weight as well.
#[must_use]
pub fn table(result: &SimulationResult, bold: bool) -> String {
    let mut text = format!("{}\n", build(result, UTF8_FULL_CONDENSED, bold, "\n"));
    text.push_str(&notes(result));
    text
}

/// A Markdown table.
#[must_use]
pub fn markdown(result: &SimulationResult) -> String {
    format!(
        "{}\n\n{}",
        build(result, ASCII_MARKDOWN, false, " "),
        notes(result)
    )
}

fn build(result: &SimulationResult, preset: TableStyle, bold: bool, gap: &str) -> Table {
    let mut table = Table::new();
    table.load_style(preset);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    let lists = result.inputs.lists.len() > 1;
    let timed = result.summary.iter().any(|s| s.decision_micros.is_some());
    table.set_header(
        header(lists, timed)
            .iter()
            .map(|name| name.replace('_', gap)),
    );
    for entry in &result.summary {
        let best = result.best(&entry.list) == Some(&entry.strategy);
        let mut row = Row::new();
        for (index, text) in cells(entry, lists, timed, best).into_iter().enumerate() {
            let mut cell = Cell::new(text);
            if index > usize::from(lists) {
                cell = cell.set_alignment(CellAlignment::Right);
            }
            if best && bold {
                cell = cell.add_attribute(Attribute::Bold);
            }
            row.add_cell(cell);
        }
        table.add_row(row);
    }
    table
}

fn header(lists: bool, timed: bool) -> Vec<&'static str> {
    let mut header = vec!["list"];
    header.truncate(usize::from(lists));
    header.extend([
        "strategy",
        "allocated_%",
        "±_sd",
        "GPUs_unallocated",
        "GPUs_fragmented",
        "pods_refused",
        "first refusal_at % asked",
    ]);
    if timed {
        header.extend(["decision_p50 µs", "_p99 µs"]);
    }
    header
}

fn cells(entry: &Summary, lists: bool, timed: bool, best: bool) -> Vec<String> {
    let mut cells = vec![entry.list.clone()];
    cells.truncate(usize::from(lists));
    let mark = if best { " *" } else { "" };
    let mean = |spread: &Spread, decimals: usize| format!("{:.decimals$}", spread.mean);
    cells.extend([
        format!("{}{mark}", entry.strategy),
        mean(&entry.allocated_percent, 2),
        format!("{:.2}", entry.allocated_percent.sd),
        mean(&entry.unallocated_gpus, 1),
        mean(&entry.fragmented_gpus, 1),
        mean(&entry.refused_pods, 1),
        match &entry.first_refusal_percent {
            Some(spread) => mean(spread, 1),
            None => "none".to_owned(),
        },
    ]);
    if timed {
        let time = |value: Option<f64>| value.map_or(String::new(), |t| format!("{t:.1}"));
        cells.push(time(entry.decision_micros.map(|t| t.p50)));
        cells.push(time(entry.decision_micros.map(|t| t.p99)));
    }
    cells
}

/// What one must know to read the table.
fn notes(result: &SimulationResult) -> String {
    let inputs = &result.inputs;
    let published = result
        .runs
        .iter()
        .filter(|run| run.arrivals == "published")
        .count();
    let order = match result.runs.len() - published {
        0 => "as published".to_owned(),
        drawn if published == 0 => format!("drawn from the seed in all {drawn} runs"),
        drawn => format!("as published in {published} runs, drawn from the seed in {drawn}"),
    };
    let mut text = format!(
        "{} nodes, {} GPUs; load {}; means over {} runs a row; * most allocated.\n\
         Arrival order: {order}.\n",
        inputs.nodes,
        inputs.gpus,
        inputs.load,
        result.summary.iter().map(|s| s.runs).max().unwrap_or(0),
    );
    let _ = writeln!(text, "Digest {}", result.digest);
    text
}

/// One CSV line a run, without the curves.
#[must_use]
pub fn csv(result: &SimulationResult) -> String {
    let mut text = String::from(
        "list,strategy,seed,arrivals,arrived_pods,refused_pods,first_refusal_percent,\
         allocated_percent,unallocated_gpus,fragmented_percent\n",
    );
    for run in &result.runs {
        let first = run
            .first_refusal_percent
            .map_or(String::new(), |p| p.to_string());
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{first},{},{},{}",
            quoted(&run.list),
            quoted(&run.strategy),
            run.seed,
            run.arrivals,
            run.arrived_pods,
            run.refused_pods,
            run.allocated_percent,
            run.unallocated_gpus,
            run.fragmented_percent
        );
    }
    text
}

pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
