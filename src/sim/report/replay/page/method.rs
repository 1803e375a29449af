//! How the numbers came about, what they do not say, and what is needed to make them again.

use super::{Evidence, ReplayInputs};
use crate::sim::report::html::model::Block;
use crate::sim::report::manifest::Manifest;
use crate::sim::report::page::{self, number, whole};
use crate::sim::statistics::RESAMPLES;

/// Method and caveats.
pub(super) fn blocks(evidence: Evidence<'_>) -> Vec<Block> {
    let inputs = &evidence.result.inputs;
    let facts = [
        (
            "Replay",
            "Jobs are submitted when the trace says, wait, run for as long as the trace says, and end. \
             Decisions, image pulls and binding take no time. At one moment departures come first, then \
             repairs, failures, submissions, then the queue is worked off."
                .to_owned(),
        ),
        ("Load", load(inputs)),
        ("Queue", queue(inputs.queue).to_owned()),
        (
            "Gangs",
            "The pods of one job start together or not at all: they are placed one by one, and given back \
             if one fits nowhere."
                .to_owned(),
        ),
        ("Failures", failures(inputs)),
        ("Slowdown by placement", slowdown(inputs)),
        (
            "Decision",
            "A node must have room for the pod (pods, cores, host memory) and GPUs of an acceptable model \
             with enough compute and memory free; among those that do, the strategy chooses. The same code \
             decides on a live cluster."
                .to_owned(),
        ),
        (
            "Refused",
            "A job that an idle cluster of all nodes cannot take is refused when it is submitted.".to_owned(),
        ),
        (
            "Waiting, completion, slowdown",
            "From submission to the first start; from submission to the end; completion over run time, the \
             latter at least 10 s (bounded slowdown, Feitelson). Percentiles are exact, of one replay, and \
             then averaged over the seeds."
                .to_owned(),
        ),
        (
            "Allocated",
            "GPU compute held, as a share of all that is up, from the first submission to the last. A pod \
             that asks for 0.3 of a GPU counts 0.3."
                .to_owned(),
        ),
        (
            "Stranded",
            "At each moment the lesser of what is idle and what waiting jobs ask for: GPUs lost to \
             fragmentation, to gangs and to the order of the queue. Causes are looked at when a stretch of \
             the curve ends, for the eight requests that most waiting pods have, and share the stranded \
             GPUs of that stretch; where nobody waits just then, those of the nearest stretch do. The map's hatching is stricter: no pod of the trace could use it."
                .to_owned(),
        ),
        (
            "Intervals",
            format!(
                "All strategies of a seed see the same jobs and the same failures and are compared in pairs, \
                 seed by seed. Intervals are the middle 95 % of {} means of values drawn with replacement \
                 (percentile bootstrap, fixed seed). Where the interval of a difference contains 0, the two \
                 cannot be told apart: ~. What the seeds vary: {}.",
                whole(RESAMPLES),
                inputs.varied
            ),
        ),
        (
            "Caveats",
            "Users would react to waiting; here they do not. There is no preemption and no checkpoint. The \
             best is the strategy with the shortest mean wait, picked by the same numbers that are shown, \
             and intervals are not widened for the number of strategies. Waiting times depend much on load: \
             try others. Node selectors, affinity, taints, volumes, MIG and topology are not modelled."
                .to_owned(),
        ),
    ];
    let from = [&inputs.cluster, &inputs.trace];
    let started = from.iter().any(|name| name.starts_with("snapshot:"));
    let start = started.then(|| ("Start", START.to_owned()));
    let facts = start.into_iter().chain(facts);
    vec![page::facts(facts), page::strategies(&inputs.policies)]
}

/// What a snapshot means.
const START: &str = "Nodes and bound pods are those of the snapshot. Its pods stay until their node \
     fails, and count as allocated; a job that has no place beside them is refused. A cordoned node takes \
     nobody new. Pods of the snapshot that wait go where their selectors, affinity and tolerations let \
     them; jobs of another trace tolerate every taint.";

fn load(inputs: &ReplayInputs) -> String {
    let compressed = match inputs.compression.as_str() {
        "none" => "Times are as recorded.".to_owned(),
        how => format!("Times of submission are compressed {how}; run times stay as they are."),
    };
    let offered = inputs.offered_percent.map_or_else(
        || "The load offered is not bounded.".to_owned(),
        |load| {
            format!(
                "If nobody waited, jobs would hold {} % of the GPU time between the first submission and \
                 the last.",
                number(load, 1)
            )
        },
    );
    format!("{compressed} {offered}")
}

fn queue(name: &str) -> &'static str {
    match name {
        "strict-fifo" => {
            "Strict FIFO: by priority, then submission; nobody starts before the first in line has started."
        }
        "backfill" => {
            "Backfill: by priority, then submission; whenever something changes, every job that fits now \
             starts. Nothing is reserved for those that must wait, so a large job can be passed for as long \
             as small ones come."
        }
        _ => {
            "kube-scheduler's: by priority, then submission, one by one. A job that fits nowhere is set \
             aside; when something is freed (a job ends, a node comes back) it returns after its back-off: \
             1 s after the first refusal, doubled with each, at most 10 s. Small jobs pass large ones."
        }
    }
}

fn failures(inputs: &ReplayInputs) -> String {
    let then = match inputs.on_failure {
        "lose" => "Jobs with a pod on a node that fails are lost.",
        _ => {
            "Jobs with a pod on a node that fails start again from nothing, with the place in the queue \
             that they had."
        }
    };
    match &inputs.failures {
        Some(from) => format!(
            "Nodes fail and are repaired: {}. {then}",
            without_path(from)
        ),
        None => format!("None but those that the trace has. {then}"),
    }
}

fn slowdown(inputs: &ReplayInputs) -> String {
    match &inputs.slowdown {
        Some(from) => format!(
            "Jobs spread over more nodes than they need run slower, by measured throughputs ({}).",
            without_path(from)
        ),
        None => "Off: a job runs as fast wherever it is.".to_owned(),
    }
}

/// A source without the folder it is read from, which is in the manifest.
fn without_path(source: &str) -> String {
    let Some((kind, rest)) = source.split_once(':') else {
        return source.to_owned();
    };
    let rate = rest.rfind(" at ").map_or("", |at| &rest[at..]);
    format!("{kind}{rate}")
}

/// What is needed to make the results again.
pub(super) fn manifest(manifest: &Manifest<ReplayInputs>) -> Vec<Block> {
    let inputs = &manifest.scenario;
    let facts = [
        ("Program", format!("stowage {}", manifest.version)),
        ("Trace", inputs.trace.clone()),
        ("Cluster", inputs.cluster.clone()),
        ("Seeds", page::seeds(&inputs.seeds)),
        ("Compression", inputs.compression.clone()),
        ("Queue", inputs.queue.to_owned()),
        ("Runs", page::runs(manifest)),
        (
            "Run in pods.csv",
            format!(
                "{}, seed {}",
                manifest.pods_of.strategy, manifest.pods_of.seed
            ),
        ),
        ("Digest of the runs", manifest.digest.clone()),
    ];
    let mut blocks = vec![page::facts(facts)];
    blocks.extend(page::manifest(manifest));
    blocks
}
