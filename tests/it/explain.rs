//! `stowage explain`: verdicts, devices, the nearest change, and what is refused.

use serde_json::{Value, json};

use crate::support::{Folder, refusal_of, stowage};

const MIXED: &str = "tests/fixtures/clusters/mixed.json";
const TRAIN: &str = "tests/fixtures/clusters/train.yaml";

/// What is printed about `args` on the mixed cluster; it must end with `code` and in silence.
fn explain(code: i32, args: &[&str]) -> String {
    let mut command = stowage();
    command.args(["explain", "--snapshot", MIXED]).args(args);
    let assert = command.assert().code(code).stderr("");
    String::from_utf8(assert.get_output().stdout.clone()).expect("output is text")
}

fn json_of(code: i32, args: &[&str]) -> Value {
    let text = explain(code, &[args, &["--format", "json"]].concat());
    serde_json::from_str(&text).expect("output is JSON")
}

fn refusal(args: &[&str]) -> String {
    refusal_of(stowage().args(["explain", "--snapshot", MIXED]).args(args))
}

#[test]
fn a_pod_that_fits_is_told_where_and_on_which_devices() {
    let found = json_of(0, &["lab/chat-1"]);
    assert_eq!(
        (&found["apiVersion"], &found["kind"]),
        (&json!("stowage.dev/v1alpha1"), &json!("Explanation"))
    );
    assert_eq!(found["status"], "fits");
    let verdicts = json!([
        {"verdict": "fits", "fits": true, "nodes": 1, "example": "share-1", "detail": null},
        {"verdict": "node(s) had untolerated taint(s)", "fits": false, "nodes": 1, "example": "pool-1",
            "detail": "pool=training:NoSchedule"},
    ]);
    assert_eq!(found["verdicts"], verdicts);
    let best = &found["best"][0];
    assert_eq!(
        (&best["node"], &best["rank"], &best["predicted"]),
        (&json!("share-1"), &json!(1), &json!(false))
    );
    assert_eq!(
        (&best["source"], &best["handOver"]),
        (&json!("inventory"), &json!("stowage-nri"))
    );
    let gpu = json!({"index": 0, "uuid": "GPU-aa", "model": "A100-80GB", "memoryMib": 24576, "computeMilli": 300});
    assert_eq!(best["containers"], json!([{"name": "main", "gpus": [gpu]}]));
    assert_eq!(best["before"], ". 700/1000 28000m 245760Mi 109p");
    assert_eq!(best["after"], "700/1000 700/1000 24000m 229376Mi 108p");
    assert_eq!(found["nearestChange"], Value::Null);
}

#[test]
fn a_pod_that_fits_nowhere_gets_the_nearest_change() {
    let found = json_of(1, &["lab/train-1"]);
    assert_eq!(found["status"], "refused");
    assert_eq!(found["best"], json!([]));
    assert_eq!(found["nearestChange"]["kind"], "gpus");
    assert_eq!(found["unmodelled"], json!(["volumes"]));
    let text = explain(1, &["lab/train-1"]);
    for line in [
        "lab/train-1 asks for 4 GPUs, 8 cores, 64 GiB",
        "fits on none of 2 nodes",
        "      1  too few idle GPUs                 share-1: 1 idle GPU, 4 asked",
        "      1  node(s) had untolerated taint(s)  pool-1: pool=training:NoSchedule",
        "Nearest change: ask for 1 GPU in a container (4 asked); then it fits.",
        "Not judged here: volumes.",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
    }
}

#[test]
fn pods_without_their_nodes_are_said_to_be_that() {
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: main}]}\n";
    let folder = Folder::empty().with("pods.yaml", pod);
    let mut command = stowage();
    command.args(["explain", "--snapshot", &folder.file("pods.yaml"), "a"]);
    let assert = command.assert().code(1).stderr("");
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let last = text.lines().last();
    let expected = "There is no node: expected nodes beside the pods of the snapshot.";
    assert_eq!(last, Some(expected), "{text}");
}

#[test]
fn a_bound_pod_is_told_where_it_is() {
    let found = json_of(0, &["lab/chat-0"]);
    assert_eq!(found["status"], "bound");
    assert_eq!(found["bound"]["node"], "share-1");
    assert_eq!(found["bound"]["containers"][0]["gpus"][0]["uuid"], "GPU-bb");
    let text = explain(0, &["lab/train-0"]);
    assert!(text.contains("is bound to pool-1"), "{text}");
    assert!(text.contains("which GPUs it has is not known"), "{text}");
}

#[test]
fn a_manifest_is_a_pod_that_comes_now() {
    let found = json_of(0, &["--pod", TRAIN]);
    assert_eq!(
        (&found["pod"], &found["status"]),
        (&json!("lab/new"), &json!("fits"))
    );
    let best = &found["best"][0];
    assert_eq!(
        (&best["node"], &best["predicted"]),
        (&json!("pool-1"), &json!(true))
    );
    let text = explain(0, &["--pod", TRAIN]);
    assert!(
        text.contains("predicted: the device plugin may choose other GPUs"),
        "{text}"
    );
}

#[test]
fn the_strategy_can_be_chosen() {
    let found = json_of(0, &["lab/chat-1", "--strategy", "least-allocated"]);
    assert_eq!(found["strategy"], "least-allocated");
    assert_eq!(
        found["best"][0]["after"],
        "700/1000 700/1000 24000m 229376Mi 108p"
    );
    let line = refusal(&["lab/chat-1", "--strategy", "fdg"]);
    assert_eq!(
        line,
        "--strategy: no strategy is called \"fdg\": did you mean \"fgd\"?"
    );
}

#[test]
fn a_pod_that_is_not_there_is_near_another() {
    for (name, said) in [
        ("lab/chat-2", ": did you mean \"lab/chat-0\"?"),
        ("chat-1", ": did you mean \"lab/chat-1\"?"),
        ("lab/something-else", ""),
    ] {
        let line = refusal(&[name]);
        let full = if name.contains('/') {
            name.to_owned()
        } else {
            format!("default/{name}")
        };
        assert_eq!(line, format!("no pod is called {full:?}{said}"));
    }
}

#[test]
fn a_manifest_of_anything_but_one_pod_is_refused() {
    let folder = Folder::empty()
        .with("none.yaml", "kind: Deployment\n")
        .with(
            "two.yaml",
            "kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\n",
        )
        .with("nameless.yaml", "kind: Pod\n")
        .with("bad.yaml", "kind: }\n");
    for (file, said) in [
        (
            "none.yaml",
            ": expected objects of kind Node or Pod, or lists of them, got \"Deployment\"",
        ),
        ("two.yaml", ": expected one pod, got 2"),
        (
            "nameless.yaml",
            ": pod default/: metadata.name: expected a name, got nothing",
        ),
        ("bad.yaml", ":1:"),
    ] {
        let file = folder.file(file);
        let line = refusal(&["--pod", &file]);
        assert!(line.starts_with(&format!("{file}{said}")), "{line}");
    }
    stowage()
        .args(["explain", "--snapshot", MIXED])
        .assert()
        .code(2)
        .stdout("");
    stowage()
        .args(["explain", "lab/chat-1"])
        .assert()
        .code(2)
        .stdout("");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let args = ["--pod", TRAIN, "--strategy", "random"];
    assert_eq!(explain(0, &args), explain(0, &args));
    let demo = |pod: &str| {
        let assert = stowage()
            .args(["explain", "--demo", pod])
            .assert()
            .code(1)
            .stderr("");
        assert.get_output().stdout.clone()
    };
    assert_eq!(demo("lab/sweep-0"), demo("lab/sweep-0"));
}

#[test]
fn a_refused_share_is_told_with_its_numbers() {
    let device = json!({"index": 0, "vendor": "nvidia", "model": "L40S-48GB", "memoryMib": 46068});
    let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": [device]}).to_string();
    let node = json!({"kind": "Node",
        "metadata": {"name": "small", "annotations": {"stowage.dev/inventory": inventory}},
        "status": {"allocatable": {"cpu": "64", "memory": "64Gi", "pods": "110"}}});
    let pod = |n: u32| {
        let entry = json!({"index": 0, "memoryMib": 2000, "computeMilli": 0});
        let placement = json!({"v": 1, "containers": {"main": [entry]}}).to_string();
        let limits = json!({"stowage.dev/gpu-memory": "2000"});
        let mut pod = json!({"kind": "Pod", "metadata": {"name": format!("m-{n}")}, "spec": {
            "containers": [{"name": "main", "resources": {"limits": limits}}]}});
        if n < 23 {
            pod["spec"]["nodeName"] = "small".into();
            pod["metadata"]["annotations"] = json!({"stowage.dev/placement": placement});
        }
        pod
    };
    let items: Vec<_> = [node].into_iter().chain((0..24).map(pod)).collect();
    let list = json!({"kind": "List", "items": items}).to_string();
    let mut command = stowage();
    command.args(["explain", "--snapshot", "-", "m-23"]);
    let assert = command.write_stdin(list).assert().code(1).stderr("");
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let numbers = "small: largest free share is 68 MiB, 2000 MiB asked";
    assert!(text.contains(numbers), "{text}");
    let change = "ask for at most 68 MiB of GPU memory (2000 MiB asked); then it fits.";
    assert!(text.contains(change), "{text}");
}

#[test]
fn an_instance_is_drawn_and_one_that_has_no_place_is_told_a_smaller_one() {
    let demo = |code: i32, pod: &str| {
        let mut command = stowage();
        command.args(["explain", "--demo", pod]);
        let assert = command.assert().code(code).stderr("");
        String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
    };
    let fits = demo(0, "lab/notebook-3");
    let drawn = "main: GPU 0 (GPU-mig-1-0), A100-80GB, 1g.10gb at slot 1: M[x#x.xxxx]";
    assert!(fits.contains(drawn), "{fits}");
    let refused = demo(1, "lab/infer-2");
    let slots = "mig-1: slots M[xx...x..], M[x.x.xxxx], 3g.40gb asked";
    assert!(refused.contains(slots), "{refused}");
    let change = "Nearest change: ask for 2g.20gb (3g.40gb asked); then it fits.";
    assert!(refused.contains(change), "{refused}");
    let sliced = demo(0, "lab/test-0");
    assert!(
        sliced.contains("warning: time-slicing: GPU memory is not isolated"),
        "{sliced}"
    );
}

#[test]
fn a_long_verdict_is_shown_whole_with_its_example_below() {
    let mut command = stowage();
    command.args(["explain", "--demo", "lab/batch-2"]);
    let assert = command.assert().code(0).stderr("");
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let at = text.find("      1  the node offers no GPU (devices behind DRA are not counted)");
    let at = at.unwrap_or_else(|| panic!("the whole verdict in\n{text}"));
    assert_eq!(
        text[at..].lines().nth(1),
        Some("           cpu-1"),
        "{text}"
    );
}
