//! Replays as a table for the terminal, as Markdown and as CSV.

use std::fmt::Write as _;

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, Table, TableStyle};

use super::{ReplayResult, ReplayRun};
use crate::sim::metrics::Spread;

/// Tables for the terminal.
#[must_use]
pub fn table(result: &ReplayResult) -> String {
    build(result, UTF8_FULL_CONDENSED, "\n")
}

/// Markdown tables.
#[must_use]
pub fn markdown(result: &ReplayResult) -> String {
    build(result, ASCII_MARKDOWN, " ")
}

fn build(result: &ReplayResult, style: TableStyle, gap: &str) -> String {
    let mut tables = vec![headline(result, style, gap), sizes(result, style, gap)];
    if !result.comparisons.is_empty() {
        tables.push(differences(result, style, gap));
    }
    let tables: Vec<_> = tables.iter().map(|table| format!("{table}\n")).collect();
    tables.join(gap.trim_matches(' ')) + &notes(result)
}

fn new(style: TableStyle, gap: &str, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(style);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(header.iter().map(|name| name.replace('_', gap)));
    table
}

fn add(table: &mut Table, cells: Vec<String>) {
    let cells = cells.into_iter().enumerate().map(|(index, text)| {
        let cell = Cell::new(text);
        match index {
            0 => cell,
            _ => cell.set_alignment(CellAlignment::Right),
        }
    });
    table.add_row(cells.collect::<Vec<_>>());
}

fn headline(result: &ReplayResult, style: TableStyle, gap: &str) -> Table {
    let header = [
        "strategy",
        "allocated_%",
        "GPU-hours_stranded",
        "wait_mean",
        "_p50",
        "_p90",
        "_p99",
        "completion_mean",
        "slowdown_mean",
        "makespan_",
        "jobs_waiting",
        "_refused",
        "_lost",
    ];
    let mut table = new(style, gap, &header);
    let seconds = |spread: &Spread| time(spread.mean);
    for entry in &result.summary {
        let cells = vec![
            entry.strategy.clone(),
            format!("{:.2}", entry.allocated_percent.mean),
            format!("{:.0}", entry.stranded_gpu_hours.mean),
            seconds(&entry.wait_mean),
            seconds(&entry.wait_p50),
            seconds(&entry.wait_p90),
            seconds(&entry.wait_p99),
            seconds(&entry.completion_mean),
            format!("{:.2}", entry.slowdown_mean.mean),
            time(entry.makespan_hours.mean * 3600.0),
            format!("{:.1}", entry.waiting_jobs.mean),
            format!("{:.1}", entry.refused_jobs.mean),
            format!("{:.1}", entry.lost_jobs.mean),
        ];
        add(&mut table, cells);
    }
    table
}

/// Waiting times by size, means over seeds of mean and 99th percentile.
fn sizes(result: &ReplayResult, style: TableStyle, gap: &str) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for group in result.runs.iter().flat_map(|run| &run.by_size) {
        if !names.contains(&group.name.as_str()) {
            names.push(&group.name);
        }
    }
    let titles: Vec<_> = names
        .iter()
        .map(|n| format!("{n}_wait mean / p99"))
        .collect();
    let mut header = vec!["strategy"];
    header.extend(titles.iter().map(String::as_str));
    let gangs = result.runs.iter().any(|run| run.gangs.jobs > 0);
    if gangs {
        header.extend(["gangs' nodes_(needed)", "gangs_spread %"]);
    }
    let mut table = new(style, gap, &header);
    for runs in result.runs.chunk_by(|a, b| a.strategy == b.strategy) {
        let mut cells = vec![runs[0].strategy.clone()];
        cells.extend(names.iter().map(|name| {
            let groups = runs.iter().flat_map(|run| &run.by_size);
            let groups: Vec<_> = groups.filter(|group| group.name == *name).collect();
            let mean = |value: fn(&super::Group) -> f64| mean(groups.iter().map(|g| value(g)));
            format!(
                "{} / {}",
                time(mean(|g| g.wait.mean)),
                time(mean(|g| g.wait.p99))
            )
        }));
        let of = |value: fn(&ReplayRun) -> f64| mean(runs.iter().map(value));
        if gangs {
            let nodes = of(|run| run.gangs.mean_nodes);
            let needed = of(|run| run.gangs.mean_nodes_needed);
            cells.push(format!("{nodes:.2} ({needed:.2})"));
            cells.push(format!("{:.1}", of(|run| run.gangs.spread_percent)));
        }
        add(&mut table, cells);
    }
    table
}

fn differences(result: &ReplayResult, style: TableStyle, gap: &str) -> Table {
    let against = result.comparisons[0].against.as_str();
    let first = format!("against_{against}");
    let header = [
        first.as_str(),
        "wait_mean",
        "wait_p99",
        "completion_mean",
        "allocated_% points",
        "GPU-hours_stranded",
    ];
    let mut table = new(style, gap, &header);
    for entries in result.comparisons.chunk_by(|a, b| a.strategy == b.strategy) {
        let mut cells = vec![entries[0].strategy.clone()];
        cells.extend(entries.iter().map(|entry| {
            let show: fn(f64) -> String = match entry.figure {
                "allocatedPercent" => |x| format!("{x:+.2}"),
                "strandedGpuHours" => |x| format!("{x:+.0}"),
                _ => signed_time,
            };
            let mean = show(entry.difference.mean);
            let mark = if entry.open { "~ " } else { "" };
            match entry.difference.interval {
                Some((low, high)) => format!("{mark}{mean} [{}, {}]", show(low), show(high)),
                None => format!("{mark}{mean}"),
            }
        }));
        add(&mut table, cells);
    }
    table
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for number in numbers {
        sum += number;
        count += 1;
    }
    sum / f64::from(count.max(1))
}

fn signed_time(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "+" };
    format!("{sign}{}", time(seconds.abs()))
}

/// Seconds in the unit that reads best.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

/// What one must know to read the tables.
fn notes(result: &ReplayResult) -> String {
    let inputs = &result.inputs;
    let mut text = format!(
        "{} jobs on {} nodes, {} GPUs ({}); offered load {}; queue {}.\n",
        inputs.jobs,
        inputs.nodes,
        inputs.gpus,
        inputs.cluster,
        inputs
            .offered_percent
            .map_or("not bounded".to_owned(), |load| format!("{load:.1} %")),
        inputs.queue,
    );
    if let Some(failures) = &inputs.failures {
        let of = |value: fn(&ReplayRun) -> f64| mean(result.runs.iter().map(value));
        let _ = writeln!(
            text,
            "Failures ({failures}): {:.1} starts of jobs and {:.0} GPU-hours in vain a replay.",
            of(|run| run.jobs.failures as f64),
            of(|run| run.lost_gpu_hours),
        );
    }
    match inputs.seeds.len() {
        1 => text += "One sample: a single replay says nothing about chance; ~ throughout.\n",
        seeds => {
            let varied = inputs.varied;
            let _ = writeln!(
                text,
                "Means over {seeds} seeds, which vary {varied}; differences are of pairs of equal seeds, \
                 with 95 % bootstrap intervals; ~: the interval contains 0.",
            );
        }
    }
    let _ = writeln!(text, "Digest {}", result.digest);
    text
}

/// One CSV line a replay.
#[must_use]
pub fn csv(result: &ReplayResult) -> String {
    let mut text = String::from(
        "strategy,seed,jobs,ended,running,waiting,refused,lost,failures,allocated_percent,\
         demand_met_percent,stranded_gpu_hours,lost_gpu_hours,wait_mean_s,wait_p50_s,wait_p90_s,\
         wait_p99_s,completion_mean_s,completion_p99_s,slowdown_mean,makespan_hours\n",
    );
    for run in &result.runs {
        let jobs = &run.jobs;
        let name = match run.strategy.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", run.strategy.replace('"', "\"\"")),
            false => run.strategy.clone(),
        };
        let _ = writeln!(
            text,
            "{name},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            run.seed,
            jobs.submitted,
            jobs.ended,
            jobs.running,
            jobs.waiting,
            jobs.refused,
            jobs.lost,
            jobs.failures,
            run.allocated_percent,
            run.demand_met_percent,
            run.stranded_gpu_hours,
            run.lost_gpu_hours,
            run.wait.mean,
            run.wait.p50,
            run.wait.p90,
            run.wait.p99,
            run.completion.mean,
            run.completion.p99,
            run.slowdown.mean,
            run.makespan_hours,
        );
    }
    text
}
