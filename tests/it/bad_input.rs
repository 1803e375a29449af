//! Wrong input gives exit code 2, nothing on stdout and one line on stderr that says where it is,
//! what stands there and what should.

mod options;
mod replay;
mod scenario;
mod seeds;
mod trace;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_leaves_early_is_one_clear_line() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("stowage"))
        .args(["simulate", "--format", "json", "--seeds", "1..5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut first = [0];
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    stdout
        .read_exact(&mut first)
        .expect("there is a first byte");
    drop(stdout);
    let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let lines: Vec<_> = stderr.lines().map_while(Result::ok).collect();
    assert_eq!(
        lines,
        [
            "stowage: results cannot be written: stdout: the reader closed the pipe before it had all results"
        ]
    );
    assert_eq!(child.wait().expect("the program ends").code(), Some(2));
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
    super::support::stowage().assert().code(2).stdout("");
}
