//! What files may say: the policy block, one type for scenarios, the server and later the tuner;
//! scenario files ([`scenario`]) and the server's configuration ([`server`]).
//!
//! Strict: unknown fields, wrong units and values out of range are refused with file, line, value
//! and what was expected. Options of the command line override a file.

pub mod scenario;
pub mod scheduler;
pub mod server;
pub mod workload;
pub(crate) mod yaml;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stowage_core::plan::Parameters;
use stowage_core::strategy::Strategy;
use thiserror::Error;

/// The version that every file and result carries.
pub const API_VERSION: &str = "stowage.dev/v1alpha1";

/// How to decide: a strategy, its parameters and the workload it looks ahead with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// A name to tell two policies with the same strategy apart; the strategy's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The strategy.
    pub strategy: StrategyName,
    /// Its parameters.
    #[serde(default)]
    pub parameters: PolicyParameters,
    /// The workload it looks ahead with.
    #[serde(default)]
    pub workload: WorkloadSource,
}

impl Policy {
    /// A strategy with its default parameters.
    #[must_use]
    pub fn of(strategy: Strategy) -> Self {
        Self {
            name: None,
            strategy: StrategyName(strategy),
            parameters: PolicyParameters::default(),
            workload: WorkloadSource::default(),
        }
    }

    /// The name that results carry.
    #[must_use]
    pub fn name(&self) -> String {
        let given = self.name.clone();
        given.unwrap_or_else(|| self.strategy.0.name().to_owned())
    }
}

/// A strategy by the name users write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct StrategyName(pub Strategy);

impl From<StrategyName> for String {
    fn from(name: StrategyName) -> Self {
        name.0.name().to_owned()
    }
}

impl TryFrom<String> for StrategyName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        strategy(&name).map(Self)
    }
}

/// The strategy called `name`, or a sentence that suggests the nearest.
///
/// # Errors
/// When no strategy is called so.
pub fn strategy(name: &str) -> Result<Strategy, String> {
    name.parse().map_err(|unknown| {
        let names = Strategy::ALL.map(Strategy::name);
        let near = names
            .iter()
            .map(|n| (strsim::damerau_levenshtein(n, name), n));
        match near.min() {
            Some((distance, near)) if distance <= 3 && distance < name.chars().count() => {
                format!("{unknown}: did you mean {near:?}?")
            }
            _ => format!("{unknown}: expected one of {}", names.join(", ")),
        }
    })
}

/// Numbers that a strategy may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PolicyParameters {
    /// `most-allocated`: the weight of GPUs beside cores 1 and memory 1; 0 to 65535.
    pub gpu_weight: u16,
}

impl Default for PolicyParameters {
    fn default() -> Self {
        Self {
            gpu_weight: Parameters::default().gpu_weight,
        }
    }
}

impl From<PolicyParameters> for Parameters {
    fn from(parameters: PolicyParameters) -> Self {
        Self {
            gpu_weight: parameters.gpu_weight,
        }
    }
}

/// Where the histogram of expected pods comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WorkloadSource {
    /// What is counted; the pods of the list in `simulate`, the pods seen in `serve` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<WorkloadKind>,
    /// A file of kind Workload, where `source` is `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Only the most frequent classes that cover this share of the pods are looked at; 1 to 100.
    #[serde(deserialize_with = "percent")]
    pub cover_percent: u32,
}

impl Default for WorkloadSource {
    fn default() -> Self {
        Self {
            source: None,
            file: None,
            cover_percent: 95,
        }
    }
}

/// What the histogram of expected pods counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkloadKind {
    /// The pods of the list that is poured in, as published. In `simulate` only.
    List,
    /// The pods seen so far. In `serve` only.
    Learned,
    /// What a file says.
    File,
}

fn percent<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let percent = u32::deserialize(from)?;
    let wrong = || {
        let what = format!("coverPercent: expected a whole number from 1 to 100, got {percent}");
        serde::de::Error::custom(what)
    };
    (1..=100)
        .contains(&percent)
        .then_some(percent)
        .ok_or_else(wrong)
}

/// A file that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It says something that is not understood.
    #[error("{}:{problem}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// Line, column and what is wrong.
        problem: String,
    },
}
