//! Several containers on one node, against an oracle that tries every way to give them devices.

use proptest::prelude::*;
use stowage_core::audit::audit;
use stowage_core::node::{Claim, NodeState};
use stowage_core::plan::{self, Context};
use stowage_core::request::{ContainerRequest, Devices, Models, PodRequest};
use stowage_core::strategy::Strategy as Policy;
use stowage_core::unfit::Unfit;
use stowage_core::units::{Mebibytes, Milli, PodUid};

use crate::drawing::{Scene, Then, check_scene, context, ix};
use crate::history::{container, models};

/// Compute and memory left of each device that the pod accepts, nothing left of the others.
type Left = Vec<(u32, u32)>;

fn left(state: &NodeState, pod: &PodRequest) -> Left {
    let devices = state.free().devices.iter().zip(state.node().gpus.iter());
    let left = devices.map(|(free, gpu)| match pod.models().accept(&gpu.model) {
        true => (free.compute.0, free.memory.0),
        false => (0, 0),
    });
    left.collect()
}

/// Every set of devices that `container` could get on what is left, as what would then be left.
fn ways(state: &NodeState, container: &ContainerRequest, left: &Left) -> Vec<Left> {
    let sets =
        (0_u32..1 << left.len()).filter(|set| set.count_ones() as usize == container.count());
    let take = |set: u32| {
        let gpus = state.node().gpus.iter().enumerate().zip(left);
        let each = gpus.map(|((device, gpu), &(compute, memory))| {
            if set >> device & 1 == 0 {
                return Some((compute, memory));
            }
            let compute = compute.checked_sub(container.compute().0)?;
            Some((compute, memory.checked_sub(container.memory_on(gpu).0)?))
        });
        each.collect()
    };
    sets.filter_map(take).collect()
}

/// What the rules say of a node with room: the first container that cannot be served alone, else
/// whether any of all combinations serves all.
fn oracle(state: &NodeState, pod: &PodRequest) -> Result<(), Unfit> {
    if !pod.wants_gpu() {
        return Ok(());
    }
    let gpus = &state.node().gpus;
    if gpus.is_empty() {
        return Err(Unfit::NoGpu);
    }
    if !gpus.iter().any(|gpu| pod.models().accept(&gpu.model)) {
        return Err(Unfit::Model);
    }
    let start = left(state, pod);
    for container in pod.containers() {
        if ways(state, container, &start).is_empty() {
            return Err(match container {
                ContainerRequest::Whole { .. } => Unfit::WholeDevices,
                _ => Unfit::Share,
            });
        }
    }
    let step = |lefts: Vec<Left>, container| {
        let mut next: Vec<Left> = lefts
            .iter()
            .flat_map(|l| ways(state, container, l))
            .collect();
        next.sort_unstable();
        next.dedup();
        next
    };
    let served = pod.containers().iter().fold(vec![start], step);
    if served.is_empty() {
        Err(Unfit::Together)
    } else {
        Ok(())
    }
}

/// A node with up to five devices on which some pods are, and one more pod with up to four
/// containers; the room is ample, so that devices alone decide.
fn question() -> impl Strategy<Value = (Scene, PodRequest)> {
    let boards = prop_oneof![
        prop::collection::vec(prop::sample::select(vec!["G", "T4", "V100M32"]), 1..=5),
        (1_usize..=5).prop_map(|n| vec!["G"; n]),
    ];
    let before = prop::collection::vec(container(), 0..6);
    let asked = prop::collection::vec(container(), 1..=4);
    (boards, before, asked, models()).prop_map(|(boards, before, asked, models)| {
        let cells = ". ".repeat(boards.len());
        let hardware = format!("a {}", boards.join(" "));
        let mut scene = Scene::on(&hardware, &format!("a: {cells}0m 0Mi 99p"));
        let ask = |containers: &[ContainerRequest], models| {
            let made = PodRequest::new(containers, Milli(0), Mebibytes(0), models);
            made.expect("all parts are possible")
        };
        for one in before {
            let pod = ask(&[one], Models::Any);
            let emptiest = context(Policy::LeastAllocated);
            if let Ok(candidate) = plan::candidate(&scene.cluster.nodes()[0], &pod, &emptiest) {
                scene.hold(ix(0), pod, candidate.devices);
            }
        }
        (scene, ask(&asked, models))
    })
}

fn chosen(scene: &Scene, pod: &PodRequest, context: &Context) -> Result<Devices, Unfit> {
    plan::candidate(&scene.cluster.nodes()[0], pod, context).map(|candidate| candidate.devices)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn devices_are_found_exactly_when_some_assignment_exists((scene, pod) in question()) {
        let expected = oracle(&scene.cluster.nodes()[0], &pod);
        for strategy in Policy::ALL {
            let found = chosen(&scene, &pod, &context(strategy));
            prop_assert_eq!(found.as_ref().map(|_| ()), expected.as_ref().map(|&()| ()));
            let Ok(devices) = found else { continue };
            let gpus = &scene.cluster.nodes()[0].node().gpus;
            for device in devices.iter().flat_map(|set| set.iter()) {
                prop_assert!(pod.models().accept(&gpus[device].model));
            }
            let mut held = scene.cluster.clone();
            let uid = PodUid(u128::MAX);
            prop_assert_eq!(held.hold(uid, ix(0), pod.clone().into(), Claim::Bound(devices)), Ok(()));
            prop_assert_eq!(audit(&held), []);
        }
    }
}

#[test]
fn devices_of_two_models_with_equal_amounts_left_are_not_taken_for_each_other() {
    // 16384 MiB are left of either. Half of the memory takes all of that on the larger device and
    // then the last container finds none; so it must be half of the smaller one.
    let node = Scene::on("a V100M32 V100M16", "a: . . 0m 0Mi 9p");
    let node = node.holding("a", "share 0 vram 16384 on V100M32");
    let three = "share 399 vram 8000 + share 399 vram 8000 + share 399 vram 8000";
    let pod = format!("share 400 vram 500/1000 + {three}");
    check_scene(node, &pod, Policy::BestFit, Then::Takes("1 | 1 | 0 | 0"));
}
