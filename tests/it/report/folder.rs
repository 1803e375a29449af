//! The folder: what is in it, that it appears whole, and what is refused.

use std::fs;
use std::time::Duration;

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
const SMALL: [&str; 4] = ["--seeds", "1..3", "--strategies", "fgd,best-fit"];

#[test]
fn results_are_six_files_and_nothing_is_left_beside_them() {
    let place = results(&SMALL);
    assert_eq!(names(&place.path()), FILES);
    assert_eq!(place.around(), ["results"]);
}

#[test]
fn the_report_is_announced_and_the_table_is_printed_as_ever() {
    let place = Place::new();
    let out = place.out();
    let args = [&SMALL[..], &["--no-times"]].concat();
    let plain = crate::support::output(&args);
    simulate(&[&args[..], &["--out", &out]].concat())
        .assert()
        .code(0)
        .stdout(plain)
        .stderr(format!("stowage: report in {out}/report.html\n"));
}

#[test]
fn the_same_command_writes_the_same_bytes_whatever_the_threads() {
    let one = results(&[&SMALL[..], &["--jobs", "1", "--decisions"]].concat());
    let four = results(&[&SMALL[..], &["--jobs", "4", "--decisions"]].concat());
    for file in FILES.iter().chain(&["decisions.jsonl"]) {
        assert!(one.text(file) == four.text(file), "{file} differs");
    }
}

#[test]
fn files_say_what_json_says() {
    let place = results(&SMALL);
    let result = json(&[&SMALL[..], &["--no-times"]].concat());
    let summary = place.json("summary.json");
    assert_eq!(summary["summary"], result["summary"]);
    assert_eq!(summary["digest"], result["digest"]);
    assert_eq!(place.rows("runs.csv").len(), 1 + 6);
    let series = place.rows("series.csv");
    assert_eq!(series.len(), 1 + 6 * 131);
    let manifest = place.json("manifest.json");
    assert_eq!(manifest["scenario"], result["inputs"]);
    assert_eq!(manifest["digest"], result["digest"]);
    assert_eq!(
        (&manifest["runsPlanned"], &manifest["runsFinished"]),
        (&6.into(), &6.into())
    );
}

#[test]
fn every_pod_of_the_chosen_run_is_somewhere_or_refused_with_a_reason() {
    let args = [&SMALL[..], &["--pods-of", "fgd@2", "--decisions"]].concat();
    let place = results(&args);
    let pods_of = &place.json("manifest.json")["podsOf"];
    assert_eq!(
        (&pods_of["strategy"], &pods_of["seed"]),
        (&"fgd".into(), &2.into())
    );
    let runs = place.rows("runs.csv");
    let run = runs
        .iter()
        .find(|row| row[1] == "fgd" && row[2] == "2")
        .expect("it was run");
    let pods = place.rows("pods.csv");
    assert_eq!((pods.len() - 1).to_string(), run[4], "pods that arrived");
    let refused = pods.iter().filter(|pod| pod[6] == "refused").count();
    assert_eq!(refused.to_string(), run[5], "pods that were refused");
    let mut held = 0;
    for (arrival, pod) in pods[1..].iter().enumerate() {
        assert_eq!(pod[0], arrival.to_string());
        match &*pod[6] {
            "placed" => {
                let devices = pod[8].split('|').filter(|d| !d.is_empty()).count();
                assert_eq!(devices.to_string(), pod[3], "{pod:?}");
                held += devices as u64 * pod[4].parse::<u64>().expect("a number");
                assert!(!pod[7].is_empty() && pod[9].is_empty(), "{pod:?}");
            }
            "refused" => {
                assert!(pod[9].starts_with("0 nodes are available: "), "{pod:?}");
                let counts = pod[9]
                    .split([' ', ','])
                    .filter_map(|word| word.parse::<u32>().ok());
                assert_eq!(counts.sum::<u32>(), 64, "every node has a reason: {pod:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let percent: f64 = run[7].parse().expect("a number");
    assert!(
        (held as f64 / 4640.0 - percent).abs() < 1e-3,
        "{held} of 464,000 are {percent} %"
    );
    let decisions = place.text("decisions.jsonl");
    assert_eq!(decisions.lines().count(), pods.len() - 1);
    for (line, pod) in decisions.lines().zip(&pods[1..]) {
        let decision: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        assert_eq!(decision["node"].as_str().unwrap_or(""), pod[7]);
        let best = decision["best"][0]["node"].as_str().unwrap_or("");
        assert_eq!(best, pod[7], "the best node is taken: {line}");
    }
}

#[test]
fn input_files_are_known_by_their_digests() {
    let folder = Folder::published();
    let place = results(&["--trace", &folder.trace(), "--seeds", "42"]);
    let manifest = place.json("manifest.json");
    let files = manifest["inputFiles"].as_array().expect("a list");
    let named: Vec<_> = files
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    let expected = [
        "arrivals/arrivals_default.csv",
        "arrivals/node_rank_default.csv",
        "openb_node_list_gpu_node.csv",
        "openb_pod_list_default.csv",
    ];
    assert_eq!(named, expected);
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(crate::support::PODS.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(files[3]["sha256"], digest);
}

#[test]
fn what_is_there_is_refused_and_left_alone() {
    let place = Place::new();
    fs::create_dir(place.path()).expect("a folder can be made");
    fs::write(place.path().join("mine.txt"), "mine").expect("files can be written");
    let out = place.out();
    assert_eq!(
        refusal(&["--out", &out]),
        format!(
            "--out {out}: it is there already: expected a new folder, or --force to replace earlier results"
        )
    );
    assert_eq!(
        refusal(&["--out", &out, "--force"]),
        format!(
            "--out {out}: --force replaces only a folder with the manifest.json of a simulation in it"
        )
    );
    assert_eq!(names(&place.path()), ["mine.txt"]);
    assert_eq!(place.around(), ["results"]);
}

#[test]
fn force_replaces_earlier_results_as_a_whole() {
    let place = results(&[&SMALL[..], &["--decisions"]].concat());
    let out = place.out();
    let args = [
        "--seeds",
        "9",
        "--strategies",
        "fgd",
        "--quiet",
        "--force",
        "--out",
        &out,
    ];
    simulate(&args).assert().code(0).stderr("");
    assert_eq!(names(&place.path()), FILES);
    assert_eq!(place.around(), ["results"]);
    assert_eq!(place.rows("runs.csv").len(), 2);
}

#[test]
fn force_does_not_take_notes_away_with_the_results() {
    let place = results(&SMALL);
    let out = place.out();
    fs::write(place.path().join("notes.txt"), "mine").expect("files can be written");
    let before = place.text("manifest.json");
    assert_eq!(
        refusal(&["--out", &out, "--force"]),
        format!(
            "--out {out}: --force replaces results and nothing else: expected none but theirs in it, got \"notes.txt\""
        )
    );
    assert_eq!(place.text("notes.txt"), "mine");
    assert_eq!(place.text("manifest.json"), before);
    assert_eq!(place.around(), ["results"]);
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_the_runs() {
    let folder = Folder::empty().with("file", "");
    for out in [folder.file("file/results"), folder.file("nowhere/results")] {
        let line = refusal(&["--out", &out]);
        let expected = format!("--out {out}: a folder beside it cannot be made: ");
        assert!(line.starts_with(&expected), "{line}");
    }
    for out in ["/", ".."] {
        let expected = format!("--out {out}: expected the name of a folder that is not there yet");
        assert_eq!(refusal(&["--out", out]), expected);
    }
}

#[test]
fn a_run_that_is_not_made_has_no_pods() {
    let place = Place::new();
    let out = place.out();
    let line = |text| {
        refusal(&[
            "--seeds",
            "1..3",
            "--strategies",
            "fgd",
            "--out",
            &out,
            "--pods-of",
            text,
        ])
    };
    for wrong in ["fgd", "fgd@x", ""] {
        let expected =
            format!("--pods-of: expected [LIST/]STRATEGY@SEED, for example fgd@42, got {wrong:?}");
        assert_eq!(line(wrong), expected);
    }
    assert_eq!(
        line("random@1"),
        "--pods-of: expected a strategy of fgd, got \"random\""
    );
    assert_eq!(
        line("other/fgd@1"),
        "--pods-of: expected a list of demo, got \"other\""
    );
    assert_eq!(line("fgd@4"), "--pods-of: expected one of the seeds, got 4");
    assert_eq!(place.around(), [""; 0]);
}

#[test]
fn ctrl_c_writes_the_seeds_that_are_finished() {
    let place = Place::new();
    let arguments = ["--seeds", "1..5000", "--no-times"];
    let lines = place.interrupted(&arguments, Duration::from_secs(3));
    assert!(lines[1].starts_with("stowage: stopped: "), "{lines:?}");
    assert!(lines[1].contains("of 40000 runs are finished"), "{lines:?}");
    assert_eq!(place.around(), ["results"]);
    let manifest = place.json("manifest.json");
    let finished = manifest["runsFinished"].as_u64().expect("a number");
    assert!(
        finished > 0 && finished < 40_000 && finished.is_multiple_of(8),
        "{finished}"
    );
    assert_eq!(place.rows("runs.csv").len() as u64, finished + 1);
    let alone = results(&["--seeds", "1"]);
    let first = |place: &Place| place.rows("runs.csv")[1].clone();
    assert_eq!(
        first(&place),
        first(&alone),
        "what is finished is as it would have been"
    );
    let said = format!("This experiment was stopped: {}", "");
    assert!(place.text("report.html").contains(&said));
}
