//! Replays and traces with times that are wrong, each in one way.

use crate::support::{Folder, refusal, refusal_of, stowage};

const NODES: &str = "name,cpu_milli,mem_mib,gpu_count,gpu_model\nn-a,64000,262144,4,T4\n";
const HEADER: &str =
    "name,job,submit_ms,duration_ms,cpu_milli,mem_mib,gpu_count,gpu_milli,priority";

/// What is said about our own form with these pods and events.
fn own(pods: &str, events: &str) -> String {
    let folder = Folder::empty()
        .with("nodes.csv", NODES)
        .with("pods.csv", format!("{HEADER}\n{pods}"))
        .with("events.csv", format!("time_ms,kind,node\n{events}"));
    let trace = format!("csv:{}", folder.path().display());
    let line = refusal(&["--mode", "replay", "--trace", &trace]);
    line.replacen(&format!("{}/", folder.path().display()), "", 1)
}

#[test]
fn a_value_is_named_with_its_line_and_column() {
    let good = "a,,0,10,1000,1,1,1000,\n";
    for (row, expected) in [
        (
            "b,,x,10,1,1,1,1000,",
            "column submit_ms: expected a whole number from 0 to",
        ),
        (
            "b,,,10,1,1,1,1000,",
            "column submit_ms: expected a whole number, got \"\"",
        ),
        (
            "b,,0,-1,1,1,1,1000,",
            "column duration_ms: expected a whole number from 0 to",
        ),
        (
            "b,,0,1,1,1,0,1000,",
            "column gpu_milli: expected 1 to 1000 where gpu_count",
        ),
        (
            "b,,0,1,1,1,65,1000,",
            "column gpu_count: expected a whole number from 0 to 64",
        ),
        (
            "b,,0,1,1,1,1,1000,high",
            "column priority: expected a whole number, or nothing",
        ),
        (
            "a,,0,1,1,1,1,1000,",
            "column name: expected a name of its own (it is in line 2 too)",
        ),
    ] {
        let line = own(&format!("{good}{row}\n"), "");
        assert!(
            line.starts_with(&format!("pods.csv:3: {expected}")),
            "{row}: {line}"
        );
    }
}

#[test]
fn a_file_with_a_header_alone_is_refused() {
    assert_eq!(
        own("", ""),
        "pods.csv:2: expected at least one pod, got none"
    );
    let folder = Folder::empty()
        .with("nodes.csv", "name,cpu_milli,mem_mib,gpu_count,gpu_model\n")
        .with("pods.csv", format!("{HEADER}\na,,0,10,1000,1,1,1000,\n"));
    let trace = format!("csv:{}", folder.path().display());
    let line = refusal_of(stowage().args(["trace", "validate", &trace]));
    assert!(
        line.ends_with("nodes.csv:2: expected at least one node, got none"),
        "{line}"
    );
}

#[test]
fn pods_of_one_job_must_agree() {
    let line = own("a,g,0,10,1,1,1,1000,\nb,g,0,11,1,1,1,1000,\n", "");
    let expected = "pods.csv:3: column duration_ms: expected what the same job has in line 2";
    assert_eq!(line, format!("{expected}, got \"11\""));
}

#[test]
fn events_of_unknown_nodes_and_kinds_are_refused() {
    let pod = "a,,0,10,1,1,1,1000,\n";
    assert_eq!(
        own(pod, "5,node_down,n-z\n"),
        "events.csv:2: column node: expected the name of a node of the cluster, got \"n-z\""
    );
    assert_eq!(
        own(pod, "5,explodes,n-a\n"),
        "events.csv:2: column kind: expected node_down, node_up or node_add, got \"explodes\""
    );
}

#[test]
fn options_that_cannot_be_read_are_refused() {
    for (args, expected) in [
        (
            ["--mode", "reply"],
            "--mode: expected inflation or replay, got \"reply\"",
        ),
        (
            ["--queue", "backfill"],
            "--queue: expected --mode replay beside it",
        ),
        (
            ["--compress", "2"],
            "--compress: expected --mode replay beside it",
        ),
    ] {
        assert_eq!(refusal(&args), expected);
    }
    for (option, value, expected) in [
        (
            "--queue",
            "lifo",
            "kube, strict-fifo or backfill, got \"lifo\"",
        ),
        ("--on-failure", "retry", "requeue or lose, got \"retry\""),
        (
            "--failures",
            "often",
            "infinitehbd:DIR or mtbf=30d,repair=20h, got \"often\"",
        ),
        (
            "--trace",
            "helios:x",
            "demo, openb:DIR, philly:DIR, itp:DIR, csv:PATH, synth:SPEC or snapshot:FILE, got \"helios:x\"",
        ),
        ("--slowdown", "gavel:", "gavel or gavel:DIR, got \"gavel:\""),
    ] {
        let line = refusal(&["--mode", "replay", option, value]);
        assert_eq!(line, format!("{option}: expected {expected}"));
    }
    let line = refusal(&["--mode", "replay", "--compress", "0"]);
    assert!(
        line.starts_with("--compress: expected a factor from 0.001"),
        "{line}"
    );
    let line = refusal(&["--mode", "replay", "--failure-rate", "2"]);
    assert_eq!(line, "--failure-rate: expected --failures beside it");
    let line = refusal(&["--mode", "replay", "--require", "fgd.allocated >= 1"]);
    assert_eq!(line, "--require: expected --mode inflation beside it");
}

#[test]
fn clusters_and_loads_that_cannot_be_are_refused() {
    for wrong in [
        "T4", "T4:0x3", "T4:65x1", "T4:4x0", "T4:4", ":4x1", "T4:4x1,",
    ] {
        let line = refusal(&["--mode", "replay", "--cluster", wrong]);
        assert!(
            line.starts_with("--cluster: expected MODEL:GPUSxNODES"),
            "{wrong}: {line}"
        );
    }
    let line = refusal(&["--mode", "replay", "--load", "50"]);
    assert!(line.starts_with("load: expected at most "), "{line}");
    let line = refusal(&["--mode", "replay", "--trace", "synth:jobs=10"]);
    assert_eq!(
        line,
        "--cluster: expected one, for example A100-80GB:8x64, because a synthetic workload has no nodes"
    );
}

#[test]
fn synthetic_workloads_that_cannot_be_read_are_refused() {
    for (spec, expected) in [
        (
            "jobs=0",
            "jobs: expected a whole number from 1 to 10000000, got \"0\"",
        ),
        (
            "gap=5",
            "gap: expected a time above 0 such as 500ms, 90s, 15m, 2h or 1.5d, got \"5\"",
        ),
        (
            "sizes=1.5:3",
            "sizes: expected GPUS:WEIGHT joined by /, for example 0.5:20/1:70/8:10, got \"1.5:3\"",
        ),
        ("jobs=5,jobs=6", "jobs: expected it once, got \"6\""),
        ("jobs=5,kind=philly", "kind: expected it to come first"),
        ("sigma=2", "sigma: expected durations=lognormal"),
        ("swing=2", "swing: expected a number from 0 to 1, got \"2\""),
        (
            "kind=kalos",
            "kind: expected poisson, philly, seren, helios, gangs, inference or serving, got \"kalos\"",
        ),
        (
            "colour=red",
            "expected a key of kind, jobs, gap, arrivals, swing, durations, mean, sigma, alpha, sizes, gangs, tenants, got \"colour\"",
        ),
    ] {
        let trace = format!("synth:{spec}");
        let line = refusal(&["--mode", "replay", "--trace", &trace, "--cluster", "T4:4x1"]);
        assert_eq!(line, format!("--trace: synth: {expected}"));
    }
}

#[test]
fn a_trace_to_look_into_is_none_of_a_snapshot_and_only_openb_has_lists() {
    let inspect = |args: &[&str]| refusal_of(stowage().args(["trace", "inspect"]).args(args));
    assert_eq!(
        inspect(&["helios:x"]),
        "TRACE: expected demo, openb:DIR, philly:DIR, itp:DIR, csv:PATH or synth:SPEC, got \"helios:x\""
    );
    assert_eq!(
        inspect(&["demo", "--list", "other"]),
        "--list: expected a trace of the kind openb beside it, got \"other\""
    );
}

#[test]
fn a_broken_trace_leaves_no_folder_behind() {
    let folder = Folder::empty()
        .with("nodes.csv", NODES)
        .with("pods.csv", format!("{HEADER}\na,,x,1,1,1,1,1000,\n"));
    let out = folder.file("out");
    let trace = format!("csv:{}", folder.path().display());
    let line = refusal_of(stowage().args(["trace", "convert", &trace, "--out", &out]));
    assert!(line.contains("pods.csv:2: column submit_ms"), "{line}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_job_list_that_is_no_gzip_is_one_clear_line() {
    let folder = Folder::empty().with("philly_jobs.csv.gz", [0x1f, 0x8b, 1, 2, 3]);
    let trace = format!("philly:{}", folder.path().display());
    let line = refusal(&["--mode", "replay", "--trace", &trace]);
    assert!(
        line.contains("philly_jobs.csv.gz: cannot be read: gzip: "),
        "{line}"
    );
}
