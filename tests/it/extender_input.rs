//! What a caller may send: anything. The right answer, no change of state, never a hang.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use stowage_core::audit::audit;

use crate::http;
use crate::serving::{self, Serving};

fn serve() -> Serving {
    let nodes = [serving::node("a", 2), serving::node("b", 2)];
    Serving::start(
        &nodes,
        &[],
        || None,
        |config| {
            config.limits.body_bytes = 1 << 20;
            config.limits.nodes = 3;
            config.times.body_ms = 300;
        },
    )
}

fn gpu_pod(number: u32) -> Value {
    serving::pod(number, &json!({"nvidia.com/gpu": "1"}))
}

/// Nothing is held, intended or remembered.
fn untouched(serving: &Serving) {
    serving.server.live.update(|live| {
        let cluster = live.planner.cluster();
        assert!(cluster.pods().is_empty(), "{:?}", cluster.pods());
        assert!(cluster.intents().is_empty(), "{:?}", cluster.intents());
        assert!(live.pending.is_empty());
        assert_eq!(audit(cluster), []);
    });
}

fn refused(verb: &str, body: &[u8], expected: u16, reason: &str) {
    let serving = serve();
    let (status, answer) = http::post(serving.verbs(), verb, body);
    assert_eq!(status, expected, "{answer}");
    assert!(answer.contains(reason), "{answer}");
    untouched(&serving);
}

#[test]
fn malformed_json_is_refused() {
    for verb in ["/filter", "/prioritize", "/bind"] {
        for body in ["", "{", "null", "[]", "\"x\"", "{\"Pod\":", "\u{1}"] {
            refused(verb, body.as_bytes(), 400, "\"Error\":");
        }
        refused(verb, &[0xff, 0xfe, b'{'], 400, "\"Error\":");
    }
}

#[test]
fn missing_pod_is_refused() {
    for body in [
        json!({"Pod": null, "NodeNames": ["a"]}),
        json!({"NodeNames": ["a"]}),
    ] {
        refused(
            "/filter",
            body.to_string().as_bytes(),
            400,
            "Pod: expected a pod",
        );
    }
}

#[test]
fn missing_nodes_are_refused() {
    let body = json!({"Pod": gpu_pod(1), "Nodes": null, "NodeNames": null});
    refused(
        "/filter",
        body.to_string().as_bytes(),
        400,
        "NodeNames: expected a list",
    );
    refused(
        "/prioritize",
        body.to_string().as_bytes(),
        400,
        "NodeNames: expected a list",
    );
}

#[test]
fn full_nodes_are_refused_with_what_to_set() {
    let body = json!({"Pod": gpu_pod(1), "Nodes": {"items": [serving::node("a", 2)]}});
    refused(
        "/filter",
        body.to_string().as_bytes(),
        400,
        "nodeCacheCapable: true",
    );
}

#[test]
fn too_many_names_are_refused() {
    let body = json!({"Pod": gpu_pod(1), "NodeNames": ["a", "b", "c", "d"]});
    refused(
        "/filter",
        body.to_string().as_bytes(),
        400,
        "expected at most 3",
    );
}

#[test]
fn unknown_names_do_not_fit_and_say_so() {
    let serving = serve();
    let body = json!({"Pod": gpu_pod(1), "NodeNames": ["nope", "b"]});
    let (status, answer) = serving.ask("/filter", &body);
    assert_eq!(status, 200);
    assert_eq!(answer["NodeNames"], json!(["b"]));
    let body = json!({"Pod": gpu_pod(2), "NodeNames": ["nope", "nope"]});
    let (status, answer) = serving.ask("/filter", &body);
    assert_eq!((status, &answer["NodeNames"]), (200, &json!([])));
    let reason = "node not known to stowage";
    assert_eq!(
        answer["FailedAndUnresolvableNodes"],
        json!({"nope": reason})
    );
    let (status, answer) = serving.ask(
        "/prioritize",
        &json!({"Pod": gpu_pod(1), "NodeNames": ["nope", "b"]}),
    );
    assert_eq!(status, 200);
    assert_eq!(
        answer,
        json!([{"Host": "nope", "Score": 1}, {"Host": "b", "Score": 2}])
    );
}

#[test]
fn pod_that_contradicts_itself_is_unresolvable_everywhere() {
    let serving = serve();
    let limits = json!({"stowage.dev/gpu-compute": "140"});
    let body = json!({"Pod": serving::pod(1, &limits), "NodeNames": ["a", "b"]});
    let (status, answer) = serving.ask("/filter", &body);
    assert_eq!((status, &answer["NodeNames"]), (200, &json!([])));
    let reason = answer["FailedAndUnresolvableNodes"]["a"]
        .as_str()
        .expect("a reason");
    assert!(reason.contains("140"), "{reason}");
    assert_eq!(answer["FailedAndUnresolvableNodes"]["b"], reason);
    untouched(&serving);
}

#[test]
fn large_body_is_refused_before_it_is_read() {
    let serving = serve();
    let mut body = br#"{"Pod":{},"NodeNames":[""#.to_vec();
    body.resize(100 << 20, b'x');
    let (status, _) = http::post(serving.verbs(), "/filter", &body);
    // The connection may be closed while the caller still writes: then there is no answer to read.
    assert!([413, 0].contains(&status), "{status}");
    untouched(&serving);
    let (status, _) = http::get(serving.pages(), "/livez");
    assert_eq!(status, 200);
}

#[test]
fn depth_bomb_is_refused() {
    let deep = format!("{{\"Pod\":{}", "{\"a\":".repeat(100_000));
    refused("/filter", deep.as_bytes(), 400, "\"Error\":");
    let closed = format!(
        "{{\"Pod\":{}1{},\"NodeNames\":[\"a\"]}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    refused("/filter", closed.as_bytes(), 400, "\"Error\":");
}

#[test]
fn dripping_body_is_cut_off() {
    let serving = serve();
    let mut stream = http::connect(serving.verbs());
    let head = "POST /filter HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("the head is read");
    for _ in 0..8 {
        if stream.write_all(b"{").is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let (status, answer) = http::answer(stream);
    assert!([408, 0].contains(&status), "{status} {answer}");
    untouched(&serving);
}

#[test]
fn unknown_pod_in_bind_is_refused() {
    let serving = serve();
    let call =
        json!({"PodName": "x", "PodNamespace": "default", "PodUID": serving::uid(9), "Node": "a"});
    let (status, answer) = serving.ask("/bind", &call);
    assert_eq!(status, 200);
    assert_eq!(answer["Error"], "pod default/x is not known");
    untouched(&serving);
}

#[test]
fn uid_of_another_pod_in_bind_is_refused() {
    let serving = serve();
    serving.ask(
        "/filter",
        &json!({"Pod": gpu_pod(1), "NodeNames": ["a", "b"]}),
    );
    let call = json!({"PodName": "other", "PodNamespace": "default", "PodUID": serving::uid(1), "Node": "a"});
    let (status, answer) = serving.ask("/bind", &call);
    assert_eq!(status, 200);
    let error = answer["Error"].as_str().expect("an error");
    assert!(error.contains("default/pod-1"), "{error}");
    serving
        .server
        .live
        .update(|live| assert!(live.planner.cluster().pods().is_empty()));
}

#[test]
fn uid_that_is_none_is_refused() {
    for uid in ["", "x", "0000", "../../etc"] {
        let call = json!({"PodName": "x", "PodNamespace": "default", "PodUID": uid, "Node": "a"});
        refused("/bind", call.to_string().as_bytes(), 400, "PodUID");
    }
}

#[test]
fn unknown_node_in_bind_is_refused() {
    let serving = serve();
    serving.ask("/filter", &json!({"Pod": gpu_pod(1), "NodeNames": ["a"]}));
    let call = json!({"PodName": "pod-1", "PodNamespace": "default", "PodUID": serving::uid(1), "Node": "nope"});
    let (status, answer) = serving.ask("/bind", &call);
    assert_eq!(
        (status, &answer["Error"]),
        (200, &json!("node nope is not known"))
    );
}
