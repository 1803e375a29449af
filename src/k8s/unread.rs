//! Pods of a file that cannot be read, and the nodes on which they may hold something.
//!
//! Such a pod is left out. What it holds nobody knows, but of nearly all it can still be told on which
//! node: that one is not well, so that no more GPUs are promised there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::Map;
use super::node::NodeFacts;

/// Nodes with such pods, and what is said of them.
#[derive(Debug, Default)]
pub(super) struct Unread {
    reasons: BTreeMap<String, &'static str>,
}

const NOT_READ: &str = "a pod on it cannot be read";
const SAME_UID: &str = "a pod on it has the UID of another";

/// Any value.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Raw<'a> {
    #[serde(borrow)]
    json: Option<&'a RawValue>,
}

impl Unread {
    /// Takes note of the `json` of a pod that cannot be read.
    pub(super) fn note(&mut self, json: &str) {
        let ended = text(json, ["status", "phase"]);
        if ended.is_some_and(|phase| matches!(&*phase, "Succeeded" | "Failed")) {
            return;
        }
        if let Some(node) = text(json, ["spec", "nodeName"]) {
            self.reasons.insert(node.into_owned(), NOT_READ);
        }
    }

    /// Takes note that another pod on `node` is left out, because its UID is taken.
    pub(super) fn note_twin(&mut self, node: &str) {
        self.reasons.entry(node.to_owned()).or_insert(SAME_UID);
    }

    /// Says of those of `nodes` which have such pods that they are not well.
    pub(super) fn mark(self, nodes: &mut [NodeFacts]) {
        for facts in nodes {
            if let Some(&reason) = self.reasons.get(&*facts.node.name) {
                facts.node.health.ailing = true;
                facts.unhealthy.get_or_insert_with(|| reason.to_owned());
            }
        }
    }
}

/// The string at `path`, if there is one, whatever else is wrong with the object.
fn text<'a>(json: &'a str, path: [&str; 2]) -> Option<Cow<'a, str>> {
    let mut at = json;
    for key in path {
        let fields: Map<'a, Raw<'a>> = serde_json::from_str(at).ok()?;
        at = fields.get(key)?.json?.get();
    }
    serde_json::from_str(at).ok()
}
