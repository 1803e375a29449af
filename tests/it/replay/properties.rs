//! What holds on every trace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use stowage::sim::arrivals::{self, Load};
use stowage::sim::replay::outcome::{Fate, Outcome};
use stowage::sim::replay::{Discipline, Input, Model, OnFailure, run};
use stowage::sim::trace::demo;
use stowage::sim::trace::timed::{Job, NodeEvent, NodeEventKind, Standing, TimedTrace};
use stowage_core::strategy::Strategy as Placing;

use super::{context, gpus, job, nodes, replay, watched};

const CLUSTER: &str = "T4:4x3,A10:2x2";

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let pods = proptest::collection::vec(1_u8..=5, 1..4);
    let duration = prop_oneof![4 => (0_u64..20_000).prop_map(Some), 1 => Just(None)];
    let one = (0_u64..30, duration, 0_i32..3, pods);
    let one = one.prop_map(|(submit, duration, priority, pods)| {
        let pods: Vec<_> = pods.into_iter().map(gpus).collect();
        let job = job("", 1000 * submit, duration, &pods);
        Job { priority, ..job }
    });
    proptest::collection::vec(one, 1..40).prop_map(|jobs| {
        let named = jobs.into_iter().enumerate().map(|(number, job)| Job {
            name: format!("{number:02}").into(),
            ..job
        });
        let trace = TimedTrace {
            source: String::new(),
            nodes: Vec::new(),
            jobs: named.collect(),
            events: Vec::new(),
        };
        trace.ordered().jobs
    })
}

fn events() -> impl Strategy<Value = Vec<NodeEvent>> {
    let names: Vec<Arc<str>> = nodes(CLUSTER).iter().map(|n| n.name.clone()).collect();
    let kinds = [NodeEventKind::Up, NodeEventKind::Down, NodeEventKind::Add];
    let kind = prop_oneof![5 => Just(0), 5 => Just(1_usize), 1 => Just(2)];
    let event = (0_u64..60, kind, 0..names.len()).prop_map(move |(at, kind, node)| NodeEvent {
        at: 1000 * at,
        kind: kinds[kind],
        node: names[node].clone(),
    });
    proptest::collection::vec(event, 0..12).prop_map(|mut events| {
        events.sort();
        events
    })
}

fn models() -> impl Strategy<Value = Model> {
    let queue = prop_oneof![
        Just(Discipline::KubeScheduler),
        Just(Discipline::StrictFifo),
        Just(Discipline::Backfill)
    ];
    let policy = prop_oneof![Just(OnFailure::Requeue), Just(OnFailure::Lose)];
    (queue, policy).prop_map(|(queue, on_failure)| Model {
        queue,
        on_failure,
        slowdown: None,
    })
}

/// What the lines say about each job, and that no line contradicts the one before.
fn fates(happened: &str) -> Result<BTreeMap<String, &'static str>, TestCaseError> {
    let mut fates: BTreeMap<String, &'static str> = BTreeMap::new();
    for line in happened.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let (from, to): (&[Option<&str>], _) = match words[2..] {
            ["is", "submitted"] => (&[None], "waits"),
            ["is", "refused"] => (&[None], "refused"),
            ["starts", ..] => (&[Some("waits")], "runs"),
            ["ends"] => (&[Some("runs")], "ended"),
            ["is", "requeued"] => (&[Some("runs")], "waits"),
            ["is", "lost"] => (&[Some("runs")], "lost"),
            _ => continue,
        };
        let before = fates.insert(words[1].to_owned(), to);
        prop_assert!(from.contains(&before), "{line}: after {before:?}");
    }
    Ok(fates)
}

fn check(outcome: &Outcome, jobs: &[Job], happened: &str) -> Result<(), TestCaseError> {
    let fates = fates(happened)?;
    let (mut held, mut waiting) = (0, 0);
    for (job, record) in jobs.iter().zip(&outcome.jobs) {
        let expected = match record.fate {
            Fate::Ahead => return Err(TestCaseError::fail("not every job was submitted")),
            Fate::Waiting => "waits",
            Fate::Running => "runs",
            Fate::Ended => "ended",
            Fate::Refused => "refused",
            Fate::Lost => "lost",
        };
        prop_assert_eq!(fates[job.name.as_ref()], expected, "{}", job.name);
        held += if record.fate == Fate::Running {
            job.gpu_milli()
        } else {
            0
        };
        waiting += if record.fate == Fate::Waiting {
            job.gpu_milli()
        } else {
            0
        };
        prop_assert!(record.fate != Fate::Running || job.duration.is_none());
    }
    prop_assert_eq!(
        (outcome.level.allocated, outcome.level.waiting),
        (held, waiting)
    );
    prop_assert!(outcome.level.allocated <= outcome.level.up);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Every job is exactly one of: running, ended, waiting, refused, lost. The cluster is audited
    /// after everything that happens (`watched`).
    #[test]
    fn nothing_is_lost_and_nothing_doubled(
        jobs in jobs(), events in events(), model in models(),
    ) {
        let (outcome, happened) = watched(&nodes(CLUSTER), &jobs, &events, &model);
        check(&outcome, &jobs, &happened)?;
    }

    #[test]
    fn where_there_is_room_for_all_nobody_waits(jobs in jobs(), model in models()) {
        let fits = |job: &Job| job.pods.iter().all(|pod| pod.gpu_milli() <= 4000);
        let trace = TimedTrace {
            source: String::new(),
            nodes: nodes("T4:4x120"),
            jobs: jobs.into_iter().filter(fits).collect(),
            events: Vec::new(),
        };
        let trace = trace.ordered();
        let outcome = replay(&trace.nodes, &trace.jobs, &[], &model);
        for (job, record) in trace.jobs.iter().zip(&outcome.jobs) {
            prop_assert_eq!(record.first_start, Some(job.submit));
        }
        prop_assert_eq!(outcome.whole.stranded, 0);
        // What is allocated is what was offered.
        let held = 1000 * outcome.submitting.allocated;
        let allocated = held.checked_div(outcome.submitting.up).map(|share| share as u64);
        prop_assert_eq!(allocated, trace.offered_per_mille(0));
    }
}

/// All eight strategies, pods poured in and replayed as jobs that never end.
#[test]
fn a_trace_whose_pods_never_leave_is_decided_as_when_they_are_poured_in() {
    let trace = demo::load();
    let load = Load::PerMille(1300);
    let arrivals = arrivals::arrivals(&trace, &trace.lists[0], 42, load);
    let pods = (0..).zip(&arrivals.pods);
    let jobs = pods.map(|(at, pod)| job(&format!("{at:06}"), at, None, &[(*pod).clone()]));
    let jobs: Vec<_> = jobs.collect();
    for strategy in Placing::ALL {
        let input = Input {
            nodes: &trace.nodes,
            ranks: &arrivals.ranks,
            jobs: &jobs,
            events: &[],
            standing: &Standing::default(),
        };
        let pouring = stowage::sim::run::Pouring {
            trace: &trace,
            arrivals: &arrivals,
            load,
            share: stowage::sim::sample::NodeShare::All,
            outlook: &Default::default(),
        };
        let poured = stowage::sim::run::run(pouring, context(strategy), None, &mut ());
        let (poured, _) = poured.expect("a cluster");
        for queue in [Discipline::KubeScheduler, Discipline::Backfill] {
            let model = Model {
                queue,
                ..Model::default()
            };
            let replayed = run(input, &model, context(strategy), None).expect("a cluster");
            let unplaced = replayed.jobs.iter().filter(|job| job.fate != Fate::Running);
            assert_eq!(unplaced.count() as u64, poured.refused, "{strategy}");
            assert_eq!(
                replayed.level.allocated, poured.allocated_milli,
                "{strategy}"
            );
        }
    }
}

#[test]
fn equal_moments_may_be_written_in_any_order() {
    let pods = [1_u8, 3, 2, 4, 2, 1, 3, 2];
    let jobs = (0..40).map(|number| {
        let pod = gpus(pods[number % 8]);
        job(
            &format!("{number:02}"),
            (number as u64 / 8) * 1000,
            Some(3500),
            &[pod],
        )
    });
    let trace = |jobs: Vec<Job>| TimedTrace {
        source: String::new(),
        nodes: nodes(CLUSTER),
        jobs,
        events: Vec::new(),
    };
    let jobs: Vec<_> = jobs.collect();
    let turned: Vec<_> = jobs
        .chunks(8)
        .flat_map(|c| c.iter().rev().cloned())
        .collect();
    let [one, other] = [jobs, turned].map(|jobs| trace(jobs).ordered());
    assert_eq!(one.jobs, other.jobs);
    let names: BTreeSet<_> = one.jobs.iter().map(|job| &job.name).collect();
    assert_eq!(names.len(), 40);
}

#[test]
fn a_trace_is_compressed_to_the_load_asked_for() {
    let trace = || demo::timed(7, None);
    for target in [100, 500, 900, 1200] {
        let load = trace()
            .at_load(target, 0)
            .map(|trace| trace.offered_per_mille(0));
        let load = load.expect("it can be reached").expect("it is bounded");
        assert!(load.abs_diff(target) <= 1, "{load} for {target}");
    }
    let most = trace().at_load(90_000, 0).expect_err("all at once is less");
    assert!(most > 1200, "{most}");
}
