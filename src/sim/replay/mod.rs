//! Replay in time: jobs are submitted, wait, run and end; nodes fail and come back. Pure: events and
//! integer milliseconds, no clock.
//!
//! At one moment, in this order: departures, repairs and additions of nodes, failures, submissions,
//! pods whose back-off is over; then the queue is worked off once (`queue.rs`). A job of no duration
//! departs in a second round of the same moment. Decisions take no time. Each placement is asked of the
//! planner that serves a live cluster; its decision number is the pod's place in the trace the first
//! time, so that a trace whose pods never leave is decided as it is when pods are poured in.
//!
//! A gang is placed pod by pod in the order of its members and given back whole if one fits nowhere
//! (`gang.rs`). When a node fails, jobs with a pod there lose what they have done; they are submitted
//! again or lost, as [`OnFailure`] says. A job that an idle cluster of all nodes cannot take is refused
//! when it is submitted. At the end each job has finished, runs (if it never ends), waits, is refused or
//! is lost.
//!
//! Not modelled: the time of decisions and image pulls, preemption, checkpoints, the reaction of users.

mod engine;
mod gang;
mod meter;
mod queue;
mod witness;
mod world;
pub mod detail;
pub mod experiment;
pub mod outcome;
pub mod series;
pub mod stats;

use std::sync::Arc;

pub use engine::{Input, run, run_seen};
pub use queue::Discipline;
pub use witness::{Asked, Note, Passing, Watch, Witness};

use super::trace::gavel::Slowdown;

/// How a cluster treats its jobs.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Who goes next.
    pub queue: Discipline,
    /// What becomes of jobs on a failed node.
    pub on_failure: OnFailure,
    /// How much slower jobs run that are spread over more nodes than they need; none: not at all.
    pub slowdown: Option<Arc<Slowdown>>,
}

/// What becomes of the jobs on a node that fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// They start again from nothing, with the place in the queue that they had.
    #[default]
    Requeue,
    /// They are lost.
    Lose,
}
