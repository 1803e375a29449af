//! What is in a trace: how many jobs of which size, how long they run, how they follow each other.
//!
//! Percentiles are by nearest rank, times in seconds. *Dispersion* of gaps is their standard deviation over
//! their mean: 1 for memoryless submissions, above for bursts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::timed::{NodeEventKind, TimedTrace};
use crate::sim::replay::stats::{Distribution, round};

/// Most tenants, sizes and models that are listed.
const LISTED: usize = 20;

/// A trace's shape.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// As the user wrote it.
    pub trace: String,
    /// Jobs.
    pub jobs: usize,
    /// Their pods.
    pub pods: usize,
    /// Jobs of several pods.
    pub gangs: usize,
    /// Different requests.
    pub requests: usize,
    /// Jobs that never end.
    pub endless: usize,
    /// From the first submission to the last, days.
    pub days: f64,
    /// GPU time of the jobs that end.
    pub gpu_hours: f64,
    /// Jobs of one whole GPU, percent.
    pub one_gpu_percent: f64,
    /// Run times.
    pub duration: Distribution,
    /// Times between submissions.
    pub gap: Distribution,
    /// Their standard deviation over their mean.
    pub gap_dispersion: f64,
    /// GPUs and jobs, most frequent first.
    pub sizes: Vec<(f64, usize)>,
    /// Tenants and jobs, most frequent first.
    pub tenants: Vec<(String, usize)>,
    /// How many tenants.
    pub tenant_count: usize,
    /// Nodes.
    pub nodes: usize,
    /// GPUs of the nodes.
    pub gpus: u64,
    /// Models and GPUs, most frequent first.
    pub models: Vec<(String, usize)>,
    /// Offered load on these nodes, percent.
    pub offered_percent: Option<f64>,
    /// Failures of nodes.
    pub failures: usize,
}

impl Shape {
    /// The shape of `trace`.
    #[must_use]
    pub fn of(trace: &TimedTrace) -> Self {
        let jobs = &trace.jobs;
        let pods = || jobs.iter().flat_map(|job| job.pods.iter());
        let requests: std::collections::BTreeSet<_> = pods().collect();
        let gaps: Vec<u64> = jobs.windows(2).map(|w| w[1].submit - w[0].submit).collect();
        let durations: Vec<u64> = jobs.iter().filter_map(|job| job.duration).collect();
        let work = jobs
            .iter()
            .map(|job| u128::from(job.gpu_milli()) * u128::from(job.duration.unwrap_or_default()));
        let one = jobs.iter().filter(|job| job.gpu_milli() == 1000).count();
        let tenants = most_frequent(jobs.iter().map(|job| job.tenant.to_string()));
        let gpus = trace.nodes.iter().flat_map(|node| node.gpus.iter());
        Self {
            trace: trace.source.clone(),
            jobs: jobs.len(),
            pods: pods().count(),
            gangs: jobs.iter().filter(|job| job.pods.len() > 1).count(),
            requests: requests.len(),
            endless: jobs.len() - durations.len(),
            days: round(trace.last_submit() as f64 / 86_400_000.0),
            gpu_hours: round(work.sum::<u128>() as f64 / 3.6e9),
            one_gpu_percent: round(100.0 * one as f64 / jobs.len().max(1) as f64),
            duration: Distribution::of(durations, 0.001),
            gap_dispersion: dispersion(&gaps),
            gap: Distribution::of(gaps, 0.001),
            sizes: most_frequent(jobs.iter().map(super::timed::Job::gpu_milli))
                .into_iter()
                .take(LISTED)
                .map(|(milli, jobs)| (milli as f64 / 1000.0, jobs))
                .collect(),
            tenant_count: tenants.len(),
            tenants: tenants.into_iter().take(LISTED).collect(),
            nodes: trace.nodes.len(),
            gpus: trace.capacity_milli() / 1000,
            models: most_frequent(gpus.map(|gpu| gpu.model.as_str().to_owned()))
                .into_iter()
                .take(LISTED)
                .collect(),
            offered_percent: trace.offered_per_mille(0).map(|load| load as f64 / 10.0),
            failures: trace
                .events
                .iter()
                .filter(|event| event.kind == NodeEventKind::Down)
                .count(),
        }
    }

    /// As people read it.
    #[must_use]
    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("trace        {}\n", self.trace);
        let mut line = |name: &str, what: String| {
            let _ = writeln!(text, "{name:<12} {what}");
        };
        line(
            "jobs",
            format!(
                "{} of {} pods, {} gangs, {} different requests, {} that never end",
                self.jobs, self.pods, self.gangs, self.requests, self.endless
            ),
        );
        line("submitted", format!("over {}", span(self.days)));
        line("GPU-hours", format!("{:.1}", self.gpu_hours));
        line("one GPU", format!("{:.1} % of jobs", self.one_gpu_percent));
        let times = |of: &Distribution| {
            format!(
                "mean {:.0} s, p50 {:.0} s, p90 {:.0} s, p99 {:.0} s, max {:.0} s",
                of.mean, of.p50, of.p90, of.p99, of.max
            )
        };
        line("run time", times(&self.duration));
        let gaps = times(&self.gap);
        line(
            "gaps",
            format!("{gaps}; dispersion {:.2}", self.gap_dispersion),
        );
        let sizes = self
            .sizes
            .iter()
            .map(|(gpus, jobs)| format!("{gpus}: {jobs}"));
        line("GPUs: jobs", sizes.collect::<Vec<_>>().join(" · "));
        if self.tenant_count > 1 {
            let named = |(name, jobs): &(String, usize)| format!("{name}: {jobs}");
            let tenants: Vec<_> = self.tenants.iter().map(named).collect();
            let more = match self.tenant_count - tenants.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            line("tenants", tenants.join(" · ") + &more);
        }
        let models = self
            .models
            .iter()
            .map(|(name, gpus)| format!("{name}: {gpus}"));
        let models = models.collect::<Vec<_>>().join(" · ");
        let nodes = match self.nodes {
            0 => "not known: --cluster says on which it would run".to_owned(),
            nodes => format!("{nodes} with {} GPUs ({models})", self.gpus),
        };
        line("nodes", nodes);
        if let Some(load) = self.offered_percent {
            line("load", format!("{load:.1} % of the GPU time is asked for"));
        }
        if self.failures > 0 {
            line("failures", self.failures.to_string());
        }
        text
    }
}

/// A stretch of time in the largest unit of which there is one.
fn span(days: f64) -> String {
    let hours = days * 24.0;
    match days {
        1.0.. => format!("{days:.1} days"),
        _ if hours >= 1.0 => format!("{hours:.1} hours"),
        _ => format!("{:.1} minutes", hours * 60.0),
    }
}

/// Different values with how often they occur, the most frequent first, equal ones in order.
fn most_frequent<T: Ord>(values: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn dispersion(gaps: &[u64]) -> f64 {
    let n = gaps.len().max(1) as f64;
    let mean = gaps.iter().map(|&gap| gap as f64).sum::<f64>() / n;
    let squares = gaps.iter().map(|&gap| (gap as f64 - mean).powi(2));
    let deviation = (squares.sum::<f64>() / n).sqrt();
    match mean > 0.0 {
        true => round(deviation / mean),
        false => 0.0,
    }
}

/// What is wrong with a trace that its loader cannot see: events of nodes that contradict each other.
#[must_use]
pub fn contradictions(trace: &TimedTrace) -> Vec<String> {
    let mut down: BTreeMap<&Arc<str>, bool> = BTreeMap::new();
    let added = trace.events.iter().filter(|e| e.kind == NodeEventKind::Add);
    for event in added {
        down.insert(&event.node, true);
    }
    let mut found = Vec::new();
    for event in &trace.events {
        let state = down.entry(&event.node).or_insert(false);
        let (wanted, what) = match event.kind {
            NodeEventKind::Down => (false, "fails while it is not there"),
            NodeEventKind::Up | NodeEventKind::Add => (true, "comes while it is there"),
        };
        if *state != wanted {
            found.push(format!("node {} {what}, at {} ms", event.node, event.at));
        }
        *state = event.kind == NodeEventKind::Down;
    }
    found
}
