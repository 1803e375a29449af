//! Random clusters and random lives for them: nodes of several kinds, pods of several shapes, and
//! steps that place, ask, release, add and remove.
//!
//! Sizes come from short lists, so that many nodes are equally good, and every resource (cores, host
//! memory, pods, devices and their memory, models) is the one that runs out on some node.

use std::num::NonZeroU8;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use stowage_core::cluster::Cluster;
use stowage_core::node::{HandOver, Node, Room};
use stowage_core::plan::{Context, Parameters};
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::{Strategy as Policy, fgd::Outlook};
use stowage_core::units::{Mebibytes, Milli};
use stowage_core::workload::Workload;

use crate::drawing::{gpu, one_of, request};

/// A cluster, the pods that come to it, and what happens.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Arc<PodRequest>>,
    pub(crate) steps: Vec<Step>,
    pub(crate) seed: u64,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A pod of this shape comes and stays.
    Place(Index),
    /// Somebody asks where such a pod would go.
    Ask(Index),
    /// One of the pods that are there leaves.
    Release(Index),
    /// A node joins, unless one of its name is there.
    Add(Node),
    /// A node leaves with its pods.
    Remove(Index),
}

impl History {
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster::new(self.nodes.iter().cloned()).expect("names differ")
    }

    /// Decision 0 under `strategy`, looking ahead at the pods that come.
    pub(crate) fn context(&self, strategy: Policy) -> Context {
        let workload = Workload::count(self.pods.iter().map(|pod| &**pod)).covering(95);
        let outlook = Arc::new(Outlook::new(&workload));
        Context::new(strategy, Parameters::default(), outlook, self.seed)
    }

    pub(crate) fn pod(&self, index: Index) -> &Arc<PodRequest> {
        &self.pods[index.index(self.pods.len())]
    }
}

/// A history of at most `steps` steps.
pub(crate) fn history(steps: usize) -> impl Strategy<Value = History> {
    let size = prop_oneof![1_usize..=4, 1_usize..=40];
    let nodes = size.prop_flat_map(|size| (0..size).map(node).collect::<Vec<_>>());
    let pods = prop::collection::vec(pods().prop_map(Arc::new), 1..10);
    let steps = prop::collection::vec(step(), 1..=steps);
    (nodes, pods, steps, any::<u64>()).prop_map(|(nodes, pods, steps, seed)| History {
        nodes,
        pods,
        steps,
        seed,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => any::<Index>().prop_map(Step::Place),
        8 => any::<Index>().prop_map(Step::Ask),
        14 => any::<Index>().prop_map(Step::Release),
        1 => (0_usize..60).prop_flat_map(node).prop_map(Step::Add),
        1 => any::<Index>().prop_map(Step::Remove),
    ]
}

/// One node, called by `number`.
pub(crate) fn node(number: usize) -> impl Strategy<Value = Node> + use<> {
    let boards = select(vec![
        vec![],
        vec!["G"],
        vec!["T4"; 2],
        vec!["V100M16"; 4],
        vec!["V100M32"; 8],
        vec!["G"; 4],
        vec!["T4", "V100M16", "V100M32"],
    ]);
    let cores = select(vec![2_000, 8_000, 16_000, 96_000]);
    let memory = select(vec![1_024, 4_096, 16_384, 262_144]);
    let pods = select(vec![1, 2, 5, 110]);
    (boards, cores, memory, pods, 0_u32..3).prop_map(move |(boards, cores, memory, pods, rank)| {
        Node {
            name: format!("n{number}").into(),
            rank,
            room: Room {
                cores: Milli(cores),
                memory: Mebibytes(memory),
                pods,
            },
            gpus: boards.into_iter().map(gpu).collect(),
            hand_over: HandOver::StowageNri,
            ..Node::default()
        }
    })
}

/// One pod of few resources, so that different pods leave the same behind; or any pod.
fn pods() -> impl Strategy<Value = PodRequest> {
    let simple = select(vec![
        "whole 1",
        "whole 2",
        "whole 1 + whole 1",
        "share 500",
        "share 1000",
        "share 500 x2",
        "none",
    ]);
    prop_oneof![1 => simple.prop_map(request), 3 => pod()]
}

/// One pod: mostly of one container, sometimes of up to three, sometimes without GPU.
pub(crate) fn pod() -> impl Strategy<Value = PodRequest> {
    let containers = prop_oneof![
        6 => prop::collection::vec(container(), 1),
        2 => prop::collection::vec(container(), 2..=3),
        1 => Just(Vec::new()),
    ];
    let cores = select(vec![0, 500, 2_000, 4_000]);
    let memory = select(vec![0, 512, 1_024, 4_096]);
    (containers, cores, memory, models()).prop_map(|(containers, cores, memory, models)| {
        let made = PodRequest::new(&containers, Milli(cores), Mebibytes(memory), models);
        made.expect("all parts are possible")
    })
}

pub(crate) fn models() -> impl Strategy<Value = Models> {
    prop_oneof![
        4 => Just(Models::Any),
        1 => Just(one_of(["V100M16"])),
        1 => Just(one_of(["T4", "V100M32"])),
    ]
}

/// What one container asks for.
pub(crate) fn container() -> impl Strategy<Value = ContainerRequest> {
    let count = |n: u8| NonZeroU8::new(n).expect("at least one");
    let share = (select(vec![1, 1, 1, 2, 3]), share()).prop_map(move |(n, share)| {
        let count = count(n);
        ContainerRequest::Share { count, share }
    });
    let whole = (1_u8..=3).prop_map(move |n| ContainerRequest::Whole { count: count(n) });
    prop_oneof![4 => share, 2 => whole, 1 => Just(ContainerRequest::None)]
}

fn share() -> impl Strategy<Value = Share> {
    let compute = select(vec![0, 100, 250, 300, 500, 700, 1000]).prop_map(Milli);
    let memory = prop_oneof![
        select(vec![1, 100, 250, 500, 1000]).prop_map(|n| ShareMemory::Milli(Milli(n))),
        select(vec![1, 1_000, 8_000, 16_384]).prop_map(|n| ShareMemory::Mebibytes(Mebibytes(n))),
    ];
    (compute, memory).prop_map(|(compute, memory)| Share { compute, memory })
}
