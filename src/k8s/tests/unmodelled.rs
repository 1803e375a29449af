//! What a pod demands beyond what is judged offline, by name.

use serde_json::json;

use super::*;
use crate::k8s::pod::RuledPod;

pub(super) fn unmodelled(spec: &Value) -> Vec<&'static str> {
    let pod = json!({ "spec": spec }).to_string();
    RuledPod::parse(&pod).unwrap().unmodelled()
}

#[test]
fn what_nobody_judges_is_named() {
    let port = |port: Value| json!({"containers": [{"ports": [port]}]});
    let term = json!({"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]});
    let asks = |name: &str, amount: &str| json!({"containers": [{"resources": {"limits": {name: amount}}}]});
    let more = "resources other than cores, memory and GPUs";
    let sidecar =
        json!({"initContainers": [{"restartPolicy": "Always", "ports": [{"hostPort": 80}]}]});
    let mut on_host = port(json!({"containerPort": 80}));
    on_host["hostNetwork"] = true.into();
    for (spec, demand) in [
        (
            json!({"schedulingGates": [{"name": "wait"}]}),
            "scheduling gates",
        ),
        (
            json!({"volumes": [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "c"}}]}),
            "volumes",
        ),
        (json!({"volumes": [{"ephemeral": {}}]}), "volumes"),
        (json!({"volumes": [{"iscsi": {}}]}), "volumes"),
        (
            json!({"affinity": {"podAffinity": term}}),
            "inter-pod affinity",
        ),
        (
            json!({"affinity": {"podAntiAffinity": term}}),
            "inter-pod anti-affinity",
        ),
        (
            json!({"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]}),
            "topology spread",
        ),
        (port(json!({"hostPort": 80})), "host ports"),
        (sidecar, "host ports"),
        (on_host, "host ports"),
        (
            json!({"resourceClaims": [{"name": "gpu"}]}),
            "resource claims",
        ),
        (asks("rdma/hca", "1"), more),
        (asks("ephemeral-storage", "1Gi"), more),
        (
            json!({"resources": {"requests": {"hugepages-2Mi": "4Mi"}}}),
            more,
        ),
        (
            json!({"schedulingGroup": {"podGroupName": "g"}}),
            "a pod group",
        ),
    ] {
        assert_eq!(unmodelled(&spec), [demand], "{spec}");
    }
    for spec in [
        json!({"volumes": [{"emptyDir": {}}, {"configMap": {}}, {"hostPath": {}}]}),
        json!({"topologySpreadConstraints": [{"whenUnsatisfiable": "ScheduleAnyway"}]}),
        json!({"initContainers": [{"ports": [{"hostPort": 80}]}]}),
        port(json!({"containerPort": 80, "hostPort": 0})),
        asks("nvidia.com/gpu", "1"),
        asks("stowage.dev/gpu-memory", "4000"),
        asks("rdma/hca", "0"),
        asks("cpu", "1"),
    ] {
        assert_eq!(unmodelled(&spec), [""; 0], "{spec}");
    }
    let both = json!({"resourceClaims": [{}], "schedulingGates": [{}]});
    assert_eq!(unmodelled(&both), ["scheduling gates", "resource claims"]);
}
