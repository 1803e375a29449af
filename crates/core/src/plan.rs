//! The decision: [`candidate`] says what one node could give a pod, [`order`] which node is best.
//!
//! Hard rules, in this order: pods, cores, host memory; then devices, see `assign`. A node that
//! lacks any of it is [`Unfit`], whatever the strategy. The strategy then chooses among the device
//! sets that fit and scores the node. Nodes compare by score; equal ones by the drawn tie key where
//! the strategy draws ties, else (and last) by rank, then name, which is the order the cluster keeps.
//!
//! Not modelled here: node selectors, affinity, taints and volumes; kube-scheduler judges them. Where
//! none stands in front of us, `rules` judges all of these but volumes.

use std::sync::Arc;

use crate::assign;
use crate::mig::Prospects;
use crate::node::{NodeState, Room};
use crate::request::{ContainerRequest, Devices, PodRequest};
use crate::strategy::fgd::Outlook;
use crate::strategy::{Standing, Strategy, View};
use crate::topology::Closeness;
use crate::unfit::Unfit;
use crate::units::{NodeIx, Score};

/// All that a decision may look at beside node and request.
#[derive(Debug, Clone)]
pub struct Context {
    strategy: Strategy,
    parameters: Parameters,
    outlook: Arc<Outlook>,
    seed: u64,
    decision: u64,
}

/// Numbers that a policy may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// Weight of GPUs in `most-allocated`, beside cores 1 and memory 1.
    pub gpu_weight: u16,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { gpu_weight: 5 }
    }
}

/// What one class of links is worth beside a strategy's score.
const JOINED: i64 = 1 << 56;

/// What one node could give a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How good that is.
    pub score: Score,
    /// The devices, container by container.
    pub devices: Devices,
}

impl Context {
    /// The context of decision 0 under `strategy`, looking ahead at `outlook`; `seed` draws.
    #[must_use]
    pub fn new(
        strategy: Strategy,
        parameters: Parameters,
        outlook: Arc<Outlook>,
        seed: u64,
    ) -> Self {
        Self {
            strategy,
            parameters,
            outlook,
            seed,
            decision: 0,
        }
    }

    /// The same context with other expected pods.
    #[must_use]
    pub fn looking_at(&self, outlook: Arc<Outlook>) -> Self {
        Self {
            outlook,
            ..self.clone()
        }
    }

    /// Makes this the context of `decision`; draws differ from decision to decision.
    pub fn set_decision(&mut self, decision: u64) {
        self.decision = decision;
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The expected pods.
    #[must_use]
    pub fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// What boards that are cut on demand are worth.
    #[must_use]
    pub fn prospects(&self) -> &Prospects {
        self.outlook.prospects()
    }

    /// A number drawn for this decision and `what`, the same on every platform.
    #[must_use]
    pub fn draw(&self, what: u64) -> u64 {
        mix(mix(mix(self.seed) ^ self.decision) ^ what)
    }

    /// Orders equally good nodes, smallest first: drawn, or all equal so that rank decides.
    #[must_use]
    pub fn tie(&self, node: u64) -> u64 {
        if self.strategy.draws_ties() {
            self.draw(node)
        } else {
            0
        }
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA '14).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Decides whether `state` can take `request` and, if so, on which devices and how well.
///
/// # Errors
/// The first hard rule that fails.
pub fn candidate(
    state: &NodeState,
    request: &PodRequest,
    context: &Context,
) -> Result<Candidate, Unfit> {
    check_room(state.free().room, request)?;
    let standing = context.strategy.standing(state, context);
    weigh(state, standing, request, context)
}

/// Puts the candidates of one decision in order, the best first, and brings their scores to the
/// strategy's scale. `candidates` are in node order.
pub fn order(cluster: &[NodeState], candidates: &mut [(NodeIx, Candidate)], context: &Context) {
    let mut scores: Vec<Score> = candidates.iter().map(|(_, c)| c.score).collect();
    context.strategy.normalise(&mut scores);
    for ((_, candidate), score) in candidates.iter_mut().zip(scores) {
        candidate.score = score;
    }
    candidates.sort_by_cached_key(|(node, candidate)| {
        let tie = context.tie(cluster[node.index()].tie());
        (std::cmp::Reverse(candidate.score), tie, *node)
    });
}

/// The rules that need no device.
///
/// # Errors
/// The first that fails.
pub fn check_room(room: Room, request: &PodRequest) -> Result<(), Unfit> {
    if room.pods == 0 {
        Err(Unfit::Pods)
    } else if room.cores < request.cores() {
        Err(Unfit::Cores)
    } else if room.memory < request.memory() {
        Err(Unfit::Memory)
    } else {
        Ok(())
    }
}

/// The rest of [`candidate`], on a node that has room. `ranking.rs` remembers its outcome for nodes
/// that look equal through the strategy's sight.
pub(crate) fn weigh(
    state: &NodeState,
    standing: Standing,
    request: &PodRequest,
    context: &Context,
) -> Result<Candidate, Unfit> {
    let assigned = assign::devices(state, standing, request, context)?;
    if let Some(score) = assigned
        .partitions
        .filter(|_| context.strategy.looks_ahead())
    {
        return Ok(Candidate {
            score,
            devices: assigned.devices,
        });
    }
    let score = assigned.score.unwrap_or_else(|| {
        context.strategy.score(&View {
            state,
            standing,
            request,
            context,
            after: &assigned.after,
            chosen: assigned.chosen(),
        })
    });
    let joined = i64::from(joined(state, request, &assigned.devices));
    Ok(Candidate {
        score: Score(score.0.saturating_add(joined.saturating_mul(JOINED))),
        devices: assigned.devices,
    })
}

/// How well the worst joined whole devices of a container are joined: 0 across sockets, at best, or
/// nothing known of it, to 3 for links of their own. A node that can give a better class goes before
/// whatever the strategy thinks of the rest.
fn joined(state: &NodeState, request: &PodRequest, devices: &Devices) -> u8 {
    let Some(links) = &state.node().links else {
        return 0;
    };
    let containers = request.containers().iter().zip(devices);
    let several = containers.filter(|(container, set)| {
        matches!(container, ContainerRequest::Whole { .. }) && set.len() > 1
    });
    let classes = several.map(|(_, set)| match links.worst(*set) {
        Some(Closeness::NvLink) => 3,
        Some(Closeness::PcieSwitch) => 2,
        Some(Closeness::SameNuma) => 1,
        Some(Closeness::System) | None => 0,
    });
    classes.min().unwrap_or(0)
}
