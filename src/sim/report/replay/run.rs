//! One replay reduced to its figures.
//!
//! Waiting time is first start minus submission, of jobs that started; completion is end minus
//! submission, of jobs that ended; bounded slowdown is completion over run time, the latter at least
//! 10 s, at least 1 (Feitelson's). Jobs that have not started or ended are counted beside, never dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::curves::Curves;
use crate::sim::replay::experiment::Replayed;
use crate::sim::replay::outcome::{Fate, JobRecord, Outcome};
use crate::sim::replay::series::{Area, Series};
use crate::sim::replay::stats::{Distribution, round};
use crate::sim::trace::timed::{Job, TimedTrace};

/// Shortest run time that counts in a slowdown, ms.
const BOUND_MS: u64 = 10_000;
/// Most tenants that are listed; the others are one, called `others`.
const TENANTS: usize = 30;
/// Milli-GPU x ms in a GPU-hour.
const GPU_HOUR: f64 = 1000.0 * 3_600_000.0;

/// One replay.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayRun {
    /// The policy.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
    /// What became of the jobs.
    pub jobs: Jobs,
    /// GPU capacity held while jobs are submitted.
    pub allocated_percent: f64,
    /// Of the GPU time that was wanted and there, what was given; over the whole replay.
    pub demand_met_percent: f64,
    /// GPU time held, over the whole replay.
    pub used_gpu_hours: f64,
    /// GPU time idle while jobs that ask for as much wait: lost to fragmentation, to gangs and to the
    /// order of the queue.
    pub stranded_gpu_hours: f64,
    /// GPU time that failures made vain.
    pub lost_gpu_hours: f64,
    /// Hours from the first submission to the last end.
    pub makespan_hours: f64,
    /// Most jobs that waited at once.
    pub peak_waiting_jobs: u64,
    /// Waiting times.
    pub wait: Distribution,
    /// Times from submission to end.
    pub completion: Distribution,
    /// Bounded slowdowns.
    pub slowdown: Distribution,
    /// By size of the job, the smallest first.
    pub by_size: Vec<Group>,
    /// By tenant, the one with most jobs first; none if there is only one.
    pub by_tenant: Vec<Group>,
    /// Jobs of several pods.
    pub gangs: Gangs,
    /// Curves over time.
    pub series: SeriesResult,
    /// What the report draws beside.
    #[serde(skip)]
    pub curves: Curves,
}

/// What became of the jobs; the last five add up to `submitted`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Jobs {
    /// All of them.
    pub submitted: u64,
    /// Ran to their end.
    pub ended: u64,
    /// Run at the end; they never end.
    pub running: u64,
    /// Wait at the end.
    pub waiting: u64,
    /// No idle cluster could take them.
    pub refused: u64,
    /// A node failed under them and they were not submitted again.
    pub lost: u64,
    /// How often a node failed under a job.
    pub failures: u64,
}

/// Some of the jobs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Which.
    pub name: String,
    /// How many were submitted.
    pub jobs: u64,
    /// How many never started.
    pub unstarted: u64,
    /// Waiting times of the others.
    pub wait: Distribution,
}

/// Jobs of several pods that started.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gangs {
    /// How many.
    pub jobs: u64,
    /// Nodes spanned, mean.
    pub mean_nodes: f64,
    /// Nodes that their GPUs need at least, mean.
    pub mean_nodes_needed: f64,
    /// How many spanned more than they need, percent.
    pub spread_percent: f64,
}

/// Means over equal stretches of time; GPUs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesResult {
    /// The length of a stretch, seconds; the first begins with the first submission.
    pub width: f64,
    /// Held.
    pub allocated: Vec<f64>,
    /// On nodes that are up.
    pub up: Vec<f64>,
    /// Asked for by waiting jobs.
    pub waiting: Vec<f64>,
    /// Waiting jobs.
    pub waiting_jobs: Vec<f64>,
    /// Idle while jobs that ask for as many wait.
    pub stranded: Vec<f64>,
    /// Idle at the stretch's end while jobs wait, because the node has too few cores, memory or pods.
    pub idle_room: Vec<f64>,
    /// Because the pieces are too small.
    pub idle_pieces: Vec<f64>,
    /// Because no waiting pod accepts the model.
    pub idle_model: Vec<f64>,
    /// Though a waiting pod would fit: its gang does not, or the queue holds it back.
    pub idle_held_back: Vec<f64>,
}

impl From<Replayed> for ReplayRun {
    fn from(replayed: Replayed) -> Self {
        let curves = Curves::of(&replayed);
        let Replayed {
            policy,
            seed,
            trace,
            outcome,
        } = replayed;
        let pairs = || trace.jobs.iter().zip(&outcome.jobs);
        let whole = &outcome.whole;
        let wanted = whole.allocated + whole.stranded;
        let lost = pairs().map(|(job, r)| u128::from(job.gpu_milli()) * u128::from(r.lost));
        let last_end = outcome.jobs.iter().filter_map(|record| record.end).max();
        Self {
            strategy: policy,
            seed,
            jobs: count(&outcome),
            allocated_percent: percent(outcome.submitting.allocated, outcome.submitting.up),
            demand_met_percent: percent(whole.allocated, wanted),
            used_gpu_hours: round(whole.allocated as f64 / GPU_HOUR),
            stranded_gpu_hours: round(whole.stranded as f64 / GPU_HOUR),
            lost_gpu_hours: round(lost.sum::<u128>() as f64 / GPU_HOUR),
            makespan_hours: round(last_end.unwrap_or(0) as f64 / 3_600_000.0),
            peak_waiting_jobs: outcome.peak_jobs,
            wait: Distribution::of(pairs().filter_map(wait).collect(), 0.001),
            completion: Distribution::of(pairs().filter_map(completion).collect(), 0.001),
            slowdown: Distribution::of(pairs().filter_map(slowdown).collect(), 0.001),
            by_size: by_size(&trace, &outcome),
            by_tenant: by_tenant(&trace, &outcome),
            gangs: gangs(&trace, &outcome),
            series: series(&outcome.series),
            curves,
        }
    }
}

fn percent(part: u128, whole: u128) -> f64 {
    match whole {
        0 => 0.0,
        whole => round(100.0 * part as f64 / whole as f64),
    }
}

fn count(outcome: &Outcome) -> Jobs {
    let mut jobs = Jobs {
        submitted: outcome.jobs.len() as u64,
        ..Jobs::default()
    };
    for record in &outcome.jobs {
        jobs.failures += u64::from(record.failures);
        match record.fate {
            Fate::Ended => jobs.ended += 1,
            Fate::Running => jobs.running += 1,
            Fate::Ahead | Fate::Waiting => jobs.waiting += 1,
            Fate::Refused => jobs.refused += 1,
            Fate::Lost => jobs.lost += 1,
        }
    }
    jobs
}

fn wait((job, record): (&Job, &JobRecord)) -> Option<u64> {
    Some(record.first_start? - job.submit)
}

fn completion((job, record): (&Job, &JobRecord)) -> Option<u64> {
    Some(record.end? - job.submit)
}

/// Bounded slowdown in thousandths.
fn slowdown((job, record): (&Job, &JobRecord)) -> Option<u64> {
    let completion = completion((job, record))?;
    let run = job.duration?.max(BOUND_MS);
    Some((u128::from(completion) * 1000 / u128::from(run)).max(1000) as u64)
}

/// The size class of a job, in order.
pub(super) fn size(job: &Job) -> (usize, &'static str) {
    match job.gpu_milli() {
        0 => (0, "no GPU"),
        1..1000 => (1, "part of a GPU"),
        1000 => (2, "1 GPU"),
        1001..=4000 => (3, "2-4 GPUs"),
        4001..=8000 => (4, "5-8 GPUs"),
        _ => (5, "9 and more GPUs"),
    }
}

fn by_size(trace: &TimedTrace, outcome: &Outcome) -> Vec<Group> {
    let mut groups: BTreeMap<(usize, &str), Vec<Option<u64>>> = BTreeMap::new();
    for pair in trace.jobs.iter().zip(&outcome.jobs) {
        groups.entry(size(pair.0)).or_default().push(wait(pair));
    }
    let groups = groups.into_iter();
    groups
        .map(|((_, name), waits)| group(name, waits))
        .collect()
}

fn by_tenant(trace: &TimedTrace, outcome: &Outcome) -> Vec<Group> {
    let mut groups: BTreeMap<&Arc<str>, Vec<Option<u64>>> = BTreeMap::new();
    for pair in trace.jobs.iter().zip(&outcome.jobs) {
        groups.entry(&pair.0.tenant).or_default().push(wait(pair));
    }
    if groups.len() < 2 {
        return Vec::new();
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, waits)| std::cmp::Reverse(waits.len()));
    let others: Vec<_> = groups.drain(TENANTS.min(groups.len())..).collect();
    let mut listed: Vec<_> = groups
        .into_iter()
        .map(|(name, waits)| group(name, waits))
        .collect();
    if !others.is_empty() {
        let waits = others.into_iter().flat_map(|(_, waits)| waits).collect();
        listed.push(group("others", waits));
    }
    listed
}

fn group(name: &str, waits: Vec<Option<u64>>) -> Group {
    let jobs = waits.len() as u64;
    let waits: Vec<u64> = waits.into_iter().flatten().collect();
    Group {
        name: name.to_owned(),
        jobs,
        unstarted: jobs - waits.len() as u64,
        wait: Distribution::of(waits, 0.001),
    }
}

fn gangs(trace: &TimedTrace, outcome: &Outcome) -> Gangs {
    let largest = trace.nodes.iter().map(|node| node.gpus.len()).max();
    let largest = 1000 * largest.unwrap_or(1).max(1) as u64;
    let (mut jobs, mut nodes, mut needed, mut spread) = (0, 0, 0, 0);
    for (job, record) in trace.jobs.iter().zip(&outcome.jobs) {
        if job.pods.len() > 1 && record.starts > 0 {
            let least = job.gpu_milli().div_ceil(largest).max(1);
            jobs += 1;
            nodes += u64::from(record.nodes);
            needed += least;
            spread += u64::from(u64::from(record.nodes) > least);
        }
    }
    let mean = |sum: u64| round(sum as f64 / jobs.max(1) as f64);
    Gangs {
        jobs,
        mean_nodes: mean(nodes),
        mean_nodes_needed: mean(needed),
        spread_percent: percent(spread.into(), jobs.into()),
    }
}

fn series(series: &Series) -> SeriesResult {
    let points = series.points();
    let mean = |value: fn(&Area) -> u128, unit: f64| {
        let mean = |area: &Area| value(area) as f64 / area.time.max(1) as f64 / unit;
        points.iter().map(|(area, _)| round(mean(area))).collect()
    };
    let gpus = |value: fn(&Area) -> u128| mean(value, 1000.0);
    let idle = |value: fn(&crate::sim::replay::series::Causes) -> u64| {
        let gpus = |causes| round(value(causes) as f64 / 1000.0);
        points.iter().map(|(_, causes)| gpus(causes)).collect()
    };
    SeriesResult {
        width: round(series.width() as f64 / 1000.0),
        allocated: gpus(|area| area.allocated),
        up: gpus(|area| area.up),
        waiting: gpus(|area| area.waiting),
        waiting_jobs: mean(|area| area.jobs, 1.0),
        stranded: gpus(|area| area.stranded),
        idle_room: idle(|causes| causes.room),
        idle_pieces: idle(|causes| causes.pieces),
        idle_model: idle(|causes| causes.model),
        idle_held_back: idle(|causes| causes.held_back),
    }
}
