//! Node and pod lists that are wrong, each in one way.

use crate::support::{Folder, NODES, PODS, refusal};

const NODE_FILE: &str = "openb_node_list_gpu_node.csv";
const POD_FILE: &str = "openb_pod_list_default.csv";
const NO_MODEL: &str = "a GPU model where gpu is above 0, nothing elsewhere";
const LIMIT: &str = "a whole number from 0 to 2147483647";
const MODELS: &str = "models of letters, digits and -_./+ joined by |, none of them empty";
const ONE_LINE: &str = "a value on one line (is a quote left open?)";

/// What is said about a list of the valid pods and `row` on line 4.
fn pod(row: &str) -> String {
    pods(format!("{PODS}{row}\n"))
}

fn pods(text: impl AsRef<[u8]>) -> String {
    let line = Folder::tiny().with(POD_FILE, text).refusal(&[]);
    let place = format!("{POD_FILE}:");
    line.strip_prefix(&place)
        .expect("the pod list is named")
        .to_owned()
}

fn node(row: &str) -> String {
    nodes(&format!("{NODES}{row}\n"))
}

fn nodes(text: &str) -> String {
    let line = Folder::tiny().with(NODE_FILE, text).refusal(&[]);
    let place = format!("{NODE_FILE}:");
    line.strip_prefix(&place)
        .expect("the node list is named")
        .to_owned()
}

fn value(line: u64, column: &str, expected: &str, got: &str) -> String {
    format!("{line}: column {column}: expected {expected}, got {got:?}")
}

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::empty();
    let line = refusal(&["--trace", &format!("{}/nowhere", folder.trace())]);
    let place = format!("{}: cannot be read: ", folder.file("nowhere"));
    assert!(line.starts_with(&place), "{line}");
}

#[test]
fn a_folder_without_pod_lists_is_told_what_belongs_there() {
    let folder = Folder::empty();
    let expected = "cannot be read: expected at least one openb_pod_list_NAME.csv in it";
    let line = format!("{}: {expected}", folder.path().display());
    assert_eq!(folder.refusal(&[]), line);
}

#[test]
fn a_missing_node_list_is_named() {
    let line = Folder::tiny().without(NODE_FILE).refusal(&[]);
    assert!(
        line.starts_with(&format!("{NODE_FILE}: cannot be read: ")),
        "{line}"
    );
}

#[test]
fn a_folder_in_place_of_a_list_is_named() {
    let line = Folder::tiny()
        .without(NODE_FILE)
        .with(&format!("{NODE_FILE}/x"), "")
        .refusal(&[]);
    assert!(
        line.starts_with(&format!("{NODE_FILE}: cannot be read: ")),
        "{line}"
    );
}

#[test]
fn an_unknown_list_is_told_which_there_are() {
    let folder = Folder::tiny().with("openb_pod_list_mine.csv", PODS);
    let line = folder.refusal(&["--list", "deflaut"]);
    let dir = folder.path().display();
    assert_eq!(
        line,
        format!("{dir}: no list \"deflaut\": expected one of default, mine")
    );
}

#[test]
fn a_renamed_column_is_named() {
    let line = pods(PODS.replace("num_gpu", "gpus"));
    assert!(
        line.starts_with("1: header: column 4: expected name,cpu_milli,"),
        "{line}"
    );
    assert!(line.ends_with(", got \"gpus\""), "{line}");
}

#[test]
fn a_missing_column_is_named() {
    let expected = "name,cpu_milli,memory_mib,num_gpu,gpu_milli";
    let got = "name,cpu_milli,memory_mib,num_gpu";
    assert_eq!(
        pods("name,cpu_milli,memory_mib,num_gpu\na,1,1,1\n"),
        format!("1: header: column gpu_milli is missing: expected {expected}, got {got:?}")
    );
}

#[test]
fn a_column_that_is_there_twice_is_named() {
    assert_eq!(
        nodes("sn,cpu_milli,memory_mib,gpu,model,gpu\n"),
        "1: header: expected column \"gpu\" once, got \"sn,cpu_milli,memory_mib,gpu,model,gpu\""
    );
}

#[test]
fn an_unknown_column_is_named() {
    assert_eq!(
        nodes("sn,cpu_milli,memory_mib,gpu,model,zone\n"),
        "1: header: column 6: expected sn,cpu_milli,memory_mib,gpu,model, got \"zone\""
    );
}

#[test]
fn a_count_that_is_no_whole_number_in_range_is_refused() {
    for wrong in [
        "-1",
        "1.5",
        "",
        "99999999999999999999",
        "2147483648",
        "+1",
        " 1",
        "1e3",
        "NaN",
    ] {
        let row = format!("pod-2,{wrong},1024,1,1000,");
        assert_eq!(pod(&row), value(4, "cpu_milli", LIMIT, wrong));
        let row = format!("node-c,8000,{wrong},1,T4");
        assert_eq!(node(&row), value(4, "memory_mib", LIMIT, wrong));
    }
}

#[test]
fn more_devices_than_a_node_may_have_are_refused() {
    for count in ["65", "-1", ""] {
        let expected = "a whole number from 0 to 64";
        let row = format!("pod-2,1000,1024,{count},1000,");
        assert_eq!(pod(&row), value(4, "num_gpu", expected, count));
        let row = format!("node-c,1000,1024,{count},T4");
        assert_eq!(node(&row), value(4, "gpu", expected, count));
    }
}

#[test]
fn a_share_above_one_device_is_refused() {
    let expected = "a whole number from 0 to 1000";
    assert_eq!(
        pod("pod-2,1000,1024,1,1001,"),
        value(4, "gpu_milli", expected, "1001")
    );
}

#[test]
fn a_gpu_without_a_share_and_a_share_without_a_gpu_are_refused() {
    let expected = "1 to 1000 where num_gpu is above 0, 0 elsewhere";
    assert_eq!(
        pod("pod-2,1000,1024,1,0,"),
        value(4, "gpu_milli", expected, "0")
    );
    assert_eq!(
        pod("pod-2,1000,1024,0,500,"),
        value(4, "gpu_milli", expected, "500")
    );
}

#[test]
fn an_empty_model_in_gpu_spec_is_refused() {
    for spec in ["T4||P100", "T4|", "|T4", "|", "T 4"] {
        let row = format!("pod-2,1000,1024,1,1000,{spec}");
        assert_eq!(pod(&row), value(4, "gpu_spec", MODELS, spec));
    }
}

#[test]
fn an_open_quote_is_found_in_the_last_column() {
    let text = format!("{PODS}pod-2,1000,1024,1,1000,\"T4");
    assert_eq!(pods(&text), value(4, "gpu_spec", ONE_LINE, "T4"));
    let swallowed = "T4\npod-3,1,1,0,0,\n";
    let text = format!("{PODS}pod-2,1000,1024,1,1000,\"{swallowed}");
    assert_eq!(pods(&text), value(4, "gpu_spec", ONE_LINE, swallowed));
}

#[test]
fn an_open_quote_is_found_in_a_middle_column() {
    let text =
        "name,cpu_milli,memory_mib,num_gpu,gpu_spec,gpu_milli\na,1,1,1,\"T4,500\nb,1,1,1,,1\n";
    assert_eq!(
        pods(text),
        value(2, "gpu_spec", ONE_LINE, "T4,500\nb,1,1,1,,1\n")
    );
}

#[test]
fn a_quote_that_closes_lines_later_is_found_even_in_a_column_nobody_reads() {
    let text = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,qos\na,1,1,1,1,\"LS\nb,1,1,1,1,LS\"\n";
    assert_eq!(pods(text), value(2, "qos", ONE_LINE, "LS\nb,1,1,1,1,LS"));
}

#[test]
fn quoted_values_are_read_like_others() {
    let folder = Folder::tiny().with(POD_FILE, PODS.replace("T4|P100", "\"T4|P100\""));
    let plain = Folder::tiny();
    let read = |folder: &Folder| {
        let result = crate::support::json(&["--trace", &folder.trace(), "--no-times"]);
        result["digest"].clone()
    };
    assert_eq!(read(&folder), read(&plain));
}

#[test]
fn a_name_that_is_there_twice_is_named_with_both_lines() {
    let expected = "a name of its own (it is in line 2 too)";
    assert_eq!(
        pod("pod-0,1000,1024,1,1000,"),
        value(4, "name", expected, "pod-0")
    );
    assert_eq!(
        node("node-a,1000,1024,1,T4"),
        value(4, "sn", expected, "node-a")
    );
}

#[test]
fn an_empty_name_is_refused() {
    assert_eq!(pod(",1000,1024,1,1000,"), value(4, "name", "a name", ""));
    assert_eq!(node(",1000,1024,1,T4"), value(4, "sn", "a name", ""));
}

#[test]
fn a_list_without_pods_or_without_gpu_pods_is_refused() {
    let header = PODS.lines().next().expect("a header");
    let expected = "2: expected at least one pod with a GPU, got none";
    assert_eq!(pods(format!("{header}\n")), expected);
    assert_eq!(pods(format!("{header}\npod-0,1000,1024,0,0,\n")), expected);
}

#[test]
fn an_empty_file_has_no_header() {
    let columns = "name,cpu_milli,memory_mib,num_gpu,gpu_milli";
    let expected = format!("1: header: column name is missing: expected {columns}, got \"\"");
    assert_eq!(pods(""), expected);
    assert_eq!(pods("\n\n"), expected);
}

#[test]
fn a_cluster_without_nodes_or_without_gpus_is_refused() {
    let header = NODES.lines().next().expect("a header");
    let expected = "2: expected at least one node with a GPU, got none";
    assert_eq!(nodes(&format!("{header}\n")), expected);
    assert_eq!(nodes(&format!("{header}\nnode-a,1000,1024,0,\n")), expected);
}

#[test]
fn gpus_without_a_model_and_a_model_without_gpus_are_refused() {
    assert_eq!(node("node-c,1000,1024,1,"), value(4, "model", NO_MODEL, ""));
    assert_eq!(
        node("node-c,1000,1024,0,T4"),
        value(4, "model", NO_MODEL, "T4")
    );
}

#[test]
fn bytes_that_are_not_text_are_placed() {
    let text = [PODS.as_bytes(), b"pod-\xff,1000,1024,1,1000,\n"].concat();
    assert_eq!(
        pods(text),
        "4: byte 5 of the line: expected UTF-8 text, got 0xff"
    );
}

#[test]
fn a_row_of_another_length_than_the_header_is_refused() {
    assert_eq!(
        pod("pod-2,1000,1024"),
        "4: expected 6 columns, got 3: \"pod-2,1000,1024\""
    );
    let long = "pod-2,1000,1024,1,1000,T4,T4";
    assert_eq!(pod(long), format!("4: expected 6 columns, got 7: {long:?}"));
}

#[test]
fn lines_are_counted_as_editors_do() {
    let wrong = value(5, "gpu_milli", "a whole number from 0 to 1000", "x");
    let blank = PODS.replacen("pod-1", "\npod-1", 1) + "pod-2,1000,1024,1,x,\n";
    assert_eq!(pods(&blank), wrong);
    assert_eq!(pods(blank.replace('\n', "\r\n")), wrong);
    assert_eq!(pods(format!("\u{feff}{blank}")), wrong);
}

#[test]
fn a_long_value_is_quoted_in_part() {
    let long = "9".repeat(100);
    let line = pod(&format!("pod-2,{long},1024,1,1000,"));
    assert_eq!(
        line,
        value(4, "cpu_milli", LIMIT, &format!("{}…", "9".repeat(60)))
    );
}
