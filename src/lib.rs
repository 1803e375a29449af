//! Stowage packs GPU pods on Kubernetes: the program around the decision core (`stowage-core`).
//!
//! `cli` reads the command line, `config` the files, `k8s` the objects of a cluster; `sim` plays traces
//! through the core, `extender` serves kube-scheduler, `playground` runs a real control plane on
//! loopback. A library only so that tests and benches reach it; its interface is the command line.

pub mod cli;
pub mod clock;
pub mod config;
pub mod extender;
pub mod inspect;
pub mod k8s;
pub mod playground;
pub mod shared;
pub mod sim;
