//! What one replay gave: the fate of each job, and what was measured over time.

use super::series::{Area, Level, Series};

/// What became of a job. At the end, each submitted one is exactly one of the last five.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// Its time has not come.
    #[default]
    Ahead,
    /// It waits.
    Waiting,
    /// It runs.
    Running,
    /// It has run to its end.
    Ended,
    /// Not even an idle cluster could take it.
    Refused,
    /// A node failed under it, and it was not submitted again.
    Lost,
}

/// One job's record, times in ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobRecord {
    /// What became of it.
    pub fate: Fate,
    /// When it started first.
    pub first_start: Option<u64>,
    /// When it started last.
    pub last_start: u64,
    /// When it ended.
    pub end: Option<u64>,
    /// How long its last start ran.
    pub ran: u64,
    /// How long it ran in vain, because a node failed.
    pub lost: u64,
    /// How often it started.
    pub starts: u32,
    /// How often a node failed under it.
    pub failures: u32,
    /// On how many nodes it was, the last time.
    pub nodes: u32,
}

/// One replay.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The jobs, in order of submission.
    pub jobs: Vec<JobRecord>,
    /// Levels at the end.
    pub level: Level,
    /// Integrals until the last submission.
    pub submitting: Area,
    /// Integrals until nothing could change any more.
    pub whole: Area,
    /// Most jobs that waited at once.
    pub peak_jobs: u64,
    /// Since when most GPU compute was held and, of equal moments, most was waited for; ms.
    pub busiest: u64,
    /// Curves.
    pub series: Series,
}
