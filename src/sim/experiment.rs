//! Many runs: every list under every policy and seed, side by side on several threads.
//!
//! Runs share nothing that changes, and results are collected in order: the number of threads
//! changes nothing but the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use stowage_core::cluster::ClusterError;
use stowage_core::plan::Context;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::verbs::Planner;
use stowage_core::workload::Workload;
use thiserror::Error;

use super::arrivals::{self, Load, Origin};
use super::detail::{Detail, Recorder};
use super::run::{self, Outcome, Pouring, Stopwatch};
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
        self.run_until(jobs, stopwatch, finished, || false)
    }

    /// The same, but begins no run once `stop` says so. They are begun seed by seed, and a seed that
    /// was not finished under every policy is left out: what is returned can be compared in pairs.
    ///
    /// # Errors
    /// As [`Experiment::run`].
    pub fn run_until(
        &self,
        jobs: usize,
        stopwatch: Option<Stopwatch>,
        finished: impl Fn() + Sync,
        stop: impl Fn() -> bool + Sync,
    ) -> Result<Vec<Run>, ExperimentError> {
        let plans = self.plans()?;
        let next = AtomicUsize::new(0);
        // Whoever is free takes the next plan in line, so that threads do not start far apart.
        let take = |_: usize| {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if stop() {
                return Ok(None);
            }
            let plan = &plans[index];
            let (run, _) = self.one(plan, stopwatch, &mut ())?;
            finished();
            Ok(Some((plan.place, run)))
        };
        let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
        let runs: Result<Vec<_>, ExperimentError> =
            threads.install(|| (0..plans.len()).into_par_iter().map(take).collect());
        let mut runs: Vec<_> = runs?.into_iter().flatten().collect();
        if runs.len() < plans.len() {
            let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
            for (place, _) in &runs {
                *counts.entry((place.list, place.seed)).or_insert(0) += 1;
            }
            let all = Some(&self.policies.len());
            runs.retain(|(place, _)| counts.get(&(place.list, place.seed)) == all);
        }
        runs.sort_by_key(|(place, _)| *place);
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    /// Makes one run again and records it; none if it is not one of this experiment's.
    ///
    /// # Errors
    /// As [`Experiment::run`].
    pub fn detail(
        &self,
        (list, policy, seed): (&str, &str, u64),
        decisions: bool,
    ) -> Result<Option<Detail>, ExperimentError> {
        let is_it = |plan: &&Plan<'_>| {
            plan.list.name == list && plan.policy.name() == policy && plan.seed == seed
        };
        let plans = self.plans()?;
        let Some(plan) = plans.iter().find(is_it) else {
            return Ok(None);
        };
        let mut recorder = Recorder::new(decisions);
        let (run, planner) = self.one(plan, None, &mut recorder)?;
        Ok(Some(recorder.detail(run, plan.list, &planner)))
    }

    /// Every run to make: list by list, seed by seed, policy by policy.
    fn plans(&self) -> Result<Vec<Plan<'_>>, ExperimentError> {
        let mut plans = Vec::new();
        for (l, list) in self.trace.lists.iter().enumerate() {
            let outlooks = self.policies.iter().map(|policy| outlook(list, policy));
            let outlooks: Vec<_> = outlooks.collect::<Result<_, _>>()?;
            for (s, &seed) in self.seeds.iter().enumerate() {
                let policies = self.policies.iter().zip(&outlooks).enumerate();
                plans.extend(policies.map(|(p, (policy, outlook))| Plan {
                    place: Place {
                        list: l,
                        policy: p,
                        seed: s,
                    },
                    list,
                    policy,
                    outlook: outlook.clone(),
                    seed,
                }));
            }
        }
        Ok(plans)
    }

    fn one(
        &self,
        plan: &Plan<'_>,
        stopwatch: Option<Stopwatch>,
        witness: &mut impl run::Witness,
    ) -> Result<(Run, Planner), ExperimentError> {
        let &Plan {
            list, policy, seed, ..
        } = plan;
        let arrivals = arrivals::arrivals(&self.trace, list, seed, self.load);
        let pouring = Pouring {
            trace: &self.trace,
            arrivals: &arrivals,
            load: self.load,
            share: self.node_share,
            outlook: &plan.outlook,
        };
        let parameters = policy.parameters.into();
        let context = Context::new(policy.strategy.0, parameters, plan.outlook.clone(), seed);
        let (outcome, planner) = run::run(pouring, context, stopwatch, witness)?;
        let run = Run {
            list: list.name.clone(),
            policy: policy.name(),
            seed,
            origin: arrivals::origin(list, seed, self.load),
            outcome,
        };
        Ok((run, planner))
    }
}

/// A run to make.
struct Plan<'a> {
    place: Place,
    list: &'a PodList,
    policy: &'a Policy,
    outlook: Arc<Outlook>,
    seed: u64,
}

/// Where a run stands among the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    list: usize,
    policy: usize,
    seed: usize,
}

/// What `policy` looks ahead with on `list`.
fn outlook(list: &PodList, policy: &Policy) -> Result<Arc<Outlook>, ExperimentError> {
    let percent = policy.workload.cover_percent;
    let expected = policy.workload.load(WorkloadKind::List);
    let workload = match expected.map_err(ExperimentError::Policy)? {
        Expected::Known(workload) => workload,
        Expected::Counted => Workload::count(list.pods.iter().map(AsRef::as_ref)),
    };
    Ok(Arc::new(Outlook::new(&workload.covering(percent))))
}
