//! What fits on a node and what does not: each refusal beside the pod that just fits, and
//! which of several reasons is told.

use stowage_core::strategy::Strategy;
use stowage_core::strategy::Strategy::{BestFit, LeastAllocated};
use stowage_core::unfit::Unfit;
use stowage_core::units::Mebibytes;

use crate::drawing::Then::{Becomes, Refuses, Takes};
use crate::drawing::{Scene, Then, check, check_scene};

const NO_GPU: &str = Unfit::NoGpu.sentence();

/// Checks one picture under every strategy: what fits does not depend on it.
fn everywhere(drawing: &str, pod: &str, then: Then<'_>) {
    for strategy in Strategy::ALL {
        check(drawing, pod, strategy, then);
    }
}

#[test]
fn node_with_as_many_pods_as_it_may_run_refuses() {
    everywhere(
        "a: . 1000m 10Mi 0p",
        "none",
        Refuses("too many pods on the node"),
    );
    everywhere("a: . 1000m 10Mi 1p", "none", Becomes("a: . 1000m 10Mi 0p"));
}

#[test]
fn cores_are_enough_to_the_last_thousandth() {
    everywhere(
        "a: 999m 10Mi 1p",
        "cores 1000",
        Refuses("too few CPU cores left"),
    );
    everywhere("a: 1000m 10Mi 1p", "cores 1000", Becomes("a: 0m 10Mi 0p"));
}

#[test]
fn host_memory_is_enough_to_the_last_mebibyte() {
    everywhere(
        "a: 0m 1023Mi 1p",
        "mem 1024",
        Refuses("too little host memory left"),
    );
    everywhere("a: 0m 1024Mi 1p", "mem 1024", Becomes("a: 0m 0Mi 0p"));
}

#[test]
fn node_without_gpu_takes_only_pods_that_want_none() {
    everywhere("a: 0m 0Mi 1p", "share 1", Refuses(NO_GPU));
    everywhere("a: 0m 0Mi 1p", "whole 1", Refuses(NO_GPU));
    everywhere("a: 0m 0Mi 1p", "none + none", Becomes("a: 0m 0Mi 0p"));
}

#[test]
fn pod_that_accepts_no_model_of_the_node_is_refused() {
    let node = || Scene::on("a V100M16", "a: . 0m 0Mi 1p");
    for strategy in Strategy::ALL {
        let refused = Refuses("no GPU of an acceptable model");
        check_scene(node(), "whole 1 on V100M32|T4", strategy, refused);
        check_scene(
            node(),
            "whole 1 on V100M32|V100M16",
            strategy,
            Becomes("a: x 0m 0Mi 0p"),
        );
        check_scene(node(), "none on T4", strategy, Becomes("a: . 0m 0Mi 0p"));
    }
}

#[test]
fn only_devices_of_an_acceptable_model_are_taken() {
    let node = || Scene::on("a T4 V100M16 T4", "a: . . . 0m 0Mi 1p");
    for strategy in Strategy::ALL {
        check_scene(node(), "share 500 on V100M16", strategy, Takes("1"));
        check_scene(node(), "whole 2 on T4", strategy, Takes("0 2"));
        check_scene(
            node(),
            "whole 2 on V100M16",
            strategy,
            Refuses("too few idle GPUs"),
        );
        check_scene(
            node(),
            "share 1 x2 on V100M16",
            strategy,
            Refuses("no GPU with so large a share left"),
        );
    }
}

#[test]
fn whole_devices_must_be_idle() {
    let refused = Refuses("too few idle GPUs");
    everywhere("a: . 999/1000 x 0m 0Mi 1p", "whole 2", refused);
    everywhere("a: . 1000/1000 x 0m 0Mi 1p", "whole 2", refused);
    everywhere(
        "a: . . x 0m 0Mi 1p",
        "whole 2",
        Becomes("a: x x x 0m 0Mi 0p"),
    );
}

#[test]
fn share_needs_so_much_compute_left_on_one_device() {
    let refused = Refuses("no GPU with so large a share left");
    everywhere("a: 350/1000 350/1000 0m 0Mi 1p", "share 351", refused);
    everywhere(
        "a: 350/1000 x 0m 0Mi 1p",
        "share 350",
        Becomes("a: x x 0m 0Mi 0p"),
    );
}

#[test]
fn share_of_several_devices_needs_different_ones() {
    let refused = Refuses("no GPU with so large a share left");
    everywhere("a: . 299/1000 0m 0Mi 1p", "share 300 x2", refused);
    everywhere(
        "a: x . 300/1000 0m 0Mi 1p",
        "share 300 x2",
        Becomes("a: x 700/1000 x 0m 0Mi 0p"),
    );
}

#[test]
fn share_needs_so_many_mebibytes_of_the_device() {
    // 350 thousandths of 16000 MiB are 5600.
    let refused = Refuses("no GPU with so large a share left");
    everywhere("a: 350/1000 0m 0Mi 1p", "share 100 vram 5601", refused);
    everywhere(
        "a: 350/1000 0m 0Mi 1p",
        "share 100 vram 5600",
        Becomes("a: 250/1000 0m 0Mi 0p"),
    );
    everywhere("a: 350/1000 0m 0Mi 1p", "share 0 vram 351/1000", refused);
    everywhere(
        "a: 350/1000 0m 0Mi 1p",
        "share 0 vram 350/1000",
        Becomes("a: 350/1000 0m 0Mi 0p"),
    );
}

#[test]
fn memory_in_thousandths_is_rounded_down_on_each_device() {
    // Half of 1001 MiB is 500, so two halves leave 1 MiB over.
    let halves = Scene::on("a Odd", "a: . 0m 0Mi 9p")
        .holding("a", "share 0 vram 500/1000")
        .holding("a", "share 0 vram 500/1000");
    let refused = Refuses("no GPU with so large a share left");
    check_scene(halves.clone(), "share 1000 vram 2", BestFit, refused);
    check_scene(
        halves,
        "share 1000 vram 1",
        BestFit,
        Becomes("a: x 0m 0Mi 6p"),
    );
}

#[test]
fn memory_in_thousandths_is_more_on_a_larger_device() {
    // 16384 MiB are all of one device and half of the other; the rest says how much went.
    let node = || Scene::on("a V100M16 V100M32", "a: . . 0m 0Mi 9p");
    check_scene(node(), "share 100 x2 vram 16384", BestFit, Takes("0 1"));
    let used = node().holding("a", "share 100 x2 vram 500/1000");
    let vram = |device: usize| used.state("a").free().devices[device].memory;
    assert_eq!((vram(0), vram(1)), (Mebibytes(8_192), Mebibytes(16_384)));
}

#[test]
fn containers_that_fit_alone_must_fit_together() {
    let refused = Refuses("the containers' GPU requests do not fit together");
    everywhere("a: . 0m 0Mi 1p", "share 600 + share 401", refused);
    everywhere(
        "a: . 0m 0Mi 1p",
        "share 600 + share 400",
        Becomes("a: x 0m 0Mi 0p"),
    );
    everywhere("a: . x 0m 0Mi 1p", "whole 1 + share 1", refused);
    everywhere("a: . 1/1000 0m 0Mi 1p", "whole 1 + share 1", Takes("0 | 1"));
    everywhere("a: . . 0m 0Mi 1p", "whole 1 + whole 2", refused);
    everywhere(
        "a: . . . 0m 0Mi 1p",
        "whole 1 + none + whole 2",
        Takes("0 | - | 1 2"),
    );
}

#[test]
fn container_gives_way_to_a_later_one_that_has_no_other_device() {
    // The first would go on the emptier device, where alone the second finds its 8000 MiB.
    let pod = "share 300 vram 100 + share 300 vram 8000";
    check(
        "a: 400/1000 500/1000 0m 0Mi 1p",
        pod,
        LeastAllocated,
        Takes("0 | 1"),
    );
    check(
        "a: 500/1000 400/1000 0m 0Mi 1p",
        pod,
        LeastAllocated,
        Takes("1 | 0"),
    );
}

#[test]
fn search_that_takes_too_long_gives_up_and_says_so() {
    // Two of these fit a device, three do not: 17 containers on 8 devices are one too many.
    let containers = |n: u32| {
        (0..n)
            .map(|i| format!("share {}", 401 + i))
            .collect::<Vec<_>>()
    };
    let idle = "a: . . . . . . . . 0m 0Mi 1p";
    let too_long = "the containers' GPU requests are too intricate to combine";
    for strategy in Strategy::ALL {
        check(
            idle,
            &containers(17).join(" + "),
            strategy,
            Refuses(too_long),
        );
    }
    check(idle, &containers(16).join(" + "), BestFit, Takes(&pairs()));
}

/// Best fit puts the largest two of 16 on the first device, the next two on the second, and so on.
fn pairs() -> String {
    let device = |container: usize| ((15 - container) / 2).to_string();
    (0..16).map(device).collect::<Vec<_>>().join(" | ")
}

#[test]
fn first_lack_is_told_in_the_order_of_the_rules() {
    let pod = "whole 2 + share 500 cores 2 mem 2 on T4";
    let told = |hardware: &str, drawing: &str, sentence: &'static str| {
        for strategy in Strategy::ALL {
            check_scene(
                Scene::on(hardware, drawing),
                pod,
                strategy,
                Refuses(sentence),
            );
        }
    };
    told("", "a: 1m 1Mi 0p", "too many pods on the node");
    told("", "a: 1m 1Mi 1p", "too few CPU cores left");
    told("", "a: 2m 1Mi 1p", "too little host memory left");
    told("", "a: 2m 2Mi 1p", NO_GPU);
    told("", "a: x x 2m 2Mi 1p", "no GPU of an acceptable model");
    told("a T4", "a: x . 2m 2Mi 1p", "too few idle GPUs");
    told(
        "a T4",
        "a: . . 2m 2Mi 1p",
        "the containers' GPU requests do not fit together",
    );
}

#[test]
fn of_several_containers_the_first_that_cannot_fit_speaks() {
    let drawing = "a: 400/1000 0m 0Mi 1p";
    everywhere(
        drawing,
        "share 500 + whole 1",
        Refuses("no GPU with so large a share left"),
    );
    everywhere(drawing, "whole 1 + share 500", Refuses("too few idle GPUs"));
}

#[test]
fn sentences_are_constant_text_and_tell_reasons_apart() {
    let all = Unfit::ALL;
    assert!(
        all.is_sorted(),
        "reasons are ordered as they are looked for"
    );
    let mut sentences = all.map(|unfit| unfit.to_string());
    assert!(
        sentences
            .iter()
            .all(|s| !s.contains(|c: char| c.is_ascii_digit()))
    );
    sentences.sort();
    assert!(sentences.windows(2).all(|pair| pair[0] != pair[1]));
}
