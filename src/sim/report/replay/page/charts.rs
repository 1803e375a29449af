//! Curves over simulated time: demand, the queue, stranded GPUs by cause. Means over the seeds.

use super::super::curves::CAUSES;
use super::clock;
use super::{Ranked, ReplayRun, Strategies, mean};
use crate::sim::report::html::model::{
    Areas, Axis, Bar, Bars, Block, Fill, Layer, Line, Lines, Point, Segment,
};

/// Points of a drawn curve.
const POINTS: usize = 180;
/// Names of the causes where there is little room.
const SHORT: [&str; 5] = ["pieces", "no room", "model", "held back", "unsampled"];

/// Evenly spaced moments from the first submission to the end of the longest run.
struct Grid {
    axis: Axis,
    unit: f64,
    moments: Vec<f64>,
}

impl Grid {
    fn of<'a>(runs: impl Iterator<Item = &'a ReplayRun>) -> Self {
        let span = runs.map(|run| run.series.width * run.series.allocated.len() as f64);
        let span = span.fold(0.0, f64::max).max(1e-3);
        let (axis, unit) = clock::axis(span);
        let step = span / POINTS as f64;
        Self {
            axis,
            unit,
            moments: (0..POINTS).map(|n| (n as f64 + 0.5) * step).collect(),
        }
    }

    /// Where the moments are on the axis.
    fn xs(&self) -> Vec<f64> {
        self.moments.iter().map(|at| at / self.unit).collect()
    }

    /// The mean over `runs` of what `value` says of the stretch around each moment; nothing after the
    /// end of a run.
    fn mean(&self, runs: &[ReplayRun], value: impl Fn(&ReplayRun, usize) -> f64) -> Vec<f64> {
        let at = |moment: &f64| {
            let values = runs.iter().map(|run| {
                let index = stretch(run, *moment);
                match index < run.series.allocated.len() {
                    true => value(run, index),
                    false => 0.0,
                }
            });
            mean(values)
        };
        self.moments.iter().map(at).collect()
    }

    /// GPUs of nodes that are up; after the end of a run as many as at its end.
    fn up(&self, runs: &[ReplayRun]) -> Vec<f64> {
        let at = |moment: &f64| {
            mean(runs.iter().map(|run| {
                let index = stretch(run, *moment);
                let last = run.series.up.len().saturating_sub(1);
                run.series.up.get(index.min(last)).copied().unwrap_or(0.0)
            }))
        };
        self.moments.iter().map(at).collect()
    }

    fn pairs(&self, values: &[f64]) -> Vec<(f64, f64)> {
        self.xs().into_iter().zip(values.iter().copied()).collect()
    }
}

/// The stretch of the run's series that `moment` is in, seconds.
#[allow(clippy::cast_sign_loss)]
fn stretch(run: &ReplayRun, moment: f64) -> usize {
    (moment / run.series.width) as usize
}

/// A curve of `values` for the strategy whose number is `hue`.
fn line(strategies: &Strategies<'_>, entry: &Ranked, hue: usize, points: &[(f64, f64)]) -> Line {
    let point = |&(x, y): &(f64, f64)| Point {
        x,
        y,
        low: y,
        high: y,
    };
    Line {
        name: entry.strategy.clone(),
        hue,
        strong: entry.strategy == strategies.best,
        points: points.iter().map(point).collect(),
    }
}

/// What is held, against what would be held if nobody waited; then the queue.
pub(super) fn demand(strategies: &Strategies<'_>) -> Vec<Block> {
    let grid = Grid::of(strategies.runs());
    let best = strategies.of_best();
    let lines = |value: fn(&ReplayRun, usize) -> f64| -> Vec<Line> {
        let groups = strategies.groups.iter().enumerate();
        let line = |(hue, (entry, runs)): (usize, &(&Ranked, &[ReplayRun]))| {
            line(strategies, entry, hue, &grid.pairs(&grid.mean(runs, value)))
        };
        groups.map(line).collect()
    };
    let held = lines(|run, at| run.series.allocated[at]);
    let asked = grid.mean(best, |run, at| {
        run.curves.asked.get(at).copied().unwrap_or(0.0)
    });
    let up = grid.up(best);
    let capacity = up.iter().copied().fold(0.0, f64::max);
    let most = asked.iter().copied().fold(capacity, f64::max);
    let shown = most.min(2.0 * capacity).max(1.0);
    let cut = match most > shown {
        true => " It is cut off at twice the capacity.",
        false => "",
    };
    let waiting = lines(|run, at| run.series.waiting_jobs[at]);
    let longest = waiting.iter().flat_map(|line| &line.points).map(|p| p.y);
    let longest = longest.fold(1.0, f64::max);
    let axis = |title: &str, to| Axis {
        title: title.to_owned(),
        from: 0.0,
        to,
        ..Axis::default()
    };
    vec![
        Block::Lines(Lines {
            caption: format!(
                "GPUs that jobs hold. The dotted line is demand: what they would hold if nobody waited.{cut} \
                 The thin line is the capacity that is up."
            ),
            x: grid.axis.clone(),
            y: axis("GPUs", shown),
            lines: held,
            reference: Some(("demand".to_owned(), grid.pairs(&asked))),
            ceiling: Some(("capacity".to_owned(), grid.pairs(&up))),
            key: true,
            ..Lines::default()
        }),
        Block::Heading("The queue".to_owned()),
        Block::Lines(Lines {
            caption: "Jobs that wait, gangs counting as one.".to_owned(),
            x: grid.axis.clone(),
            y: axis("Waiting jobs", longest * 1.03),
            lines: waiting,
            key: true,
            ..Lines::default()
        }),
    ]
}

/// GPU-hours stranded in a run, by cause.
fn hours(run: &ReplayRun) -> [f64; 5] {
    let mut sum = [0.0; 5];
    for index in 0..run.series.stranded.len() {
        for (sum, gpus) in sum.iter_mut().zip(run.series.causes(index)) {
            *sum += gpus * run.series.width / 3600.0;
        }
    }
    sum
}

/// Stranded GPU-hours of every strategy, then areas over time: the best, the others on demand.
pub(super) fn stranded(strategies: &Strategies<'_>) -> Vec<Block> {
    let bars: Vec<_> = strategies
        .groups
        .iter()
        .map(|(entry, runs)| {
            let hours: Vec<_> = runs.iter().map(hours).collect();
            let parts = (0..5).map(|cause| mean(hours.iter().map(|hours| hours[cause])));
            Bar {
                name: entry.strategy.clone(),
                strong: entry.strategy == strategies.best,
                parts: parts.collect(),
            }
        })
        .collect();
    let sums = bars.iter().map(|bar| bar.parts.iter().sum::<f64>());
    let most = sums.fold(0.0, f64::max);
    if most <= 0.0 {
        let none =
            "No GPU is ever stranded: whenever a job waits, fewer GPUs than it asks for are idle.";
        let mut blocks = vec![Block::Text(none.to_owned())];
        blocks.extend(areas(strategies));
        return blocks;
    }
    let used = |cause: usize| bars.iter().any(|bar| bar.parts[cause] > 0.0);
    let causes: Vec<usize> = (0..5).filter(|cause| used(*cause)).collect();
    let segments = causes.iter().map(|&cause| Segment {
        name: SHORT[cause].to_owned(),
        fill: Fill::Cause(cause),
    });
    let segments = segments.collect();
    let kept = bars.into_iter().map(|bar| Bar {
        parts: causes.iter().map(|&cause| bar.parts[cause]).collect(),
        ..bar
    });
    let bars = Block::Bars(Bars {
        caption: "GPU-hours stranded in a replay: idle while jobs that ask for as much wait. By what idle \
                  GPUs lacked for the waiting pods: pieces, too small a piece free on the node; no room, \
                  too few cores, memory or pods beside it; model, no waiting pod accepts it; held back, a \
                  waiting pod would fit, but the rest of its gang does not or the queue lets nobody pass; \
                  unsampled, nobody ever waited when causes were looked at."
            .to_owned(),
        segments,
        bars: kept.collect(),
        whole: most,
        unit: "GPU-hours".to_owned(),
    });
    std::iter::once(bars).chain(areas(strategies)).collect()
}

fn areas(strategies: &Strategies<'_>) -> Vec<Block> {
    let grid = Grid::of(strategies.runs());
    let is_best = |entry: &Ranked| entry.strategy == strategies.best;
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for (entry, runs) in &strategies.groups {
        let drawn = Block::Areas(area(&grid, entry, runs));
        if is_best(entry) {
            first.push(Block::Heading(format!("Under {}", entry.strategy)));
            first.push(drawn);
        } else {
            others.push(Block::Folded {
                summary: format!("Under {}", entry.strategy),
                blocks: vec![drawn],
            });
        }
    }
    first.into_iter().chain(others).collect()
}

fn area(grid: &Grid, entry: &Ranked, runs: &[ReplayRun]) -> Areas {
    let held = Layer {
        name: "allocated".to_owned(),
        fill: Fill::Used,
        values: grid.mean(runs, |run, at| run.series.allocated[at]),
    };
    let causes = CAUSES.iter().enumerate().map(|(cause, name)| Layer {
        name: format!("stranded: {name}"),
        fill: Fill::Cause(cause),
        values: grid.mean(runs, |run, at| run.series.causes(at)[cause]),
    });
    let causes = causes.filter(|layer| layer.values.iter().any(|v| *v > 0.0));
    let ceiling = grid.up(runs);
    let most = ceiling.iter().copied().fold(1.0, f64::max);
    Areas {
        caption: format!(
            "GPUs under {}. Coloured on top of what is allocated: stranded. What is left blank below the \
             line, the capacity that is up, is idle and nobody waits for it.",
            entry.strategy
        ),
        x: grid.axis.clone(),
        y: Axis {
            title: "GPUs".to_owned(),
            from: 0.0,
            to: most * 1.03,
            ..Axis::default()
        },
        xs: grid.xs(),
        layers: std::iter::once(held).chain(causes).collect(),
        ceiling,
    }
}
