//! The decision core of Stowage: which node and which GPUs a pod gets, and why not.
//!
//! A synchronous library, values in and values out: no I/O, no clock, no locks, no randomness but
//! what a seed draws, no iteration in hash order. The simulator and the live extender stand around
//! it and ask it the same questions. What always holds:
//!
//! - One function decides what fits: [`plan::candidate`]. Filtering, ranking and booking ask it.
//! - Holds never exceed what a node has; a change that would is refused and changes nothing.
//! - Facts are kept, free capacity is derived; [`audit::audit`] derives it again, naively.
//! - The incremental ranking equals the naive one, decision for decision.
//! - The same calls give the same answers on every platform.
//!
//! Modules in reading order.

pub mod units;
pub mod mig;
pub mod gpu;
pub mod topology;
pub mod partition;
pub mod devices;
pub mod request;
pub mod node;
mod free;
mod guess;
pub mod unfit;
pub mod rules;
pub mod workload;
pub mod strategy;
pub mod plan;
mod assign;
pub mod cluster;
mod max_tree;
mod verdict;
mod looks;
pub mod ranking;
pub mod verbs;
pub mod audit;
