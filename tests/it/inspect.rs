//! `stowage inspect` on small clusters: what is shown, what is warned of, what is refused.

use serde_json::{Value, json};

use crate::support::{Folder, refusal_of, stowage, told_a_reader_that_leaves};

const MIXED: &str = "tests/fixtures/clusters/mixed.json";

/// What is printed with `args`, and what is said beside it.
fn inspect(args: &[&str]) -> (String, String) {
    let assert = stowage().arg("inspect").args(args).assert().code(0);
    let output = assert.get_output();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is text");
    (text(&output.stdout), text(&output.stderr))
}

fn json_of(args: &[&str]) -> Value {
    let (text, said) = inspect(&[args, &["--format", "json"]].concat());
    assert_eq!(said, "");
    serde_json::from_str(&text).expect("output is JSON")
}

fn refusal(args: &[&str]) -> String {
    refusal_of(stowage().arg("inspect").args(args))
}

/// A cluster of so many nodes that look alike, each with two GPUs, and two that differ.
fn wide(nodes: usize) -> String {
    let node = |name: String, gpus: &str| {
        json!({"kind": "Node", "metadata": {"name": name}, "status": {"allocatable":
            {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": gpus}}})
    };
    let alike = (0..nodes).map(|n| node(format!("gpu-{n:03}"), "2"));
    let items: Vec<_> = alike
        .chain([node("other".to_owned(), "4"), node("bare".to_owned(), "0")])
        .collect();
    json!({"kind": "NodeList", "items": items}).to_string()
}

#[test]
fn the_map_of_a_small_cluster() {
    let (text, said) = inspect(&[MIXED]);
    assert_eq!(said, "");
    let expected = [
        "2 nodes, 6 GPUs: 2.3 allocated (38.3%), 3.7 free, 3 idle",
        "GPU memory: 168 GiB of 224 GiB free; 2 pods on nodes, 2 pending",
        "pool-1   4 x V100-16GB  A? A?    . .      16    376G   109",
        "share-1  2 x A100-80GB  .  B:70%          28    240G   109",
        "  A lab/train-0  B lab/chat-0",
    ];
    for line in expected {
        assert!(
            text.lines().any(|have| have.starts_with(line)),
            "{line} in\n{text}"
        );
    }
    assert!(text.contains("Not judged here: volumes (1 pod)."), "{text}");
}

#[test]
fn json_has_every_field() {
    let found = json_of(&[MIXED]);
    assert_eq!(
        (&found["apiVersion"], &found["kind"]),
        (&json!("stowage.dev/v1alpha1"), &json!("Inspection"))
    );
    let keys = |value: &Value| {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&found),
        [
            "apiVersion",
            "kind",
            "version",
            "strategy",
            "totals",
            "nodes",
            "stranded",
            "shapes",
            "pending",
            "unmodelled"
        ]
        .iter()
        .map(ToString::to_string)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
    assert_eq!(found["totals"]["gpus"], 6);
    assert_eq!(found["totals"]["allocatedMilli"], 2300);
    let pool = &found["nodes"][0];
    assert_eq!(
        (&pool["source"], &pool["handOver"]),
        (&json!("labels"), &json!("device-plugin"))
    );
    assert_eq!(pool["taints"], json!(["pool=training:NoSchedule"]));
    assert_eq!(pool["gpus"][0]["state"], "unknown");
    assert_eq!(pool["gpus"][0]["pods"], json!(["lab/train-0"]));
    let gpu = &found["nodes"][1]["gpus"][1];
    assert_eq!(
        *gpu,
        json!({"index": 1, "uuid": "GPU-bb", "model": "A100-80GB", "memoryMib": 81920, "state": "part",
            "freeComputeMilli": 700, "freeMemoryMib": 57344, "freeMilli": 700, "pods": ["lab/chat-0"]})
    );
    assert_eq!(found["pending"][0]["pod"], "lab/chat-1");
    assert_eq!(found["pending"][0]["best"], "share-1");
    assert_eq!(
        found["unmodelled"],
        json!([{"demand": "volumes", "pods": 1}])
    );
}

#[test]
fn what_is_stranded_adds_up_to_what_is_free() {
    for args in [&[MIXED][..], &["--demo"]] {
        let found = json_of(args);
        let stranded = &found["stranded"];
        let causes = stranded["causes"].as_array().expect("a list");
        let sum: u64 = causes
            .iter()
            .filter_map(|cause| cause["milli"].as_u64())
            .sum();
        let usable = stranded["usableMilli"].as_u64().expect("a number");
        assert_eq!(json!(sum + usable), stranded["freeMilli"]);
        assert_eq!(stranded["freeMilli"], found["totals"]["freeMilli"]);
    }
}

#[test]
fn a_shape_that_does_not_tolerate_the_pool_does_not_fit_there() {
    let found = json_of(&[MIXED]);
    let shapes = found["shapes"].as_array().expect("a list");
    let of = |example: &str| {
        let shape = shapes.iter().find(|shape| shape["example"] == example);
        let shape = shape.expect("the shape is there");
        (shape["more"].as_u64(), shape["nodes"].as_u64())
    };
    // Two idle GPUs in the pool, and one of two on the other node, which is no pool.
    assert_eq!(of("lab/train-0"), (Some(1), Some(2)));
    assert_eq!(of("lab/train-1"), (Some(0), Some(0)));
    assert_eq!(of("lab/chat-0"), (Some(5), Some(1)));
}

#[test]
fn json_yaml_and_several_files_are_the_same_cluster() {
    let (json, _) = inspect(&[MIXED]);
    let (yaml, _) = inspect(&["tests/fixtures/clusters/mixed.yaml"]);
    assert_eq!(json, yaml);
    let text = std::fs::read_to_string(MIXED).expect("the fixture is there");
    let list: Value = serde_json::from_str(&text).expect("it is JSON");
    let items = list["items"].as_array().expect("a list");
    let (nodes, pods): (Vec<_>, Vec<_>) = items.iter().partition(|item| item["kind"] == "Node");
    let documents: String = pods.iter().map(|pod| format!("{pod:#}\n")).collect();
    let folder = Folder::empty()
        .with(
            "nodes.json",
            json!({"kind": "NodeList", "items": nodes}).to_string(),
        )
        .with("pods.json", documents);
    let (apart, _) = inspect(&[&folder.file("nodes.json"), &folder.file("pods.json")]);
    assert_eq!(apart, json);
    let piped = stowage()
        .args(["inspect", "-"])
        .write_stdin(text)
        .assert()
        .code(0)
        .stderr("");
    assert_eq!(String::from_utf8_lossy(&piped.get_output().stdout), json);
}

#[test]
fn nodes_that_look_equal_are_folded() {
    let folder = Folder::empty().with("wide.json", wide(37));
    let (text, _) = inspect(&[&folder.file("wide.json")]);
    assert!(text.contains("gpu-000 x 37  2 x unknown  . ."), "{text}");
    assert!(text.contains("1 node without GPUs"), "{text}");
    let rows = text.lines().filter(|line| line.contains(" x unknown "));
    assert_eq!(rows.count(), 2, "{text}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for args in [&[MIXED][..], &["--demo"], &["--demo", "--format", "json"]] {
        assert_eq!(inspect(args), inspect(args));
    }
}

#[test]
fn the_demo_fits_on_a_page_and_has_something_of_everything() {
    let (text, said) = inspect(&["--demo"]);
    assert_eq!(said, "");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colour where nobody looks");
    for part in [
        "cordoned",
        "! failed",
        "M[x.x.xxxx]",
        "replicas by time-slicing",
        "Stranded:",
        "How many more fit",
        "Pending: 6",
        "Not judged here",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn an_odd_object_is_one_warning() {
    let file = "tests/fixtures/clusters/odd-object.yaml";
    let (text, said) = inspect(&[file]);
    assert!(text.starts_with("1 node, 1 GPU"), "{text}");
    let problem = "node bare: status.allocatable cpu: expected a quantity, got nothing";
    assert_eq!(said, format!("stowage: warning: {file}: {problem}\n"));
}

#[test]
fn a_file_that_is_broken_is_placed() {
    let bad = Folder::empty()
        .with(
            "bad.json",
            "{\"kind\": \"List\",\n \"items\": [\n  {\"kind\" \"Pod\"}]}",
        )
        .with(
            "bad.yaml",
            "kind: Node\nmetadata:\n  name: a\n labels: {}\n",
        )
        .with("latin.json", b"{\n \"kind\": \"\xe9\"}")
        .with("other.yaml", "kind: Service\n")
        .with("table.txt", "NAME   STATUS\ngpu-0  Ready\n")
        .with("long.txt", "a".repeat(100_000));
    for (file, said) in [
        ("bad.json", ":3:11: expected `:`"),
        ("bad.yaml", ":4:"),
        ("latin.json", ":2:11: expected UTF-8 text, got 0xe9"),
        (
            "other.yaml",
            ": expected objects of kind Node or Pod, or lists of them, got \"Service\"",
        ),
        (
            "table.txt",
            ": invalid type: string \"NAME   STATUS gpu-0  Ready\", expected objects as kubectl prints them",
        ),
        ("long.txt", ": invalid type: string \"aaaa"),
        ("none.json", ": cannot be read: "),
    ] {
        let file = bad.file(file);
        let line = refusal(&[MIXED, &file]);
        assert!(line.starts_with(&format!("{file}{said}")), "{line}");
        assert!(line.len() < 1000, "{} bytes about {file}", line.len());
    }
}

#[test]
fn memory_that_nobody_knows_is_not_none() {
    let folder = Folder::empty().with("wide.json", wide(1));
    let (text, _) = inspect(&[&folder.file("wide.json")]);
    let second = text.lines().nth(1);
    let expected = "GPU memory: not known; 0 pods on nodes, 0 pending";
    assert_eq!(second, Some(expected), "{text}");
}

#[test]
fn nothing_to_show_is_an_error() {
    let line = refusal_of(stowage().args(["inspect", "-"]).write_stdin(""));
    assert_eq!(
        line,
        "-: expected objects of kind Node or Pod, or lists of them, got none"
    );
    let empty = json!({"kind": "List", "items": []}).to_string();
    let line = refusal_of(stowage().args(["inspect", "-"]).write_stdin(empty));
    assert_eq!(line, "-: no node and no pod that could be read");
    stowage().arg("inspect").assert().code(2).stdout("");
}

#[test]
fn names_cannot_speak_to_the_terminal() {
    let node = json!({"kind": "Node", "metadata": {"name": "a\u{1b}[2Jb"}, "status": {"allocatable":
        {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "1"}}});
    let folder = Folder::empty().with("node.json", node.to_string());
    let (text, _) = inspect(&[&folder.file("node.json")]);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_reader_that_leaves_early_is_one_clear_line() {
    let folder = Folder::empty().with("wide.json", wide(2000));
    let arguments = ["inspect", "--format", "json", &folder.file("wide.json")];
    let lines = told_a_reader_that_leaves(&arguments);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("the reader closed the pipe"), "{lines:?}");
}
