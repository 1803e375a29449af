//! Which devices of one node a pod's containers get.
//!
//! Every container's request is split into units of one device each; units go one by one, whole
//! devices first, then MIG instances, then the largest shares. Whole devices are the best joined
//! (`joined.rs`), the lowest-numbered idle ones where all are joined alike; a MIG instance goes where
//! the boards keep taking the most others (`slots.rs`); a share goes by the strategy's device rule,
//! the lowest index on a tie. Where containers get in each other's way the search steps back and tries
//! the next device, so a set is found whenever one exists; a search that would take more than
//! [`MAX_STEPS`] steps gives up and says so. Partitions that are counted take no device.

mod joined;
mod options;
mod slots;

use smallvec::SmallVec;

use crate::gpu::{DeviceFree, DeviceSet};
use crate::mig::BoardState;
use crate::node::NodeState;
use crate::partition::Partition;
use crate::plan::Context;
use crate::request::{ContainerRequest, Devices, PodRequest};
use crate::strategy::{After, DeviceRule, Standing, View};
use crate::unfit::Unfit;
use crate::units::Score;

use options::Options;

/// Most devices tried before a search gives up; a pod with one GPU container never steps back. It bounds
/// a decision on one node to a millisecond or two, whatever a pod asks for.
const MAX_STEPS: u32 = 2_000;
/// A try of a MIG instance weighs its boards, so it counts as so many.
const INSTANCE_STEPS: u32 = 4;

/// The outcome of a search.
pub(crate) struct Assigned {
    pub(crate) devices: Devices,
    pub(crate) after: After,
    /// The score, where choosing the last device computed it already.
    pub(crate) score: Option<Score>,
    /// What MIG instances and counted partitions cost, where there are any.
    pub(crate) partitions: Option<Score>,
}

impl Assigned {
    pub(crate) fn chosen(&self) -> DeviceSet {
        self.devices
            .iter()
            .fold(DeviceSet::EMPTY, |all, set| all.union(*set))
    }
}

/// Finds devices for all containers of `request` on a node that has room for it.
pub(crate) fn devices(
    state: &NodeState,
    standing: Standing,
    request: &PodRequest,
    context: &Context,
) -> Result<Assigned, Unfit> {
    let rule = context.strategy().device_rule();
    let search = |rule| search(state, standing, request, context, rule);
    if rule != DeviceRule::Drawn || request.containers().len() < 2 {
        return search(rule);
    }
    // A draw may make a search too long, and the next draw not. Rankings remember from decision to
    // decision what fits, so that must not be drawn: a fixed order decides it.
    let fixed = search(DeviceRule::Fullest)?;
    match search(rule) {
        Err(Unfit::Intricate) => Ok(fixed),
        drawn => drawn,
    }
}

fn search(
    state: &NodeState,
    standing: Standing,
    request: &PodRequest,
    context: &Context,
    rule: DeviceRule,
) -> Result<Assigned, Unfit> {
    // Most nodes are out of the question. That is found out before anything is copied.
    let options = Options::of(state, request)?;
    let mut partitions = slots::count(state, request)?.map(|left| Score(-left));
    let units = options.units()?;
    let mut search = Search {
        options,
        state,
        standing,
        request,
        context,
        rule,
        after: After {
            cores: state.free().room.cores.0 - request.cores().0,
            devices: SmallVec::from_slice(&state.free().devices),
        },
        boards: state.free().boards().to_vec(),
        starts: Vec::new(),
        wanted: Vec::new(),
        devices: request
            .containers()
            .iter()
            .map(|_| DeviceSet::EMPTY)
            .collect(),
        score: None,
        steps: 0,
    };
    if !search.have_room() {
        return Err(Unfit::Together);
    }
    if !search.place(&units, DeviceSet::EMPTY) {
        return Err(search.reason());
    }
    search.demanded()?;
    for (unit, start, cost) in std::mem::take(&mut search.starts) {
        search.devices.set_start(unit, start);
        let sofar = partitions.unwrap_or_default();
        partitions = Some(Score(sofar.0.saturating_add(cost.0)));
    }
    Ok(Assigned {
        devices: search.devices,
        after: search.after,
        score: search.score,
        partitions,
    })
}

struct Search<'a> {
    options: Options<'a>,
    state: &'a NodeState,
    standing: Standing,
    request: &'a PodRequest,
    context: &'a Context,
    rule: DeviceRule,
    after: After,
    boards: Vec<Option<BoardState>>,
    /// MIG instances placed so far: which container, where it starts, what it costs.
    starts: Vec<(usize, u8, Score)>,
    /// The whole devices that each container should get, once it was asked.
    wanted: Vec<(usize, DeviceSet)>,
    devices: Devices,
    score: Option<Score>,
    steps: u32,
}

impl Search<'_> {
    /// Devices that could serve one unit of `container` as things stand.
    fn fitting(&self, container: &ContainerRequest) -> DeviceSet {
        let (devices, boards) = (&self.after.devices, &self.boards);
        self.options.fitting(container, devices, boards)
    }

    /// Places `units` one after the other. `banned` are devices that the same container need not
    /// try again, because every set with them was tried.
    fn place(&mut self, units: &[u8], banned: DeviceSet) -> bool {
        let Some((&unit, rest)) = units.split_first() else {
            return true;
        };
        let index = usize::from(unit);
        let container = self.request.containers()[index];
        if let ContainerRequest::Partition(Partition::Mig(profile)) = container {
            return self.place_instance(index, profile, rest);
        }
        let mut tried = banned;
        if !self.want(index, &container) {
            return false;
        }
        let wanted = self.wanted.len();
        while let Some((device, score)) = self.pick(index, &container, tried) {
            self.steps += 1;
            if self.steps >= MAX_STEPS {
                return false;
            }
            let untouched = self.after.devices[device];
            self.after.devices[device] = self.without(device, &container);
            self.devices.give(index, device);
            self.score = score;
            let banned = if rest.first() == Some(&unit) {
                tried
            } else {
                DeviceSet::EMPTY
            };
            if self.place(rest, banned) {
                return true;
            }
            self.wanted.truncate(wanted);
            self.after.devices[device] = untouched;
            self.devices.take_back(index, device);
            tried = tried.union(match self.tells_apart() {
                true => DeviceSet::EMPTY.with(device),
                false => self.like(device),
            });
        }
        false
    }

    /// The device the strategy prefers for one unit, and the node's score with it if known.
    fn pick(
        &mut self,
        index: usize,
        container: &ContainerRequest,
        tried: DeviceSet,
    ) -> Option<(usize, Option<Score>)> {
        let options = self.fitting(container).minus(tried);
        let left = |device: usize| self.after.devices[device].compute;
        let fullest = |&device: &usize| left(device);
        let emptiest = |&device: &usize| std::cmp::Reverse(left(device));
        if matches!(container, ContainerRequest::Whole { .. }) {
            // A device that the container has already may still have replicas.
            let options = self.joinable(index, options);
            let wanted = self
                .wanted
                .iter()
                .find(|(container, _)| *container == index);
            let wanted = wanted.and_then(|(_, set)| set.iter().find(|&d| options.contains(d)));
            // Device plugins take the replica of the device with most left.
            let device = wanted.or_else(|| match self.state.free().mixed {
                false => options.iter().next(),
                true => options.iter().min_by_key(emptiest),
            });
            return device.map(|device| (device, None));
        }
        let options = options.minus(self.devices[index]);
        let chosen = match self.rule {
            DeviceRule::Fullest => options.iter().min_by_key(fullest),
            DeviceRule::Emptiest => options.iter().min_by_key(emptiest),
            DeviceRule::Drawn => options
                .iter()
                .min_by_key(|&d| self.context.draw(self.state.tie() ^ (d as u64 + 1) << 32)),
            DeviceRule::Scored => return self.best_scored(container, options),
        };
        chosen.map(|device| (device, None))
    }

    fn best_scored(
        &mut self,
        container: &ContainerRequest,
        options: DeviceSet,
    ) -> Option<(usize, Option<Score>)> {
        let mut best: Option<(usize, Score)> = None;
        let mut seen = DeviceSet::EMPTY;
        for device in options.iter() {
            if seen.contains(device) {
                continue;
            }
            seen = seen.union(self.like(device));
            let untouched = self.after.devices[device];
            self.after.devices[device] = self.without(device, container);
            let score = self.context.strategy().score(&View {
                state: self.state,
                standing: self.standing,
                request: self.request,
                context: self.context,
                after: &self.after,
                chosen: DeviceSet::EMPTY.with(device),
            });
            self.after.devices[device] = untouched;
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((device, score));
            }
        }
        best.map(|(device, score)| (device, Some(score)))
    }

    /// What would be left of `device` with one unit of `container` on it.
    fn without(&self, device: usize, container: &ContainerRequest) -> DeviceFree {
        let left = self.after.devices[device];
        let gpu = &self.state.node().gpus[device];
        let (compute, memory) = container.takes(gpu).unwrap_or_default();
        DeviceFree {
            compute: crate::units::Milli(left.compute.0 - compute.0),
            memory: crate::units::Mebibytes(left.memory.0 - memory.0),
        }
    }

    /// All devices that are as good as `device` in every respect.
    fn like(&self, device: usize) -> DeviceSet {
        let gpus = &self.state.node().gpus;
        let twin = |&other: &usize| {
            self.after.devices[other] == self.after.devices[device] && gpus[other] == gpus[device]
        };
        self.options.eligible.iter().filter(twin).collect()
    }
}
