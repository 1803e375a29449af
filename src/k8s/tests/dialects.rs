//! Pods written for other GPU-sharing schedulers.

use serde_json::json;
use stowage_core::gpu::Vendor;

use super::*;

fn asks(limits: &Value) -> Vec<ContainerRequest> {
    request(&json!({"containers": [container("main", limits)]}))
        .containers()
        .to_vec()
}

#[test]
fn each_scheduler_is_understood_in_its_own_units() {
    let table = [
        // HAMi
        (
            json!({"nvidia.com/gpu": "2", "nvidia.com/gpumem": "3000", "nvidia.com/gpucores": "30"}),
            share(2, 300, mib(3000)),
        ),
        (
            json!({"nvidia.com/gpu": "1", "nvidia.com/gpumem-percentage": "33"}),
            share(1, 0, milli(330)),
        ),
        (json!({"nvidia.com/gpumem": "3000"}), share(1, 0, mib(3000))),
        (
            json!({"nvidia.com/gpucores": "50"}),
            share(1, 500, milli(1000)),
        ),
        (json!({"nvidia.com/gpu": "1"}), whole(1)),
        // Volcano
        (
            json!({"volcano.sh/vgpu-number": "1", "volcano.sh/vgpu-memory": "3000", "volcano.sh/vgpu-cores": "50"}),
            share(1, 500, mib(3000)),
        ),
        (
            json!({"volcano.sh/vgpu-number": "2", "volcano.sh/vgpu-memory-percentage": "50"}),
            share(2, 0, milli(500)),
        ),
        (
            json!({"volcano.sh/vgpu-number": "1"}),
            share(1, 1000, milli(1000)),
        ),
        // vgpu-manager
        (
            json!({"nvidia.com/vgpu-number": "1", "nvidia.com/vgpu-cores": "20", "nvidia.com/vgpu-memory": "1024"}),
            share(1, 200, mib(1024)),
        ),
        // gpushare
        (json!({"aliyun.com/gpu-mem": "3"}), share(1, 0, mib(3072))),
        // Koordinator
        (
            json!({"koordinator.sh/gpu-core": "50", "koordinator.sh/gpu-memory-ratio": "50"}),
            share(1, 500, milli(500)),
        ),
        (
            json!({"koordinator.sh/gpu": "200"}),
            share(2, 1000, milli(1000)),
        ),
    ];
    for (limits, expected) in table {
        assert_eq!(asks(&limits), [expected], "{limits}");
    }
}

#[test]
fn words_of_nvidia_ask_for_devices_of_nvidia() {
    let is_for = |limits: Value, vendor| {
        let request = request(&json!({"containers": [container("main", &limits)]}));
        request.is_for(vendor)
    };
    for word in ["nvidia.com/gpumem", "nvidia.com/vgpu-memory"] {
        assert!(is_for(json!({word: "3000"}), Vendor::Nvidia));
        assert!(!is_for(json!({word: "3000"}), Vendor::Amd));
    }
    assert!(is_for(
        json!({"stowage.dev/gpu-memory": "3000"}),
        Vendor::Amd
    ));
}

#[test]
fn contradictions_in_a_dialect_are_refused() {
    let table = [
        (
            json!({"nvidia.com/gpumem-percentage": "101"}),
            r#"container main: nvidia.com/gpumem-percentage: expected 1 to 100 percent, got "101""#,
        ),
        (
            json!({"nvidia.com/gpumem": "-1"}),
            r#"container main: nvidia.com/gpumem: expected a whole amount of memory, at least 1, got "-1""#,
        ),
        (
            json!({"koordinator.sh/gpu": "150"}),
            r#"container main: koordinator.sh/gpu: expected 1 to 100 percent, or whole hundreds, got "150""#,
        ),
        (
            json!({"koordinator.sh/gpu-core": "200", "koordinator.sh/gpu-memory-ratio": "100"}),
            r#"container main: koordinator.sh/gpu-core: expected as many devices as the other percentage says, got "200""#,
        ),
        (
            json!({"aliyun.com/gpu-mem": "1", "nvidia.com/gpumem": "1"}),
            "container main: aliyun.com/gpu-mem: expected words of one scheduler in a container, got nvidia.com/gpumem too",
        ),
        (
            json!({"stowage.dev/gpu-memory": "1", "nvidia.com/gpumem": "1"}),
            "container main: nvidia.com/gpumem: expected words of one scheduler in a container, got stowage.dev too",
        ),
    ];
    for (limits, sentence) in table {
        let spec = json!({"containers": [container("main", &limits)]});
        assert_eq!(refusal(&spec), sentence);
    }
}

#[test]
fn an_amount_of_nothing_is_as_if_it_were_not_written() {
    let hami =
        json!({"nvidia.com/gpu": "2", "nvidia.com/gpumem": "3000", "nvidia.com/gpucores": "0"});
    assert_eq!(asks(&hami), [share(2, 0, mib(3000))]);
    let whole_ones =
        json!({"nvidia.com/gpu": "2", "nvidia.com/gpumem": "0", "nvidia.com/gpucores": 0});
    assert_eq!(asks(&whole_ones), [whole(2)]);
    assert_eq!(asks(&json!({"volcano.sh/vgpu-number": "0"})), []);
    let spec = json!({"containers": [container("main",
        &json!({"volcano.sh/vgpu-number": "0", "volcano.sh/vgpu-memory": "3000"}))]});
    assert_eq!(
        refusal(&spec),
        r#"container main: volcano.sh/vgpu-number: expected 1 to 64 devices, got "0""#
    );
}

fn annotated(annotations: &Value, spec: &Value) -> PodFacts {
    read(&json!({
        "metadata": {"name": "p", "uid": "0".repeat(32), "annotations": annotations},
        "spec": spec,
    }))
}

#[test]
fn annotations_of_kai_are_about_one_container() {
    let two = json!({"containers": [container("a", &json!({})), container("b", &json!({}))]});
    let ask = |annotations: Value| {
        let pod = annotated(&annotations, &two);
        (
            pod.request.unwrap().containers().to_vec(),
            pod.gpus[0].name.clone(),
        )
    };
    let half = ask(json!({"gpu-fraction": "0.5"}));
    assert_eq!(half, (vec![share(1, 500, milli(500))], "a".to_owned()));
    let other = ask(
        json!({"gpu-memory": "2000", "gpu-fraction-num-devices": "2", "gpu-fraction-container-name": "b"}),
    );
    assert_eq!(other, (vec![share(2, 0, mib(2000))], "b".to_owned()));
    let refusals = [
        (
            json!({"gpu-fraction": "1.5"}),
            "annotation gpu-fraction: expected a fraction from 0.001 to 1, got \"1.5\"",
        ),
        (
            json!({"gpu-memory": "2Gi"}),
            "annotation gpu-memory: expected whole MiB, at least 1, got \"2Gi\"",
        ),
        (
            json!({"gpu-memory": "1", "gpu-fraction": "1"}),
            "annotation gpu-memory: expected gpu-fraction or gpu-memory, got both",
        ),
        (
            json!({"gpu-fraction": "0.1", "gpu-fraction-container-name": "c"}),
            "annotation gpu-fraction-container-name: expected a container of the pod, got \"c\"",
        ),
    ];
    for (annotations, sentence) in refusals {
        let pod = annotated(&annotations, &two);
        assert_eq!(pod.request.unwrap_err().to_string(), sentence);
    }
    let whole = json!({"containers": [container("a", &json!({"nvidia.com/gpu": "1"}))]});
    let both = annotated(&json!({"gpu-fraction": "0.5"}), &whole);
    assert_eq!(
        both.request.unwrap_err().to_string(),
        "container a: expected gpu-fraction, gpu-memory or GPU resources, got both"
    );
}
