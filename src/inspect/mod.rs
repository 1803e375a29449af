//! A cluster seen from outside: what is packed where, what is free and of no use, what still fits, and
//! why a pod does not.
//!
//! Pure: values in, values out, text at the end. `cli` reads files and prints; the decisions are the
//! core's, the rules around them are judged as kube-scheduler does. Nothing live comes in here: intents
//! and pods on their way are not known. Modules in reading order.

pub mod model;
pub mod shapes;
pub mod verdict;
pub mod more;
pub mod stranded;
pub mod pending;
pub mod parts;
pub mod map;
pub mod words;
pub mod report;
mod survey;
pub mod paper;
mod chart;
mod grid;
mod legend;
pub mod table;
pub mod devices;
mod lacking;
mod closest;
pub mod change;
mod swap;
pub mod nearest;
pub mod explain;
pub mod sheet;
pub mod demo;
#[cfg(test)]
mod tests;
