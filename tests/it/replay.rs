//! Replay in time: nothing is lost, theory is met, and what was computed by hand comes out.

mod calibrated;
mod exact;
mod files;
mod properties;
mod snapshot;
mod theory;

use std::fmt::Write as _;
use std::num::NonZeroU8;
use std::sync::Arc;

use stowage::sim::replay::outcome::Outcome;
use stowage::sim::replay::{Input, Model, run};
use stowage::sim::trace::TraceNode;
use stowage::sim::trace::cluster;
use stowage::sim::trace::gpu_jobs::PerGpu;
use stowage::sim::trace::timed::{Job, NodeEvent, Standing};
use stowage_core::plan::{Context, Parameters};
use stowage_core::request::{ContainerRequest, Models, PodRequest};
use stowage_core::strategy::Strategy;
use stowage_core::units::{Mebibytes, Milli};

/// Nodes in the command line's short form.
fn nodes(text: &str) -> Vec<TraceNode> {
    cluster::parse(text, PerGpu::default()).expect("the cluster is well written")
}

/// A pod of so many whole GPUs and one core.
fn gpus(count: u8) -> Arc<PodRequest> {
    let count = NonZeroU8::new(count).expect("at least one");
    let whole = [ContainerRequest::Whole { count }];
    let request = PodRequest::new(&whole, Milli(1000), Mebibytes(1024), Models::Any);
    Arc::new(request.expect("a small pod"))
}

/// A job of one tenant and no priority.
fn job(name: &str, submit: u64, duration: Option<u64>, pods: &[Arc<PodRequest>]) -> Job {
    Job {
        name: name.into(),
        tenant: "".into(),
        submit,
        duration,
        priority: 0,
        pods: pods.into(),
        nodes: None,
    }
}

/// Decides by `strategy`, looking at nothing ahead.
fn context(strategy: Strategy) -> Context {
    Context::new(strategy, Parameters::default(), Arc::default(), 42)
}

/// Replays under best fit; nodes tie in the order written.
fn replay(nodes: &[TraceNode], jobs: &[Job], events: &[NodeEvent], model: &Model) -> Outcome {
    watched(nodes, jobs, events, model).0
}

/// The same, with everything that happens, one line each.
fn watched(
    nodes: &[TraceNode],
    jobs: &[Job],
    events: &[NodeEvent],
    model: &Model,
) -> (Outcome, String) {
    let ranks: Vec<u32> = (0..nodes.len() as u32).collect();
    let input = Input {
        nodes,
        ranks: &ranks,
        jobs,
        events,
        standing: &Standing::default(),
    };
    let mut text = String::new();
    let mut watch = |note: &stowage::sim::replay::Note<'_>,
                     planner: &stowage_core::verbs::Planner| {
        let findings = stowage_core::audit::audit(planner.cluster());
        assert!(findings.is_empty(), "{note:?}: {findings:?}");
        let on = match note.nodes.is_empty() {
            true => String::new(),
            false => format!(" on {}", note.nodes.join(" ")),
        };
        let _ = writeln!(text, "{:>7} {} {}{on}", note.at, note.whom, note.what);
    };
    let outcome = run(input, model, context(Strategy::BestFit), Some(&mut watch));
    (outcome.expect("the nodes make a cluster"), text)
}
