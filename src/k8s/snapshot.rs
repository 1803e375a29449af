//! A whole cluster from a file: what `kubectl get nodes,pods -A -o json` prints.
//!
//! Read are objects of kind Node and Pod and lists of them, mixed or not, one JSON document after
//! another in one file; other kinds are skipped. JSON that is broken is one error with its place.
//! An object that is wrong is left out and becomes a problem, in one sentence, so that one odd node
//! does not hide a cluster.
//!
//! Objects of a file may be written by hand and lack a UID. Such a pod gets one made of its namespace
//! and name: the first 16 bytes of SHA-256 over `namespace/name`, marked as a UUID of version 8 (made
//! up by an application), so that it is the same whenever the file is read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use stowage_core::units::PodUid;
use thiserror::Error;

use super::json::{List, Text, null};
use super::node::{NodeFacts, NodeObject};
use super::pod::{PodFacts, PodObject};

/// Most bytes of a file.
const MAX_SNAPSHOT: u64 = 1 << 30;

/// What a file says about a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The nodes, in the file's order.
    pub nodes: Vec<NodeFacts>,
    /// The pods, in the file's order, those that ended included.
    pub pods: Vec<PodFacts>,
    /// What is wrong with objects that were left out, a sentence each.
    pub problems: Vec<String>,
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
    /// There is nothing in it that Stowage knows.
    #[error("{}: expected objects of kind Node or Pod, or lists of them, got none", file.display())]
    Nothing {
        /// The file.
        file: PathBuf,
    },
}

/// What an object says about itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow, deserialize_with = "null")]
    kind: Text<'a>,
    #[serde(borrow)]
    items: Option<List<Item<'a>>>,
}

/// An object that is read later.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Item<'a> {
    #[serde(borrow)]
    json: Option<&'a RawValue>,
}

impl Snapshot {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is larger than 1 GiB, is not JSON, or has no Node and no Pod in it.
    pub fn read(file: &Path) -> Result<Self, SnapshotError> {
        let unreadable = |reason| SnapshotError::Unreadable {
            file: file.to_owned(),
            reason,
        };
        let length = std::fs::metadata(file).map_err(unreadable)?.len();
        if length > MAX_SNAPSHOT {
            let reason = format!("{length} bytes: expected at most {MAX_SNAPSHOT}");
            return Err(unreadable(std::io::Error::other(reason)));
        }
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        Self::parse(&text, file)
    }

    /// Reads the `text` of `file`.
    ///
    /// # Errors
    /// When it is not JSON, or has no Node and no Pod in it.
    pub fn parse(text: &str, file: &Path) -> Result<Self, SnapshotError> {
        let mut reader = Reader::of(text);
        for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            let json = |(line, column, problem)| SnapshotError::Json {
                file: file.to_owned(),
                line,
                column,
                problem,
            };
            let document = document
                .map_err(|error| json(located(text, text, &error)))?
                .get();
            let head: Head<'_> = serde_json::from_str(document)
                .map_err(|error| json(located(text, document, &error)))?;
            reader.known |= head.kind.ends_with("List") && head.items.is_some();
            match head.items {
                Some(items) => {
                    let of = head.kind.strip_suffix("List").unwrap_or_default();
                    let items = items.iter().filter_map(|item| item.json);
                    items.for_each(|json| reader.object(json.get(), of));
                }
                None => reader.object(document, ""),
            }
        }
        match reader.known {
            true => Ok(reader.snapshot),
            false => Err(SnapshotError::Nothing {
                file: file.to_owned(),
            }),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    snapshot: Snapshot,
    nodes: BTreeSet<String>,
    pods: BTreeSet<PodUid>,
    /// Whether there was a list, or an object of a kind that is read.
    known: bool,
}

impl<'t> Reader<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text,
            snapshot: Snapshot::default(),
            nodes: BTreeSet::new(),
            pods: BTreeSet::new(),
            known: false,
        }
    }

    /// Takes in one object; `kind` if it does not say so itself.
    fn object(&mut self, json: &str, kind: &str) {
        let head: Result<Head<'_>, _> = serde_json::from_str(json);
        let said = head.as_ref().map_or("", |head| &*head.kind);
        let taken = match if said.is_empty() { kind } else { said } {
            "Node" => self.node(json),
            "Pod" => self.pod(json),
            _ => return,
        };
        self.known = true;
        self.snapshot.problems.extend(taken.err());
    }

    fn node(&mut self, json: &str) -> Result<(), String> {
        let object: NodeObject<'_> = self.read(json, "node")?;
        let facts = NodeFacts::try_from(&object).map_err(|error| error.to_string())?;
        if !self.nodes.insert(facts.node.name.to_string()) {
            return Err(format!("node {}: is there twice", facts.node.name));
        }
        self.snapshot.nodes.push(facts);
        Ok(())
    }

    fn pod(&mut self, json: &str) -> Result<(), String> {
        let object: PodObject<'_> = self.read(json, "pod")?;
        let made_up = |_| Ok(made_up_uid(&object.full_name()));
        let facts = PodFacts::with_uid(&object, made_up).map_err(|error| error.to_string())?;
        if !self.pods.insert(facts.uid) {
            return Err(format!("pod {}: is there twice", facts.full_name()));
        }
        self.snapshot.pods.push(facts);
        Ok(())
    }

    fn read<'a, T: Deserialize<'a>>(&self, json: &'a str, what: &str) -> Result<T, String> {
        serde_json::from_str(json).map_err(|error| {
            let (line, column, problem) = located(self.text, json, &error);
            format!("{line}:{column}: {what}: {problem}")
        })
    }
}

/// See the head of this file.
fn made_up_uid(full_name: &str) -> PodUid {
    let digest = Sha256::digest(full_name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    PodUid(u128::from_be_bytes(bytes))
}

/// Line and column in `text`, and what is wrong there, where reading `part` of it gave `error`.
fn located(text: &str, part: &str, error: &serde_json::Error) -> (usize, usize, String) {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..start).unwrap_or_default();
    let line = before.bytes().filter(|&b| b == b'\n').count() + error.line().max(1);
    let indent = match error.line() {
        0 | 1 => before.len() - before.rfind('\n').map_or(0, |at| at + 1),
        _ => 0,
    };
    let said = error.to_string();
    let end = said.rfind(" at line ").unwrap_or(said.len());
    (line, indent + error.column(), said[..end].to_owned())
}
