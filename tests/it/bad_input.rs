//! Wrong input gives exit code 2, nothing on stdout and one line on stderr that says where it is,
//! what stands there and what should.

mod options;
mod replay;
mod scenario;
mod seeds;
mod trace;

use crate::support::told_a_reader_that_leaves;

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
