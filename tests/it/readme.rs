//! What README.md shows is what is printed.
//!
//! Times are of the machine at hand, so that of a comparison only its digest is looked for; tables on the
//! public trace are the business of `openb`.

use crate::support::{output, stowage};

const README: &str = include_str!("../../README.md");

/// What is printed with `args`, whatever the exit code.
fn printed(args: &[&str]) -> String {
    let output = stowage().args(args).output().expect("it can be started");
    String::from_utf8(output.stdout).expect("output is text")
}

#[test]
fn the_readme_shows_what_is_printed() {
    for args in [
        &["inspect", "--demo"][..],
        &["explain", "--demo", "lab/sweep-0"],
    ] {
        let block = format!("```text\n{}```\n", printed(args));
        assert!(README.contains(&block), "{args:?} prints\n{block}");
    }
    let text = output(&[]);
    let digest = text.lines().find(|line| line.starts_with("Digest "));
    let digest = digest.expect("it is printed");
    assert!(README.contains(&format!("\n{digest}\n")), "{digest}");
}
