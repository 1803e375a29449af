//! The nearest change that would make a pod fit that fits nowhere.
//!
//! Changes are tried in the order in which they stand in [`Kind`], which is from the least to the most
//! that somebody would have to give up; within one the smallest that is enough is looked for. One change
//! at a time: a pod that lacks two things gets no answer. Amounts are found by halving, because less of
//! anything never fits worse.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::Arc;

use stowage_core::cluster::{BoundPod, Event};
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::rules::{Broken, PodRules, Toleration, Values};
use stowage_core::units::{Mebibytes, Milli, PodUid};

use super::change::{Change, Found, Kind};
use super::model::Model;
use super::swap;
use super::verdict::{Refusal, Wish};
use super::words;

/// The nearest change, if one alone is enough.
#[must_use]
pub fn nearest(model: &Model, wish: Wish<'_>) -> Option<Change> {
    let tries: [Try; 11] = [
        gpu_memory,
        gpu_compute,
        swap::profile,
        swap::topology,
        gpus,
        cores,
        memory,
        models,
        toleration,
        selector,
        pod,
    ];
    let found = tries.iter().find_map(|change| change(model, wish));
    found.map(|(kind, sentence)| Change { kind, sentence })
}

type Try = fn(&Model, Wish<'_>) -> Found;

/// The largest of `1..asked` for which `fits` holds, if it holds for any.
fn largest(asked: u32, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut good, mut bad) = (0, asked);
    while bad > good + 1 {
        let middle = good + (bad - good) / 2;
        match fits(middle) {
            true => good = middle,
            false => bad = middle,
        }
    }
    (good > 0).then_some(good)
}

/// Whether the pod would fit with its containers changed.
pub(super) fn with_containers(
    model: &Model,
    wish: Wish<'_>,
    change: impl Fn(ContainerRequest) -> ContainerRequest,
) -> bool {
    let containers: Vec<_> = wish
        .request
        .containers()
        .iter()
        .map(|c| change(*c))
        .collect();
    let (cores, models) = (wish.request.cores(), wish.request.models().clone());
    let changed = wish.request.changed(&containers, cores, models);
    changed.is_ok_and(|request| {
        model.fits(Wish {
            request: &request,
            ..wish
        })
    })
}

fn shares(request: &PodRequest) -> impl Iterator<Item = Share> + use<'_> {
    request
        .containers()
        .iter()
        .filter_map(|container| match container {
            ContainerRequest::Share { share, .. } => Some(*share),
            _ => None,
        })
}

fn gpu_memory(model: &Model, wish: Wish<'_>) -> Found {
    let asked = shares(wish.request).filter_map(|share| match share.memory {
        ShareMemory::Mebibytes(Mebibytes(mib)) => Some(mib),
        ShareMemory::Milli(_) => None,
    });
    let asked = asked.max()?;
    let mib = largest(asked, |most| {
        with_containers(model, wish, |container| match container {
            ContainerRequest::Share { count, share } => {
                let memory = match share.memory {
                    ShareMemory::Mebibytes(amount) => {
                        ShareMemory::Mebibytes(amount.min(Mebibytes(most)))
                    }
                    milli @ ShareMemory::Milli(_) => milli,
                };
                ContainerRequest::Share {
                    count,
                    share: Share { memory, ..share },
                }
            }
            other => other,
        })
    })?;
    Some((
        Kind::GpuMemory,
        format!("ask for at most {mib} MiB of GPU memory ({asked} MiB asked)"),
    ))
}

fn gpu_compute(model: &Model, wish: Wish<'_>) -> Found {
    let asked = shares(wish.request).map(|share| share.compute.0).max()?;
    // Pods ask in percent.
    let percent = largest(asked / 10, |percent| {
        let most = Milli(percent * 10);
        with_containers(model, wish, |container| match container {
            ContainerRequest::Share { count, share } => {
                let memory = match share.memory {
                    ShareMemory::Milli(milli) => ShareMemory::Milli(milli.min(most)),
                    mib @ ShareMemory::Mebibytes(_) => mib,
                };
                let compute = share.compute.min(most);
                ContainerRequest::Share {
                    count,
                    share: Share { compute, memory },
                }
            }
            other => other,
        })
    })?;
    let asked = words::percent(Milli(asked));
    Some((
        Kind::GpuCompute,
        format!("ask for at most {percent}% of a GPU ({asked} asked)"),
    ))
}

fn gpus(model: &Model, wish: Wish<'_>) -> Found {
    let asked = wish
        .request
        .containers()
        .iter()
        .map(ContainerRequest::count)
        .max()?;
    let asked = u32::try_from(asked).ok()?;
    let count = largest(asked, |most| {
        let fewer = |count: NonZeroU8| {
            let most = u8::try_from(most).ok().and_then(NonZeroU8::new);
            most.map_or(count, |most| count.min(most))
        };
        with_containers(model, wish, |container| match container {
            ContainerRequest::Whole { count } => ContainerRequest::Whole {
                count: fewer(count),
            },
            ContainerRequest::Share { count, share } => ContainerRequest::Share {
                count: fewer(count),
                share,
            },
            other @ (ContainerRequest::None | ContainerRequest::Partition(_)) => other,
        })
    })?;
    let gpus = words::count(u64::from(count), "GPU");
    Some((
        Kind::Gpus,
        format!("ask for {gpus} in a container ({asked} asked)"),
    ))
}

fn cores(model: &Model, wish: Wish<'_>) -> Found {
    let request = wish.request;
    let asked = request.cores().0;
    let milli = largest(asked, |milli| {
        let changed = request.changed(request.containers(), Milli(milli), request.models().clone());
        changed.is_ok_and(|request| {
            model.fits(Wish {
                request: &request,
                ..wish
            })
        })
    })?;
    let say = |milli: u32| words::milli(u64::from(milli));
    Some((
        Kind::Cores,
        format!(
            "ask for at most {} cores ({} asked)",
            say(milli),
            say(asked)
        ),
    ))
}

fn memory(model: &Model, wish: Wish<'_>) -> Found {
    let asked = wish.request.memory();
    let mib = largest(asked.0, |mib| {
        let request = wish.request.with_memory(Mebibytes(mib));
        model.fits(Wish {
            request: &request,
            ..wish
        })
    })?;
    Some((
        Kind::Memory,
        format!("ask for at most {mib} MiB of host memory ({asked} MiB asked)"),
    ))
}

fn models(model: &Model, wish: Wish<'_>) -> Found {
    let Models::OneOf(asked) = wish.request.models() else {
        return None;
    };
    let request = wish.request;
    let changed = request
        .changed(request.containers(), request.cores(), Models::Any)
        .ok()?;
    let names: Vec<_> = asked.iter().map(stowage_core::gpu::Model::as_str).collect();
    let fits = model.fits(Wish {
        request: &changed,
        ..wish
    });
    let sentence = format!("accept any GPU model (only {} asked)", names.join(", "));
    fits.then_some((Kind::Models, sentence))
}

/// Of the taints that keep the pod from some node, the first that alone is enough.
fn toleration(model: &Model, wish: Wish<'_>) -> Found {
    let mut taints = std::collections::BTreeSet::new();
    for (_, _, info) in model.each_node() {
        if info.admits(wish) == Err(Refusal::Broken(Broken::Taint)) {
            taints.extend(wish.rules.untolerated(&info.rules).cloned());
        }
    }
    taints.into_iter().find_map(|taint| {
        let toleration = Toleration {
            key: Some(taint.key.clone()),
            values: Values::Equal(taint.value.clone()),
            effect: Some(taint.effect),
        };
        let all = wish.rules.tolerations().iter().cloned().chain([toleration]);
        let rules = wish.rules.clone().tolerating(all.collect()).ok()?;
        let fits = model.fits(Wish {
            rules: &rules,
            ..wish
        });
        fits.then(|| {
            (
                Kind::Toleration,
                format!("tolerate the taint {}", words::taint(&taint)),
            )
        })
    })
}

/// One label less, the affinity less, or both gone.
fn selector(model: &Model, wish: Wish<'_>) -> Found {
    let fits = |rules: &PodRules| model.fits(Wish { rules, ..wish });
    let labels = wish.rules.selector();
    for (key, value) in labels {
        let mut fewer = labels.clone();
        fewer.remove(key);
        if wish
            .rules
            .clone()
            .selecting(fewer)
            .is_ok_and(|rules| fits(&rules))
        {
            return Some((
                Kind::Selector,
                format!("drop {key}={value} from its node selector"),
            ));
        }
    }
    let without_labels = || wish.rules.clone().selecting(BTreeMap::new()).ok();
    if labels.len() > 1 && without_labels().is_some_and(|rules| fits(&rules)) {
        return Some((Kind::Selector, "drop its node selector".to_owned()));
    }
    wish.rules.terms()?;
    if fits(&wish.rules.clone().requiring_nothing()) {
        return Some((Kind::Selector, "drop its required node affinity".to_owned()));
    }
    let neither = without_labels()?.requiring_nothing();
    let sentence = "drop its node selector and its required node affinity";
    fits(&neither).then(|| (Kind::Selector, sentence.to_owned()))
}

/// The pod with the smallest request whose end would make room.
fn pod(model: &Model, wish: Wish<'_>) -> Found {
    let mut cluster = model.cluster.clone();
    let mut held: Vec<(PodUid, Arc<PodRequest>)> = Vec::new();
    for (_, state, info) in model.each_node() {
        if info.admits(wish).is_ok() {
            held.extend(
                state
                    .holds()
                    .iter()
                    .map(|(&pod, hold)| (pod, hold.request.clone())),
            );
        }
    }
    let name = |pod: PodUid| model.pod(pod).map(|pod| pod.facts.full_name());
    held.sort_by_cached_key(|(pod, request)| (size(request), name(*pod)));
    held.into_iter().find_map(|(pod, request)| {
        let (node, hold) = cluster.release(pod)?;
        let at = cluster.find(&node)?;
        let fits = model.nodes[at.index()]
            .candidate(&cluster.nodes()[at.index()], wish, &model.context)
            .is_ok();
        let back = BoundPod {
            pod,
            node: node.clone(),
            devices: hold.claim.devices().cloned(),
            request: hold.request,
        };
        // The node is there, and what was there before fits again.
        let _ = cluster.apply(Event::PodBound(back));
        let name = fits.then(|| name(pod)).flatten()?;
        let asks = words::request(&request);
        Some((Kind::Pod, format!("end {name} on {node} ({asks})")))
    })
}

/// How large a request is: GPU compute, GPU memory, cores, host memory.
fn size(request: &PodRequest) -> (u64, u64, Milli, Mebibytes) {
    let memory = shares(request).map(|share| match share.memory {
        ShareMemory::Mebibytes(Mebibytes(mib)) => u64::from(mib),
        ShareMemory::Milli(_) => 0,
    });
    (
        request.gpu_milli(),
        memory.sum(),
        request.cores(),
        request.memory(),
    )
}
