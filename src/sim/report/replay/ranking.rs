//! Strategies of a replay held against the one under which jobs wait least.
//!
//! The best has the lowest mean over the seeds of the mean waiting time; every other one is compared
//! with it pair by pair of equal seeds, hence on the same jobs and failures. Where the 95 % interval of
//! the difference (see `statistics`) contains 0 the two are `tied`, printed as `~`.

use serde::Serialize;

use super::ReplayRun;
use crate::sim::statistics::{Estimate, estimates};

/// All strategies.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranking {
    /// The strategy under which jobs wait least; the first of equal ones.
    pub best: String,
    /// How many replays of each; 1 is one sample.
    pub seeds: usize,
    /// The strategies, in the order of the results.
    pub strategies: Vec<Ranked>,
}

/// One strategy; times in seconds where a field does not say otherwise.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    /// Its name.
    pub strategy: String,
    /// Mean waiting time of jobs that started.
    pub wait_mean: Estimate,
    /// Its mean waiting time minus the best's; none for the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Estimate>,
    /// Whether it cannot be told apart from the best.
    pub tied: bool,
    /// The difference on each seed.
    #[serde(skip)]
    pub differences: Vec<f64>,
    /// Seeds on which jobs waited less than under the best.
    pub seeds_ahead: usize,
    /// Median waiting time.
    pub wait_p50: Estimate,
    /// Its 90th percentile.
    pub wait_p90: Estimate,
    /// Its 99th percentile.
    pub wait_p99: Estimate,
    /// Mean time from submission to end.
    pub completion_mean: Estimate,
    /// Mean bounded slowdown.
    pub slowdown_mean: Estimate,
    /// GPU capacity held while jobs are submitted.
    pub allocated_percent: Estimate,
    /// GPU time idle while jobs that ask for as much wait.
    pub stranded_gpu_hours: Estimate,
    /// GPU time that failures made vain.
    pub lost_gpu_hours: Estimate,
    /// From the first submission to the last end, hours.
    pub makespan_hours: Estimate,
    /// Jobs that had not started at the end.
    pub waiting_jobs: Estimate,
    /// Jobs that no idle cluster could take.
    pub refused_jobs: Estimate,
    /// Jobs lost to failures.
    pub lost_jobs: Estimate,
}

/// What is estimated beside the mean waiting time, in the order of [`Ranked`].
const FIGURES: [fn(&ReplayRun) -> f64; 12] = [
    |run| run.wait.p50,
    |run| run.wait.p90,
    |run| run.wait.p99,
    |run| run.completion.mean,
    |run| run.slowdown.mean,
    |run| run.allocated_percent,
    |run| run.stranded_gpu_hours,
    |run| run.lost_gpu_hours,
    |run| run.makespan_hours,
    |run| run.jobs.waiting as f64,
    |run| run.jobs.refused as f64,
    |run| run.jobs.lost as f64,
];

impl Ranking {
    /// Of `runs`, which are in order of strategy and seed, with the same seeds for each; empty without.
    #[must_use]
    pub fn of(runs: &[ReplayRun]) -> Self {
        Self::rank(runs).unwrap_or_default()
    }

    /// The strategy called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Ranked> {
        self.strategies.iter().find(|entry| entry.strategy == name)
    }

    /// The strategies, the shortest mean waiting time first; equal ones in the order of the results.
    #[must_use]
    pub fn ranked(&self) -> Vec<&Ranked> {
        let mut ranked: Vec<_> = self.strategies.iter().collect();
        ranked.sort_by(|a, b| a.wait_mean.mean.total_cmp(&b.wait_mean.mean));
        ranked
    }

    fn rank(runs: &[ReplayRun]) -> Option<Self> {
        let groups: Vec<_> = runs.chunk_by(|a, b| a.strategy == b.strategy).collect();
        let values = |value: fn(&ReplayRun) -> f64| {
            let of = |group: &&[ReplayRun]| group.iter().map(value).collect::<Vec<f64>>();
            groups.iter().map(of).collect::<Vec<_>>()
        };
        let waits = values(|run| run.wait.mean);
        let sums: Vec<f64> = waits.iter().map(|values| values.iter().sum()).collect();
        let best =
            (0..sums.len()).reduce(|best, at| if sums[at] < sums[best] { at } else { best })?;
        let minus = |a: &Vec<f64>| a.iter().zip(&waits[best]).map(|(a, b)| a - b).collect();
        let differences: Vec<Vec<f64>> = waits.iter().map(minus).collect();
        let mut columns = vec![waits.clone(), differences.clone()];
        columns.extend(FIGURES.map(values));
        let all = estimates(&columns.concat());
        let at = |column: usize, row: usize| all[column * groups.len() + row];
        let ranked = groups.iter().enumerate().map(|(row, group)| {
            let difference = at(1, row).filter(|_| row != best);
            Some(Ranked {
                strategy: group.first()?.strategy.clone(),
                wait_mean: at(0, row)?,
                tied: difference.is_some_and(|d| d.is_open()),
                difference,
                seeds_ahead: differences[row].iter().filter(|d| **d < 0.0).count(),
                differences: differences[row].clone(),
                wait_p50: at(2, row)?,
                wait_p90: at(3, row)?,
                wait_p99: at(4, row)?,
                completion_mean: at(5, row)?,
                slowdown_mean: at(6, row)?,
                allocated_percent: at(7, row)?,
                stranded_gpu_hours: at(8, row)?,
                lost_gpu_hours: at(9, row)?,
                makespan_hours: at(10, row)?,
                waiting_jobs: at(11, row)?,
                refused_jobs: at(12, row)?,
                lost_jobs: at(13, row)?,
            })
        });
        Some(Self {
            best: groups.get(best)?.first()?.strategy.clone(),
            seeds: groups.iter().map(|group| group.len()).min()?,
            strategies: ranked.collect::<Option<_>>()?,
        })
    }
}
