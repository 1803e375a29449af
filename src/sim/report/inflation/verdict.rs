//! The verdict: one sentence that says no more than the numbers do.

use super::super::html::model::{Tile, Verdict};
use super::super::manifest::Manifest;
use super::super::{Compared, Comparison};
use super::{listed, number, signed, span, whole};
use crate::sim::experiment::Run;

/// Seeds below which the bootstrap interval is known to be too narrow.
const FEW_SEEDS: usize = 10;

/// What came out.
pub(super) fn verdict(comparison: &[Comparison], manifest: &Manifest, run: &Run) -> Verdict {
    let sentence = match comparison {
        [] => "No run was finished.".to_owned(),
        [list] => of_list(list),
        lists => of_lists(lists),
    };
    Verdict {
        sentence,
        remarks: remarks(comparison, manifest),
        tiles: match comparison {
            [list] => tiles(list, manifest, run),
            _ => Vec::new(),
        },
    }
}

fn percent(entry: &Compared) -> String {
    format!("{} %", number(entry.allocated_percent.mean, 1))
}

fn of_list(list: &Comparison) -> String {
    let ranked = list.ranked();
    let Some(best) = list.get(&list.best) else {
        return String::new();
    };
    let Some(next) = ranked.iter().find(|entry| entry.strategy != list.best) else {
        return alone(list, best);
    };
    let ahead = |entry: &Compared| entry.difference.map_or(0.0, |d| -d.mean);
    let name = &best.strategy;
    if list.seeds == 1 {
        return format!(
            "One sample: with a single seed, {name} allocates most, {} of GPU capacity, {} points more than {}.",
            percent(best),
            number(ahead(next), 2),
            next.strategy
        );
    }
    let tied: Vec<_> = ranked.iter().filter(|entry| entry.tied).collect();
    match tied.first() {
        None => format!(
            "{name} packs most: {} of GPU capacity allocated, {} points more than {}, the next best \
             (95 % interval {}).",
            percent(best),
            number(ahead(next), 2),
            next.strategy,
            behind(next)
        ),
        Some(first) => {
            let names: Vec<_> = tied.iter().map(|entry| entry.strategy.as_str()).collect();
            format!(
                "{name} has the highest mean, {} of GPU capacity, but cannot be told apart from {} (~): \
                 {} points to {}, 95 % interval {}.",
                percent(best),
                listed(&names),
                number(ahead(first), 2),
                first.strategy,
                behind(first)
            )
        }
    }
}

/// The interval of the best's lead over `entry`.
fn behind(entry: &Compared) -> String {
    let interval = entry.difference.and_then(|d| d.interval);
    interval.map_or(String::new(), |i| {
        // 0 - x, because -0 would be printed as such.
        format!("{} to {}", number(0.0 - i.high, 2), number(0.0 - i.low, 2))
    })
}

fn alone(list: &Comparison, best: &Compared) -> String {
    let allocated = percent(best);
    let name = &best.strategy;
    if list.seeds == 1 {
        return format!(
            "One sample: with a single seed, {name} allocates {allocated} of GPU capacity."
        );
    }
    let interval = span(&best.allocated_percent, 1);
    format!("{name} allocates {allocated} of GPU capacity (95 % interval {interval}).")
}

fn of_lists(lists: &[Comparison]) -> String {
    let mut wins: Vec<(&str, usize, usize)> = Vec::new();
    for list in lists {
        let clear = list.seeds > 1 && list.strategies.iter().all(|entry| !entry.tied);
        match wins.iter_mut().find(|(name, ..)| *name == list.best) {
            Some(win) => {
                win.1 += 1;
                win.2 += usize::from(clear);
            }
            None => wins.push((&list.best, 1, usize::from(clear))),
        }
    }
    wins.sort_by_key(|win| std::cmp::Reverse((win.1, win.2)));
    let Some((name, best, clear)) = wins.first() else {
        return String::new();
    };
    let all = lists.len();
    let on = if *best == all {
        format!("all {all}")
    } else {
        format!("{best} of {all}")
    };
    let single = lists.iter().all(|list| list.seeds == 1);
    if single {
        return format!(
            "One sample a list: with a single seed, {name} allocates most on {on} lists."
        );
    }
    let beyond = match clear {
        0 => "on none of them beyond chance (~)".to_owned(),
        clear if clear == best => "each time by more than chance explains".to_owned(),
        clear => format!("on {clear} of them by more than chance explains"),
    };
    format!("{name} allocates most on {on} lists, {beyond}.")
}

fn remarks(comparison: &[Comparison], manifest: &Manifest) -> Vec<String> {
    let mut remarks = Vec::new();
    let load = match manifest.scenario.load.as_str() {
        "list" => "every pod of the list has arrived once".to_owned(),
        load => format!("pods asking for {load} times the GPU capacity have arrived"),
    };
    remarks.push(format!(
        "Allocated is the share of the GPU capacity that pods hold after {load}; nothing leaves."
    ));
    if !manifest.is_complete() {
        remarks.push(format!(
            "This experiment was stopped: {} of {} runs are in this report, those of seeds that were \
             finished under every strategy.",
            whole(manifest.runs_finished),
            whole(manifest.runs_planned)
        ));
    }
    let seeds = comparison.iter().map(|list| list.seeds).min().unwrap_or(0);
    if seeds == 1 {
        remarks.push(
            "One seed is one order of arrival. Take ten or more to tell a difference from chance."
                .to_owned(),
        );
    } else if seeds < FEW_SEEDS {
        remarks.push(format!(
            "With {seeds} seeds the intervals are rather too narrow; take {FEW_SEEDS} or more before acting on a small difference."
        ));
    }
    remarks
}

fn tiles(list: &Comparison, manifest: &Manifest, run: &Run) -> Vec<Tile> {
    let Some(best) = list.get(&list.best) else {
        return Vec::new();
    };
    let gpus = manifest.scenario.gpus as f64;
    let tile = |label: &str, value: String, note: String| Tile {
        label: label.to_owned(),
        value,
        note,
    };
    let held = gpus - best.unallocated_gpus.mean;
    let mut tiles = vec![tile(
        &format!("Allocated by {}", best.strategy),
        percent(best),
        format!("{} of {} GPUs", number(held, 0), number(gpus, 0)),
    )];
    let ranked = list.ranked();
    let worst = ranked.last().filter(|entry| entry.strategy != list.best);
    if let Some((worst, difference)) = worst.and_then(|worst| Some((worst, worst.difference?))) {
        let lost = difference.mean / 100.0 * gpus;
        let mark = if worst.tied && list.seeds > 1 {
            "~ "
        } else {
            ""
        };
        tiles.push(tile(
            &format!("Against {}", worst.strategy),
            format!("{mark}{} GPUs", signed(0.0 - lost, 0)),
            format!("{} points", signed(0.0 - difference.mean, 1)),
        ));
    }
    let refused = best.refused_pods.mean;
    tiles.push(tile(
        "Pods refused",
        number(refused, 0),
        format!(
            "of about {} that arrived",
            whole(run.outcome.arrived as usize)
        ),
    ));
    let first = best.first_refusal_percent;
    tiles.push(tile(
        "First refusal",
        first.map_or_else(
            || "none".to_owned(),
            |first| format!("{} %", number(first.mean, 1)),
        ),
        first.map_or(String::new(), |_| "of GPU capacity asked for".to_owned()),
    ));
    tiles
}
