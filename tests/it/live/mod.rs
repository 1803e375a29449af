//! The extender on a real etcd, kube-apiserver and kube-scheduler.
//!
//! `rig` starts them with a real `stowage serve` in between; `ledger` checks what the pods say
//! against what the nodes have, on its own. `rules` alone has no server: it compares kube-scheduler's
//! verdicts with the core's. Skipped where the control plane is not there;
//! `STOWAGE_REQUIRE_CONTROL_PLANE=1` makes that a failure.

mod decides;
mod keeps;
mod ledger;
mod modes;
mod restart;
mod rig;
mod short;
mod rules;
