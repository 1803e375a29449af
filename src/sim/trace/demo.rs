//! The built-in demo: 64 GPU nodes of four Azure sizes, and 1,200 pods from a seeded generator.
//!
//! The mix follows published marginals of the openb trace (Weng et al., ATC '23): how many pods ask
//! for part of a GPU, for 1, 2, 4, 8 or none, as in its variant `gpushare60`; shares, cores and host
//! memory as in its `default` list, the most frequent values of each kind. The trace restricts no
//! models in these lists; the demo lets one GPU pod in ten name the large ones, as its variant
//! `gpuspec10` does. Node sizes: Azure's published VM sizes. Nothing is copied from the trace.

use std::num::NonZeroU8;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use stowage_core::gpu::{Gpu, GpuMode, Model, Vendor};
use stowage_core::node::Room;
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::timed::{Job, TimedTrace};
use super::{PodList, Trace, TraceNode, synth};

/// Pods in the list.
const PODS: usize = 1200;
/// Seed of the list; runs draw their own order.
const SEED: u64 = 2023;
/// Pods a node may run: Kubernetes' default on large nodes of AKS with Azure CNI overlay.
const PODS_PER_NODE: u32 = 250;

/// Size, nodes, GPUs, model, memory of each MiB, cores, host memory GiB.
const SIZES: [(&str, u32, usize, &str, u32, u32, u32); 4] = [
    ("nd96isr-h100", 18, 8, "H100-80GB", 81559, 96, 1900),
    ("nd96amsr-a100", 34, 8, "A100-80GB", 81920, 96, 1900),
    ("nc96ads-a100", 6, 4, "A100-80GB", 81920, 96, 880),
    ("nc64as-t4", 6, 4, "T4", 15360, 64, 440),
];

/// GPUs asked by a pod, and how often: `gpushare60` of openb. 0 with a share means part of one.
const KINDS: [(Ask, u32); 6] = [
    (Ask::Part, 5233),
    (Ask::Whole(0), 1088),
    (Ask::Whole(1), 1756),
    (Ask::Whole(2), 16),
    (Ask::Whole(4), 15),
    (Ask::Whole(8), 44),
];

#[derive(Debug, Clone, Copy)]
enum Ask {
    Part,
    Whole(u8),
}

/// Cores in thousandths, share of a device in thousandths, and how often, for part-GPU pods.
const PARTS: [(u32, u32, u32); 18] = [
    (3152, 810, 1047),
    (11908, 470, 388),
    (8000, 470, 360),
    (11908, 650, 237),
    (4000, 320, 232),
    (4000, 230, 122),
    (6000, 460, 120),
    (3152, 590, 75),
    (8000, 320, 72),
    (4152, 550, 72),
    (4000, 160, 54),
    (4152, 370, 45),
    (4000, 220, 43),
    (4152, 810, 31),
    (1000, 320, 22),
    (6000, 160, 20),
    (8000, 220, 19),
    (4000, 110, 18),
];

/// Cores in thousandths, and how often, by number of whole GPUs.
const CORES: [(u8, &[(u32, u32)]); 5] = [
    (
        0,
        &[
            (12500, 366),
            (32000, 290),
            (8000, 185),
            (15400, 120),
            (16500, 95),
        ],
    ),
    (
        1,
        &[
            (11300, 874),
            (11400, 599),
            (3152, 470),
            (12000, 326),
            (18708, 255),
            (9810, 195),
            (8000, 164),
            (4000, 159),
            (15700, 158),
            (11908, 153),
            (16000, 150),
            (14200, 93),
            (24200, 84),
        ],
    ),
    (2, &[(16200, 7), (6000, 3), (30200, 3), (17400, 2)]),
    (4, &[(32200, 9), (32000, 3), (60200, 3)]),
    (8, &[(88000, 18), (64200, 18), (64000, 3)]),
];

/// Host memory per core in MiB, and how often.
const MEMORY_PER_CORE: [(u32, u32); 4] = [(4096, 45), (3686, 25), (1741, 20), (2048, 10)];

/// The demo.
#[must_use]
pub fn load() -> Trace {
    let mut rng = Pcg64::seed_from_u64(SEED);
    let pods = (0..PODS).map(|_| Arc::new(pod(&mut rng))).collect();
    Trace {
        source: "demo".to_owned(),
        nodes: SIZES.iter().flat_map(nodes).collect(),
        lists: vec![PodList {
            name: "demo".to_owned(),
            pods,
            published: std::collections::BTreeMap::new(),
        }],
    }
}

/// How often the demo in time goes through its pods, so that it lasts several run times.
const ROUNDS: usize = 5;
/// Mean time between submissions: 6,000 jobs in 100 hours.
const GAP_MS: u64 = 60_000;
/// Mean run time: asks for about nine tenths of the GPUs; cores are scarcer.
const MEAN_MS: u64 = 12 * 3_600_000;

/// The demo in time: its pods, submitted one after another and running for times drawn from `seed`, on
/// its nodes unless others are given; its list of pods several times over.
#[must_use]
pub fn timed(seed: u64, nodes: Option<Vec<TraceNode>>) -> TimedTrace {
    let demo = load();
    let (mut gaps, mut lengths) = (Pcg64::new(seed.into(), 1), Pcg64::new(seed.into(), 2));
    let mut at = 0;
    let pods = std::iter::repeat_n(&demo.lists[0].pods, ROUNDS).flatten();
    let jobs = pods.enumerate().map(|(number, pod)| {
        at += synth::exponential(&mut gaps, GAP_MS);
        Job {
            name: format!("demo-{number:04}").into(),
            tenant: "".into(),
            submit: at,
            duration: Some(synth::exponential(&mut lengths, MEAN_MS)),
            priority: 0,
            pods: Arc::new([pod.clone()]),
            nodes: None,
        }
    });
    let trace = TimedTrace {
        source: demo.source.clone(),
        jobs: jobs.collect(),
        nodes: nodes.unwrap_or(demo.nodes),
        events: Vec::new(),
    };
    trace.ordered()
}

fn nodes(
    &(size, count, gpus, model, memory_mib, cores, host_gib): &(
        &str,
        u32,
        usize,
        &str,
        u32,
        u32,
        u32,
    ),
) -> Vec<TraceNode> {
    let gpu = Gpu {
        vendor: Vendor::Nvidia,
        model: Model::new(model),
        memory: Mebibytes(memory_mib),
        mode: GpuMode::Plain,
    };
    let gpus: Arc<[Gpu]> = vec![gpu; gpus].into();
    let room = Room {
        cores: Milli(1000 * cores),
        memory: Mebibytes(1024 * host_gib),
        pods: PODS_PER_NODE,
    };
    (0..count)
        .map(|number| super::node(&format!("{size}-{number:02}"), room, gpus.clone()))
        .collect()
}

fn pod(rng: &mut Pcg64) -> PodRequest {
    let (container, cores) = match draw(rng, &KINDS) {
        Ask::Part => {
            let index = draw(rng, &PARTS.map(|part| (part, part.2)));
            let (cores, milli, _) = index;
            let share = Share {
                compute: Milli(milli),
                memory: ShareMemory::Milli(Milli(milli)),
            };
            let count = NonZeroU8::MIN;
            (ContainerRequest::Share { count, share }, cores)
        }
        Ask::Whole(gpus) => {
            let cores = CORES.iter().find(|(count, _)| *count == gpus);
            let cores = cores.map_or(1000, |(_, cores)| draw(rng, cores));
            let container = NonZeroU8::new(gpus).map_or(ContainerRequest::None, |count| {
                ContainerRequest::Whole { count }
            });
            (container, cores)
        }
    };
    let memory = Mebibytes(cores / 1000 * draw(rng, &MEMORY_PER_CORE));
    let models = if container.count() > 0 && rng.random_range(0..10) == 0 {
        Models::OneOf([Model::new("A100-80GB"), Model::new("H100-80GB")].into())
    } else {
        Models::Any
    };
    PodRequest::new(&[container], Milli(cores), memory, models)
        .expect("the tables above hold valid requests")
}

/// One of `options`, each as likely as its weight says.
fn draw<T: Copy>(rng: &mut Pcg64, options: &[(T, u32)]) -> T {
    let all: u32 = options.iter().map(|(_, weight)| weight).sum();
    let mut at = rng.random_range(0..all);
    for &(option, weight) in options {
        if at < weight {
            return option;
        }
        at -= weight;
    }
    options[options.len() - 1].0
}
