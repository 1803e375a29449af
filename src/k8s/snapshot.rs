//! A whole cluster from files: what `kubectl get nodes,pods -A -o json` prints, or `-o yaml`.
//!
//! Read are objects of kind Node and Pod and lists of them, mixed or not, one document after another
//! in one file; other kinds are skipped. A file that is broken is one error with its place. An object
//! that is wrong is left out and becomes a problem, in one sentence, so that one odd node does not
//! hide a cluster; the node of a pod that is left out counts as not well (`unread.rs`). So it is with
//! bytes that are no UTF-8, in JSON; a pod with such bytes is read as far as it goes, because it may
//! hold something.
//!
//! Who may come to a node, and what a pod demands of it, is read only where somebody asks for it
//! ([`Snapshot::read_with_rules`]): in front of a live decision kube-scheduler has judged it.
//!
//! Objects of a file may be written by hand and lack a UID. Such a pod gets one made of its namespace
//! and name: the first 16 bytes of SHA-256 over `namespace/name`, marked as a UUID of version 8 (made
//! up by an application), so that it is the same whenever the file is read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use stowage_core::rules::{NodeRules, PodRules};
use stowage_core::units::PodUid;
use thiserror::Error;

use super::input::{self, Broken, Input};
use super::json::{List, Text, null};
use super::node::{NodeFacts, NodeObject, RuledNode};
use super::place::{Mark, located, offset};
use super::pod::{PodFacts, PodObject, RuledPod};
use super::unread::Unread;

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

/// What an object says about itself.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "objects as kubectl prints them")]
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

#[derive(Default)]
struct Reader {
    snapshot: Snapshot,
    nodes: BTreeSet<String>,
    /// The place of each pod among those of the snapshot.
    pods: BTreeMap<PodUid, usize>,
    unread: Unread,
    /// Whether there was a list, or an object of a kind that is read.
    known: bool,
    /// The kind of the first object that is not read.
    other: Option<String>,
    ruled: bool,
    /// Places of the file that are no UTF-8 and lie in no object taken in so far.
    broken: Vec<Broken>,
    /// The place of the last problem: where to look for the next one.
    mark: Mark,
}

/// The text that objects are parts of, if people wrote it, so that their places mean something.
type Whole<'t> = Option<&'t str>;

impl Reader {
    fn with_rules() -> Self {
        Self {
            ruled: true,
            ..Self::default()
        }
    }

    /// Takes in the text of `file`.
    fn file(&mut self, input: &Input, file: &Path) -> Result<(), SnapshotError> {
        self.known = false;
        self.other = None;
        self.broken.clone_from(&input.broken);
        if input::is_json(&input.text) {
            self.documents(&input.text, true, file)?;
        } else {
            let yaml = |problem| match input.broken.first() {
                Some(broken) => broken.error(file),
                None => SnapshotError::Yaml {
                    file: file.to_owned(),
                    problem,
                },
            };
            for document in input::yaml(input).map_err(yaml)? {
                self.documents(&document.to_string(), false, file)?;
            }
        }
        if let Some(broken) = self.broken.first() {
            return Err(broken.error(file));
        }
        match self.known {
            true => Ok(()),
            false => Err(SnapshotError::Nothing {
                file: file.to_owned(),
                got: self.other.take().unwrap_or_else(|| "none".to_owned()),
            }),
        }
    }

    /// Takes in one JSON document after another; `placed` if places in `text` mean something.
    fn documents(&mut self, text: &str, placed: bool, file: &Path) -> Result<(), SnapshotError> {
        self.mark = Mark::default();
        for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            let json = |part: &str, error: &serde_json::Error| {
                let mark = &mut Mark::default();
                let (line, column, problem) = located(text, part, error, mark);
                match placed {
                    true => SnapshotError::Json {
                        file: file.to_owned(),
                        line,
                        column,
                        problem,
                    },
                    false => SnapshotError::Yaml {
                        file: file.to_owned(),
                        problem: format!(" {problem}"),
                    },
                }
            };
            let document = document.map_err(|error| json(text, &error))?.get();
            let head: Head<'_> =
                serde_json::from_str(document).map_err(|error| json(document, &error))?;
            self.known |= head.kind.ends_with("List") && head.items.is_some();
            let whole = placed.then_some(text);
            match head.items {
                Some(items) => {
                    let of = head.kind.strip_suffix("List").unwrap_or_default();
                    let items = items.iter().filter_map(|item| item.json);
                    items.for_each(|json| self.object(json.get(), of, whole));
                }
                None => self.object(document, "", whole),
            }
        }
        Ok(())
    }

    /// Takes in one object; `kind` if it does not say so itself.
    fn object(&mut self, json: &str, kind: &str, whole: Whole<'_>) {
        let (json, broken) = match whole {
            Some(text) => (Cow::Borrowed(json), self.broken_within(json, text)),
            None if self.broken.is_empty() => (Cow::Borrowed(json), Vec::new()),
            None => {
                let (json, broken) = input::without_numbers(json, &mut self.broken);
                (Cow::Owned(json), broken)
            }
        };
        let json = &*json;
        let head: Result<Head<'_>, _> = serde_json::from_str(json);
        let said = head.as_ref().map_or("", |head| &*head.kind);
        if said.contains(char::REPLACEMENT_CHARACTER) {
            // Nobody knows what it is: the file is broken.
            self.broken.splice(0..0, broken);
            return;
        }
        let place = broken.first().map(|broken| {
            let (line, column, problem) = broken.placed();
            format!("{line}:{column}: {problem}")
        });
        let taken = match (if said.is_empty() { kind } else { said }, place) {
            ("Node", None) => self.node(json, whole),
            ("Node", Some(place)) => Err(format!("{place} in a node, which is left out")),
            ("Pod", None) => self.pod(json, whole),
            // It may hold something, so that it is read as far as it goes.
            ("Pod", Some(place)) => {
                let problem = format!("{place} in a pod, read with U+FFFD there");
                self.snapshot.problems.push(problem);
                self.pod(json, whole)
            }
            (other, _) => {
                if !other.is_empty() {
                    let shown: String = other.chars().take(63).collect();
                    self.other.get_or_insert_with(|| format!("{shown:?}"));
                }
                return;
            }
        };
        self.known = true;
        self.snapshot.problems.extend(taken.err());
    }

    /// The places within `json`, which is a part of `text`, that are no UTF-8.
    fn broken_within(&mut self, json: &str, text: &str) -> Vec<Broken> {
        let start = offset(text, json);
        let end = start + json.len();
        let from = self.broken.partition_point(|broken| broken.at < start);
        let to = self.broken.partition_point(|broken| broken.at < end);
        self.broken.drain(from..to).collect()
    }

    fn node(&mut self, json: &str, whole: Whole<'_>) -> Result<(), String> {
        let object: NodeObject<'_> = read(json, "node", whole, &mut self.mark)?;
        let facts = NodeFacts::try_from(&object).map_err(|error| error.to_string())?;
        let rules = match self.ruled {
            true => {
                let ruled: RuledNode<'_> = read(json, "node", whole, &mut self.mark)?;
                Some(ruled.rules().map_err(|error| error.to_string())?)
            }
            false => None,
        };
        if !self.nodes.insert(facts.node.name.to_string()) {
            return Err(format!("node {}: is there twice", facts.node.name));
        }
        self.snapshot.nodes.push(facts);
        self.snapshot.rules.nodes.extend(rules);
        Ok(())
    }

    fn pod(&mut self, json: &str, whole: Whole<'_>) -> Result<(), String> {
        let (facts, demands) = self
            .pod_facts(json, whole)
            .inspect_err(|_| self.unread.note(json))?;
        if let Some(&first) = self.pods.get(&facts.uid) {
            let first = &self.snapshot.pods[first];
            let same = (&first.namespace, &first.name, &first.node_name);
            if same != (&facts.namespace, &facts.name, &facts.node_name)
                && let Some(node) = facts.holding_on()
            {
                self.unread.note_twin(&node);
            }
            return Err(format!("pod {}: is there twice", facts.full_name()));
        }
        self.pods.insert(facts.uid, self.snapshot.pods.len());
        self.snapshot.pods.push(facts);
        self.snapshot.rules.pods.extend(demands);
        Ok(())
    }

    fn pod_facts(
        &mut self,
        json: &str,
        whole: Whole<'_>,
    ) -> Result<(PodFacts, Option<Demands>), String> {
        let object: PodObject<'_> = read(json, "pod", whole, &mut self.mark)?;
        let made_up = |_| Ok(made_up_uid(&object.full_name()));
        let facts = PodFacts::with_uid(&object, made_up).map_err(|error| error.to_string())?;
        let demands = match self.ruled {
            true => Some(demands(&read(json, "pod", whole, &mut self.mark)?)),
            false => None,
        };
        Ok((facts, demands))
    }

    /// What was read.
    fn finish(mut self) -> Snapshot {
        self.unread.mark(&mut self.snapshot.nodes);
        self.snapshot
    }
}

/// A pod whose rules make no sense is still a pod: it may hold something.
fn demands(pod: &RuledPod<'_>) -> Demands {
    Demands {
        rules: pod.rules().map_err(|error| error.to_string()),
        unmodelled: pod.unmodelled(),
    }
}

fn read<'a, T: Deserialize<'a>>(
    json: &'a str,
    what: &str,
    whole: Whole<'_>,
    mark: &mut Mark,
) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| {
        let (line, column, problem) = located(whole.unwrap_or(json), json, &error, mark);
        match whole {
            Some(_) => format!("{line}:{column}: {what}: {problem}"),
            None => format!("{what}: {problem}"),
        }
    })
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
