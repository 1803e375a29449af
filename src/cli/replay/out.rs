//! `--out DIR` of a replay: the same files as where pods are poured in, about time.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;

use super::fields::Fields;
use crate::cli::out::{Writer, alone};
use crate::cli::sources::folder_of;
use crate::config::scenario::ScenarioSpec;
use crate::sim::replay::experiment::Replay;
use crate::sim::report::files::json;
use crate::sim::report::html;
use crate::sim::report::manifest::{Manifest, RunName};
use crate::sim::report::replay::page::{self, Evidence};
use crate::sim::report::replay::ranking::Ranking;
use crate::sim::report::replay::{ReplayResult, files};
use crate::sim::trace::sources;

/// Writes everything and says where, unless `quiet`. The map is of the moment `map_at`, ms; none is the
/// busiest.
pub(super) fn write(
    mut writer: Writer,
    replay: &Replay,
    result: &ReplayResult,
    map_at: Option<u64>,
    quiet: bool,
) -> anyhow::Result<ExitCode> {
    let ranking = Ranking::of(&result.runs);
    let missing = || anyhow!("the run of pods.csv is not one of the experiment's");
    let finished = |strategy: &str, seed: u64| {
        let mut runs = result.runs.iter();
        runs.find(|run| run.strategy == strategy && run.seed == seed)
    };
    // One that was asked for may not be finished after Ctrl-C: then the default, too.
    let asked = writer.pods_of.take();
    let asked = asked.filter(|of| finished(&of.strategy, of.seed).is_some());
    let default = || {
        let first = result.runs.first()?;
        Some(RunName {
            list: String::new(),
            strategy: ranking.best.clone(),
            seed: first.seed,
        })
    };
    let pods_of = asked.or_else(default).ok_or_else(missing)?;
    let name = (&*pods_of.strategy, pods_of.seed);
    let run = finished(name.0, name.1).ok_or_else(missing)?;
    let at = map_at.unwrap_or(run.curves.busiest);
    let detail = replay.detail(name, at, writer.decisions)?;
    let detail = detail.ok_or_else(missing)?;
    let counts = (replay.runs(), result.runs.len());
    let inputs = std::mem::take(&mut writer.inputs);
    let scenario = result.inputs.clone();
    let mut manifest = Manifest::new(scenario, inputs, counts, pods_of, result.digest.clone());
    manifest.map_at_ms = Some(at);
    let report = page::report(Evidence {
        result,
        ranking: &ranking,
        detail: &detail,
        manifest: &manifest,
        busiest: map_at.is_none(),
    });
    let folder = &writer.folder;
    folder.write("manifest.json", |out| json(out, &manifest))?;
    folder.write("summary.json", |out| files::summary(out, result, &ranking))?;
    folder.write("runs.csv", |out| files::runs(out, result))?;
    folder.write("series.csv", |out| files::series(out, result))?;
    folder.write("pods.csv", |out| files::pods(out, &detail))?;
    if writer.decisions {
        folder.write("decisions.jsonl", |out| files::decisions(out, &detail))?;
    }
    folder.write("report.html", |out| {
        out.write_all(html::render(&report).as_bytes())
    })?;
    writer.finish(counts, quiet)
}

/// Every file that is read, as folder and name; the options have been read before.
pub(super) fn read(
    fields: &Fields<'_>,
    spec: &ScenarioSpec,
    replay: &Replay,
) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let command = fields.command;
    let options = &command.in_replay;
    let mut read: Vec<_> = command
        .scenario
        .iter()
        .filter_map(|file| alone(file))
        .collect();
    let policies = replay.policies.iter();
    read.extend(policies.filter_map(|policy| alone(policy.workload.file.as_ref()?)));
    let cluster = fields.optional("cluster", &options.cluster, &spec.cluster);
    let of = |folder: PathBuf, names: Vec<PathBuf>| {
        let names = names.into_iter();
        names.map(|name| (folder.clone(), name)).collect::<Vec<_>>()
    };
    if let Some((given, from)) = fields.optional("trace", &command.trace, &spec.trace) {
        let (kind, rest) = given.value.split_once(':').unwrap_or((given.value, ""));
        let own = cluster.is_none();
        let folder = |folder| folder_of(&given, from, kind, folder);
        match kind {
            "openb" => {
                let nodes = fields.text("nodes", &command.nodes, &spec.nodes, "gpu");
                let nodes = crate::cli::values::nodes(&nodes)?;
                let lists = match command.list.is_empty() {
                    true => &spec.lists,
                    false => &command.list,
                };
                let list = lists.first().map_or("default", String::as_str);
                let names = sources::of_openb_in_time(own.then_some(nodes), list);
                read.extend(of(folder("openb")?, names));
            }
            "philly" => {
                let dir = folder("philly-2017")?;
                read.extend(of(dir.clone(), sources::one_of(&dir, "philly_jobs.csv")));
            }
            "itp" => {
                let dir = folder("msr-itp-2021")?;
                read.extend(of(dir.clone(), sources::one_of(&dir, "itp_jobs.csv")));
            }
            "csv" => {
                let path = from.join(rest);
                match path.is_file() {
                    true => read.extend(alone(&path)),
                    false => read.extend(of(path.clone(), sources::of_csv(&path, own))),
                }
            }
            "snapshot" => read.extend(alone(&from.join(rest))),
            _ => {}
        }
    }
    if let Some((given, from)) = &cluster
        && let Some(file) = given.value.strip_prefix("snapshot:")
    {
        read.extend(alone(&from.join(file)));
    }
    let others = [
        (
            cluster,
            "pai-2020-machines",
            "pai-2020-machines",
            "pai_machine_spec.csv",
        ),
        (
            fields.optional("failures", &options.failures, &spec.failures),
            "infinitehbd",
            "infinitehbd-faults",
            "fault_trace.json",
        ),
        (
            fields.optional("slowdown", &options.slowdown, &spec.slowdown),
            "gavel",
            "gavel-throughputs",
            "solo_throughput.csv",
        ),
    ];
    for (given, kind, folder, file) in others {
        if let Some((given, from)) = given
            && given.value.starts_with(kind)
        {
            let dir = folder_of(&given, from, kind, folder)?;
            read.extend(of(dir.clone(), sources::one_of(&dir, file)));
        }
    }
    Ok(read)
}

/// The moment of the map that is asked for, ms; none is the busiest.
pub(super) fn map_at(fields: &Fields<'_>) -> anyhow::Result<Option<u64>> {
    let given = &fields.command.in_replay.map_at;
    let Some(text) = given.as_deref().filter(|text| *text != "busiest") else {
        return Ok(None);
    };
    let read = match text {
        "0" => Some(0),
        text => crate::sim::trace::synth::duration_ms(text),
    };
    let wrong = || {
        anyhow!("--map-at: expected a time such as 90m, 12h or 3.5d, or \"busiest\", got {text:?}")
    };
    read.map(Some).ok_or_else(wrong)
}
