//! Of the nodes that refuse a pod for one reason, the one that comes closest, with the numbers.
//!
//! A sentence in an event is constant text; here is what it leaves out. One arm a reason.

use std::num::NonZeroU8;

use stowage_core::gpu::{DeviceFree, Gpu};
use stowage_core::node::NodeState;
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::rules::Broken;
use stowage_core::unfit::Unfit;
use stowage_core::units::{Mebibytes, Milli, NodeIx};

use super::lacking;
use super::model::{Model, NodeInfo};
use super::verdict::{Refusal, Wish};
use super::words;

/// The closest of `nodes`, which all refuse the pod for `refusal`, and what there is to say of it.
#[must_use]
pub(super) fn closest(
    model: &Model,
    nodes: &[NodeIx],
    refusal: Refusal,
    wish: Wish<'_>,
) -> Option<(NodeIx, Option<String>)> {
    let state = |node: NodeIx| &model.cluster.nodes()[node.index()];
    // The first of equally close ones.
    let close = |&node: &NodeIx| {
        (
            closeness(state(node), refusal, wish.request),
            std::cmp::Reverse(node),
        )
    };
    let node = nodes.iter().copied().max_by_key(close)?;
    let info = &model.nodes[node.index()];
    Some((node, detail(state(node), info, refusal, wish)))
}

/// Comparable between nodes that refuse for the same reason; higher is closer.
fn closeness(state: &NodeState, refusal: Refusal, request: &PodRequest) -> u64 {
    let room = state.free().room;
    match refusal {
        Refusal::Unfit(Unfit::Cores) => u64::from(room.cores.0),
        Refusal::Unfit(Unfit::Memory) => u64::from(room.memory.0),
        Refusal::Unfit(Unfit::WholeDevices) => idle(state, request),
        Refusal::Unfit(Unfit::Partition) => lacking::parts_left(state, request),
        Refusal::Unfit(Unfit::Topology) => lacking::nearness(state, request),
        Refusal::Unfit(Unfit::Share) => short(state, request).map_or(0, |short| short.part),
        _ => 0,
    }
}

fn detail(state: &NodeState, info: &NodeInfo, refusal: Refusal, wish: Wish<'_>) -> Option<String> {
    let (room, request) = (state.free().room, wish.request);
    match refusal {
        Refusal::Broken(broken) => broken_rule(info, broken, wish),
        Refusal::Unfit(unfit) => match unfit {
            Unfit::Pods => {
                let most = info.facts.node.room.pods;
                Some(format!("runs {most} pods, as many as it may"))
            }
            Unfit::Cores => {
                let cores = |milli: Milli| words::milli(u64::from(milli.0));
                Some(format!(
                    "{} cores left, {} asked",
                    cores(room.cores),
                    cores(request.cores())
                ))
            }
            Unfit::Memory => Some(format!(
                "{} MiB left, {} MiB asked",
                room.memory,
                request.memory()
            )),
            Unfit::NoHandOver => {
                Some("its GPUs are handed over by the vendor's device plugin, whole".to_owned())
            }
            Unfit::Model => Some(models(info, request)),
            Unfit::WholeDevices => {
                let asked: usize = request
                    .containers()
                    .iter()
                    .filter(|c| is_whole(c))
                    .map(ContainerRequest::count)
                    .sum();
                let mut gpus = state.node().gpus.iter();
                let unit = match gpus.any(|gpu| gpu.mode.is_replicated()) {
                    true => "free replica",
                    false => "idle GPU",
                };
                let idle = words::count(idle(state, request), unit);
                let unsure = |c| !state.perhaps_held(request, c).is_empty();
                Some(match request.containers().iter().any(unsure) {
                    true => format!("{idle} for sure, {asked} asked; others may be held"),
                    false => format!("{idle}, {asked} asked"),
                })
            }
            Unfit::Share => short(state, request)
                .map(|short| short.sentence())
                .or_else(|| {
                    Some("its idle GPUs may be held by pods whose GPU is not known".to_owned())
                }),
            Unfit::Unhealthy => info.unhealthy().or_else(|| info.failed()),
            Unfit::Partition => lacking::partition(state, request),
            Unfit::Topology => lacking::joined(state, request),
            Unfit::NoGpu | Unfit::Together | Unfit::Intricate => None,
        },
    }
}

fn broken_rule(info: &NodeInfo, broken: Broken, wish: Wish<'_>) -> Option<String> {
    match broken {
        Broken::Taint => wish.rules.untolerated(&info.rules).map(words::taint),
        Broken::Affinity => {
            let labels = info.rules.labels();
            let mut selector = wish.rules.selector().iter();
            let missed = selector.find(|(key, value)| labels.get(*key) != Some(value));
            Some(match missed {
                Some((key, value)) => match labels.get(key) {
                    Some(has) => format!("{key}={value} asked, the node has {has}"),
                    None => format!("{key}={value} asked, the node has no such label"),
                },
                None => "required node affinity".to_owned(),
            })
        }
        Broken::Unschedulable => Some("cordoned".to_owned()),
        Broken::NodeName | Broken::Conflict | Broken::Named => None,
    }
}

fn models(info: &NodeInfo, request: &PodRequest) -> String {
    let node = &info.facts.node;
    let of_size = |gpu: &&Gpu| request.is_for(gpu.vendor) && request.models().accept(&gpu.model);
    let largest = node.gpus.iter().filter(of_size).map(|gpu| gpu.memory).max();
    if let Some(largest) = largest.filter(|&largest| largest < request.least_memory()) {
        let least = request.least_memory();
        return format!("its largest GPU has {largest} MiB, at least {least} MiB asked");
    }
    let models = node.gpus.iter().chain(&node.cut_from);
    let mut have: Vec<_> = models.map(|gpu| gpu.model.as_str()).collect();
    if have.is_empty() {
        have.push("partitions of a board that is not known");
    }
    have.sort_unstable();
    have.dedup();
    let asked: Vec<_> = match request.models() {
        Models::Any => vec!["another vendor's"],
        Models::OneOf(models) => models
            .iter()
            .map(stowage_core::gpu::Model::as_str)
            .collect(),
    };
    format!("has {}, {} asked", have.join(", "), asked.join(" or "))
}

fn is_whole(container: &ContainerRequest) -> bool {
    matches!(container, ContainerRequest::Whole { .. })
}

/// How many devices that work and that the pod accepts are idle for sure, or have a replica left.
fn idle(state: &NodeState, request: &PodRequest) -> u64 {
    let one = ContainerRequest::Whole {
        count: NonZeroU8::MIN,
    };
    let failed = state.node().health.failed;
    let away = failed.union(state.perhaps_held(request, &one));
    let devices = state.free().devices.iter().zip(state.node().gpus.iter());
    let may = devices
        .enumerate()
        .filter(|(device, (_, gpu))| !away.contains(*device) && request.accepts(gpu));
    may.map(|(_, (left, gpu))| left.units(&one, gpu) as u64)
        .sum()
}

/// A share that a node cannot give.
struct Short<'a> {
    share: Share,
    count: usize,
    left: DeviceFree,
    gpu: &'a Gpu,
    /// How much of the share there is, thousandths.
    part: u64,
}

/// The first share that `state` cannot give, and the device that decides: of the best ones, as many as
/// are asked for, the last.
fn short<'a>(state: &'a NodeState, request: &PodRequest) -> Option<Short<'a>> {
    request.containers().iter().find_map(|container| {
        let ContainerRequest::Share { count, share } = *container else {
            return None;
        };
        let count = usize::from(count.get());
        let devices = state
            .free()
            .devices
            .iter()
            .zip(state.node().gpus.iter())
            .enumerate();
        let devices = devices.filter(|(device, (_, gpu))| {
            let (unsure, failed) = (state.free().unsure, state.node().health.failed);
            request.accepts(gpu) && !unsure.union(failed).contains(*device)
        });
        let mut parts: Vec<_> = devices
            .map(|(_, (&left, gpu))| (part(left, gpu, share), left, gpu))
            .collect();
        parts.sort_by_key(|&(part, left, _)| std::cmp::Reverse((part, left)));
        let &(part, left, gpu) = parts.get(count - 1).or(parts.last())?;
        (part < 1000 || parts.len() < count).then_some(Short {
            share,
            count,
            left,
            gpu,
            part,
        })
    })
}

/// How much of `share` is left, of the scarcer of its parts; in thousandths, at most 1000.
fn part(left: DeviceFree, gpu: &Gpu, share: Share) -> u64 {
    let of = |left: u32, asked: u32| match asked {
        0 => 1000,
        asked => (u64::from(left) * 1000 / u64::from(asked)).min(1000),
    };
    let memory = of(left.memory.0, share.memory.on(gpu).0);
    of(left.compute.0, share.compute.0).min(memory)
}

impl Short<'_> {
    fn sentence(&self) -> String {
        let which = match self.count {
            1 => "largest free share".to_owned(),
            n => format!("of the {n} largest free shares the smallest"),
        };
        let asked = self.share.memory.on(self.gpu);
        let compute = self.left.compute < self.share.compute;
        let memory = self.left.memory < asked;
        let percent = words::percent;
        // Only what is short, unless both parts were asked for by their numbers.
        match (compute, memory, self.share.memory) {
            (true, false, ShareMemory::Milli(_)) => {
                format!(
                    "{which} is {}, {} asked",
                    percent(self.left.compute),
                    percent(self.share.compute)
                )
            }
            (_, _, ShareMemory::Mebibytes(_)) if self.share.compute == Milli(0) => {
                format!("{which} is {} MiB, {asked} MiB asked", self.left.memory)
            }
            _ => format!(
                "{which} is {} and {} MiB, {} and {} MiB asked",
                percent(self.left.compute),
                self.left.memory,
                percent(self.share.compute),
                Mebibytes(asked.0),
            ),
        }
    }
}
