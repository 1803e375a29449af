//! What a pod holds on its node although its request makes no sense.
//!
//! Unknown is never free: such a pod was bound by somebody who understood it, or by an older program.
//! What can be read of it counts as it stands, container by container. Of a container that asks for a
//! share in words that cannot be read, all of a device counts; on which one nobody knows, so that the
//! ledger takes it from every device where it may be.

use std::num::NonZeroU8;

use stowage_core::gpu::{MAX_DEVICES, Vendor};
use stowage_core::request::{
    ContainerRequest, MAX_CONTAINERS, Models, PodRequest, Share, ShareMemory,
};
use stowage_core::units::{Mebibytes, Milli};

use super::asks::{self, Ask, Meaning};
use super::dialects;
use super::gpus::MAX_USERS;
use super::object::{Container, PodObject};
use super::share_out::{User, share_out};
use crate::k8s::quantity;

/// All of a device, wherever it is.
const ALL_OF_ONE: ContainerRequest = ContainerRequest::Share {
    count: NonZeroU8::MIN,
    share: Share {
        compute: Milli::WHOLE,
        memory: ShareMemory::Milli(Milli::WHOLE),
    },
};

/// What `pod`, whose request is not supported, holds at least.
pub(super) fn of(pod: &PodObject<'_>, cores: Milli, memory: Mebibytes) -> PodRequest {
    let spec = &pod.spec;
    let inits = spec.init_containers.iter().map(|c| (c, !c.is_sidecar()));
    let all = inits.chain(spec.containers.iter().map(|c| (c, false)));
    let asks: Vec<_> = all.map(|(c, first)| (c, first, of_container(c))).collect();
    let users = asks.iter().flat_map(|(container, ends_first, ask)| {
        let user = |&asks| User {
            name: &container.name,
            asks,
            ends_first: *ends_first,
        };
        ask.requests.iter().map(user)
    });
    let mut users: Vec<_> = users.collect();
    if dialects::speaks_kai(pod) {
        users.push(User {
            name: "",
            asks: ALL_OF_ONE,
            ends_first: false,
        });
    }
    // The last ones run longest, and who uses whose devices takes the square.
    users.drain(..users.len().saturating_sub(MAX_USERS));
    let (mut slots, _) = share_out(&users);
    slots.truncate(MAX_CONTAINERS);
    let request = |slots: &[ContainerRequest]| PodRequest::new(slots, cores, memory, Models::Any);
    let request = request(&slots).or_else(|_| request(&[]));
    let request = request.expect("a request without containers asks for nothing impossible");
    match only(asks.iter().filter_map(|(.., ask)| ask.vendor)) {
        Some(vendor) => request.of_vendor(vendor),
        None => request,
    }
}

/// The vendor of all, if it is one.
fn only(mut vendors: impl Iterator<Item = (Vendor, &'static str)>) -> Option<Vendor> {
    let (first, _) = vendors.next()?;
    vendors.all(|(other, _)| other == first).then_some(first)
}

fn of_container(container: &Container<'_>) -> Ask {
    asks::of(container).unwrap_or_else(|_| what_can_be_read(container))
}

/// Whole devices and partitions by their number; a share of nobody knows what if there are words of
/// one, or if a number means nothing. Whole devices beside such words say how many those are about.
fn what_can_be_read(container: &Container<'_>) -> Ask {
    let (limits, requests) = (&container.resources.limits, &container.resources.requests);
    let ours = |name: &str| asks::is_about_gpus(name) || dialects::is_word(name);
    let only_requested = requests
        .iter()
        .filter(|(name, _)| ours(name) && limits.get(name).is_none());
    let mut requests = Vec::new();
    let mut vendors = Vec::new();
    let mut unread = false;
    for (name, value) in limits.iter().chain(only_requested) {
        let count = quantity::count(value);
        match (asks::meaning(name), count) {
            (_, Ok(0)) => {}
            (Meaning::NotOurs, _) => unread |= dialects::is_word(name),
            (Meaning::Whole(vendor, name), Ok(count)) => {
                let count = u8::try_from(count.min(MAX_DEVICES as u64)).unwrap_or(u8::MAX);
                let whole = NonZeroU8::new(count).map(|count| ContainerRequest::Whole { count });
                requests.extend(whole);
                vendors.push((vendor, name));
            }
            (Meaning::Partition(vendor, kind), Ok(count)) => {
                let count = count.min(MAX_CONTAINERS as u64) as usize;
                let one = ContainerRequest::Partition(kind);
                requests.extend(std::iter::repeat_n(one, count));
                vendors.push((vendor, asks::resource_of(vendor)));
            }
            _ => unread = true,
        }
    }
    let whole = |c: &ContainerRequest| matches!(c, ContainerRequest::Whole { .. });
    if unread && !requests.iter().any(whole) {
        requests.push(ALL_OF_ONE);
    }
    let only = only(vendors.iter().copied());
    Ask {
        requests,
        vendor: vendors
            .into_iter()
            .find(|(vendor, _)| only == Some(*vendor)),
    }
}
