//! The configuration of `stowage serve`. Everything but `apiVersion` and `kind` has a default; the addresses are loopback, for
//! the layout in which kube-scheduler and Stowage share a pod.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stowage_core::strategy::Strategy;

use super::{ConfigError, Policy};

/// The file of `stowage serve --config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerConfiguration {
    api_version: ApiVersion,
    kind: Kind,
    /// Where kube-scheduler's calls are answered.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Where health and metrics are answered.
    #[serde(default = "default_health")]
    pub health: SocketAddr,
    /// How to decide.
    #[serde(default = "default_policy")]
    pub policy: Policy,
    /// What is promised to pods of each scheduler name.
    #[serde(default = "default_profiles")]
    pub profiles: Vec<Profile>,
    /// One writer among several instances; none where there is one instance only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Bounds on time.
    #[serde(default)]
    pub times: Times,
    /// Bounds on what a caller may send.
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum ApiVersion {
    #[default]
    #[serde(rename = "stowage.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[default]
    ServerConfiguration,
}

/// How ranks meet the in-tree scores; must match the KubeSchedulerConfiguration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Ranks decide among nodes that the users' soft preferences like equally.
    #[default]
    SoftFirst,
    /// Ranks outvote everything.
    Decisive,
    /// Grades from 0 to 10 beside the in-tree scores.
    Advisory,
}

/// What is promised to the pods of one scheduler name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// `spec.schedulerName` of the pods.
    pub scheduler_name: String,
    /// How ranks meet the in-tree scores.
    #[serde(default)]
    pub mode: Mode,
    /// Answer filter with the single best node where nothing but our ranks can decide. Needs Stowage
    /// to be the last filtering extender. Unless set: in every mode but advisory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_lists: Option<bool>,
}

impl Profile {
    /// Whether filter may answer with a single node.
    #[must_use]
    pub fn shortens(&self) -> bool {
        self.short_lists.unwrap_or(self.mode != Mode::Advisory)
    }
}

/// A Lease that only one instance holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lease {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Bounds on time, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Times {
    /// A bind is answered within this; keep kube-scheduler's `httpTimeout` above it.
    pub bind_deadline_ms: u64,
    /// An intent that is not bound is dropped after this.
    pub intent_ms: u64,
    /// No answer is given when the API server was last heard of longer ago than this.
    pub silence_ms: u64,
    /// A request's body must be complete within this.
    pub body_ms: u64,
    /// The API server's own time-out: a write may still be applied so long after its deadline.
    pub api_server_timeout_ms: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            bind_deadline_ms: 4_000,
            intent_ms: 30_000,
            silence_ms: 60_000,
            body_ms: 5_000,
            api_server_timeout_ms: 60_000,
        }
    }
}

/// Bounds on what a caller may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request.
    pub body_bytes: usize,
    /// Node names of a call.
    pub nodes: usize,
    /// Open connections.
    pub connections: usize,
    /// Pods remembered between filter and bind.
    pub pending_pods: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            nodes: 50_000,
            connections: 512,
            pending_pods: 50_000,
        }
    }
}

/// An hour: longer times are a mistake.
const MAX_MS: u64 = 3_600_000;
/// Between the last moment at which a holder of the lease begins a write and the first at which
/// another instance may take it.
const MAX_LEASED_MS: u64 = 5_000;

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9300))
}

fn default_health() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9301))
}

fn default_policy() -> Policy {
    Policy::of(Strategy::Fgd)
}

fn default_profiles() -> Vec<Profile> {
    vec![Profile {
        scheduler_name: "stowage".to_owned(),
        mode: Mode::SoftFirst,
        short_lists: None,
    }]
}

impl Default for ServerConfiguration {
    fn default() -> Self {
        Self {
            api_version: ApiVersion::default(),
            kind: Kind::default(),
            listen: default_listen(),
            health: default_health(),
            policy: default_policy(),
            profiles: default_profiles(),
            lease: None,
            times: Times::default(),
            limits: Limits::default(),
        }
    }
}

impl ServerConfiguration {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, says something that is not understood, or contradicts itself.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let configuration: Self = super::yaml::read(file)?;
        configuration
            .check()
            .map_err(|problem| ConfigError::Wrong {
                file: file.to_owned(),
                problem: format!(" {problem}"),
            })?;
        Ok(configuration)
    }

    /// The profile of pods with this scheduler name; the first where no profile names it.
    #[must_use]
    pub fn profile(&self, scheduler_name: &str) -> &Profile {
        let named = self
            .profiles
            .iter()
            .find(|p| p.scheduler_name == scheduler_name);
        named.unwrap_or(&self.profiles[0])
    }

    fn check(&self) -> Result<(), String> {
        if self.profiles.is_empty() {
            return Err("profiles: expected at least one, got none".to_owned());
        }
        for (index, profile) in self.profiles.iter().enumerate() {
            let name = &profile.scheduler_name;
            if self.profiles[..index]
                .iter()
                .any(|p| p.scheduler_name == *name)
            {
                return Err(format!("profiles: schedulerName {name:?} is there twice"));
            }
            if profile.mode == Mode::Advisory && profile.short_lists == Some(true) {
                return Err(format!(
                    "profiles: {name:?}: shortLists: expected false in advisory mode, got true"
                ));
            }
        }
        let (times, limits) = (self.times, self.limits);
        let bounds = [
            ("times.bindDeadlineMs", times.bind_deadline_ms, MAX_MS),
            ("times.intentMs", times.intent_ms, MAX_MS),
            ("times.silenceMs", times.silence_ms, MAX_MS),
            ("times.bodyMs", times.body_ms, MAX_MS),
            (
                "times.apiServerTimeoutMs",
                times.api_server_timeout_ms,
                MAX_MS,
            ),
            ("limits.bodyBytes", limits.body_bytes as u64, 1 << 30),
            ("limits.nodes", limits.nodes as u64, 1_000_000),
            ("limits.connections", limits.connections as u64, 100_000),
            ("limits.pendingPods", limits.pending_pods as u64, 10_000_000),
        ];
        let outside = |(_, value, most): &(&str, u64, u64)| !(1..=*most).contains(value);
        if let Some((field, value, most)) = bounds.into_iter().find(outside) {
            return Err(format!("{field}: expected 1 to {most}, got {value}"));
        }
        let deadline = times.bind_deadline_ms;
        if self.lease.is_some() && deadline >= MAX_LEASED_MS {
            return Err(format!(
                "times.bindDeadlineMs: expected less than {MAX_LEASED_MS} with a lease, which another \
                 instance may take so long after a write has begun, got {deadline}"
            ));
        }
        Ok(())
    }
}
