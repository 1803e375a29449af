//! A whole cluster from files: what `kubectl get nodes,pods -A -o json` prints, or `-o yaml`.
//!
//! Read are objects of kind Node and Pod and lists of them, mixed or not, one document after another
//! in one file; other kinds are skipped. A file that is broken is one error with its place. An object
//! that is wrong is left out and becomes a problem, in one sentence, so that one odd node does not
//! hide a cluster; the node of a pod that is left out counts as not well (`unread.rs`). So it is with
//! bytes that are no UTF-8; a pod with such bytes is read as far as it goes, because it may
//! hold something.
//!
//! Who may come to a node, and what a pod demands of it, is read only where somebody asks for it
//! ([`Snapshot::read_with_rules`]): in front of a live decision kube-scheduler has judged it.

use std::path::{Path, PathBuf};

use stowage_core::rules::{NodeRules, PodRules};
use thiserror::Error;

use super::input::{self, Input};
use super::node::NodeFacts;
use super::pod::PodFacts;
use super::reader::Reader;

/// What files say about a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The nodes, in the files' order.
    pub nodes: Vec<NodeFacts>,
    /// The pods, in the files' order, those that ended included.
    pub pods: Vec<PodFacts>,
    /// What is wrong with objects that were left out, a sentence each.
    pub problems: Vec<String>,
    /// Rules, where they were asked for.
    pub rules: Rules,
}

/// What nodes and pods say about who goes where. Empty unless it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// One entry a node, in the order of the nodes.
    pub nodes: Vec<NodeRules>,
    /// One entry a pod, in the order of the pods.
    pub pods: Vec<Demands>,
}

/// What a pod demands of its node beside room and devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demands {
    /// Its rules, or a sentence where they make no sense.
    pub rules: Result<PodRules, String>,
    /// What else it demands and nobody judges offline.
    pub unmodelled: Vec<&'static str>,
}

/// A file that cannot be used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// It cannot be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It is not JSON, or not of Kubernetes objects.
    #[error("{}:{line}:{column}: {problem}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What.
        problem: String,
    },
    /// It is not YAML.
    #[error("{}:{problem}", file.display())]
    Yaml {
        /// The file.
        file: PathBuf,
        /// Where and what.
        problem: String,
    },
    /// There is nothing in it that Stowage knows.
    #[error("{}: expected objects of kind Node or Pod, or lists of them, got {got}", file.display())]
    Nothing {
        /// The file.
        file: PathBuf,
        /// The kind of the first object that there is, or "none".
        got: String,
    },
}

impl Snapshot {
    /// Reads a file, or standard input if it is called `-`.
    ///
    /// # Errors
    /// When it cannot be read, is larger than 1 GiB, is neither JSON nor YAML, or has no Node and no
    /// Pod in it.
    pub fn read(file: &Path) -> Result<Self, SnapshotError> {
        let mut reader = Reader::default();
        reader.file(&input::read(file)?, file)?;
        Ok(reader.finish())
    }

    /// Reads the `text` of `file`.
    ///
    /// # Errors
    /// When it is neither JSON nor YAML, or has no Node and no Pod in it.
    pub fn parse(text: &str, file: &Path) -> Result<Self, SnapshotError> {
        let mut reader = Reader::default();
        reader.file(&Input::new(text.as_bytes()), file)?;
        Ok(reader.finish())
    }

    /// Reads files that are one cluster together, with the rules of nodes and pods. Problems begin with
    /// the file's name.
    ///
    /// # Errors
    /// As [`Snapshot::read`], for the first such file.
    pub fn read_with_rules(files: &[PathBuf]) -> Result<Self, SnapshotError> {
        let mut reader = Reader::with_rules();
        for file in files {
            let found = reader.snapshot.problems.len();
            reader.file(&input::read(file)?, file)?;
            for problem in &mut reader.snapshot.problems[found..] {
                // Those that begin with a place follow the name at once, as in a compiler's output.
                let gap = if problem.starts_with(|c: char| c.is_ascii_digit()) {
                    ""
                } else {
                    " "
                };
                *problem = format!("{}:{gap}{problem}", file.display());
            }
        }
        Ok(reader.finish())
    }

    /// Reads the `text` of `file` with the rules of nodes and pods.
    ///
    /// # Errors
    /// As [`Snapshot::parse`].
    pub fn parse_with_rules(text: &str, file: &Path) -> Result<Self, SnapshotError> {
        let mut reader = Reader::with_rules();
        reader.file(&Input::new(text.as_bytes()), file)?;
        Ok(reader.finish())
    }
}
