//! The files of a replay's results folder but the report. Columns and fields are described in the README.

use std::io::{self, Write};

use serde::Serialize;

use super::ranking::Ranking;
use super::{ReplayResult, ReplaySummary};
use crate::config::API_VERSION;
use crate::sim::replay::detail::{Detail, Reason};
use crate::sim::replay::outcome::{Fate, JobRecord};
use crate::sim::replay::stats::round;
use crate::sim::report::files::{Saw, devices_of, in_words, json, models, share_of};
use crate::sim::report::tables::quoted;
use crate::sim::trace::timed::Job;

/// `summary.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryFile<'a> {
    api_version: &'static str,
    kind: &'static str,
    digest: &'a str,
    summary: &'a [ReplaySummary],
    comparison: &'a Ranking,
}

/// Writes `summary.json`: spreads, and every strategy against the one under which jobs wait least.
///
/// # Errors
/// When `out` cannot be written.
pub fn summary(out: &mut dyn Write, result: &ReplayResult, ranking: &Ranking) -> io::Result<()> {
    let file = SummaryFile {
        api_version: API_VERSION,
        kind: "ReplaySummary",
        digest: &result.digest,
        summary: &result.summary,
        comparison: ranking,
    };
    json(out, &file)
}

/// Writes `runs.csv`: a row a strategy and seed.
///
/// # Errors
/// When `out` cannot be written.
pub fn runs(out: &mut dyn Write, result: &ReplayResult) -> io::Result<()> {
    out.write_all(super::csv(result).as_bytes())
}

/// Writes `series.csv`: a row a stretch of a run, at most 240 of each.
///
/// # Errors
/// When `out` cannot be written.
pub fn series(out: &mut dyn Write, result: &ReplayResult) -> io::Result<()> {
    writeln!(
        out,
        "strategy,seed,from_s,to_s,allocated_gpus,up_gpus,asked_gpus,waiting_gpus,waiting_jobs,\
         stranded_gpus,stranded_pieces,stranded_room,stranded_model,stranded_held_back,stranded_other"
    )?;
    for run in &result.runs {
        let (strategy, series) = (quoted(&run.strategy), &run.series);
        let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(0.0);
        for index in 0..series.allocated.len() {
            let from = index as f64 * series.width;
            write!(
                out,
                "{strategy},{},{},{}",
                run.seed,
                round(from),
                round(from + series.width)
            )?;
            let columns = [
                &series.allocated,
                &series.up,
                &run.curves.asked,
                &series.waiting,
                &series.waiting_jobs,
                &series.stranded,
            ];
            for values in columns {
                write!(out, ",{}", round(at(values, index)))?;
            }
            for gpus in series.causes(index) {
                write!(out, ",{}", round(gpus))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes `pods.csv`: a row a pod of one run, by submission; pods of one job are a gang.
///
/// # Errors
/// When `out` cannot be written.
pub fn pods(out: &mut dyn Write, detail: &Detail) -> io::Result<()> {
    writeln!(
        out,
        "job,pod,tenant,priority,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,submitted_ms,\
         started_ms,last_started_ms,ended_ms,waited_ms,starts,failures,outcome,node,reason"
    )?;
    let jobs = detail.replayed.trace.jobs.iter();
    for (number, (job, record)) in jobs.zip(&detail.replayed.outcome.jobs).enumerate() {
        let reason = detail
            .reasons
            .get(&number)
            .map_or(String::new(), |reason| said(reason, record.fate));
        let times = times(job, record);
        for (index, pod) in job.pods.iter().enumerate() {
            let node = detail.places[number].get(index).map_or("", |node| node);
            writeln!(
                out,
                "{},{index},{},{},{},{},{},{},{},{},{times},{},{},{},{},{}",
                quoted(&job.name),
                quoted(&job.tenant),
                job.priority,
                pod.cores(),
                pod.memory(),
                devices_of(pod),
                share_of(pod),
                quoted(&models(pod)),
                job.submit,
                record.starts,
                record.failures,
                outcome(record.fate),
                quoted(node),
                quoted(&reason)
            )?;
        }
    }
    Ok(())
}

/// First start, last start, end and waiting time; empty where there is none.
fn times(job: &Job, record: &JobRecord) -> String {
    let text = |time: Option<u64>| time.map_or(String::new(), |time| time.to_string());
    let last = record.first_start.map(|_| record.last_start);
    let waited = record.first_start.map(|start| start - job.submit);
    let times = [record.first_start, last, record.end, waited];
    times.map(text).join(",")
}

/// What became of a job, in a word.
fn outcome(fate: Fate) -> &'static str {
    match fate {
        Fate::Ahead | Fate::Waiting => "waiting",
        Fate::Running => "running",
        Fate::Ended => "ended",
        Fate::Refused => "refused",
        Fate::Lost => "lost",
    }
}

/// A reason in words.
fn said(reason: &Reason, fate: Fate) -> String {
    match (reason, fate) {
        (Reason::Unfit(reasons), _) => in_words(reasons),
        (Reason::Together, Fate::Refused) => "its pods do not fit together".to_owned(),
        (Reason::Together, _) => "the rest of its gang or the queue holds it back".to_owned(),
        (Reason::Failed { node, at }, _) => format!("node {node} failed at {at} ms"),
    }
}

/// A line of `decisions.jsonl`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionLine<'a> {
    at_ms: u64,
    job: &'a str,
    #[serde(flatten)]
    saw: Saw<'a>,
    starts: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<&'a str>,
}

/// Writes `decisions.jsonl`: a line an attempt to start a job, in order, with what every node was for
/// the first of its pods.
///
/// # Errors
/// When `out` cannot be written.
pub fn decisions(out: &mut dyn Write, detail: &Detail) -> io::Result<()> {
    for decision in &detail.decisions {
        let line = DecisionLine {
            at_ms: decision.at,
            job: &detail.replayed.trace.jobs[decision.job].name,
            saw: (&decision.nodes).into(),
            starts: !decision.places.is_empty(),
            nodes: decision.places.iter().map(AsRef::as_ref).collect(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
