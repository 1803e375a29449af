//! How tests start the program, and a tiny trace for it.
//!
//! Nothing here expects anything of the program but what every caller would otherwise repeat: that
//! a refusal is exit code 2, one line on stderr and nothing on stdout.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;
use tempfile::TempDir;

/// Nodes of the tiny trace: four GPUs.
pub(crate) const NODES: &str = "\
sn,cpu_milli,memory_mib,gpu,model
node-a,16000,65536,2,T4
node-b,16000,65536,2,P100
";

/// The header and two pods of the tiny trace.
pub(crate) const PODS: &str = "\
name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec
pod-0,1000,1024,1,500,
pod-1,1000,1024,1,1000,T4|P100
";

/// The program, without what the caller's environment would change.
pub(crate) fn stowage() -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("stowage");
    command.env_remove("STOWAGE_TRACES").env_remove("NO_COLOR");
    command
}

/// `stowage simulate` with `args`.
pub(crate) fn simulate(args: &[&str]) -> Command {
    let mut command = stowage();
    command.arg("simulate").args(args);
    command
}

/// What `stowage simulate` prints with `args`; it must succeed in silence.
pub(crate) fn output(args: &[&str]) -> String {
    let assert = simulate(args).assert().code(0).stderr("");
    String::from_utf8(assert.get_output().stdout.clone()).expect("output is text")
}

/// The same as JSON.
pub(crate) fn json(args: &[&str]) -> serde_json::Value {
    let text = output(&[args, &["--format", "json"]].concat());
    serde_json::from_str(&text).expect("output is JSON")
}

/// The one line with which `command` refuses: exit code 2, nothing on stdout.
pub(crate) fn refusal_of(command: &mut Command) -> String {
    let assert = command.assert().code(2).stdout("");
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).expect("errors are text");
    let line = stderr.strip_suffix('\n').expect("errors end their line");
    assert!(!line.contains('\n'), "expected one line, got {stderr:?}");
    let said = line.strip_prefix("stowage: ");
    said.expect("errors say who speaks").to_owned()
}

/// The one line with which `stowage simulate` refuses `args`.
pub(crate) fn refusal(args: &[&str]) -> String {
    refusal_of(&mut simulate(args))
}

/// A temporary folder with a trace in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(TempDir::new().expect("a temporary folder can be made"))
    }

    /// One with the tiny trace: two nodes, two pods, no published orders.
    pub(crate) fn tiny() -> Self {
        Self::empty()
            .with("openb_node_list_gpu_node.csv", NODES)
            .with("openb_pod_list_default.csv", PODS)
    }

    /// The tiny trace with the order and ranks of seed 42.
    pub(crate) fn published() -> Self {
        Self::tiny()
            .with("arrivals/arrivals_default.csv", "seed42\n1\n0\n1\n")
            .with("arrivals/node_rank_default.csv", "seed42\n1\n0\n")
    }

    /// The same with `file` saying `content`.
    pub(crate) fn with(self, file: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(file);
        let parent = path.parent().expect("a file is in a folder");
        fs::create_dir_all(parent).expect("folders can be made");
        fs::write(path, content).expect("files can be written");
        self
    }

    /// The same without `file`.
    pub(crate) fn without(self, file: &str) -> Self {
        fs::remove_file(self.path().join(file)).expect("the file was there");
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// As the value of `--trace`.
    pub(crate) fn trace(&self) -> String {
        format!("openb:{}", self.path().display())
    }

    /// The path of `file` in it.
    pub(crate) fn file(&self, file: &str) -> String {
        self.path().join(file).display().to_string()
    }

    /// The line with which the trace is refused, with paths from this folder.
    pub(crate) fn refusal(&self, args: &[&str]) -> String {
        let trace = self.trace();
        let line = refusal(&[&["--trace", trace.as_str()], args].concat());
        let folder = format!("{}/", self.path().display());
        line.replacen(&folder, "", 1)
    }
}

/// The folder with the public traces, or none and a line that says so. With
/// `STOWAGE_REQUIRE_TRACES=1` it must be there.
pub(crate) fn traces() -> Option<PathBuf> {
    let folder = std::env::var_os("STOWAGE_TRACES").map(PathBuf::from);
    let folder = folder.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let found = folder.filter(|folder| folder.join("openb").is_dir());
    let required = std::env::var("STOWAGE_REQUIRE_TRACES").is_ok_and(|value| value == "1");
    assert!(
        found.is_some() || !required,
        "STOWAGE_REQUIRE_TRACES=1: expected STOWAGE_TRACES to name a folder with openb in it"
    );
    if found.is_none() {
        // Not by eprintln, which passing tests swallow.
        let line = "skipped: STOWAGE_TRACES does not name a folder with openb in it";
        writeln!(io::stderr(), "{line}").expect("stderr can be written");
    }
    found
}

/// What the program says on stderr when whoever reads its output leaves after the first byte. It must
/// end with exit code 2.
pub(crate) fn told_a_reader_that_leaves(arguments: &[&str]) -> Vec<String> {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("stowage"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let mut first = [0];
    stdout
        .read_exact(&mut first)
        .expect("there is a first byte");
    drop(stdout);
    let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let lines = stderr.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("the program ends").code(), Some(2));
    lines
}
