//! The table of strategies with intervals, and the paired differences seed by seed.

use super::clock::Unit;
use super::{Ranked, Ranking};
use crate::sim::report::html::model::{Axis, Block, Cell, DotRow, Dots, Row, Table};
use crate::sim::report::page::{cell, column};
use crate::sim::statistics::Estimate;

/// The section.
pub(super) fn blocks(ranking: &Ranking) -> Vec<Block> {
    let differences = (ranking.seeds > 1).then(|| differences(ranking));
    let table = Block::Table(table(ranking));
    std::iter::once(table)
        .chain(differences.flatten())
        .collect()
}

/// A figure of a strategy.
type Figure = fn(&Ranked) -> &Estimate;

/// Figures that are times, with their titles; the difference stands behind the first.
const TIMES: [(&str, Figure); 4] = [
    ("Waiting time, mean", |entry| &entry.wait_mean),
    ("Half wait at most", |entry| &entry.wait_p50),
    ("99 % wait at most", |entry| &entry.wait_p99),
    ("Completion, mean", |entry| &entry.completion_mean),
];

fn table(ranking: &Ranking) -> Table {
    let caption = match ranking.seeds {
        1 => "One sample (a single replay of each), without intervals: one replay says nothing about \
              chance."
            .to_owned(),
        n => format!(
            "Means over {n} seeds, with their 95 % intervals below. ~ marks a strategy that cannot be told \
             apart from {}, under which jobs wait least.",
            ranking.best
        ),
    };
    let units = TIMES.map(|(_, figure)| Unit::of_all(ranking.strategies.iter().map(figure)));
    let differences = ranking
        .strategies
        .iter()
        .filter_map(|s| s.difference.as_ref());
    let apart = Unit::of_all(differences);
    let titled = |index: usize| {
        let (title, _) = TIMES[index];
        column(&format!("{title}, {}", units[index].name), true)
    };
    Table {
        caption,
        columns: vec![
            column("Strategy", false),
            titled(0),
            column(&format!("Against the best, {}", apart.name), true),
            titled(1),
            titled(2),
            titled(3),
            column("Allocated, % of GPU capacity", true),
            column("Stranded, GPU-hours", true),
        ],
        rows: ranking
            .ranked()
            .into_iter()
            .map(|entry| row(ranking, entry, units, apart))
            .collect(),
    }
}

fn row(ranking: &Ranking, entry: &Ranked, units: [Unit; 4], apart: Unit) -> Row {
    let time = |index: usize| units[index].cell(TIMES[index].1(entry));
    let difference = match &entry.difference {
        Some(difference) => Cell {
            text: format!("{}{}", mark(ranking, entry), apart.signed(difference.mean)),
            ..apart.cell(difference)
        },
        None => Cell::text("best"),
    };
    Row {
        cells: vec![
            Cell::text(&entry.strategy),
            time(0),
            difference,
            time(1),
            time(2),
            time(3),
            cell(&entry.allocated_percent, 2),
            cell(&entry.stranded_gpu_hours, 0),
        ],
        strong: entry.strategy == ranking.best,
    }
}

/// What stands before a difference that may be none; a single replay is labelled as a whole.
pub(super) fn mark(ranking: &Ranking, entry: &Ranked) -> &'static str {
    if entry.tied && ranking.seeds > 1 {
        "~ "
    } else {
        ""
    }
}

/// Each strategy held against the best, seed by seed.
fn differences(ranking: &Ranking) -> Option<Block> {
    let all = ranking.strategies.iter().flat_map(|s| &s.differences);
    let unit = Unit::of(all.fold(0.0, |most, d| d.abs().max(most)));
    let rows = ranking.ranked().into_iter().filter_map(|entry| {
        let difference = entry.difference?;
        let place = (ranking.strategies.iter()).position(|s| s.strategy == entry.strategy);
        let scaled = |x: f64| x / unit.seconds;
        Some(DotRow {
            name: entry.strategy.clone(),
            hue: place.unwrap_or(0),
            strong: false,
            values: entry.differences.iter().map(|d| scaled(*d)).collect(),
            mean: Some(scaled(difference.mean)),
            interval: difference.interval.map(|i| (scaled(i.low), scaled(i.high))),
            text: format!(
                "{}{} {}, ahead {} of {}",
                mark(ranking, entry),
                unit.signed(difference.mean),
                unit.name,
                entry.seeds_ahead,
                ranking.seeds
            ),
        })
    });
    let rows: Vec<_> = rows.collect();
    let values = rows.iter().flat_map(|row| row.values.iter().copied());
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let room = ((high - low) * 0.03).max(0.05);
    (!rows.is_empty()).then(|| {
        Block::Dots(Dots {
            caption: format!(
                "A dot is one seed: the mean waiting time under the strategy minus that under {} on the \
                 same jobs. The upright bar is the mean, the line its 95 % interval; one that reaches the \
                 line at 0 cannot be told apart (~). Beside it: on how many seeds jobs wait less than under \
                 {}.",
                ranking.best, ranking.best
            ),
            x: Axis {
                title: format!(
                    "Mean waiting time against {}, {}, seed by seed",
                    ranking.best, unit.name
                ),
                from: low - room,
                to: high + room,
                ..Axis::default()
            },
            rows,
            mark: Some((0.0, format!("{} = 0", ranking.best))),
        })
    })
}
