//! Each strategy's score computed by hand, and which node or device wins in a picture. The formula
//! is in the head of the strategy's file. Draws and ties are in `ties.rs`, FGD is in `fgd.rs`.

use std::sync::Arc;

use stowage_core::plan::{Context, Parameters};
use stowage_core::strategy::Strategy::{
    self, BestFit, DotProduct, GpuClustering, GpuPacking, LeastAllocated, MostAllocated,
};
use stowage_core::strategy::fgd::Outlook;

use crate::drawing::Then::{Becomes, Takes};
use crate::drawing::{Scene, check, context};

fn score(strategy: Strategy, scene: &Scene, pod: &str) -> i64 {
    scene.score("a", pod, &context(strategy))
}

/// The best node for `pod`, decision by decision.
pub(crate) fn winners(scene: &Scene, pod: &str, strategy: Strategy) -> Vec<String> {
    let mut context = context(strategy);
    let decide = |decision| {
        context.set_decision(decision);
        scene.ranked(pod, &context).swap_remove(0).0
    };
    (0..300).map(decide).collect()
}

pub(crate) fn wins(drawing: &str, pod: &str, strategy: Strategy, best: &str) {
    let winners = winners(&Scene::of(drawing), pod, strategy);
    assert!(
        winners.iter().all(|name| name == best),
        "{strategy}: {winners:?}"
    );
}

#[test]
fn least_allocated_adds_what_is_left_and_how_even_it_is() {
    // Left 7500/10000 and 500/1000: mean of 75 and 50 is 62. Used 1/4 and 1/2: deviation 1/8, so
    // balance falls from 100 to floor(87.5) = 87: 50 + floor((50 + 87 - 100)/2) = 68.
    let idle = Scene::of("a: . . 10000m 1000Mi 9p");
    assert_eq!(score(LeastAllocated, &idle, "cores 2500 mem 500"), 130);
    // Left 25 and 100: 62. Used 3/4 and 0: deviation 3/8, so balance falls from 87 to floor(62.5) =
    // 62: 50 + floor((50 + 62 - 87)/2) = 62. The GPU is not seen.
    let started = idle.holding("a", "cores 2500");
    assert_eq!(score(LeastAllocated, &started, "whole 1 cores 5000"), 124);
    // Without memory to speak of only cores count: 50, and one fraction is even with itself before
    // and after: 75.
    assert_eq!(
        score(LeastAllocated, &Scene::of("a: 10m 0Mi 9p"), "cores 5"),
        125
    );
}

#[test]
fn least_allocated_spreads_over_nodes_and_devices() {
    let nodes = "a: 4000m 4000Mi 9p\nb: 9000m 9000Mi 9p";
    wins(nodes, "cores 1000 mem 1000", LeastAllocated, "b");
    check(
        "a: x 400/1000 . 700/1000 . 9m 9Mi 9p",
        "share 200",
        LeastAllocated,
        Takes("2"),
    );
    check(
        "a: x 400/1000 700/1000 700/1000 9m 9Mi 9p",
        "share 200 x2",
        LeastAllocated,
        Takes("2 3"),
    );
}

#[test]
fn most_allocated_weighs_gpus_five_times_unless_told_otherwise() {
    // Used 25 % of cores, 50 % of memory, 500 of 2000: 25 %. (25 + 50 + 5 x 25)/7 = 200/7 = 28.
    let idle = Scene::of("a: . . 10000m 1000Mi 9p");
    let pod = "share 500 cores 2500 mem 500";
    assert_eq!(score(MostAllocated, &idle, pod), 28);
    // (25 + 50 + 1 x 25)/3 = 33.
    let outlook = Arc::new(Outlook::default());
    let even = Context::new(MostAllocated, Parameters { gpu_weight: 1 }, outlook, 7);
    assert_eq!(idle.score("a", pod, &even), 33);
    // A pod without GPU: (25 + 50)/2 = 37.
    assert_eq!(score(MostAllocated, &idle, "cores 2500 mem 500"), 37);
    // After that pod: (50 + 100 + 5 x 100)/7 = 92.
    let started = idle.holding("a", "cores 2500 mem 500");
    assert_eq!(
        score(MostAllocated, &started, "whole 2 cores 2500 mem 500"),
        92
    );
}

#[test]
fn most_allocated_packs_nodes_and_devices() {
    wins(
        "a: . . 9m 9Mi 9p\nb: . x 9m 9Mi 9p",
        "share 200",
        MostAllocated,
        "b",
    );
    wins(
        "a: 9000m 9Mi 9p\nb: 4000m 9Mi 9p",
        "cores 1000",
        MostAllocated,
        "b",
    );
    check(
        "a: 100/1000 . 300/1000 200/1000 9m 9Mi 9p",
        "share 200",
        MostAllocated,
        Takes("3"),
    );
}

#[test]
fn dot_product_multiplies_what_is_left_with_what_is_asked() {
    // Cores 1/2 x 1/4, GPUs 4/8 x 2/8: their mean is 1/8, and 100 (1 - 1/8) = 87.5.
    let half = Scene::of("a: . . . . 64000m 9Mi 9p");
    assert_eq!(score(DotProduct, &half, "whole 2 cores 32000"), 87);
    // Everything of a full node: 1 x 1 twice.
    let full = Scene::of("a: . . . . . . . . 128000m 9Mi 9p");
    assert_eq!(score(DotProduct, &full, "whole 8 cores 128000"), 0);
    // Without GPU 1 x 1/4 and 0: mean 1/8.
    assert_eq!(score(DotProduct, &full, "cores 32000"), 87);
}

#[test]
fn dot_product_takes_the_node_with_less_left_and_the_fullest_device() {
    wins(
        "a: . . . . 9m 9Mi 9p\nb: . . 9m 9Mi 9p",
        "whole 2",
        DotProduct,
        "b",
    );
    wins(
        "a: 128000m 9Mi 9p\nb: 64000m 9Mi 9p",
        "cores 64000",
        DotProduct,
        "b",
    );
    check(
        "a: . 500/1000 400/1000 9m 9Mi 9p",
        "share 400",
        DotProduct,
        Takes("2"),
    );
}

#[test]
fn gpu_clustering_prefers_company_of_the_same_size() {
    // No GPU pod yet: 25, and nothing used.
    let idle = Scene::of("a: . . . . . . . . 9m 9Mi 9p").holding("a", "cores 1");
    assert_eq!(score(GpuClustering, &idle, "whole 1"), 25);
    // 500 used: floor(25 x 500/8000) = 1. The same kind only: 75 + 1; another kind only: 0 + 1.
    let part = idle.holding("a", "share 500");
    assert_eq!(score(GpuClustering, &part, "share 200 x2"), 76);
    assert_eq!(score(GpuClustering, &part, "whole 1"), 1);
    // 1500 used: floor(4.69) = 4. This kind among others: 50 + 4; two whole ones are a third kind.
    let mixed = part.holding("a", "whole 1");
    assert_eq!(score(GpuClustering, &mixed, "share 200"), 54);
    assert_eq!(score(GpuClustering, &mixed, "whole 1"), 54);
    assert_eq!(score(GpuClustering, &mixed, "whole 2"), 4);
    assert_eq!(score(GpuClustering, &mixed, "whole 1 + whole 1"), 4);
    assert_eq!(score(GpuClustering, &mixed, "cores 1"), 0);
}

#[test]
fn gpu_clustering_keeps_sizes_apart() {
    let nodes = "a: . . 9m 9Mi 9p\nb: . x 9m 9Mi 9p\nc: . 300/1000 9m 9Mi 9p";
    wins(nodes, "share 100", GpuClustering, "c");
    wins(nodes, "whole 1", GpuClustering, "b");
    check(
        "a: . 500/1000 400/1000 9m 9Mi 9p",
        "share 400",
        GpuClustering,
        Takes("2"),
    );
}

#[test]
fn gpu_packing_scores_started_devices_then_idle_ones_then_idle_nodes() {
    let scored = |drawing: &str, pod: &str| score(GpuPacking, &Scene::of(drawing), pod);
    // Idle nodes: max(33 - 4, 4) and max(33 - 20, 20).
    assert_eq!(scored("a: . . . . 9m 9Mi 9p", "share 10"), 29);
    assert_eq!(
        scored(&format!("a: {}9m 9Mi 9p", ". ".repeat(20)), "share 10"),
        20
    );
    // On the device with 50 % left: 100 - 5. With 350 thousandths: 100 - floor(3.5).
    assert_eq!(scored("a: 500/1000 . 9m 9Mi 9p", "share 200"), 95);
    assert_eq!(scored("a: 350/1000 . 9m 9Mi 9p", "share 200"), 97);
    // One or two idle devices of a started node: 50 - 1 and 50 - 2; of 18 never below 33.
    assert_eq!(scored("a: 500/1000 . . 9m 9Mi 9p", "share 600"), 49);
    assert_eq!(scored("a: 500/1000 . . 9m 9Mi 9p", "whole 2"), 48);
    assert_eq!(
        scored(&format!("a: x {}9m 9Mi 9p", ". ".repeat(18)), "whole 18"),
        33
    );
    assert_eq!(scored("a: x . 9m 9Mi 9p", "cores 9"), 0);
}

#[test]
fn gpu_packing_starts_as_little_as_possible() {
    let nodes = "a: . . 9m 9Mi 9p\nb: x . 9m 9Mi 9p\nc: 400/1000 . 9m 9Mi 9p";
    wins(nodes, "share 400", GpuPacking, "c");
    wins(nodes, "share 500", GpuPacking, "b");
    check(
        nodes,
        "share 400",
        GpuPacking,
        Becomes("a: . . 9m 9Mi 9p\nb: x . 9m 9Mi 9p\nc: x . 9m 9Mi 8p"),
    );
}

#[test]
fn best_fit_scores_what_would_be_left() {
    // 64000/256000 and 4000/16000 left: 1 - 1/4 - 1/4 = 0.5.
    let full = Scene::of("a: . . . . . . . . 128000m 9Mi 9p");
    assert_eq!(score(BestFit, &full, "whole 4 cores 64000"), 50);
    // 64000/256000 and 1000/16000 left: 1 - 0.25 - 0.0625 = 0.6875.
    let some = Scene::of("a: . . 96000m 9Mi 9p");
    assert_eq!(score(BestFit, &some, "whole 1 cores 32000"), 68);
    // Without GPU: 1 - 64000/256000 - 2000/16000 = 0.625.
    assert_eq!(score(BestFit, &some, "cores 32000"), 62);
}

#[test]
fn best_fit_reports_scores_between_0_and_100_over_the_feasible_nodes() {
    // Raw 50, 62, 75 with the cores full: left GPUs 8, 6 and 4. Of the span 25, 12 are 48 %.
    let nodes = "a: . . . . . . . . 0m 9Mi 9p\nb: x . . . . . . 0m 9Mi 9p\nc: . . . . 0m 9Mi 9p";
    let ranked = Scene::of(nodes).ranked("none", &context(BestFit));
    let expected = [("c", 100), ("b", 48), ("a", 0)].map(|(n, s)| (n.to_owned(), s));
    assert_eq!(ranked, expected);
    // Equal ones all get 0, in rank order.
    let ranked = Scene::of("z: . 9m 9Mi 9p\na: . 9m 9Mi 9p").ranked("none", &context(BestFit));
    assert_eq!(ranked, [("z".to_owned(), 0), ("a".to_owned(), 0)]);
}

#[test]
fn best_fit_takes_the_fullest_node_and_device() {
    wins(
        "a: . . 9m 9Mi 9p\nb: . 9m 9Mi 9p",
        "share 100",
        BestFit,
        "b",
    );
    wins(
        "a: 128000m 9Mi 9p\nb: 64000m 9Mi 9p",
        "cores 1000",
        BestFit,
        "b",
    );
    check(
        "a: . 300/1000 200/1000 200/1000 9m 9Mi 9p",
        "share 150",
        BestFit,
        Takes("2"),
    );
}
