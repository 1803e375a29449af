//! What filter, prioritize and bind answer on a cluster without an API server, and what they leave.

use serde_json::{Value, json};
use stowage::config::server::Mode;

use crate::http;
use crate::serving::{self, Serving};

fn serve(mode: Mode, short_lists: bool) -> Serving {
    let nodes = [
        serving::node("a", 2),
        serving::node("b", 4),
        serving::node("c", 1),
    ];
    Serving::start(
        &nodes,
        &[],
        || None,
        |config| {
            config.profiles[0].mode = mode;
            config.profiles[0].short_lists = Some(short_lists);
        },
    )
}

fn pod(number: u32, gpus: u32) -> Value {
    serving::pod(number, &json!({"nvidia.com/gpu": gpus.to_string()}))
}

fn names(serving: &Serving, pod: &Value) -> Value {
    let body = json!({"Pod": pod, "Nodes": null, "NodeNames": ["c", "b", "a"]});
    let (status, answer) = serving.ask("/filter", &body);
    assert_eq!(status, 200, "{answer}");
    answer["NodeNames"].clone()
}

fn ranks(serving: &Serving, pod: &Value) -> Value {
    let body = json!({"Pod": pod, "Nodes": null, "NodeNames": ["c", "b", "a"]});
    let (status, answer) = serving.ask("/prioritize", &body);
    assert_eq!(status, 200, "{answer}");
    answer
}

fn bind(serving: &Serving, number: u32, node: &str) -> Value {
    let call = json!({"PodName": format!("pod-{number}"), "PodNamespace": "default",
                      "PodUID": serving::uid(number), "Node": node});
    serving.ask("/bind", &call).1["Error"].clone()
}

#[test]
fn ranks_are_unique_and_dense_within_the_names_received() {
    let serving = serve(Mode::SoftFirst, false);
    // Best fit takes the node that would have least left.
    let expected = json!([
        {"Host": "c", "Score": 3}, {"Host": "b", "Score": 1}, {"Host": "a", "Score": 2},
    ]);
    assert_eq!(ranks(&serving, &pod(1, 1)), expected);
}

#[test]
fn grades_in_advisory_mode_run_from_0_to_10() {
    let serving = serve(Mode::Advisory, false);
    let grades = ranks(&serving, &pod(1, 2));
    let grade = |at: usize| grades[at]["Score"].as_i64().expect("a grade");
    assert_eq!((grade(0), grade(2)), (0, 10), "{grades}");
    assert!((1..10).contains(&grade(1)), "{grades}");
}

#[test]
fn short_list_names_the_best_node_alone() {
    assert_eq!(
        names(&serve(Mode::SoftFirst, true), &pod(1, 1)),
        json!(["c"])
    );
    assert_eq!(
        names(&serve(Mode::SoftFirst, false), &pod(1, 1)),
        json!(["c", "b", "a"])
    );
}

#[test]
fn pod_with_a_soft_preference_gets_the_full_list() {
    let mut pod = pod(1, 1);
    pod["spec"]["affinity"] = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
        [{"weight": 1, "preference": {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}}]}});
    assert_eq!(
        names(&serve(Mode::SoftFirst, true), &pod),
        json!(["c", "b", "a"])
    );
    assert_eq!(names(&serve(Mode::Decisive, true), &pod), json!(["c"]));
}

#[test]
fn node_named_alone_in_vain_comes_last_and_the_full_list_follows() {
    let serving = serve(Mode::SoftFirst, true);
    assert_eq!(names(&serving, &pod(1, 1)), json!(["c"]));
    assert_eq!(names(&serving, &pod(1, 1)), json!(["c", "b", "a"]));
    let expected = json!([
        {"Host": "c", "Score": 1}, {"Host": "b", "Score": 2}, {"Host": "a", "Score": 3},
    ]);
    assert_eq!(ranks(&serving, &pod(1, 1)), expected);
}

#[test]
fn same_question_gets_the_same_answer() {
    let serving = serve(Mode::SoftFirst, false);
    let first = (names(&serving, &pod(1, 1)), ranks(&serving, &pod(1, 1)));
    assert_eq!(
        (names(&serving, &pod(1, 1)), ranks(&serving, &pod(1, 1))),
        first
    );
}

#[test]
fn burst_packs_beside_intents_and_fits_beyond_them() {
    let serving = serve(Mode::SoftFirst, true);
    assert_eq!(names(&serving, &pod(1, 1)), json!(["c"]));
    // c is intended: the next best for one GPU is a, twice, then b.
    assert_eq!(names(&serving, &pod(2, 1)), json!(["a"]));
    assert_eq!(names(&serving, &pod(3, 1)), json!(["a"]));
    assert_eq!(names(&serving, &pod(4, 4)), json!(["b"]));
    // All is intended, nothing is held: it fits, and comes to the first node in order.
    assert_eq!(names(&serving, &pod(5, 1)), json!(["a"]));
    assert_eq!(bind(&serving, 5, "a"), "");
    assert_eq!(bind(&serving, 2, "a"), "");
    assert_eq!(bind(&serving, 3, "a"), "too few idle GPUs");
}

#[test]
fn binding_twice_gives_the_same_devices_and_elsewhere_is_refused() {
    let serving = serve(Mode::SoftFirst, true);
    names(&serving, &pod(1, 1));
    assert_eq!(bind(&serving, 1, "c"), "");
    names(&serving, &pod(1, 1));
    assert_eq!(bind(&serving, 1, "c"), "");
    names(&serving, &pod(1, 1));
    assert_eq!(
        bind(&serving, 1, "a"),
        "the pod is bound to node c, or may be"
    );
}

#[test]
fn pod_without_a_gpu_is_bound_plainly() {
    let serving = serve(Mode::SoftFirst, true);
    let pod = serving::pod(1, &json!({}));
    let named = names(&serving, &pod);
    assert_eq!(named.as_array().map(Vec::len), Some(1), "{named}");
    assert_eq!(bind(&serving, 1, named[0].as_str().expect("a name")), "");
}

#[test]
fn share_fits_beside_a_share_and_not_beyond_the_device() {
    let serving = serve(Mode::SoftFirst, true);
    let half = |number| serving::pod(number, &json!({"stowage.dev/gpu-compute": "50"}));
    for number in 1..=14 {
        let named = names(&serving, &half(number));
        assert_eq!(
            bind(&serving, number, named[0].as_str().expect("a name")),
            ""
        );
    }
    assert_eq!(names(&serving, &half(15)), json!([]));
}

#[test]
fn readiness_says_why_and_metrics_count() {
    let serving = serve(Mode::SoftFirst, true);
    names(&serving, &pod(1, 1));
    let (status, text) = http::get(serving.pages(), "/readyz?verbose");
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("[+] nodes: ok"), "{text}");
    let (status, text) = http::get(serving.pages(), "/metrics");
    assert_eq!(status, 200);
    assert!(
        text.contains(r#"stowage_calls_total{verb="filter",outcome="one"} 1"#),
        "{text}"
    );
    assert!(text.contains("stowage_nodes 3"), "{text}");
}
