//! How long decisions and whole runs take: the numbers that the README quotes.
//!
//! `cargo bench`. The run on the public trace needs `STOWAGE_TRACES` and says so without it.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use stowage::config::Policy;
use stowage::sim::arrivals::{Load, PUBLISHED_LOAD};
use stowage::sim::experiment::Experiment;
use stowage::sim::run;
use stowage::sim::sample::NodeShare;
use stowage::sim::trace::openb::{self, NodeFile};
use stowage::sim::trace::{Trace, demo};
use stowage_core::plan::{self, Context, Parameters};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::PodUid;
use stowage_core::verbs::Planner;
use stowage_core::workload::Workload;

/// As many as the public trace's cluster has.
const NODES: u32 = 1213;

criterion_group!(benches, runs, one_node, ranking);
criterion_main!(benches);

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10);
    let demo = one_run(demo::load());
    group.bench_function("demo/fgd", |bencher| bencher.iter(|| play(&demo)));
    let folder = std::env::var_os("STOWAGE_TRACES").map(|f| PathBuf::from(f).join("openb"));
    match folder.filter(|folder| folder.is_dir()) {
        Some(folder) => {
            let trace = openb::load(&folder, NodeFile::Gpu, &["default".to_owned()]);
            let openb = one_run(trace.expect("the public trace can be read"));
            group.bench_function("openb/fgd", |bencher| bencher.iter(|| play(&openb)));
        }
        None => eprintln!("skipped run/openb/fgd: STOWAGE_TRACES names no folder with openb in it"),
    }
    group.finish();
}

fn one_run(trace: Trace) -> Experiment {
    Experiment {
        node_share: NodeShare::All,
        trace,
        policies: vec![Policy::of(Strategy::Fgd)],
        seeds: vec![42],
        load: Load::PerMille(PUBLISHED_LOAD),
    }
}

fn play(experiment: &Experiment) -> usize {
    let runs = experiment.run(1, None, || ());
    runs.expect("benchmarks are valid experiments").len()
}

/// Scoring one idle node, every device of it, for a pod that wants part of one.
fn one_node(criterion: &mut Criterion) {
    let trace = demo::load();
    let context = context(&trace);
    let ranks: Vec<_> = (0..trace.nodes.len() as u32).collect();
    let cluster = run::cluster(&trace, &ranks).expect("the demo is a cluster");
    let pods = trace.lists[0].pods.iter();
    let mut parts = pods.filter(|pod| (1..1000).contains(&pod.gpu_milli()));
    let pod = parts.next().expect("the demo has pods with part of a GPU");
    let node = &cluster.nodes()[0];
    criterion.bench_function("candidate/8 GPUs/fgd", |bencher| {
        bencher.iter(|| plan::candidate(black_box(node), black_box(pod), &context));
    });
}

/// One decision in a half-full cluster, its booking and its release: each leaves one node to score
/// again.
fn ranking(criterion: &mut Criterion) {
    let trace = demo::load().replicated(NODES.div_ceil(64));
    let trace = Trace {
        nodes: trace.nodes.into_iter().take(NODES as usize).collect(),
        ..trace
    };
    let context = context(&trace);
    let ranks: Vec<_> = (0..NODES).collect();
    let cluster = run::cluster(&trace, &ranks).expect("the demo is a cluster");
    let mut planner = Planner::new(cluster, context);
    let pods = &trace.lists[0].pods;
    let half = pods.len() / 2;
    let place = |planner: &mut Planner, number: usize| {
        let uid = PodUid(number as u128);
        let placed = planner.place(number as u64, uid, &pods[number % pods.len()]);
        placed.expect("every pod is placed once");
        uid
    };
    for number in 0..half {
        place(&mut planner, number);
    }
    let mut number = half;
    criterion.bench_function("place and release/1,213 nodes/fgd", |bencher| {
        bencher.iter(|| {
            let uid = place(&mut planner, number);
            number += 1;
            planner.release(uid)
        });
    });
}

fn context(trace: &Trace) -> Context {
    let workload = Workload::count(trace.lists[0].pods.iter().map(AsRef::as_ref));
    let outlook = Arc::new(Outlook::new(&workload.covering(95)));
    Context::new(Strategy::Fgd, Parameters::default(), outlook, 42)
}
