//! The one lock of the program: state that the server's threads share.
//!
//! It is reachable through closures only, and a closure cannot await: so the lock is never held across
//! an await, nor while anything is written to the network. Calls inside take microseconds to a
//! millisecond; one lock for all is enough, because kube-scheduler asks about one pod at a time.

use std::sync::{Mutex, PoisonError};

/// A value behind a lock.
#[derive(Debug, Default)]
pub struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Calls `change` with the value, alone.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        // A panic inside would be a bug of ours, not a reason to stop answering: what it left behind
        // lasts until the cluster is listed again.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
