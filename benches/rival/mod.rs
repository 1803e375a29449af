//! The do-nothing extender in Go that Stowage is measured against: built once, started as a process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A process that ends with this value.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds it in `folder`, if there is Go.
pub(crate) fn build(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/nothing");
    let program = folder.join("nothing");
    let go = ["go", "/usr/local/go/bin/go"].into_iter().find(|go| {
        let version = Command::new(go)
            .arg("version")
            .stdout(Stdio::null())
            .status();
        version.is_ok_and(|status| status.success())
    });
    let Some(go) = go else {
        println!("the do-nothing extender is left out: no Go here");
        return None;
    };
    let built = Command::new(go)
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(source)
        .env("GOTOOLCHAIN", "local")
        .status();
    let built = built.is_ok_and(|status| status.success());
    assert!(built, "the do-nothing extender does not build");
    Some(program)
}

/// Starts it with these options; gives its address.
pub(crate) fn start(program: &Path, options: &[&str]) -> (Process, SocketAddr) {
    let child = Command::new(program)
        .args(options)
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("it starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("piped");
    let read = BufReader::new(out).read_line(&mut line);
    read.expect("its address");
    (Process(child), line.trim().parse().expect("an address"))
}
