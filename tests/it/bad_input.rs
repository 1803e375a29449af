//! Wrong input gives exit code 2, nothing on stdout and one line on stderr that says where it is,
//! what stands there and what should.

mod options;
mod replay;
mod scenario;
mod seeds;
mod trace;

use std::net::TcpListener;
use std::time::Duration;

use crate::support::{Folder, refusal_of, stowage, told_a_reader_that_leaves};

#[test]
fn a_reader_that_leaves_early_is_one_clear_line() {
    let arguments = ["simulate", "--format", "json", "--seeds", "1..5"];
    let lines = told_a_reader_that_leaves(&arguments);
    assert_eq!(
        lines,
        [
            "stowage: results cannot be written: stdout: the reader closed the pipe before it had all results"
        ]
    );
}

#[test]
fn an_address_that_is_taken_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("an address is free");
    let taken = holder.local_addr().expect("it has one").to_string();
    for (listen, health) in [(&*taken, "127.0.0.1:0"), ("127.0.0.1:0", &*taken)] {
        let mut command = stowage();
        command.args(["serve", "--demo", "--listen", listen, "--health", health]);
        let assert = command.timeout(Duration::from_secs(60)).assert().code(2);
        let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        let last = said.lines().last().unwrap_or_default();
        let expected = format!("stowage: {taken}: Address already in use");
        assert!(last.starts_with(&expected), "{said}");
    }
}

#[test]
fn a_kubeconfig_that_is_not_there_is_said_once() {
    let home = Folder::empty();
    let home = home.path().to_str().expect("names are text");
    for more in [&[][..], &["--kubeconfig", "no such file"]] {
        let mut command = stowage();
        command.env("HOME", home).env_remove("KUBECONFIG");
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--health",
            "127.0.0.1:0",
        ]);
        let line = refusal_of(command.args(more));
        let times = line.matches("No such file or directory").count();
        assert_eq!(times, 1, "{line}");
    }
}

#[test]
fn what_clap_refuses_is_exit_code_2_too() {
    for args in [
        &["--jobs", "0"][..],
        &["--no-such-option"],
        &["--format", "xml"],
    ] {
        super::support::simulate(args).assert().code(2).stdout("");
    }
    stowage().assert().code(2).stdout("");
}
