//! `manifest.json`: what was asked for and from which files, so that results can be made again.
//!
//! No time, no machine, no thread count: the same command writes the same bytes.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Inputs;
use super::replay::ReplayInputs;
use crate::config::API_VERSION;

/// The kind that a manifest of ours carries.
pub const KIND: &str = "SimulationManifest";

/// What was asked for, and what came of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest<S = Inputs> {
    api_version: &'static str,
    kind: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// What was simulated: `inflation` or `replay`.
    pub mode: &'static str,
    /// The scenario with all defaults filled in.
    pub scenario: S,
    /// The files it was read from.
    pub input_files: Vec<InputFile>,
    /// Runs that were to be made.
    pub runs_planned: usize,
    /// Runs that are in the results; fewer if it was stopped.
    pub runs_finished: usize,
    /// The run that `pods.csv` and the packing map are about.
    pub pods_of: RunName,
    /// The moment of a replay that the packing map shows, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_at_ms: Option<u64>,
    /// SHA-256 over the runs, see `summary.json`.
    pub digest: String,
}

/// A file that was read.
#[derive(Debug, Clone, Serialize)]
pub struct InputFile {
    /// Its name, within the folder of its trace.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunName {
    /// The list; empty in a replay, which has only one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub list: String,
    /// The policy.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
}

/// What was simulated under which options.
pub trait Scenario {
    /// `inflation` or `replay`.
    const MODE: &'static str;
}

impl Scenario for Inputs {
    const MODE: &'static str = "inflation";
}

impl Scenario for ReplayInputs {
    const MODE: &'static str = "replay";
}

impl<S: Scenario> Manifest<S> {
    /// A manifest of kind [`KIND`], of this program.
    #[must_use]
    pub fn new(
        scenario: S,
        input_files: Vec<InputFile>,
        (runs_planned, runs_finished): (usize, usize),
        pods_of: RunName,
        digest: String,
    ) -> Self {
        Self {
            api_version: API_VERSION,
            kind: KIND,
            version: env!("CARGO_PKG_VERSION"),
            mode: S::MODE,
            scenario,
            input_files,
            runs_planned,
            runs_finished,
            pods_of,
            map_at_ms: None,
            digest,
        }
    }
}

impl<S> Manifest<S> {
    /// Whether all runs were made.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.runs_planned == self.runs_finished
    }
}

impl InputFile {
    /// Reads `folder`/`name` and keeps its digest.
    ///
    /// # Errors
    /// A sentence, when it cannot be read.
    pub fn read(folder: &Path, name: &Path) -> Result<Self, String> {
        let path: PathBuf = folder.join(name);
        let unreadable = |error| format!("{}: cannot be read: {error}", path.display());
        let mut file = std::fs::File::open(&path).map_err(unreadable)?;
        let mut digest = Sha256::new();
        std::io::copy(&mut file, &mut digest).map_err(unreadable)?;
        Ok(Self {
            name: name.display().to_string(),
            sha256: hex(&digest.finalize()),
        })
    }
}

/// Bytes as people write digests.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
