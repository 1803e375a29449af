//! `stowage explain`: a cluster and a pod in, why it fits or does not out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;
use stowage_core::strategy::Strategy;

use super::inspect::{Format, model};
use super::{paper, print};
use crate::config;
use crate::inspect::explain::Explanation;
use crate::inspect::model::{Model, PodInfo};
use crate::inspect::sheet::sheet;
use crate::k8s::snapshot::Snapshot;

/// The long text of `--help`.
pub(super) const ABOUT: &str = "\
Explain where a pod could go, or why it fits nowhere and what would have to change.

Nodes are grouped by verdict, in the words that the pod's events show. For the best nodes: the devices, \
the score, the node before and after. Where no node fits: the nearest change that would do, tried in \
this order: less GPU memory, a smaller share of compute, a smaller MIG profile, a topology preferred in \
place of demanded, fewer GPUs, fewer cores, less host memory, any model, a toleration, a selector less, \
another pod's end. Intents of a running server are not known here.";

/// Examples, below the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  kubectl get nodes,pods -A -o json > cluster.json
  stowage explain --snapshot cluster.json lab/train-7
      a pod of the cluster: pending, or bound
  stowage explain --snapshot cluster.json --pod train.yaml
      a pod that is not in the cluster yet
  stowage explain --demo lab/sweep-0
      a pod of the built-in demo

Exit code 0: it fits, or is bound; 1: it fits nowhere; 2: could not run.";

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The pod; without a namespace it is in default
    #[arg(
        value_name = "NAMESPACE/POD",
        required_unless_present = "manifest",
        conflicts_with = "manifest"
    )]
    pod: Option<String>,
    /// The cluster: nodes and pods as kubectl prints them, JSON or YAML (repeatable)
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "demo",
        conflicts_with = "demo"
    )]
    snapshot: Vec<PathBuf>,
    /// Use the built-in demo cluster
    #[arg(long)]
    demo: bool,
    /// A pod that is not in the cluster yet
    #[arg(long = "pod", id = "manifest", value_name = "MANIFEST")]
    manifest: Option<PathBuf>,
    /// The strategy that decides
    #[arg(long, value_name = "NAME", default_value = Strategy::Fgd.name())]
    strategy: String,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl Explain {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let strategy = config::strategy(&self.strategy);
        let strategy = strategy.map_err(|sentence| anyhow!("--strategy: {sentence}"))?;
        let model = model(&self.snapshot, self.demo, strategy)?;
        let found = match (&self.manifest, &self.pod) {
            (Some(manifest), _) => Explanation::of(&model, &guest(manifest)?),
            (None, name) => {
                Explanation::of(&model, find(&model, name.as_deref().unwrap_or_default())?)
            }
        };
        print(&match self.format {
            Format::Table => sheet(&found, paper()),
            Format::Json => serde_json::to_string_pretty(&found)? + "\n",
        })?;
        Ok(ExitCode::from(u8::from(!found.is_good())))
    }
}

/// The pod of a manifest.
fn guest(manifest: &Path) -> anyhow::Result<PodInfo> {
    let snapshot = Snapshot::read_with_rules(&[manifest.to_owned()])?;
    if let Some(problem) = snapshot.problems.first() {
        bail!("{problem}");
    }
    let pods = snapshot.pods.len();
    let guest = PodInfo::guest(snapshot);
    guest.ok_or_else(|| anyhow!("{}: expected one pod, got {pods}", manifest.display()))
}

/// The pod called `name`.
fn find<'m>(model: &'m Model, name: &str) -> anyhow::Result<&'m PodInfo> {
    let name = match name.contains('/') {
        true => name.to_owned(),
        false => format!("default/{name}"),
    };
    model.find(&name).ok_or_else(|| {
        let near = model.nearest_name(&name);
        let near = near.map_or(String::new(), |near| format!(": did you mean {near:?}?"));
        anyhow!("no pod is called {name:?}{near}")
    })
}
