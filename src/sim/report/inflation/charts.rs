//! The charts of one list: demand, differences, where GPUs are at the end, first refusals.

use super::super::html::model::{
    Axis, Bar, Bars, Block, DotRow, Dots, Fill, Line, Lines, Point, Segment,
};
use super::super::{Compared, Comparison, RunResult, SimulationResult};
use super::{number, signed, span};
use crate::sim::statistics::Estimate;

/// The runs of each strategy on the list, in the order of the results.
fn groups<'a>(list: &'a Comparison, result: &'a SimulationResult) -> Vec<&'a [RunResult]> {
    let same = |a: &RunResult, b: &RunResult| (&a.list, &a.strategy) == (&b.list, &b.strategy);
    let groups = result.runs.chunk_by(same);
    groups
        .filter(|g| g.first().is_some_and(|run| run.list == list.list))
        .collect()
}

/// Curves with bands: all of them, then the end of them enlarged.
pub(super) fn demand(list: &Comparison, result: &SimulationResult) -> Vec<Block> {
    let lines: Vec<_> = groups(list, result)
        .into_iter()
        .enumerate()
        .filter_map(|(hue, runs)| curve(list, hue, runs))
        .collect();
    let Some(last) = lines
        .iter()
        .flat_map(|l| l.points.last())
        .map(|p| p.x)
        .reduce(f64::max)
    else {
        return Vec::new();
    };
    let band = if list.seeds > 1 {
        format!(" Bands hold the middle half of {} seeds.", list.seeds)
    } else {
        String::new()
    };
    let axis = |title: &str, from, to| Axis {
        title: title.to_owned(),
        from,
        to,
        ..Axis::default()
    };
    let (asked, held) = ("GPU capacity asked for, %", "GPU capacity allocated, %");
    let whole = Lines {
        caption: format!(
            "As pods arrive, GPU capacity is allocated; the dotted line is all that was asked for. \
             Each curve ends with its name.{band}"
        ),
        x: axis(asked, 0.0, last),
        y: axis(held, 0.0, 100.0),
        lines,
        reference: Some((
            "all that is asked for".to_owned(),
            vec![(0.0, 0.0), (last.min(100.0), last.min(100.0))],
        )),
        band: band.clone(),
        ..Lines::default()
    };
    let enlarged = enlarged(&whole, last);
    let mut blocks = vec![Block::Lines(whole)];
    blocks.extend(enlarged.map(Block::Lines));
    blocks
}

fn curve(list: &Comparison, hue: usize, runs: &[RunResult]) -> Option<Line> {
    let first = runs.first()?;
    let points = (0..first.curve.len()).map(|percent| {
        let values = runs.iter().filter_map(|run| run.curve.get(percent));
        let mut values: Vec<f64> = values.copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        Point {
            x: percent as f64,
            y: values.iter().sum::<f64>() / values.len().max(1) as f64,
            low: quartile(&values, 1),
            high: quartile(&values, 3),
        }
    });
    Some(Line {
        name: first.strategy.clone(),
        hue,
        strong: first.strategy == list.best,
        points: points.collect(),
    })
}

/// The value below which `quarters` quarters of the sorted `values` lie, straight between neighbours.
fn quartile(values: &[f64], quarters: usize) -> f64 {
    let at = quarters * values.len().saturating_sub(1);
    let value = |index: usize| values.get(index).copied().unwrap_or(0.0);
    let (below, above) = (value(at / 4), value(at.div_ceil(4)));
    below + (at % 4) as f64 / 4.0 * (above - below)
}

/// The part where the curves part, if there is one.
fn enlarged(whole: &Lines, last: f64) -> Option<Lines> {
    let from = (last - 50.0).max(0.0);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut lines = whole.lines.clone();
    for line in &mut lines {
        line.points.retain(|point| point.x >= from);
        for point in &line.points {
            low = low.min(point.low);
            high = high.max(point.high);
        }
    }
    if from <= 0.0 || low > high {
        return None;
    }
    // From the bottom of the last value, with some room: what is below is in the whole chart.
    let ends = lines
        .iter()
        .filter_map(|line| line.points.last())
        .map(|p| p.low);
    let least = ends.fold(high, f64::min);
    let from_y = ((least - 0.3 * (high - least).max(1.0)) / 5.0).floor() * 5.0;
    for line in &mut lines {
        line.points.retain(|point| point.y >= from_y);
    }
    Some(Lines {
        caption: "The same, enlarged: the end of the curves. The axes do not begin at zero."
            .to_owned(),
        x: Axis {
            from,
            ..whole.x.clone()
        },
        y: Axis {
            from: from_y.max(0.0),
            to: ((high / 5.0).ceil() * 5.0).min(100.0),
            ..whole.y.clone()
        },
        lines,
        reference: None,
        band: whole.band.clone(),
        ..Lines::default()
    })
}

/// Each strategy held against the best, seed by seed.
pub(super) fn differences(list: &Comparison) -> Option<Block> {
    let rows: Vec<_> = list
        .ranked()
        .into_iter()
        .filter_map(|entry| Some((entry, entry.difference?)))
        .map(|(entry, difference)| DotRow {
            name: entry.strategy.clone(),
            hue: hue(list, entry),
            strong: false,
            values: entry.differences.clone(),
            mean: Some(difference.mean),
            interval: ends(&difference),
            text: format!(
                "{}{}, {}",
                if entry.tied { "~ " } else { "" },
                signed(difference.mean, 2),
                ahead(entry.seeds_ahead, list.seeds)
            ),
        })
        .collect();
    let title = format!("Percentage points against {}, seed by seed", list.best);
    let x = around(&rows, &title, Some(0.0))?;
    Some(Block::Dots(Dots {
        caption: format!(
            "A dot is one seed: the strategy's allocation minus that of {} on the same pods in the same \
             order. The upright bar is the mean, the line its 95 % interval; one that reaches the line \
             at 0 cannot be told apart (~). Beside it: on how many seeds it is ahead.",
            list.best
        ),
        x,
        rows,
        mark: Some((0.0, format!("{} = 0", list.best))),
    }))
}

fn ahead(seeds: usize, all: usize) -> String {
    format!("ahead {seeds} of {all}")
}

/// Allocated, fragmented and free GPUs.
pub(super) fn end(list: &Comparison, result: &SimulationResult) -> Block {
    let gpus = result.inputs.gpus as f64;
    let bar = |entry: &Compared| {
        let fragmented = entry.fragmented_percent.mean / 100.0 * gpus;
        let unallocated = entry.unallocated_gpus.mean;
        Bar {
            name: entry.strategy.clone(),
            strong: entry.strategy == list.best,
            parts: vec![
                gpus - unallocated,
                fragmented,
                (unallocated - fragmented).max(0.0),
            ],
        }
    };
    let segment = |name: &str, fill| Segment {
        name: name.to_owned(),
        fill,
    };
    Block::Bars(Bars {
        caption: "Fragmented GPUs are free but of no use to the pods one expects: too small a piece, \
                  too few cores beside it, or not an acceptable model, weighted by how often such pods \
                  come. What is left blank is free and useful."
            .to_owned(),
        segments: vec![
            segment("allocated", Fill::Used),
            segment("fragmented", Fill::Stranded),
            segment("free and useful", Fill::Free),
        ],
        bars: list.ranked().into_iter().map(bar).collect(),
        whole: gpus,
        unit: "GPUs".to_owned(),
    })
}

/// How much had been asked for when the first pod was refused.
pub(super) fn first_refusal(list: &Comparison, result: &SimulationResult) -> Vec<Block> {
    let groups = groups(list, result);
    let rows: Vec<_> = list
        .ranked()
        .into_iter()
        .filter_map(|entry| {
            let hue = hue(list, entry);
            let runs = groups.get(hue)?;
            let first = runs.first()?;
            let values: Vec<f64> = runs
                .iter()
                .filter_map(|r| r.first_refusal_percent)
                .collect();
            let estimate = list.get(&first.strategy)?.first_refusal_percent;
            let text = match (&estimate, values.len()) {
                (Some(estimate), 1) => format!("{} %", number(estimate.mean, 1)),
                (Some(estimate), _) => {
                    format!("{} % ({})", number(estimate.mean, 1), span(estimate, 1))
                }
                (None, 0) => "none".to_owned(),
                (None, some) => format!("in {some} of {} runs", runs.len()),
            };
            Some(DotRow {
                name: first.strategy.clone(),
                hue,
                strong: first.strategy == list.best,
                values,
                mean: estimate.map(|e| e.mean),
                interval: estimate.as_ref().and_then(ends),
                text,
            })
        })
        .collect();
    let Some(mut x) = around(
        &rows,
        "GPU capacity asked for at the first refusal, %",
        None,
    ) else {
        return vec![Block::Text("No pod was refused.".to_owned())];
    };
    x.from = 0.0;
    vec![Block::Dots(Dots {
        caption: "Later is better: until then everybody got what they asked for. A dot is one seed, the \
                  upright bar the mean, the line its 95 % interval. A strategy may refuse large pods \
                  early and still end high, by filling up with small ones."
            .to_owned(),
        x,
        rows,
        mark: None,
    })]
}

/// The colour of a strategy: its place in the results.
fn hue(list: &Comparison, entry: &Compared) -> usize {
    let place = list
        .strategies
        .iter()
        .position(|other| other.strategy == entry.strategy);
    place.unwrap_or(0)
}

fn ends(estimate: &Estimate) -> Option<(f64, f64)> {
    estimate.interval.map(|i| (i.low, i.high))
}

/// An axis that holds all values of `rows` and `also`; none if there is no value.
fn around(rows: &[DotRow], title: &str, also: Option<f64>) -> Option<Axis> {
    let values = rows.iter().flat_map(|row| row.values.iter().copied());
    let values = values.chain(rows.iter().filter_map(|row| row.mean));
    let (low, high) = values.fold(None, |ends: Option<(f64, f64)>, value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })?;
    let (low, high) = also.map_or((low, high), |also| (low.min(also), high.max(also)));
    let room = ((high - low) * 0.03).max(0.05);
    Some(Axis {
        title: title.to_owned(),
        from: low - room,
        to: high + room,
        ..Axis::default()
    })
}
