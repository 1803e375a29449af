//! In which order pods arrive and how ties between nodes fall: as published where the trace has
//! it, else drawn from the seed.
//!
//! The drawn form follows the published method (openb benchmark, building the arrival sequence):
//! shuffle the list; where it asks for less than the load, append pods drawn uniformly with
//! replacement until the next would pass it; where it asks for more, cut the shuffled list there.

use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_pcg::Pcg64;
use stowage_core::request::PodRequest;

use super::trace::{PodList, Trace};

/// The load of the published experiments, per mille of the GPU capacity.
pub const PUBLISHED_LOAD: u64 = 1300;
/// Most pods that one run pours in.
const MAX_ARRIVALS: usize = 20_000_000;

/// When to stop pouring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// When so many thousandths of the GPU capacity have been asked for.
    PerMille(u64),
    /// After every pod of the list has arrived once.
    List,
}

/// Where an order comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The trace's own record of a published run.
    Published,
    /// Drawn from the seed.
    Drawn,
}

/// One run's arrivals.
#[derive(Debug)]
pub struct Arrivals<'a> {
    /// The pods in order of arrival.
    pub pods: Vec<&'a Arc<PodRequest>>,
    /// The rank of each node of the trace.
    pub ranks: Vec<u32>,
}

/// Where the order of `seed` comes from.
#[must_use]
pub fn origin(list: &PodList, seed: u64, load: Load) -> Origin {
    let replayable = matches!(load, Load::PerMille(share) if share <= PUBLISHED_LOAD);
    if replayable && list.published.contains_key(&seed) {
        Origin::Published
    } else {
        Origin::Drawn
    }
}

/// The arrivals of one run.
#[must_use]
pub fn arrivals<'a>(trace: &Trace, list: &'a PodList, seed: u64, load: Load) -> Arrivals<'a> {
    match (list.published.get(&seed), origin(list, seed, load)) {
        (Some(run), Origin::Published) => {
            let pods = run.arrivals.iter().map(|&pod| &list.pods[pod as usize]);
            let pods = match load {
                // The published sequence overshoots the target a little; it is replayed whole.
                Load::PerMille(PUBLISHED_LOAD) | Load::List => pods.collect(),
                Load::PerMille(share) => up_to(pods, target(trace, share)).0,
            };
            Arrivals {
                pods,
                ranks: run.ranks.clone(),
            }
        }
        _ => drawn(trace, list, seed, load),
    }
}

fn drawn<'a>(trace: &Trace, list: &'a PodList, seed: u64, load: Load) -> Arrivals<'a> {
    let mut rng = Pcg64::seed_from_u64(seed);
    let mut shuffled: Vec<_> = list.pods.iter().collect();
    shuffled.shuffle(&mut rng);
    let pods = match load {
        Load::List => shuffled,
        Load::PerMille(share) => {
            let target = target(trace, share);
            let (mut pods, mut asked) = up_to(shuffled.iter().copied(), target);
            let whole = pods.len() == shuffled.len();
            while whole && pods.len() < MAX_ARRIVALS {
                let Some(next) = list.pods.choose(&mut rng) else {
                    break;
                };
                asked += next.gpu_milli();
                if asked > target {
                    break;
                }
                pods.push(next);
            }
            pods
        }
    };
    let mut ranks: Vec<u32> = (0..trace.nodes.len() as u32).collect();
    ranks.shuffle(&mut rng);
    Arrivals { pods, ranks }
}

fn target(trace: &Trace, per_mille: u64) -> u64 {
    trace.capacity_milli() * per_mille / 1000
}

/// The longest prefix that asks for at most `target`, and what it asks for.
fn up_to<'a>(
    pods: impl Iterator<Item = &'a Arc<PodRequest>>,
    target: u64,
) -> (Vec<&'a Arc<PodRequest>>, u64) {
    let mut asked = 0;
    let prefix = pods
        .take_while(|pod| {
            let fits = asked + pod.gpu_milli() <= target;
            asked += if fits { pod.gpu_milli() } else { 0 };
            fits
        })
        .collect();
    (prefix, asked)
}
