//! Stowage packs GPU pods on Kubernetes: the program around the decision core (`stowage-core`).
//!
//! `cli` reads the command line, `config` the files, `sim` plays traces through the core. A library
//! only so that tests and benches reach it; its interface is the command line.

pub mod cli;
pub mod clock;
pub mod config;
pub mod sim;
