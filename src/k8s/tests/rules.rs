//! Rules of pods and nodes as Kubernetes writes them: what they mean, and the sentence for each that
//! the API server would not take.

use serde_json::json;
use stowage_core::rules::{Broken, Effect, NodeRules, PodRules, judge};

use super::unmodelled::unmodelled;
use super::*;
use crate::k8s::node::RuledNode;
use crate::k8s::pod::RuledPod;

fn rules(spec: &Value) -> Result<PodRules, String> {
    let pod = json!({"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}).to_string();
    let rules = RuledPod::parse(&pod).and_then(|pod| pod.rules());
    rules.map_err(|error| error.to_string())
}

fn node_rules(node: &Value) -> Result<NodeRules, String> {
    let node = node.to_string();
    let rules = RuledNode::parse(&node).and_then(|node| node.rules());
    rules.map_err(|error| error.to_string())
}

fn requiring(terms: &Value) -> Value {
    let required = json!({ "nodeSelectorTerms": terms });
    json!({"affinity": {"nodeAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": required}}})
}

fn expression(key: &str, operator: &str, values: &Value) -> Value {
    json!({"key": key, "operator": operator, "values": values})
}

#[test]
fn every_rule_of_a_pod_is_read() {
    let node = json!({
        "metadata": {"name": "gpu-7", "labels": {"zone": "a", "example.com/gen": "8", "odd": null}},
        "spec": {"unschedulable": true, "taints": [
            {"key": "gpu", "value": "yes", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"},
            {"key": "slow", "effect": "PreferNoSchedule"},
        ]},
    });
    let node = node_rules(&node).unwrap();
    assert_eq!(node.labels()["odd"], "");
    assert_eq!(node.taints()[1].effect, Effect::PreferNoSchedule);
    let mut spec = requiring(&json!([
        {"matchExpressions": [expression("zone", "NotIn", &json!(["a"]))]},
        null,
        {"matchExpressions": [
            expression("example.com/gen", "Gt", &json!(["7"])),
            expression("odd", "Exists", &Value::Null),
        ], "matchFields": [expression("metadata.name", "In", &json!(["gpu-7"]))]},
    ]));
    spec["nodeSelector"] = json!({"zone": "a"});
    spec["tolerations"] = json!([
        {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "gpu", "value": "yes", "tolerationSeconds": 5},
    ]);
    spec["nodeName"] = "gpu-7".into();
    let verdict = |spec: &Value| judge(&rules(spec).unwrap(), &node);
    assert_eq!(verdict(&spec), Ok(()));
    let but = |pointer: &str, value: Value| {
        let mut spec = spec.clone();
        *spec.pointer_mut(pointer).unwrap() = value;
        verdict(&spec)
    };
    let first = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    assert_eq!(but("/nodeName", json!("gpu-8")), Err(Broken::NodeName));
    assert_eq!(
        but("/tolerations/0/effect", json!("NoExecute")),
        Err(Broken::Unschedulable)
    );
    assert_eq!(but("/tolerations/1/value", json!("no")), Err(Broken::Taint));
    assert_eq!(
        but("/nodeSelector", json!({"zone": "b"})),
        Err(Broken::Affinity)
    );
    assert_eq!(
        but(first, json!({"nodeSelectorTerms": []})),
        Err(Broken::Affinity)
    );
    assert_eq!(but(first, json!({})), Err(Broken::Affinity));
    assert_eq!(but(first, Value::Null), Ok(()));
}

#[test]
fn rules_that_are_null_or_missing_are_none() {
    let node =
        node_rules(&json!({"metadata": {"name": "n", "labels": null}, "spec": null})).unwrap();
    let nothing = json!({"nodeName": "", "nodeSelector": null, "affinity": null,
        "tolerations": null, "volumes": null, "schedulingGates": null, "hostNetwork": null});
    for spec in [
        Value::Null,
        json!({}),
        nothing,
        json!({"affinity": {"nodeAffinity": null}}),
    ] {
        assert_eq!(judge(&rules(&spec).unwrap(), &node), Ok(()), "{spec}");
        assert_eq!(unmodelled(&spec), [""; 0], "{spec}");
    }
}

#[test]
fn numbers_that_nobody_can_read_are_no_error_as_for_the_api_server() {
    let spec = requiring(&json!([{"matchExpressions": [expression("gen", "Lt", &json!(["x"]))]}]));
    let node = node_rules(&json!({"metadata": {"name": "n", "labels": {"gen": "1"}}})).unwrap();
    assert_eq!(judge(&rules(&spec).unwrap(), &node), Err(Broken::Affinity));
}

#[test]
fn wrong_expressions_say_field_value_and_expectation() {
    let none = json!([]);
    let said = [
        (
            "zone",
            "Is",
            json!(["a"]),
            r#"operator: expected In, NotIn, Exists, DoesNotExist, Gt or Lt, got "Is""#,
        ),
        (
            "zone",
            "",
            none.clone(),
            r#"operator: expected In, NotIn, Exists, DoesNotExist, Gt or Lt, got """#,
        ),
        (
            "zone",
            "In",
            none.clone(),
            "values: expected at least one value with In, got 0",
        ),
        (
            "zone",
            "NotIn",
            Value::Null,
            "values: expected at least one value with NotIn, got 0",
        ),
        (
            "zone",
            "Exists",
            json!(["a"]),
            "values: expected no values with Exists, got 1",
        ),
        (
            "zone",
            "DoesNotExist",
            json!(["a"]),
            "values: expected no values with DoesNotExist, got 1",
        ),
        (
            "gen",
            "Gt",
            json!(["1", "2"]),
            "values: expected one value with Gt, got 2",
        ),
        (
            "gen",
            "Lt",
            none.clone(),
            "values: expected one value with Lt, got 0",
        ),
        (
            "gen",
            "Gt",
            json!(["-1"]),
            r#"values[0]: expected a label's value: at most 63 of A-Z, a-z, 0-9, -, _ and ., got "-1""#,
        ),
        (
            "zone",
            "In",
            json!(["a", "b c"]),
            r#"values[1]: expected a label's value: at most 63 of A-Z, a-z, 0-9, -, _ and ., got "b c""#,
        ),
        (
            "",
            "Exists",
            none.clone(),
            r#"key: expected a label's key such as zone or example.com/zone, got """#,
        ),
    ];
    for (key, operator, values, sentence) in said {
        let terms = json!([{}, {"matchExpressions": [expression(key, operator, &values)]}]);
        let start = "pod ns/p: required node affinity: nodeSelectorTerms[1].matchExpressions[0].";
        assert_eq!(
            rules(&requiring(&terms)).unwrap_err(),
            format!("{start}{sentence}")
        );
    }
}

#[test]
fn wrong_fields_say_field_value_and_expectation() {
    let said = [
        (
            "metadata.labels",
            "In",
            json!(["a"]),
            r#"key: expected metadata.name, got "metadata.labels""#,
        ),
        (
            "metadata.name",
            "Exists",
            json!([]),
            r#"operator: expected In or NotIn, got "Exists""#,
        ),
        (
            "metadata.name",
            "In",
            json!(["a", "b"]),
            "values: expected one value with In, got 2",
        ),
        (
            "metadata.name",
            "NotIn",
            json!([]),
            "values: expected one value with NotIn, got 0",
        ),
    ];
    for (key, operator, values, sentence) in said {
        let terms = json!([{"matchFields": [expression(key, operator, &values)]}]);
        let start = "pod ns/p: required node affinity: nodeSelectorTerms[0].matchFields[0].";
        assert_eq!(
            rules(&requiring(&terms)).unwrap_err(),
            format!("{start}{sentence}")
        );
    }
}

#[test]
fn wrong_tolerations_say_field_value_and_expectation() {
    let number = "value: expected a whole number with Gt, without leading zeros, got";
    let said = [
        (
            json!({"value": "a"}),
            r#"operator: expected Exists where there is no key, got """#.to_owned(),
        ),
        (
            json!({"operator": "Equal"}),
            r#"operator: expected Exists where there is no key, got "Equal""#.to_owned(),
        ),
        (
            json!({"key": "k", "operator": "Is"}),
            r#"operator: expected Equal, Exists, Lt or Gt, got "Is""#.to_owned(),
        ),
        (
            json!({"key": "k", "operator": "Exists", "value": "v"}),
            r#"value: expected nothing with Exists, got "v""#.to_owned(),
        ),
        (
            json!({"key": "k", "operator": "Gt", "value": "05"}),
            format!(r#"{number} "05""#),
        ),
        (
            json!({"key": "k", "operator": "Gt"}),
            format!(r#"{number} """#),
        ),
        (
            json!({"key": "k", "effect": "Never"}),
            r#"effect: expected NoSchedule, PreferNoSchedule, NoExecute or nothing, got "Never""#
                .to_owned(),
        ),
        (
            json!({"key": "a/b/c"}),
            r#"key: expected a label's key such as zone or example.com/zone, got "a/b/c""#
                .to_owned(),
        ),
    ];
    for (toleration, sentence) in said {
        let spec = json!({"tolerations": [{"operator": "Exists"}, toleration]});
        let start = "pod ns/p: spec.tolerations[1].";
        assert_eq!(rules(&spec).unwrap_err(), format!("{start}{sentence}"));
    }
}

#[test]
fn wrong_selectors_and_nodes_say_field_value_and_expectation() {
    assert_eq!(
        rules(&json!({"nodeSelector": {"": "a"}})).unwrap_err(),
        r#"pod ns/p: spec.nodeSelector: expected a label's key such as zone or example.com/zone, got """#
    );
    assert_eq!(
        rules(&json!({"nodeSelector": {"zone": "a/b"}})).unwrap_err(),
        r#"pod ns/p: spec.nodeSelector zone: expected a label's value: at most 63 of A-Z, a-z, 0-9, -, _ and ., got "a/b""#
    );
    let tainted = |taint: Value| {
        node_rules(&json!({"metadata": {"name": "n"}, "spec": {"taints": [taint]}})).unwrap_err()
    };
    assert_eq!(
        tainted(json!({"key": "k"})),
        r#"node n: spec.taints[0].effect: expected NoSchedule, PreferNoSchedule or NoExecute, got """#
    );
    assert_eq!(
        tainted(json!({"effect": "NoSchedule"})),
        r#"node n: spec.taints[0].key: expected a label's key such as zone or example.com/zone, got """#
    );
    assert_eq!(
        node_rules(&json!({"spec": {}})).unwrap_err(),
        "node : metadata.name: expected a name, got nothing"
    );
    assert!(
        rules(&json!({"nodeSelector": 1}))
            .unwrap_err()
            .starts_with("pod: invalid type")
    );
}

#[test]
fn more_than_is_looked_at_is_refused() {
    let many = |n: usize| Value::Array(vec![json!({"operator": "Exists"}); n]);
    assert!(rules(&json!({"tolerations": many(256)})).is_ok());
    assert_eq!(
        rules(&json!({"tolerations": many(257)})).unwrap_err(),
        "pod ns/p: spec: expected at most 256 tolerations, got 257"
    );
    assert_eq!(
        rules(&requiring(&Value::Array(vec![json!({}); 257]))).unwrap_err(),
        "pod ns/p: required node affinity: expected at most 256 terms, got 257"
    );
    let expressions = vec![expression("a", "Exists", &Value::Null); 65];
    assert_eq!(
        rules(&requiring(&json!([{ "matchExpressions": expressions }]))).unwrap_err(),
        "pod ns/p: required node affinity: nodeSelectorTerms[0]: expected at most 64 expressions, got 65"
    );
}

#[test]
fn labels_are_spelt_as_kubernetes_allows() {
    let longest = "a".repeat(63);
    let good = [
        "a",
        "A.b_c-9",
        "example.com/a",
        "a.b-c.d/9",
        &longest,
        &format!("{longest}/{longest}"),
    ];
    let too_long = "a".repeat(64);
    let prefix = format!("{}/a", "a".repeat(254));
    let bad = [
        "-a", "a-", "a b", "/a", "a/", "A.com/a", "a..b/c", "-a/b", "a/b/c", "é", &too_long,
        &prefix,
    ];
    let with = |key: &str| rules(&json!({"nodeSelector": {key: ""}}));
    good.iter()
        .for_each(|key| assert!(with(key).is_ok(), "{key}"));
    bad.iter()
        .for_each(|key| assert!(with(key).is_err(), "{key}"));
}
