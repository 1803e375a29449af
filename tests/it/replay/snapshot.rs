//! A cluster as kubectl shows it, as the start of a replay: who is there stays, rules hold, wrong ones
//! are refused.

use serde_json::{Value, json};

use crate::support::{Folder, json, refusal, refusal_of, simulate, stowage};

const REPLAY: [&str; 6] = [
    "--mode",
    "replay",
    "--seeds",
    "1",
    "--strategies",
    "best-fit",
];

/// Node `name` of four A100 behind a device plugin.
fn node(name: &str, spec: &Value) -> Value {
    let labels = json!({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB",
        "nvidia.com/gpu.memory": "81920", "nvidia.com/gpu.count": "4"});
    let allocatable = json!({"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "4"});
    json!({"kind": "Node", "spec": spec, "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": allocatable}})
}

fn pod(name: &str, gpus: u32, spec: &Value) -> Value {
    let mut pod =
        json!({"kind": "Pod", "metadata": {"name": name, "namespace": "lab"}, "spec": spec});
    pod["spec"]["containers"] = json!([{"name": "main", "resources":
        {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": gpus}}}]);
    pod
}

fn cluster(items: &[Value]) -> Folder {
    let list = json!({"kind": "List", "items": items});
    Folder::empty().with("cluster.json", list.to_string())
}

fn jobs(folder: &Folder, more: &[&str]) -> Value {
    let trace = format!("snapshot:{}", folder.file("cluster.json"));
    json(&[&REPLAY[..], &["--trace", &trace], more].concat())["runs"][0]["jobs"].take()
}

#[test]
fn pods_that_wait_find_place_beside_those_that_stay() {
    // a: xx.. and two who want two GPUs each; the second never gets them.
    let folder = cluster(&[
        node("a", &json!({})),
        pod("stays", 2, &json!({"nodeName": "a"})),
        pod("p", 2, &json!({})),
        pod("q", 2, &json!({})),
    ]);
    let found = jobs(&folder, &[]);
    let counts = ["submitted", "running", "waiting", "refused"].map(|fate| found[fate].clone());
    assert_eq!(counts, [2, 1, 1, 0].map(Value::from), "{found}");
}

#[test]
fn a_job_that_has_no_place_beside_those_that_stay_is_refused() {
    let folder = cluster(&[
        node("a", &json!({})),
        pod("stays", 2, &json!({"nodeName": "a"})),
        pod("p", 3, &json!({})),
    ]);
    assert_eq!(jobs(&folder, &[])["refused"], 1);
}

#[test]
fn rules_keep_pods_away_and_a_cordon_everybody() {
    let taint = json!({"taints": [{"key": "pool", "value": "x", "effect": "NoSchedule"}]});
    let tolerates = json!({"tolerations": [{"key": "pool", "operator": "Exists"}]});
    let items = |spec: &Value| {
        let nodes = [
            node("tainted", &taint),
            node("closed", &json!({"unschedulable": true})),
        ];
        [&nodes[..], &[pod("p", 1, spec)]].concat()
    };
    assert_eq!(jobs(&cluster(&items(&json!({}))), &[])["refused"], 1);
    assert_eq!(jobs(&cluster(&items(&tolerates)), &[])["running"], 1);
}

#[test]
fn another_trace_starts_on_the_cluster_as_it_is() {
    let items = |standing: u32| {
        [
            node("a", &json!({})),
            pod("stays", standing, &json!({"nodeName": "a"})),
        ]
    };
    let trace = |standing: u32| {
        let folder = cluster(&items(standing));
        let from = format!("snapshot:{}", folder.file("cluster.json"));
        let synth = "synth:kind=poisson,jobs=300,gap=100s,mean=100s";
        let found = json(&[&REPLAY[..], &["--trace", synth, "--cluster", &from]].concat());
        let run = &found["runs"][0];
        let wait = run["wait"]["mean"].as_f64();
        (wait.expect("a mean"), run["jobs"]["ended"].clone())
    };
    let (free, crowded) = (trace(1), trace(3));
    assert_eq!((&free.1, &crowded.1), (&300.into(), &300.into()));
    assert!(crowded.0 > 2.0 * free.0, "{free:?} {crowded:?}");
}

#[test]
fn a_failure_takes_those_that_stood_there() {
    // Nobody can run until the node has failed and come back without the pod that held it all.
    let folder = cluster(&[
        node("a", &json!({})),
        node("b", &json!({})),
        pod("stays-a", 4, &json!({"nodeName": "a"})),
        pod("stays-b", 1, &json!({"nodeName": "b"})),
        pod("p", 3, &json!({})),
        pod("q", 3, &json!({})),
    ]);
    let found = jobs(&folder, &["--failures", "mtbf=1h,repair=1h"]);
    assert_eq!(found["submitted"], 2, "{found}");
}

#[test]
fn a_snapshot_is_a_cluster_of_its_own() {
    let folder = cluster(&[node("a", &json!({}))]);
    let trace = format!("snapshot:{}", folder.file("cluster.json"));
    let line = refusal(&["--mode", "replay", "--trace", &trace, "--cluster", "T4:1x1"]);
    assert_eq!(
        line,
        "--cluster: expected none beside a snapshot, which has its own nodes, got \"T4:1x1\""
    );
    let told = refusal_of(stowage().args(["trace", "inspect", &trace]));
    assert!(told.starts_with("TRACE: expected no snapshot, "), "{told}");
    let line = refusal(&["--mode", "replay", "--trace", "snapshot:no such file"]);
    assert!(line.starts_with("no such file: cannot be read: "), "{line}");
}

#[test]
fn a_report_says_what_a_snapshot_means_and_which_file_it_was() {
    let folder = cluster(&[node("a", &json!({})), pod("p", 1, &json!({}))]);
    let (trace, out) = (
        format!("snapshot:{}", folder.file("cluster.json")),
        folder.file("out"),
    );
    let replay = ["--mode", "replay", "--seeds", "1", "--trace", &trace];
    let written = ["simulate", "--quiet", "--out", &out];
    stowage()
        .args([&written[..], &replay].concat())
        .assert()
        .code(0);
    let read =
        |name: &str| std::fs::read_to_string(format!("{out}/{name}")).expect("it is written");
    assert!(read("report.html").contains("Its pods stay until their node"));
    assert!(read("manifest.json").contains("cluster.json"));
}

#[test]
fn what_a_snapshot_leaves_out_is_a_warning_with_its_file() {
    let mut broken = node("b", &json!({}));
    broken["status"]["allocatable"]["cpu"] = json!("-8");
    let folder = cluster(&[node("a", &json!({})), broken, pod("p", 2, &json!({}))]);
    let file = folder.file("cluster.json");
    let trace = format!("snapshot:{file}");
    let args = [&REPLAY[..], &["--trace", &trace]].concat();
    simulate(&args).assert().code(0).stderr(format!(
        "stowage: warning: {file}: node b: status.allocatable cpu: expected a quantity that is not \
         negative, got \"-8\"\n"
    ));
}
