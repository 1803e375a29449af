//! Kubernetes objects to values of the core, and back into the annotations that Stowage writes.
//!
//! Parse here, once: behind this door there are no maps of strings and no quantities like `1500m`.
//! Fields that Stowage does not need are skipped, `null` counts as absent everywhere, and what is
//! wrong is said in one line: where, what was expected, what stands there. A pod whose request is
//! wrong or not supported yet is still a pod (it has a name, a node and an end); a node that is
//! wrong is not a node, so that nothing goes there.
//!
//! `client`, `watch`, `bind` and `lease` talk to the API server, everything before them does not. Modules in
//! reading order.

pub mod problem;
pub mod quantity;
mod json;
mod labels;
pub mod pod;
mod boards;
pub mod inventory;
pub mod node;
pub mod annotation;
mod bound;
mod input;
mod place;
mod unread;
mod reader;
pub mod snapshot;
pub mod client;
pub mod watch;
pub mod bind;
pub mod lease;
#[cfg(test)]
mod tests;
