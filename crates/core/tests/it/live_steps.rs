//! Random steps in the life of a live cluster, and how they are played on a planner.
//!
//! A [`Step`] is a fact, a question or a decision of ours. Playing one checks what every step must
//! keep; what holds of whole histories is said in `live.rs`.

use std::num::NonZeroU8;
use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::audit::{Finding, audit};
use stowage_core::cluster::{BoundPod, Cluster, Event};
use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, Model, Vendor};
use stowage_core::node::{Claim, HandOver, Node, NodeState, Room};
use stowage_core::plan::{Context, Parameters};
use stowage_core::request::{ContainerRequest, Devices, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::Strategy as Rule;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::{Mebibytes, Milli, NodeIx, PodUid, Timestamp};
use stowage_core::verbs::{Planner, Refusal, prioritize};
use stowage_core::workload::Workload;

pub(crate) fn node(number: u8, gpus: usize, hand_over: HandOver) -> Node {
    let gpu = Gpu {
        vendor: Vendor::Nvidia,
        model: Model::new("T4"),
        memory: Mebibytes(15_360),
        mode: GpuMode::Plain,
    };
    Node {
        name: Arc::from(format!("n{number}")),
        rank: 0,
        room: Room {
            cores: Milli(16_000),
            memory: Mebibytes(65_536),
            pods: 20,
        },
        gpus: vec![gpu; gpus].into(),
        hand_over,
        ..Node::default()
    }
}

pub(crate) fn share(milli: u32) -> ContainerRequest {
    ContainerRequest::Share {
        count: NonZeroU8::MIN,
        share: Share {
            compute: Milli(milli),
            memory: ShareMemory::Milli(Milli(milli)),
        },
    }
}

pub(crate) fn whole(count: u8) -> ContainerRequest {
    let count = NonZeroU8::new(count).expect("not zero");
    ContainerRequest::Whole { count }
}

pub(crate) fn asking(containers: &[ContainerRequest], cores: u32) -> Arc<PodRequest> {
    let request = PodRequest::new(containers, Milli(cores), Mebibytes(1024), Models::Any);
    Arc::new(request.expect("valid by construction"))
}

pub(crate) fn request(kind: u8) -> Arc<PodRequest> {
    let cores = 500 + 300 * u32::from(kind);
    match kind % 6 {
        0 => asking(&[ContainerRequest::None], cores),
        1 => asking(&[share(400)], cores),
        2 => asking(&[whole(1)], cores),
        3 => asking(&[whole(2)], cores),
        4 => asking(&[share(700), share(300)], cores),
        _ => asking(&[share(500), whole(1)], cores),
    }
}

pub(crate) fn uid(pod: u8) -> PodUid {
    PodUid(u128::from(pod) + 1)
}

pub(crate) fn name(node: u8) -> Arc<str> {
    Arc::from(format!("n{node}"))
}

/// What can happen to a live cluster.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    NodeSeen(u8, usize, bool),
    NodeGone(u8),
    /// A pod bound by somebody, with devices from this one on, if they are known.
    PodBound(u8, u8, u8, Option<u8>),
    PodGone(u8),
    Ask(u8, u8),
    Reserve(u8, u8, u8),
    Settle(u8),
    Refused(u8),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..5_u8, 0..4_usize, any::<bool>()).prop_map(|(n, g, s)| Step::NodeSeen(n, g, s)),
        1 => (0..5_u8).prop_map(Step::NodeGone),
        3 => (0..12_u8, 0..5_u8, 0..6_u8, prop::option::of(0..8_u8))
            .prop_map(|(p, n, k, d)| Step::PodBound(p, n, k, d)),
        2 => (0..12_u8).prop_map(Step::PodGone),
        4 => (0..12_u8, 0..6_u8).prop_map(|(p, k)| Step::Ask(p, k)),
        3 => (0..12_u8, 0..5_u8, 0..6_u8).prop_map(|(p, n, k)| Step::Reserve(p, n, k)),
        1 => (0..12_u8).prop_map(Step::Settle),
        1 => (0..12_u8).prop_map(Step::Refused),
    ]
}

fn devices(request: &PodRequest, first: Option<u8>) -> Option<Devices> {
    let first = usize::from(first?);
    let set = |c: &ContainerRequest| (first..first + c.count()).collect::<DeviceSet>();
    Some(request.containers().iter().map(set).collect())
}

pub(crate) fn fact(step: &Step) -> Option<Event> {
    Some(match step {
        Step::NodeSeen(n, gpus, true) => Event::NodeSeen(node(*n, *gpus, HandOver::StowageNri)),
        Step::NodeSeen(n, gpus, false) => Event::NodeSeen(node(*n, *gpus, HandOver::DevicePlugin)),
        Step::NodeGone(n) => Event::NodeGone(name(*n)),
        Step::PodBound(p, n, kind, first) => {
            let request = request(*kind);
            Event::PodBound(BoundPod {
                pod: uid(*p),
                node: name(*n),
                devices: devices(&request, *first),
                request,
            })
        }
        Step::PodGone(p) => Event::PodGone(uid(*p)),
        _ => return None,
    })
}

pub(crate) fn planner(rule: Rule) -> Planner {
    let pods: Vec<_> = (0..6).map(request).collect();
    let workload = Workload::count(pods.iter().map(|pod| &**pod));
    let outlook = Arc::new(Outlook::new(&workload));
    let context = Context::new(rule, Parameters::default(), outlook, 7);
    Planner::new(Cluster::default(), context)
}

/// What is true: every node with its holds, and strays.
pub(crate) fn truth(cluster: &Cluster) -> (Vec<NodeState>, String) {
    (cluster.nodes().to_vec(), format!("{:?}", cluster.strays()))
}

/// Conflicts may be observed; anything else that the audit finds is a bug.
pub(crate) fn sound(cluster: &Cluster) -> Result<(), TestCaseError> {
    let observed = |finding: &&Finding| {
        matches!(finding, Finding::Conflict { .. })
            || matches!(finding, Finding::Sum { capacity, held, .. } if held > capacity)
    };
    let findings = audit(cluster);
    let bugs: Vec<_> = findings.iter().filter(|f| !observed(f)).collect();
    prop_assert!(bugs.is_empty(), "{:?}", bugs);
    Ok(())
}

/// The incremental answer is the naive one.
pub(crate) fn agrees(planner: &mut Planner, kind: u8) -> Result<Option<NodeIx>, TestCaseError> {
    let request = request(kind);
    let best = planner.best(3, &request);
    let naive = prioritize(planner.cluster(), &request, planner.context());
    prop_assert_eq!(best, naive.first().map(|(node, _)| *node));
    let count = planner.cluster().nodes().len() as u32;
    let verdict = planner.verdicts(3, &request);
    let fits = (0..count).map(NodeIx).filter(|&node| verdict(node).fits());
    let fits: Vec<_> = fits.collect();
    let mut naive: Vec<_> = naive.into_iter().map(|(node, _)| node).collect();
    naive.sort();
    prop_assert_eq!(fits, naive);
    Ok(best)
}

pub(crate) fn play(planner: &mut Planner, step: &Step, now: u64) -> Result<(), TestCaseError> {
    match step {
        Step::Ask(pod, kind) => {
            let before = truth(planner.cluster());
            planner.withdraw(uid(*pod));
            if let Some(best) = agrees(planner, *kind)? {
                let request = request(*kind);
                let planned = planner.intend(uid(*pod), best, &request, Timestamp(now));
                prop_assert!(planned.is_some());
            }
            prop_assert_eq!(truth(planner.cluster()), before);
        }
        Step::Reserve(pod, n, kind) => {
            let (pod, name, request) = (uid(*pod), name(*n), request(*kind));
            let before = truth(planner.cluster());
            let was_held = planner.cluster().pods().contains_key(&pod);
            let first = planner.reserve(3, pod, &name, &request);
            prop_assert_eq!(planner.reserve(3, pod, &name, &request), first.clone());
            match first {
                Ok(_) => prop_assert_eq!(&planner.cluster().pods()[&pod], &name),
                Err(refusal) => {
                    prop_assert_eq!(truth(planner.cluster()), before);
                    let held = matches!(refusal, Refusal::Elsewhere(_) | Refusal::Foreign);
                    prop_assert_eq!(held, was_held);
                }
            }
        }
        Step::Settle(pod) => planner.settle(uid(*pod)),
        Step::Refused(pod) => {
            let hold = planner.cluster().hold_of(uid(*pod));
            if matches!(hold, Some((_, hold)) if matches!(hold.claim, Claim::Assumed(_))) {
                planner.release(uid(*pod));
            }
        }
        other => {
            let event = fact(other).expect("all others are facts");
            prop_assert!(planner.apply(event).is_ok());
        }
    }
    Ok(())
}
