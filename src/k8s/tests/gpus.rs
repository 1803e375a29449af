//! What pods ask of GPUs, and the sentence for each thing that makes no sense.

use serde_json::json;
use stowage_core::gpu::{Gpu, GpuMode, Model, Vendor};
use stowage_core::request::ShareMemory;
use stowage_core::units::{Mebibytes, Milli};

use super::*;

fn asks(limits: &Value) -> ContainerRequest {
    let request = request(&json!({"containers": [container("main", limits)]}));
    let [ask] = *request.containers() else {
        panic!("{request:?}")
    };
    ask
}

/// The refusal of a container `main` with these limits.
fn refuses(limits: &Value) -> String {
    refusal(&json!({"containers": [container("main", limits)]}))
}

#[test]
fn vendors_names_stand_for_whole_devices() {
    let vendors = [
        ("nvidia.com/gpu", Vendor::Nvidia),
        ("amd.com/gpu", Vendor::Amd),
        ("gpu.intel.com/xe", Vendor::Intel),
        ("gpu.intel.com/i915", Vendor::Intel),
        ("microsoft.com/directx", Vendor::DirectX),
    ];
    for (resource, vendor) in vendors {
        let spec = json!({"containers": [container("main", &json!({resource: "4"}))]});
        let request = request(&spec);
        assert_eq!(request.containers(), [whole(4)]);
        let gpu = |vendor| Gpu {
            vendor,
            model: Model::new("any"),
            memory: Mebibytes(1),
            mode: GpuMode::Plain,
        };
        for (_, other) in vendors {
            assert_eq!(request.accepts(&gpu(other)), other == vendor, "{resource}");
        }
    }
}

#[test]
fn shares_say_memory_compute_or_both() {
    assert_eq!(
        asks(&json!({"stowage.dev/gpu-memory": "8000"})),
        share(1, 0, mib(8000))
    );
    assert_eq!(
        asks(&json!({"stowage.dev/gpu-memory": "8k"})),
        share(1, 0, mib(8000))
    );
    let alone = share(1, 250, ShareMemory::Milli(Milli(250)));
    assert_eq!(asks(&json!({"stowage.dev/gpu-compute": "25"})), alone);
    let both = json!({
        "stowage.dev/gpu-memory": "8000", "stowage.dev/gpu-compute": "100", "stowage.dev/gpu-count": "2",
    });
    assert_eq!(asks(&both), share(2, 1000, mib(8000)));
}

#[test]
fn what_asks_for_none_is_left_out() {
    let spec = json!({"containers": [
        container("a", &json!({"nvidia.com/gpu": "0", "cpu": "1"})),
        container("b", &json!({"nvidia.com/gpu": "1", "example.com/nic": "1"})),
        container("c", &json!({"amd.com/gpu": "0"})),
    ]});
    assert_eq!(request(&spec).containers(), [whole(1)]);
    let names: Vec<_> = pod(&spec).gpus.iter().map(|c| c.name.clone()).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn contradictions_are_refused_with_a_sentence() {
    let table = [
        (
            json!({"stowage.dev/gpu-compute": "140"}),
            r#"container main: stowage.dev/gpu-compute: expected 1 to 100 percent, got "140""#,
        ),
        (
            json!({"stowage.dev/gpu-compute": "0"}),
            r#"container main: stowage.dev/gpu-compute: expected 1 to 100 percent, got "0""#,
        ),
        (
            json!({"stowage.dev/gpu-compute": "500m"}),
            r#"container main: stowage.dev/gpu-compute: expected 1 to 100 percent, got "500m""#,
        ),
        (
            json!({"stowage.dev/gpu-memory": "8Gi"}),
            "container main: stowage.dev/gpu-memory: expected whole MiB, 1 to 4294967295, without Ki, \
             Mi or Gi, got \"8Gi\"",
        ),
        (
            json!({"stowage.dev/gpu-memory": "0"}),
            "container main: stowage.dev/gpu-memory: expected whole MiB, 1 to 4294967295, without Ki, \
             Mi or Gi, got \"0\"",
        ),
        (
            json!({"stowage.dev/gpu-memory": "1", "stowage.dev/gpu-count": "0"}),
            r#"container main: stowage.dev/gpu-count: expected 1 to 64 devices, got "0""#,
        ),
        (
            json!({"stowage.dev/gpu-memory": "1", "stowage.dev/gpu-count": "65"}),
            r#"container main: stowage.dev/gpu-count: expected 1 to 64 devices, got "65""#,
        ),
        (
            json!({"stowage.dev/gpu-count": "2"}),
            "container main: stowage.dev/gpu-count: expected stowage.dev/gpu-memory or \
             stowage.dev/gpu-compute beside it, got neither",
        ),
        (
            json!({"nvidia.com/gpu": "65"}),
            r#"container main: nvidia.com/gpu: expected a whole number up to 64, got "65""#,
        ),
        (
            json!({"nvidia.com/gpu": "0.5"}),
            r#"container main: nvidia.com/gpu: expected a whole number up to 64, got "0.5""#,
        ),
        (
            json!({"nvidia.com/gpu": "-1"}),
            r#"container main: nvidia.com/gpu: expected a whole number up to 64, got "-1""#,
        ),
        (
            json!({"nvidia.com/gpu": "1", "stowage.dev/gpu-memory": "1"}),
            "container main: stowage.dev/gpu-memory: expected a share or whole devices in a container, \
             got nvidia.com/gpu too",
        ),
        (
            json!({"nvidia.com/gpu": "1", "amd.com/gpu": "1"}),
            "container main: nvidia.com/gpu: expected devices of one vendor in a pod, got amd.com/gpu too",
        ),
        (
            json!({"stowage.dev/gpu-mem": "1"}),
            "container main: expected one of stowage.dev/gpu-memory, stowage.dev/gpu-compute, \
             stowage.dev/gpu-count, got \"stowage.dev/gpu-mem\"",
        ),
    ];
    for (limits, sentence) in table {
        assert_eq!(refuses(&limits), sentence);
    }
}

fn with_annotation(key: &str, value: &str, node: Option<&str>) -> PodFacts {
    read(&json!({
        "metadata": {"name": "p", "uid": "0".repeat(32), "annotations": {key: value}},
        "spec": {"nodeName": node, "containers": [container("main", &json!({"nvidia.com/gpu": "1"}))]},
    }))
}

#[test]
fn annotations_that_cannot_be_obeyed_are_refused() {
    let refusal = |key: &str, value: &str| {
        let request = with_annotation(key, value, None).request;
        request.unwrap_err().to_string()
    };
    assert_eq!(
        refusal("stowage.dev/group", "a"),
        "annotation stowage.dev/group is not supported yet"
    );
    assert_eq!(
        refusal("stowage.dev/topology", "infiniband"),
        "annotation stowage.dev/topology: expected nvlink, pcie or numa, with ? where it is only \
         preferred, got \"infiniband\""
    );
    assert_eq!(
        refusal("stowage.dev/gpu-memory-at-least", "40 GB"),
        "annotation stowage.dev/gpu-memory-at-least: expected an amount of memory such as 40Gi, got \
         \"40 GB\""
    );
    for empty in ["", " ", "A100-80GB,,T4-16GB"] {
        let sentence = format!(
            "annotation stowage.dev/gpu-models: expected GPU models separated by commas, got {empty:?}"
        );
        assert_eq!(refusal("stowage.dev/gpu-models", empty), sentence);
    }
    assert_eq!(
        refusal("stowage.dev/gpu-model", "A100-80GB"),
        "annotations: expected stowage.dev/gpu-models, stowage.dev/gpu-memory-at-least, \
         stowage.dev/topology or none of stowage.dev, got \"stowage.dev/gpu-model\""
    );
    // Where it is, it is: what restricts the choice does not matter any more.
    let bound = with_annotation("stowage.dev/topology", "nonsense", Some("a"));
    assert_eq!(bound.request.unwrap().containers(), [whole(1)]);
}

#[test]
fn vendors_do_not_mix_across_containers() {
    let spec = json!({"containers": [
        container("a", &json!({"nvidia.com/gpu": "1"})),
        container("b", &json!({"amd.com/gpu": "1"})),
    ]});
    assert_eq!(
        refusal(&spec),
        "container b: amd.com/gpu: expected devices of one vendor in a pod, got nvidia.com/gpu too"
    );
}

#[test]
fn requests_must_equal_limits() {
    let resources = |request: &str| {
        let resources =
            json!({"limits": {"nvidia.com/gpu": "2"}, "requests": {"nvidia.com/gpu": request}});
        json!({"containers": [{"name": "main", "resources": resources}]})
    };
    assert_eq!(request(&resources("2")).containers(), [whole(2)]);
    assert_eq!(
        refusal(&resources("1")),
        r#"container main: nvidia.com/gpu: expected a request equal to the limit "2", got "1""#
    );
    let only = json!({"containers": [{"resources": {"requests": {"nvidia.com/gpu": "2"}}}]});
    assert_eq!(request(&only).containers(), [whole(2)]);
}

#[test]
fn too_many_containers_are_refused_by_the_core() {
    let one = container("x", &json!({"stowage.dev/gpu-compute": "1"}));
    let spec = json!({"containers": vec![one; 65]});
    assert_eq!(refusal(&spec), "65 containers: expected at most 64");
    let each = share(1, 10, milli(10));
    assert_eq!(pod(&spec).held().containers(), [each; 64]);
}

#[test]
fn lists_without_end_are_refused_before_they_cost_time() {
    let init = |n: usize| container(&format!("i{n}"), &json!({"nvidia.com/mig-1g.10gb": "64"}));
    let inits: Vec<_> = (0..17).map(init).collect();
    let sentence = "containers: expected at most 1024 requests for GPUs in a pod, got more over all containers";
    assert_eq!(refusal(&json!({"initContainers": inits})), sentence);
    let fewer = json!({"initContainers": inits[..16]});
    assert_eq!(request(&fewer).containers().len(), 64);
    let models = vec!["A"; 65].join(",");
    let many = with_annotation("stowage.dev/gpu-models", &models, None);
    assert_eq!(
        many.request.unwrap_err().to_string(),
        "annotation stowage.dev/gpu-models: expected at most 64 GPU models, got 65"
    );
}

#[test]
fn pod_with_too_many_partitions_still_holds_as_many_as_can_be_counted() {
    let forty = |name| container(name, &json!({"nvidia.com/mig-1g.10gb": "40"}));
    let pod = pod(&json!({"nodeName": "a", "containers": [forty("x"), forty("y")]}));
    assert!(pod.request.is_err());
    assert_eq!(pod.held().containers().len(), 64);
}
