//! Every folder in `simulations/` holds a scenario and its golden result: summary and digest.
//!
//! `STOWAGE_UPDATE_GOLDEN=1` writes what comes out; the difference is then explained in the commit.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stowage::config::scenario::Scenario;

use crate::support::{Folder, json, stowage, traces};

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations");
    let entries = fs::read_dir(all).expect("there are simulations");
    let paths = entries.map(|entry| entry.expect("folders can be listed").path());
    let mut folders: Vec<_> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The golden part of a scenario's result, or none if its trace is not there.
fn run(file: &Path) -> Option<String> {
    let scenario = Scenario::read(file).expect("scenarios of the project are valid");
    let public = scenario
        .spec
        .trace
        .is_some_and(|trace| trace.value == "openb");
    let mut command = stowage();
    if public {
        println!("{}: on the public trace", file.display());
        command.env("STOWAGE_TRACES", traces()?);
    }
    command.args(["simulate", "--no-times", "--format", "json", "--scenario"]);
    let assert = command.arg(file).assert().code(0).stderr("");
    let result: Value = serde_json::from_slice(&assert.get_output().stdout).expect("JSON");
    let golden = serde_json::json!({
        "digest": result["digest"],
        "summary": result["summary"],
    });
    let text = serde_json::to_string_pretty(&golden).expect("JSON can be written");
    Some(text + "\n")
}

#[test]
fn every_scenario_gives_its_golden_result() {
    let folders = folders();
    assert!(folders.len() >= 2, "expected scenarios, got {folders:?}");
    let update = std::env::var("STOWAGE_UPDATE_GOLDEN").is_ok_and(|value| value == "1");
    for folder in folders {
        let Some(result) = run(&folder.join("scenario.yaml")) else {
            continue;
        };
        let golden = folder.join("golden.json");
        if update {
            fs::write(&golden, &result).expect("golden results can be written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        let name = golden.display();
        assert!(
            result == expected,
            "{name} is not what comes out (STOWAGE_UPDATE_GOLDEN=1 writes it); now:\n{result}"
        );
    }
}

#[test]
fn a_scenario_says_what_the_options_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations/demo/scenario.yaml");
    let file = file.display().to_string();
    let plain = json(&["--seeds", "42..46"]);
    assert_eq!(json(&["--scenario", &file])["digest"], plain["digest"]);
}

#[test]
fn options_override_a_scenario() {
    let text = "\
apiVersion: stowage.dev/v1alpha1
kind: Scenario
metadata: {name: overridden}
spec:
  trace: openb:nowhere
  nodes: all
  replicate: 3
  lists: [none]
  seeds: 1..9
  load: 0.5
  policies: [{strategy: best-fit}]
";
    let folder = Folder::empty().with("scenario.yaml", text);
    let file = folder.file("scenario.yaml");
    let options = [
        ["--trace", "demo"],
        ["--nodes", "gpu"],
        ["--replicate", "1"],
        ["--list", "demo"],
        ["--seeds", "4"],
        ["--load", "1.1"],
        ["--strategies", "random"],
    ]
    .concat();
    let with = json(&[&["--scenario", &file], &options[..]].concat());
    let without = json(&options);
    assert_eq!(with["inputs"], without["inputs"]);
    assert_eq!(with["digest"], without["digest"]);
}

#[test]
fn a_folder_is_looked_for_beside_the_scenario_and_an_option_where_one_stands() {
    let text = "\
apiVersion: stowage.dev/v1alpha1
kind: Scenario
metadata: {name: beside}
spec:
  trace: openb:data
";
    let folder = Folder::empty()
        .with("scenario.yaml", text)
        .with("data/openb_node_list_gpu_node.csv", crate::support::NODES)
        .with("data/openb_pod_list_default.csv", crate::support::PODS);
    let result = json(&["--scenario", &folder.file("scenario.yaml")]);
    assert_eq!(result["inputs"]["nodes"], 2);
    let mut command = stowage();
    command.args(["simulate", "--trace", "openb:data"]);
    command.current_dir(folder.path()).assert().code(0);
}

#[test]
fn policies_carry_their_names_parameters_and_workloads() {
    let text = "\
apiVersion: stowage.dev/v1alpha1
kind: Scenario
metadata: {name: policies}
spec:
  seeds: 42..44
  policies:
    - strategy: fgd
    - name: fgd-half
      strategy: fgd
      workload: {source: list, coverPercent: 50}
    - strategy: most-allocated
      parameters: {gpuWeight: 5}
    - name: cores-only
      strategy: most-allocated
      parameters: {gpuWeight: 0}
";
    let folder = Folder::empty().with("scenario.yaml", text);
    let result = json(&["--scenario", &folder.file("scenario.yaml")]);
    let summary = result["summary"].as_array().expect("a list");
    let names: Vec<_> = summary.iter().map(|entry| &entry["strategy"]).collect();
    assert_eq!(names, ["fgd", "fgd-half", "most-allocated", "cores-only"]);
    let fragments = |index: usize| &summary[index]["fragmentedPercent"];
    assert_ne!(
        fragments(0),
        fragments(1),
        "what is looked ahead with matters"
    );
    let allocated = |index: usize| &summary[index]["allocatedPercent"];
    assert_ne!(allocated(2), allocated(3), "the weight of GPUs matters");
}
