//! `stowage simulate`: options and a scenario in, an experiment, its results out.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::{print, progress, values};
use crate::clock;
use crate::config::{Policy, Scenario, ScenarioSpec};
use crate::sim::experiment::Experiment;
use crate::sim::report::{self, Inputs, SimulationResult};
use crate::sim::require::Requirement;
use crate::sim::trace::openb::NodeFile;
use crate::sim::trace::{Trace, demo, openb};

/// Most nodes and most pods of one list, after replication.
const MAX_ITEMS: usize = 10_000_000;
/// Most runs in one experiment.
const MAX_RUNS: usize = 100_000;

/// The long text of `--help`.
pub(super) const ABOUT: &str = "\
Compare placement strategies on a trace: pour pods in until nothing fits.

Pods arrive one by one and never leave; a pod that fits nowhere is refused for good. When the load \
has been asked for, the share of GPU capacity that is allocated tells how well a strategy packs. \
Every decision is made by the same code that serves a live cluster.";

/// Examples and the strategies, below the options.
pub(super) fn examples() -> String {
    use std::fmt::Write as _;
    let mut text = String::from("Strategies:\n");
    for strategy in stowage_core::strategy::Strategy::ALL {
        let _ = writeln!(text, "  {:<16} {}", strategy, strategy.summary());
    }
    text.push_str(
        "\nExamples:
  stowage simulate
      the built-in demo, all strategies
  stowage simulate --trace openb:traces/openb --strategies fgd,best-fit --seeds 42..51
      the published experiment on the public trace
  stowage simulate --trace openb:mine --list all --format json > result.json
      your own data, in the same layout
  stowage simulate --require 'fgd.allocated >= 90'
      exit code 1 if the threshold is missed; metrics: allocated (%), unallocated (GPUs),
      fragmented (%), refused (pods), first-refusal (% asked for)",
    );
    text
}

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// Where cluster and pods come from: "demo", "openb:DIR", or "openb" for the folder openb in the
    /// one that STOWAGE_TRACES names
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// A list of pods of the trace (repeatable), or "all" [default: default]
    #[arg(long, value_name = "NAME")]
    list: Vec<String>,
    /// Which nodes of an openb trace take part [default: gpu]
    #[arg(long, value_name = "gpu|all")]
    nodes: Option<String>,
    /// Make the cluster and the lists so many times as large [default: 1]
    #[arg(long, value_name = "K")]
    replicate: Option<u32>,
    /// What to compare, separated by commas, or "all" [default: all]
    #[arg(long, value_name = "A,B")]
    strategies: Option<String>,
    /// One run a seed: 42..51 (both ends included) or 1,2,7 [default: 42..46]
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Stop when so many times the GPU capacity has been asked for, or "list": each pod of the list
    /// once [default: 1.3]
    #[arg(long, value_name = "SHARE")]
    load: Option<String>,
    /// A scenario file; options override it
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Runs side by side; results do not depend on it [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// How to print results
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// A threshold that must be met, else exit code 1 (repeatable)
    #[arg(long, value_name = "'[LIST/]STRATEGY.METRIC >= NUMBER'")]
    require: Vec<String>,
    /// Leave out decision times, so that the same command prints the same bytes
    #[arg(long)]
    no_times: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

impl Simulate {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let plan = self.plan()?;
        let experiment = &plan.experiment;
        let bar = progress::bar(experiment.runs() as u64, self.quiet);
        let stopwatch = (!self.no_times).then_some(clock::nanos as fn() -> u64);
        let jobs = self.jobs.map_or(0, usize::from);
        let runs = experiment.run(jobs, stopwatch, || bar.inc(1))?;
        bar.finish_and_clear();
        let result = SimulationResult::new(plan.inputs, &runs);
        print(&self.show(&result, plan.demo)?)?;
        let misses: Vec<_> = plan
            .requirements
            .iter()
            .flat_map(|r| r.misses(&result))
            .collect();
        for miss in &misses {
            eprintln!("stowage: {miss}");
        }
        Ok(ExitCode::from(u8::from(!misses.is_empty())))
    }

    fn show(&self, result: &SimulationResult, demo: bool) -> anyhow::Result<String> {
        Ok(match self.format {
            Format::Json => serde_json::to_string_pretty(result)? + "\n",
            Format::Csv => report::csv(result),
            Format::Markdown => report::markdown(result),
            Format::Table => {
                let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
                let mut text = report::table(result, stdout().is_terminal() && !plain);
                if demo {
                    text.push_str(NEXT);
                }
                text
            }
        })
    }

    fn plan(&self) -> anyhow::Result<Plan> {
        let (spec, base) = match &self.scenario {
            Some(file) => {
                let base = file.parent().unwrap_or(Path::new("")).to_owned();
                (Scenario::read(file)?.spec, base)
            }
            None => (ScenarioSpec::default(), PathBuf::new()),
        };
        let seeds = values::seeds(
            self.seeds
                .as_ref()
                .or(spec.seeds.as_ref())
                .map_or("42..46", |s| s),
        )?;
        let load = values::load(
            self.load
                .as_ref()
                .or(spec.load.as_ref())
                .map_or("1.3", |s| s),
        )?;
        let policies = self.policies(&spec)?;
        let names: Vec<_> = policies.iter().map(Policy::name).collect();
        let requirements = self
            .require
            .iter()
            .map(|text| text.parse().map_err(anyhow::Error::msg));
        let requirements: Vec<Requirement> = requirements.collect::<Result<_, _>>()?;
        let replicate = self.replicate.or(spec.replicate).unwrap_or(1);
        let source = match (&self.trace, &spec.trace) {
            (Some(given), _) => Source::parse(given, Path::new(""))?,
            (None, Some(given)) => Source::parse(given, &base)?,
            (None, None) => Source::Demo,
        };
        let trace = self.load_trace(&source, &spec, replicate)?;
        let lists: Vec<_> = trace.lists.iter().map(|list| list.name.clone()).collect();
        for requirement in &requirements {
            requirement
                .check(&lists, &names)
                .map_err(anyhow::Error::msg)?;
        }
        let inputs = Inputs {
            version: env!("CARGO_PKG_VERSION"),
            trace: trace.source.clone(),
            replicate,
            nodes: trace.nodes.len(),
            gpus: trace.capacity_milli() / 1000,
            lists,
            policies: policies.iter().map(report::PolicyInput::from).collect(),
            seeds: seeds.clone(),
            load: values::load_text(load),
        };
        let experiment = Experiment {
            trace,
            policies,
            seeds,
            load,
        };
        if experiment.runs() > MAX_RUNS {
            bail!("{} runs: expected at most {MAX_RUNS}", experiment.runs());
        }
        Ok(Plan {
            experiment,
            inputs,
            requirements,
            demo: source == Source::Demo,
        })
    }

    fn policies(&self, spec: &ScenarioSpec) -> anyhow::Result<Vec<Policy>> {
        match &self.strategies {
            Some(text) => values::strategies(text),
            None if spec.policies.is_empty() => values::strategies("all"),
            None => {
                values::distinct(&spec.policies)?;
                Ok(spec.policies.clone())
            }
        }
    }

    fn load_trace(
        &self,
        source: &Source,
        spec: &ScenarioSpec,
        replicate: u32,
    ) -> anyhow::Result<Trace> {
        let lists = if self.list.is_empty() {
            &spec.lists
        } else {
            &self.list
        };
        let nodes = match self.nodes.as_deref().or(spec.nodes.as_deref()) {
            None | Some("gpu") => NodeFile::Gpu,
            Some("all") => NodeFile::All,
            Some(other) => bail!("--nodes: expected gpu or all, got {other:?}"),
        };
        let all = lists.iter().any(|name| name == "all");
        let trace = match source {
            Source::Demo => {
                if let Some(other) = lists
                    .iter()
                    .find(|name| !["demo", "all"].contains(&name.as_str()))
                {
                    bail!(
                        "--list: the demo has one list, \"demo\": got {other:?} (is --trace missing?)"
                    );
                }
                demo::load()
            }
            Source::Openb(dir) => {
                let default = ["default".to_owned()];
                let names = match (all, lists.is_empty()) {
                    (true, _) => &[][..],
                    (false, true) => &default[..],
                    (false, false) => lists,
                };
                openb::load(dir, nodes, names)?
            }
        };
        let most = trace.lists.iter().map(|list| list.pods.len()).max();
        let most = most.unwrap_or(0).max(trace.nodes.len());
        if replicate == 0 || most.saturating_mul(replicate as usize) > MAX_ITEMS {
            bail!(
                "--replicate: expected 1 to {} for {most} nodes or pods, got {replicate}",
                MAX_ITEMS / most.max(1)
            );
        }
        Ok(trace.replicated(replicate))
    }
}

/// Where the cluster and the pods come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Demo,
    Openb(PathBuf),
}

impl Source {
    fn parse(text: &str, base: &Path) -> anyhow::Result<Self> {
        match text.split_once(':') {
            None if text == "demo" => Ok(Self::Demo),
            None if text == "openb" => {
                let folder = std::env::var_os("STOWAGE_TRACES")
                    .context("--trace openb: set STOWAGE_TRACES to the folder with openb in it, or give openb:DIR")?;
                Ok(Self::Openb(PathBuf::from(folder).join("openb")))
            }
            Some(("openb", dir)) if !dir.is_empty() => Ok(Self::Openb(base.join(dir))),
            _ => bail!("--trace: expected demo, openb or openb:DIR, got {text:?}"),
        }
    }
}

struct Plan {
    experiment: Experiment,
    inputs: Inputs,
    requirements: Vec<Requirement>,
    demo: bool,
}

/// What to do after the demo.
const NEXT: &str = "\
On the public trace: stowage simulate --trace openb:DIR   (DIR: data/csv of github.com/hkust-adsl/kubernetes-scheduler-simulator)
On your own data: write nodes and pods as CSV in the same layout (README, \"Your own data\") and give that folder.
";
