//! MIG instances made on demand, and partitions that are only counted.
//!
//! The first place tried for an instance is the one after which the boards will take the most
//! further requests (`mig/prospects.rs`); then every other start of every board that is not a twin of
//! one already tried, so that a set is found whenever one exists.

use smallvec::SmallVec;

use super::{INSTANCE_STEPS, MAX_STEPS, Search};
use crate::gpu::DeviceSet;
use crate::mig::{Board, BoardState, Choice, Geometry, MigProfile};
use crate::node::NodeState;
use crate::partition::Partition;
use crate::request::{ContainerRequest, PodRequest};
use crate::unfit::Unfit;
use crate::units::Score;

/// Whether the node counts such partitions instead of cutting them on demand.
pub(super) fn is_counted(state: &NodeState, container: &ContainerRequest) -> bool {
    let ContainerRequest::Partition(kind) = container else {
        return false;
    };
    state
        .node()
        .partitions
        .iter()
        .any(|(known, _)| known == kind)
}

/// How many counted partitions of the kinds asked for would be left, none if no such kind is asked
/// for. They must be cut from a device that the pod accepts.
pub(super) fn count(state: &NodeState, request: &PodRequest) -> Result<Option<i64>, Unfit> {
    let mut left: SmallVec<[u32; 2]> = SmallVec::from_slice(state.free().partitions());
    let mut touched = false;
    for container in request.containers() {
        let ContainerRequest::Partition(kind) = container else {
            continue;
        };
        let mut kinds = state.node().partitions.iter();
        let Some(index) = kinds.position(|(known, _)| known == kind) else {
            continue;
        };
        left[index] = left[index].checked_sub(1).ok_or(Unfit::Partition)?;
        touched = true;
    }
    if touched && !request.accepts_parts_of(state.node().cut_from.as_ref()) {
        return Err(Unfit::Model);
    }
    Ok(touched.then(|| left.iter().map(|&count| i64::from(count)).sum()))
}

/// How many instances of `profile` a board takes as it is: those of one size lie in a row, so that the
/// lowest start is always a good one.
fn most(geometry: &Geometry, mut state: BoardState, profile: MigProfile) -> usize {
    let mut count = 0;
    while let Some(start) = state.options(geometry, profile).next()
        && let Ok(after) = state.place(geometry, profile, start)
    {
        state = after;
        count += 1;
    }
    count
}

impl Search<'_> {
    /// Whether the boards have room for all instances of each profile alone, and slices for all of them
    /// together. Without it, a search that must fail would try every way to do so.
    pub(super) fn have_room(&self) -> bool {
        if !self.state.free().mixed {
            return true;
        }
        let counted = |container: &&ContainerRequest| is_counted(self.state, container);
        let containers = self.request.containers().iter().filter(|c| !counted(c));
        let mut asked: SmallVec<[(MigProfile, usize); 4]> = SmallVec::new();
        for container in containers {
            let ContainerRequest::Partition(Partition::Mig(profile)) = *container else {
                continue;
            };
            match asked.iter_mut().find(|(known, _)| *known == profile) {
                Some((_, count)) => *count += 1,
                None => asked.push((profile, 1)),
            }
        }
        if asked.iter().map(|(_, count)| count).sum::<usize>() < 2 {
            return true;
        }
        let boards = || {
            self.options
                .eligible
                .iter()
                .filter_map(|device| self.board(device))
        };
        let alone = |&(profile, count): &(MigProfile, usize)| {
            let most = boards().map(|(geometry, state)| most(geometry, state, profile));
            most.sum::<usize>() >= count
        };
        let smallest = |profile: MigProfile| {
            let shapes = boards().filter_map(|(geometry, _)| geometry.shape(profile));
            shapes.map(|shape| usize::from(shape.size)).min()
        };
        let sizes = asked.iter().map(|&(profile, count)| {
            let size = smallest(profile).unwrap_or(0);
            size * count
        });
        let left = boards().map(|(geometry, state)| {
            let taken = state.taken().len() as usize;
            usize::from(geometry.slices()).saturating_sub(taken)
        });
        asked.iter().all(alone) && sizes.sum::<usize>() <= left.sum()
    }

    /// The board `device` as it is, if it is one.
    pub(super) fn board(&self, device: usize) -> Option<(&'static Geometry, BoardState)> {
        let geometry = self.state.node().gpus[device].mode.geometry()?;
        Some((geometry, self.boards.get(device).copied().flatten()?))
    }

    /// Places one instance for the container `index`, then the units that are left.
    pub(super) fn place_instance(
        &mut self,
        index: usize,
        profile: MigProfile,
        rest: &[u8],
    ) -> bool {
        let container = ContainerRequest::Partition(Partition::Mig(profile));
        for (device, start, cost) in self.places(profile) {
            self.steps += INSTANCE_STEPS;
            if self.steps >= MAX_STEPS {
                return false;
            }
            let gpu = &self.state.node().gpus[device];
            let Some((geometry, before)) = self.board(device) else {
                continue;
            };
            let Ok(after) = before.place(geometry, profile, start) else {
                continue;
            };
            let untouched = self.after.devices[device];
            if !untouched.takes(&container, gpu) {
                continue;
            }
            self.after.devices[device] = self.without(device, &container);
            self.boards[device] = Some(after);
            self.devices[index] = DeviceSet::EMPTY.with(device);
            self.starts.push((index, start, cost));
            if self.place(rest, DeviceSet::EMPTY) {
                return true;
            }
            self.starts.pop();
            self.devices[index] = DeviceSet::EMPTY;
            self.boards[device] = Some(before);
            self.after.devices[device] = untouched;
        }
        false
    }

    /// Where an instance may go, the best place first, with what it costs.
    fn places(&self, profile: MigProfile) -> SmallVec<[(usize, u8, Score); 8]> {
        let gpus = &self.state.node().gpus;
        let mut devices: SmallVec<[usize; 8]> = SmallVec::new();
        let mut boards: SmallVec<[Board; 8]> = SmallVec::new();
        let container = ContainerRequest::Partition(Partition::Mig(profile));
        for device in self.options.eligible.iter() {
            if let Some((geometry, state)) = self.board(device)
                && self.after.devices[device].takes(&container, &gpus[device])
            {
                devices.push(device);
                boards.push(Board { geometry, state });
            }
        }
        let mut places = SmallVec::new();
        let prospects = self.context.prospects();
        let Some(Choice {
            board,
            start,
            score,
        }) = prospects.choose(&boards, profile)
        else {
            return places;
        };
        let best = (devices[board], start);
        places.push((best.0, best.1, score));
        let several = self.request.containers().len() > 1;
        if !several {
            return places;
        }
        let mut seen: SmallVec<[(Board, usize); 8]> = SmallVec::new();
        for (&device, &board) in devices.iter().zip(&boards) {
            let twin = |(other, of): &(Board, usize)| *other == board && gpus[*of] == gpus[device];
            if seen.iter().any(twin) {
                continue;
            }
            seen.push((board, device));
            let starts = board.state.options(board.geometry, profile);
            for start in starts.filter(|&start| (device, start) != best) {
                places.push((
                    device,
                    start,
                    self.cost(&boards, &devices, device, profile, start),
                ));
            }
        }
        places
    }

    /// What a place other than the best costs: how much less the boards would take.
    fn cost(
        &self,
        boards: &[Board],
        devices: &[usize],
        device: usize,
        profile: MigProfile,
        start: u8,
    ) -> Score {
        let prospects = self.context.prospects();
        let mut after: SmallVec<[Board; 8]> = SmallVec::from_slice(boards);
        if let Some(at) = devices.iter().position(|&d| d == device) {
            let Board { geometry, state } = after[at];
            let placed: Result<BoardState, _> = state.place(geometry, profile, start);
            after[at].state = placed.unwrap_or(state);
        }
        Score(prospects.value(&after) - prospects.value(boards))
    }
}
