//! Queueing theory: M/M/c.

use stowage::config::Policy;
use stowage::sim::replay::experiment::{Compression, Replay, Workload};
use stowage::sim::replay::stats::Difference;
use stowage::sim::replay::{Discipline, Model};
use stowage::sim::trace::gpu_jobs::PerGpu;
use stowage::sim::trace::synth;
use stowage_core::strategy::Strategy;

/// Servers, and the share of them that is busy.
const SERVERS: u32 = 5;
const BUSY: f64 = 0.8;
/// Mean run time, s.
const MEAN: f64 = 1000.0;
/// The first jobs of a run, which find the cluster emptier than it becomes.
const WARM_UP: usize = 2000;

/// Mean waiting time of M/M/c, s (Erlang, 1917).
fn erlang_c() -> f64 {
    let offered = BUSY * f64::from(SERVERS);
    let (mut term, mut sum) = (1.0, 0.0);
    for servers in 1..=SERVERS {
        sum += term;
        term *= offered / f64::from(servers);
    }
    let waits = term / (1.0 - BUSY) / (sum + term / (1.0 - BUSY));
    waits * MEAN / (f64::from(SERVERS) * (1.0 - BUSY))
}

#[test]
fn the_formula_is_the_published_one() {
    // Five servers at 80 percent: 55.41 percent wait.
    let share = erlang_c() * f64::from(SERVERS) * (1.0 - BUSY) / MEAN;
    assert!((share - 0.5541).abs() < 1e-4, "{share}");
}

#[test]
fn memoryless_jobs_wait_as_long_as_erlang_says() {
    let workload = synth::parse("kind=poisson,jobs=22000,gap=250s,mean=1000s");
    let replay = Replay {
        workload: Workload::Synth(
            workload.expect("it is well written"),
            super::nodes("T4:1x5"),
            PerGpu::default(),
        ),
        standing: std::sync::Arc::default(),
        policies: vec![Policy::of(Strategy::BestFit)],
        seeds: (1..=24).collect(),
        model: Model {
            queue: Discipline::StrictFifo,
            ..Model::default()
        },
        compression: Compression::By(1000),
        failures: None,
    };
    let means = replay.run(0, |run| {
        let pairs = run.trace.jobs.iter().zip(&run.outcome.jobs);
        let waits = pairs.map(|(job, record)| record.first_start.expect("it starts") - job.submit);
        let waits: Vec<u64> = waits.skip(WARM_UP).collect();
        waits.iter().sum::<u64>() as f64 / waits.len() as f64 / 1000.0
    });
    let theory = erlang_c();
    let means = means.expect("it can be replayed");
    let differences: Vec<f64> = means.iter().map(|mean| mean - theory).collect();
    let difference = Difference::of(&differences);
    println!("M/M/{SERVERS}: theory {theory:.1} s, off by {difference:?}");
    assert!(difference.is_open(), "theory {theory}: {difference:?}");
    let (low, high) = difference.interval.expect("many seeds");
    assert!(
        high - low < 0.1 * theory,
        "the interval is narrow enough to say so"
    );
}
