//! Nothing that anybody can write makes a parser panic.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, json};
use stowage_core::rules::judge;

use super::*;
use crate::k8s::annotation::Placement;
use crate::k8s::inventory::Inventory;
use crate::k8s::node::RuledNode;
use crate::k8s::pod::RuledPod;
use crate::k8s::snapshot::Snapshot;

/// Keys that mean something somewhere, so that nonsense gets past the first look.
const KEYS: [&str; 60] = [
    "metadata",
    "name",
    "namespace",
    "uid",
    "labels",
    "annotations",
    "deletionTimestamp",
    "spec",
    "nodeName",
    "containers",
    "initContainers",
    "restartPolicy",
    "resources",
    "requests",
    "limits",
    "cpu",
    "memory",
    "pods",
    "nvidia.com/gpu",
    "amd.com/gpu",
    "stowage.dev/gpu-memory",
    "stowage.dev/gpu-compute",
    "stowage.dev/gpu-count",
    "stowage.dev/gpu-models",
    "stowage.dev/placement",
    "stowage.dev/inventory",
    "nvidia.com/gpu.count",
    "nvidia.com/gpu.memory",
    "nvidia.com/gpu.product",
    "nvidia.com/gpu.replicas",
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-1g.10gb",
    "amd.com/cpx_nps4",
    "node.kubernetes.io/instance-type",
    "overhead",
    "tolerations",
    "affinity",
    "volumes",
    "status",
    "allocatable",
    "conditions",
    "containerStatuses",
    "allocatedResources",
    "phase",
    "kind",
    "items",
    "nodeSelector",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
    "matchExpressions",
    "matchFields",
    "key",
    "operator",
    "values",
    "value",
    "effect",
    "taints",
    "ports",
    "hostPort",
];

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[-0-9.]{0,6}[kMGTPEimun]{0,2}".prop_map(Value::from),
        prop::sample::select(
            &[
                "Always", "Node", "Pod", "List", "Failed", "PodList", "In", "Gt", "Exists"
            ][..]
        )
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 8, |inner| {
        let key = prop_oneof![4 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A fixture with one of its values replaced.
fn mutants() -> impl Strategy<Value = Value> {
    let known = [GPU_OPERATOR, AMD, INVENTORY, TRAINING, SHARES];
    let known = known.into_iter().map(str::to_owned);
    let kinds = super::kinds::KINDS.iter();
    let kinds = kinds.map(|(kind, ..)| super::kinds::text(kind));
    let fixture = prop::sample::select(known.chain(kinds).collect::<Vec<_>>());
    (fixture, values(), any::<prop::sample::Index>()).prop_map(|(text, value, at)| {
        let mut fixture: Value = serde_json::from_str(&text).unwrap();
        let mut places = Vec::new();
        pointers(&fixture, String::new(), &mut places);
        *fixture.pointer_mut(at.get::<String>(&places)).unwrap() = value;
        fixture
    })
}

fn pointers(value: &Value, here: String, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers(value, format!("{here}/{key}"), into);
        }),
        Value::Array(values) => values.iter().enumerate().for_each(|(at, value)| {
            pointers(value, format!("{here}/{at}"), into);
        }),
        _ => {}
    }
    into.push(here);
}

fn read_as_everything(text: &str) {
    let _ = NodeFacts::parse(text);
    if let Ok(pod) = PodFacts::parse(text) {
        let request = pod.held();
        if let (Some(Ok(placement)), Ok(request)) = (&pod.placement, &pod.request) {
            let _ = placement.devices(request, &pod.gpus, None);
            let _ = placement.devices(request, &pod.gpus, Some(&[None, Some("GPU-1".into())]));
        }
        assert_eq!((request.cores(), request.memory()), (pod.cores, pod.memory));
    }
    let node = RuledNode::parse(text).and_then(|node| node.rules());
    if let Ok(pod) = RuledPod::parse(text) {
        let _ = pod.unmodelled();
        if let (Ok(pod), Ok(node)) = (pod.rules(), node) {
            let _ = judge(&pod, &node);
        }
    }
    let _ = Inventory::parse(text);
    let _ = Placement::parse(text);
    let _ = Snapshot::parse(text, Path::new("f"));
}

proptest! {
    #[test]
    fn any_json_is_an_answer_or_an_error(value in values()) {
        read_as_everything(&value.to_string());
        let list = json!({"kind": "List", "items": [value]});
        read_as_everything(&list.to_string());
    }

    #[test]
    fn any_change_of_an_object_is_an_answer_or_an_error(value in mutants()) {
        read_as_everything(&value.to_string());
    }

    #[test]
    fn any_text_is_an_answer_or_an_error(text in ".*") {
        read_as_everything(&text);
    }
}
