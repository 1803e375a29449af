//! What a node lacks of partitions and of links, for the sentence about the closest one.

use std::collections::BTreeMap;

use stowage_core::gpu::DeviceSet;
use stowage_core::mig::SliceMask;
use stowage_core::node::{HandOver, NodeState};
use stowage_core::partition::Partition;
use stowage_core::request::{ContainerRequest, PodRequest};
use stowage_core::topology::{self, Closeness, Layout, Wanted, Wish};

use super::devices::class;
use super::parts::{self, Counted};

/// Free memory slices of boards and partitions that are left, as far as `request` may have them.
pub(super) fn parts_left(state: &NodeState, request: &PodRequest) -> u64 {
    let boards = serving(state, request).iter();
    let boards = boards.filter_map(|device| parts::board(state, device));
    let free = boards.map(|(geometry, board)| u64::from(geometry.slices()) - held(board.taken()));
    let asked = |counted: &Counted| {
        let one = ContainerRequest::Partition(counted.kind);
        request.containers().contains(&one)
    };
    let counted = parts::counted(state).into_iter().filter(asked);
    free.sum::<u64>() + counted.map(|counted| u64::from(counted.left)).sum::<u64>()
}

fn held(taken: SliceMask) -> u64 {
    u64::from(taken.len())
}

/// Devices that work and that the pod accepts.
fn serving(state: &NodeState, request: &PodRequest) -> DeviceSet {
    let node = state.node();
    let gpus = node.gpus.iter().enumerate();
    let accepted = gpus.filter(|(_, gpu)| request.accepts(gpu));
    let accepted: DeviceSet = accepted.map(|(device, _)| device).collect();
    accepted.minus(node.health.failed)
}

/// What is left of the first kind of partition that the node cannot give.
pub(super) fn partition(state: &NodeState, request: &PodRequest) -> Option<String> {
    let counted = parts::counted(state);
    let kinds = request.containers().iter().filter_map(|c| match c {
        ContainerRequest::Partition(kind) => Some(*kind),
        _ => None,
    });
    kinds.clone().find_map(|kind| {
        let asked = kinds.clone().filter(|other| *other == kind).count();
        match counted.iter().find(|counted| counted.kind == kind) {
            Some(&Counted { count, left, .. }) => {
                let short = (left as usize) < asked;
                short.then(|| format!("{left} of {count} {kind} left, {asked} asked"))
            }
            None => board(state, request, kind),
        }
    })
}

/// The boards as they are, if none has a place for `kind`; the emptiest first.
fn board(state: &NodeState, request: &PodRequest, kind: Partition) -> Option<String> {
    let Partition::Mig(profile) = kind else {
        return Some(format!("has no {kind}"));
    };
    let boards = serving(state, request);
    let boards = boards
        .iter()
        .filter_map(|device| parts::board(state, device));
    let has = |(geometry, _): &(&stowage_core::mig::Geometry, _)| geometry.shape(profile).is_some();
    let boards: Vec<_> = boards.filter(has).collect();
    if boards
        .iter()
        .any(|(geometry, board)| board.fits(geometry, profile))
    {
        return None;
    }
    let mut alike: BTreeMap<(u64, String), u32> = BTreeMap::new();
    for board in boards {
        let drawn = parts::slots(board, SliceMask::EMPTY);
        *alike.entry((held(board.1.taken()), drawn)).or_insert(0) += 1;
    }
    if alike.is_empty() {
        return Some(format!("has no board that gives {kind}"));
    }
    let drawn = alike.into_iter().map(|((_, slots), boards)| match boards {
        1 => format!("M[{slots}]"),
        many => format!("{many} x M[{slots}]"),
    });
    let drawn = drawn.collect::<Vec<_>>().join(", ");
    Some(format!("slots {drawn}, {kind} asked"))
}

/// How well the node could join what the pod demands to be joined.
fn best(state: &NodeState, request: &PodRequest) -> Option<Closeness> {
    let links = state.node().links.as_ref()?;
    let several =
        |c: &&ContainerRequest| matches!(c, ContainerRequest::Whole { .. }) && c.count() > 1;
    let mut containers = request.containers().iter().filter(several);
    let container = containers.next()?;
    let takes = |&device: &usize| {
        let gpu = &state.node().gpus[device];
        state.free().devices[device].takes(container, gpu)
    };
    let free: DeviceSet = serving(state, request).iter().filter(takes).collect();
    let set = match state.node().hand_over {
        HandOver::DevicePlugin => topology::predicted(links, free, container.count()),
        HandOver::StowageNri | HandOver::NvidiaNri => closest(links, free, container.count()),
    };
    links.worst(set)
}

/// The set of the best class, whatever its bandwidth.
fn closest(links: &Layout, free: DeviceSet, count: usize) -> DeviceSet {
    let must = [Wanted::NvLink, Wanted::Pcie, Wanted::Numa];
    let must = must.map(|wanted| Some(Wish { wanted, must: true }));
    let mut wishes = must.into_iter().chain([None]);
    let found = wishes.find_map(|wish| topology::best(links, free, count, wish));
    found.map_or(DeviceSet::EMPTY, |choice| choice.set)
}

/// Higher for nodes that could join the devices better.
pub(super) fn nearness(state: &NodeState, request: &PodRequest) -> u64 {
    match best(state, request) {
        Some(Closeness::NvLink) => 4,
        Some(Closeness::PcieSwitch) => 3,
        Some(Closeness::SameNuma) => 2,
        Some(Closeness::System) => 1,
        None => 0,
    }
}

/// The best class of links that the node could give.
pub(super) fn joined(state: &NodeState, request: &PodRequest) -> Option<String> {
    let wish = request.wish()?;
    let node = state.node();
    if node.links.is_none() {
        return Some(format!(
            "how its GPUs are joined is not known, {wish} asked"
        ));
    }
    let class = class(best(state, request)?);
    Some(match node.hand_over {
        HandOver::DevicePlugin => {
            format!("its device plugin is predicted to give {class}, {wish} asked")
        }
        HandOver::StowageNri | HandOver::NvidiaNri => {
            format!("gives {class} at best, {wish} asked")
        }
    })
}
