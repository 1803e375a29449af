//! The openb trace in time: one list's pods with their times.
//!
//! A pod is submitted at `creation_time` and runs from `scheduled_time` (from `creation_time` where it
//! was never scheduled) to `deletion_time`; seconds. Its tenant is its `qos`. Demand in real time is at
//! most 65.6 GPUs of 6,212, so one compresses times to a target load.

use std::path::Path;
use std::sync::Arc;

use super::super::table::Table;
use super::super::timed::{Job, Requests, TimedTrace};
use super::super::{TraceError, TraceNode};
use super::{Names, NodeFile, known_lists, read_nodes, read_pod};

/// Reads `list` from the folder `dir`, and the nodes unless others are given.
///
/// # Errors
/// The first thing that is wrong: which file, line and column, what stands there, what should.
pub fn load(
    dir: &Path,
    nodes: NodeFile,
    others: Option<Vec<TraceNode>>,
    list: &str,
) -> Result<TimedTrace, TraceError> {
    let known = known_lists(dir)?;
    if !known.iter().any(|name| name == list) {
        return Err(TraceError::NoSuchList {
            dir: dir.to_owned(),
            name: list.to_owned(),
            known: known.join(", "),
        });
    }
    let nodes = match others {
        Some(nodes) => nodes,
        None => read_nodes(&nodes.path(dir))?,
    };
    let trace = TimedTrace {
        source: format!("openb:{}", dir.display()),
        nodes,
        jobs: read_jobs(&dir.join(format!("openb_pod_list_{list}.csv")))?,
        events: Vec::new(),
    };
    Ok(trace.ordered())
}

fn read_jobs(file: &Path) -> Result<Vec<Job>, TraceError> {
    let required = [
        "name",
        "cpu_milli",
        "memory_mib",
        "num_gpu",
        "gpu_milli",
        "creation_time",
        "deletion_time",
    ];
    let optional = ["gpu_spec", "qos", "pod_phase", "scheduled_time"];
    let mut table = Table::open(file, &required, &optional)?;
    let mut names = Names::default();
    let mut requests = Requests::default();
    let mut jobs = Vec::new();
    table.rows(|row| {
        let submit = row.seconds("creation_time")?;
        let end = row.seconds("deletion_time")?;
        let start = match row.get("scheduled_time") {
            None | Some("") => submit,
            Some(_) => row.seconds("scheduled_time")?,
        };
        if end < start {
            let expected = "a time that is not before creation_time and scheduled_time";
            return Err(row.wrong("deletion_time", expected));
        }
        jobs.push(Job {
            name: names.unique(row, "name")?.into(),
            tenant: row.get("qos").unwrap_or("").into(),
            submit,
            duration: Some(end - start),
            priority: 0,
            pods: Arc::new([requests.share(read_pod(row)?)]),
            nodes: None,
        });
        Ok(())
    })?;
    Ok(jobs)
}
