//! Schedules that were computed by hand.

use proptest::prelude::*;
use stowage::sim::replay::outcome::Fate;
use stowage::sim::replay::{Discipline, Model, OnFailure};
use stowage::sim::trace::timed::{NodeEvent, NodeEventKind};

use super::{gpus, job, nodes, replay, watched};

fn event(at: u64, kind: NodeEventKind) -> NodeEvent {
    let node = "t4-4-0001".into();
    NodeEvent { at, kind, node }
}

/// Two nodes of four GPUs, ten pods in nine jobs: `d` is a gang of two, `i` fits nowhere. At 90 s `e`
/// ends before the second node fails, and `f`, which ran there, starts again; its old end at 120 s is
/// nobody's. `g` was refused for the third time at 106 s, so that the repair at 107 s finds it in its
/// back-off of 4 s.
#[test]
fn ten_pods_a_gang_and_a_failure_go_as_computed_by_hand() {
    let s = 1000;
    let jobs = [
        job("a", 0, Some(100 * s), &[gpus(2)]),
        job("b", 0, Some(50 * s), &[gpus(4)]),
        job("c", 10 * s, Some(60 * s), &[gpus(2)]),
        job("d", 20 * s, Some(30 * s), &[gpus(2), gpus(2)]),
        job("i", 30 * s, Some(10 * s), &[gpus(8)]),
        job("e", 40 * s, Some(20 * s), &[gpus(1)]),
        job("f", 60 * s, Some(40 * s), &[gpus(3)]),
        job("g", 95 * s, Some(10 * s), &[gpus(4)]),
        job("h", 96 * s, Some(10 * s), &[gpus(1)]),
    ];
    let events = [
        event(90 * s, NodeEventKind::Down),
        event(107 * s, NodeEventKind::Up),
    ];
    let (outcome, happened) = watched(&nodes("T4:4x2"), &jobs, &events, &Model::default());
    let expected = include_str!("ten_pods.txt");
    assert!(
        happened == expected,
        "expected\n{expected}\ngot\n{happened}"
    );
    let f = outcome.jobs[6];
    assert_eq!((f.lost, f.failures, f.starts), (10 * s, 1, 2));
    assert_eq!(
        f.first_start,
        Some(80 * s),
        "the first start ends its waiting"
    );
}

#[test]
fn a_lost_job_does_not_come_back() {
    let jobs = [job("a", 0, Some(5000), &[gpus(4), gpus(4)])];
    let events = [event(1000, NodeEventKind::Down)];
    let model = Model {
        on_failure: OnFailure::Lose,
        ..Model::default()
    };
    let (outcome, happened) = watched(&nodes("T4:4x2"), &jobs, &events, &model);
    assert_eq!(outcome.jobs[0].fate, Fate::Lost);
    assert_eq!(outcome.level.allocated, 0, "its other pod is gone too");
    assert!(
        happened.ends_with("1000 a is lost\n   1000 t4-4-0001 fails\n"),
        "{happened}"
    );
}

#[test]
fn a_node_that_is_added_is_not_there_before() {
    let jobs = [job("a", 0, Some(5000), &[gpus(4), gpus(4)])];
    let events = [event(2500, NodeEventKind::Add)];
    let outcome = replay(&nodes("T4:4x2"), &jobs, &events, &Model::default());
    assert_eq!(outcome.jobs[0].first_start, Some(2500));
    assert_eq!(outcome.whole.up, 4000 * 2500 + 8000 * 5000);
}

#[test]
fn the_higher_priority_goes_first() {
    let mut jobs = [
        job("a", 0, Some(1000), &[gpus(1)]),
        job("b", 100, Some(1000), &[gpus(1)]),
        job("c", 200, Some(1000), &[gpus(1)]),
    ];
    jobs[2].priority = 7;
    let model = Model {
        queue: Discipline::Backfill,
        ..Model::default()
    };
    let outcome = replay(&nodes("T4:1x1"), &jobs, &[], &model);
    let starts = outcome.jobs.iter().map(|job| job.first_start);
    assert_eq!(
        starts.collect::<Vec<_>>(),
        [Some(0), Some(2000), Some(1000)]
    );
}

#[test]
fn a_spread_gang_runs_as_much_longer_as_was_measured() {
    use stowage::sim::trace::gavel::Slowdown;
    // `x` leaves two GPUs on each node; `y` would fit on one.
    let jobs = [
        job("x", 0, None, &[gpus(2)]),
        job("x2", 0, None, &[gpus(3)]),
        job("y", 1, Some(1000), &[gpus(1), gpus(1), gpus(1)]),
    ];
    let model = |slowdown| Model {
        slowdown,
        ..Model::default()
    };
    let measured = Slowdown::of([(2, 500), (4, 250)]);
    let slow = model(Some(std::sync::Arc::new(measured)));
    let end = |model| replay(&nodes("T4:4x2"), &jobs, &[], &model).jobs[2].end;
    assert_eq!(end(model(None)), Some(1001));
    assert_eq!(end(slow), Some(2001), "three GPUs go by the rate of two");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One server: each starts when it is submitted or when the one before it ends.
    #[test]
    fn one_server_serves_as_in_the_textbook(steps in proptest::collection::vec((0_u64..9, 1_u64..12), 1..60)) {
        let mut submit = 0;
        let mut jobs = Vec::new();
        for (number, (gap, length)) in steps.iter().enumerate() {
            submit += gap;
            jobs.push(job(&format!("{number:03}"), submit - steps[0].0, Some(*length), &[gpus(1)]));
        }
        let model = Model { queue: Discipline::StrictFifo, ..Model::default() };
        let outcome = replay(&nodes("T4:1x1"), &jobs, &[], &model);
        let mut free = 0;
        for (job, record) in jobs.iter().zip(&outcome.jobs) {
            let start = job.submit.max(free);
            free = start + job.duration.unwrap_or(0);
            prop_assert_eq!(record.first_start, Some(start));
            prop_assert_eq!(record.end, Some(free));
        }
    }
}
