//! Many replays: every policy on every seed's workload, side by side on several threads.
//!
//! All policies of a seed see the same jobs, failures and ranks of nodes, so that their results pair.
//! What a seed changes: a workload that is made by the program is drawn anew; of a recorded trace only
//! the ranks of nodes, which break ties, what a strategy draws, and drawn failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use rayon::prelude::*;
use stowage_core::plan::Context;
use stowage_core::request::PodRequest;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::workload::Workload as Histogram;

use super::outcome::Outcome;
use super::{Input, Model, Witness};
use crate::config::workload::Expected;
use crate::config::{Policy, WorkloadKind};
use crate::sim::experiment::ExperimentError;
use crate::sim::trace::TraceNode;
use crate::sim::trace::demo;
use crate::sim::trace::faults::Failures;
use crate::sim::trace::gpu_jobs::{self, PerGpu};
use crate::sim::trace::synth::Synth;
use crate::sim::trace::timed::{Standing, TimedTrace};

/// Where jobs come from.
#[derive(Debug, Clone)]
pub enum Workload {
    /// A recorded trace: the same for every seed.
    Trace(Arc<TimedTrace>),
    /// The built-in demo: times are drawn.
    Demo(Option<Vec<TraceNode>>),
    /// A synthetic workload: everything is drawn.
    Synth(Synth, Vec<TraceNode>, PerGpu),
}

/// How times of submission are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Divided by so many thousandths.
    By(u64),
    /// So that the offered load is so many thousandths.
    ToLoad(u64),
}

/// What to replay.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The jobs and their cluster.
    pub workload: Workload,
    /// What to compare, in the order shown; differences are against the first.
    pub policies: Vec<Policy>,
    /// One replay a seed.
    pub seeds: Vec<u64>,
    /// How the cluster treats its jobs.
    pub model: Model,
    /// How times are compressed.
    pub compression: Compression,
    /// Who is on the cluster before the first job.
    pub standing: Arc<Standing>,
    /// Failures beside those of the trace, and their rate in thousandths.
    pub failures: Option<(Failures, u64)>,
}

/// One replay and what it gave.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The policy's name.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// The jobs of that seed.
    pub trace: Arc<TimedTrace>,
    /// What it gave.
    pub outcome: Outcome,
}

/// A replay to make.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Its place among the policies and the seeds.
    place: (usize, usize),
    /// What decides.
    pub policy: &'a Policy,
    /// The seed.
    pub seed: u64,
}

impl Replay {
    /// How many replays it makes.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.policies.len() * self.seeds.len()
    }

    /// The jobs of `seed`, compressed.
    ///
    /// # Errors
    /// When a load is asked for that the trace cannot reach.
    pub fn trace(&self, seed: u64) -> Result<Arc<TimedTrace>, ExperimentError> {
        let made = match &self.workload {
            Workload::Trace(trace) => trace.clone(),
            Workload::Demo(nodes) => Arc::new(demo::timed(seed, nodes.clone())),
            Workload::Synth(synth, nodes, per_gpu) => Arc::new(
                TimedTrace {
                    source: "synth".to_owned(),
                    nodes: nodes.clone(),
                    jobs: gpu_jobs::pods("job", synth.jobs(seed), nodes, *per_gpu),
                    events: Vec::new(),
                }
                .ordered(),
            ),
        };
        match self.compression {
            Compression::By(1000) => Ok(made),
            Compression::By(by) => {
                let millionths = by.saturating_mul(1000);
                Ok(Arc::new(Arc::unwrap_or_clone(made).compressed(millionths)))
            }
            Compression::ToLoad(target) => {
                match Arc::unwrap_or_clone(made).at_load(target, self.standing.milli()) {
                    Ok(trace) => Ok(Arc::new(trace)),
                    Err(most) => Err(ExperimentError::Policy(format!(
                        "load: expected at most {}, which all of the trace's jobs at once would hold of \
                     this cluster, got {}",
                        most as f64 / 1000.0,
                        target as f64 / 1000.0
                    ))),
                }
            }
        }
    }

    /// Makes all replays on `jobs` threads (0: as many as there are processors), each reduced by
    /// `reduce` at once, in order of policy and seed.
    ///
    /// # Errors
    /// When the nodes do not make a cluster, a policy cannot be carried out, or threads cannot be
    /// started.
    pub fn run<R: Send>(
        &self,
        jobs: usize,
        reduce: impl Fn(Replayed) -> R + Sync,
    ) -> Result<Vec<R>, ExperimentError> {
        self.run_until(jobs, |_| (), reduce)
    }

    /// The same under the eyes of a witness for each. They are begun seed by seed, and a seed that a
    /// witness stopped under some policy is left out: what is returned can be compared in pairs.
    ///
    /// # Errors
    /// As [`Replay::run`].
    pub fn run_until<R: Send, W: Witness>(
        &self,
        jobs: usize,
        witness: impl Fn(&Plan<'_>) -> W + Sync,
        reduce: impl Fn(Replayed) -> R + Sync,
    ) -> Result<Vec<R>, ExperimentError> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
        // The traces of all seeds at once only where they are one and the same.
        let shared = match &self.workload {
            Workload::Trace(_) => Some(self.trace(0)?),
            _ => None,
        };
        let plans = self.plans();
        let next = AtomicUsize::new(0);
        // Whoever is free takes the next plan in line, so that threads do not start far apart.
        let take = |_: usize| {
            let plan = &plans[next.fetch_add(1, Ordering::Relaxed)];
            let trace = shared.clone().map_or_else(|| self.trace(plan.seed), Ok)?;
            let replayed = self.one(plan, trace, &mut witness(plan))?;
            Ok(replayed.map(|replayed| (plan.place, reduce(replayed))))
        };
        let made: Result<Vec<_>, ExperimentError> =
            threads.install(|| (0..plans.len()).into_par_iter().map(take).collect());
        let mut made: Vec<_> = made?.into_iter().flatten().collect();
        let mut counts = vec![0; self.seeds.len()];
        for ((_, seed), _) in &made {
            counts[*seed] += 1;
        }
        made.retain(|((_, seed), _)| counts[*seed] == self.policies.len());
        made.sort_by_key(|(place, _)| *place);
        Ok(made.into_iter().map(|(_, reduced)| reduced).collect())
    }

    /// Makes one replay again under the eyes of `witness`; none if it is not one of this experiment's
    /// or was stopped.
    ///
    /// # Errors
    /// As [`Replay::run`].
    pub fn again(
        &self,
        (policy, seed): (&str, u64),
        witness: &mut dyn Witness,
    ) -> Result<Option<Replayed>, ExperimentError> {
        let plans = self.plans();
        let is_it = |plan: &&Plan<'_>| plan.policy.name() == policy && plan.seed == seed;
        match plans.iter().find(is_it) {
            Some(plan) => self.one(plan, self.trace(seed)?, witness),
            None => Ok(None),
        }
    }

    /// Every replay to make, seed by seed.
    fn plans(&self) -> Vec<Plan<'_>> {
        let seeds = self.seeds.iter().enumerate();
        let plans = seeds.flat_map(|(s, &seed)| {
            let policies = self.policies.iter().enumerate();
            policies.map(move |(p, policy)| Plan {
                place: (p, s),
                policy,
                seed,
            })
        });
        plans.collect()
    }

    fn one(
        &self,
        plan: &Plan<'_>,
        trace: Arc<TimedTrace>,
        witness: &mut dyn Witness,
    ) -> Result<Option<Replayed>, ExperimentError> {
        let (policy, seed) = (plan.policy, plan.seed);
        let mut events = trace.events.clone();
        if let Some((failures, rate)) = &self.failures {
            events.extend(failures.events(&trace.nodes, seed, *rate, trace.last_submit()));
            events.sort();
        }
        let mut ranks: Vec<u32> = (0..trace.nodes.len() as u32).collect();
        ranks.shuffle(&mut Pcg64::seed_from_u64(seed));
        let input = Input {
            nodes: &trace.nodes,
            ranks: &ranks,
            jobs: &trace.jobs,
            events: &events,
            standing: &self.standing,
        };
        let context = context(policy, seed, &trace)?;
        let outcome = super::run_seen(input, &self.model, context, witness)?;
        Ok(outcome.map(|outcome| Replayed {
            policy: policy.name(),
            seed,
            trace,
            outcome,
        }))
    }
}

/// What `policy` decides by on `trace`: it looks ahead with the pods of the trace.
fn context(policy: &Policy, seed: u64, trace: &TimedTrace) -> Result<Context, ExperimentError> {
    let expected = policy.workload.load(WorkloadKind::List);
    let histogram = match expected.map_err(ExperimentError::Policy)? {
        Expected::Known(histogram) => histogram,
        Expected::Counted => {
            let pods = trace.jobs.iter().flat_map(|job| job.pods.iter());
            Histogram::count(pods.map(AsRef::<PodRequest>::as_ref))
        }
    };
    let outlook = Outlook::new(&histogram.covering(policy.workload.cover_percent));
    let parameters = policy.parameters.into();
    let strategy = policy.strategy.0;
    Ok(Context::new(strategy, parameters, Arc::new(outlook), seed))
}
