//! Where a trace with times and its cluster come from, as users write it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail};
use clap::Args;

use super::values::Given;
use crate::sim::replay::experiment::Workload;
use crate::sim::trace::gpu_jobs::{self, GpuJob, PerGpu};
use crate::sim::trace::openb::NodeFile;
use crate::sim::trace::timed::{Standing, TimedTrace};
use crate::sim::trace::{TraceNode, canonical, cluster, jobs_csv, openb, snapshot, synth};

/// What is to be read.
pub(super) struct Wanted<'a> {
    /// The trace.
    pub(super) trace: Given<&'a str>,
    /// The folder that its path goes from.
    pub(super) base: &'a Path,
    /// A cluster, if one is given, and the folder that its path goes from.
    pub(super) cluster: Option<(Given<&'a str>, &'a Path)>,
    /// Cores and memory where neither says.
    pub(super) per_gpu: PerGpu,
    /// Which nodes of an openb trace.
    pub(super) nodes: NodeFile,
    /// Which list of an openb trace.
    pub(super) list: &'a str,
    /// The cluster of traces that have none; they are refused without.
    pub(super) fallback: Option<&'a str>,
    /// Whether the trace may be a snapshot.
    pub(super) snapshots: bool,
}

/// Cores and host memory a GPU.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PerGpuOptions {
    /// CPU cores a GPU, of nodes and of pods, where trace or cluster do not say [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) cores_per_gpu: Option<u32>,
    /// Host memory a GPU likewise, GiB [default: 32]
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(super) memory_per_gpu: Option<u32>,
}

/// The forms of a trace with times.
const FORMS: &str = "demo, openb:DIR, philly:DIR, itp:DIR, csv:PATH, synth:SPEC or snapshot:FILE";

/// Those that say when jobs come and go.
const TIMED_FORMS: &str = "demo, openb:DIR, philly:DIR, itp:DIR, csv:PATH or synth:SPEC";

/// Jobs and their cluster.
pub(super) struct Loaded {
    pub(super) workload: Workload,
    /// Where the nodes come from.
    pub(super) cluster: String,
    /// Who is on them before.
    pub(super) standing: Arc<Standing>,
}

/// Reads what is wanted. What a snapshot leaves out is said on stderr.
pub(super) fn load(wanted: &Wanted<'_>) -> anyhow::Result<Loaded> {
    if let Some(file) = wanted.trace.value.strip_prefix("snapshot:") {
        return waiting(wanted, file);
    }
    let (given, standing) = match nodes(wanted)? {
        Some(cluster) => (Some((cluster.nodes, cluster.name)), cluster.standing),
        None => (None, Standing::default()),
    };
    let (workload, cluster) = jobs(wanted, given)?;
    Ok(Loaded {
        workload,
        cluster,
        standing: Arc::new(standing),
    })
}

/// The pods of a snapshot that wait, on its nodes, beside those that do not.
fn waiting(wanted: &Wanted<'_>, file: &str) -> anyhow::Result<Loaded> {
    if let Some((given, _)) = &wanted.cluster {
        let Given { place, value } = given;
        bail!("{place}: expected none beside a snapshot, which has its own nodes, got {value:?}");
    }
    let start = read_snapshot(&wanted.base.join(file))?;
    let trace = TimedTrace {
        source: wanted.trace.value.to_owned(),
        nodes: start.nodes,
        jobs: start.waiting,
        events: Vec::new(),
    };
    Ok(Loaded {
        workload: Workload::Trace(Arc::new(trace.ordered())),
        cluster: "the snapshot's own nodes".to_owned(),
        standing: Arc::new(start.standing),
    })
}

fn read_snapshot(file: &Path) -> anyhow::Result<snapshot::Start> {
    let start = snapshot::load(file)?;
    for problem in &start.problems {
        eprintln!("stowage: warning: {problem}");
    }
    Ok(start)
}

/// The jobs, on the `given` cluster if there is one, and where their nodes come from.
fn jobs(
    wanted: &Wanted<'_>,
    given: Option<(Vec<TraceNode>, String)>,
) -> anyhow::Result<(Workload, String)> {
    let Given { place, value: text } = &wanted.trace;
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let own = |name: &str| -> anyhow::Result<(Vec<TraceNode>, String)> {
        let given = given.clone();
        let fallback = || match (name, wanted.fallback) {
            ("philly", _) => Ok(jobs_csv::PHILLY_CLUSTER),
            (_, Some(cluster)) => Ok(cluster),
            _ => Err(anyhow!(
                "--cluster: expected one, for example A100-80GB:8x64, because {name} has no nodes"
            )),
        };
        match given {
            Some(given) => Ok(given),
            None => {
                let text = fallback()?;
                let nodes = cluster::parse(text, wanted.per_gpu).map_err(anyhow::Error::msg)?;
                Ok((nodes, text.to_owned()))
            }
        }
    };
    let in_folder = |name: &str, folder: &str| folder_of(&wanted.trace, wanted.base, name, folder);
    match kind {
        "demo" if *text == "demo" => {
            let (nodes, source) = given_or_own(given);
            Ok((Workload::Demo(nodes), source))
        }
        "openb" => {
            let dir = in_folder("openb", "openb")?;
            let (nodes, source) = given_or_own(given);
            let trace = openb::load_timed(&dir, wanted.nodes, nodes, wanted.list)?;
            Ok((Workload::Trace(Arc::new(trace)), source))
        }
        "philly" => {
            let dir = in_folder("philly", "philly-2017")?;
            let (nodes, source) = own("philly")?;
            let jobs = jobs_csv::philly(&dir)?;
            Ok((made("philly", &dir, jobs, nodes, wanted.per_gpu), source))
        }
        "itp" => {
            let dir = in_folder("itp", "msr-itp-2021")?;
            let (nodes, source) = own("itp")?;
            let jobs = jobs_csv::itp(&dir)?;
            Ok((made("itp", &dir, jobs, nodes, wanted.per_gpu), source))
        }
        "csv" if !rest.is_empty() => {
            let path = wanted.base.join(rest);
            if path.is_file() {
                let (nodes, source) = own("a file of pods alone")?;
                let trace = canonical::load_pods(&path, nodes)?;
                return Ok((Workload::Trace(Arc::new(trace)), source));
            }
            let (nodes, source) = given_or_own(given);
            let trace = canonical::load(&path, nodes)?;
            Ok((Workload::Trace(Arc::new(trace)), source))
        }
        "synth" if text.contains(':') => {
            let synth = synth::parse(rest).map_err(|e| anyhow!("{place}: synth: {e}"))?;
            let (nodes, source) = own("a synthetic workload")?;
            Ok((Workload::Synth(synth, nodes, wanted.per_gpu), source))
        }
        _ => {
            let forms = if wanted.snapshots { FORMS } else { TIMED_FORMS };
            bail!("{place}: expected {forms}, got {text:?}")
        }
    }
}

fn given_or_own(given: Option<(Vec<TraceNode>, String)>) -> (Option<Vec<TraceNode>>, String) {
    match given {
        Some((nodes, source)) => (Some(nodes), source),
        None => (None, "the trace's own nodes".to_owned()),
    }
}

fn made(
    prefix: &str,
    dir: &Path,
    jobs: Vec<GpuJob>,
    nodes: Vec<TraceNode>,
    per_gpu: PerGpu,
) -> Workload {
    let trace = TimedTrace {
        source: format!("{prefix}:{}", dir.display()),
        jobs: gpu_jobs::pods(prefix, jobs, &nodes, per_gpu),
        nodes,
        events: Vec::new(),
    };
    Workload::Trace(Arc::new(trace.ordered()))
}

/// A cluster that is given.
struct Cluster {
    nodes: Vec<TraceNode>,
    name: String,
    standing: Standing,
}

/// The cluster that is given, if one is.
fn nodes(wanted: &Wanted<'_>) -> anyhow::Result<Option<Cluster>> {
    let Some((given, base)) = &wanted.cluster else {
        return Ok(None);
    };
    let Given { place, value: text } = given;
    let mut standing = Standing::default();
    let nodes = match text.split_once(':') {
        Some(("snapshot", file)) if !file.is_empty() => {
            let start = read_snapshot(&base.join(file))?;
            standing = start.standing;
            start.nodes
        }
        _ if text.starts_with("pai-2020-machines") => {
            let dir = folder_of(given, base, "pai-2020-machines", "pai-2020-machines")?;
            cluster::pai(&dir)?
        }
        _ => cluster::parse(text, wanted.per_gpu).map_err(|e| anyhow!("{place}: {e}"))?,
    };
    Ok(Some(Cluster {
        nodes,
        name: (*text).to_owned(),
        standing,
    }))
}

/// The folder of `NAME:DIR`, or `folder` in the one that `STOWAGE_TRACES` names where only `NAME` is
/// given.
pub(super) fn folder_of(
    given: &Given<&str>,
    base: &Path,
    name: &str,
    folder: &str,
) -> anyhow::Result<PathBuf> {
    let Given { place, value: text } = given;
    match text.split_once(':') {
        Some((kind, dir)) if kind == name && !dir.is_empty() => Ok(base.join(dir)),
        None if *text == name => match std::env::var_os("STOWAGE_TRACES") {
            Some(traces) => Ok(PathBuf::from(traces).join(folder)),
            None => bail!(
                "{place}: {name}: expected {name}:DIR, or STOWAGE_TRACES to name the folder with {folder} in it"
            ),
        },
        _ => bail!("{place}: expected {name} or {name}:DIR, got {text:?}"),
    }
}
