//! `stowage simulate --mode replay`: options and a scenario in, replays, their results out.

mod fields;
mod options;
mod out;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;

use super::out::Names;
use super::progress::Progress;
use super::simulate::{Format, Simulate};
use super::sources::{self, Loaded, Wanted, folder_of};
use super::values;
use super::{interrupt, print, progress};
use crate::config::Policy;
use crate::config::scenario::ScenarioSpec;
use crate::sim::replay::experiment::{Plan, Replay, Workload};
use crate::sim::replay::{Discipline, Model, OnFailure};
use crate::sim::report::PolicyInput;
use crate::sim::report::replay::{self as report, ReplayInputs, ReplayResult, ReplayRun};
use crate::sim::trace::gavel;

use fields::{Fields, compression, per_gpu, read_failures};
pub(super) use options::Options;
use options::at;

/// Makes the replays and prints what they gave.
pub(super) fn run(
    command: &Simulate,
    spec: &ScenarioSpec,
    base: &Path,
) -> anyhow::Result<ExitCode> {
    let (replay, inputs) = plan(command, spec, base)?;
    let fields = Fields { command, base };
    let map_at = out::map_at(&fields)?;
    let names = Names {
        lists: Vec::new(),
        policies: replay.policies.iter().map(Policy::name).collect(),
        seeds: &replay.seeds,
    };
    let read = out::read(&fields, spec, &replay)?;
    let writer = command.out.open(&names, &read)?;
    let bar = progress::replays(replay.runs() as u64, command.quiet);
    let watch = |plan: &Plan<'_>| {
        let name = format!("{} seed {}", plan.policy.name(), plan.seed);
        Progress::new(&bar, name, inputs.jobs)
    };
    let jobs = command.jobs.map_or(0, usize::from);
    let runs = replay.run_until(jobs, watch, ReplayRun::from)?;
    bar.finish_and_clear();
    if runs.is_empty() {
        eprintln!("stowage: stopped before a seed was finished; nothing is written");
        return Ok(ExitCode::from(interrupt::STOPPED));
    }
    let result = ReplayResult::new(inputs, runs);
    print(&match command.format {
        Format::Json => serde_json::to_string_pretty(&result)? + "\n",
        Format::Csv => report::csv(&result),
        Format::Markdown => report::markdown(&result),
        Format::Table => report::table(&result),
    })?;
    match writer {
        Some(writer) => out::write(writer, &replay, &result, map_at, command.quiet),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn plan(
    command: &Simulate,
    spec: &ScenarioSpec,
    base: &Path,
) -> anyhow::Result<(Replay, ReplayInputs)> {
    refuse(command, spec)?;
    let fields = Fields { command, base };
    let options = &command.in_replay;
    let seeds = fields.text("seeds", &command.seeds, &spec.seeds, "42..46");
    let seeds = values::seeds(&seeds)?;
    let policies = command.policies(spec)?;
    let queue = fields.text("queue", &options.queue, &spec.queue, "kube");
    let on_failure = fields.text(
        "on-failure",
        &options.on_failure,
        &spec.on_failure,
        "requeue",
    );
    let slowdown = fields.optional("slowdown", &options.slowdown, &spec.slowdown);
    let model = Model {
        queue: values::queue(&queue)?,
        on_failure: values::on_failure(&on_failure)?,
        slowdown: match &slowdown {
            Some((given, from)) => {
                let dir = folder_of(given, from, "gavel", "gavel-throughputs")?;
                Some(Arc::new(gavel::load(&dir)?))
            }
            None => None,
        },
    };
    let failures = read_failures(&fields, spec)?;
    let (compression, compressed) = compression(&fields, spec)?;
    let Loaded {
        workload,
        cluster,
        standing,
    } = load(&fields, spec)?;
    let replay = Replay {
        workload,
        standing,
        policies,
        seeds,
        model,
        compression,
        failures: failures.as_ref().map(|(f, rate, _)| (f.clone(), *rate)),
    };
    let first = replay.trace(replay.seeds[0])?;
    let source = fields
        .text("trace", &command.trace, &spec.trace, "demo")
        .value;
    let inputs = ReplayInputs {
        version: env!("CARGO_PKG_VERSION"),
        mode: "replay",
        trace: source.to_owned(),
        cluster,
        nodes: first.nodes.len(),
        gpus: first.nodes.iter().map(|node| node.gpus.len() as u64).sum(),
        jobs: first.jobs.len(),
        offered_percent: first
            .offered_per_mille(replay.standing.milli())
            .map(|load| load as f64 / 10.0),
        compression: compressed,
        queue: match replay.model.queue {
            Discipline::KubeScheduler => "kube",
            Discipline::StrictFifo => "strict-fifo",
            Discipline::Backfill => "backfill",
        },
        failures: failures.map(|(_, _, text)| text),
        on_failure: match replay.model.on_failure {
            OnFailure::Requeue => "requeue",
            OnFailure::Lose => "lose",
        },
        slowdown: slowdown.map(|(given, _)| given.value.to_owned()),
        policies: replay.policies.iter().map(PolicyInput::from).collect(),
        seeds: replay.seeds.clone(),
        varied: match (&replay.workload, &replay.failures) {
            (Workload::Trace(_), None) => "the ranks of nodes, which break ties, and nothing else",
            (Workload::Trace(_), Some(_)) => "failures and the ranks of nodes, which break ties",
            (Workload::Demo(_), _) => "times of submission, run times and the ranks of nodes",
            (Workload::Synth(..), _) => "the whole workload and the ranks of nodes",
        },
    };
    Ok((replay, inputs))
}

/// Refuses what makes sense only where pods are poured in.
fn refuse(command: &Simulate, spec: &ScenarioSpec) -> anyhow::Result<()> {
    let given = [
        ("require", !command.require.is_empty(), None),
        (
            "replicate",
            command.replicate.is_some(),
            at(&spec.replicate),
        ),
        (
            "node-share",
            command.node_share.is_some(),
            at(&spec.node_share),
        ),
    ];
    for (field, option, written) in given {
        match (option, written) {
            (true, _) => bail!("--{field}: expected --mode inflation beside it"),
            (_, Some(at)) => {
                let place = command.place(field, Some(at));
                bail!("{place}: expected mode: inflation beside it")
            }
            _ => {}
        }
    }
    Ok(())
}

fn load(fields: &Fields<'_>, spec: &ScenarioSpec) -> anyhow::Result<Loaded> {
    let command = fields.command;
    let options = &command.in_replay;
    let trace = fields.optional("trace", &command.trace, &spec.trace);
    let (trace, from) = trace.unwrap_or_else(|| {
        let trace = fields.text("trace", &None, &None, "demo");
        (trace, Path::new(""))
    });
    let lists = match command.list.is_empty() {
        true => &spec.lists,
        false => &command.list,
    };
    let list = match lists.as_slice() {
        [] => "default",
        [list] if trace.value.starts_with("openb") => list,
        [list] => bail!("--list: expected a trace of the kind openb beside it, got {list:?}"),
        lists => bail!("--list: expected one list in replay, got {}", lists.len()),
    };
    let nodes = fields.text("nodes", &command.nodes, &spec.nodes, "gpu");
    let wanted = Wanted {
        trace,
        base: from,
        cluster: fields.optional("cluster", &options.cluster, &spec.cluster),
        per_gpu: per_gpu(fields, spec)?,
        nodes: values::nodes(&nodes)?,
        list,
        fallback: None,
        snapshots: true,
    };
    sources::load(&wanted)
}
