//! The only place where state changes: what is held can be given back, and a change that is refused
//! changes nothing. Nodes that come and go are in `nodes.rs`.

use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::audit::audit;
use stowage_core::cluster::ClusterError;
use stowage_core::node::{Claim, HoldError};
use stowage_core::plan;
use stowage_core::request::{Devices, Models};
use stowage_core::strategy::Strategy::BestFit;
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::verbs::prioritize;

use crate::drawing::{Scene, context, request};
use crate::history::{Step, history};

/// Devices as text: `0 2 | 1 | -`.
pub(crate) fn devices(text: &str) -> Devices {
    let set = |set: &str| {
        set.split_whitespace()
            .filter_map(|d| d.parse::<usize>().ok())
            .collect()
    };
    text.split('|').map(set).collect()
}

/// Tries to book and, if that is refused, asserts that nothing changed.
pub(crate) fn hold(
    scene: &mut Scene,
    pod: u128,
    at: u32,
    asks: &str,
    on: &str,
) -> Result<(), ClusterError> {
    let before = (scene.cluster.clone(), scene.cluster.version());
    let request = Arc::new(request(asks));
    let answer = scene
        .cluster
        .hold(PodUid(pod), NodeIx(at), request, Claim::Bound(devices(on)));
    if answer.is_err() {
        assert_eq!(scene.cluster.nodes(), before.0.nodes());
        assert_eq!(scene.cluster.pods(), before.0.pods());
        assert_eq!(scene.cluster.version(), before.1);
    }
    assert_eq!(audit(&scene.cluster), []);
    answer
}

#[test]
pub(crate) fn hold_beyond_what_is_left_is_refused_and_the_last_of_it_is_not() {
    let tries = [
        ("a: 5m 9Mi 9p", "none cores 6", "none cores 5", "-", "CPU"),
        (
            "a: 5m 9Mi 9p",
            "none mem 10",
            "none mem 9",
            "-",
            "host memory",
        ),
        (
            "a: 400/1000 5m 9Mi 9p",
            "share 401 vram 1",
            "share 400 vram 1",
            "0",
            "GPU compute",
        ),
        (
            "a: 400/1000 5m 9Mi 9p",
            "share 1 vram 6401",
            "share 1 vram 6400",
            "0",
            "GPU memory",
        ),
        (
            "a: 400/1000 . 5m 9Mi 9p",
            "whole 1",
            "share 400",
            "0",
            "GPU compute",
        ),
        (
            "a: 1000/1000 . 5m 9Mi 9p",
            "whole 1",
            "share 1000 vram 15999",
            "0",
            "GPU memory",
        ),
        (
            "a: . . 5m 9Mi 9p",
            "whole 1 + share 1",
            "share 999 + share 1",
            "0 | 0",
            "GPU compute",
        ),
    ];
    for (drawing, refused, held, on, what) in tries {
        let mut scene = Scene::of(drawing);
        let too_much = Err(ClusterError::Hold(HoldError::TooMuch(what)));
        assert_eq!(hold(&mut scene, 99, 0, refused, on), too_much, "{refused}");
        assert_eq!(hold(&mut scene, 99, 0, held, on), Ok(()), "{held}");
    }
}

#[test]
fn pod_beyond_as_many_as_a_node_may_run_is_refused() {
    let mut scene = Scene::of("a: 5m 9Mi 1p");
    assert_eq!(hold(&mut scene, 1, 0, "none", "-"), Ok(()));
    let too_much = Err(ClusterError::Hold(HoldError::TooMuch("pods")));
    assert_eq!(hold(&mut scene, 2, 0, "none", "-"), too_much);
}

#[test]
pub(crate) fn devices_that_do_not_answer_the_request_are_refused() {
    let mut scene = Scene::of("a: . . 9m 9Mi 9p");
    let wrong = Err(ClusterError::Hold(HoldError::Devices));
    let tries = [
        ("whole 1", "-"),
        ("whole 1", "0 1"),
        ("whole 2", "0"),
        ("whole 1", "2"),
        ("whole 1", "31"),
        ("share 5", "0 | 1"),
        ("share 5 + share 5", "0"),
        ("none", "0"),
        ("none + share 5", "0 | -"),
    ];
    for (asks, on) in tries {
        assert_eq!(hold(&mut scene, 1, 0, asks, on), wrong, "{asks} on {on}");
    }
    assert_eq!(hold(&mut scene, 1, 0, "none + share 5", "- | 0"), Ok(()));
}

#[test]
fn pod_is_held_once_and_only_on_a_node_that_is_there() {
    let mut scene = Scene::of("a: . 9m 9Mi 9p\nb: . 9m 9Mi 9p");
    assert_eq!(
        hold(&mut scene, 1, 2, "share 5", "0"),
        Err(ClusterError::NoSuchNode)
    );
    assert_eq!(hold(&mut scene, 1, 0, "share 5", "0"), Ok(()));
    let twice = Err(ClusterError::AlreadyPlaced(PodUid(1)));
    assert_eq!(hold(&mut scene, 1, 0, "share 5", "0"), twice);
    assert_eq!(hold(&mut scene, 1, 1, "share 5", "0"), twice);
    assert_eq!(scene.cluster.release(PodUid(2)), None);
    let (node, held) = scene.cluster.release(PodUid(1)).expect("it is there");
    assert_eq!((&*node, held.claim), ("a", Claim::Bound(devices("0"))));
    assert_eq!(scene.cluster.release(PodUid(1)), None);
    assert_eq!(hold(&mut scene, 1, 1, "share 5", "0"), Ok(()));
}

proptest! {
    #[test]
    fn releasing_every_pod_gives_the_idle_cluster_back(
        history in history(80), order in any::<prop::sample::Index>(),
    ) {
        let (idle, context) = (history.cluster(), context(BestFit));
        let mut cluster = idle.clone();
        for (uid, step) in (0..).map(PodUid).zip(&history.steps) {
            let Step::Place(pod) = step else { continue };
            let pod = history.pod(*pod);
            let best = prioritize(&cluster, pod, &context).into_iter().next();
            let Some((node, candidate)) = best else { continue };
            let before = cluster.nodes().to_vec();
            let held = cluster.hold(uid, node, pod.clone(), Claim::Bound(candidate.devices));
            prop_assert_eq!(held, Ok(()));
            let (_, hold) = cluster.release(uid).expect("it was just held");
            prop_assert_eq!(cluster.nodes(), &before[..]);
            prop_assert_eq!(cluster.hold(uid, node, hold.request, hold.claim), Ok(()));
        }
        let mut pods: Vec<PodUid> = cluster.pods().keys().copied().collect();
        if !pods.is_empty() {
            let at = order.index(pods.len());
            pods.rotate_left(at);
        }
        for pod in pods {
            prop_assert!(cluster.release(pod).is_some());
        }
        prop_assert_eq!(cluster.nodes(), idle.nodes());
        prop_assert!(cluster.pods().is_empty());
    }

    #[test]
    fn whatever_devices_are_tried_no_capacity_is_exceeded(
        history in history(60), sets in prop::collection::vec(0_u32..256, 60),
    ) {
        let mut cluster = history.cluster();
        for ((uid, step), set) in (0..).map(PodUid).zip(&history.steps).zip(sets) {
            let Step::Place(pod) = step else { continue };
            let request = history.pod(*pod);
            let set = (0..8).filter(|d| set >> d & 1 == 1).collect();
            let devices: Devices = request.containers().iter().map(|_| set).collect();
            let (before, node) = (cluster.nodes().to_vec(), NodeIx(0));
            let held = cluster.hold(uid, node, request.clone(), Claim::Bound(devices));
            if held.is_err() {
                prop_assert_eq!(cluster.nodes(), &before[..]);
            } else {
                let room = plan::candidate(&before[0], request, &context(BestFit));
                let models = request.models().clone();
                prop_assert!(room.is_ok() || models != Models::Any);
            }
            prop_assert_eq!(audit(&cluster), []);
        }
    }
}
