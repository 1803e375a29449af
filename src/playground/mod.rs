//! A real control plane on loopback: etcd, kube-apiserver and kube-scheduler as upstream wrote them,
//! with nodes that exist on paper only. No kubelet, no containers, no other controller.
//!
//! [`Binaries`] finds the three programs, [`ControlPlane`] runs the two servers, [`Scheduler`] one
//! kube-scheduler with a given configuration, [`objects`] makes nodes and pods, [`Client`] puts them
//! there and looks what became of them. All of it ends with the handles: dropping one kills and reaps
//! the processes it started, and only those.
//!
//! One control plane may serve many tests, each with a runtime of its own: share the
//! [`ControlPlane`], make a [`Client`] in each. Held in a static it is never dropped, and its processes
//! end with this one only where `setpriv` exists.
//!
//! What differs from a cluster: a bound pod stays Pending until somebody patches its status, nobody
//! taints or deletes anything, and every user's password is a token in a file. Nothing here decides
//! where pods go, and nothing here belongs near a cluster that matters.

pub mod binaries;
pub mod client;
pub mod control_plane;
pub mod credentials;
pub mod look;
pub mod objects;
pub mod scheduler;

mod process;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

pub use self::binaries::{Absent, Binaries};
pub use self::client::Client;
pub use self::control_plane::ControlPlane;
pub use self::credentials::Identity;
pub use self::objects::{FakeNode, FakePod};
pub use self::scheduler::Scheduler;

/// Why the playground does not work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaygroundError {
    /// There are no programs to run.
    #[error(transparent)]
    Absent(#[from] Absent),
    /// A file or a process of ours.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// What came of it.
        source: io::Error,
    },
    /// A program ended that should have gone on.
    #[error("{name} ended ({status}); the end of {log}:\n{tail}", log = log.display())]
    Ended {
        /// The program.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// All that it printed.
        log: PathBuf,
        /// The last of it.
        tail: String,
    },
    /// Something did not happen in time.
    #[error("{what}: not within {seconds} s{detail}")]
    Late {
        /// What was expected.
        what: String,
        /// How long it was waited for.
        seconds: u64,
        /// What there was instead.
        detail: String,
    },
    /// The API server cannot be talked to or says no.
    #[error("{what}: {source}")]
    Api {
        /// What was attempted.
        what: String,
        /// What came of it.
        source: Box<kube::Error>,
    },
    /// An object or a configuration that is refused, by us or by kube-scheduler.
    #[error("{0}")]
    Refused(String),
}

/// A point in time by which something must have happened, and the pace of looking.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    end: u64,
}

impl Deadline {
    fn after(patience: Duration) -> Self {
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        Self {
            end: crate::clock::nanos().saturating_add(patience),
        }
    }

    /// Rests a little; false when the time is up.
    async fn pause(self) -> bool {
        tokio::time::sleep(Duration::from_millis(20)).await;
        crate::clock::nanos() < self.end
    }
}
