//! Scenario files: what to simulate, in the words of the command line's options.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::{ConfigError, Policy};

/// A scenario file: what to simulate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    api_version: ApiVersion,
    kind: ScenarioKind,
    /// Its name and what it is about.
    pub metadata: Metadata,
    /// What to simulate. Everything has the command line's default.
    pub spec: ScenarioSpec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ApiVersion {
    #[serde(rename = "stowage.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ScenarioKind {
    Scenario,
}

/// A file's name for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// A short name.
    pub name: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What to simulate; the fields are the command line's options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScenarioSpec {
    /// `inflation` or `replay`.
    pub mode: Option<Spanned<String>>,
    /// `demo`, `openb` (in the folder that `STOWAGE_TRACES` names) or `openb:DIR`; in replay also
    /// `philly:DIR`, `itp:DIR`, `csv:PATH` and `synth:SPEC`.
    pub trace: Option<Spanned<String>>,
    /// `gpu` or `all`.
    pub nodes: Option<Spanned<String>>,
    /// How many times over.
    pub replicate: Option<Spanned<u32>>,
    /// Lists by name.
    pub lists: Vec<String>,
    /// For example `42..51` or `1,2,7`.
    pub seeds: Option<Spanned<String>>,
    /// For example `1.3`, or `list`.
    pub load: Option<Spanned<String>>,
    /// `all` or `adaptive`.
    pub node_share: Option<Spanned<String>>,
    /// In replay: for example `A100-80GB:8x64,T4:4x200`, or `pai-2020-machines:DIR`.
    pub cluster: Option<Spanned<String>>,
    /// In replay: cores a GPU, where trace or cluster do not say.
    pub cores_per_gpu: Option<Spanned<u32>>,
    /// In replay: host memory a GPU, GiB, where trace or cluster do not say.
    pub memory_per_gpu: Option<Spanned<u32>>,
    /// In replay: times of submission are divided by this.
    pub compress: Option<Spanned<String>>,
    /// In replay: `kube`, `strict-fifo` or `backfill`.
    pub queue: Option<Spanned<String>>,
    /// In replay: `infinitehbd:DIR`, or for example `mtbf=30d,repair=20h`.
    pub failures: Option<Spanned<String>>,
    /// In replay: so many times as many failures.
    pub failure_rate: Option<Spanned<String>>,
    /// In replay: `requeue` or `lose`.
    pub on_failure: Option<Spanned<String>>,
    /// In replay: `gavel:DIR`.
    pub slowdown: Option<Spanned<String>>,
    /// What to compare.
    pub policies: Vec<Policy>,
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// When it cannot be read or says something that is not understood.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        super::yaml::read(file)
    }
}
