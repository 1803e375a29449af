//! What is drawn and what goes in order: the random strategy, equal nodes, and pods about which a
//! strategy has no opinion. Draws come from a fixed seed, so that a count is the same on every run.

use stowage_core::plan::candidate;
use stowage_core::strategy::Strategy::{
    self, GpuClustering, GpuPacking, LeastAllocated, MostAllocated, Random,
};

use crate::drawing::{Scene, context, request};
use crate::strategies::{winners, wins};

#[test]
fn random_scores_nothing_and_draws_evenly() {
    let scene = Scene::of("a: . x . 900m 9Mi 9p\nb: . 9m 9Mi 9p\nc: . . 99m 9Mi 9p");
    assert_eq!(scene.score("a", "share 300", &context(Random)), 0);
    assert_eq!(scene.score("a", "cores 9", &context(Random)), 0);
    for pod in ["share 300", "cores 9"] {
        let winners = winners(&scene, pod, Random);
        for name in ["a", "b", "c"] {
            let times = winners.iter().filter(|n| *n == name).count();
            assert!((70..=130).contains(&times), "{name} won {times} of 300");
        }
    }
}

#[test]
fn random_draws_the_device_of_a_share_and_takes_whole_ones_in_order() {
    let scene = Scene::of("a: . x . . 9m 9Mi 9p");
    let mut context = context(Random);
    let mut taken = [0; 4];
    for decision in 0..300 {
        context.set_decision(decision);
        let decide = |pod| {
            let answer = candidate(scene.state("a"), &request(pod), &context);
            answer.expect("there is room").devices[0]
        };
        taken[decide("share 100").iter().next().expect("one device")] += 1;
        assert_eq!(decide("whole 2").iter().collect::<Vec<_>>(), [0, 2]);
    }
    assert_eq!(taken[1], 0);
    assert!(
        [0, 2, 3].iter().all(|&d| (70..=130).contains(&taken[d])),
        "{taken:?}"
    );
}

#[test]
fn equal_nodes_go_by_rank_or_are_drawn_as_the_strategy_says() {
    let twins = Scene::of("z: . . 9m 9Mi 9p\na: . . 9m 9Mi 9p");
    for strategy in Strategy::ALL {
        for pod in ["share 200", "whole 1", "cores 3"] {
            let winners = winners(&twins, pod, strategy);
            let first = winners.iter().filter(|name| *name == "z").count();
            if strategy.draws_ties() {
                assert!((110..=190).contains(&first), "{strategy}: {first} of 300");
            } else {
                assert_eq!(first, 300, "{strategy}");
            }
        }
    }
    let drawn: Vec<_> = Strategy::ALL
        .into_iter()
        .filter(|s| s.draws_ties())
        .collect();
    assert_eq!(drawn, [Random, LeastAllocated, MostAllocated]);
}

#[test]
fn strategies_that_see_only_gpus_send_a_pod_without_to_the_best_rank() {
    let nodes = "b: . . . 99m 9Mi 9p\na: x 9m 9Mi 9p";
    for strategy in [GpuClustering, GpuPacking] {
        wins(nodes, "cores 1", strategy, "b");
    }
}

#[test]
fn strategy_is_read_by_the_name_it_prints() {
    for strategy in Strategy::ALL {
        assert_eq!(strategy.to_string().parse(), Ok(strategy));
    }
    let unknown = "FGD".parse::<Strategy>().map_err(|error| error.to_string());
    assert_eq!(unknown, Err("no strategy is called \"FGD\"".to_owned()));
}
