//! Results as people and machines read them.

mod result;
mod tables;

pub use result::{Inputs, PolicyInput, SimulationResult, Summary};
pub use tables::{csv, markdown, table};
