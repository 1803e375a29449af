//! What is free and of no use: a cluster and where each thousandth went.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::inspect::shapes::common;
use crate::inspect::stranded::{Stranded, free_of, stranded};

pub(super) fn found(model: &Model) -> Stranded {
    let shapes = common(&model.shapes);
    let shapes: Vec<_> = shapes.iter().map(|(_, shape)| *shape).collect();
    let found = stranded(model, &shapes);
    let free: u64 = model.cluster.nodes().iter().map(free_of).sum();
    assert_eq!(found.free, free);
    assert_eq!(found.usable + found.causes.values().sum::<u64>(), free);
    found
}

/// Usable, and the causes by name.
fn causes(objects: Vec<Value>) -> (u64, BTreeMap<&'static str, u64>) {
    let found = found(&model(objects));
    let causes = found
        .causes
        .iter()
        .map(|(cause, milli)| (cause.name(), *milli));
    (found.usable, causes.collect())
}

#[test]
fn what_a_common_shape_could_take_is_usable() {
    assert_eq!(
        causes(vec![served("a", 2, 1000), percent("p", 50)]),
        (2000, [].into())
    );
    let held = on(percent("h", 50), "a", 0, 500, 500);
    assert_eq!(causes(vec![served("a", 2, 1000), held]), (1500, [].into()));
}

#[test]
fn a_share_that_is_too_small_for_everybody_is_a_sliver() {
    let held = on(percent("h", 70), "a", 0, 700, 700);
    assert_eq!(
        causes(vec![served("a", 1, 1000), held]),
        (0, [("sliver", 300)].into())
    );
    // 23 pods fit, and 68 MiB are left: one thousandth.
    let node = || {
        with(
            served("a", 1, 46_068),
            "/status/allocatable",
            json!({"cpu": "64", "memory": "64Gi", "pods": "110"}),
        )
    };
    let pods = (0..23).map(|n| on(memory(&format!("m{n}"), 2000), "a", 0, 2000, 0));
    let full = [node()].into_iter().chain(pods).collect();
    assert_eq!(causes(full), (0, [("sliver", 1)].into()));
    assert_eq!(
        causes(vec![node(), memory("m", 2000)]),
        (999, [("sliver", 1)].into())
    );
}

#[test]
fn cores_memory_and_pods_run_out() {
    let hungry = |resource: &str, amount: &str| {
        with(
            whole("w", 1),
            "/spec/containers/0/resources/requests",
            json!({resource: amount}),
        )
    };
    assert_eq!(
        causes(vec![plugin("a", 4), hungry("cpu", "6")]),
        (2000, [("cores", 2000)].into())
    );
    assert_eq!(
        causes(vec![plugin("a", 4), hungry("memory", "20Gi")]),
        (3000, [("memory", 1000)].into())
    );
    let one = with(plugin("a", 4), "/status/allocatable/pods", json!("1"));
    assert_eq!(
        causes(vec![one, whole("w", 1)]),
        (1000, [("pods", 3000)].into())
    );
}

#[test]
fn a_node_that_is_closed_is_stranded_as_a_whole() {
    let cordoned = with(plugin("a", 2), "/spec/unschedulable", json!(true));
    assert_eq!(
        causes(vec![cordoned, whole("w", 1)]),
        (0, [("cordoned", 2000)].into())
    );
    let conditions = json!([{"type": "Ready", "status": "False"}]);
    let sick = with(plugin("a", 2), "/status/conditions", conditions);
    assert_eq!(
        causes(vec![sick, whole("w", 1)]),
        (0, [("unhealthy", 2000)].into())
    );
}

#[test]
fn a_failed_gpu_strands_itself_alone() {
    let failing = |cordon: bool| {
        let node = with_failed(served("a", 3, 1000), 1);
        with(node, "/spec/unschedulable", json!(cordon))
    };
    assert_eq!(
        causes(vec![failing(false), whole("w", 1)]),
        (2000, [("unhealthy", 1000)].into())
    );
    assert_eq!(
        causes(vec![failing(true), whole("w", 1)]),
        (0, [("cordoned", 2000), ("unhealthy", 1000)].into())
    );
}

#[test]
fn what_nobody_asks_for_and_what_nobody_may_come_to_are_told_apart() {
    assert_eq!(
        causes(vec![plugin("a", 2)]),
        (0, [("unasked", 2000)].into())
    );
    // A share where there is no hand-over.
    assert_eq!(
        causes(vec![plugin("a", 2), percent("p", 50)]),
        (0, [("unasked", 2000)].into())
    );
    let models = json!({"stowage.dev/gpu-models": "H100-80GB"});
    let picky = with(whole("w", 1), "/metadata/annotations", models);
    assert_eq!(
        causes(vec![plugin("a", 2), picky]),
        (0, [("unasked", 2000)].into())
    );
    let pool = with(plugin("a", 2), "/spec/taints", taint("pool"));
    assert_eq!(
        causes(vec![pool, whole("w", 1)]),
        (0, [("rules", 2000)].into())
    );
}

#[test]
fn idle_gpus_that_are_too_few_for_one_pod_are_apart() {
    assert_eq!(
        causes(vec![plugin("a", 3), whole("w", 2)]),
        (2000, [("apart", 1000)].into())
    );
}

#[test]
fn nothing_that_names_its_gpu_goes_where_somebody_may_be() {
    let held = || somewhere(whole("w", 1), "a");
    // One more whole GPU fits, wherever the first is, where the plugin chooses.
    assert_eq!(causes(vec![plugin("a", 2), held()]), (1000, [].into()));
    let served_by_name = vec![served("a", 2, 1000), held(), percent("p", 50)];
    assert_eq!(causes(served_by_name), (0, [("unknown", 1000)].into()));
    let model = model(vec![served("a", 2, 1000), held(), percent("p", 50)]);
    let shares = model.shapes.iter().filter(|shape| shape.bound == 0);
    let found = stranded(&model, &shares.collect::<Vec<_>>());
    let causes = found
        .causes
        .iter()
        .map(|(cause, milli)| (cause.name(), *milli));
    assert_eq!(causes.collect::<Vec<_>>(), [("unknown", 1000)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_that_is_free_is_counted_once(
        nodes in prop::collection::vec((0usize..5, 0u32..4, any::<bool>()), 1..6),
        held in prop::collection::vec((0usize..6, 0usize..4, 1u32..10), 0..8),
        asks in prop::collection::vec((1u32..100, 0u32..3), 0..4),
    ) {
        let mut objects = Vec::new();
        for (at, (gpus, trait_of, shared)) in nodes.iter().enumerate() {
            let name = format!("n{at}");
            let node = if *shared { served(&name, *gpus, 997) } else { plugin(&name, *gpus) };
            objects.push(match trait_of {
                0 => with(node, "/spec/taints", taint("pool")),
                1 => with(node, "/spec/unschedulable", json!(true)),
                _ => node,
            });
        }
        for (at, (node, index, tenths)) in held.iter().enumerate() {
            let held = percent(&format!("h{at}"), tenths * 10);
            objects.push(on(held, &format!("n{node}"), *index, tenths * 90, tenths * 100));
        }
        for (at, (share, kind)) in asks.iter().enumerate() {
            let name = format!("p{at}");
            objects.push(match kind {
                0 => whole(&name, share % 3 + 1),
                1 => percent(&name, *share),
                _ => memory(&name, share * 9),
            });
        }
        found(&read(&objects).0);
    }
}
