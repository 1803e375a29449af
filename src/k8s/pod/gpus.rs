//! What a pod asks of GPUs, over all its containers, and who uses which of its devices.
//!
//! Regular containers and sidecars run side by side: each that asks for GPUs is a container of the
//! [`PodRequest`] (the others are left out: they make no difference to any decision). Ordinary init
//! containers run before, one after the other, and leave their devices to whatever starts later, as
//! the kubelet does (`pkg/kubelet/cm/devicemanager`, 1.37). So:
//!
//! - whole devices: an init container uses those of the containers that start after it. What it asks
//!   beyond that is asked once for all init containers, the largest excess, as one more container
//!   of the request;
//! - a share: an init container uses the share of one container that starts after it and asks at
//!   least as much in every respect. Failing that, one more container of the request asks the
//!   element-wise maximum over all such init containers.
//!
//! The pod holds the extra devices until it ends, as it would with any device plugin.

use std::num::NonZeroU8;
use std::sync::Arc;

use stowage_core::gpu::{DeviceSet, Model};
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::asks::{self, Ask};
use super::object::PodObject;
use crate::k8s::annotation::PLACEMENT;
use crate::k8s::boards;
use crate::k8s::problem::{Unsupported, Wrong};

/// A container that uses GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuContainer {
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub asks: ContainerRequest,
    /// The containers of the request whose devices it may use.
    pub from: Vec<usize>,
}

impl GpuContainer {
    /// Its devices, where the request got `devices`: the lowest-numbered of those it may use.
    #[must_use]
    pub fn devices(&self, devices: &[DeviceSet]) -> DeviceSet {
        let held = self.from.iter().filter_map(|&slot| devices.get(slot));
        let all = held.fold(DeviceSet::EMPTY, |all, set| all.union(*set));
        all.iter().take(self.asks.count()).collect()
    }
}

const MODELS: &str = "stowage.dev/gpu-models";
const NOT_YET: [&str; 5] = [
    "stowage.dev/gpu-memory-at-least",
    "stowage.dev/topology",
    "stowage.dev/model-preset",
    "stowage.dev/group",
    "stowage.dev/group-size",
];

/// The request of `pod` and its containers with GPUs, in the pod's order. Of a pod that is `bound`
/// already only what it holds matters, not where it might have gone.
pub(super) fn request(
    pod: &PodObject<'_>,
    cores: Milli,
    memory: Mebibytes,
    bound: bool,
) -> Result<(PodRequest, Vec<GpuContainer>), Unsupported> {
    let models = match models(pod) {
        Err(_) if bound => Models::Any,
        models => models?,
    };
    let mut users = Vec::new();
    let mut vendor = None;
    let inits = pod
        .spec
        .init_containers
        .iter()
        .map(|c| (c, !c.is_sidecar()));
    let all = inits.chain(pod.spec.containers.iter().map(|c| (c, false)));
    for (container, ends_first) in all {
        let ask = asks::of(container)?;
        if ask.request == ContainerRequest::None {
            continue;
        }
        vendor = one_vendor(&container.name, vendor, ask)?;
        users.push(User {
            name: &container.name,
            asks: ask.request,
            ends_first,
        });
    }
    let (slots, from) = share_out(&users);
    let containers = users.iter().zip(from).map(|(user, from)| GpuContainer {
        name: user.name.to_owned(),
        asks: user.asks,
        from,
    });
    let containers = containers.collect();
    let mut request = PodRequest::new(&slots, cores, memory, models)?;
    if let Some((vendor, _)) = vendor {
        request = request.of_vendor(vendor);
    }
    Ok((request, containers))
}

type Named = (stowage_core::gpu::Vendor, &'static str);

fn one_vendor(name: &str, sofar: Option<Named>, ask: Ask) -> Result<Option<Named>, Wrong> {
    match (sofar, ask.vendor) {
        (Some((a, other)), Some((b, resource))) if a != b => {
            let field = format!("container {name}: {resource}");
            Err(Wrong::said(field, asks::ONE_VENDOR, format!("{other} too")))
        }
        (sofar, vendor) => Ok(sofar.or(vendor)),
    }
}

/// Acceptable boards; an annotation of ours that cannot be obeyed is refused.
fn models(pod: &PodObject<'_>) -> Result<Models, Unsupported> {
    let mut models = Models::Any;
    for (key, value) in pod.metadata.annotations.iter() {
        let field = || format!("annotation {key}");
        match key {
            PLACEMENT => {}
            MODELS => {
                let names = value.split(',').map(str::trim);
                let list: Arc<[Model]> = names.clone().map(boards::model).collect();
                if names.into_iter().any(str::is_empty) {
                    let expected = "GPU models separated by commas";
                    return Err(Wrong::value(field(), expected, value).into());
                }
                models = Models::OneOf(list);
            }
            _ if NOT_YET.contains(&key) => return Err(Unsupported::NotYet(field())),
            _ => {
                let expected = format!("{MODELS} or none of stowage.dev");
                return Err(Wrong::value("annotations", expected, key).into());
            }
        }
    }
    Ok(models)
}

/// A container that asks for GPUs.
struct User<'a> {
    name: &'a str,
    asks: ContainerRequest,
    /// Whether it is an ordinary init container.
    ends_first: bool,
}

/// The containers of the request, and from which of them each user has its devices.
fn share_out(users: &[User<'_>]) -> (Vec<ContainerRequest>, Vec<Vec<usize>>) {
    let mut slots: Vec<ContainerRequest> = Vec::with_capacity(users.len());
    let mut from: Vec<Vec<usize>> = vec![Vec::new(); users.len()];
    // Walked backwards, so that the slots at hand are those of containers that start later.
    let mut extra_whole = 0;
    let mut excess = Vec::new();
    let mut extra_shares: Vec<(ContainerRequest, Vec<usize>)> = Vec::new();
    for (index, user) in users.iter().enumerate().rev() {
        if !user.ends_first {
            from[index].push(slots.len());
            slots.push(user.asks);
            continue;
        }
        match user.asks {
            ContainerRequest::None | ContainerRequest::Partition(_) => {}
            ContainerRequest::Whole { count } => {
                let whole = |c: &ContainerRequest| matches!(c, ContainerRequest::Whole { .. });
                let later = slots.iter().enumerate().filter(|(_, c)| whole(c));
                let (later, counts): (Vec<usize>, Vec<usize>) =
                    later.map(|(slot, c)| (slot, c.count())).unzip();
                let missing = usize::from(count.get()).saturating_sub(counts.iter().sum());
                extra_whole = extra_whole.max(missing);
                if missing > 0 {
                    excess.push(index);
                }
                from[index] = later;
            }
            ContainerRequest::Share { .. } => {
                match slots.iter().rposition(|slot| covers(slot, &user.asks)) {
                    Some(slot) => from[index].push(slot),
                    None => add_share(&mut extra_shares, user.asks, index),
                }
            }
        }
    }
    // Back into the pod's order.
    let held = slots.len();
    slots.reverse();
    for from in &mut from {
        from.iter_mut().for_each(|slot| *slot = held - 1 - *slot);
        from.reverse();
    }
    if let Some(count) = u8::try_from(extra_whole).ok().and_then(NonZeroU8::new) {
        excess.iter().for_each(|&user| from[user].push(slots.len()));
        slots.push(ContainerRequest::Whole { count });
    }
    for (slot, members) in extra_shares {
        members
            .iter()
            .for_each(|&user| from[user].push(slots.len()));
        slots.push(slot);
    }
    (slots, from)
}

/// Widens one of `extras` so that it does for `asks` of `user` too, or adds another.
fn add_share(
    extras: &mut Vec<(ContainerRequest, Vec<usize>)>,
    asks: ContainerRequest,
    user: usize,
) {
    for (slot, users) in extras.iter_mut() {
        if let Some(both) = union(slot, &asks) {
            *slot = both;
            users.push(user);
            return;
        }
    }
    extras.push((asks, vec![user]));
}

/// Whether whoever asks for `small` can do with what `large` gets.
fn covers(large: &ContainerRequest, small: &ContainerRequest) -> bool {
    let ContainerRequest::Share { share, .. } = small else {
        return false;
    };
    large.count() >= small.count()
        && match (large, share.memory) {
            (ContainerRequest::Share { share: large, .. }, _) => {
                large.compute >= share.compute
                    && more(large.memory, share.memory) == Some(large.memory)
            }
            // A whole device has all of itself, but perhaps not so many MiB.
            (ContainerRequest::Whole { .. }, ShareMemory::Milli(_)) => true,
            _ => false,
        }
}

/// The element-wise maximum of two shares; none if their memory does not compare.
fn union(a: &ContainerRequest, b: &ContainerRequest) -> Option<ContainerRequest> {
    let (
        ContainerRequest::Share { count: m, share: a },
        ContainerRequest::Share { count: n, share: b },
    ) = (a, b)
    else {
        return None;
    };
    Some(ContainerRequest::Share {
        count: *m.max(n),
        share: Share {
            compute: a.compute.max(b.compute),
            memory: more(a.memory, b.memory)?,
        },
    })
}

/// The larger of two amounts, if they are stated alike.
fn more(a: ShareMemory, b: ShareMemory) -> Option<ShareMemory> {
    match (a, b) {
        (ShareMemory::Mebibytes(a), ShareMemory::Mebibytes(b)) => {
            Some(ShareMemory::Mebibytes(a.max(b)))
        }
        (ShareMemory::Milli(a), ShareMemory::Milli(b)) => Some(ShareMemory::Milli(a.max(b))),
        _ => None,
    }
}
