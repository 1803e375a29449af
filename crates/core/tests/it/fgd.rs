//! Fragmentation by hand for each cause, against a naive loop, and what FGD makes of it.

use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::node::NodeState;
use stowage_core::request::PodRequest;
use stowage_core::strategy::Strategy::Fgd;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::verbs::Planner;
use stowage_core::workload::Workload;

use crate::drawing::Then::{Becomes, Takes};
use crate::drawing::{Scene, check_in, expecting, request};
use crate::history::{History, Step, history};

/// Half of the pods want half a device, a quarter two whole ones, a quarter none.
const THREE: [&str; 4] = [
    "share 500 cores 4000",
    "share 500 cores 4000",
    "whole 2 cores 8000",
    "cores 2000",
];

fn workload(pods: &[&str]) -> Workload {
    let pods: Vec<PodRequest> = pods.iter().map(|pod| request(pod)).collect();
    Workload::count(&pods)
}

/// Asserts the fragmentation of node `a`.
fn fragmented(hardware: &str, drawing: &str, pods: &[&str], expected: f64) {
    let outlook = Outlook::new(&workload(pods));
    let found = outlook.fragmentation(Scene::on(hardware, drawing).state("a"));
    assert!(
        (found - expected).abs() < 1e-9,
        "{drawing}: {found} for {expected}"
    );
}

#[test]
fn devices_too_small_for_a_class_that_fits_are_useless_to_it() {
    // Halves: 400. Two whole ones: three would do with 2 idle, 400. No GPU asked: all 2400.
    // 400/2 + 400/4 + 2400/4 = 200 + 100 + 600.
    fragmented("", "a: . 400/1000 . 8000m 9Mi 9p", &THREE, 900.0);
}

#[test]
fn everything_is_useless_to_a_class_that_lacks_devices() {
    // Halves: 400. Two whole ones lack one: 1400. No GPU asked: 1400. 200 + 350 + 350.
    fragmented("", "a: . 400/1000 8000m 9Mi 9p", &THREE, 900.0);
    // Nothing left is nothing useless; nor is it on a node without GPU.
    fragmented("", "a: x x 8000m 9Mi 9p", &THREE, 0.0);
    fragmented("", "a: 8000m 9Mi 9p", &THREE, 0.0);
}

#[test]
fn everything_is_useless_to_a_class_that_lacks_cores_or_both() {
    // Halves fit to the last core: 0. Two whole ones lack cores: 2000. No GPU: 2000. 500 + 500.
    fragmented("", "a: . . 4000m 9Mi 9p", &THREE, 1000.0);
    // Halves lack cores now too.
    fragmented("", "a: . . 3999m 9Mi 9p", &THREE, 2000.0);
    // Halves: 400; two whole ones lack both: 1400. 200 + 350 + 350.
    fragmented("", "a: . 400/1000 4000m 9Mi 9p", &THREE, 900.0);
}

#[test]
fn everything_is_useless_to_a_class_without_gpu_whether_it_fits_or_not() {
    fragmented("", "a: . . 2000m 9Mi 9p", &["cores 2000"], 2000.0);
    fragmented("", "a: . . 1999m 9Mi 9p", &["cores 2000"], 2000.0);
}

#[test]
fn everything_is_useless_to_a_class_that_does_not_accept_the_model() {
    let pods = ["whole 1 on T4|V100M16", "share 500"];
    // Not for T4 only: 1300/2 + 300/2. On a T4: 300/2 + 300/2.
    fragmented("", "a: 300/1000 . 9m 9Mi 9p", &pods, 800.0);
    fragmented("a T4", "a: 300/1000 . 9m 9Mi 9p", &pods, 300.0);
    // A model that no class names is like any other that none names.
    fragmented("a V100M32", "a: 300/1000 . 9m 9Mi 9p", &pods, 800.0);
}

#[test]
fn popularity_counts_only_the_classes_that_are_kept() {
    // Of 20 pods 19 want half a device: 95 %. The last class is left out and halves weigh 1.
    let mut pods = vec!["share 500"; 19];
    pods.push("whole 1");
    let outlook = Outlook::new(&workload(&pods).covering(95));
    let scene = Scene::of("a: 400/1000 600/1000 9m 9Mi 9p");
    assert!((outlook.fragmentation(scene.state("a")) - 400.0).abs() < 1e-9);
}

#[test]
fn empty_workload_fragments_nothing() {
    let scene = Scene::of("a: . 300/1000 9m 9Mi 9p");
    let one = workload(&["share 500"]);
    for empty in [workload(&[]), workload(&[]).covering(95), one.covering(0)] {
        let fragmentation = Outlook::new(&empty).fragmentation(scene.state("a"));
        assert_eq!(fragmentation.to_bits(), 0.0_f64.to_bits());
    }
    assert_eq!(scene.score("a", "share 100", &expecting(Fgd, &[])), 50);
}

#[test]
fn score_is_the_squashed_relief() {
    let half = expecting(Fgd, &["share 500"]);
    let score = |drawing: &str, pod: &str| Scene::of(drawing).score("a", pod, &half);
    // Nothing useless before or after: 100/(1 + e^0) = 50.
    assert_eq!(score("a: . . 9m 9Mi 9p", "whole 1"), 50);
    // 0 before, 400 after: 100/(1 + e^0.4) = 40.1.
    assert_eq!(score("a: . 9m 9Mi 9p", "share 600"), 40);
    // 400 before, 0 after: 100/(1 + e^-0.4) = 59.9.
    assert_eq!(score("a: 400/1000 9m 9Mi 9p", "share 400"), 59);
    // A pod without GPU that takes the cores of the class: 0 before, 1000 after, 100/(1 + e) = 26.9.
    let cores = expecting(Fgd, &["share 500 cores 4000"]);
    assert_eq!(
        Scene::of("a: . 4000m 9Mi 9p").score("a", "cores 1", &cores),
        26
    );
}

#[test]
fn share_goes_on_the_device_where_least_becomes_useless() {
    // On the idle one 400 would be left, on the other 200: 45 beats 40.
    let half = || expecting(Fgd, &["share 500"]);
    let scene = Scene::of("a: . 800/1000 9m 9Mi 9p");
    assert_eq!(scene.score("a", "share 600", &half()), 45);
    let nodes = Scene::of("a: . 9m 9Mi 9p\nb: 800/1000 9m 9Mi 9p");
    let ranked = nodes.ranked("share 600", &half());
    assert_eq!(ranked, [("b".to_owned(), 45), ("a".to_owned(), 40)]);
    check_in(
        scene,
        "share 600",
        &half(),
        Becomes("a: . 200/1000 9m 9Mi 8p"),
    );
    // Equally good ones: the lowest index.
    let twins = Scene::of("a: x . 400/1000 . 9m 9Mi 9p");
    check_in(twins, "share 500", &half(), Takes("1"));
}

#[test]
fn pod_without_gpu_goes_where_it_leaves_cores_for_the_expected_pods() {
    let context = expecting(Fgd, &["share 500 cores 4000"]);
    let nodes = Scene::of("a: . 4000m 9Mi 9p\nb: . 8000m 9Mi 9p\nc: . 8000m 9Mi 9p");
    let ranked = nodes.ranked("cores 1000", &context);
    let expected = [("b", 50), ("c", 50), ("a", 26)].map(|(n, s)| (n.to_owned(), s));
    assert_eq!(ranked, expected);
}

/// Fragmentation as the paper defines it, class by class and device by device.
fn naive(state: &NodeState, workload: &Workload) -> f64 {
    let stated = workload.classes().iter().any(|(c, _)| c.memory.0 > 0);
    let cells = state.free().devices.iter().zip(state.node().gpus.iter());
    let left: Vec<(u32, u32)> = cells
        .map(|(cell, gpu)| {
            let memory = u64::from(cell.memory.0) * 1000 / u64::from(gpu.memory.0);
            let both = cell
                .compute
                .0
                .min(u32::try_from(memory).expect("at most 1000"));
            let left = if stated { both } else { cell.compute.0 };
            (left, cell.memory.0)
        })
        .collect();
    let covered: u64 = workload.classes().iter().map(|(_, count)| count).sum();
    let mut fragmentation = 0.0;
    for (class, count) in workload.classes() {
        let model = state.node().gpus.first().map(|gpu| &gpu.model);
        let small = |&(r, memory): &(u32, u32)| r < class.share.0 || memory < class.memory.0;
        let large = left.iter().filter(|cell| !small(cell)).count();
        let useful = class.devices > 0
            && model.is_some_and(|model| class.models.accept(model))
            && state.free().room.cores >= class.cores
            && large >= class.devices as usize;
        let useless = left.iter().filter(|cell| !useful || small(cell));
        let useless: u32 = useless.map(|&(r, _)| r).sum();
        fragmentation += *count as f64 / covered as f64 * f64::from(useless);
    }
    fragmentation
}

fn fill(history: &History) -> Planner {
    let mut planner = Planner::new(history.cluster(), history.context(Fgd));
    for (uid, step) in (0..).map(PodUid).zip(&history.steps) {
        if let Step::Place(pod) = step {
            planner.place(0, uid, history.pod(*pod)).expect("a new pod");
        }
    }
    planner
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn fragmentation_is_what_the_naive_loop_finds(history in history(60), percent in 50_u32..=100) {
        let pods = history.pods.iter().map(Arc::as_ref);
        let workload = Workload::count(pods).covering(percent);
        let outlook = Outlook::new(&workload);
        for state in fill(&history).cluster().nodes() {
            let (fast, slow) = (outlook.fragmentation(state), naive(state, &workload));
            prop_assert!((fast - slow).abs() < 1e-6, "{state}: {fast} for {slow}");
            prop_assert!(fast >= 0.0 && fast <= state.free().gpu_milli() as f64 + 1e-6);
        }
    }

    #[test]
    fn score_tells_how_much_fragmentation_a_placement_adds(history in history(60)) {
        let mut planner = fill(&history);
        let (context, pod) = (history.context(Fgd), &history.pods[0]);
        let before: Vec<f64> =
            planner.cluster().nodes().iter().map(|n| context.outlook().fragmentation(n)).collect();
        let Some(NodeIx(best)) = planner.best(0, pod) else { return Ok(()) };
        let state = planner.node(NodeIx(best));
        let candidate = stowage_core::plan::candidate(state, pod, &context);
        let score = candidate.expect("the best node can take it").score.0 as f64;
        planner.place(0, PodUid(u128::MAX), pod).expect("a new pod");
        let after = context.outlook().fragmentation(planner.node(NodeIx(best)));
        let squashed = 100.0 / (1.0 + ((after - before[best as usize]) / 1000.0).exp());
        prop_assert!((0.0..=1.0 + 1e-6).contains(&(squashed - score + 1e-9)));
    }
}
