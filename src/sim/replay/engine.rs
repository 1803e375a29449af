//! The event loop: what happens next, in the order that `mod.rs` writes down.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;
use std::sync::Arc;

use stowage_core::cluster::ClusterError;
use stowage_core::plan::Context;

use super::Model;
use super::OnFailure;
use super::meter::Meter;
use super::outcome::{Fate, Outcome};
use super::queue::{Queue, Rank};
use super::witness::{Listener, Note, Passing, Watch, Witness};
use super::world::World;
use crate::sim::trace::TraceNode;
use crate::sim::trace::timed::{Job, NodeEvent, NodeEventKind, NodeNames, Pods, Standing};

/// One replay's trace and cluster.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The nodes.
    pub nodes: &'a [TraceNode],
    /// The rank of each, which breaks ties.
    pub ranks: &'a [u32],
    /// The jobs, in order of submission, then by name.
    pub jobs: &'a [Job],
    /// What happens to nodes, in order.
    pub events: &'a [NodeEvent],
    /// Who is there before, and stays until a node fails.
    pub standing: &'a Standing,
}

/// Replays `input` under `model`, deciding by `context`. `watch` sees everything that happens.
///
/// # Errors
/// When the nodes do not make a cluster.
pub fn run(
    input: Input<'_>,
    model: &Model,
    context: Context,
    watch: Option<Watch<'_>>,
) -> Result<Outcome, ClusterError> {
    let outcome = run_seen(input, model, context, &mut Listener(watch))?;
    Ok(outcome.expect("who only listens stops nothing"))
}

/// The same under the eyes of `witness`; none if it asked to stop.
///
/// # Errors
/// When the nodes do not make a cluster.
pub fn run_seen(
    input: Input<'_>,
    model: &Model,
    context: Context,
    witness: &mut dyn Witness,
) -> Result<Option<Outcome>, ClusterError> {
    let mut engine = Engine::new(input, model, context, witness)?;
    while let Some(now) = engine.next() {
        if engine.pass(now).is_break() {
            return Ok(None);
        }
        engine.moment(now)?;
    }
    engine.witness.end(engine.world.planner());
    Ok(Some(engine.outcome()))
}

struct Engine<'a, 'w> {
    input: Input<'a>,
    model: &'a Model,
    world: World<'a>,
    queue: Queue,
    meter: Meter,
    /// Ends of running jobs: when, who, and which start it belongs to.
    departures: BinaryHeap<Reverse<(u64, Rank, u32)>>,
    next_job: usize,
    next_event: usize,
    witness: &'w mut dyn Witness,
}

impl<'a, 'w> Engine<'a, 'w> {
    fn new(
        input: Input<'a>,
        model: &'a Model,
        context: Context,
        witness: &'w mut dyn Witness,
    ) -> Result<Self, ClusterError> {
        let last = input.jobs.last().map_or(0, |job| job.submit);
        let longest = input.jobs.iter().filter_map(|job| job.duration).max();
        let world = World::new(input, context)?;
        let mut meter = Meter::new(last, last + longest.unwrap_or(0));
        meter.level.up = world.capacity();
        meter.level.allocated = world.standing();
        Ok(Self {
            input,
            model,
            world,
            queue: Queue::new(model.queue),
            meter,
            departures: BinaryHeap::new(),
            next_job: 0,
            next_event: 0,
            witness,
        })
    }

    /// When something happens next; none when nothing can change any more.
    fn next(&self) -> Option<u64> {
        let departure = self.departures.peek().map(|Reverse((at, ..))| *at);
        let job = self.input.jobs.get(self.next_job).map(|job| job.submit);
        let retry = self.queue.next_retry();
        let event = self.input.events.get(self.next_event).map(|e| e.at);
        // What happens to nodes that nobody uses or waits for changes nothing.
        let idle = departure.is_none() && job.is_none() && self.queue.is_empty();
        let event = event.filter(|_| !idle || self.world.running() > 0);
        [departure, job, retry, event].into_iter().flatten().min()
    }

    /// Time goes on to `now`.
    fn pass(&mut self, now: u64) -> ControlFlow<()> {
        let passing = Passing {
            from: self.meter.now(),
            to: now,
            submitted: self.next_job,
            level: self.meter.level,
        };
        self.witness.pass(&passing, self.world.planner())
    }

    fn moment(&mut self, now: u64) -> Result<(), ClusterError> {
        let classes = self.world.classes();
        let waiting = self.queue.waiting().iter();
        let waiting = waiting.map(|(&class, &jobs)| (classes[class as usize].0.as_ref(), jobs));
        let nodes = self.world.planner().cluster().nodes();
        self.meter.advance(now, nodes, waiting);
        self.depart(now);
        self.events(now)?;
        self.submit(now);
        self.queue.retry(now);
        self.start(now)
    }

    fn depart(&mut self, now: u64) {
        while let Some(&Reverse((at, rank, start))) = self.departures.peek()
            && at <= now
        {
            self.departures.pop();
            // A job that failed in the meantime does not end.
            if self.world.record(rank).starts == start && self.world.is_running(rank) {
                self.world.release(rank, Fate::Ended, now);
                self.meter.level.allocated -= self.world.milli(rank);
                self.queue.wake(now);
                self.tell(now, "ends", rank);
            }
        }
    }

    fn events(&mut self, now: u64) -> Result<(), ClusterError> {
        while let Some(event) = self.input.events.get(self.next_event)
            && event.at <= now
        {
            self.next_event += 1;
            match event.kind {
                NodeEventKind::Up | NodeEventKind::Add => {
                    let Some(milli) = self.world.bring_up(&event.node)? else {
                        continue;
                    };
                    self.meter.level.up += milli;
                    self.queue.wake(now);
                    self.tell_of(now, "is up", &event.node, Vec::new());
                }
                NodeEventKind::Down => self.fail(now, &event.node),
            }
        }
        Ok(())
    }

    fn fail(&mut self, now: u64, node: &str) {
        let Some(jobs) = self.world.jobs_on(node) else {
            return;
        };
        let used = !jobs.is_empty();
        let requeued = self.model.on_failure == OnFailure::Requeue;
        let (fate, what) = match requeued {
            true => (Fate::Waiting, "is requeued"),
            false => (Fate::Lost, "is lost"),
        };
        for rank in jobs {
            let milli = self.world.milli(rank);
            self.world.interrupt(rank, fate, now);
            self.meter.level.allocated -= milli;
            if requeued {
                self.enqueue(rank, milli);
            }
            self.tell(now, what, rank);
        }
        self.meter.level.allocated -= self.world.evict(node);
        if used {
            // What the jobs held on other nodes is free again.
            self.queue.wake(now);
        }
        self.meter.level.up -= self.world.take_down(node);
        self.tell_of(now, "fails", node, Vec::new());
    }

    fn submit(&mut self, now: u64) {
        while let Some(job) = self.input.jobs.get(self.next_job)
            && job.submit <= now
        {
            let rank = self.world.rank_of(self.next_job);
            self.next_job += 1;
            if self.world.fits_idle(rank) {
                self.world.set(rank, Fate::Waiting);
                self.enqueue(rank, self.world.milli(rank));
                self.tell(now, "is submitted", rank);
            } else {
                self.world.set(rank, Fate::Refused);
                self.tell(now, "is refused", rank);
            }
        }
    }

    fn enqueue(&mut self, rank: Rank, milli: u64) {
        self.queue.submit(rank, self.world.class_of(rank));
        self.meter.level.waiting += milli;
        self.meter.level.jobs += 1;
    }

    fn start(&mut self, now: u64) -> Result<(), ClusterError> {
        let (world, level) = (&mut self.world, &mut self.meter.level);
        let witness = &mut *self.witness;
        let mut started = Vec::new();
        let mut failed = None;
        self.queue.pass(now, |rank| {
            let milli = world.milli(rank);
            // Cheaper than asking, and never wrong.
            if level.up.saturating_sub(level.allocated) < milli {
                return false;
            }
            let (asked, planner) = world.asked(rank, now);
            witness.asked(&asked, planner);
            match world.place(rank, now) {
                Ok(placed) => {
                    if placed {
                        level.allocated += milli;
                        level.waiting -= milli;
                        level.jobs -= 1;
                        started.push(rank);
                    }
                    placed
                }
                Err(error) => {
                    failed = Some(error);
                    false
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        for rank in started {
            let slowdown = self.model.slowdown.as_deref();
            if let Some(end) = self.world.end_of(rank, now, slowdown) {
                let start = self.world.record(rank).starts;
                self.departures.push(Reverse((end, rank, start)));
            }
            let (nodes, job) = (self.world.nodes_of(rank), self.world.job(rank));
            self.tell_of(now, "starts", &job.name, nodes);
        }
        Ok(())
    }

    fn tell(&mut self, at: u64, what: &'static str, rank: Rank) {
        let job = self.world.job(rank);
        self.tell_of(at, what, &job.name, Vec::new());
    }

    fn tell_of(&mut self, at: u64, what: &'static str, whom: &str, nodes: Vec<Arc<str>>) {
        let note = Note {
            at,
            what,
            whom,
            nodes,
        };
        self.witness.note(&note, self.world.planner());
    }

    fn outcome(self) -> Outcome {
        let meter = self.meter;
        Outcome {
            jobs: self.world.into_records(),
            level: meter.level,
            submitting: meter.submitting,
            whole: meter.whole,
            peak_jobs: meter.peak_jobs,
            busiest: meter.busiest.1,
            series: meter.series,
        }
    }
}

/// The rank of each job: by priority, the higher first, then in the order of `jobs`; and the job of
/// each rank.
pub(super) fn ranks(jobs: &[Job]) -> (Vec<Rank>, Vec<u32>) {
    let mut by_rank: Vec<u32> = (0..jobs.len() as u32).collect();
    by_rank.sort_by_key(|&job| (Reverse(jobs[job as usize].priority), job));
    let mut ranks = vec![0; jobs.len()];
    for (rank, &job) in (0..).zip(&by_rank) {
        ranks[job as usize] = rank;
    }
    (ranks, by_rank)
}

/// What equal jobs have in common: their pods, and the nodes that they may be on.
pub(super) type Likeness = (Pods, Option<Arc<NodeNames>>);

/// Numbers equal gangs: the class of each job, and what it is.
pub(super) fn classes(jobs: &[Job]) -> (Vec<u32>, Vec<Likeness>) {
    let mut numbers = BTreeMap::new();
    let mut classes = Vec::new();
    let class_of = jobs.iter().map(|job| {
        *numbers.entry((&job.pods, &job.nodes)).or_insert_with(|| {
            classes.push((job.pods.clone(), job.nodes.clone()));
            classes.len() as u32 - 1
        })
    });
    (class_of.collect(), classes)
}
