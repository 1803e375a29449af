//! Jobs that did not end, and why: refused, lost to failures, still waiting.

use std::collections::BTreeMap;

use super::{Evidence, Ranked, counted};
use crate::sim::replay::detail::Reason;
use crate::sim::replay::outcome::Fate;
use crate::sim::report::html::model::{Block, Cell, Row, Table};
use crate::sim::report::page::{asks, cell, column, count, number, said, span, whole};
use crate::sim::statistics::Estimate;
use crate::sim::trace::timed::{Job, Pods};

/// Kinds of jobs, or nodes, that are listed.
const MOST: usize = 25;

/// The section.
pub(super) fn blocks(evidence: Evidence<'_>) -> Vec<Block> {
    let detail = evidence.detail;
    let mut blocks = vec![
        Block::Text(summary(evidence)),
        Block::Table(every_strategy(evidence)),
    ];
    let refused = "Refused: not even the idle cluster of all nodes can take them.";
    let waiting = "Waiting at the end, with what the nodes lacked then.";
    for (fate, caption) in [(Fate::Refused, refused), (Fate::Waiting, waiting)] {
        blocks.extend(by_request(evidence, fate, caption).map(Block::Table));
    }
    blocks.extend(by_node(evidence).map(Block::Table));
    if blocks.len() > 2 {
        let run = &detail.replayed;
        let heading = format!("In the replay under {}, seed {}", run.policy, run.seed);
        blocks.insert(2, Block::Heading(heading));
    }
    blocks
}

fn summary(evidence: Evidence<'_>) -> String {
    let run = &evidence.detail.replayed;
    let of = |fate| run.outcome.jobs.iter().filter(|r| r.fate == fate).count();
    let failures: u64 = run.outcome.jobs.iter().map(|r| u64::from(r.failures)).sum();
    let failures = match failures {
        0 => String::new(),
        n => format!(
            " {} a node failed under a job.",
            count(n as usize, "time", "times")
        ),
    };
    format!(
        "Under {}, seed {}: of {}, {} ended, {} still run, {} wait, {} were refused and {} lost.{failures}",
        run.policy,
        run.seed,
        count(run.outcome.jobs.len(), "job", "jobs"),
        whole(of(Fate::Ended)),
        whole(of(Fate::Running)),
        whole(of(Fate::Waiting) + of(Fate::Ahead)),
        whole(of(Fate::Refused)),
        whole(of(Fate::Lost)),
    )
}

/// What did not go well under every strategy.
fn every_strategy(evidence: Evidence<'_>) -> Table {
    let ranking = evidence.ranking;
    let jobs = |estimate: &Estimate| Cell {
        text: counted(estimate.mean),
        note: match estimate.interval {
            // The same in all replays: nothing to say.
            Some(i) if i.low == i.high => String::new(),
            _ => span(estimate, 1),
        },
        value: Some(estimate.mean),
    };
    let row = |entry: &Ranked| Row {
        cells: vec![
            Cell::text(&entry.strategy),
            jobs(&entry.refused_jobs),
            jobs(&entry.lost_jobs),
            jobs(&entry.waiting_jobs),
            jobs(&entry.lost_gpu_hours),
            cell(&entry.slowdown_mean, 2),
            cell(&entry.makespan_hours, 1),
        ],
        strong: entry.strategy == ranking.best,
    };
    Table {
        caption: "Jobs a replay, means over the seeds. Work in vain is GPU time that a failing node made \
                  useless."
            .to_owned(),
        columns: vec![
            column("Strategy", false),
            column("Refused", true),
            column("Lost", true),
            column("Waiting at the end", true),
            column("In vain, GPU-hours", true),
            column("Slowdown, mean", true),
            column("Makespan, h", true),
        ],
        rows: ranking.ranked().into_iter().map(row).collect(),
    }
}

/// Jobs that ended so, by what they ask for, the most frequent first; none without.
fn by_request(evidence: Evidence<'_>, fate: Fate, caption: &str) -> Option<Table> {
    let detail = evidence.detail;
    let mut kinds: BTreeMap<&Pods, (usize, u64, String)> = BTreeMap::new();
    let jobs = detail.replayed.trace.jobs.iter();
    for (number, (job, record)) in jobs.zip(&detail.replayed.outcome.jobs).enumerate() {
        if record.fate == fate {
            let reason = || detail.reasons.get(&number).map_or(String::new(), words);
            let kind = kinds.entry(&job.pods);
            let (jobs, gpus, _) = kind.or_insert_with(|| (0, 0, reason()));
            *jobs += 1;
            *gpus += job.gpu_milli();
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (jobs, ..))| std::cmp::Reverse(*jobs));
    let all = kinds.len();
    let rows = kinds
        .into_iter()
        .take(MOST)
        .map(|(pods, (jobs, gpus, why))| Row {
            cells: vec![
                Cell::text(asked(pods)),
                Cell::text(whole(jobs)),
                Cell::text(number(gpus as f64 / 1000.0, 1)),
                Cell::text(why),
            ],
            strong: false,
        });
    let rows: Vec<_> = rows.collect();
    let more = match all > MOST {
        true => format!(
            " {} of {} kinds of jobs; pods.csv has every pod.",
            whole(MOST),
            whole(all)
        ),
        false => String::new(),
    };
    (!rows.is_empty()).then(|| Table {
        caption: format!("{caption}{more}"),
        columns: vec![
            column("Job asks for", false),
            column("Jobs", true),
            column("GPUs", true),
            column("Why", false),
        ],
        rows,
    })
}

/// What a job asks for: its pod, or the first of its gang.
fn asked(pods: &Pods) -> String {
    let first = pods.first().map_or(String::new(), |pod| asks(pod));
    match pods.len() {
        0 | 1 => first,
        n if pods.windows(2).all(|pair| pair[0] == pair[1]) => format!("{n} pods of {first}"),
        n => format!("{n} pods, the first of {first}"),
    }
}

fn words(reason: &Reason) -> String {
    match reason {
        Reason::Unfit(reasons) => said(reasons),
        Reason::Together => {
            "each pod fits, but not all of them, or the queue holds them back".to_owned()
        }
        Reason::Failed { node, .. } => format!("node {node} failed"),
    }
}

/// Jobs lost by the node that failed, the most first; none without.
fn by_node(evidence: Evidence<'_>) -> Option<Table> {
    let detail = evidence.detail;
    let mut nodes: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for (number, reason) in &detail.reasons {
        if let Reason::Failed { node, .. } = reason {
            let (jobs, gpus) = nodes.entry(node).or_default();
            let job: Option<&Job> = detail.replayed.trace.jobs.get(*number);
            *jobs += 1;
            *gpus += job.map_or(0, Job::gpu_milli);
        }
    }
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by_key(|(_, (jobs, _))| std::cmp::Reverse(*jobs));
    let all = nodes.len();
    nodes.truncate(MOST);
    let rows = nodes.into_iter().map(|(node, (jobs, gpus))| Row {
        cells: vec![
            Cell::text(node),
            Cell::text(whole(jobs)),
            Cell::text(number(gpus as f64 / 1000.0, 1)),
        ],
        strong: false,
    });
    (all > 0).then(|| Table {
        caption: format!(
            "Lost: a node failed under them. {} of {} such nodes.",
            whole(all.min(MOST)),
            whole(all)
        ),
        columns: vec![
            column("Node", false),
            column("Jobs lost", true),
            column("GPUs", true),
        ],
        rows: rows.collect(),
    })
}
