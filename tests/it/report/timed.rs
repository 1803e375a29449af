//! The folder and the page of a replay: as where pods are poured in, about time.

use std::time::Duration;

use super::page::check;
use super::{Place, names, results};
use crate::support::{Folder, json, refusal, simulate};

const FILES: [&str; 6] = [
    "manifest.json",
    "pods.csv",
    "report.html",
    "runs.csv",
    "series.csv",
    "summary.json",
];

/// Two nodes with four GPUs, of which one fails while a gang runs; a job that fits nowhere.
fn small() -> Folder {
    let pods = [
        "name,job,submit_ms,duration_ms,cpu_milli,mem_mib,gpu_count,gpu_milli,gpu_models,priority,tenant",
        "a,,0,600000,1000,1024,3,1000,,,red",
        "g-1,g,1000,900000,1000,1024,2,1000,,,blue",
        "g-2,g,1000,900000,1000,1024,1,1000,,,blue",
        "b,,2000,60000,1000,1024,4,1000,,,red",
        "c,,3000,,1000,1024,1,500,,,blue",
        "huge,,4000,60000,1000,1024,8,1000,,,red",
    ];
    Folder::empty()
        .with(
            "nodes.csv",
            "name,cpu_milli,mem_mib,gpu_count,gpu_model\nn-a,64000,262144,4,T4\nn-b,64000,262144,4,T4\n",
        )
        .with("pods.csv", pods.join("\n") + "\n")
        .with("events.csv", "time_ms,kind,node\n500000,node_down,n-b\n")
}

/// Results of a replay of `folder`.
fn replayed(folder: &Folder, more: &[&str]) -> Place {
    let trace = format!("csv:{}", folder.path().display());
    let args = [
        "--mode",
        "replay",
        "--trace",
        &trace,
        "--strategies",
        "best-fit,fgd",
    ];
    results(&[&args[..], more].concat())
}

#[test]
fn a_replay_writes_the_same_six_files() {
    let place = replayed(&small(), &["--seeds", "1..2"]);
    assert_eq!(names(&place.path()), FILES);
    assert_eq!(place.around(), ["results"]);
    let manifest = place.json("manifest.json");
    assert_eq!(manifest["mode"], "replay");
    assert_eq!(manifest["scenario"]["queue"], "kube");
    let inputs = manifest["inputFiles"].as_array().expect("a list").iter();
    let read: Vec<_> = inputs.filter_map(|file| file["name"].as_str()).collect();
    assert_eq!(read, ["nodes.csv", "pods.csv", "events.csv"]);
    let summary = place.json("summary.json");
    assert_eq!(summary["digest"], manifest["digest"]);
    assert_eq!(place.rows("runs.csv").len(), 1 + 4);
}

#[test]
fn files_say_what_json_says() {
    let args = [
        "--mode",
        "replay",
        "--seeds",
        "1..2",
        "--strategies",
        "fgd,random",
    ];
    let place = results(&args);
    let result = json(&args);
    assert_eq!(place.json("manifest.json")["scenario"], result["inputs"]);
    assert_eq!(place.json("summary.json")["summary"], result["summary"]);
    assert_eq!(place.json("summary.json")["digest"], result["digest"]);
    let series = place.rows("series.csv");
    assert!(series.len() <= 1 + 4 * 240, "{} rows", series.len());
    let column = |row: &[String], at: usize| row[at].parse::<f64>().expect("a number");
    for row in &series[1..] {
        let causes: f64 = (10..15).map(|at| column(row, at)).sum();
        assert!(
            (causes - column(row, 9)).abs() < 1e-3,
            "causes add up: {row:?}"
        );
        assert!(
            column(row, 4) <= column(row, 5),
            "no more than there is: {row:?}"
        );
    }
}

#[test]
fn every_pod_has_a_fate_and_whoever_did_not_end_a_reason() {
    let args = ["--seeds", "1", "--on-failure", "lose", "--decisions"];
    let place = replayed(&small(), &args);
    let rows = place.rows("pods.csv");
    let of = |job: &str, pod: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| row[0] == job && row[1] == pod);
        let row = row.expect("every pod has a row");
        [&*row[10], &*row[12], &*row[13], &*row[16], &*row[18]].map(str::to_owned)
    };
    assert_eq!(of("huge", "0")[3], "refused");
    assert!(
        of("huge", "0")[4].starts_with("0 nodes are available: 2 "),
        "{:?}",
        of("huge", "0")
    );
    // Who ran on n-b at 500 s is lost: of a and g, which do not fit on one node, at least one.
    let lost: Vec<_> = rows.iter().filter(|row| row[16] == "lost").collect();
    assert!(!lost.is_empty(), "somebody ran on n-b: {rows:?}");
    for row in &lost {
        assert_eq!(row[18], "node n-b failed at 500000 ms");
        assert!(row[12].is_empty(), "it has no end: {row:?}");
        let mut pods = lost.iter().filter(|other| other[0] == row[0]);
        assert!(pods.any(|pod| pod[17] == "n-b"), "{row:?}");
    }
    assert_eq!(of("c", "0")[2], "0", "c starts at once");
    let decisions = place.text("decisions.jsonl");
    let mut starts = 0;
    for line in decisions.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        starts += usize::from(line["starts"] == true);
        if line["job"] == "a" {
            assert_eq!(
                line["best"][0]["node"], line["nodes"][0],
                "the best is taken"
            );
        }
    }
    let started: usize = rows[1..]
        .iter()
        .filter(|row| row[1] == "0")
        .map(|row| row[14].parse::<usize>().expect("a number"))
        .sum();
    assert_eq!(starts, started, "a line a start");
}

#[test]
fn the_same_command_writes_the_same_bytes_whatever_the_threads() {
    let args = [
        "--mode",
        "replay",
        "--seeds",
        "1..2",
        "--strategies",
        "random,fgd",
    ];
    let failures = ["--failures", "mtbf=10d,repair=5h", "--decisions"];
    let of = |jobs| results(&[&args[..], &failures, &["--jobs", jobs]].concat());
    let (one, four) = (of("1"), of("4"));
    for file in FILES.iter().chain(&["decisions.jsonl"]) {
        assert!(one.text(file) == four.text(file), "{file} differs");
    }
}

#[test]
fn the_map_is_of_the_moment_asked_for() {
    let folder = small();
    let at = |more: &[&str]| {
        let place = replayed(&folder, &[&["--seeds", "1"], more].concat());
        let at = place.json("manifest.json")["mapAtMs"].as_u64();
        (at.expect("a number"), place.text("report.html"))
    };
    let (ms, html) = at(&["--map-at", "8.5m"]);
    assert_eq!(ms, 510_000);
    assert!(
        html.contains("every GPU on day 1, 00:08. "),
        "no busiest moment"
    );
    assert!(html.contains("1 node is down or not there yet"));
    let (busiest, html) = at(&[]);
    assert!(busiest < 500_000, "{busiest}: both nodes are there");
    assert!(html.contains("the busiest moment"));
    let (_, html) = at(&["--map-at", "30d"]);
    assert!(
        html.contains("every GPU on day 31, 00:00"),
        "after the end: the end"
    );
    let wrong = |text| {
        let out = Place::new().out();
        refusal(&["--mode", "replay", "--out", &out, "--map-at", text])
    };
    for text in ["noon", "-3d", "1w"] {
        let expected = format!(
            "--map-at: expected a time such as 90m, 12h or 3.5d, or \"busiest\", got {text:?}"
        );
        assert_eq!(wrong(text), expected);
    }
    let out = Place::new().out();
    assert_eq!(
        refusal(&["--out", &out, "--map-at", "1h"]),
        "--map-at: expected --mode replay beside it"
    );
}

#[test]
fn what_is_there_or_not_a_run_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path()).expect("a folder can be made");
    let out = place.out();
    let line = refusal(&["--mode", "replay", "--out", &out]);
    assert!(line.contains("it is there already"), "{line}");
    let other = Place::new();
    let of = |text| refusal(&["--mode", "replay", "--out", &other.out(), "--pods-of", text]);
    assert_eq!(
        of("fgd"),
        "--pods-of: expected STRATEGY@SEED, for example fgd@42, got \"fgd\""
    );
    assert_eq!(of("fgd@7"), "--pods-of: expected one of the seeds, got 7");
    assert_eq!(other.around(), [""; 0]);
}

#[test]
fn the_page_is_well_formed_small_and_says_no_more_than_the_numbers() {
    let verdict = |place: &Place| {
        let html = place.text("report.html");
        check(&html);
        let from = html.split("<h2 id=\"sentence\">").nth(1);
        let from = from.expect("there is a verdict");
        from.split("</h2>").next().expect("it ends").to_owned()
    };
    let replay = |more: &[&str]| results(&[&["--mode", "replay"], more].concat());
    let one = verdict(&replay(&[
        "--seeds",
        "1",
        "--strategies",
        "random,best-fit",
    ]));
    assert!(
        one.starts_with("One sample: ") && !one.contains("interval"),
        "{one}"
    );
    let same = verdict(&replay(&[
        "--seeds",
        "1..3",
        "--strategies",
        "fgd,best-fit",
    ]));
    assert!(same.contains("cannot be told apart (~)"), "{same}");
    let alone = verdict(&replay(&["--seeds", "1..2", "--strategies", "fgd"]));
    assert!(alone.starts_with("Under fgd, jobs wait "), "{alone}");
    let idle = [
        "--trace",
        "synth:kind=poisson,jobs=20",
        "--cluster",
        "T4:8x64",
    ];
    let idle = replay(
        &[
            &["--seeds", "1..2", "--strategies", "fgd,random"],
            &idle[..],
        ]
        .concat(),
    );
    assert!(
        verdict(&idle).starts_with("Nobody waits"),
        "{}",
        verdict(&idle)
    );
    let lost = replayed(&small(), &["--seeds", "1", "--on-failure", "lose"]);
    assert!(verdict(&lost).starts_with("One sample"));
}

#[test]
fn two_hundred_runs_are_less_than_two_megabytes() {
    let trace = "synth:kind=gangs,jobs=300";
    let args = [
        "--trace",
        trace,
        "--cluster",
        "A100-80GB:8x16",
        "--load",
        "0.9",
    ];
    let many = results(&[&["--mode", "replay", "--seeds", "1..25"], &args[..]].concat());
    assert_eq!(many.rows("runs.csv").len(), 201);
    let html = many.text("report.html");
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    check(&html);
}

#[test]
fn nothing_of_a_hostile_name_becomes_markup() {
    let pods = "name,submit_ms,duration_ms,cpu_milli,mem_mib,gpu_count,gpu_milli,tenant\n\
                \"<b>\"\"j\",0,9,1,1,1,1000,\"<script>alert(1)\"\nk,0,9,1,1,1,1000,\"</td>\"\n";
    let nodes = "name,cpu_milli,mem_mib,gpu_count,gpu_model\n\"<img src=x>\",64000,262144,4,T4\n";
    let folder = Folder::empty()
        .with("nodes.csv", nodes)
        .with("pods.csv", pods);
    let html = replayed(&folder, &["--seeds", "1"]).text("report.html");
    check(&html);
    assert!(!html.contains("<img") && !html.contains("<b>&"));
    assert!(html.contains("&lt;img src=x&gt;") && html.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn ctrl_c_writes_the_seeds_that_are_finished() {
    let place = Place::new();
    let workload = ["--trace", "synth:kind=philly,jobs=1500", "--load", "0.9"];
    let cluster = ["--mode", "replay", "--cluster", "P100-24GB:8x20"];
    let runs = ["--seeds", "1..5000", "--strategies", "fgd,random"];
    let arguments = [workload, cluster, runs].concat();
    let lines = place.interrupted(&arguments, Duration::from_secs(6));
    assert!(
        lines[1].contains(" of 10000 runs are finished"),
        "{lines:?}"
    );
    assert_eq!(place.around(), ["results"]);
    let finished = place.json("manifest.json")["runsFinished"].as_u64();
    let finished = finished.expect("a number");
    assert!(finished > 0 && finished.is_multiple_of(2), "{finished}");
    assert_eq!(place.rows("runs.csv").len() as u64, finished + 1);
    assert!(
        place
            .text("report.html")
            .contains("This experiment was stopped: ")
    );
}

#[test]
fn the_report_is_announced_and_the_table_is_printed_as_ever() {
    let args = [
        "--mode",
        "replay",
        "--seeds",
        "1",
        "--strategies",
        "best-fit",
    ];
    let (place, plain) = (Place::new(), crate::support::output(&args));
    let out = place.out();
    simulate(&[&args[..], &["--out", &out]].concat())
        .assert()
        .code(0)
        .stdout(plain)
        .stderr(format!("stowage: report in {out}/report.html\n"));
}
