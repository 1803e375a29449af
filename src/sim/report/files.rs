//! The files of a results folder but the report: JSON for machines, CSV for spreadsheets.
//!
//! Columns and fields are described in the README. Rows are written one by one, because there may be
//! millions of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use stowage_core::gpu::Model;
use stowage_core::request::{ContainerRequest, Models, PodRequest};

use super::{Comparison, SimulationResult, Summary, csv, tables::quoted};
use crate::config::API_VERSION;
use crate::sim::detail::{self, Detail, Fate, Reasons};

/// `summary.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryFile<'a> {
    api_version: &'static str,
    kind: &'static str,
    digest: &'a str,
    summary: Vec<Summary>,
    comparison: &'a [Comparison],
}

/// Writes `summary.json`: spreads and comparisons, without decision times, which differ from run to
/// run.
///
/// # Errors
/// When `out` cannot be written.
pub fn summary(
    out: &mut dyn Write,
    result: &SimulationResult,
    comparison: &[Comparison],
) -> io::Result<()> {
    let untimed = |entry: &Summary| Summary {
        decision_micros: None,
        ..entry.clone()
    };
    let file = SummaryFile {
        api_version: API_VERSION,
        kind: "SimulationSummary",
        digest: &result.digest,
        summary: result.summary.iter().map(untimed).collect(),
        comparison,
    };
    json(out, &file)
}

/// Writes `value` as indented JSON.
///
/// # Errors
/// When `out` cannot be written.
pub fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Writes `runs.csv`: a row a run.
///
/// # Errors
/// When `out` cannot be written.
pub fn runs(out: &mut dyn Write, result: &SimulationResult) -> io::Result<()> {
    out.write_all(csv(result).as_bytes())
}

/// Writes `series.csv`: a row a run and percent of demand.
///
/// # Errors
/// When `out` cannot be written.
pub fn series(out: &mut dyn Write, result: &SimulationResult) -> io::Result<()> {
    writeln!(
        out,
        "list,strategy,seed,demand_percent,allocated_percent,fragmented_percent"
    )?;
    for run in &result.runs {
        let (list, strategy) = (quoted(&run.list), quoted(&run.strategy));
        let points = run.curve.iter().zip(&run.fragmented_curve).enumerate();
        for (percent, (allocated, fragmented)) in points {
            writeln!(
                out,
                "{list},{strategy},{},{percent},{allocated},{fragmented}",
                run.seed
            )?;
        }
    }
    Ok(())
}

/// Writes `pods.csv`: a row a pod of one run, in order of arrival.
///
/// # Errors
/// When `out` cannot be written.
pub fn pods(out: &mut dyn Write, detail: &Detail) -> io::Result<()> {
    writeln!(
        out,
        "arrival,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,outcome,node,devices,reason"
    )?;
    for (arrival, pod) in detail.pods.iter().enumerate() {
        let request = &pod.request;
        write!(
            out,
            "{arrival},{},{},{},{},{},",
            request.cores(),
            request.memory(),
            devices_of(request),
            share_of(request),
            quoted(&models(request))
        )?;
        match &pod.fate {
            Fate::Placed { node, devices } => {
                let indices = devices.iter().flat_map(|set| set.iter());
                let indices: Vec<_> = indices.map(|index| index.to_string()).collect();
                writeln!(out, "placed,{},{},", quoted(node), indices.join("|"))?;
            }
            Fate::Refused { reasons, .. } => {
                writeln!(out, "refused,,,{}", quoted(&in_words(reasons)))?;
            }
        }
    }
    Ok(())
}

/// Reasons as kube-scheduler writes them, the most frequent first.
#[must_use]
pub fn in_words(reasons: &Reasons) -> String {
    let mut sorted: Vec<_> = reasons.iter().collect();
    sorted.sort_by_key(|(unfit, count)| (std::cmp::Reverse(**count), **unfit));
    let words = sorted
        .into_iter()
        .map(|(unfit, count)| format!("{count} {unfit}"));
    format!(
        "0 nodes are available: {}",
        words.collect::<Vec<_>>().join(", ")
    )
}

pub(super) fn devices_of(request: &PodRequest) -> usize {
    request
        .containers()
        .iter()
        .map(ContainerRequest::count)
        .sum()
}

/// Thousandths asked of each device; the most of any container.
pub(super) fn share_of(request: &PodRequest) -> u32 {
    let shares = request.containers().iter().map(|c| c.compute().0);
    shares.max().unwrap_or(0)
}

pub(super) fn models(request: &PodRequest) -> String {
    match request.models() {
        Models::Any => String::new(),
        Models::OneOf(list) => {
            let names: Vec<_> = list.iter().map(Model::as_str).collect();
            names.join("|")
        }
    }
}

/// A line of `decisions.jsonl`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionLine<'a> {
    arrival: usize,
    #[serde(flatten)]
    saw: Saw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<Vec<usize>>>,
}

/// What every node was in one decision.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Saw<'a> {
    feasible_nodes: u32,
    refusals: BTreeMap<&'static str, u32>,
    best: Vec<Scored<'a>>,
}

#[derive(Serialize)]
struct Scored<'a> {
    node: &'a str,
    score: i64,
}

impl<'a> From<&'a detail::Decision> for Saw<'a> {
    fn from(decision: &'a detail::Decision) -> Self {
        let reasons = decision.reasons.iter();
        let best = decision.best.iter();
        let scored = |(node, score): &'a (Arc<str>, i64)| Scored {
            node,
            score: *score,
        };
        Self {
            feasible_nodes: decision.feasible,
            refusals: reasons
                .map(|(unfit, count)| (unfit.sentence(), *count))
                .collect(),
            best: best.map(scored).collect(),
        }
    }
}

/// Writes `decisions.jsonl`: a line a decision of one run, in order.
///
/// # Errors
/// When `out` cannot be written.
pub fn decisions(out: &mut dyn Write, detail: &Detail) -> io::Result<()> {
    for (arrival, (decision, pod)) in detail.decisions.iter().zip(&detail.pods).enumerate() {
        let (node, devices) = match &pod.fate {
            Fate::Placed { node, devices } => {
                let sets = devices.iter().map(|set| set.iter().collect());
                (Some(&**node), Some(sets.collect()))
            }
            Fate::Refused { .. } => (None, None),
        };
        let line = DecisionLine {
            arrival,
            saw: decision.into(),
            node,
            devices,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
