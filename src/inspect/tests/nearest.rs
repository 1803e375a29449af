//! What would have to change, and the numbers of a refusal.

use serde_json::json;

use super::*;
use crate::inspect::explain::Explanation;

/// What is said of the first pod that waits: status, then verdict and detail of the refusals, then the
/// nearest change.
fn explained(objects: Vec<Value>) -> (String, Vec<(String, String)>, String) {
    let model = model(objects);
    let pod = model
        .pods
        .iter()
        .find(|pod| pod.facts.node_name.is_none())
        .unwrap();
    let found = Explanation::of(&model, pod);
    let refused = found.verdicts.into_iter().filter(|verdict| !verdict.fits);
    let refused = refused.map(|v| (v.verdict, v.detail.unwrap_or_default()));
    let change = found.nearest_change.map(|change| change.sentence);
    (
        found.status.to_owned(),
        refused.collect(),
        change.unwrap_or_default(),
    )
}

fn refusal(objects: Vec<Value>) -> (String, String) {
    let (status, mut refused, change) = explained(objects);
    assert_eq!((&*status, refused.len()), ("refused", 1));
    (refused.remove(0).1, change)
}

fn asking(pod: Value, resource: &str, amount: &str) -> Value {
    with(
        pod,
        "/spec/containers/0/resources/requests",
        json!({resource: amount}),
    )
}

#[test]
fn the_24th_pod_is_told_what_is_left() {
    let node = with(
        served("a", 1, 46_068),
        "/status/allocatable",
        json!({"cpu": "64", "memory": "64Gi", "pods": "110"}),
    );
    let pods = (0..23).map(|n| on(memory(&format!("m{n}"), 2000), "a", 0, 2000, 0));
    let objects = [node]
        .into_iter()
        .chain(pods)
        .chain([memory("late", 2000)])
        .collect();
    let (detail, change) = refusal(objects);
    assert_eq!(detail, "largest free share is 68 MiB, 2000 MiB asked");
    assert_eq!(
        change,
        "ask for at most 68 MiB of GPU memory (2000 MiB asked)"
    );
}

#[test]
fn a_smaller_share_or_fewer_gpus() {
    let held = on(percent("h", 70), "a", 0, 700, 700);
    let (detail, change) = refusal(vec![served("a", 1, 1000), held, percent("p", 50)]);
    assert_eq!(
        detail,
        "largest free share is 30% and 300 MiB, 50% and 500 MiB asked"
    );
    assert_eq!(change, "ask for at most 30% of a GPU (50% asked)");
    let (detail, change) = refusal(vec![plugin("a", 3), plugin("b", 2), whole("w", 4)]);
    assert_eq!(detail, "3 idle GPUs, 4 asked");
    assert_eq!(change, "ask for 3 GPUs in a container (4 asked)");
}

#[test]
fn fewer_cores_or_less_memory() {
    let (detail, change) = refusal(vec![plugin("a", 1), asking(whole("w", 1), "cpu", "16500m")]);
    assert_eq!(detail, "16 cores left, 16.5 asked");
    assert_eq!(change, "ask for at most 16 cores (16.5 asked)");
    let (detail, change) = refusal(vec![
        plugin("a", 1),
        asking(whole("w", 1), "memory", "65Gi"),
    ]);
    assert_eq!(detail, "65536 MiB left, 66560 MiB asked");
    assert_eq!(
        change,
        "ask for at most 65536 MiB of host memory (66560 MiB asked)"
    );
}

#[test]
fn other_models_and_rules() {
    let picky = with(
        whole("w", 1),
        "/metadata/annotations",
        json!({"stowage.dev/gpu-models": "H100-80GB"}),
    );
    let (detail, change) = refusal(vec![plugin("a", 1), picky]);
    assert_eq!(detail, "has T4-16GB, H100-80GB asked");
    assert_eq!(change, "accept any GPU model (only H100-80GB asked)");
    let pool = with(plugin("a", 1), "/spec/taints", taint("pool"));
    let (detail, change) = refusal(vec![pool, whole("w", 1)]);
    assert_eq!(detail, "pool:NoSchedule");
    assert_eq!(change, "tolerate the taint pool:NoSchedule");
    let selects = with(
        whole("w", 1),
        "/spec/nodeSelector",
        json!({"zone": "north"}),
    );
    let (detail, change) = refusal(vec![plugin("a", 1), selects]);
    assert_eq!(detail, "zone=north asked, the node has no such label");
    assert_eq!(change, "drop zone=north from its node selector");
    let terms = json!([{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]);
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
    let requires = with(whole("w", 1), "/spec/affinity", affinity);
    let (detail, change) = refusal(vec![plugin("a", 1), requires]);
    assert_eq!(detail, "required node affinity");
    assert_eq!(change, "drop its required node affinity");
}

#[test]
fn the_smallest_pod_whose_end_is_enough() {
    let held = [
        somewhere(whole("one", 1), "a"),
        somewhere(whole("two", 2), "a"),
    ];
    let objects = [plugin("a", 3)]
        .into_iter()
        .chain(held)
        .chain([whole("w", 1)])
        .collect();
    let (detail, change) = refusal(objects);
    assert_eq!(detail, "0 idle GPUs, 1 asked");
    assert_eq!(change, "end default/one on a (1 GPU, 1 core)");
}

#[test]
fn two_things_at_once_have_no_single_answer() {
    let pool = with(plugin("a", 1), "/spec/taints", taint("pool"));
    let (_, change) = refusal(vec![pool, asking(whole("w", 1), "cpu", "17")]);
    assert_eq!(change, "");
}

#[test]
fn nodes_are_grouped_by_verdict_the_most_frequent_first() {
    let cordoned = with(plugin("d", 8), "/spec/unschedulable", json!(true));
    let (status, refused, _) = explained(vec![
        plugin("a", 1),
        plugin("b", 2),
        served("c", 4, 1000),
        cordoned,
        whole("w", 4),
    ]);
    assert_eq!(status, "fits");
    let refused: Vec<_> = refused
        .iter()
        .map(|(verdict, detail)| (&**verdict, &**detail))
        .collect();
    assert_eq!(
        refused,
        [
            ("too few idle GPUs", "2 idle GPUs, 4 asked"),
            ("node(s) were unschedulable", "cordoned"),
        ]
    );
}

#[test]
fn what_no_node_can_serve_is_said_once() {
    let (_, refused, change) = explained(vec![plugin("a", 1), percent("p", 140)]);
    assert_eq!(refused.len(), 1);
    assert!(refused[0].0.contains("1 to 100 percent"), "{refused:?}");
    assert_eq!(change, "");
}

#[test]
fn gpu_that_is_too_small_as_a_whole_is_told_in_mib() {
    let least = json!({"stowage.dev/gpu-memory-at-least": "80Gi"});
    let pod = with(whole("w", 1), "/metadata/annotations", least);
    let (detail, _) = refusal(vec![served("a", 1, 46_068), pod]);
    assert_eq!(
        detail,
        "its largest GPU has 46068 MiB, at least 81920 MiB asked"
    );
}
