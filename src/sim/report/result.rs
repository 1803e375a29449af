//! The result of an experiment: per run, per list and policy, and a digest of the runs.
//!
//! Percentages are of the cluster's GPU capacity and rounded to four decimals, so that the same
//! runs give the same bytes. The digest is the SHA-256 of `runs` as JSON: it covers what happened,
//! never how long it took.

use serde::Serialize;
use sha2::{Digest, Sha256};
use stowage_core::strategy::Strategy;

use crate::config::{API_VERSION, Policy};
use crate::sim::arrivals::Origin;
use crate::sim::experiment::Run;
use crate::sim::metrics::{Spread, Times};

/// Everything an experiment gave.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulationResult {
    api_version: &'static str,
    kind: &'static str,
    /// What went in.
    pub inputs: Inputs,
    /// One entry a list and policy.
    pub summary: Vec<Summary>,
    /// One entry a run.
    pub runs: Vec<RunResult>,
    /// SHA-256 over `runs`.
    pub digest: String,
}

/// What went into an experiment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// The program's version.
    pub version: &'static str,
    /// The trace as the user wrote it.
    pub trace: String,
    /// How many times over.
    pub replicate: u32,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// GPUs of the cluster.
    pub gpus: u64,
    /// Lists poured in.
    pub lists: Vec<String>,
    /// What was compared.
    pub policies: Vec<PolicyInput>,
    /// One run each.
    pub seeds: Vec<u64>,
    /// When the runs stopped.
    pub load: String,
    /// How many of the nodes a pod was compared on, unless all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_share: Option<&'static str>,
}

/// A policy under the name that results carry.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyInput {
    name: String,
    #[serde(flatten)]
    policy: Policy,
}

impl PolicyInput {
    /// The name that results carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.policy.strategy.0
    }
}

impl From<&Policy> for PolicyInput {
    fn from(policy: &Policy) -> Self {
        let unnamed = Policy {
            name: None,
            ..policy.clone()
        };
        Self {
            name: policy.name(),
            policy: unnamed,
        }
    }
}

/// The runs of one list under one policy, over the seeds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The list.
    pub list: String,
    /// The policy.
    pub strategy: String,
    /// How many runs.
    pub runs: usize,
    /// GPU capacity allocated at the end.
    pub allocated_percent: Spread,
    /// GPUs not allocated at the end.
    pub unallocated_gpus: Spread,
    /// GPU capacity that is free but useless to the expected pods at the end.
    pub fragmented_percent: Spread,
    /// The same in GPUs.
    pub fragmented_gpus: Spread,
    /// Pods that fitted nowhere.
    pub refused_pods: Spread,
    /// GPU capacity asked for at the first refusal, over the runs that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_refusal_percent: Option<Spread>,
    /// Time of one decision, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_micros: Option<Times>,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// The list.
    pub list: String,
    /// The policy.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
    /// `published` or `drawn`: where the order of arrival comes from.
    pub arrivals: &'static str,
    /// Pods that arrived.
    pub arrived_pods: u64,
    /// Pods that fitted nowhere.
    pub refused_pods: u64,
    /// GPU capacity asked for at the first refusal; none without one.
    pub first_refusal_percent: Option<f64>,
    /// GPU capacity allocated at the end.
    pub allocated_percent: f64,
    /// GPUs not allocated at the end.
    pub unallocated_gpus: f64,
    /// GPU capacity that is free but useless to the expected pods at the end.
    pub fragmented_percent: f64,
    /// Mean allocated percent for each percent of demand arrived, from 0.
    pub curve: Vec<f64>,
    /// Mean fragmented percent likewise.
    pub fragmented_curve: Vec<f64>,
}

impl SimulationResult {
    /// The result of `runs`, which are in order of list, policy and seed.
    #[must_use]
    pub fn new(inputs: Inputs, runs: &[Run]) -> Self {
        let same = |a: &Run, b: &Run| (&a.list, &a.policy) == (&b.list, &b.policy);
        let summary = runs.chunk_by(same).filter_map(summarise).collect();
        let runs: Vec<_> = runs.iter().map(RunResult::from).collect();
        let json = serde_json::to_vec(&runs).expect("numbers, text and lists are always JSON");
        let digest = Sha256::digest(&json);
        Self {
            api_version: API_VERSION,
            kind: "SimulationResult",
            inputs,
            summary,
            runs,
            digest: super::manifest::hex(&digest),
        }
    }

    /// The policy with the highest mean allocation on `list`; the first of equal ones.
    #[must_use]
    pub fn best(&self, list: &str) -> Option<&str> {
        let entries = self.summary.iter().filter(|entry| entry.list == list);
        let best = entries.reduce(|best, entry| {
            if entry.allocated_percent.mean > best.allocated_percent.mean {
                entry
            } else {
                best
            }
        });
        best.map(|entry| entry.strategy.as_str())
    }
}

fn summarise(runs: &[Run]) -> Option<Summary> {
    let first = runs.first()?;
    let results: Vec<_> = runs.iter().map(RunResult::from).collect();
    let spread = |value: fn(&RunResult) -> f64| {
        let values: Vec<f64> = results.iter().map(value).collect();
        Spread::of(&values).map(rounded)
    };
    let gpus = first.outcome.capacity_milli as f64 / 1000.0;
    let fragmented_percent = spread(|run| run.fragmented_percent)?;
    let refusals: Vec<f64> = results
        .iter()
        .filter_map(|r| r.first_refusal_percent)
        .collect();
    let nanos = runs
        .iter()
        .flat_map(|run| run.outcome.nanos.iter().copied());
    Some(Summary {
        list: first.list.clone(),
        strategy: first.policy.clone(),
        runs: runs.len(),
        allocated_percent: spread(|run| run.allocated_percent)?,
        unallocated_gpus: spread(|run| run.unallocated_gpus)?,
        fragmented_gpus: rounded(fragmented_percent.scaled(gpus / 100.0)),
        fragmented_percent,
        refused_pods: spread(|run| run.refused_pods as f64)?,
        first_refusal_percent: Spread::of(&refusals).map(rounded),
        decision_micros: Times::of(nanos.collect()),
    })
}

impl From<&Run> for RunResult {
    fn from(run: &Run) -> Self {
        let outcome = &run.outcome;
        let percent = |milli: f64| round(100.0 * milli / outcome.capacity_milli.max(1) as f64);
        let unallocated = outcome.capacity_milli - outcome.allocated_milli;
        Self {
            list: run.list.clone(),
            strategy: run.policy.clone(),
            seed: run.seed,
            arrivals: match run.origin {
                Origin::Published => "published",
                Origin::Drawn => "drawn",
            },
            arrived_pods: outcome.arrived,
            refused_pods: outcome.refused,
            first_refusal_percent: outcome.first_refusal.map(round),
            allocated_percent: percent(outcome.allocated_milli as f64),
            unallocated_gpus: round(unallocated as f64 / 1000.0),
            fragmented_percent: percent(outcome.fragmented_milli),
            curve: outcome.curve.iter().copied().map(round).collect(),
            fragmented_curve: outcome
                .fragmented_curve
                .iter()
                .copied()
                .map(round)
                .collect(),
        }
    }
}

fn round(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

fn rounded(spread: Spread) -> Spread {
    Spread {
        mean: round(spread.mean),
        sd: round(spread.sd),
        min: round(spread.min),
        max: round(spread.max),
    }
}
