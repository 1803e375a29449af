//! Many runs: every list under every policy and seed, side by side on several threads.
//!
//! Runs share nothing that changes, and results are collected in order: the number of threads
//! changes nothing but the time.

use std::sync::Arc;

use rayon::prelude::*;
use stowage_core::cluster::ClusterError;
use stowage_core::plan::Context;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::workload::Workload;
use thiserror::Error;

use super::arrivals::{self, Load, Origin};
use super::run::{self, Outcome, Stopwatch};
use super::sample::NodeShare;
use super::trace::{PodList, Trace};
use crate::config::workload::Expected;
use crate::config::{Policy, WorkloadKind};

/// What to run.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The cluster and the lists.
    pub trace: Trace,
    /// What to compare, in the order shown.
    pub policies: Vec<Policy>,
    /// One run a seed.
    pub seeds: Vec<u64>,
    /// When to stop.
    pub load: Load,
    /// How many of the nodes a pod is compared on.
    pub node_share: NodeShare,
}

/// One run and what it gave.
#[derive(Debug, Clone)]
pub struct Run {
    /// The list's name.
    pub list: String,
    /// The policy's name.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// Whether the order of arrival was a published one.
    pub origin: Origin,
    /// What it gave.
    pub outcome: Outcome,
}

/// Runs could not be made.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// The nodes do not make a cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A policy cannot be carried out.
    #[error("{0}")]
    Policy(String),
    /// Threads could not be started.
    #[error("threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

impl Experiment {
    /// How many runs it makes.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.trace.lists.len() * self.policies.len() * self.seeds.len()
    }

    /// Makes all runs on `jobs` threads (0: as many as there are processors), in order of list,
    /// policy and seed. `finished` is called after each.
    ///
    /// # Errors
    /// When the trace's nodes do not make a cluster or threads cannot be started.
    pub fn run(
        &self,
        jobs: usize,
        stopwatch: Option<Stopwatch>,
        finished: impl Fn() + Sync,
    ) -> Result<Vec<Run>, ExperimentError> {
        let mut plans = Vec::new();
        for list in &self.trace.lists {
            for policy in &self.policies {
                let percent = policy.workload.cover_percent;
                let expected = policy.workload.load(WorkloadKind::List);
                let workload = match expected.map_err(ExperimentError::Policy)? {
                    Expected::Known(workload) => workload,
                    Expected::Counted => Workload::count(list.pods.iter().map(AsRef::as_ref)),
                };
                let outlook = Arc::new(Outlook::new(&workload.covering(percent)));
                let seeds = self.seeds.iter();
                plans.extend(seeds.map(|&seed| (list, policy, outlook.clone(), seed)));
            }
        }
        let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
        threads.install(|| {
            plans
                .into_par_iter()
                .map(|(list, policy, outlook, seed)| {
                    let run = self.one(list, policy, &outlook, seed, stopwatch);
                    finished();
                    run
                })
                .collect()
        })
    }

    fn one(
        &self,
        list: &PodList,
        policy: &Policy,
        outlook: &Arc<Outlook>,
        seed: u64,
        stopwatch: Option<Stopwatch>,
    ) -> Result<Run, ExperimentError> {
        let arrivals = arrivals::arrivals(&self.trace, list, seed, self.load);
        let strategy = policy.strategy.0;
        let parameters = policy.parameters.into();
        let context = Context::new(strategy, parameters, outlook.clone(), seed);
        let outcome = run::run(
            &self.trace,
            &arrivals,
            self.load,
            self.node_share,
            context,
            outlook,
            stopwatch,
        )?;
        Ok(Run {
            list: list.name.clone(),
            policy: policy.name(),
            seed,
            origin: arrivals::origin(list, seed, self.load),
            outcome,
        })
    }
}
