//! Bound pods whose request makes no sense: what they may hold is not free.

use serde_json::json;

use super::*;

/// What a bound pod of this specification holds, whose request is refused.
fn held(spec: &Value) -> Vec<ContainerRequest> {
    let mut spec = spec.clone();
    spec["nodeName"] = "a".into();
    let pod = pod(&spec);
    assert!(pod.request.is_err(), "{spec}");
    pod.held().containers().to_vec()
}

fn all_of_one() -> ContainerRequest {
    share(1, 1000, milli(1000))
}

#[test]
fn a_share_in_words_that_cannot_be_read_may_be_all_of_a_device() {
    let table = [
        json!({"stowage.dev/gpu-memory": "8Gi", "stowage.dev/gpu-compute": "30"}),
        json!({"stowage.dev/gpu-mem": "8192"}),
        json!({"volcano.sh/vgpu-number": "1", "volcano.sh/vgpu-cores": "101"}),
        json!({"koordinator.sh/gpu": "150"}),
        json!({"nvidia.com/gpu": "many"}),
        json!({"nvidia.com/mig-9g.1gb": "1"}),
    ];
    for limits in table {
        let spec = json!({"containers": [container("main", &limits)]});
        assert_eq!(held(&spec), [all_of_one()], "{limits}");
    }
}

#[test]
fn other_containers_hold_what_they_say() {
    let wrong = container("wrong", &json!({"stowage.dev/gpu-compute": "300"}));
    let sidecar = json!({"name": "side", "restartPolicy": "Always",
        "resources": {"limits": {"nvidia.com/gpu": "1"}}});
    let only_requested = json!({"name": "r", "resources": {"requests": {"nvidia.com/gpu": "2"}}});
    let spec = json!({
        "initContainers": [sidecar, container("init", &json!({"nvidia.com/gpu": "4"}))],
        "containers": [wrong, only_requested, container("half", &json!({"stowage.dev/gpu-compute": "50"}))],
    });
    let expected = [
        whole(1),
        all_of_one(),
        whole(2),
        share(1, 500, milli(500)),
        // What the first container asks beyond the two that start later.
        whole(2),
    ];
    assert_eq!(held(&spec), expected);
}

#[test]
fn words_of_kai_that_contradict_each_other_hold_a_device() {
    let pod = read(&json!({
        "metadata": {"name": "p", "uid": "0".repeat(32),
            "annotations": {"gpu-fraction": "0.5", "gpu-memory": "2000"}},
        "spec": {"nodeName": "a", "containers": [container("main", &json!({}))]},
    }));
    assert!(pod.request.is_err());
    assert_eq!(pod.held().containers(), [all_of_one()]);
}

#[test]
fn a_long_list_of_resources_is_read_without_taking_its_square() {
    // The square of this takes minutes.
    let names = (0..60_000).map(|n| format!("example.com/r{n}"));
    let many: serde_json::Map<String, Value> = names.map(|name| (name, "1".into())).collect();
    let mut resources = json!({"limits": many, "requests": many});
    resources["limits"]["nvidia.com/gpu"] = "many".into();
    let spec = json!({"containers": [{"name": "main", "resources": resources}]});
    assert_eq!(held(&spec), [all_of_one()]);
}

#[test]
fn nothing_about_gpus_holds_none() {
    let limits = json!({"cpu": "x", "nvidia.com/gpu": "0", "example.com/fpga": "1"});
    assert_eq!(
        held(&json!({"containers": [container("main", &limits)]})),
        []
    );
}

#[test]
fn only_devices_of_the_vendor_that_is_named_are_held() {
    use stowage_core::gpu::Vendor;
    let limits = json!({"amd.com/gpu": "1", "stowage.dev/gpu-compute": "300"});
    let spec = json!({"nodeName": "a", "containers": [container("main", &limits)]});
    let held = pod(&spec).held();
    assert!(held.is_for(Vendor::Amd) && !held.is_for(Vendor::Nvidia));
}
