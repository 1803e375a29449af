//! Facts in any order, intents, reservations: properties of random histories.
//!
//! Events about nodes and events about pods commute; a list gives the same cluster as the events;
//! intents change nothing that is true; the incremental ranking equals the naive one with intents
//! at work; reserving is idempotent; devices that are not known are never promised.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::audit::{Finding, audit};
use stowage_core::cluster::{BoundPod, Cluster, Event};
use stowage_core::gpu::DeviceSet;
use stowage_core::node::{Claim, HandOver};
use stowage_core::plan::{Context, Parameters, candidate};
use stowage_core::request::{ContainerRequest, Devices};
use stowage_core::strategy::Strategy as Rule;
use stowage_core::units::{Milli, NodeIx, PodUid};
use stowage_core::verbs::Planner;

use crate::live_steps::{
    Step, agrees, asking, fact, name, node, planner, play, request, share, sound, step, truth, uid,
    whole,
};

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
        pods_first.replace_pods(bound.clone(), &BTreeSet::new());
        prop_assert!(pods_first.replace_nodes(nodes.clone()).is_empty());
        prop_assert_eq!(truth(&pods_first), truth(&by_events));
        prop_assert!(nodes_first.replace_nodes(nodes).is_empty());
        nodes_first.replace_pods(bound, &BTreeSet::new());
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
            for set in found.devices.iter().filter(|_| possible) {
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
        .reserve(3, uid(1), &name(0), &request(2))
        .expect("it fits");
    planner
        .reserve(3, uid(2), &name(0), &request(2))
        .expect("it fits");
    planner.settle(uid(2));
    planner.replace_pods([], &BTreeSet::new());
    let left: Vec<_> = planner.cluster().pods().keys().copied().collect();
    assert_eq!(left, [uid(1)]);
}

#[test]
fn node_that_vanishes_and_returns_still_holds_its_pods() {
    let mut planner = one_node_with_two_gpus();
    planner
        .reserve(3, uid(1), &name(0), &request(3))
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
    let said: Vec<_> = audit(&cluster).iter().map(Finding::to_string).collect();
    let expected = [
        "node n0: compute of GPU 0: 2000 held and 0 left of 1000",
        "node n0: memory of GPU 0: 30720 held and 0 left of 15360",
    ];
    assert_eq!(said, expected);
    cluster.release(uid(1));
    assert_eq!(audit(&cluster), []);
    assert_eq!(cluster.nodes()[0].to_string(), "n0: x 14900m 64512Mi 19p");
}
