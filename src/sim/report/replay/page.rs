//! The report of a replay: under which strategy people wait least, and what it looks like.

mod charts;
mod clock;
mod method;
mod strategies;
mod unended;
mod verdict;
mod waits;

use super::ranking::{Ranked, Ranking};
use super::{ReplayInputs, ReplayResult, ReplayRun};
use crate::sim::replay::detail::Detail;
use crate::sim::report::html::model::Report;
use crate::sim::report::manifest::Manifest;
use crate::sim::report::packing;
use crate::sim::report::page::{count, number, section, source_name};

/// Everything the report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The results.
    pub result: &'a ReplayResult,
    /// The strategies against the one under which jobs wait least.
    pub ranking: &'a Ranking,
    /// One replay in detail.
    pub detail: &'a Detail,
    /// What was asked for.
    pub manifest: &'a Manifest<ReplayInputs>,
    /// Whether the detail's moment was chosen because it is the busiest.
    pub busiest: bool,
}

/// The report.
#[must_use]
pub fn report(evidence: Evidence<'_>) -> Report {
    let Evidence {
        result, ranking, ..
    } = evidence;
    let strategies = Strategies::of(result, ranking);
    let mut sections = vec![
        section(
            "strategies",
            "Strategies compared",
            strategies::blocks(ranking),
        ),
        section(
            "demand",
            "Allocation against demand",
            charts::demand(&strategies),
        ),
        section(
            "stranded",
            "Allocated and stranded GPUs",
            charts::stranded(&strategies),
        ),
        section("waits", "How long jobs wait", waits::blocks(&strategies)),
    ];
    if result.runs.iter().any(|run| run.gangs.jobs > 0) {
        let gangs = waits::gangs(&strategies);
        sections.push(section("gangs", "How far gangs are spread", gangs));
    }
    sections.extend([
        section(
            "map",
            "The cluster at one moment of one replay",
            packing::blocks(&moment(evidence), &evidence.detail.moment.nodes),
        ),
        section(
            "refused",
            "Refused, lost and waiting jobs",
            unended::blocks(evidence),
        ),
        section("method", "Method and caveats", method::blocks(evidence)),
        section("manifest", "Manifest", method::manifest(evidence.manifest)),
    ]);
    Report {
        title: format!(
            "Waiting and packing on {}",
            source_name(&result.inputs.trace)
        ),
        subtitle: subtitle(&result.inputs),
        verdict: verdict::verdict(evidence),
        sections,
    }
}

fn subtitle(inputs: &ReplayInputs) -> String {
    let load = inputs
        .offered_percent
        .map(|load| format!(" · {} % of the GPU time asked for", number(load, 0)));
    format!(
        "{}, {} · {}{} · {} · {}",
        count(inputs.nodes, "node", "nodes"),
        count(inputs.gpus as usize, "GPU", "GPUs"),
        count(inputs.jobs, "job", "jobs"),
        load.unwrap_or_default(),
        count(inputs.policies.len(), "strategy", "strategies"),
        count(inputs.seeds.len(), "seed", "seeds"),
    )
}

/// Of which moment the map is.
fn moment(evidence: Evidence<'_>) -> String {
    let (detail, moment) = (evidence.detail, &evidence.detail.moment);
    let why = match evidence.busiest {
        true => ", the busiest moment: when most GPU capacity is held",
        false => "",
    };
    let down = detail.replayed.trace.nodes.len() - moment.nodes.len();
    let down = match down {
        0 => String::new(),
        down => format!(
            " {} down or not there yet and not drawn.",
            count(down, "node is", "nodes are")
        ),
    };
    format!(
        "Strategy {}, seed {}: every GPU on {}{why}. {} at that moment.{down}",
        detail.replayed.policy,
        detail.replayed.seed,
        clock::date(moment.at),
        count(moment.waiting as usize, "job waits", "jobs wait"),
    )
}

/// The runs of each strategy.
struct Strategies<'a> {
    /// In the order of the results, which gives them their colours.
    groups: Vec<(&'a Ranked, &'a [ReplayRun])>,
    best: &'a str,
}

impl<'a> Strategies<'a> {
    fn of(result: &'a ReplayResult, ranking: &'a Ranking) -> Self {
        let groups = result.runs.chunk_by(|a, b| a.strategy == b.strategy);
        Self {
            groups: ranking.strategies.iter().zip(groups).collect(),
            best: &ranking.best,
        }
    }

    /// The runs of the best strategy.
    fn of_best(&self) -> &'a [ReplayRun] {
        let best = self.groups.iter().find(|(s, _)| s.strategy == self.best);
        best.map_or(&[], |(_, runs)| runs)
    }

    /// Every run.
    fn runs(&self) -> impl Iterator<Item = &'a ReplayRun> {
        self.groups.iter().flat_map(|(_, runs)| runs.iter())
    }
}

/// The mean of some numbers; 0 of none.
fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for number in numbers {
        sum += number;
        count += 1;
    }
    sum / f64::from(count.max(1))
}

/// A mean number of things over runs: without decimals where it is whole.
fn counted(mean: f64) -> String {
    number(mean, usize::from(mean.fract() != 0.0))
}
