//! Strategies compared in pairs: same list, same seed, hence same pods in the same order.
//!
//! For each list the strategy with the highest mean allocation is the best, and every other one is
//! held against it: the mean over the seeds of (its result - the best's), with a bootstrap interval
//! (see `statistics`). Where the interval contains 0 the two are `tied`, printed as `~`.

use serde::Serialize;

use super::RunResult;
use crate::sim::statistics::{Estimate, estimates};

/// One list's strategies.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The list.
    pub list: String,
    /// The strategy with the highest mean allocation; the first of equal ones.
    pub best: String,
    /// How many seeds each strategy was run with.
    pub seeds: usize,
    /// The strategies, in the order of the results.
    pub strategies: Vec<Compared>,
}

/// One strategy.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Its name.
    pub strategy: String,
    /// GPU capacity allocated at the end.
    pub allocated_percent: Estimate,
    /// Its allocation minus the best's, percentage points; none for the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Estimate>,
    /// Whether it cannot be told apart from the best.
    pub tied: bool,
    /// The difference on each seed.
    #[serde(skip)]
    pub differences: Vec<f64>,
    /// Seeds in which it allocated more than the best.
    pub seeds_ahead: usize,
    /// GPUs not allocated at the end.
    pub unallocated_gpus: Estimate,
    /// Free GPU capacity that is useless to the expected pods at the end.
    pub fragmented_percent: Estimate,
    /// Pods that fitted nowhere.
    pub refused_pods: Estimate,
    /// GPU capacity asked for at the first refusal, if every run has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_refusal_percent: Option<Estimate>,
}

impl Comparison {
    /// Compares each list's strategies; `runs` are in order of list, strategy and seed, with the same
    /// seeds for each strategy.
    #[must_use]
    pub fn of(runs: &[RunResult]) -> Vec<Self> {
        let lists = runs.chunk_by(|a, b| a.list == b.list);
        lists.filter_map(Self::of_list).collect()
    }

    /// The strategy called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Compared> {
        self.strategies.iter().find(|entry| entry.strategy == name)
    }

    /// The strategies, the highest mean allocation first; equal ones in the order of the results.
    #[must_use]
    pub fn ranked(&self) -> Vec<&Compared> {
        let mut ranked: Vec<_> = self.strategies.iter().collect();
        let mean = |entry: &Compared| entry.allocated_percent.mean;
        ranked.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        ranked
    }

    fn of_list(runs: &[RunResult]) -> Option<Self> {
        let groups: Vec<_> = runs.chunk_by(|a, b| a.strategy == b.strategy).collect();
        let allocated: Vec<_> = groups
            .iter()
            .map(|g| values(g, |r| r.allocated_percent))
            .collect();
        let sums: Vec<f64> = allocated.iter().map(|values| values.iter().sum()).collect();
        let best =
            (0..sums.len()).reduce(|best, at| if sums[at] > sums[best] { at } else { best })?;
        let differences: Vec<_> = allocated
            .iter()
            .map(|a| minus(a, &allocated[best]))
            .collect();
        let refusals = |r: &RunResult| r.first_refusal_percent.unwrap_or(f64::NAN);
        let columns = [
            allocated,
            differences.clone(),
            groups
                .iter()
                .map(|g| values(g, |r| r.unallocated_gpus))
                .collect(),
            groups
                .iter()
                .map(|g| values(g, |r| r.fragmented_percent))
                .collect(),
            groups
                .iter()
                .map(|g| values(g, |r| r.refused_pods as f64))
                .collect(),
            groups.iter().map(|g| values(g, refusals)).collect(),
        ];
        let all = estimates(&columns.concat());
        let at = |column: usize, row: usize| all[column * groups.len() + row];
        let compared = groups.iter().enumerate().map(|(row, group)| {
            let difference = at(1, row).filter(|_| row != best);
            Some(Compared {
                strategy: group.first()?.strategy.clone(),
                allocated_percent: at(0, row)?,
                tied: difference.is_some_and(|d| d.is_open()),
                difference,
                differences: differences[row].clone(),
                seeds_ahead: differences[row].iter().filter(|d| **d > 0.0).count(),
                unallocated_gpus: at(2, row)?,
                fragmented_percent: at(3, row)?,
                refused_pods: at(4, row)?,
                first_refusal_percent: at(5, row).filter(|e| e.mean.is_finite()),
            })
        });
        Some(Self {
            list: runs.first()?.list.clone(),
            best: groups.get(best)?.first()?.strategy.clone(),
            seeds: groups.iter().map(|group| group.len()).min()?,
            strategies: compared.collect::<Option<_>>()?,
        })
    }
}

fn values(runs: &[RunResult], value: impl Fn(&RunResult) -> f64) -> Vec<f64> {
    runs.iter().map(value).collect()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
