//! Synthetic workloads: arrivals, run times and sizes of known families, drawn from a seed.
//!
//! A workload is written as `key=value` joined by commas. `kind` sets all others at once, and comes
//! first: `poisson` (one-GPU jobs, memoryless in every respect), `philly` (sizes and run times of Philly
//! 2017 as its README gives them), `seren` and `helios` (as Acme's summary of clusters describes them),
//! `gangs` (eight-GPU pods, up to eight of them at once), `inference` (parts of GPUs in bursts), `serving`
//! (parts of GPUs, following the day as ServeGen's m-small does). Then: `jobs`; `gap`, the mean time between submissions; `arrivals`, one of
//! `poisson`, `bursty`, `diurnal`; `swing` of the latter; `durations`, one of `constant`, `exponential`,
//! `lognormal`, `pareto`;
//! `mean`, their mean; `sigma` of the lognormal's logarithm; `alpha` of the Pareto tail; `sizes`, GPUs and
//! weights such as `1:90/8:10` (`0.5` is a part of a GPU); `gangs`, pods a job and weights likewise (without
//! it, the rule of `gpu_jobs` makes the pods); `tenants`, drawn evenly.
//!
//! *Bursty* is one job in twenty after a long gap and the others after a tenth of the mean gap. *Diurnal*
//! swings by `swing` (0.8) of the mean rate over a day. Logarithms and sines are libm's: the same draws
//! on every platform.

mod parse;

use std::sync::Arc;

use rand::RngExt;
use rand_pcg::Pcg64;

use super::gpu_jobs::GpuJob;
use super::table::MAX_MS;

pub use parse::{duration_ms, parse};

const DAY_MS: f64 = 86_400_000.0;
/// How much the rate of diurnal arrivals swings about its mean.
const SWING: f64 = 0.8;
/// Mean jobs of one burst.
const BURST: f64 = 20.0;
/// Gap within a burst over the mean gap.
const WITHIN: f64 = 0.1;

/// A synthetic workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Synth {
    /// How many jobs.
    pub jobs: u32,
    /// Mean time between submissions, ms.
    pub gap: u64,
    /// How submissions follow each other.
    pub arrivals: Arrivals,
    /// How much the rate of diurnal arrivals swings about its mean, 0 to 1.
    pub swing: f64,
    /// How long jobs run.
    pub durations: Durations,
    /// Their mean, ms.
    pub mean: u64,
    /// GPUs in thousandths, with weights.
    pub sizes: Vec<(u64, u32)>,
    /// Pods a job, with weights; empty where the rule of `gpu_jobs` makes the pods.
    pub gangs: Vec<(u32, u32)>,
    /// How many tenants.
    pub tenants: u32,
}

/// How submissions follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Exponential gaps.
    Poisson,
    /// Many short gaps, few long ones.
    Bursty,
    /// Poisson at a rate that follows the day.
    Diurnal,
}

/// How long jobs run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Durations {
    /// All the same.
    Constant,
    /// Exponential.
    Exponential,
    /// The logarithm is normal with this standard deviation.
    LogNormal(f64),
    /// Pareto with this tail index, above 1.
    Pareto(f64),
}

impl Synth {
    /// The jobs of `seed`.
    #[must_use]
    pub fn jobs(&self, seed: u64) -> Vec<GpuJob> {
        // A stream a purpose: another size mix leaves arrivals as they are.
        let stream = |purpose| Pcg64::new(u128::from(seed), purpose);
        let (mut gaps, mut lengths, mut sizes) = (stream(1), stream(2), stream(3));
        let names: Vec<Arc<str>> = (0..self.tenants.max(1))
            .map(|number| format!("tenant-{number:02}").into())
            .collect();
        let mut at = 0.0;
        let mut jobs = Vec::with_capacity(self.jobs as usize);
        for _ in 0..self.jobs {
            at = self.next(&mut gaps, at);
            let gpu_milli = weighted(&mut sizes, &self.sizes);
            let pods = match self.gangs.as_slice() {
                [] => 0,
                gangs => weighted(&mut sizes, gangs),
            };
            let tenant = names[sizes.random_range(0..names.len())].clone();
            jobs.push(GpuJob {
                submit: whole(at),
                duration: self.length(&mut lengths).max(1),
                gpu_milli,
                pods,
                tenant,
            });
        }
        jobs
    }

    /// When the next job is submitted after one at `at`.
    fn next(&self, rng: &mut Pcg64, at: f64) -> f64 {
        let gap = self.gap as f64;
        match self.arrivals {
            Arrivals::Poisson => at + gap * unit(rng),
            Arrivals::Bursty => {
                let between = BURST - (BURST - 1.0) * WITHIN;
                let goes_on = rng.random::<f64>() < 1.0 - 1.0 / BURST;
                at + gap * unit(rng) * if goes_on { WITHIN } else { between }
            }
            Arrivals::Diurnal => {
                // Thinning (Lewis and Shedler, 1979).
                let mut at = at;
                loop {
                    at += gap * unit(rng) / (1.0 + self.swing);
                    let phase = libm::sin(std::f64::consts::TAU * at / DAY_MS);
                    let kept = (1.0 + self.swing * phase) / (1.0 + self.swing);
                    if rng.random::<f64>() < kept {
                        return at;
                    }
                }
            }
        }
    }

    fn length(&self, rng: &mut Pcg64) -> u64 {
        let mean = self.mean as f64;
        whole(match self.durations {
            Durations::Constant => mean,
            Durations::Exponential => mean * unit(rng),
            Durations::LogNormal(sigma) => {
                mean * libm::exp(sigma * normal(rng) - sigma * sigma / 2.0)
            }
            Durations::Pareto(alpha) => {
                let least = mean * (alpha - 1.0) / alpha;
                least * libm::exp(unit(rng) / alpha)
            }
        })
    }
}

/// An exponential draw of mean `mean`, ms.
pub(super) fn exponential(rng: &mut Pcg64, mean: u64) -> u64 {
    whole(mean as f64 * unit(rng))
}

/// An exponential draw of mean 1.
fn unit(rng: &mut Pcg64) -> f64 {
    -libm::log(1.0 - rng.random::<f64>())
}

/// A standard normal draw (Box and Muller, 1958; one of the two).
fn normal(rng: &mut Pcg64) -> f64 {
    let radius = libm::sqrt(2.0 * unit(rng));
    radius * libm::cos(std::f64::consts::TAU * rng.random::<f64>())
}

/// Whole milliseconds within bounds.
fn whole(ms: f64) -> u64 {
    #[allow(clippy::cast_sign_loss)]
    let whole = ms.clamp(0.0, MAX_MS as f64) as u64;
    whole
}

/// One of `options`, each as likely as its weight says.
fn weighted<T: Copy>(rng: &mut Pcg64, options: &[(T, u32)]) -> T {
    let all: u64 = options.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut at = rng.random_range(0..all.max(1));
    for &(option, weight) in options {
        if at < u64::from(weight) {
            return option;
        }
        at -= u64::from(weight);
    }
    options[options.len() - 1].0
}
