//! Files of a whole cluster.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::k8s::pod::uid_text;
use crate::k8s::snapshot::Snapshot;

fn snapshot(text: &str) -> Snapshot {
    Snapshot::parse(text, Path::new("cluster.json")).unwrap()
}

fn error(text: &str) -> String {
    let error = Snapshot::parse(text, Path::new("cluster.json")).unwrap_err();
    error.to_string()
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn lists_of_any_form_are_read() {
    let mut training = value(TRAINING);
    training["kind"] = "Pod".into();
    let service = json!({"kind": "Service", "metadata": {"name": "s"}});
    let mixed = json!({"kind": "List", "items": [value(GPU_OPERATOR), training, service, null]});
    let mixed = snapshot(&mixed.to_string());
    assert_eq!((mixed.nodes.len(), mixed.pods.len()), (1, 1));
    assert_eq!(mixed.problems, [""; 0]);
    // Items of typed lists do not say their kind.
    let nodes = json!({"kind": "NodeList", "items": [value(PLAIN)]});
    let pods = json!({"kind": "PodList", "items": [value(TRAINING), value(SHARES)]});
    let apart = snapshot(&format!("{nodes:#}\n{pods}{AKS}"));
    assert_eq!((apart.nodes.len(), apart.pods.len()), (2, 2));
    let empty = snapshot(r#"{"kind": "List", "items": null} {"kind": "PodList", "items": []}"#);
    assert_eq!(empty, Snapshot::default());
}

#[test]
fn odd_objects_are_left_out_with_a_sentence() {
    let odd = json!({"kind": "List", "items": [
        {"kind": "Node", "metadata": {"name": "bare"}},
        {"kind": "Pod", "metadata": {"name": "p", "uid": "x"}},
        {"kind": "Pod", "metadata": {"name": 7}},
        value(PLAIN), value(PLAIN),
        {"kind": "Pod", "metadata": {"name": "q"}}, {"kind": "Pod", "metadata": {"name": "q"}},
        "what",
    ]});
    let snapshot = snapshot(&odd.to_string());
    assert_eq!((snapshot.nodes.len(), snapshot.pods.len()), (1, 1));
    let problems = [
        "node bare: status.allocatable cpu: expected a quantity, got nothing",
        r#"pod default/p: metadata.uid: expected a UUID, got "x""#,
        "1:136: pod: invalid type: integer `7`, expected a string",
        "node worker-1: is there twice",
        "pod default/q: is there twice",
    ];
    let said: Vec<_> = snapshot.problems.iter().map(String::as_str).collect();
    assert_eq!(said, problems);
}

#[test]
fn what_a_pod_that_is_left_out_holds_is_not_free() {
    let node = |name: &str| {
        let mut node = value(PLAIN);
        node["metadata"]["name"] = name.into();
        node
    };
    let pod = |name: &str, uid: &str, node: &str| json!({"kind": "Pod", "metadata": {"name": name, "uid": uid}, "spec": {"nodeName": node}});
    let (one, odd_uid) = ("0".repeat(32), "x".to_owned());
    let mut odd = pod("odd", &one, "odd");
    odd["spec"]["priority"] = "high".into();
    let mut ended = odd.clone();
    ended["spec"]["nodeName"] = "ended".into();
    ended["status"] = json!({"phase": "Succeeded"});
    let items = json!([
        odd,
        ended,
        pod("p", &odd_uid, "no-uuid"),
        pod("q", &one, "first"),
        pod("q", &one, "first"),
        pod("r", &one, "twin"),
        node("odd"),
        node("ended"),
        node("no-uuid"),
        node("first"),
        node("twin"),
        node("none"),
    ]);
    let snapshot = snapshot(&json!({"kind": "List", "items": items}).to_string());
    assert_eq!((snapshot.pods.len(), snapshot.problems.len()), (1, 5));
    let nodes = snapshot.nodes.iter();
    let said: Vec<_> = nodes
        .map(|facts| {
            assert_eq!(facts.node.health.ailing, facts.unhealthy.is_some());
            (&*facts.node.name, facts.unhealthy.as_deref())
        })
        .collect();
    let expected = [
        ("odd", Some("a pod on it cannot be read")),
        ("ended", None),
        ("no-uuid", Some("a pod on it cannot be read")),
        ("first", None),
        ("twin", Some("a pod on it has the UID of another")),
        ("none", None),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_pod_without_uid_gets_the_same_one_every_time() {
    let pod = |namespace: Option<&str>| {
        let pod = json!({"kind": "Pod", "metadata": {"name": "train", "namespace": namespace}});
        uid_text(snapshot(&pod.to_string()).pods[0].uid)
    };
    // sha256sum of the name, with version and variant written over.
    assert_eq!(pod(Some("lab")), "22839aa3-cecd-8514-92a3-1b25431e608a");
    assert_eq!(pod(None), pod(Some("default")));
    assert_ne!(pod(None), pod(Some("lab")));
}

#[test]
fn broken_json_is_one_error_with_its_place() {
    let text = "{\"kind\": \"List\",\n \"items\": [\n  {\"kind\" \"Pod\"}]}";
    assert_eq!(error(text), "cluster.json:3:11: expected `:`");
    let second = format!(
        "{}\n  {{\"kind\": 5}}",
        json!({"kind": "List", "items": []})
    );
    assert!(
        error(&second).starts_with("cluster.json:2:"),
        "{}",
        error(&second)
    );
    assert!(
        error("[1, 2").starts_with("cluster.json:1:"),
        "{}",
        error("[1, 2")
    );
    assert!(error("{\"kind\": \"List\", \"items\": [").contains("EOF"));
}

#[test]
fn each_of_many_wrong_objects_has_its_place() {
    let wrong = r#"{"kind": "Pod", "spec": 5}"#;
    let text = format!(
        "{{\"kind\": \"List\", \"items\": [{wrong}, {wrong},\n{wrong},\n\n  {wrong}]}}\n{wrong}"
    );
    let problems = snapshot(&text).problems;
    let places = problems
        .iter()
        .map(|said| said.split(" pod").next().unwrap_or_default());
    let expected = ["1:52:", "1:80:", "2:25:", "4:27:", "5:25:"];
    assert_eq!(places.collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_of_something_else_is_an_error() {
    let sentence = "cluster.json: expected objects of kind Node or Pod, or lists of them, got";
    assert_eq!(error(""), format!("{sentence} none"));
    assert_eq!(error("{}"), format!("{sentence} none"));
    let services = r#"{"kind": "Service"}{"kind": "Secret"}"#;
    assert_eq!(error(services), format!("{sentence} \"Service\""));
    let missing = Snapshot::read(Path::new("no such file")).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("no such file: cannot be read: ")
    );
}
