//! Results of replays as people and machines read them.
//!
//! Kind `ReplayResult`. Times are seconds where a field does not say otherwise, GPUs are devices,
//! everything is rounded to four decimals. `runs` has one entry a policy and seed, `summary` one a policy
//! with the spread over seeds, `comparisons` the paired differences of each policy to the first. The
//! digest is the SHA-256 of `runs` as JSON.

pub mod curves;
pub mod files;
pub mod ranking;
pub mod page;
mod run;
mod tables;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::PolicyInput;
use crate::config::API_VERSION;
use crate::sim::metrics::Spread;
use crate::sim::replay::stats::{Difference, round};

pub use run::{Gangs, Group, Jobs, ReplayRun, SeriesResult};
pub use tables::{csv, markdown, table};

/// Everything that the replays of one command gave.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayResult {
    api_version: &'static str,
    kind: &'static str,
    /// What went in.
    pub inputs: ReplayInputs,
    /// One entry a policy.
    pub summary: Vec<ReplaySummary>,
    /// Each policy against the first.
    pub comparisons: Vec<Comparison>,
    /// One entry a policy and seed.
    pub runs: Vec<ReplayRun>,
    /// SHA-256 over `runs`.
    pub digest: String,
}

/// What went in.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayInputs {
    /// The program's version.
    pub version: &'static str,
    /// `replay`.
    pub mode: &'static str,
    /// The trace as the user wrote it.
    pub trace: String,
    /// Where its nodes come from.
    pub cluster: String,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// GPUs of the cluster.
    pub gpus: u64,
    /// Jobs of the first seed.
    pub jobs: usize,
    /// Its offered load, percent; none if it is not bounded.
    pub offered_percent: Option<f64>,
    /// How times of submission were compressed.
    pub compression: String,
    /// The queue's rule.
    pub queue: &'static str,
    /// Where failures come from, beside the trace; none without.
    pub failures: Option<String>,
    /// What becomes of jobs on a failed node.
    pub on_failure: &'static str,
    /// Where the slowdown of spread jobs comes from; none without.
    pub slowdown: Option<String>,
    /// What was compared.
    pub policies: Vec<PolicyInput>,
    /// One replay each.
    pub seeds: Vec<u64>,
    /// What differs from seed to seed.
    pub varied: &'static str,
}

/// The replays under one policy, over the seeds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaySummary {
    /// The policy.
    pub strategy: String,
    /// How many replays; 1 is one sample, whatever its number of jobs.
    pub samples: usize,
    /// GPU capacity held while jobs are submitted.
    pub allocated_percent: Spread,
    /// Of the GPU time that was wanted and there, what was given.
    pub demand_met_percent: Spread,
    /// GPU time idle while jobs that ask for as much wait.
    pub stranded_gpu_hours: Spread,
    /// GPU time that failures made vain.
    pub lost_gpu_hours: Spread,
    /// Mean waiting time.
    pub wait_mean: Spread,
    /// Its median.
    pub wait_p50: Spread,
    /// Its 90th percentile.
    pub wait_p90: Spread,
    /// Its 99th percentile.
    pub wait_p99: Spread,
    /// Mean time from submission to end.
    pub completion_mean: Spread,
    /// Mean bounded slowdown.
    pub slowdown_mean: Spread,
    /// From the first submission to the last end, hours.
    pub makespan_hours: Spread,
    /// Jobs that had not started at the end.
    pub waiting_jobs: Spread,
    /// Jobs that no idle cluster could take.
    pub refused_jobs: Spread,
    /// Jobs lost to failures.
    pub lost_jobs: Spread,
}

/// One figure of one policy against the first policy, pair by pair of equal seeds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The policy.
    pub strategy: String,
    /// The first policy.
    pub against: String,
    /// The figure.
    pub figure: &'static str,
    /// Its difference.
    #[serde(flatten)]
    pub difference: Difference,
    /// Whether the interval contains 0, or there is only one pair.
    pub open: bool,
}

/// A figure that is compared.
type Figure = (&'static str, fn(&ReplayRun) -> f64);

const FIGURES: [Figure; 5] = [
    ("waitMean", |run| run.wait.mean),
    ("waitP99", |run| run.wait.p99),
    ("completionMean", |run| run.completion.mean),
    ("allocatedPercent", |run| run.allocated_percent),
    ("strandedGpuHours", |run| run.stranded_gpu_hours),
];

impl ReplayResult {
    /// The result of `runs`, which are in order of policy and seed.
    #[must_use]
    pub fn new(inputs: ReplayInputs, runs: Vec<ReplayRun>) -> Self {
        let by_policy: Vec<&[ReplayRun]> = runs.chunk_by(|a, b| a.strategy == b.strategy).collect();
        let summary = by_policy
            .iter()
            .filter_map(|runs| summarise(runs))
            .collect();
        let comparisons = match by_policy.split_first() {
            Some((first, others)) => others.iter().flat_map(|o| compare(o, first)).collect(),
            None => Vec::new(),
        };
        let json = serde_json::to_vec(&runs).expect("numbers, text and lists are always JSON");
        let digest = Sha256::digest(&json);
        Self {
            api_version: API_VERSION,
            kind: "ReplayResult",
            inputs,
            summary,
            comparisons,
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            runs,
        }
    }
}

fn summarise(runs: &[ReplayRun]) -> Option<ReplaySummary> {
    let spread = |value: fn(&ReplayRun) -> f64| {
        let values: Vec<f64> = runs.iter().map(value).collect();
        let spread = Spread::of(&values)?;
        Some(Spread {
            mean: round(spread.mean),
            sd: round(spread.sd),
            ..spread
        })
    };
    Some(ReplaySummary {
        strategy: runs.first()?.strategy.clone(),
        samples: runs.len(),
        allocated_percent: spread(|run| run.allocated_percent)?,
        demand_met_percent: spread(|run| run.demand_met_percent)?,
        stranded_gpu_hours: spread(|run| run.stranded_gpu_hours)?,
        lost_gpu_hours: spread(|run| run.lost_gpu_hours)?,
        wait_mean: spread(|run| run.wait.mean)?,
        wait_p50: spread(|run| run.wait.p50)?,
        wait_p90: spread(|run| run.wait.p90)?,
        wait_p99: spread(|run| run.wait.p99)?,
        completion_mean: spread(|run| run.completion.mean)?,
        slowdown_mean: spread(|run| run.slowdown.mean)?,
        makespan_hours: spread(|run| run.makespan_hours)?,
        waiting_jobs: spread(|run| run.jobs.waiting as f64)?,
        refused_jobs: spread(|run| run.jobs.refused as f64)?,
        lost_jobs: spread(|run| run.jobs.lost as f64)?,
    })
}

fn compare(runs: &[ReplayRun], first: &[ReplayRun]) -> Vec<Comparison> {
    let figures = FIGURES.iter().map(|&(figure, value)| {
        let pairs = runs.iter().zip(first);
        let differences: Vec<f64> = pairs.map(|(a, b)| value(a) - value(b)).collect();
        let difference = Difference::of(&differences);
        Comparison {
            strategy: runs[0].strategy.clone(),
            against: first[0].strategy.clone(),
            figure,
            difference,
            open: difference.is_open(),
        }
    });
    figures.collect()
}
