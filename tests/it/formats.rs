//! What is printed: JSON, CSV, Markdown and the table, thresholds, and what goes to stderr.

use serde_json::Value;

use crate::support::{Folder, json, output, simulate};

const STRATEGIES: [&str; 8] = [
    "random",
    "least-allocated",
    "most-allocated",
    "dot-product",
    "gpu-clustering",
    "gpu-packing",
    "best-fit",
    "fgd",
];

fn keys(value: &Value) -> Vec<&str> {
    let fields = value.as_object().expect("an object");
    let mut keys: Vec<_> = fields.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn json_has_the_documented_shape() {
    let result = json(&["--seeds", "1..2"]);
    let top = ["apiVersion", "digest", "inputs", "kind", "runs", "summary"];
    assert_eq!(keys(&result), top);
    assert_eq!(result["apiVersion"], "stowage.dev/v1alpha1");
    assert_eq!(result["kind"], "SimulationResult");
    let digest = result["digest"].as_str().expect("text");
    assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()));

    let inputs = &result["inputs"];
    assert_eq!(inputs["trace"], "demo");
    assert_eq!(inputs["seeds"], serde_json::json!([1, 2]));
    assert_eq!(
        (&inputs["nodes"], &inputs["load"]),
        (&64.into(), &"1.3".into())
    );
    let policies = inputs["policies"].as_array().expect("a list");
    let names: Vec<_> = policies.iter().map(|policy| &policy["name"]).collect();
    assert_eq!(names, STRATEGIES);

    let summary = result["summary"].as_array().expect("a list");
    let named: Vec<_> = summary.iter().map(|entry| &entry["strategy"]).collect();
    assert_eq!(named, STRATEGIES);
    for entry in summary {
        assert_eq!(
            (&entry["list"], &entry["runs"]),
            (&"demo".into(), &2.into())
        );
        for spread in ["allocatedPercent", "fragmentedPercent", "refusedPods"] {
            assert_eq!(
                keys(&entry[spread]),
                ["max", "mean", "min", "sd"],
                "{spread}"
            );
        }
        assert_eq!(keys(&entry["decisionMicros"]), ["max", "p50", "p99"]);
    }

    let runs = result["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 16);
    for run in runs {
        assert_eq!(run["list"], "demo");
        assert!(STRATEGIES.contains(&run["strategy"].as_str().expect("text")));
        assert!([1, 2].contains(&run["seed"].as_u64().expect("a number")));
        for curve in ["curve", "fragmentedCurve"] {
            let curve = run[curve].as_array().expect("a list");
            assert_eq!(curve.len(), 131);
            assert!(
                curve
                    .iter()
                    .all(|x| x.as_f64().is_some_and(|x| (0.0..=100.0).contains(&x)))
            );
        }
    }
}

#[test]
fn the_summary_is_the_mean_of_its_runs() {
    let result = json(&["--strategies", "fgd,random", "--seeds", "1..3"]);
    for (index, entry) in result["summary"]
        .as_array()
        .expect("a list")
        .iter()
        .enumerate()
    {
        let runs = &result["runs"].as_array().expect("a list")[3 * index..3 * index + 3];
        let values = runs
            .iter()
            .map(|run| run["allocatedPercent"].as_f64().expect("a number"));
        let (sum, max) = values.fold((0.0, 0.0_f64), |(sum, max), x| (sum + x, max.max(x)));
        let spread = &entry["allocatedPercent"];
        assert!((spread["mean"].as_f64().expect("a number") - sum / 3.0).abs() < 1e-4);
        assert_eq!(spread["max"].as_f64(), Some(max));
    }
}

#[test]
fn without_times_there_are_none() {
    let result = json(&["--seeds", "1", "--no-times"]);
    assert_eq!(result["summary"][0].get("decisionMicros"), None);
    let table = output(&["--seeds", "1", "--no-times"]);
    assert!(!table.contains("µs"), "{table}");
}

#[test]
fn csv_has_a_row_a_run() {
    let text = output(&["--seeds", "1..2", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<_> = reader.headers().expect("a header").iter().collect();
    let columns = [
        "list",
        "strategy",
        "seed",
        "arrivals",
        "arrived_pods",
        "refused_pods",
        "first_refusal_percent",
        "allocated_percent",
        "unallocated_gpus",
        "fragmented_percent",
    ];
    assert_eq!(header, columns);
    let rows: Vec<_> = reader
        .records()
        .collect::<Result<_, _>>()
        .expect("rows parse");
    assert_eq!(rows.len(), 16);
    let result = json(&["--seeds", "1..2"]);
    for (row, run) in rows.iter().zip(result["runs"].as_array().expect("a list")) {
        assert_eq!(row[1], *run["strategy"].as_str().expect("text"));
        assert_eq!(row[2].parse::<u64>().ok(), run["seed"].as_u64());
        assert_eq!(row[7].parse::<f64>().ok(), run["allocatedPercent"].as_f64());
    }
}

#[test]
fn csv_quotes_a_name_with_a_comma() {
    let folder = Folder::tiny().with("openb_pod_list_a,b.csv", crate::support::PODS);
    let args = [
        "--trace",
        &folder.trace(),
        "--list",
        "a,b",
        "--format",
        "csv",
    ];
    let text = output(&args);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = reader.records().next().expect("a row").expect("it parses");
    assert_eq!(&row[0], "a,b");
}

/// The best strategy by the JSON.
fn best(args: &[&str]) -> String {
    let result = json(args);
    let mean = |entry: &&Value| {
        entry["allocatedPercent"]["mean"]
            .as_f64()
            .expect("a number")
    };
    let summary = result["summary"].as_array().expect("a list").iter();
    let best = summary
        .max_by(|a, b| mean(a).total_cmp(&mean(b)))
        .expect("one is best");
    best["strategy"].as_str().expect("text").to_owned()
}

#[test]
fn tables_name_all_strategies_and_mark_the_best() {
    let best = best(&["--seeds", "1..2"]);
    for format in ["table", "markdown"] {
        let text = output(&["--seeds", "1..2", "--format", format]);
        let rows = text.lines().filter(|line| line.starts_with(['│', '|']));
        let names: Vec<_> = rows
            .filter_map(|row| {
                row.split(['│', '┆', '|'])
                    .map(str::trim)
                    .find(|c| !c.is_empty())
            })
            .filter(|name| STRATEGIES.iter().any(|s| name.split(' ').next() == Some(s)))
            .collect();
        let expected = STRATEGIES.map(|name| match name == best {
            true => format!("{name} *"),
            false => name.to_owned(),
        });
        assert_eq!(names, expected, "{format}");
    }
}

#[test]
fn a_threshold_that_is_met_is_exit_code_0() {
    for met in [
        "fgd.allocated >= 50",
        "fgd.refused > 0",
        "demo/fgd.first-refusal<130",
    ] {
        simulate(&["--seeds", "1", "--require", met])
            .assert()
            .code(0)
            .stderr("");
    }
}

#[test]
fn a_threshold_that_is_missed_is_named_with_what_was_reached() {
    let args = [
        "--seeds",
        "1",
        "--strategies",
        "fgd",
        "--no-times",
        "--format",
        "json",
    ];
    let plain = output(&args);
    let result: Value = serde_json::from_str(&plain).expect("JSON");
    let reached = &result["summary"][0]["allocatedPercent"]["mean"];
    let missed = "fgd.allocated >= 99.99";
    let thresholds = ["--require", "fgd.allocated > 1", "--require", missed];
    let expected = format!("stowage: missed {missed:?} on list demo: {reached}\n");
    simulate(&[&args[..], &thresholds].concat())
        .assert()
        .code(1)
        .stdout(plain)
        .stderr(expected);
}

#[test]
fn a_threshold_on_a_first_refusal_that_never_came_is_missed() {
    simulate(&["--seeds", "1", "--strategies", "fgd", "--load", "0.1"])
        .args(["--require", "fgd.first-refusal >= 1"])
        .assert()
        .code(1)
        .stderr("stowage: missed \"fgd.first-refusal >= 1\" on list demo: no pod was refused\n");
}

#[test]
fn there_are_no_colours_and_no_progress_where_nobody_looks() {
    for value in ["", "1"] {
        let assert = simulate(&["--seeds", "1"]).env("NO_COLOR", value).assert();
        let assert = assert.code(0).stderr("");
        let escape = assert.get_output().stdout.contains(&0x1b);
        assert!(!escape, "NO_COLOR={value:?} prints no escape sequences");
    }
}

#[test]
fn the_demo_ends_with_how_to_go_on() {
    let text = output(&["--seeds", "1"]);
    let lines: Vec<_> = text.lines().rev().take(2).collect();
    assert!(lines[1].starts_with("On the public trace: stowage simulate --trace openb:DIR"));
    assert!(lines[0].starts_with("On your own data: "));
    let other = output(&["--trace", &Folder::tiny().trace()]);
    assert!(!other.contains("On your own data"), "only the demo says so");
}

#[test]
fn results_say_whether_the_order_was_published_or_drawn() {
    let folder = Folder::published();
    let trace = folder.trace();
    let order = |args: &[&str]| {
        let text = output(&[&["--trace", &trace, "--strategies", "fgd"], args].concat());
        let mut lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("Arrival order: "));
        lines.next().expect("the order is said").to_owned()
    };
    assert_eq!(order(&["--seeds", "42"]), "as published.");
    let mixed = "as published in 1 runs, drawn from the seed in 1.";
    assert_eq!(order(&["--seeds", "42..43"]), mixed);
    let drawn = "drawn from the seed in all 1 runs.";
    assert_eq!(order(&["--seeds", "43"]), drawn);
    assert_eq!(order(&["--seeds", "42", "--load", "list"]), drawn);
    assert_eq!(order(&["--seeds", "42", "--load", "1.4"]), drawn);
    assert_eq!(order(&["--seeds", "42", "--replicate", "2"]), drawn);
    let result = json(&[
        "--trace",
        &trace,
        "--strategies",
        "fgd",
        "--seeds",
        "42..43",
    ]);
    let arrivals = [0, 1].map(|run| result["runs"][run]["arrivals"].clone());
    assert_eq!(arrivals, ["published", "drawn"]);
}

#[test]
fn a_published_order_is_replayed_as_written() {
    // A whole GPU, half of one, a whole one: two and a half of four.
    let folder = Folder::published();
    let result = json(&[
        "--trace",
        &folder.trace(),
        "--strategies",
        "fgd",
        "--seeds",
        "42",
    ]);
    let run = &result["runs"][0];
    assert_eq!(
        (&run["arrivedPods"], &run["refusedPods"]),
        (&3.into(), &0.into())
    );
    assert_eq!(run["allocatedPercent"], 62.5);
}
