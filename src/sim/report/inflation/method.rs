//! How the numbers came about, what they do not say, and what is needed to make them again.

use super::super::html::model::Block;
use super::super::manifest::Manifest;
use super::{Evidence, listed, number, page, whole};
use crate::sim::statistics::RESAMPLES;

/// Method and caveats.
pub(super) fn blocks(evidence: Evidence<'_>) -> Vec<Block> {
    let inputs = &evidence.manifest.scenario;
    let published = evidence
        .result
        .runs
        .iter()
        .filter(|run| run.arrivals == "published")
        .count();
    let facts = [
        (
            "Pouring in",
            "Pods arrive one by one and are placed at once; none leaves, and one that fits nowhere is \
             refused for good (the inflation experiment of Weng et al., \"Beware of Fragmentation\", \
             USENIX ATC '23). This tells how well a strategy packs, not how long anybody waits."
                .to_owned(),
        ),
        ("Load", load(&inputs.load)),
        ("Order of arrival", order(published, evidence.result.runs.len())),
        (
            "Decision",
            "A node must have room for the pod (pods, cores, host memory) and GPUs of an acceptable \
             model with enough compute and memory free; among those that do, the strategy chooses. The \
             same code decides on a live cluster."
                .to_owned(),
        ),
        ("Nodes compared", compared(inputs.node_share)),
        (
            "Allocated",
            "GPU compute held by pods, as a share of all GPU compute of the cluster. A pod that asks \
             for 0.3 of a GPU counts 0.3."
                .to_owned(),
        ),
        (
            "Fragmented",
            "For each kind of pod one expects: the free GPU compute that it could not use, weighted by \
             how often such pods come (FGD's measure). The map's hatching is stricter: a part counts as \
             stranded there only if no pod of the list at all could take it."
                .to_owned(),
        ),
        (
            "First refusal",
            "The GPU capacity that had been asked for, that pod included, when the first pod was refused.".to_owned(),
        ),
        (
            "Intervals",
            format!(
                "The same seed gives every strategy the same pods in the same order, so strategies are \
                 compared in pairs, seed by seed. Intervals are the middle 95 % of {} means of values \
                 drawn with replacement (percentile bootstrap, fixed seed). Where the interval of a \
                 difference contains 0, the two cannot be told apart: ~.",
                number(RESAMPLES as f64, 0)
            ),
        ),
        (
            "Caveats",
            "Seeds vary the order of arrival and the ties, not the cluster or the mix of pods: the \
             intervals say nothing about other workloads. They are not widened for the number of \
             strategies compared, nor for the best having been picked by the same numbers. Node \
             selectors, affinity, taints, volumes, MIG and topology are not modelled here."
                .to_owned(),
        ),
    ];
    vec![page::facts(facts), page::strategies(&inputs.policies)]
}

fn load(load: &str) -> String {
    match load {
        "list" => "Each pod of the list arrives once.".to_owned(),
        load => format!(
            "A run ends when {load} times the GPU capacity has been asked for. A list that asks for less \
             is topped up with pods drawn from it, one that asks for more is cut."
        ),
    }
}

fn order(published: usize, runs: usize) -> String {
    match runs - published {
        0 => "As published with the trace, in every run.".to_owned(),
        drawn if published == 0 => format!("Shuffled by the seed, in all {} runs.", whole(drawn)),
        drawn => format!(
            "As published with the trace in {} runs, shuffled by the seed in {}.",
            whole(published),
            whole(drawn)
        ),
    }
}

fn compared(share: Option<&str>) -> String {
    match share {
        None => "Each pod is compared on every node.".to_owned(),
        Some(_) => "Each pod is compared on as many nodes as kube-scheduler looks at by default \
                    (percentageOfNodesToScore 0), and on the next ones if none of them fits."
            .to_owned(),
    }
}

/// What is needed to make the results again.
pub(super) fn manifest(manifest: &Manifest) -> Vec<Block> {
    let inputs = &manifest.scenario;
    let lists: Vec<_> = inputs.lists.iter().map(String::as_str).collect();
    let pods_of = &manifest.pods_of;
    let facts = [
        ("Program", format!("stowage {}", manifest.version)),
        ("Trace", inputs.trace.clone()),
        ("Replicated", format!("{} times", inputs.replicate)),
        ("Lists", listed(&lists)),
        ("Seeds", page::seeds(&inputs.seeds)),
        ("Load", inputs.load.clone()),
        ("Runs", page::runs(manifest)),
        (
            "Run in pods.csv",
            format!(
                "{}, seed {}, list {}",
                pods_of.strategy, pods_of.seed, pods_of.list
            ),
        ),
        ("Digest of the runs", manifest.digest.clone()),
    ];
    let mut blocks = vec![page::facts(facts)];
    blocks.extend(page::manifest(manifest));
    blocks
}
