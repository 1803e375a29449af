//! Scenario files that are wrong.

use crate::support::{Folder, refusal};

const GOOD: &str = "\
apiVersion: stowage.dev/v1alpha1
kind: Scenario
metadata:
  name: test
spec:
  seeds: 1..2
  policies:
    - strategy: fgd
      workload:
        coverPercent: 95
";

/// What is said about the good scenario with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is in the good scenario");
    scenario(GOOD.replacen(from, to, 1))
}

fn scenario(text: impl AsRef<[u8]>) -> String {
    let folder = Folder::empty().with("scenario.yaml", text);
    let file = folder.file("scenario.yaml");
    let line = refusal(&["--scenario", &file]);
    let place = format!("{file}:");
    line.strip_prefix(&place)
        .expect("the scenario is named")
        .to_owned()
}

#[test]
fn the_good_scenario_is_taken() {
    let folder = Folder::empty().with("scenario.yaml", GOOD);
    let result = crate::support::json(&["--scenario", &folder.file("scenario.yaml")]);
    assert_eq!(result["inputs"]["seeds"], serde_json::json!([1, 2]));
}

#[test]
fn a_missing_file_is_named() {
    let file = Folder::empty().file("none.yaml");
    let line = refusal(&["--scenario", &file]);
    assert!(
        line.starts_with(&format!("{file}: cannot be read: ")),
        "{line}"
    );
}

#[test]
fn yaml_that_cannot_be_parsed_is_placed() {
    for (line, text) in [
        (2, changed("kind: Scenario", "kind: }")),
        (1, scenario("")),
        (1, scenario("apiVersion: {stowage.dev/v1alpha1\n")),
    ] {
        assert!(text.starts_with(&format!("{line}:")), "{text}");
    }
}

#[test]
fn bytes_that_are_not_text_are_placed() {
    let text = b"apiVersion: stowage.dev/v1alpha1\nkind: \xff\n";
    assert_eq!(scenario(text), "2:7: expected UTF-8 text, got 0xff");
}

#[test]
fn an_unknown_field_is_told_which_there_are() {
    assert_eq!(
        changed("seeds:", "seed:"),
        "6:3: unknown field `seed`, expected one of mode, trace, nodes, replicate, lists, seeds, load, \
         nodeShare, cluster, coresPerGpu, memoryPerGpu, compress, queue, failures, failureRate, \
         onFailure, slowdown, policies"
    );
    let policy = changed("workload:", "workloads:");
    let expected = "9:7: unknown field `workloads`, expected one of name, strategy, parameters, \
                    workload";
    assert_eq!(policy, expected);
}

#[test]
fn a_missing_field_is_named() {
    let line = changed("kind: Scenario\n", "");
    assert!(line.ends_with(": missing field `kind`"), "{line}");
}

#[test]
fn a_field_that_is_there_twice_is_named() {
    let line = changed("  policies:", "  seeds: 3..4\n  policies:");
    assert_eq!(line, "7:3: expected each field once, got seeds again");
}

#[test]
fn another_version_or_kind_is_refused() {
    assert_eq!(
        changed("v1alpha1", "v2"),
        "1:13: unknown variant `stowage.dev/v2`, expected one of stowage.dev/v1alpha1"
    );
    let line = changed("kind: Scenario", "kind: Simulation");
    assert_eq!(
        line,
        "2:7: unknown variant `Simulation`, expected one of Scenario"
    );
}

#[test]
fn a_misspelt_strategy_gets_the_nearest() {
    let line = changed("strategy: fgd", "strategy: fdg");
    assert_eq!(
        line,
        "8:17: no strategy is called \"fdg\": did you mean \"fgd\"?"
    );
    let line = changed("strategy: fgd", "strategy: nonsense");
    assert!(
        line.ends_with(
            "expected one of random, least-allocated, most-allocated, \
                            dot-product, gpu-clustering, gpu-packing, best-fit, fgd"
        ),
        "{line}"
    );
}

#[test]
fn a_share_of_pods_outside_1_to_100_is_refused() {
    for wrong in ["0", "101"] {
        let line = changed("coverPercent: 95", &format!("coverPercent: {wrong}"));
        let expected = "10:23: coverPercent: expected a whole number from 1 to 100";
        assert_eq!(line, format!("{expected}, got {wrong}"));
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    let number = "expected a whole number from 0 to 4294967295";
    for (from, to, expected) in [
        (
            "95",
            "most",
            format!("10:23: coverPercent: {number}, got \"most\""),
        ),
        (
            "95",
            "-1",
            format!("10:23: coverPercent: {number}, got \"-1\""),
        ),
        (
            "seeds: 1..2",
            "seeds: [1, 2]",
            "6:10: seeds: expected text, got \"[1, 2]\"".to_owned(),
        ),
        (
            "seeds: 1..2",
            "lists: demo",
            "6:10: lists: expected a list, got \"demo\"".to_owned(),
        ),
        (
            "seeds: 1..2",
            "replicate: x",
            format!("6:14: replicate: {number}, got \"x\""),
        ),
    ] {
        assert_eq!(changed(from, to), expected);
    }
}

#[test]
fn a_field_without_its_fields_is_refused() {
    let line = changed("        coverPercent: 95", "");
    assert_eq!(line, "9:15: workload: expected fields, got \"\"");
}

#[test]
fn a_value_that_an_option_would_refuse_is_refused_where_it_stands() {
    for (field, expected) in [
        (
            "seeds: 5..1",
            "6:10: seeds: expected the smaller number first, got \"5..1\"",
        ),
        (
            "nodes: cpu",
            "6:10: nodes: expected gpu or all, got \"cpu\"",
        ),
        (
            "trace: philly",
            "6:10: trace: expected demo, openb or openb:DIR, got \"philly\" (is mode: replay missing?)",
        ),
        (
            "replicate: 0",
            "6:14: replicate: expected 1 to 8333 for 1200 nodes or pods, got 0",
        ),
        (
            "load: 0",
            "6:9: load: expected a share of GPU capacity from 0.001 to 100, or \"list\", got \"0\"",
        ),
        (
            "lists: [demo, demo]",
            " lists: expected each list once, got \"demo\" twice",
        ),
    ] {
        assert_eq!(changed("seeds: 1..2", field), expected);
    }
}

#[test]
fn two_policies_of_one_name_are_refused() {
    let line = changed(
        "    - strategy: fgd",
        "    - strategy: fgd\n    - strategy: fgd",
    );
    assert_eq!(
        line,
        " policies: expected different names, got \"fgd\" twice"
    );
}

#[test]
fn a_file_too_large_for_a_scenario_is_refused_unread() {
    let text = format!("{GOOD}#{}", "x".repeat(1 << 20));
    let length = text.len();
    let expected = format!(" cannot be read: {length} bytes: expected at most 1048576");
    assert_eq!(scenario(text), expected);
}
