//! The map as it is printed.

use serde_json::json;

use super::*;
use crate::inspect::map::{State, rows};
use crate::inspect::paper::Paper;
use crate::inspect::report::Inspection;
use crate::inspect::table::table;

/// The lines of the map: from its header to the first empty line.
fn map(objects: Vec<Value>) -> Vec<String> {
    let paper = Paper {
        width: 100,
        colour: false,
    };
    let text = table(&Inspection::of(&model(objects)), paper);
    let lines = text.lines().skip_while(|line| !line.starts_with("node"));
    let lines = lines.take_while(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn a_cell_says_who_holds_it_and_what_is_left() {
    let pods = [
        on(percent("p", 50), "a", 0, 500, 500),
        on(whole("w", 1), "a", 1, 1000, 1000),
        on(memory("m", 100), "a", 2, 100, 0),
    ];
    let lines = map([served("a", 4, 1000)].into_iter().chain(pods).collect());
    assert_eq!(
        lines,
        [
            "node  GPUs           0     1 2      3   cores  memory  pods",
            "a     4 x A100-80GB  A:50% B C:900M .      13     64G     7",
            "  . idle   A full, held by pod A   A:35%/12G left beside pod A: compute/memory",
            "  A default/p  B default/w  C default/m",
        ]
    );
}

#[test]
fn devices_that_nobody_knows_are_marked() {
    let lines = map(vec![plugin("a", 3), somewhere(whole("w", 2), "a")]);
    assert_eq!(lines[1], "a     3 x T4-16GB  A? A? .      15     64G     9");
}

#[test]
fn nodes_that_look_equal_share_a_row() {
    let names: Vec<_> = (0..37).map(|n| format!("gpu-{n:02}")).collect();
    let mut objects: Vec<_> = names.iter().map(|name| plugin(name, 2)).collect();
    objects.push(with(plugin("old", 2), "/spec/unschedulable", json!(true)));
    let lines = map(objects);
    assert_eq!(
        lines[1],
        "gpu-00 x 37  2 x T4-16GB  . .      16     64G    10"
    );
    assert_eq!(
        lines[2..4],
        [
            "old          2 x T4-16GB  . .      16     64G    10",
            "  cordoned"
        ]
    );
}

#[test]
fn many_different_nodes_are_folded_by_how_full_their_gpus_are() {
    let mut objects = Vec::new();
    for n in 0..40 {
        let node = format!("gpu-{n:02}");
        objects.push(served(&node, 2, 1000));
        let milli = 100 + 10 * n;
        let pod = percent(&format!("p{n}"), milli / 10);
        objects.push(on(pod, &node, n as usize % 2, milli, milli));
    }
    let lines = map(objects);
    assert!(
        lines[1].starts_with("gpu-00 x 40  2 x A100-80GB  51..90% ."),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[test]
fn a_failed_gpu_is_failed_whoever_holds_it() {
    let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": [
        {"index": 0, "vendor": "nvidia", "model": "T4-16GB", "memoryMib": 1000, "healthy": false}]});
    let node = with(
        served("a", 1, 1000),
        "/metadata/annotations",
        json!({"stowage.dev/inventory": inventory.to_string()}),
    );
    let model = model(vec![node, on(percent("p", 50), "a", 0, 500, 500)]);
    assert_eq!(rows(&model)[0].cells[0].state, State::Failed);
}

#[test]
fn nothing_is_wider_than_the_paper() {
    let pods: Vec<_> = (0..16)
        .map(|n| {
            on(
                memory(&format!("a-long-name-{n}"), 17),
                &"n".repeat(60),
                n,
                17,
                0,
            )
        })
        .collect();
    let node = with(
        served(&"n".repeat(60), 16, 1000),
        "/status/allocatable/pods",
        json!("110"),
    );
    let model = model([node].into_iter().chain(pods).collect());
    for width in [40, 60, 80, 100] {
        let text = table(
            &Inspection::of(&model),
            Paper {
                width,
                colour: false,
            },
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= width),
            "{width}:\n{text}"
        );
    }
}

#[test]
fn what_a_bound_pod_holds_whose_request_makes_no_sense_is_not_free() {
    let wrong = || pod("x", &json!({"stowage.dev/gpu-memory": "8Gi"}));
    let (model, problems) = read(&[served("a", 2, 1000), somewhere(wrong(), "a")]);
    let said = "pod default/x: container main: stowage.dev/gpu-memory: expected whole MiB, 1 to \
        4294967295, without Ki, Mi or Gi, got \"8Gi\"; what it holds is guessed";
    assert_eq!(problems, [said]);
    assert_eq!(model.cluster.nodes()[0].free().gpu_milli(), 0);
    // One that waits holds nothing.
    let waits = super::model(vec![served("a", 2, 1000), wrong()]);
    assert_eq!(waits.cluster.nodes()[0].free().gpu_milli(), 2000);
}
