//! Reads the objects of files into a [`Snapshot`], one after the other.
//!
//! Objects of a file may be written by hand and lack a UID. Such a pod gets one made of its namespace
//! and name: the first 16 bytes of SHA-256 over `namespace/name`, marked as a UUID of version 8 (made
//! up by an application), so that it is the same whenever the file is read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use stowage_core::units::PodUid;

use super::input::{self, Broken, Input};
use super::json::{List, Text, null};
use super::node::{NodeFacts, NodeObject, RuledNode};
use super::place::{Mark, located, offset};
use super::pod::{PodFacts, PodObject, RuledPod};
use super::snapshot::{Demands, Snapshot, SnapshotError};
use super::unread::Unread;

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

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) snapshot: Snapshot,
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
    pub(super) fn with_rules() -> Self {
        Self {
            ruled: true,
            ..Self::default()
        }
    }

    /// Takes in the text of `file`.
    pub(super) fn file(&mut self, input: &Input, file: &Path) -> Result<(), SnapshotError> {
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
    pub(super) fn finish(mut self) -> Snapshot {
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
