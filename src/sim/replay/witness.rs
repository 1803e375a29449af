//! Who watches a replay: for tests, for one run in detail, for a bar on a screen.
//!
//! Watching changes nothing: the engine tells what happens and goes on, unless a witness asks it to stop.

use std::ops::ControlFlow;
use std::sync::Arc;

use stowage_core::request::PodRequest;
use stowage_core::verbs::Planner;

use super::series::Level;

/// Something that happened, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// When, ms.
    pub at: u64,
    /// What.
    pub what: &'static str,
    /// To which job or node.
    pub whom: &'a str,
    /// On which nodes, where a job starts.
    pub nodes: Vec<Arc<str>>,
}

/// Called after everything that happens.
pub type Watch<'w> = &'w mut dyn FnMut(&Note<'_>, &Planner);

/// Time that passes without a change.
#[derive(Debug, Clone, Copy)]
pub struct Passing {
    /// Since when, ms.
    pub from: u64,
    /// Until when, ms.
    pub to: u64,
    /// Jobs submitted so far.
    pub submitted: usize,
    /// What is held and waited for.
    pub level: Level,
}

/// The decision about a job's first pod, before it is made.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// When, ms.
    pub at: u64,
    /// Its place in the trace's order.
    pub job: usize,
    /// The decision's number.
    pub number: u64,
    /// What is asked for.
    pub pod: &'a PodRequest,
}

/// Sees a replay while it is made.
pub trait Witness {
    /// Something happened.
    fn note(&mut self, note: &Note<'_>, planner: &Planner) {
        let _ = (note, planner);
    }

    /// Time passes; on `Break` the replay ends without an outcome.
    fn pass(&mut self, passing: &Passing, planner: &Planner) -> ControlFlow<()> {
        let _ = (passing, planner);
        ControlFlow::Continue(())
    }

    /// A decision is about to be made.
    fn asked(&mut self, asked: &Asked<'_>, planner: &mut Planner) {
        let _ = (asked, planner);
    }

    /// Nothing can change any more.
    fn end(&mut self, planner: &Planner) {
        let _ = planner;
    }
}

/// Nobody.
impl Witness for () {}

/// Who only listens to notes.
pub(super) struct Listener<'w>(pub(super) Option<Watch<'w>>);

impl Witness for Listener<'_> {
    fn note(&mut self, note: &Note<'_>, planner: &Planner) {
        if let Some(watch) = &mut self.0 {
            watch(note, planner);
        }
    }
}
