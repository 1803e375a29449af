//! Waiting times: curves by size, tables by size and tenant, and how far gangs are spread.

use super::super::curves::{Waits, limit};
use super::super::run::Group;
use super::clock::{self, time};
use super::{ReplayRun, Strategies, counted, mean};
use crate::sim::report::html::model::{
    Axis, Block, Cell, Column, Line, Lines, Panels, Point, Row, Table,
};
use crate::sim::report::page::{column, number};

/// The section.
pub(super) fn blocks(strategies: &Strategies<'_>) -> Vec<Block> {
    let sizes = names(strategies.runs().flat_map(|run| &run.by_size));
    let mut blocks = vec![
        Block::Panels(Panels {
            caption: "Of the jobs of one size, how many have started after how long. The scale of time is \
                      logarithmic: a curve that is further up and to the left is better. Jobs that never \
                      start count in the whole, so that their curve stays below 100 %; a curve begins with \
                      the jobs that wait no longer than a second."
                .to_owned(),
            charts: panels(strategies),
        }),
        Block::Folded {
            summary: "Waiting times by size, all strategies".to_owned(),
            blocks: vec![Block::Table(by_size(strategies, &sizes))],
        },
    ];
    let tenants = names(strategies.of_best().iter().flat_map(|run| &run.by_tenant));
    if !tenants.is_empty() {
        blocks.push(Block::Folded {
            summary: format!("Waiting times by tenant, under {}", strategies.best),
            blocks: vec![Block::Table(by_tenant(strategies, &tenants))],
        });
    }
    blocks
}

fn names<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for group in groups {
        if !names.contains(&group.name.as_str()) {
            names.push(&group.name);
        }
    }
    names
}

/// A panel a size, the smallest first.
fn panels(strategies: &Strategies<'_>) -> Vec<(String, Lines)> {
    let mut sizes: Vec<&str> = Vec::new();
    for waits in strategies.runs().flat_map(|run| &run.curves.waits) {
        if !sizes.contains(&waits.name) {
            sizes.push(waits.name);
        }
    }
    let axis = clock::waiting(longest(strategies));
    let panel = |size: &str| {
        let groups = strategies.groups.iter().enumerate();
        let lines = groups.map(|(hue, (entry, runs))| Line {
            name: entry.strategy.clone(),
            hue,
            strong: entry.strategy == strategies.best,
            points: curve(runs, size, axis.to),
        });
        let lines = Lines {
            caption: format!("Jobs of the size: {size}."),
            x: axis.clone(),
            y: Axis {
                title: "Jobs that have started, %".to_owned(),
                from: 0.0,
                to: 100.0,
                ..Axis::default()
            },
            lines: lines.collect(),
            key: true,
            ..Lines::default()
        };
        (size.to_owned(), lines)
    };
    sizes.into_iter().map(panel).collect()
}

/// After how many seconds no curve rises any more.
fn longest(strategies: &Strategies<'_>) -> f64 {
    let steps = strategies.runs().flat_map(|run| &run.curves.waits);
    let last = |waits: &Waits| {
        let all = waits.at_most.last();
        waits.at_most.iter().position(|count| Some(count) == all)
    };
    limit(steps.filter_map(last).max().unwrap_or(0))
}

/// The share of jobs of `size` by decimal logarithm of their waiting time.
fn curve(runs: &[ReplayRun], size: &str, to: f64) -> Vec<Point> {
    let of_size = |run: &'_ ReplayRun| -> Option<(u64, Vec<u64>)> {
        let waits = run.curves.waits.iter().find(|waits| waits.name == size)?;
        Some((waits.jobs, waits.at_most.clone()))
    };
    let groups: Vec<_> = runs.iter().filter_map(of_size).collect();
    let jobs: u64 = groups.iter().map(|(jobs, _)| jobs).sum();
    let steps = groups.iter().map(|(_, at_most)| at_most.len()).max();
    let points = (0..steps.unwrap_or(0)).map(|step| {
        let started: u64 = groups.iter().map(|(_, at_most)| at_most[step]).sum();
        let y = 100.0 * started as f64 / jobs.max(1) as f64;
        Point {
            x: limit(step).log10(),
            y,
            low: y,
            high: y,
        }
    });
    points.take_while(|point| point.x <= to + 1e-9).collect()
}

fn columns(first: &[&str]) -> Vec<Column> {
    let first = first.iter().map(|title| column(title, false));
    let numbers = ["Jobs", "Never started", "Mean", "50 %", "90 %", "99 %"];
    first
        .chain(numbers.map(|title| column(title, true)))
        .collect()
}

/// Means over `groups`, one a run.
fn cells(groups: &[&Group]) -> Vec<Cell> {
    let of = |value: fn(&Group) -> f64| mean(groups.iter().map(|group| value(group)));
    let times: [fn(&Group) -> f64; 4] = [
        |group| group.wait.mean,
        |group| group.wait.p50,
        |group| group.wait.p90,
        |group| group.wait.p99,
    ];
    let counts: [fn(&Group) -> f64; 2] =
        [|group| group.jobs as f64, |group| group.unstarted as f64];
    let counts = counts.map(|value| counted(of(value)));
    let times = times.map(|value| time(of(value)));
    counts.into_iter().chain(times).map(Cell::text).collect()
}

fn by_size(strategies: &Strategies<'_>, sizes: &[&str]) -> Table {
    let mut rows = Vec::new();
    for size in sizes {
        for (entry, runs) in &strategies.groups {
            let groups = runs.iter().flat_map(|run| &run.by_size);
            let groups: Vec<_> = groups.filter(|group| group.name == *size).collect();
            let first = [*size, entry.strategy.as_str()].map(Cell::text);
            rows.push(Row {
                cells: first.into_iter().chain(cells(&groups)).collect(),
                strong: entry.strategy == strategies.best,
            });
        }
    }
    Table {
        caption: "Waiting times of the jobs that started: mean, and what 50, 90 and 99 % of them wait at \
                  most; means over the seeds."
            .to_owned(),
        columns: columns(&["Job asks for", "Strategy"]),
        rows,
    }
}

fn by_tenant(strategies: &Strategies<'_>, tenants: &[&str]) -> Table {
    let rows = tenants.iter().map(|tenant| {
        let groups = strategies.of_best().iter().flat_map(|run| &run.by_tenant);
        let groups: Vec<_> = groups.filter(|group| group.name == *tenant).collect();
        let name = if tenant.is_empty() { "(none)" } else { tenant };
        Row {
            cells: std::iter::once(Cell::text(name))
                .chain(cells(&groups))
                .collect(),
            strong: false,
        }
    });
    Table {
        caption: format!(
            "Under {}, the tenant with most jobs first; means over the seeds.",
            strategies.best
        ),
        columns: columns(&["Tenant"]),
        rows: rows.collect(),
    }
}

/// On how many nodes gangs were, and on how few they could have been.
pub(super) fn gangs(strategies: &Strategies<'_>) -> Vec<Block> {
    let rows = strategies.groups.iter().map(|(entry, runs)| {
        let of = |value: fn(&ReplayRun) -> f64| mean(runs.iter().map(value));
        Row {
            cells: vec![
                Cell::text(&entry.strategy),
                Cell::text(counted(of(|run| run.gangs.jobs as f64))),
                Cell::text(number(of(|run| run.gangs.mean_nodes), 2)),
                Cell::text(number(of(|run| run.gangs.mean_nodes_needed), 2)),
                Cell::text(number(of(|run| run.gangs.spread_percent), 1)),
            ],
            strong: entry.strategy == strategies.best,
        }
    });
    vec![Block::Table(Table {
        caption: "Jobs of several pods that started: the nodes they were on, and how few their GPUs need."
            .to_owned(),
        columns: vec![
            column("Strategy", false),
            column("Gangs", true),
            column("Nodes, mean", true),
            column("Nodes needed, mean", true),
            column("On more than needed, %", true),
        ],
        rows: rows.collect(),
    })]
}
