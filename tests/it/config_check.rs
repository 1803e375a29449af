//! `stowage config check`: what is shipped fits together, and what does not is said in words that tell
//! what to change.

use std::path::Path;
use std::process::{Command, Output};

const HEAD: &str = "apiVersion: stowage.dev/v1alpha1\nkind: ServerConfiguration\n";

/// Checks a server configuration against a file of `scheduler-config/`.
fn check(server: &str, scheduler: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("server.yaml");
    std::fs::write(&file, format!("{HEAD}{server}\n")).expect("it is written");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scheduler-config");
    Command::new(env!("CARGO_BIN_EXE_stowage"))
        .args(["config", "check"])
        .arg(file)
        .arg("--scheduler")
        .arg(shipped.join(scheduler))
        .output()
        .expect("stowage runs")
}

fn profile(mode: &str) -> String {
    format!("profiles: [{{schedulerName: stowage, mode: {mode}}}]")
}

#[test]
fn shipped_configurations_match_their_modes() {
    let shipped = [
        ("soft-first", "secondary-scheduler.yaml"),
        ("decisive", "secondary-scheduler-decisive.yaml"),
        ("advisory", "secondary-scheduler-advisory.yaml"),
    ];
    for (mode, file) in shipped {
        let output = check(&profile(mode), file);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{file}: {said}");
    }
}

#[test]
fn mismatches_say_what_is_expected() {
    let cases = [
        (
            profile("soft-first"),
            "secondary-scheduler-advisory.yaml",
            "NodeResourcesFit",
        ),
        (
            profile("decisive"),
            "secondary-scheduler.yaml",
            "weight: decisive needs more than",
        ),
        (
            "listen: 127.0.0.1:9999".to_owned(),
            "secondary-scheduler.yaml",
            "http://127.0.0.1:9999",
        ),
        (
            "times: {bindDeadlineMs: 9000}".to_owned(),
            "secondary-scheduler.yaml",
            "got 5000 ms",
        ),
        (
            "profiles: [{schedulerName: other}]".to_owned(),
            "secondary-scheduler.yaml",
            "expected one for schedulerName \"other\"",
        ),
    ];
    for (server, scheduler, expected) in cases {
        let output = check(&server, scheduler);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{server}: {said}");
        assert!(said.contains(expected), "{server}: {said}");
    }
}

#[test]
fn configuration_that_is_not_understood_is_refused_in_one_line() {
    let cases = [
        ("times: {wrong: 1}", "unknown field `wrong`"),
        (
            "times: {apiServerTimeoutMs: 0}",
            "times.apiServerTimeoutMs: expected 1 to 3600000, got 0",
        ),
        (
            "limits: {nodes: 0}",
            "limits.nodes: expected 1 to 1000000, got 0",
        ),
        ("profiles: []", "profiles: expected at least one"),
        (
            "profiles: [{schedulerName: a, mode: advisory, shortLists: true}]",
            "shortLists: expected false in advisory mode",
        ),
        (
            "lease: {namespace: a, name: b}\ntimes: {bindDeadlineMs: 5000}",
            "times.bindDeadlineMs: expected less than 5000 with a lease",
        ),
    ];
    for (server, expected) in cases {
        let output = check(server, "secondary-scheduler.yaml");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{server}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(expected), "{server}: {said}");
    }
}
