//! Traces: a cluster and lists of pods, from a public trace's files or made by a generator.
//!
//! A loader parses at the door: what leaves this folder are core values. Errors name file, line,
//! column, value and what was expected.

pub mod canonical;
pub mod cluster;
pub mod demo;
pub mod faults;
mod file;
pub mod gavel;
pub mod gpu_jobs;
pub mod inspect;
pub mod jobs_csv;
pub mod openb;
pub mod snapshot;
pub mod sources;
pub mod synth;
mod table;
pub mod timed;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use stowage_core::gpu::{Gpu, GpuMode};
use stowage_core::node::{HandOver, Room};
use stowage_core::request::PodRequest;
use thiserror::Error;

/// A cluster and the lists of pods to pour into it.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Where it comes from, as the user wrote it.
    pub source: String,
    /// The nodes, in the trace's order.
    pub nodes: Vec<TraceNode>,
    /// The lists, in the order asked for.
    pub lists: Vec<PodList>,
}

/// A node of a trace: an inventory like any other; its rank comes with each run.
pub use stowage_core::node::Node as TraceNode;

/// A node as public traces have it, which serves shares.
#[must_use]
pub fn node(name: &str, room: Room, gpus: Arc<[Gpu]>) -> TraceNode {
    TraceNode {
        name: name.into(),
        room,
        gpus,
        hand_over: HandOver::StowageNri,
        ..TraceNode::default()
    }
}

/// GPU compute that a node gives out in all, thousandths of a device: a replica counts as a device of
/// its own, a partition as its nominal part.
#[must_use]
pub fn offered_milli(node: &TraceNode) -> u64 {
    let device = |gpu: &Gpu| match gpu.mode {
        GpuMode::Replicas(count, _) => 1000 * u64::from(count.get()),
        GpuMode::Plain | GpuMode::Mig(_) => 1000,
        GpuMode::Parted => 0,
    };
    let partitions = node.partitions.iter();
    let parts = partitions.map(|(kind, count)| u64::from(kind.nominal().0) * u64::from(*count));
    node.gpus.iter().map(device).sum::<u64>() + parts.sum::<u64>()
}

/// Pods by name, and the orders in which they are known to arrive.
#[derive(Debug, Clone)]
pub struct PodList {
    /// The list's name.
    pub name: String,
    /// One entry a pod, in name order. Equal requests share one value.
    pub pods: Vec<Arc<PodRequest>>,
    /// Published orders, by seed.
    pub published: BTreeMap<u64, Published>,
}

/// One published run: who arrives when, and how ties between nodes fall.
#[derive(Debug, Clone)]
pub struct Published {
    /// Indices into [`PodList::pods`].
    pub arrivals: Vec<u32>,
    /// The rank of each node, by position in [`Trace::nodes`].
    pub ranks: Vec<u32>,
}

impl Trace {
    /// GPU compute of all nodes, thousandths of a device.
    #[must_use]
    pub fn capacity_milli(&self) -> u64 {
        self.nodes.iter().map(offered_milli).sum()
    }

    /// The same trace `times` times over: every node and every pod so often. Published orders are
    /// lost, because they are about another cluster.
    #[must_use]
    pub fn replicated(mut self, times: u32) -> Self {
        if times == 1 {
            return self;
        }
        let copies = |node: &TraceNode| {
            let node = node.clone();
            (0..times).map(move |copy| TraceNode {
                name: format!("{}-copy{copy}", node.name).into(),
                ..node.clone()
            })
        };
        self.nodes = self.nodes.iter().flat_map(copies).collect();
        for list in &mut self.lists {
            let times = times as usize;
            let pods = list.pods.iter();
            list.pods = pods
                .flat_map(|pod| std::iter::repeat_n(pod.clone(), times))
                .collect();
            list.published.clear();
        }
        self
    }
}

/// A trace that cannot be used.
#[derive(Debug, Error)]
pub enum TraceError {
    /// A file that cannot be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something in a file.
    #[error("{}:{line}: {problem}", file.display())]
    At {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        problem: Problem,
    },
    /// A list that the trace does not have.
    #[error("{}: no list {name:?}: expected one of {known}", dir.display())]
    NoSuchList {
        /// The folder.
        dir: PathBuf,
        /// The list asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// What is wrong with a place in a file.
#[derive(Debug)]
pub enum Problem {
    /// A value.
    Value {
        /// The column's name.
        column: String,
        /// What stands there.
        value: String,
        /// What should stand there.
        expected: String,
    },
    /// The line as a whole.
    Line(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value {
                column,
                value,
                expected,
            } => write!(f, "column {column}: expected {expected}, got {value:?}"),
            Self::Line(what) => f.write_str(what),
        }
    }
}
