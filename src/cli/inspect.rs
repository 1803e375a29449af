//! `stowage inspect`: files in, the packing map out.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use stowage_core::strategy::Strategy;

use super::{paper, print, warn};
use crate::inspect::demo::demo;
use crate::inspect::model::Model;
use crate::inspect::report::Inspection;
use crate::inspect::table::table;
use crate::k8s::snapshot::Snapshot;

/// The long text of `--help`.
pub(super) const ABOUT: &str = "\
Show a cluster as a packing map: what every GPU holds, what is stranded and why, what still fits.

Reads what kubectl prints, in JSON or YAML; nothing is installed and nothing is written. Per node a \
row, per GPU a cell. Then how much of what is free is of no use and why, how many more pods of the \
cluster's own common shapes fit, and a verdict for each pod that waits. Node selectors, required node \
affinity, taints and cordons are respected; what is not judged is named.";

/// Examples, below the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  kubectl get nodes,pods -A -o json | stowage inspect -
      the cluster that kubectl talks to
  stowage inspect nodes.yaml pods.json
      several files are one cluster
  stowage inspect --demo
      a small built-in cluster with something of everything
  stowage inspect cluster.json --format json | jq .stranded
      for machines; every node is listed, amounts are thousandths (Milli) and mebibytes (Mib)

Exit code 0: shown, objects that are wrong are left out with one warning each; 2: could not run.";

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Nodes and pods as kubectl prints them, JSON or YAML; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "demo")]
    files: Vec<PathBuf>,
    /// Show the built-in demo cluster
    #[arg(long, conflicts_with = "files")]
    demo: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

impl Inspect {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let model = model(&self.files, self.demo, Strategy::Fgd)?;
        let found = Inspection::of(&model);
        print(&match self.format {
            Format::Table => table(&found, paper()),
            Format::Json => serde_json::to_string_pretty(&found)? + "\n",
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The cluster of `files`, or the demo, with a warning for all that is wrong in it.
pub(super) fn model(files: &[PathBuf], is_demo: bool, strategy: Strategy) -> anyhow::Result<Model> {
    let snapshot = match is_demo {
        true => demo(),
        false => Snapshot::read_with_rules(files)?,
    };
    snapshot.problems.iter().for_each(|problem| warn(problem));
    if snapshot.nodes.is_empty() && snapshot.pods.is_empty() {
        let files: Vec<_> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        bail!(
            "{}: no node and no pod that could be read",
            files.join(", ")
        );
    }
    let model = Model::of(snapshot, strategy);
    model.problems.iter().for_each(|problem| warn(problem));
    Ok(model)
}
