//! The simulator: traces in, results out, through the same planner that serves a live cluster.
//! No clock and no network here; whoever calls hands in a stopwatch.

pub mod arrivals;
pub mod detail;
pub mod experiment;
pub mod metrics;
pub mod replay;
pub mod report;
pub mod require;
pub mod run;
pub mod sample;
pub mod statistics;
pub mod trace;
