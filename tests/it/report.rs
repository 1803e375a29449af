//! `--out DIR`: a folder that appears whole or not at all, and a report that needs nothing else.

mod browser;
mod folder;
mod page;
mod timed;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, simulate};

/// A folder for results that is not there yet, in one that is.
pub(crate) struct Place {
    parent: Folder,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            parent: Folder::empty(),
        }
    }

    /// What the program says on stderr when Ctrl-C comes so long after it began to write here. It must
    /// end with exit code 130.
    pub(crate) fn interrupted(&self, arguments: &[&str], after: Duration) -> Vec<String> {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("stowage"))
            .arg("simulate")
            .args(arguments)
            .args(["--jobs", "2", "--out", &self.out()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Some runs need to be finished; how many is not what this is about.
        while self.around().is_empty() {
            std::thread::yield_now();
        }
        std::thread::sleep(after);
        let pid = child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.expect("kill is there").success());
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let lines: Vec<_> = stderr.lines().map_while(Result::ok).collect();
        let code = child.wait().expect("the program ends").code();
        assert_eq!(code, Some(130), "{lines:?}");
        assert!(lines[0].starts_with("stowage: stopping; "), "{lines:?}");
        lines
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.parent.path().join("results")
    }

    /// As the value of `--out`.
    pub(crate) fn out(&self) -> String {
        self.path().display().to_string()
    }

    /// Everything in the folder around it, by name.
    pub(crate) fn around(&self) -> Vec<String> {
        names(self.parent.path())
    }

    /// The text of one of the files.
    pub(crate) fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).expect("the file is there and text")
    }

    pub(crate) fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.text(file)).expect("the file is JSON")
    }

    /// Every row of a CSV file, the header first.
    pub(crate) fn rows(&self, file: &str) -> Vec<Vec<String>> {
        let text = self.text(file);
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
        let rows = reader
            .records()
            .map(|row| row.expect("rows are equally long"));
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("folders can be listed");
    let names = entries.map(|entry| entry.expect("it can be listed").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Results of `stowage simulate` with `args`.
pub(crate) fn results(args: &[&str]) -> Place {
    let place = Place::new();
    let out = place.out();
    let all = [args, &["--quiet", "--out", &out]].concat();
    simulate(&all).assert().code(0).stderr("");
    place
}
