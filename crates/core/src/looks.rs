//! Nodes as a ranking sees them ([`Mirror`]), and a number for all that look equal ([`Looks`]).
//!
//! Two nodes look equal when a strategy cannot tell them apart through its sight: same hardware, free
//! cores, free devices and, where it looks at them, hosted pods. A score is then computed once for
//! both. Bounded by `ranking.rs`, which forgets all looks when there are too many.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::cluster::Cluster;
use crate::gpu::{DeviceFree, DeviceSet, Gpu};
use crate::node::{HandOver, Health, Node, NodeState, Parts, Room};
use crate::partition::Partition;
use crate::plan::Context;
use crate::request::Kind;
use crate::strategy::Standing;
use crate::topology::Layout;
use crate::units::NodeIx;

/// What a ranking needs of a node, close together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mirror {
    pub(crate) room: Room,
    pub(crate) look: u32,
    pub(crate) tie: u64,
    pub(crate) intended: bool,
}

/// Numbers for nodes that look equal.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    hardware: BTreeMap<Hardware, u32>,
    /// The hardware of each node by position, as long as it is the same node.
    known: Vec<Option<(Arc<Node>, u32)>>,
    numbers: BTreeMap<Look, u32>,
    /// What the strategy thinks of each look, by its number.
    pub(crate) standings: Vec<Standing>,
}

/// What a decision sees of a node's inventory.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hardware {
    hand_over: HandOver,
    health: Health,
    gpus: Arc<[Gpu]>,
    partitions: Arc<[(Partition, u32)]>,
    cut_from: Option<Gpu>,
    links: Option<Arc<Layout>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    cores: u32,
    hardware: u32,
    devices: SmallVec<[DeviceFree; 8]>,
    unsure: DeviceSet,
    parts: Option<Box<Parts>>,
    hosted: SmallVec<[Kind; 2]>,
}

impl Mirror {
    /// The node as it is, with intents applied.
    pub(crate) fn of(
        looks: &mut Looks,
        cluster: &Cluster,
        node: NodeIx,
        context: &Context,
    ) -> Self {
        let state = cluster.seen(node);
        Self {
            room: state.free().room,
            look: looks.number(node, state, context),
            tie: state.tie(),
            intended: cluster.is_intended(node),
        }
    }
}

impl Looks {
    /// How many different looks there are.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }

    /// The number of all nodes that look like `state`.
    fn number(&mut self, at: NodeIx, state: &NodeState, context: &Context) -> u32 {
        let strategy = context.strategy();
        if strategy.sight().everything {
            if self.standings.is_empty() {
                self.standings.push(Standing::default());
            }
            return 0;
        }
        let hardware = self.hardware(at, state.node());
        let hosted = state.hosted().keys().copied();
        let look = Look {
            cores: state.free().room.cores.0,
            hardware,
            devices: SmallVec::from_slice(&state.free().devices),
            unsure: state.free().unsure,
            parts: state.free().parts.clone(),
            hosted: hosted.filter(|_| strategy.sight().hosted).collect(),
        };
        let next = self.standings.len() as u32;
        *self.numbers.entry(look).or_insert_with(|| {
            self.standings.push(strategy.standing(state, context));
            next
        })
    }

    /// The number of all nodes with the inventory of `node`, which is at `at`.
    fn hardware(&mut self, at: NodeIx, node: &Arc<Node>) -> u32 {
        if let Some(Some((known, number))) = self.known.get(at.index())
            && Arc::ptr_eq(known, node)
        {
            return *number;
        }
        let next = self.hardware.len() as u32;
        let hardware = Hardware {
            hand_over: node.hand_over,
            health: node.health,
            gpus: node.gpus.clone(),
            partitions: node.partitions.clone(),
            cut_from: node.cut_from.clone(),
            links: node.links.clone(),
        };
        let number = *self.hardware.entry(hardware).or_insert(next);
        if self.known.len() <= at.index() {
            self.known.resize(at.index() + 1, None);
        }
        self.known[at.index()] = Some((node.clone(), number));
        number
    }
}
