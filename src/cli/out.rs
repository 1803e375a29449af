//! `--out DIR`: results as files, and the report, written whole or not at all.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;

use super::folder::Folder;
use super::interrupt;
use crate::sim::experiment::Experiment;
use crate::sim::report::inflation::{self, Evidence};
use crate::sim::report::manifest::{InputFile, Manifest, RunName};
use crate::sim::report::{Comparison, SimulationResult, files, html};

#[derive(Debug, Args)]
pub(super) struct Out {
    /// Write results and a report (report.html) into this new folder; Ctrl-C then writes the seeds that
    /// are finished under every strategy
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace DIR if it holds earlier results
    #[arg(long, requires = "out")]
    force: bool,
    /// Which run pods.csv, decisions.jsonl and the packing map are about; without LIST in replay
    /// [default: the best strategy on the first list with the first seed]
    #[arg(long, value_name = "[LIST/]STRATEGY@SEED", requires = "out")]
    pods_of: Option<String>,
    /// Also write decisions.jsonl: what each decision of that run saw (in replay: of a job's first pod)
    #[arg(long, requires = "out")]
    decisions: bool,
}

/// A folder to write into, and what is known before the runs.
pub(super) struct Writer {
    pub(super) folder: Folder,
    place: PathBuf,
    pub(super) inputs: Vec<InputFile>,
    pub(super) pods_of: Option<RunName>,
    pub(super) decisions: bool,
}

/// The runs of an experiment, by their names.
pub(super) struct Names<'a> {
    /// Lists of pods; none in a replay.
    pub(super) lists: Vec<&'a str>,
    pub(super) policies: Vec<String>,
    pub(super) seeds: &'a [u64],
}

impl Out {
    /// Checks everything that can be checked before the runs; none without `--out`. `read` are the
    /// folders and names of the files that were read.
    pub(super) fn open(
        &self,
        names: &Names<'_>,
        read: &[(PathBuf, PathBuf)],
    ) -> anyhow::Result<Option<Writer>> {
        let Some(place) = &self.out else {
            return Ok(None);
        };
        let pods_of = self.pods_of.as_deref().map(|text| run_name(text, names));
        let pods_of = pods_of.transpose()?;
        let inputs = read
            .iter()
            .map(|(folder, name)| InputFile::read(folder, name));
        let inputs = inputs
            .collect::<Result<_, _>>()
            .map_err(anyhow::Error::msg)?;
        let folder = Folder::open(place, self.force)?;
        interrupt::listen(folder.temporary().to_owned())?;
        Ok(Some(Writer {
            folder,
            place: place.clone(),
            inputs,
            pods_of,
            decisions: self.decisions,
        }))
    }
}

impl Writer {
    /// Writes everything and says where, unless `quiet`.
    pub(super) fn write(
        mut self,
        experiment: &Experiment,
        result: &SimulationResult,
        quiet: bool,
    ) -> anyhow::Result<ExitCode> {
        let comparison = Comparison::of(&result.runs);
        let pods_of = match self.pods_of.take() {
            Some(run) => run,
            None => default_run(&comparison, experiment)?,
        };
        let name = (&*pods_of.list, &*pods_of.strategy, pods_of.seed);
        let detail = experiment.detail(name, self.decisions)?;
        let detail =
            detail.ok_or_else(|| anyhow!("the run of pods.csv is not one of the experiment's"))?;
        let counts = (experiment.runs(), result.runs.len());
        let (scenario, digest) = (result.inputs.clone(), result.digest.clone());
        let inputs = std::mem::take(&mut self.inputs);
        let manifest = Manifest::new(scenario, inputs, counts, pods_of, digest);
        let report = inflation::report(Evidence {
            result,
            comparison: &comparison,
            detail: &detail,
            manifest: &manifest,
        });
        let folder = &self.folder;
        folder.write("manifest.json", |out| files::json(out, &manifest))?;
        folder.write("summary.json", |out| {
            files::summary(out, result, &comparison)
        })?;
        folder.write("runs.csv", |out| files::runs(out, result))?;
        folder.write("series.csv", |out| files::series(out, result))?;
        folder.write("pods.csv", |out| files::pods(out, &detail))?;
        if self.decisions {
            folder.write("decisions.jsonl", |out| files::decisions(out, &detail))?;
        }
        folder.write("report.html", |out| {
            out.write_all(html::render(&report).as_bytes())
        })?;
        self.finish(counts, quiet)
    }

    /// Gives the folder its name and says how many of the runs `(planned, finished)` are in it.
    pub(super) fn finish(
        self,
        (planned, finished): (usize, usize),
        quiet: bool,
    ) -> anyhow::Result<ExitCode> {
        self.folder.finish()?;
        let file = self.place.join("report.html");
        if finished < planned {
            eprintln!(
                "stowage: stopped: {finished} of {planned} runs are finished and in {}",
                file.display()
            );
            return Ok(ExitCode::from(interrupt::STOPPED));
        }
        if !quiet {
            eprintln!("stowage: report in {}", file.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The best strategy on the first list, with the first seed.
fn default_run(comparison: &[Comparison], experiment: &Experiment) -> anyhow::Result<RunName> {
    let first = comparison.first().zip(experiment.seeds.first());
    let (list, &seed) = first.ok_or_else(|| anyhow!("there is no run to write about"))?;
    Ok(RunName {
        list: list.list.clone(),
        strategy: list.best.clone(),
        seed,
    })
}

/// `[LIST/]STRATEGY@SEED`, which must be one of the runs.
fn run_name(text: &str, names: &Names<'_>) -> anyhow::Result<RunName> {
    let Names {
        lists, policies, ..
    } = names;
    let form = match lists.is_empty() {
        true => "STRATEGY@SEED",
        false => "[LIST/]STRATEGY@SEED",
    };
    let wrong = || anyhow!("--pods-of: expected {form}, for example fgd@42, got {text:?}");
    let (name, seed) = text.rsplit_once('@').ok_or_else(wrong)?;
    let seed: u64 = seed.parse().map_err(|_| wrong())?;
    let (list, strategy) = match name.rsplit_once('/') {
        Some((list, strategy)) if !lists.is_empty() => (list, strategy),
        _ => (lists.first().copied().unwrap_or_default(), name),
    };
    if !lists.is_empty() && !lists.contains(&list) {
        bail!(
            "--pods-of: expected a list of {}, got {list:?}",
            lists.join(", ")
        );
    }
    if !policies.iter().any(|policy| policy == strategy) {
        bail!(
            "--pods-of: expected a strategy of {}, got {strategy:?}",
            policies.join(", ")
        );
    }
    if !names.seeds.contains(&seed) {
        bail!("--pods-of: expected one of the seeds, got {seed}");
    }
    Ok(RunName {
        list: list.to_owned(),
        strategy: strategy.to_owned(),
        seed,
    })
}

/// A file that stands alone, as folder and name.
pub(super) fn alone(file: &Path) -> Option<(PathBuf, PathBuf)> {
    let folder = file.parent().unwrap_or(Path::new(""));
    Some((folder.to_owned(), file.file_name()?.into()))
}
