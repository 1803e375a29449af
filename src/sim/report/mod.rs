//! Results as people and machines read them.
//!
//! `result` is what every format starts from, `comparison` holds strategies against each other;
//! `tables` are for the terminal, `files` and `manifest` for a results folder, `html` draws a report
//! that `inflation` or `replay::page` fills, with what `page` and `packing` have for both.

mod comparison;
pub mod files;
pub mod html;
pub mod inflation;
pub mod manifest;
mod packing;
mod page;
pub mod replay;
mod result;
mod tables;

pub use comparison::{Compared, Comparison};
pub use result::{Inputs, PolicyInput, RunResult, SimulationResult, Summary};
pub use tables::{csv, markdown, table};
