//! How many cores and how much memory pods count for.

use serde_json::json;

use super::*;

fn amounts(spec: &Value) -> (u32, u32) {
    let request = request(spec);
    (request.cores().0, request.memory().0)
}

#[test]
fn containers_add_up_and_limits_stand_in_for_requests() {
    let spec = json!({"containers": [
        {"resources": {"requests": {"cpu": "100m", "memory": "1"}, "limits": {"cpu": "4"}}},
        {"resources": {"limits": {"cpu": "0.5", "memory": "1Mi"}}},
        {"resources": {"requests": {"cpu": 1}}},
        {},
    ]});
    assert_eq!(
        amounts(&spec),
        (1600, 2),
        "memory is rounded once, over all containers"
    );
}

#[test]
fn an_init_container_counts_beside_the_sidecars_before_it() {
    let init = |cpu: &str, policy: Option<&str>| json!({"restartPolicy": policy, "resources": {"requests": {"cpu": cpu}}});
    let with = |inits: &[Value]| {
        let main = json!({"resources": {"requests": {"cpu": "1"}}});
        amounts(&json!({"initContainers": inits, "containers": [main]})).0
    };
    let sidecar = Some("Always");
    assert_eq!(with(&[init("700m", None), init("800m", None)]), 1000);
    assert_eq!(with(&[init("3", None), init("2", None)]), 3000);
    assert_eq!(with(&[init("3", None), init("2", sidecar)]), 3000);
    assert_eq!(with(&[init("2", sidecar), init("3", None)]), 5000);
    assert_eq!(with(&[init("2", sidecar), init("500m", None)]), 3000);
    assert_eq!(with(&[init("2", sidecar), init("1", sidecar)]), 4000);
}

#[test]
fn pod_level_requests_replace_the_sum() {
    let containers = json!([{"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]);
    let with = |resources: Value| {
        let overhead = json!({"cpu": "1m", "memory": "1Mi"});
        amounts(&json!({"containers": containers, "resources": resources, "overhead": overhead}))
    };
    assert_eq!(with(json!({"requests": {"cpu": "3"}})), (3001, 1025));
    assert_eq!(
        with(json!({"requests": {"cpu": "3", "memory": "2Gi"}})),
        (3001, 2049)
    );
    assert_eq!(
        with(json!({"limits": {"cpu": "8"}})),
        (1001, 1025),
        "containers have requests"
    );
    assert_eq!(with(json!(null)), (1001, 1025));
    let bare = json!({"containers": [{}], "resources": {"limits": {"cpu": "8"}}});
    assert_eq!(amounts(&bare), (8000, 0));
}

fn resizing(reason: &str, allocated: &str, actual: &str) -> u32 {
    let pod = read(&json!({
        "metadata": {"name": "p", "uid": "0".repeat(32)},
        "spec": {"nodeName": "a", "containers": [
            {"name": "main", "resources": {"requests": {"cpu": "2"}}},
            {"name": "other", "resources": {"requests": {"cpu": "1"}}},
        ]},
        "status": {
            "conditions": [{"type": "PodResizePending", "reason": reason}],
            "containerStatuses": [{
                "name": "main",
                "allocatedResources": {"cpu": allocated},
                "resources": {"requests": {"cpu": actual}},
            }],
        },
    }));
    pod.cores.0
}

#[test]
fn while_a_pod_is_resized_the_largest_counts() {
    assert_eq!(resizing("Deferred", "1", "1"), 3000);
    assert_eq!(resizing("Deferred", "3", "1"), 4000);
    assert_eq!(resizing("Deferred", "1", "5"), 6000);
    // What cannot be done is not asked for. Kubernetes forgets the other container, which has no
    // status; so do we.
    assert_eq!(resizing("Infeasible", "1", "1"), 1000);
}

#[test]
fn pod_level_resources_are_resized_too() {
    let pod = read(&json!({
        "metadata": {"name": "p", "uid": "0".repeat(32)},
        "spec": {"nodeName": "a", "containers": [{}], "resources": {"requests": {"cpu": "2"}}},
        "status": {"resources": {"requests": {"cpu": "3"}}, "allocatedResources": {"cpu": "4"}},
    }));
    assert_eq!(pod.cores, Milli(4000));
}

#[test]
fn a_wrong_quantity_names_its_place() {
    let spec = json!({"containers": [container("main", &json!({"memory": "64gb"}))]});
    let sentence = "container main: limit of memory: \
                    expected a quantity such as 500m, 2 or 64Gi, got \"64gb\"";
    assert_eq!(refusal(&spec), sentence);
    let spec = json!({"containers": [container("main", &json!({"memory": "1E"}))]});
    assert_eq!(
        refusal(&spec),
        "memory: expected at most 4 PiB, got more over all containers"
    );
}

/// Pods drawn at random, counted by `PodRequests` of `k8s.io/component-helpers` 0.37.2 with status
/// and pod-level resizing taken into account.
#[test]
fn amounts_are_those_that_kubernetes_computes() {
    let lines = include_str!("fixtures/counted-by-kubernetes.jsonl").lines();
    for line in lines {
        let mut pod: Value = serde_json::from_str(line).unwrap();
        pod["metadata"] = json!({"name": "p", "uid": "0".repeat(32)});
        let facts = read(&pod);
        let expected = (pod["milli"].clone(), pod["mib"].clone());
        assert_eq!(
            (facts.cores.0.into(), facts.memory.0.into()),
            expected,
            "{line}"
        );
    }
}
