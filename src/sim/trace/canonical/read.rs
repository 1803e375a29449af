//! Reads the canonical form and refuses what does not agree with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU8;
use std::path::Path;
use std::sync::Arc;

use stowage_core::gpu::{Gpu, GpuMode, MAX_DEVICES, Model, Vendor};
use stowage_core::node::Room;
use stowage_core::request::{ContainerRequest, PodRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::super::table::{MAX_MS, Row, Table};
use super::super::timed::{Job, NodeEvent, NodeEventKind, Requests, TimedTrace};
use super::super::{Problem, TraceError, TraceNode, cluster, openb};

/// Pods a node may run.
const PODS_PER_NODE: u32 = 1001;
const MOST: u32 = i32::MAX as u32;

/// Reads the folder `dir`: its nodes unless others are given, its pods, its events if it has any.
///
/// # Errors
/// The first thing that is wrong: which file, line and column, what stands there, what should.
pub fn load(dir: &Path, others: Option<Vec<TraceNode>>) -> Result<TimedTrace, TraceError> {
    let nodes = match others {
        Some(nodes) => nodes,
        None => read_nodes(&dir.join("nodes.csv"))?,
    };
    let file = dir.join("events.csv");
    let events = match file.exists() {
        true => read_events(&file, &nodes)?,
        false => Vec::new(),
    };
    let trace = TimedTrace {
        source: format!("csv:{}", dir.display()),
        nodes,
        jobs: read_pods(&dir.join("pods.csv"))?,
        events,
    };
    Ok(trace.ordered())
}

/// Reads `file` as `pods.csv`, to be run on `nodes`.
///
/// # Errors
/// As [`load`].
pub fn load_pods(file: &Path, nodes: Vec<TraceNode>) -> Result<TimedTrace, TraceError> {
    let trace = TimedTrace {
        source: format!("csv:{}", file.display()),
        nodes,
        jobs: read_pods(file)?,
        events: Vec::new(),
    };
    Ok(trace.ordered())
}

fn read_nodes(file: &Path) -> Result<Vec<TraceNode>, TraceError> {
    let required = ["name", "cpu_milli", "mem_mib", "gpu_count", "gpu_model"];
    let mut table = Table::open(file, &required, &["gpu_mem_mib"])?;
    let mut nodes = Vec::new();
    let mut names = openb::Names::default();
    let mut devices: BTreeMap<(u32, String, Option<u64>), Arc<[Gpu]>> = BTreeMap::new();
    table.rows(|row| {
        let name = names.unique(row, "name")?;
        let count = row.number("gpu_count", MAX_DEVICES as u32)?;
        let model = row.get("gpu_model").unwrap_or("");
        if (count == 0) != model.is_empty() || (count > 0 && !openb::is_model(model)) {
            let expected = "a GPU model of letters, digits and -_./+ where gpu_count is above 0, \
                            nothing elsewhere";
            return Err(row.wrong("gpu_model", expected));
        }
        let memory = row.large("gpu_mem_mib", u64::from(MOST))?;
        let key = (count, model.to_owned(), memory);
        let gpus = devices.entry(key).or_insert_with(|| {
            let gpu = Gpu {
                vendor: Vendor::Nvidia,
                model: Model::new(model),
                memory: memory.map_or_else(
                    || cluster::memory_of(model),
                    |mib| Mebibytes(u32::try_from(mib).unwrap_or(MOST)),
                ),
                mode: GpuMode::Plain,
            };
            vec![gpu; count as usize].into()
        });
        let room = Room {
            cores: Milli(row.number("cpu_milli", MOST)?),
            memory: Mebibytes(row.number("mem_mib", MOST)?),
            pods: PODS_PER_NODE,
        };
        nodes.push(super::super::node(&name, room, gpus.clone()));
        Ok(())
    })?;
    match nodes.is_empty() {
        true => Err(table.at(2, nothing("node"))),
        false => Ok(nodes),
    }
}

/// There is a header and nothing below it.
fn nothing(what: &str) -> Problem {
    Problem::Line(format!("expected at least one {what}, got none"))
}

/// A gang as it is read: its first line, and its pods by name.
struct Gang {
    line: u64,
    job: Job,
    pods: BTreeMap<String, Arc<PodRequest>>,
}

fn read_pods(file: &Path) -> Result<Vec<Job>, TraceError> {
    let required = [
        "name",
        "submit_ms",
        "duration_ms",
        "cpu_milli",
        "mem_mib",
        "gpu_count",
        "gpu_milli",
    ];
    let optional = ["job", "gpu_mem_mib", "gpu_models", "priority", "tenant"];
    let mut table = Table::open(file, &required, &optional)?;
    let mut names = openb::Names::default();
    let mut requests = Requests::default();
    let mut gangs: BTreeMap<String, Gang> = BTreeMap::new();
    table.rows(|row| {
        let name = names.unique(row, "name")?;
        let job = row.get("job").filter(|job| !job.is_empty());
        // A pod of its own cannot be taken for a member of a job of the same name.
        let key = job.map_or_else(|| format!("pod {name}"), |job| format!("job {job}"));
        let head = read_head(row, job.unwrap_or(&name))?;
        let request = requests.share(read_request(row)?);
        let gang = gangs.entry(key).or_insert_with(|| Gang {
            line: row.line(),
            job: head.clone(),
            pods: BTreeMap::new(),
        });
        agree(row, gang, &head)?;
        gang.pods.insert(name, request);
        Ok(())
    })?;
    if gangs.is_empty() {
        return Err(table.at(2, nothing("pod")));
    }
    let mut seen = BTreeSet::new();
    let mut jobs = Vec::with_capacity(gangs.len());
    for mut gang in gangs.into_values() {
        if !seen.insert(gang.job.name.clone()) {
            let what = format!("a pod and a job are both called {:?}", gang.job.name);
            return Err(table.at(gang.line, Problem::Line(what)));
        }
        gang.job.pods = gang.pods.into_values().collect();
        jobs.push(gang.job);
    }
    Ok(jobs)
}

/// What the pods of a job have in common.
fn read_head(row: &Row<'_>, name: &str) -> Result<Job, TraceError> {
    let submit = row.large("submit_ms", MAX_MS)?;
    let priority = match row.get("priority") {
        None | Some("") => 0,
        Some(text) => text
            .parse()
            .map_err(|_| row.wrong("priority", "a whole number, or nothing"))?,
    };
    Ok(Job {
        name: name.into(),
        tenant: row.get("tenant").unwrap_or("").into(),
        submit: submit.ok_or_else(|| row.wrong("submit_ms", "a whole number"))?,
        duration: row.large("duration_ms", MAX_MS)?,
        priority,
        pods: Arc::from([]),
        nodes: None,
    })
}

fn agree(row: &Row<'_>, gang: &Gang, head: &Job) -> Result<(), TraceError> {
    let first = &gang.job;
    let differs = [
        ("submit_ms", first.submit != head.submit),
        ("duration_ms", first.duration != head.duration),
        ("priority", first.priority != head.priority),
        ("tenant", first.tenant != head.tenant),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        Some((column, _)) => {
            let line = gang.line;
            let expected = format!("what the same job has in line {line}");
            Err(row.wrong(column, &expected))
        }
        None => Ok(()),
    }
}

fn read_request(row: &Row<'_>) -> Result<PodRequest, TraceError> {
    let count = row.number("gpu_count", MAX_DEVICES as u32)?;
    let milli = row.number("gpu_milli", 1000)?;
    if (count == 0) != (milli == 0) {
        let expected = "1 to 1000 where gpu_count is above 0, 0 elsewhere";
        return Err(row.wrong("gpu_milli", expected));
    }
    let memory = match row.large("gpu_mem_mib", u64::from(MOST))? {
        None => ShareMemory::Milli(Milli(milli)),
        Some(mib) => ShareMemory::Mebibytes(Mebibytes(u32::try_from(mib).unwrap_or(MOST))),
    };
    let container = match NonZeroU8::new(u8::try_from(count).unwrap_or(u8::MAX)) {
        None => ContainerRequest::None,
        Some(count) if milli == 1000 => ContainerRequest::Whole { count },
        Some(count) => ContainerRequest::Share {
            count,
            share: Share {
                compute: Milli(milli),
                memory,
            },
        },
    };
    let cores = Milli(row.number("cpu_milli", MOST)?);
    let memory = Mebibytes(row.number("mem_mib", MOST)?);
    let models = openb::read_models(row, "gpu_models")?;
    PodRequest::new(&[container], cores, memory, models)
        .map_err(|error| row.wrong("gpu_milli", &error.to_string()))
}

fn read_events(file: &Path, nodes: &[TraceNode]) -> Result<Vec<NodeEvent>, TraceError> {
    let mut table = Table::open(file, &["time_ms", "kind", "node"], &[])?;
    let names: BTreeSet<&str> = nodes.iter().map(|node| &*node.name).collect();
    let mut events = Vec::new();
    table.rows(|row| {
        let at = row.large("time_ms", MAX_MS)?;
        let kinds = [NodeEventKind::Up, NodeEventKind::Add, NodeEventKind::Down];
        let text = row.get("kind").unwrap_or("");
        let kind = kinds.into_iter().find(|kind| kind.name() == text);
        let node = row.get("node").unwrap_or("");
        if !names.contains(node) {
            return Err(row.wrong("node", "the name of a node of the cluster"));
        }
        events.push(NodeEvent {
            at: at.ok_or_else(|| row.wrong("time_ms", "a whole number"))?,
            kind: kind.ok_or_else(|| row.wrong("kind", "node_down, node_up or node_add"))?,
            node: node.into(),
        });
        Ok(())
    })?;
    Ok(events)
}
