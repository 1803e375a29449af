//! The command line: canonical files in, the same results whatever the order of lines and the threads.

use crate::support::{Folder, json, output, stowage, traces};

const NODES: &str = "\
name,cpu_milli,mem_mib,gpu_count,gpu_model
n-a,64000,262144,4,T4
n-b,64000,262144,4,T4
";

const PODS: [&str; 7] = [
    "name,job,submit_ms,duration_ms,cpu_milli,mem_mib,gpu_count,gpu_milli,gpu_models,priority,tenant",
    "p1,,0,60000,1000,1024,3,1000,,,red",
    "p2,,0,60000,1000,1024,2,1000,,,red",
    "g-1,g,0,30000,1000,1024,2,1000,,,blue",
    "g-2,g,0,30000,1000,1024,2,1000,,,blue",
    "p3,,5000,,1000,1024,1,500,T4,3,blue",
    "p4,,5000,9000,1000,1024,1,500,T4,,blue",
];

fn folder(pods: &[&str]) -> Folder {
    Folder::empty()
        .with("nodes.csv", NODES)
        .with("pods.csv", pods.join("\n") + "\n")
        .with(
            "events.csv",
            "time_ms,kind,node\n20000,node_down,n-b\n40000,node_up,n-b\n",
        )
}

fn replay(folder: &Folder, more: &[&str]) -> serde_json::Value {
    let trace = format!("csv:{}", folder.path().display());
    json(&[&["--mode", "replay", "--trace", &trace], more].concat())
}

#[test]
fn our_own_files_are_replayed_and_their_lines_may_come_in_any_order() {
    let result = replay(
        &folder(&PODS),
        &["--seeds", "1", "--strategies", "best-fit"],
    );
    let run = &result["runs"][0];
    let jobs = &run["jobs"];
    assert_eq!(jobs["submitted"], 5);
    assert_eq!((&jobs["ended"], &jobs["running"]), (&4.into(), &1.into()));
    assert_eq!(run["byTenant"][0]["name"], "blue");
    let turned = [
        &PODS[..1],
        &[PODS[6], PODS[4], PODS[2], PODS[5], PODS[1], PODS[3]],
    ]
    .concat();
    let other = replay(
        &folder(&turned),
        &["--seeds", "1", "--strategies", "best-fit"],
    );
    assert_eq!(other["digest"], result["digest"]);
}

#[test]
fn threads_and_repetition_change_nothing() {
    let args = [
        "--mode",
        "replay",
        "--seeds",
        "1..3",
        "--strategies",
        "fgd,random",
    ];
    let bytes = |jobs| output(&[&args[..], &["--format", "json", "--jobs", jobs]].concat());
    let one = bytes("1");
    assert_eq!(one, bytes("4"));
    assert_eq!(one, bytes("1"));
}

#[test]
fn one_replay_is_one_sample() {
    let args = [
        "--mode",
        "replay",
        "--seeds",
        "1",
        "--strategies",
        "fgd,best-fit",
    ];
    let text = output(&args);
    assert!(
        text.contains("One sample: a single replay says nothing about chance"),
        "{text}"
    );
    let result = json(&args);
    let comparisons = result["comparisons"].as_array().expect("a list");
    assert!(
        comparisons
            .iter()
            .all(|c| c["open"] == true && c["interval"].is_null())
    );
}

/// `stowage trace` with `args`; it must succeed in silence.
fn trace(args: &[&str]) -> String {
    let assert = stowage()
        .arg("trace")
        .args(args)
        .assert()
        .code(0)
        .stderr("");
    String::from_utf8(assert.get_output().stdout.clone()).expect("output is text")
}

#[test]
fn the_published_shapes_come_out() {
    let Some(folder) = traces() else { return };
    let shape = |name: &str, folder_name: &str| {
        let source = format!("{name}:{}", folder.join(folder_name).display());
        let text = trace(&["inspect", &source, "--format", "json"]);
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    let philly = shape("philly", "philly-2017");
    assert_eq!(
        (&philly["jobs"], &philly["tenantCount"]),
        (&82_247.into(), &15.into())
    );
    let duration = &philly["duration"];
    let of = |name: &str| duration[name].as_f64().expect("a number").round();
    assert_eq!(
        [of("p50"), of("mean"), of("p99"), of("max")],
        [1144.0, 13_136.0, 254_884.0, 4_628_226.0]
    );
    assert_eq!(philly["oneGpuPercent"].as_f64().map(f64::round), Some(93.0));
    assert_eq!(philly["gpuHours"].as_f64().map(f64::round), Some(978_078.0));
    let itp = shape("itp", "msr-itp-2021");
    assert_eq!(
        itp["gpuHours"].as_f64().map(|hours| (hours * 10.0).round()),
        Some(16_327_197.0)
    );
    let sizes = serde_json::json!([
        [1.0, 57682],
        [8.0, 7009],
        [4.0, 2371],
        [2.0, 1483],
        [16.0, 381],
        [32.0, 354],
        [64.0, 71]
    ]);
    assert_eq!(itp["sizes"], sizes);
    assert_eq!(itp["duration"]["max"], 1_573_360.0);
}

#[test]
fn a_trace_in_our_own_form_is_the_same_trace() {
    let folder = Folder::empty();
    let out = folder.file("demo");
    trace(&["convert", "demo", "--seed", "3", "--out", &out]);
    let written = trace(&["validate", &format!("csv:{out}")]);
    assert_eq!(
        written,
        "sound: 6000 jobs of 6000 pods, 64 nodes, 0 events\n"
    );
    let digest = |source: &str| {
        let args = [
            "--mode",
            "replay",
            "--seeds",
            "3",
            "--strategies",
            "best-fit",
            "--trace",
        ];
        json(&[&args[..], &[source]].concat())["digest"].clone()
    };
    assert_eq!(digest(&format!("csv:{out}")), digest("demo"));
    let again = folder.file("again");
    trace(&["convert", &format!("csv:{out}"), "--out", &again]);
    for file in ["nodes.csv", "pods.csv"] {
        let read =
            |folder: &str| std::fs::read(format!("{folder}/{file}")).expect("it was written");
        assert_eq!(read(&again), read(&out), "{file}");
    }
}

#[test]
fn a_synthetic_trace_has_the_load_asked_for_and_contradictions_are_found() {
    let folder = Folder::empty();
    let out = folder.file("gangs");
    let args = [
        "synth",
        "kind=gangs,jobs=400",
        "--cluster",
        "A100-80GB:8x16",
        "--load",
        "0.8",
    ];
    trace(&[&args[..], &["--out", &out]].concat());
    let shape = trace(&["inspect", &format!("csv:{out}")]);
    assert!(shape.contains("80.0 % of the GPU time"), "{shape}");
    let event = "time_ms,kind,node\n5,node_up,a100-80gb-8-0000\n";
    std::fs::write(format!("{out}/events.csv"), event).expect("it can be written");
    let mut command = stowage();
    command.args(["trace", "validate", &format!("csv:{out}")]);
    let said = "stowage: node a100-80gb-8-0000 comes while it is there, at 5 ms\n";
    command.assert().code(1).stdout("").stderr(said);
}

#[test]
fn a_short_trace_without_a_cluster_is_described_in_minutes() {
    let mut command = stowage();
    command.args(["trace", "inspect", "synth:jobs=10,gap=1m"]);
    let assert = command.assert().code(0).stderr("");
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let line = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{name} in\n{text}")).trim()
    };
    let span = line("submitted").strip_prefix("over ");
    let minutes = span.and_then(|span| span.strip_suffix(" minutes"));
    let minutes: Option<f64> = minutes.and_then(|number| number.parse().ok());
    assert!(minutes.is_some_and(|m| (1.0..60.0).contains(&m)), "{text}");
    assert_eq!(
        line("nodes"),
        "not known: --cluster says on which it would run"
    );
}
