//! `stowage simulate`: options and a scenario in, an experiment, its results out.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_saphyr::{Location, Spanned};

use super::out::{self, Names, Out};
use super::source::Source;
use super::values::{self, Given};
use super::{interrupt, print, progress, replay};
use crate::clock;
use crate::config::Policy;
use crate::config::scenario::{Scenario, ScenarioSpec};
use crate::sim::experiment::Experiment;
use crate::sim::report::{self, Inputs, SimulationResult};
use crate::sim::require::Requirement;
use crate::sim::sample::NodeShare;
use crate::sim::trace::{Trace, demo, openb, sources};

/// Most nodes and most pods of one list, after replication.
const MAX_ITEMS: usize = 10_000_000;
/// Most runs in one experiment.
const MAX_RUNS: usize = 100_000;

/// The long text of `--help`.
pub(super) const ABOUT: &str = "\
Compare placement strategies on a trace: pour pods in until nothing fits, or replay it in time.

With --mode replay jobs are submitted, wait, run and end, and nodes fail: it tells how long people \
wait. Without it, pods arrive one by one and never leave; a pod that fits nowhere is refused for good. When the load \
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
  stowage simulate --seeds 42..61 --out results
      files for machines, and results/report.html for people
  stowage simulate --require 'fgd.allocated >= 90'
      exit code 1 if the threshold is missed; metrics: allocated (%), unallocated (GPUs),
      fragmented (%), refused (pods), first-refusal (% asked for)
  stowage simulate --mode replay --strategies fgd,best-fit
      the demo in time: who waits how long
  stowage simulate --mode replay --trace philly:DIR --load 0.9 --queue backfill
      Philly 2017, its times compressed until 90 % of the GPU time is asked for
  stowage simulate --mode replay --seeds 42..61 --out results --map-at 2d
      files and results/report.html with the packing map after two days",
    );
    text
}

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// Pour pods in until nothing fits, or replay the trace in time [default: inflation]
    #[arg(long, value_name = "inflation|replay")]
    mode: Option<String>,
    /// Where cluster and pods come from: "demo", "openb:DIR", or "openb" for the folder openb in the
    /// one that STOWAGE_TRACES names; in replay also "philly:DIR", "itp:DIR" (likewise), "csv:PATH",
    /// "synth:SPEC" and "snapshot:FILE"
    #[arg(long, value_name = "TRACE")]
    pub(super) trace: Option<String>,
    /// A list of pods of the trace (repeatable), or "all" [default: default]
    #[arg(long, value_name = "NAME")]
    pub(super) list: Vec<String>,
    /// Which nodes of an openb trace take part [default: gpu]
    #[arg(long, value_name = "gpu|all")]
    pub(super) nodes: Option<String>,
    /// Make the cluster and the lists so many times as large [default: 1]
    #[arg(long, value_name = "K")]
    pub(super) replicate: Option<u32>,
    /// What to compare, separated by commas, or "all" [default: all]
    #[arg(long, value_name = "A,B")]
    strategies: Option<String>,
    /// One run a seed: 42..51 (both ends included) or 1,2,7 [default: 42..46]
    #[arg(long, value_name = "SEEDS", allow_hyphen_values = true)]
    pub(super) seeds: Option<String>,
    /// Stop when so many times the GPU capacity has been asked for, or "list": each pod of the list
    /// once [default: 1.3]; in replay: compress times to this offered load [default: list, as recorded]
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
    pub(super) load: Option<String>,
    /// How many nodes a pod is compared on: "all", or "adaptive", the share that kube-scheduler looks
    /// at by default [default: all]
    #[arg(long, value_name = "all|adaptive")]
    pub(super) node_share: Option<String>,
    #[command(flatten)]
    pub(super) in_replay: replay::Options,
    /// A scenario file; options override it
    #[arg(long, value_name = "FILE")]
    pub(super) scenario: Option<PathBuf>,
    /// Runs side by side; results do not depend on it [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// How to print results
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) out: Out,
    /// A threshold that must be met, else exit code 1 (repeatable)
    #[arg(long, value_name = "'[LIST/]STRATEGY.METRIC >= NUMBER'")]
    pub(super) require: Vec<String>,
    /// Leave out decision times, so that the same command prints the same bytes
    #[arg(long)]
    no_times: bool,
    /// No progress on stderr
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

impl Simulate {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let (spec, base) = match &self.scenario {
            Some(file) => {
                let base = file.parent().unwrap_or(Path::new("")).to_owned();
                (Scenario::read(file)?.spec, base)
            }
            None => (ScenarioSpec::default(), PathBuf::new()),
        };
        let mode = self.text("mode", self.mode.as_ref(), spec.mode.as_ref(), "inflation");
        if values::is_replay(&mode)? {
            return replay::run(self, &spec, &base);
        }
        self.in_replay.refuse(self, &spec)?;
        let plan = self.plan(&spec, base)?;
        let experiment = &plan.experiment;
        let lists = experiment.trace.lists.iter();
        let names = Names {
            lists: lists.map(|list| list.name.as_str()).collect(),
            policies: experiment.policies.iter().map(Policy::name).collect(),
            seeds: &experiment.seeds,
        };
        let writer = self.out.open(&names, &plan.files)?;
        let bar = progress::bar(experiment.runs() as u64, self.quiet);
        let stopwatch = (!self.no_times).then_some(clock::nanos as fn() -> u64);
        let jobs = self.jobs.map_or(0, usize::from);
        let runs = experiment.run_until(jobs, stopwatch, || bar.inc(1), interrupt::asked)?;
        bar.finish_and_clear();
        if runs.is_empty() {
            eprintln!("stowage: stopped before a seed was finished; nothing is written");
            return Ok(ExitCode::from(interrupt::STOPPED));
        }
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
        if let Some(writer) = writer {
            let code = writer.write(experiment, &result, self.quiet)?;
            if code != ExitCode::SUCCESS {
                return Ok(code);
            }
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

    fn plan(&self, spec: &ScenarioSpec, base: PathBuf) -> anyhow::Result<Plan> {
        let seeds = self.text("seeds", self.seeds.as_ref(), spec.seeds.as_ref(), "42..46");
        let seeds = values::seeds(&seeds)?;
        let load = self.text("load", self.load.as_ref(), spec.load.as_ref(), "1.3");
        let load = values::load(&load)?;
        let share = (self.node_share.as_ref(), spec.node_share.as_ref());
        let share = values::node_share(&self.text("node-share", share.0, share.1, "all"))?;
        let policies = self.policies(spec)?;
        let names: Vec<_> = policies.iter().map(Policy::name).collect();
        let requirements = self
            .require
            .iter()
            .map(|text| text.parse().map_err(anyhow::Error::msg));
        let requirements: Vec<Requirement> = requirements.collect::<Result<_, _>>()?;
        let written = self.trace.is_none() && spec.trace.is_some();
        let base = if written { base } else { PathBuf::new() };
        let source = self.text("trace", self.trace.as_ref(), spec.trace.as_ref(), "demo");
        let source = Source::parse(&source, &base)?;
        let (trace, replicate) = self.load_trace(&source, spec)?;
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
            node_share: (share == NodeShare::Adaptive).then_some("adaptive"),
        };
        let experiment = Experiment {
            trace,
            policies,
            seeds,
            load,
            node_share: share,
        };
        if experiment.runs() > MAX_RUNS {
            bail!("{} runs: expected at most {MAX_RUNS}", experiment.runs());
        }
        Ok(Plan {
            files: self.files(&source, spec, &experiment),
            experiment,
            inputs,
            requirements,
            demo: source == Source::Demo,
        })
    }

    pub(super) fn policies(&self, spec: &ScenarioSpec) -> anyhow::Result<Vec<Policy>> {
        match &self.strategies {
            Some(text) => values::strategies(text),
            None if spec.policies.is_empty() => values::strategies("all"),
            None => {
                values::distinct(&self.place("policies", None), &spec.policies)?;
                Ok(spec.policies.clone())
            }
        }
    }

    /// The trace, replicated, and how many times.
    fn load_trace(&self, source: &Source, spec: &ScenarioSpec) -> anyhow::Result<(Trace, u32)> {
        let (lists, place) = match self.list.is_empty() {
            true if spec.lists.is_empty() => (&spec.lists, "--list".to_owned()),
            true => (&spec.lists, self.place("lists", None)),
            false => (&self.list, "--list".to_owned()),
        };
        let nodes = self.text("nodes", self.nodes.as_ref(), spec.nodes.as_ref(), "gpu");
        let nodes = values::nodes(&nodes)?;
        values::lists(&place, lists)?;
        let all = lists.iter().any(|name| name == "all");
        let trace = match source {
            Source::Demo => {
                let known = |name: &&String| ["demo", "all"].contains(&name.as_str());
                if let Some(other) = lists.iter().find(|name| !known(name)) {
                    bail!(
                        "{place}: expected \"demo\", the demo's one list, got {other:?} (is --trace missing?)"
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
        let written = spec.replicate.as_ref().map(|r| (r.value, r.referenced));
        let replicate = self.given("replicate", self.replicate, written, 1);
        let times = replicate.value;
        if times == 0 || most.saturating_mul(times as usize) > MAX_ITEMS {
            bail!(
                "{}: expected 1 to {} for {most} nodes or pods, got {times}",
                replicate.place,
                MAX_ITEMS / most.max(1)
            );
        }
        Ok((trace.replicated(times), times))
    }

    /// Every file that was read, as folder and name.
    fn files(
        &self,
        source: &Source,
        spec: &ScenarioSpec,
        experiment: &Experiment,
    ) -> Vec<(PathBuf, PathBuf)> {
        let mut files: Vec<_> = self
            .scenario
            .iter()
            .filter_map(|file| out::alone(file))
            .collect();
        let policies = experiment.policies.iter();
        files.extend(policies.filter_map(|policy| out::alone(policy.workload.file.as_ref()?)));
        if let Source::Openb(dir) = source {
            let nodes = self.text("nodes", self.nodes.as_ref(), spec.nodes.as_ref(), "gpu");
            let nodes = values::nodes(&nodes).unwrap_or_default();
            let read = sources::of_openb(dir, nodes, &experiment.trace);
            files.extend(read.into_iter().map(|name| (dir.clone(), name)));
        }
        files
    }

    pub(super) fn text<'a>(
        &self,
        field: &str,
        option: Option<&'a String>,
        written: Option<&'a Spanned<String>>,
        default: &'a str,
    ) -> Given<&'a str> {
        let written = written.map(|w| (w.value.as_str(), w.referenced));
        self.given(field, option.map(String::as_str), written, default)
    }

    /// The option where it is given, else what is written in the scenario, else the default.
    pub(super) fn given<T>(
        &self,
        field: &str,
        option: Option<T>,
        written: Option<(T, Location)>,
        default: T,
    ) -> Given<T> {
        let (value, place) = match (option, written) {
            (None, Some((value, at))) => (value, self.place(field, Some(at))),
            (option, _) => (option.unwrap_or(default), format!("--{field}")),
        };
        Given { place, value }
    }

    /// Where a field of the scenario stands.
    pub(super) fn place(&self, field: &str, at: Option<Location>) -> String {
        let field = values::camel_case(field);
        let file = self.scenario.as_deref().unwrap_or(Path::new("")).display();
        match at {
            Some(at) => format!("{file}:{}:{}: {field}", at.line(), at.column()),
            None => format!("{file}: {field}"),
        }
    }
}

struct Plan {
    /// What was read, as folder and name.
    files: Vec<(PathBuf, PathBuf)>,
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
