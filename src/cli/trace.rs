//! `stowage trace`: what is in a trace, whether it is sound, our own form of it, a synthetic one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::folder::Folder;
use super::print;
use super::sources::{self, Loaded, PerGpuOptions, Wanted};
use super::values::{self, Given};
use crate::sim::replay::experiment::{Compression, Replay};
use crate::sim::trace::canonical;
use crate::sim::trace::gpu_jobs::PerGpu;
use crate::sim::trace::inspect::{Shape, contradictions};
use crate::sim::trace::timed::TimedTrace;

/// Eight GPUs a node, the commonest: what pods are made for where no cluster is known.
const FALLBACK: &str = "any:8x1";

#[derive(Debug, Args)]
pub(super) struct Trace {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is in a trace: sizes, run times, gaps, tenants, load
    Inspect {
        #[command(flatten)]
        source: Source,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Say whether a trace is sound; exit code 2 and where, if it cannot be read, 1 if it contradicts
    /// itself
    Validate {
        #[command(flatten)]
        source: Source,
    },
    /// Write a trace as nodes.csv, pods.csv and events.csv
    Convert {
        #[command(flatten)]
        source: Source,
        /// The folder to write, which must not be there yet
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Make a synthetic trace: KEY=VALUE joined by commas, see the README
    Synth {
        /// For example kind=philly,jobs=5000 or jobs=1000,gap=30s,sizes=1:90/8:10,arrivals=bursty
        #[arg(value_name = "SPEC")]
        spec: String,
        /// The cluster: MODEL:GPUSxNODES,... or pai-2020-machines:DIR
        #[arg(long, value_name = "CLUSTER")]
        cluster: String,
        #[command(flatten)]
        per_gpu: PerGpuOptions,
        /// What is drawn from
        #[arg(long, value_name = "N", default_value_t = 42)]
        seed: u64,
        /// Compress times to this offered load
        #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
        load: Option<String>,
        /// The folder to write, which must not be there yet
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Source {
    /// demo, openb:DIR, philly:DIR, itp:DIR, csv:PATH or synth:SPEC
    #[arg(value_name = "TRACE")]
    trace: String,
    /// Another cluster: MODEL:GPUSxNODES,... or pai-2020-machines:DIR
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
    #[command(flatten)]
    per_gpu: PerGpuOptions,
    /// Which nodes of an openb trace
    #[arg(long, value_name = "gpu|all", default_value = "gpu")]
    nodes: String,
    /// Which list of an openb trace
    #[arg(long, value_name = "NAME", default_value = "default")]
    list: String,
    /// What the demo and synthetic traces are drawn from
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Trace {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Inspect { source, format } => {
                let (trace, known) = source.load()?;
                let mut shape = Shape::of(&trace);
                shape.trace.clone_from(&source.trace);
                if !known {
                    (shape.nodes, shape.gpus) = (0, 0);
                    (shape.models, shape.offered_percent) = (Vec::new(), None);
                }
                print(&match format {
                    Format::Text => shape.text(),
                    Format::Json => serde_json::to_string_pretty(&shape)? + "\n",
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Validate { source } => source.validate(),
            Command::Convert { source, out } => {
                write(&source.load()?.0, out)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Synth {
                spec,
                cluster,
                per_gpu,
                seed,
                load,
                out,
            } => {
                let compression = match load {
                    None => Compression::By(1000),
                    Some(load) => match values::load(&option("load", load))? {
                        crate::sim::arrivals::Load::PerMille(share) => Compression::ToLoad(share),
                        crate::sim::arrivals::Load::List => Compression::By(1000),
                    },
                };
                let source = Source {
                    trace: format!("synth:{spec}"),
                    cluster: Some(cluster.clone()),
                    per_gpu: *per_gpu,
                    nodes: "gpu".to_owned(),
                    list: "default".to_owned(),
                    seed: *seed,
                };
                write(&source.compressed(compression)?.0, out)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn option<'a>(name: &str, value: &'a str) -> Given<&'a str> {
    Given {
        place: format!("--{name}"),
        value,
    }
}

impl Source {
    fn load(&self) -> anyhow::Result<(TimedTrace, bool)> {
        self.compressed(Compression::By(1000))
    }

    /// The trace, and whether its nodes are known.
    fn compressed(&self, compression: Compression) -> anyhow::Result<(TimedTrace, bool)> {
        for (place, text) in [
            ("TRACE", Some(&self.trace)),
            ("--cluster", self.cluster.as_ref()),
        ] {
            if let Some(text) = text.filter(|text| text.starts_with("snapshot:")) {
                bail!(
                    "{place}: expected no snapshot, which has no times and more than a trace can say, got {text:?}"
                );
            }
        }
        if self.list != "default" && !self.trace.starts_with("openb") {
            let list = &self.list;
            bail!("--list: expected a trace of the kind openb beside it, got {list:?}");
        }
        let default = PerGpu::default();
        let per_gpu = PerGpu {
            cores: self.per_gpu.cores_per_gpu.unwrap_or(default.cores),
            memory_gib: self.per_gpu.memory_per_gpu.unwrap_or(default.memory_gib),
        };
        let here = Path::new("");
        let wanted = Wanted {
            trace: Given {
                place: "TRACE".to_owned(),
                value: &self.trace,
            },
            base: here,
            cluster: self
                .cluster
                .as_deref()
                .map(|cluster| (option("cluster", cluster), here)),
            per_gpu,
            nodes: values::nodes(&option("nodes", &self.nodes))?,
            list: &self.list,
            fallback: Some(FALLBACK),
            snapshots: false,
        };
        let Loaded {
            workload,
            cluster,
            standing,
        } = sources::load(&wanted)?;
        let replay = Replay {
            workload,
            standing,
            policies: Vec::new(),
            seeds: Vec::new(),
            model: crate::sim::replay::Model::default(),
            compression,
            failures: None,
        };
        let trace = replay.trace(self.seed)?;
        Ok((std::sync::Arc::unwrap_or_clone(trace), cluster != FALLBACK))
    }

    fn validate(&self) -> anyhow::Result<ExitCode> {
        let (trace, _) = self.load()?;
        let found = contradictions(&trace);
        for line in &found {
            eprintln!("stowage: {line}");
        }
        if !found.is_empty() {
            return Ok(ExitCode::from(1));
        }
        let pods: usize = trace.jobs.iter().map(|job| job.pods.len()).sum();
        print(&format!(
            "sound: {} jobs of {pods} pods, {} nodes, {} events\n",
            trace.jobs.len(),
            trace.nodes.len(),
            trace.events.len()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes `trace` into the new folder `out`, all of it or nothing.
fn write(trace: &TimedTrace, out: &Path) -> anyhow::Result<()> {
    if out.exists() {
        bail!(
            "--out: expected a folder that is not there yet, got {:?}",
            out.display().to_string()
        );
    }
    let folder = Folder::open(out, false)?;
    let file = |name: &str, text: &str| folder.write(name, |to| to.write_all(text.as_bytes()));
    file("nodes.csv", &canonical::nodes(trace))?;
    file("pods.csv", &canonical::pods(trace))?;
    if let Some(events) = canonical::events(trace) {
        file("events.csv", &events)?;
    }
    folder.finish()
}
