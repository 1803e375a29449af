//! Curves of one replay that its report draws: how many jobs waited how long, what was asked for, and
//! stranded GPUs split by cause. Not part of the JSON result, which has percentiles.

use std::collections::BTreeMap;

use super::run::{SeriesResult, size};
use crate::sim::replay::experiment::Replayed;
use crate::sim::trace::timed::TimedTrace;

/// Steps of a decade of waiting time.
const STEPS: u32 = 10;
/// Decades from 1 s on; 10^8 s are three years.
const DECADES: u32 = 8;

/// What is drawn of one replay.
#[derive(Debug, Clone, Default)]
pub struct Curves {
    /// Waiting times by size, the smallest first.
    pub waits: Vec<Waits>,
    /// GPUs that jobs would hold if nobody waited, means over the stretches of the series.
    pub asked: Vec<f64>,
    /// The busiest moment, ms.
    pub busiest: u64,
}

/// How long the jobs of one size waited.
#[derive(Debug, Clone)]
pub struct Waits {
    /// The size.
    pub name: &'static str,
    /// Jobs, those that never started included.
    pub jobs: u64,
    /// How many of them waited at most [`limit`] seconds, by step.
    pub at_most: Vec<u64>,
}

/// The waiting time of a step, seconds: a tenth of a decade each, from 1 s on.
#[must_use]
pub fn limit(step: usize) -> f64 {
    10_f64.powf(step as f64 / f64::from(STEPS))
}

impl Curves {
    /// The curves of `replayed` over stretches of `width` ms.
    pub(super) fn of(replayed: &Replayed) -> Self {
        let series = &replayed.outcome.series;
        Self {
            waits: waits(replayed),
            asked: asked(&replayed.trace, series.width(), series.points().len()),
            busiest: replayed.outcome.busiest,
        }
    }
}

fn waits(replayed: &Replayed) -> Vec<Waits> {
    #[allow(clippy::cast_sign_loss)]
    let ms = |step: u32| (limit(step as usize) * 1000.0).round() as u64;
    let limits: Vec<u64> = (0..=STEPS * DECADES).map(ms).collect();
    let mut groups: BTreeMap<(usize, &'static str), (u64, Vec<u64>)> = BTreeMap::new();
    for (job, record) in replayed.trace.jobs.iter().zip(&replayed.outcome.jobs) {
        let (jobs, counts) = groups
            .entry(size(job))
            .or_insert_with(|| (0, vec![0; limits.len()]));
        *jobs += 1;
        if let Some(start) = record.first_start {
            let wait = start - job.submit;
            let step = limits.partition_point(|&limit| limit < wait);
            // Beyond three years counts at the last step.
            counts[step.min(limits.len() - 1)] += 1;
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|((_, name), (jobs, counts))| Waits {
            name,
            jobs,
            at_most: sums(counts),
        })
        .collect()
}

fn sums(counts: Vec<u64>) -> Vec<u64> {
    let mut sum = 0;
    let so_far = counts.into_iter().map(|count| {
        sum += count;
        sum
    });
    so_far.collect()
}

/// GPUs held if every job started at once, means over `points` stretches of `width` ms.
fn asked(trace: &TimedTrace, width: u64, points: usize) -> Vec<f64> {
    // In each stretch: area of jobs that begin or end there, and a step for those that fill it.
    let mut parts = vec![0_i128; points + 1];
    let mut steps = vec![0_i128; points + 1];
    let span = width.saturating_mul(points as u64);
    for job in &trace.jobs {
        let held = i128::from(job.gpu_milli());
        let end = job.submit.saturating_add(job.duration.unwrap_or(u64::MAX));
        // From a moment to the end of all: the rest of its stretch, then whole ones.
        for (at, sign) in [(job.submit.min(span), held), (end.min(span), -held)] {
            let index = (at / width) as usize;
            parts[index] += sign * i128::from((index as u64 + 1).saturating_mul(width) - at);
            if index < points {
                steps[index + 1] += sign;
            }
        }
    }
    let mut level = 0;
    let means = parts.iter().zip(&steps).take(points).map(|(part, step)| {
        level += step;
        (part + level * i128::from(width)) as f64 / width as f64 / 1000.0
    });
    means.collect()
}

/// Why GPUs are stranded, in the order of [`SeriesResult::causes`].
pub const CAUSES: [&str; 5] = [
    "pieces too small",
    "no cores, memory or pods left",
    "model not accepted",
    "held back by gang or queue",
    "not sampled",
];

impl SeriesResult {
    /// The GPUs stranded in stretch `index`, split as idle GPUs were at its end, or, if nobody waited just
    /// then, at the nearest end of a stretch at which somebody did. Without any they count as not sampled.
    #[must_use]
    pub fn causes(&self, index: usize) -> [f64; 5] {
        let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(0.0);
        let stranded = at(&self.stranded, index);
        if stranded <= 0.0 {
            return [0.0; 5];
        }
        let idle = |index: usize| {
            [
                at(&self.idle_pieces, index),
                at(&self.idle_room, index),
                at(&self.idle_model, index),
                at(&self.idle_held_back, index),
            ]
        };
        let sampled = |index: &usize| idle(*index).iter().sum::<f64>() > 0.0;
        let sampled = (0..self.stranded.len()).filter(sampled);
        // The earlier of two that are equally near.
        let Some(nearest) = sampled.min_by_key(|other| other.abs_diff(index)) else {
            return [0.0, 0.0, 0.0, 0.0, stranded];
        };
        let idle = idle(nearest);
        let all = idle.iter().sum::<f64>();
        let [pieces, room, model, held_back] = idle.map(|idle| stranded * idle / all);
        [pieces, room, model, held_back, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::trace::timed::Job;

    #[test]
    fn what_is_asked_for_is_spread_over_stretches() {
        use std::num::NonZeroU8;
        use std::sync::Arc;
        use stowage_core::request::{ContainerRequest, Models, PodRequest};
        use stowage_core::units::{Mebibytes, Milli};
        let gpu = [ContainerRequest::Whole {
            count: NonZeroU8::MIN,
        }];
        let pod = PodRequest::new(&gpu, Milli(1), Mebibytes(1), Models::Any);
        let pod = Arc::new(pod.expect("a small pod"));
        let job = |submit, duration| Job {
            name: "j".into(),
            tenant: "".into(),
            submit,
            duration,
            priority: 0,
            pods: [pod.clone()].into(),
            nodes: None,
        };
        let trace = TimedTrace {
            source: String::new(),
            nodes: Vec::new(),
            jobs: vec![job(5, Some(20)), job(10, None), job(90, Some(5))],
            events: Vec::new(),
        };
        // 0..10: half of the first; 10..20: both; 20..30: half of the first and the second.
        assert_eq!(asked(&trace, 10, 4), [0.5, 2.0, 1.5, 1.0]);
    }
}
