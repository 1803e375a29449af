//! One run: pods are poured in one by one until the load is reached; nothing leaves, a pod that
//! fits nowhere is refused for good. This is the published inflation experiment (Weng et al.,
//! ATC '23), played through the same planner that serves a live cluster.

use std::sync::Arc;

use stowage_core::cluster::{Cluster, ClusterError};
use stowage_core::node::Node;
use stowage_core::plan::Context;
use stowage_core::request::PodRequest;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::PodUid;
use stowage_core::verbs::{Placement, Planner};

use super::arrivals::{Arrivals, Load};
use super::metrics::Curve;
use super::sample::{NodeShare, Sampler};
use super::trace::Trace;

/// Reads a clock that only moves forward, in nanoseconds. Handed in, because the simulator itself
/// has no clock.
pub type Stopwatch = fn() -> u64;

/// What one run gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Pods that arrived.
    pub arrived: u64,
    /// Pods that fitted nowhere.
    pub refused: u64,
    /// Percent of GPU capacity asked for when the first pod was refused.
    pub first_refusal: Option<f64>,
    /// GPU compute of the cluster, thousandths of a device.
    pub capacity_milli: u64,
    /// GPU compute held at the end.
    pub allocated_milli: u64,
    /// Free GPU compute that is useless to the expected pods at the end (FGD's measure).
    pub fragmented_milli: f64,
    /// Mean percent of GPU capacity allocated, by percent of demand arrived.
    pub curve: Vec<f64>,
    /// Mean percent of GPU capacity fragmented, likewise.
    pub fragmented_curve: Vec<f64>,
    /// How long each decision took, nanoseconds; empty without a stopwatch.
    pub nanos: Vec<u32>,
}

/// What is poured into what.
#[derive(Debug, Clone, Copy)]
pub struct Pouring<'a> {
    /// The cluster.
    pub trace: &'a Trace,
    /// The pods in order.
    pub arrivals: &'a Arrivals<'a>,
    /// When to stop.
    pub load: Load,
    /// How many of the nodes a pod is compared on.
    pub share: NodeShare,
    /// The pods by which fragmentation is measured.
    pub outlook: &'a Outlook,
}

/// Looks on while a run is made, and changes nothing of it.
pub trait Witness {
    /// Before `pod` is decided about.
    fn before(&mut self, _planner: &mut Planner, _number: u64, _pod: &Arc<PodRequest>) {}

    /// After it went somewhere or was refused.
    fn after(
        &mut self,
        _planner: &mut Planner,
        _number: u64,
        _pod: &Arc<PodRequest>,
        _placed: Option<&Placement>,
    ) {
    }
}

/// Nobody looks on.
impl Witness for () {}

/// Pours pods in and returns what that gave, with the planner as it is then.
///
/// # Errors
/// When the trace's nodes do not make a cluster.
pub fn run(
    pouring: Pouring<'_>,
    context: Context,
    stopwatch: Option<Stopwatch>,
    witness: &mut impl Witness,
) -> Result<(Outcome, Planner), ClusterError> {
    let Pouring {
        trace,
        arrivals,
        load,
        share,
        outlook,
    } = pouring;
    let mut planner = Planner::new(cluster(trace, &arrivals.ranks)?, context);
    let mut tally = Tally::new(&planner, outlook, percent_to(trace, arrivals, load));
    let mut sampler = Sampler::default();
    for (number, &pod) in (0..).zip(&arrivals.pods) {
        witness.before(&mut planner, number, pod);
        let started = stopwatch.map(|now| now());
        let uid = PodUid(u128::from(number));
        let placed = match share {
            NodeShare::All => planner.place(number, uid, pod)?,
            NodeShare::Adaptive => sampler.place(&mut planner, number, uid, pod)?,
        };
        if let (Some(started), Some(now)) = (started, stopwatch) {
            let nanos = now().saturating_sub(started);
            tally.nanos.push(u32::try_from(nanos).unwrap_or(u32::MAX));
        }
        witness.after(&mut planner, number, pod, placed.as_ref());
        tally.arrived += pod.gpu_milli();
        match placed {
            Some(placement) => {
                tally.allocated += pod.gpu_milli();
                tally.changed(
                    placement.node.index(),
                    outlook.fragmentation(planner.node(placement.node)),
                );
            }
            None => tally.refused(),
        }
        tally.record();
    }
    Ok((tally.outcome(arrivals.pods.len() as u64), planner))
}

/// The idle cluster of `trace` with `ranks` of its nodes.
///
/// # Errors
/// When the nodes do not make a cluster.
pub fn cluster(trace: &Trace, ranks: &[u32]) -> Result<Cluster, ClusterError> {
    Cluster::new(trace.nodes.iter().zip(ranks).map(|(node, &rank)| Node {
        rank,
        ..node.clone()
    }))
}

/// The last column of the curve.
fn percent_to(trace: &Trace, arrivals: &Arrivals<'_>, load: Load) -> usize {
    let percent = match load {
        Load::PerMille(share) => share.div_ceil(10),
        Load::List => {
            let asked: u64 = arrivals.pods.iter().map(|pod| pod.gpu_milli()).sum();
            (100 * asked).div_ceil(trace.capacity_milli().max(1))
        }
    };
    percent as usize
}

struct Tally {
    capacity: u64,
    arrived: u64,
    allocated: u64,
    refused: u64,
    first_refusal: Option<f64>,
    fragments: Vec<f64>,
    fragmented: f64,
    curve: Curve,
    fragmented_curve: Curve,
    nanos: Vec<u32>,
}

impl Tally {
    fn new(planner: &Planner, outlook: &Outlook, percent: usize) -> Self {
        let nodes = planner.cluster().nodes();
        let fragments: Vec<f64> = nodes
            .iter()
            .map(|node| outlook.fragmentation(node))
            .collect();
        Self {
            capacity: nodes.iter().map(|node| node.free().gpu_milli()).sum(),
            arrived: 0,
            allocated: 0,
            refused: 0,
            first_refusal: None,
            fragmented: fragments.iter().sum(),
            fragments,
            curve: Curve::up_to(percent),
            fragmented_curve: Curve::up_to(percent),
            nanos: Vec::new(),
        }
    }

    fn changed(&mut self, node: usize, fragment: f64) {
        self.fragmented += fragment - self.fragments[node];
        self.fragments[node] = fragment;
    }

    fn refused(&mut self) {
        self.refused += 1;
        let percent = self.percent(self.arrived as f64);
        self.first_refusal.get_or_insert(percent);
    }

    fn record(&mut self) {
        let allocated = self.percent(self.allocated as f64);
        let fragmented = self.percent(self.fragmented);
        self.curve.record(self.arrived, self.capacity, allocated);
        self.fragmented_curve
            .record(self.arrived, self.capacity, fragmented);
    }

    fn percent(&self, milli: f64) -> f64 {
        100.0 * milli / self.capacity.max(1) as f64
    }

    fn outcome(self, arrived: u64) -> Outcome {
        Outcome {
            arrived,
            refused: self.refused,
            first_refusal: self.first_refusal,
            capacity_milli: self.capacity,
            allocated_milli: self.allocated,
            fragmented_milli: self.fragments.iter().sum(),
            curve: self.curve.means(),
            fragmented_curve: self.fragmented_curve.means(),
            nanos: self.nanos,
        }
    }
}
