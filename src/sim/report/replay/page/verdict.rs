//! The verdict: one sentence that says no more than the numbers do.

use super::clock::{Unit, time};
use super::strategies::mark;
use super::{Evidence, Ranked, Ranking, counted};
use crate::sim::report::html::model::{Tile, Verdict};
use crate::sim::report::page::{self, listed, number};
use crate::sim::statistics::Estimate;

/// Seeds below which the bootstrap interval is known to be too narrow.
const FEW_SEEDS: usize = 10;

/// What came out.
pub(super) fn verdict(evidence: Evidence<'_>) -> Verdict {
    let ranking = evidence.ranking;
    let Some(best) = ranking.get(&ranking.best) else {
        return Verdict {
            sentence: "No replay was finished.".to_owned(),
            ..Verdict::default()
        };
    };
    Verdict {
        sentence: sentence(ranking, best),
        remarks: remarks(evidence, best),
        tiles: tiles(evidence, best),
    }
}

fn sentence(ranking: &Ranking, best: &Ranked) -> String {
    let (name, waits) = (&best.strategy, time(best.wait_mean.mean));
    let ranked = ranking.ranked();
    if ranked.iter().all(|entry| entry.wait_mean.mean == 0.0) {
        let sample = if ranking.seeds == 1 {
            "One sample: "
        } else {
            ""
        };
        let nobody = if sample.is_empty() {
            "Nobody"
        } else {
            "nobody"
        };
        return format!("{sample}{nobody} waits: every job that starts does so at once.");
    }
    let next = ranked.iter().find(|entry| entry.strategy != ranking.best);
    let Some(next) = next else {
        return alone(ranking, best);
    };
    let ahead = |entry: &Ranked| time(entry.difference.map_or(0.0, |d| d.mean));
    if ranking.seeds == 1 {
        return match next.difference.is_some_and(|d| d.mean > 0.0) {
            true => format!(
                "One sample: in a single replay, jobs wait least under {name}, {waits} on average, {} less \
                 than under {}.",
                ahead(next),
                next.strategy
            ),
            false => format!(
                "One sample: in a single replay, jobs wait as long under {name} as under {}, {waits} on \
                 average.",
                next.strategy
            ),
        };
    }
    let tied: Vec<_> = ranked.iter().filter(|entry| entry.tied).collect();
    if tied.is_empty() {
        return format!(
            "Jobs wait least under {name}: {waits} on average, {} less than under {}, the next best (95 % \
             interval {}).",
            ahead(next),
            next.strategy,
            interval(next.difference.as_ref())
        );
    }
    let who = who(name, &tied, ranked.len());
    let other = |entry: &&&&Ranked| entry.differences.iter().any(|d| *d != 0.0);
    match tied.iter().find(other) {
        None => format!(
            "{who} make no difference: jobs wait {waits} on average under each, on every seed."
        ),
        Some(first) => format!(
            "{who} cannot be told apart (~): jobs wait {waits} on average under {name}, {} less than under {} \
             (95 % interval {}).",
            ahead(first),
            first.strategy,
            interval(first.difference.as_ref())
        ),
    }
}

/// The best and those that cannot be told apart from it: by name while they are few.
fn who(best: &str, tied: &[&&Ranked], all: usize) -> String {
    let names = std::iter::once(best).chain(tied.iter().map(|entry| entry.strategy.as_str()));
    let names: Vec<_> = names.collect();
    match names.len() {
        n if n == all && n > 3 => format!("All {n} strategies"),
        n if n > 4 => format!("{best} and {} other strategies", n - 1),
        _ => listed(&names),
    }
}

fn interval(estimate: Option<&Estimate>) -> String {
    let Some((estimate, i)) = estimate.and_then(|e| Some((e, e.interval?))) else {
        return String::new();
    };
    let unit = Unit {
        decimals: 1,
        ..Unit::of(i.low.abs().max(i.high.abs()))
    };
    format!("{} {}", unit.span(estimate), unit.name)
}

fn alone(ranking: &Ranking, best: &Ranked) -> String {
    let (name, waits) = (&best.strategy, time(best.wait_mean.mean));
    let p99 = time(best.wait_p99.mean);
    match ranking.seeds {
        1 => format!(
            "One sample: in a single replay under {name}, jobs wait {waits} on average, and one in a hundred \
             waits more than {p99}."
        ),
        _ => format!(
            "Under {name}, jobs wait {waits} on average (95 % interval {}), and one in a hundred waits more \
             than {p99}.",
            interval(Some(&best.wait_mean))
        ),
    }
}

fn remarks(evidence: Evidence<'_>, best: &Ranked) -> Vec<String> {
    let (ranking, manifest) = (evidence.ranking, evidence.manifest);
    let mut remarks = vec![
        "A job waits from its submission to its first start. All strategies of a seed see the same jobs, \
         submitted at the same times, and the same failures."
            .to_owned(),
    ];
    remarks.extend(runner_up(ranking));
    remarks.extend(unstarted(ranking, best));
    remarks.extend(page::stopped(manifest));
    if ranking.seeds == 1 {
        remarks.push(
            "A single replay is one sample, however many jobs it has: chance may be behind any of these \
             differences."
                .to_owned(),
        );
    } else if ranking.seeds < FEW_SEEDS {
        remarks.push(format!(
            "With only {} seeds intervals are too narrow; take {FEW_SEEDS} or more before acting on a small \
             difference.",
            ranking.seeds
        ));
    }
    remarks.push(format!("Seeds vary {}.", evidence.result.inputs.varied));
    remarks
}

/// Who comes after those that cannot be told apart from the best.
fn runner_up(ranking: &Ranking) -> Option<String> {
    let ranked = ranking.ranked();
    let tied = ranking.seeds > 1 && ranked.iter().any(|entry| entry.tied);
    let next = ranked
        .iter()
        .find(|entry| !entry.tied && entry.strategy != ranking.best);
    let next = next.filter(|_| tied)?;
    let difference = next.difference?;
    Some(format!(
        "The next is {}, under which jobs wait {} longer (95 % interval {}).",
        next.strategy,
        time(difference.mean),
        interval(Some(&difference))
    ))
}

/// Jobs that never start are in no mean: a strategy under which many do not must not look good for it.
fn unstarted(ranking: &Ranking, best: &Ranked) -> Option<String> {
    let of = |entry: &Ranked| entry.waiting_jobs.mean + entry.lost_jobs.mean;
    let all = ranking.strategies.iter().map(of);
    let (least, most) = all.fold((f64::INFINITY, 0.0_f64), |(least, most), jobs| {
        (least.min(jobs), most.max(jobs))
    });
    (most > 0.0).then(|| {
        let range = match least == most {
            true => counted(most),
            false => format!("{} to {}", counted(least), counted(most)),
        };
        format!(
            "Jobs that were lost or still wait at the end, {} a replay under {}, {range} over all strategies, \
             are not part of mean times: read them beside.",
            counted(of(best)),
            best.strategy
        )
    })
}

fn tiles(evidence: Evidence<'_>, best: &Ranked) -> Vec<Tile> {
    let ranking = evidence.ranking;
    let tile = |label: &str, value: String, note: String| Tile {
        label: label.to_owned(),
        value,
        note,
    };
    let mut tiles = vec![tile(
        &format!("Mean wait under {}", best.strategy),
        time(best.wait_mean.mean),
        format!("half at most {}", time(best.wait_p50.mean)),
    )];
    tiles.push(tile(
        "99 % wait at most",
        time(best.wait_p99.mean),
        format!("90 % at most {}", time(best.wait_p90.mean)),
    ));
    let ranked = ranking.ranked();
    let worst = ranked.last().filter(|e| e.strategy != ranking.best);
    if let Some((worst, difference)) = worst.and_then(|w| Some((w, w.difference?))) {
        tiles.push(tile(
            &format!("Less than {}", worst.strategy),
            format!("{}{}", mark(ranking, worst), time(difference.mean)),
            match best.wait_mean.mean {
                wait if wait > 0.0 => {
                    let percent = 100.0 * difference.mean / worst.wait_mean.mean;
                    format!("{} % of its mean wait", number(percent, 0))
                }
                _ => String::new(),
            },
        ));
    }
    tiles.push(tile(
        "Allocated",
        format!("{} %", number(best.allocated_percent.mean, 1)),
        "of GPU capacity while jobs are submitted".to_owned(),
    ));
    tiles.push(tile(
        "Stranded GPU-hours",
        number(best.stranded_gpu_hours.mean, 0),
        "idle while jobs that ask for as much wait".to_owned(),
    ));
    tiles
}
