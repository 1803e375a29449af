//! The protocol as a real kube-scheduler speaks it: bodies recorded from Kubernetes 1.37.2, byte for
//! byte, and what is answered to them, byte for byte.
//!
//! The recorded pod `train-0` carries an annotation that is not supported yet, so it is refused with a
//! sentence; `plain` asks for no GPU.

use std::path::Path;

use serde_json::json;
use stowage::extender::wire::{BindCall, Call};
use stowage::k8s::pod::PodFacts;

use crate::http;
use crate::serving::{self, Serving};

fn recorded(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire")
        .join(name);
    std::fs::read(file).expect("it is recorded")
}

fn serve() -> Serving {
    let nodes = ["gpu-1", "gpu-2", "gpu-3"].map(|name| serving::node(name, 4));
    Serving::start(
        &nodes,
        &[],
        || None,
        |config| {
            config.profiles[0].short_lists = Some(false);
        },
    )
}

#[test]
fn recorded_calls_are_understood() {
    for name in ["filter-request.json", "prioritize-request.json"] {
        let body = recorded(name);
        let call = Call::parse(&body, 10).expect(name);
        assert!(!call.names.is_empty(), "{name}");
        let pod = PodFacts::parse(call.pod).expect(name);
        assert_eq!(pod.full_name(), "default/train-0");
        assert_eq!(pod.scheduler_name, "stowage");
    }
    let bind = BindCall::parse(&recorded("bind-request.json")).expect("a call");
    assert_eq!(
        (&*bind.pod_name, &*bind.pod_namespace),
        ("train-0", "default")
    );
}

#[test]
fn recorded_calls_are_answered_byte_for_byte() {
    let serving = serve();
    let (status, answer) = http::post(
        serving.verbs(),
        "/filter",
        &recorded("filter-request-plain.json"),
    );
    let names = names_of("filter-request-plain.json");
    let listed = serde_json::to_string(&names).expect("JSON");
    let expected = format!(
        r#"{{"Nodes":null,"NodeNames":{listed},"FailedNodes":{{}},"FailedAndUnresolvableNodes":{{}},"Error":""}}"#
    );
    assert_eq!((status, answer), (200, expected));

    let prioritize = recorded("prioritize-request-plain.json");
    let (status, answer) = http::post(serving.verbs(), "/prioritize", &prioritize);
    // Equal idle nodes: the rank is the order of their names, the first highest.
    let names = names_of("prioritize-request-plain.json");
    let rank = |name: &String| {
        let before = names.iter().filter(|other| *other < name).count();
        format!(r#"{{"Host":"{name}","Score":{}}}"#, names.len() - before)
    };
    let expected: Vec<_> = names.iter().map(rank).collect();
    assert_eq!((status, answer), (200, format!("[{}]", expected.join(","))));

    let (status, answer) = http::post(
        serving.verbs(),
        "/bind",
        &recorded("bind-request-plain.json"),
    );
    assert_eq!((status, &*answer), (200, r#"{"Error":""}"#));
}

#[test]
fn recorded_pod_with_annotations_is_obeyed_and_a_contradiction_refused_everywhere_in_one_sentence()
{
    let serving = serve();
    let body = String::from_utf8(recorded("filter-request.json")).expect("UTF-8");
    let names = names_of("filter-request.json");
    let (status, answer) = http::post(serving.verbs(), "/filter", body.as_bytes());
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((status, &answer["NodeNames"]), (200, &json!(names)));
    // The same pod with a word that no annotation of ours has.
    let wrong = body.replace(
        "stowage.dev/gpu-memory-at-least",
        "stowage.dev/gpu-memory-at-last",
    );
    assert_ne!(wrong, body);
    let (status, answer) = http::post(serving.verbs(), "/filter", wrong.as_bytes());
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((status, &answer["NodeNames"]), (200, &json!([])));
    let failed = answer["FailedAndUnresolvableNodes"]
        .as_object()
        .expect("a map");
    assert_eq!(failed.len(), names.len());
    for reason in failed.values() {
        let reason = reason.as_str().expect("a sentence");
        assert!(
            reason.ends_with("got \"stowage.dev/gpu-memory-at-last\""),
            "{reason}"
        );
    }
}

fn names_of(name: &str) -> Vec<String> {
    let body = recorded(name);
    let call = Call::parse(&body, 10).expect(name);
    call.names.iter().map(|name| name.0.to_string()).collect()
}
