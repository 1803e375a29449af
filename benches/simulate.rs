//! How long decisions and whole runs take: the numbers that the README quotes.
//!
//! `cargo bench`. The run on the public trace needs `STOWAGE_TRACES` and says so without it.

use std::hint::black_box;
use std::num::NonZeroU8;
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
use stowage_core::gpu::{Cut, Gpu, GpuMode, Model, Vendor};
use stowage_core::mig::Geometry;
use stowage_core::node::{HandOver, Node, NodeState, Room};
use stowage_core::partition::Partition;
use stowage_core::plan::{self, Context, Parameters};
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::topology::Board;
use stowage_core::units::{Mebibytes, Milli, PodUid};
use stowage_core::verbs::Planner;
use stowage_core::workload::Workload;

/// As many as the public trace's cluster has.
const NODES: u32 = 1213;

criterion_group!(benches, runs, one_node, shapes, ranking);
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

/// Deciding on one node for each shape of request: whole devices, joined ones, shares, MIG slots.
fn shapes(criterion: &mut Criterion) {
    let context = context(&demo::load());
    let whole = |count: u8| ContainerRequest::Whole {
        count: NonZeroU8::new(count).expect("some"),
    };
    let memory = ContainerRequest::Share {
        count: NonZeroU8::MIN,
        share: Share {
            compute: Milli(0),
            memory: ShareMemory::Mebibytes(Mebibytes(2000)),
        },
    };
    let mig = ContainerRequest::Partition(Partition::Mig("1g.10gb".parse().expect("a profile")));
    let cut = GpuMode::Mig(Cut(Geometry::of_board("A100-80GB").expect("a board")));
    let mut group = criterion.benchmark_group("candidate");
    let (agent, plugin) = (HandOver::StowageNri, HandOver::DevicePlugin);
    for (name, mode, links, asks, hand_over) in [
        ("whole 1 of 8", GpuMode::Plain, None, whole(1), agent),
        ("whole 4 of 8", GpuMode::Plain, None, whole(4), agent),
        (
            "whole 2 of 8, DGX-1 links",
            GpuMode::Plain,
            Some(Board::Dgx1V100),
            whole(2),
            agent,
        ),
        (
            "whole 2 of 8, DGX-1 links, predicted",
            GpuMode::Plain,
            Some(Board::Dgx1V100),
            whole(2),
            plugin,
        ),
        (
            "whole 4 of 8, NVSwitches, predicted",
            GpuMode::Plain,
            Some(Board::HgxH100),
            whole(4),
            plugin,
        ),
        (
            "whole 4 of 8, DGX-1 links",
            GpuMode::Plain,
            Some(Board::Dgx1V100),
            whole(4),
            agent,
        ),
        ("2000 MiB on 8", GpuMode::Plain, None, memory, agent),
        ("1g.10gb on 8 boards", cut, None, mig, agent),
    ] {
        let gpu = Gpu {
            vendor: Vendor::Nvidia,
            model: Model::new("A100-80GB"),
            memory: Mebibytes(81_920),
            mode,
        };
        let state = NodeState::idle(Arc::new(Node {
            name: "a".into(),
            room: Room {
                cores: Milli(96_000),
                memory: Mebibytes(900_000),
                pods: 110,
            },
            gpus: vec![gpu; 8].into(),
            hand_over,
            links: links.map(|board| Arc::new(board.layout())),
            ..Node::default()
        }));
        let pod = PodRequest::new(&[asks], Milli(4000), Mebibytes(1), Models::Any);
        let pod = pod.expect("something possible");
        group.bench_function(name, |bencher| {
            bencher.iter(|| plan::candidate(black_box(&state), black_box(&pod), &context));
        });
    }
    group.finish();
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
