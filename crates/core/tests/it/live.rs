//! Facts in any order, intents, reservations: properties of random histories.
//!
//! Events about nodes and events about pods commute; a list gives the same cluster as the events;
//! intents change nothing that is true; the incremental ranking equals the naive one with intents
//! at work; reserving is idempotent; devices that are not known are never promised.

use std::num::NonZeroU8;
use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::audit::audit;
use stowage_core::cluster::{BoundPod, Cluster, Event};
use stowage_core::gpu::{DeviceSet, Gpu, Model, Vendor};
use stowage_core::node::{Claim, HandOver, Node, NodeState, Room};
use stowage_core::plan::{Context, Parameters, candidate};
use stowage_core::request::{ContainerRequest, Devices, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::Strategy as Rule;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::{Mebibytes, Milli, NodeIx, PodUid, Timestamp};
use stowage_core::verbs::{Planner, Refusal, prioritize};
use stowage_core::workload::Workload;

fn node(number: u8, gpus: usize, hand_over: HandOver) -> Node {
    let gpu = Gpu {
        vendor: Vendor::Nvidia,
        model: Model::new("T4"),
        memory: Mebibytes(15_360),
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
    }
}

fn share(milli: u32) -> ContainerRequest {
    ContainerRequest::Share {
        count: NonZeroU8::MIN,
        share: Share {
            compute: Milli(milli),
            memory: ShareMemory::Milli(Milli(milli)),
        },
    }
}

fn whole(count: u8) -> ContainerRequest {
    let count = NonZeroU8::new(count).expect("not zero");
    ContainerRequest::Whole { count }
}

fn asking(containers: &[ContainerRequest], cores: u32) -> Arc<PodRequest> {
    let request = PodRequest::new(containers, Milli(cores), Mebibytes(1024), Models::Any);
    Arc::new(request.expect("valid by construction"))
}

fn request(kind: u8) -> Arc<PodRequest> {
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

fn uid(pod: u8) -> PodUid {
    PodUid(u128::from(pod) + 1)
}

fn name(node: u8) -> Arc<str> {
    Arc::from(format!("n{node}"))
}

/// What can happen to a live cluster.
#[derive(Debug, Clone)]
enum Step {
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

fn step() -> impl Strategy<Value = Step> {
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

fn fact(step: &Step) -> Option<Event> {
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

fn planner(rule: Rule) -> Planner {
    let pods: Vec<_> = (0..6).map(request).collect();
    let workload = Workload::count(pods.iter().map(|pod| &**pod));
    let outlook = Arc::new(Outlook::new(&workload));
    let context = Context::new(rule, Parameters::default(), outlook, 7);
    Planner::new(Cluster::default(), context)
}

/// What is true: every node with its holds, and strays.
fn truth(cluster: &Cluster) -> (Vec<NodeState>, String) {
    (cluster.nodes().to_vec(), format!("{:?}", cluster.strays()))
}

/// Conflicts may be observed; anything else that the audit finds is a bug.
fn sound(cluster: &Cluster) -> Result<(), TestCaseError> {
    let findings = audit(cluster);
    let conflict = "more is held than there is";
    let bugs = findings
        .iter()
        .filter(|f| !f.to_string().contains(conflict));
    let bugs: Vec<_> = bugs.collect();
    prop_assert!(bugs.is_empty(), "{:?}", bugs);
    Ok(())
}

/// The incremental answer is the naive one.
fn agrees(planner: &mut Planner, kind: u8) -> Result<Option<NodeIx>, TestCaseError> {
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

fn play(planner: &mut Planner, step: &Step, now: u64) -> Result<(), TestCaseError> {
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
            let first = planner.reserve(pod, &name, &request);
            prop_assert_eq!(planner.reserve(pod, &name, &request), first.clone());
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn incremental_answers_equal_naive_ones_through_a_live_history(
        steps in prop::collection::vec(step(), 1..60),
        rule in prop::sample::select(Rule::ALL.to_vec()),
    ) {
        let mut planner = planner(rule);
        for (now, step) in (0..).zip(&steps) {
            play(&mut planner, step, now)?;
            sound(planner.cluster())?;
            for kind in 0..6 {
                agrees(&mut planner, kind)?;
            }
        }
    }

    #[test]
    fn events_about_nodes_and_pods_commute(
        steps in prop::collection::vec(step(), 1..60),
        mix in prop::collection::vec(any::<bool>(), 120),
    ) {
        let facts: Vec<_> = steps.iter().filter(|s| fact(s).is_some()).collect();
        let about_nodes = |s: &&Step| matches!(s, Step::NodeSeen(..) | Step::NodeGone(_));
        let (nodes, pods): (Vec<&Step>, Vec<&Step>) = facts.into_iter().partition(about_nodes);
        let apply = |order: &[&Step]| {
            let mut cluster = Cluster::default();
            for step in order {
                cluster.apply(fact(step).expect("a fact")).expect("understood");
            }
            truth(&cluster)
        };
        let mut merged = Vec::new();
        let (mut nodes_left, mut pods_left) = (&nodes[..], &pods[..]);
        for node_first in mix {
            let from = if node_first { &mut nodes_left } else { &mut pods_left };
            if let Some((first, rest)) = from.split_first() {
                merged.push(*first);
                *from = rest;
            }
        }
        merged.extend(nodes_left.iter().chain(pods_left));
        let in_turn: Vec<&Step> = nodes.iter().chain(&pods).copied().collect();
        prop_assert_eq!(apply(&merged), apply(&in_turn));
    }

    #[test]
    fn list_gives_the_same_cluster_as_the_events(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut by_events = Cluster::default();
        for event in steps.iter().filter_map(fact) {
            by_events.apply(event).expect("understood");
        }
        let nodes = by_events.nodes().iter().map(|s| s.node().as_ref().clone());
        let nodes: Vec<_> = nodes.collect();
        let bound = by_events.pods().keys().filter_map(|pod| {
            let (node, hold) = by_events.hold_of(*pod)?;
            Some(BoundPod {
                pod: *pod,
                node: node.clone(),
                request: hold.request.clone(),
                devices: hold.claim.devices().cloned(),
            })
        });
        let bound: Vec<_> = bound.collect();
        let (mut pods_first, mut nodes_first) = (Cluster::default(), Cluster::default());
        pods_first.replace_pods(bound.clone());
        prop_assert!(pods_first.replace_nodes(nodes.clone()).is_empty());
        prop_assert_eq!(truth(&pods_first), truth(&by_events));
        prop_assert!(nodes_first.replace_nodes(nodes).is_empty());
        nodes_first.replace_pods(bound);
        prop_assert_eq!(truth(&nodes_first), truth(&by_events));
    }

    /// The oracle tries every assignment of the unknown devices: what is promised is free under all.
    #[test]
    fn unknown_devices_are_never_promised(
        gpus in 1..5_usize,
        foreign in prop::collection::vec(1..3_u8, 0..3),
        shares in prop::collection::vec((0..5_usize, 1..10_u32), 0..3),
        kind in 1..6_u8,
    ) {
        let mut cluster = Cluster::new([node(0, gpus, HandOver::StowageNri)]).expect("one node");
        for (number, (device, tenths)) in (100..).zip(&shares) {
            let request = asking(&[share(tenths * 100)], 1);
            let set = DeviceSet::from_iter([device % gpus]);
            let claim = Claim::Bound(Devices::from_slice(&[set]));
            let _ = cluster.hold(PodUid(number), NodeIx(0), request, claim);
        }
        let cells = cluster.nodes()[0].free().devices.clone();
        let idle: Vec<usize> = (0..gpus).filter(|&d| cells[d].compute == Milli(1000)).collect();
        let mut taken = 0;
        for (number, count) in (200..).zip(&foreign) {
            if taken + usize::from(*count) <= idle.len() {
                taken += usize::from(*count);
                let bound = BoundPod {
                    pod: PodUid(number),
                    node: name(0),
                    request: asking(&[whole(*count)], 1),
                    devices: None,
                };
                cluster.apply(Event::PodBound(bound)).expect("understood");
            }
        }
        sound(&cluster)?;
        let context = Context::new(Rule::BestFit, Parameters::default(), Arc::default(), 0);
        let request = request(kind);
        let Ok(found) = candidate(&cluster.nodes()[0], &request, &context) else {
            return Ok(());
        };
        let is_whole = |c: &&ContainerRequest| matches!(c, ContainerRequest::Whole { .. });
        let wholes = request.containers().iter().filter(is_whole);
        let wholes: usize = wholes.map(ContainerRequest::count).sum();
        prop_assert!(wholes + taken <= idle.len());
        for assignment in 0..1_u32 << gpus {
            let held = |device: usize| assignment >> device & 1 == 1;
            let possible = assignment.count_ones() as usize == taken
                && (0..gpus).all(|d| !held(d) || idle.contains(&d));
            let shares = request.containers().iter().zip(&found.devices);
            for (_, set) in shares.filter(|(c, _)| possible && !is_whole(c)) {
                let clash = set.iter().any(held);
                prop_assert!(!clash, "{} {:?}", cluster.nodes()[0], found);
            }
        }
    }
}

fn one_node_with_two_gpus() -> Planner {
    let mut planner = planner(Rule::BestFit);
    let refused = planner.replace_nodes([node(0, 2, HandOver::StowageNri)]);
    assert_eq!(refused, []);
    planner
}

#[test]
fn assumed_hold_survives_a_list_without_it_and_a_bound_one_does_not() {
    let mut planner = one_node_with_two_gpus();
    planner
        .reserve(uid(1), &name(0), &request(2))
        .expect("it fits");
    planner
        .reserve(uid(2), &name(0), &request(2))
        .expect("it fits");
    planner.settle(uid(2));
    planner.replace_pods([]);
    let left: Vec<_> = planner.cluster().pods().keys().copied().collect();
    assert_eq!(left, [uid(1)]);
}

#[test]
fn node_that_vanishes_and_returns_still_holds_its_pods() {
    let mut planner = one_node_with_two_gpus();
    planner
        .reserve(uid(1), &name(0), &request(3))
        .expect("it fits");
    planner.apply(Event::NodeGone(name(0))).expect("understood");
    let again = node(0, 2, HandOver::StowageNri);
    planner.apply(Event::NodeSeen(again)).expect("understood");
    let drawing = planner.cluster().nodes()[0].to_string();
    assert_eq!(drawing, "n0: x x 14600m 64512Mi 19p");
}

#[test]
fn observed_over_commitment_is_busy_and_reported_and_ends_with_the_pod() {
    let mut cluster = Cluster::new([node(0, 1, HandOver::StowageNri)]).expect("one node");
    for pod in [1, 2] {
        let bound = BoundPod {
            pod: uid(pod),
            node: name(0),
            request: request(2),
            devices: Some(Devices::from_slice(&[DeviceSet::from_iter([0])])),
        };
        cluster.apply(Event::PodBound(bound)).expect("understood");
    }
    assert!(cluster.nodes()[0].in_conflict());
    assert_eq!(audit(&cluster).len(), 1);
    cluster.release(uid(1));
    assert_eq!(audit(&cluster), []);
    assert_eq!(cluster.nodes()[0].to_string(), "n0: x 14900m 64512Mi 19p");
}
