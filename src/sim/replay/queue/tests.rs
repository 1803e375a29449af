//! The queue against a naive one that keeps each job by itself and plays every flush, on a cluster that
//! is a number of equal places.

use proptest::prelude::*;

use super::*;

const PLACES: u32 = 6;

/// Submission and run time in ms, places asked for; the index is the rank.
type Job = (u64, u64, u32);

/// When each job starts, by the queue under test.
fn ours(discipline: Discipline, jobs: &[Job]) -> Vec<Option<u64>> {
    let mut queue = Queue::new(discipline);
    let mut starts = vec![None; jobs.len()];
    let mut ends: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut free = PLACES;
    let mut submitted = vec![false; jobs.len()];
    loop {
        let submit = (0..jobs.len())
            .filter(|&j| !submitted[j])
            .map(|j| jobs[j].0)
            .min();
        let end = ends.first().map(|(at, _)| *at);
        let Some(now) = [submit, end, queue.next_retry()]
            .into_iter()
            .flatten()
            .min()
        else {
            return starts;
        };
        while let Some(&(at, job)) = ends.first()
            && at == now
        {
            ends.pop_first();
            free += jobs[job].2;
            queue.wake(now);
        }
        for (rank, job) in jobs.iter().enumerate() {
            if job.0 == now && !submitted[rank] {
                submitted[rank] = true;
                queue.submit(rank as u32, job.2);
            }
        }
        queue.retry(now);
        queue.pass(now, |rank| {
            let (_, length, places) = jobs[rank as usize];
            let fits = places <= free;
            if fits {
                free -= places;
                starts[rank as usize] = Some(now);
                ends.insert((now + length, rank as usize));
            }
            fits
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Ahead,
    Active(u8),
    Parked(u8, u64),
    Cooling(u8, u64),
    Gone,
}

/// The same, job by job.
fn naive(discipline: Discipline, jobs: &[Job]) -> Vec<Option<u64>> {
    let mut states = vec![State::Ahead; jobs.len()];
    let mut starts = vec![None; jobs.len()];
    let mut free = PLACES;
    let mut now = 0;
    let last = jobs.iter().map(|job| job.0 + job.1).sum::<u64>() + 1_000_000;
    while now <= last {
        for state in &mut states {
            // In vain: nothing was freed since it was refused, or it would not be here.
            if let State::Parked(refusals, at) = *state
                && now == at + FLUSH_MS
            {
                *state = State::Parked((refusals + 1).min(RIPE), now);
            }
        }
        let ending =
            |(job, start): (&Job, &Option<u64>)| start.is_some_and(|start| start + job.1 == now);
        let freed: Vec<_> = jobs
            .iter()
            .zip(&starts)
            .filter(|&pair| ending(pair))
            .collect();
        free += freed.iter().map(|(job, _)| job.2).sum::<u32>();
        for (rank, state) in states.iter_mut().enumerate() {
            *state = match *state {
                State::Parked(n, at) if !freed.is_empty() => State::Cooling(n, at + back_off(n)),
                State::Ahead if jobs[rank].0 == now => State::Active(0),
                other => other,
            };
            if let State::Cooling(n, ready) = *state
                && ready <= now
            {
                *state = State::Active(n);
            }
        }
        for (rank, state) in states.iter_mut().enumerate() {
            let State::Active(refusals) = *state else {
                continue;
            };
            if jobs[rank].2 <= free {
                free -= jobs[rank].2;
                starts[rank] = Some(now);
                *state = State::Gone;
            } else if discipline == Discipline::KubeScheduler {
                *state = State::Parked((refusals + 1).min(RIPE), now);
            } else if discipline == Discipline::StrictFifo {
                break;
            }
        }
        now += 500;
    }
    starts
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let long = prop_oneof![Just(0_u64), Just(290_000), Just(600_000)];
    let job = (0_u64..20, long, 1_u64..30, 1_u32..=PLACES);
    let job = job
        .prop_map(|(submit, later, length, places)| (500 * submit, 500 * length + later, places));
    proptest::collection::vec(job, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn classes_and_cohorts_change_nothing(jobs in jobs()) {
        for discipline in [
            Discipline::KubeScheduler,
            Discipline::StrictFifo,
            Discipline::Backfill,
        ] {
            prop_assert_eq!(ours(discipline, &jobs), naive(discipline, &jobs), "{:?}", discipline);
        }
    }
}

#[test]
fn a_job_that_was_refused_waits_for_its_back_off() {
    // The first takes all until 300 ms; the second was refused at 0 and comes back at 1,000.
    let jobs = [(0, 300, 6), (0, 100, 1)];
    assert_eq!(
        ours(Discipline::KubeScheduler, &jobs),
        [Some(0), Some(1000)]
    );
    assert_eq!(ours(Discipline::Backfill, &jobs), [Some(0), Some(300)]);
}

#[test]
fn backfill_passes_a_large_job_and_strict_fifo_does_not() {
    let jobs = [(0, 1000, 4), (0, 1000, 5), (0, 5000, 2)];
    let starts = |discipline| ours(discipline, &jobs);
    assert_eq!(starts(Discipline::Backfill), [Some(0), Some(5000), Some(0)]);
    assert_eq!(
        starts(Discipline::StrictFifo),
        [Some(0), Some(1000), Some(2000)]
    );
}

#[test]
fn ten_minutes_without_a_departure_renew_the_back_off() {
    // Refused at 0, flushed in vain at 300 s, woken at 300.5 s: back-off 2 s from 300 s on.
    let jobs = [(0, 300_500, 6), (0, 500, 1)];
    assert_eq!(ours(Discipline::KubeScheduler, &jobs)[1], Some(302_000));
}
