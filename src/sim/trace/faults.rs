//! When nodes fail and come back: from a public record of a training cluster, or drawn.
//!
//! *InfiniteHBD* (SIGCOMM '25; Apache-2.0), `fault_trace.json` or `.json.gz`: start and end of 584 faults
//! of 400 servers in 348 days; 169 servers never fail and do not appear. For each simulated node one of
//! the 400 servers is drawn and its record is turned by a drawn part of its span, so that nodes do not
//! fail in step; it repeats until jobs have ended being submitted. A rate of `x` divides the times
//! between faults by `x` and leaves repairs as long as they were. Drawn failures have exponential times
//! to the next failure and to repair. Each node has its own stream of draws, so that all strategies of
//! one seed see the same failures.

use std::path::Path;
use std::sync::Arc;

use rand::RngExt;
use rand_pcg::Pcg64;
use serde::Deserialize;

use super::synth::exponential;
use super::timed::{NodeEvent, NodeEventKind};
use super::{TraceError, TraceNode, file};

/// Servers of the cluster that was recorded, failing or not.
const SERVERS: usize = 400;
const DAY_MS: f64 = 86_400_000.0;
/// Most failures of one node, after which it stays up: nothing would run on a node that fails so often.
const MAX_FAILURES: usize = 10_000;

/// Where failures come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Failures {
    /// A record of failing servers.
    Recorded(Record),
    /// Exponential draws.
    Drawn {
        /// Mean time from repair to the next failure, ms.
        mtbf: u64,
        /// Mean time to repair, ms.
        repair: u64,
    },
}

/// Faults by server: start and end, ms, within `span`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    servers: Vec<Vec<(u64, u64)>>,
    span: u64,
}

#[derive(Deserialize)]
struct Entry {
    node_id: String,
    event_time: f64,
    event_type: Kind,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    FaultStart,
    FaultEnd,
}

/// Reads the record in the folder `dir`.
///
/// # Errors
/// When it cannot be read or an entry is not what it should be.
pub fn load(dir: &Path) -> Result<Record, TraceError> {
    let (plain, packed) = (
        dir.join("fault_trace.json"),
        dir.join("fault_trace.json.gz"),
    );
    let path = if plain.exists() { plain } else { packed };
    let entries: Vec<Entry> = serde_json::from_slice(&file::read(&path)?)
        .map_err(|error| file::unreadable(&path, &error))?;
    let mut servers: std::collections::BTreeMap<String, Vec<(u64, u64)>> = Default::default();
    let mut span = 1;
    for (number, entry) in entries.into_iter().enumerate() {
        if !(0.0..=100_000.0).contains(&entry.event_time) {
            let what = format!(
                "entry {number}: event_time: expected days from 0 to 100000, got {}",
                entry.event_time
            );
            return Err(file::unreadable(&path, &what));
        }
        #[allow(clippy::cast_sign_loss)]
        let at = (entry.event_time * DAY_MS) as u64;
        span = span.max(at);
        let faults = servers.entry(entry.node_id).or_default();
        match (entry.event_type, faults.last_mut()) {
            // A second fault of a server that is down changes nothing.
            (Kind::FaultStart, Some((_, end))) if *end == u64::MAX => {}
            (Kind::FaultStart, _) => faults.push((at, u64::MAX)),
            (Kind::FaultEnd, Some((_, end))) if *end == u64::MAX => *end = at,
            (Kind::FaultEnd, _) => {}
        }
    }
    let mut servers: Vec<_> = servers.into_values().collect();
    for (_, end) in servers.iter_mut().flatten() {
        *end = (*end).min(span);
    }
    servers.resize(servers.len().max(SERVERS), Vec::new());
    Ok(Record { servers, span })
}

impl Failures {
    /// What happens to `nodes` until `end` at `rate` thousandths of the recorded rate.
    #[must_use]
    pub fn events(&self, nodes: &[TraceNode], seed: u64, rate: u64, end: u64) -> Vec<NodeEvent> {
        let mut events = Vec::new();
        for (number, node) in (1..).zip(nodes) {
            let mut rng = Pcg64::new(u128::from(seed), number);
            let name: Arc<str> = node.name.clone();
            let intervals = match self {
                Self::Recorded(record) => record.turned(&mut rng, rate, end),
                Self::Drawn { mtbf, repair } => drawn(&mut rng, *mtbf, *repair, rate, end),
            };
            for (down, up) in intervals {
                let at = |at, kind| NodeEvent {
                    at,
                    kind,
                    node: name.clone(),
                };
                events.push(at(down, NodeEventKind::Down));
                events.push(at(up, NodeEventKind::Up));
            }
        }
        events.sort();
        events
    }
}

impl Record {
    /// One drawn server's faults from a drawn moment on.
    fn turned(&self, rng: &mut Pcg64, rate: u64, end: u64) -> Vec<(u64, u64)> {
        let faults = &self.servers[rng.random_range(0..self.servers.len())];
        let turn = rng.random_range(0..self.span);
        let mut intervals = Vec::new();
        let divided = |at: u64| (u128::from(at) * 1000 / u128::from(rate.max(1))) as u64;
        for round in 0.. {
            let origin = self.span.saturating_mul(round);
            if faults.is_empty() || divided(origin.saturating_sub(turn)) > end {
                break;
            }
            for &(start, stop) in faults {
                // Faults that began before the drawn moment are left out.
                let Some(from) = (origin + start).checked_sub(turn) else {
                    continue;
                };
                let down = divided(from);
                if down <= end {
                    intervals.push((down, down + (stop - start)));
                }
            }
            if intervals.len() > MAX_FAILURES {
                break;
            }
        }
        merged(intervals)
    }
}

fn drawn(rng: &mut Pcg64, mtbf: u64, repair: u64, rate: u64, end: u64) -> Vec<(u64, u64)> {
    let mtbf = mtbf.saturating_mul(1000) / rate.max(1);
    let mut intervals = Vec::new();
    let mut at = exponential(rng, mtbf);
    while at <= end && intervals.len() < MAX_FAILURES {
        let up = at.saturating_add(exponential(rng, repair).max(1));
        intervals.push((at, up));
        at = up.saturating_add(exponential(rng, mtbf).max(1));
    }
    intervals
}

/// Joins what overlaps or touches.
fn merged(mut intervals: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    intervals.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (down, up) in intervals {
        match merged.last_mut() {
            Some((_, end)) if *end >= down => *end = (*end).max(up),
            _ => merged.push((down, up.max(down + 1))),
        }
    }
    merged
}
