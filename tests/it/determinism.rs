//! Same input, same bytes: whatever the threads, whatever the time it took.

use crate::support::{Folder, json, output};

fn bytes(more: &[&str]) -> String {
    output(&[&["--no-times", "--format", "json"], more].concat())
}

fn digest(args: &[&str]) -> String {
    let result = json(args);
    result["digest"]
        .as_str()
        .expect("a digest is text")
        .to_owned()
}

#[test]
fn the_same_command_prints_the_same_bytes() {
    assert_eq!(bytes(&[]), bytes(&[]));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let one = bytes(&["--jobs", "1"]);
    assert_eq!(one, bytes(&["--jobs", "4"]));
    assert_eq!(one, bytes(&[]));
}

#[test]
fn the_digest_covers_what_happened_and_not_how_long_it_took() {
    let timed = digest(&["--jobs", "4"]);
    assert_eq!(timed, digest(&["--jobs", "1"]));
    assert_eq!(timed, digest(&["--no-times"]));
}

#[test]
fn other_inputs_give_another_digest() {
    let digests = [
        digest(&[]),
        digest(&["--seeds", "7"]),
        digest(&["--seeds", "8"]),
        digest(&["--load", "1.2"]),
        digest(&["--replicate", "2"]),
        digest(&["--strategies", "fgd"]),
    ];
    for (index, digest) in digests.iter().enumerate() {
        assert!(
            !digests[..index].contains(digest),
            "digest {index} is not its own"
        );
    }
}

#[test]
fn a_seed_does_not_depend_on_its_company() {
    let alone = json(&["--seeds", "8", "--strategies", "random"]);
    let among = json(&["--seeds", "7..9", "--strategies", "fgd,random"]);
    let runs = among["runs"].as_array().expect("runs are a list");
    assert!(runs.contains(&alone["runs"][0]));
}

#[test]
fn rows_of_a_list_may_come_in_any_order() {
    let lines: Vec<_> = crate::support::PODS.lines().collect();
    let turned = format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]);
    let folder = Folder::tiny().with("openb_pod_list_default.csv", turned);
    let read = |folder: &Folder| json(&["--trace", &folder.trace()])["digest"].clone();
    assert_eq!(read(&folder), read(&Folder::tiny()));
}
