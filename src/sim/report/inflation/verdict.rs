//! The verdict: one sentence that says no more than the numbers do.

use super::super::html::model::{Tile, Verdict};
use super::super::manifest::Manifest;
use super::super::{Compared, Comparison};
use super::{listed, number, page, signed, span, whole};
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
            let names = std::iter::once(name).chain(tied.iter().map(|entry| &entry.strategy));
            let names: Vec<_> = names.map(String::as_str).collect();
            format!(
                "{} pack most and cannot be told apart (~): {name} allocates {} of GPU capacity, {} points \
                 more than {}, but the 95 % interval of that is {}.",
                listed(&names),
                percent(best),
                number(ahead(first), 2),
                first.strategy,
                behind(first)
            )
        }
    }
}

/// Who comes after those that cannot be told apart from the best.
fn runner_up(list: &Comparison) -> Option<String> {
    let ranked = list.ranked();
    let told_apart = |entry: &&&Compared| !entry.tied && entry.strategy != list.best;
    let next = ranked.iter().find(told_apart)?;
    let some_tied = list.seeds > 1 && ranked.iter().any(|entry| entry.tied);
    some_tied.then(|| {
        let lead = next.difference.map_or(0.0, |d| -d.mean);
        format!(
            "The next is {}, {} points behind {} (95 % interval {}).",
            next.strategy,
            number(lead, 2),
            list.best,
            behind(next)
        )
    })
}

/// The interval of the best's lead over `entry`.
fn behind(entry: &Compared) -> String {
    let lead = entry.difference.map(|difference| difference.negated());
    lead.map_or(String::new(), |lead| span(&lead, 2))
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
    let all_of = |n: usize| match (n, *best) {
        (0, 1) => "does not exclude 0 there (~)".to_owned(),
        (1, 1) => "excludes 0 there".to_owned(),
        (0, _) => "excludes 0 on none of them (~)".to_owned(),
        (n, best) if n == best => "excludes 0 on each of them".to_owned(),
        (n, _) => format!("excludes 0 on {n} of them"),
    };
    format!(
        "{name} allocates most on {on} lists; the 95 % interval of its lead {}.",
        all_of(*clear)
    )
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
    if let [list] = comparison {
        remarks.extend(runner_up(list));
    }
    remarks.extend(page::stopped(manifest));
    let seeds = comparison.iter().map(|list| list.seeds).min().unwrap_or(0);
    if seeds == 1 {
        remarks.push(
            "One seed is one order of arrival. Take ten or more to tell a difference from chance."
                .to_owned(),
        );
    } else if seeds < FEW_SEEDS {
        remarks.push(format!(
            "With only {seeds} seeds intervals are too narrow; take {FEW_SEEDS} or more before acting on a small difference."
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
            &format!("More than {}", worst.strategy),
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
