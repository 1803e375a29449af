//! The scheduler extender: kube-scheduler's protocol around the core.
//!
//! `wire` reads and writes the protocol, `live` decides behind the one lock, `bind` commits and `attempts` counts,
//! `handlers` answers HTTP, `health` says whether it can, `learn` and `foresight` keep what decisions
//! look ahead with, `decisions` and `metrics` record what was done, `server` starts and stops it all.

pub mod attempts;
pub mod bind;
pub mod decisions;
pub mod foresight;
pub mod handlers;
pub mod health;
pub mod learn;
pub mod live;
pub mod metrics;
pub mod server;
pub mod wire;

use std::sync::Arc;

use stowage_core::request::PodRequest;

use crate::config::server::ServerConfiguration;
use crate::k8s::bind::Api;
use crate::k8s::pod::PodFacts;
use crate::shared::Shared;
use decisions::DecisionLog;
use health::Health;
use live::{Asked, Live, Pending};
use metrics::Metrics;

/// Everything that the handlers share.
#[derive(Debug)]
pub struct Server {
    /// How it was told to work.
    pub config: ServerConfiguration,
    /// The cluster, behind the lock.
    pub live: Shared<Live>,
    /// Whether it can answer.
    pub health: Health,
    /// What it counts.
    pub metrics: Metrics,
    /// What it decided.
    pub decisions: DecisionLog,
    /// Where it writes; without one, binding books in memory only.
    pub api: Option<Api>,
}

impl Asked {
    /// A pod to decide on.
    ///
    /// # Errors
    /// When its request makes no sense or is not supported: the sentence for every node.
    pub fn of(facts: PodFacts) -> Result<Self, String> {
        let request = match &facts.request {
            Ok(request) => Arc::new(PodRequest::clone(request)),
            Err(unsupported) => return Err(unsupported.to_string()),
        };
        Ok(Self {
            uid: facts.uid,
            request,
            facts: Arc::new(facts),
        })
    }
}

impl Pending {
    /// A pod that was not asked about, as the API server has it.
    ///
    /// # Errors
    /// As [`Asked::of`].
    pub fn of(facts: &PodFacts) -> Result<(Asked, Self), String> {
        let asked = Asked::of(facts.clone())?;
        let pending = Self::new(&asked, stowage_core::units::Timestamp::default());
        Ok((asked, pending))
    }
}
