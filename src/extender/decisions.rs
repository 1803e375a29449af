//! The decision log: one JSON line a decision, appended to a file, for audits and for replaying a
//! live run through the simulator.
//!
//! Fields: `sequence` (from 1 after each start; lines may be
//! out of its order), `time` (RFC 3339), `pod` (UID), `verb`, `node`, `devices` (indices,
//! container by container), `strategy`, `score` (absent for bind), `intents` (pods whose intents
//! were at work, at most 64). A bind is recorded when it is booked, before its outcome is known.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;
use stowage_core::units::PodUid;

use super::live::Decision;
use crate::clock;
use crate::k8s::pod::uid_text;
use crate::shared::Shared;

/// An open decision log, or none.
#[derive(Debug, Default)]
pub struct DecisionLog(Option<Shared<File>>);

#[derive(Serialize)]
struct Line<'a> {
    sequence: u64,
    time: String,
    pod: String,
    verb: &'a str,
    node: Option<&'a str>,
    devices: Vec<Vec<usize>>,
    strategy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<i64>,
    intents: Vec<String>,
}

impl DecisionLog {
    /// Appends to `file`, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(file: Option<&Path>) -> io::Result<Self> {
        let open = |file| OpenOptions::new().append(true).create(true).open(file);
        Ok(Self(file.map(open).transpose()?.map(Shared::new)))
    }

    /// Appends one decision. A log that cannot be written is reported, not fatal.
    pub fn record(&self, verb: &str, pod: PodUid, decision: &Decision) {
        let Some(file) = &self.0 else {
            return;
        };
        let best = decision.best.as_ref();
        let line = Line {
            sequence: decision.sequence,
            time: clock::now(),
            pod: uid_text(pod),
            verb,
            node: best.map(|(node, _)| &**node),
            devices: best.map_or_else(Vec::new, |(_, candidate)| {
                let sets = candidate.devices.iter();
                sets.map(|set| set.iter().collect()).collect()
            }),
            strategy: decision.strategy.name(),
            score: best.filter(|_| verb != "bind").map(|(_, c)| c.score.0),
            intents: decision.intents.iter().copied().map(uid_text).collect(),
        };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        if let Err(error) = file.update(|file| file.write_all(&text)) {
            tracing::error!(%error, "the decision log cannot be written");
        }
    }
}
