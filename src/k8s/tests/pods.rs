//! Who a pod is, and what else matters of it.

use serde_json::json;
use stowage_core::gpu::Model;
use stowage_core::request::Models;
use stowage_core::units::{Mebibytes, Milli, PodUid};

use super::*;
use crate::k8s::node::Taint;
use crate::k8s::pod::{Soft, parse_uid, uid_text};

#[test]
fn a_training_pod_is_read_whole() {
    let pod = PodFacts::parse(TRAINING).unwrap();
    assert_eq!(pod.full_name(), "research/train-0");
    assert_eq!(uid_text(pod.uid), "8e0cbd25-5d8a-4c8e-9d7b-24a2ad1e3f60");
    assert_eq!(pod.node_name, None);
    assert_eq!((pod.terminal, pod.deleting), (false, false));
    assert_eq!(
        (pod.scheduler_name.as_str(), pod.priority),
        ("stowage", 1000)
    );
    assert_eq!(pod.pod_group.as_deref(), Some("train"));
    assert_eq!(pod.placement, None);
    assert_eq!(
        pod.soft,
        Soft {
            volumes: true,
            ..Soft::default()
        }
    );
    let taint = |key: &str, value: &str| Taint {
        key: key.into(),
        value: value.into(),
    };
    assert!(pod.tolerates(&taint("maintenance", "soon")));
    assert!(!pod.tolerates(&taint("maintenance", "now")));
    assert!(
        !pod.tolerates(&taint("nvidia.com/gpu", "present")),
        "that effect is another"
    );
    let request = pod.request.unwrap();
    // Cores: fetch alone has 6, the others 4 + 0.5 + 0.1; memory: warm-up beside the sidecar.
    assert_eq!(request.cores(), Milli(6000 + 250));
    assert_eq!(request.memory(), Mebibytes(20 * 1024 + 100 + 120));
    assert_eq!(request.containers(), [whole(2)]);
    let Models::OneOf(models) = request.models() else {
        panic!("expected models");
    };
    let names: Vec<_> = models.iter().map(Model::as_str).collect();
    assert_eq!(names, ["A100-80GB", "H100-80GB"]);
}

#[test]
fn a_pod_has_ended_when_its_containers_have() {
    let ended = |phase: &str, state: Value| {
        let pod = read(&json!({
            "metadata": {"name": "p", "uid": "0".repeat(32), "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"phase": phase, "containerStatuses": [{"state": state}]},
        }));
        assert!(pod.deleting);
        pod.terminal
    };
    assert!(ended("Succeeded", json!({"terminated": {"exitCode": 0}})));
    assert!(ended("Failed", json!(null)));
    assert!(!ended(
        "Failed",
        json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
    ));
    assert!(!ended("Running", json!({"terminated": {"exitCode": 0}})));
    assert!(!ended("", json!(null)));
}

#[test]
fn every_preference_is_seen() {
    let soft = |spec: Value| pod(&spec).soft;
    let term = json!({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]});
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {}});
    assert!(!soft(json!({"affinity": {"nodeAffinity": required, "podAffinity": null}})).any());
    assert!(soft(json!({"affinity": {"nodeAffinity": term}})).node_affinity);
    assert!(soft(json!({"affinity": {"podAffinity": term}})).pod_affinity);
    assert!(soft(json!({"affinity": {"podAntiAffinity": term}})).pod_affinity);
    let spread = |when: &str| json!({"topologySpreadConstraints": [{"whenUnsatisfiable": when}]});
    assert!(soft(spread("ScheduleAnyway")).spread);
    assert!(!soft(spread("DoNotSchedule")).any());
    assert!(soft(json!({"volumes": [{"ephemeral": {}}]})).volumes);
    assert!(!soft(json!({"volumes": [{"emptyDir": {}}, {"persistentVolumeClaim": null}]})).any());
    assert!(soft(json!({"resourceClaims": [{"name": "gpu"}]})).claims);
}

#[test]
fn a_toleration_of_everything_tolerates_every_taint() {
    let taint = Taint {
        key: "a".into(),
        value: "b".into(),
    };
    let tolerates =
        |toleration: Value| pod(&json!({"tolerations": [toleration]})).tolerates(&taint);
    assert!(tolerates(json!({"operator": "Exists"})));
    assert!(tolerates(
        json!({"key": "a", "operator": "Equal", "value": "b"})
    ));
    assert!(!tolerates(json!({"key": "a"})));
    assert!(!tolerates(
        json!({"key": "a", "operator": "Lt", "value": "3"})
    ));
    assert!(!tolerates(
        json!({"key": "a", "operator": "Exists", "effect": "NoSchedule"})
    ));
}

#[test]
fn members_of_groups_are_known_by_either_name() {
    let group = |spec: Value| pod(&spec).pod_group;
    let new = json!({"schedulingGroup": {"podGroupName": "g"}});
    assert_eq!(group(new).as_deref(), Some("g"));
    let old = json!({"workloadRef": {"name": "w", "podGroup": "g"}});
    assert_eq!(group(old).as_deref(), Some("w/g"));
    assert_eq!(group(json!({"schedulingGroup": null})), None);
}

#[test]
fn uids_are_uuids_with_or_without_dashes() {
    let uid = PodUid(0x5b1f_86b1_0d7c_4b43_a6f5_c1a9_d2e3_f405);
    assert_eq!(parse_uid("5b1f86b10d7c4b43a6f5c1a9d2e3f405"), Ok(uid));
    assert_eq!(parse_uid("5B1F86B1-0d7c-4b43-a6f5-c1a9d2e3f405"), Ok(uid));
    assert_eq!(parse_uid(&uid_text(uid)), Ok(uid));
    for bad in [
        "",
        "pod-1",
        "5b1f86b1-0d7c-4b43-a6f5-c1a9d2e3f40",
        "5b1f86b10-d7c-4b43-a6f5-c1a9d2e3f405",
        "gb1f86b10d7c4b43a6f5c1a9d2e3f405",
    ] {
        assert!(parse_uid(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_pod_without_identity_is_an_error() {
    let error = |metadata: Value| {
        let text = json!({"metadata": metadata}).to_string();
        PodFacts::parse(&text).unwrap_err().to_string()
    };
    let no_uid = error(json!({"name": "p", "namespace": "ns"}));
    assert_eq!(
        no_uid,
        "pod ns/p: metadata.uid: expected a UUID, got nothing"
    );
    let bad_uid = error(json!({"name": "p", "uid": "pod-1"}));
    assert_eq!(
        bad_uid,
        r#"pod default/p: metadata.uid: expected a UUID, got "pod-1""#
    );
    let no_name = error(json!(null));
    assert_eq!(
        no_name,
        "pod default/: metadata.name: expected a name, got nothing"
    );
    assert!(
        PodFacts::parse("[")
            .unwrap_err()
            .to_string()
            .starts_with("pod: EOF")
    );
}

#[test]
fn null_is_absent_everywhere() {
    let pod = read(&json!({
        "metadata": {"name": "p", "uid": "0".repeat(32), "labels": null, "annotations": {"a": null}},
        "spec": {
            "nodeName": null, "containers": [null, {"name": null, "resources": null},
            {"resources": {"requests": {"cpu": "1", "memory": "0"}, "limits": null}}],
            "initContainers": null, "overhead": null, "tolerations": [null], "affinity": null,
            "volumes": [null], "topologySpreadConstraints": null, "priority": null,
        },
        "status": null,
    }));
    assert_eq!(pod.cores, Milli(1000));
    assert!(!pod.soft.any());
    assert_eq!(pod.gpus, []);
    assert!(!pod.request.unwrap().wants_gpu());
}
