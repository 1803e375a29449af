//! Who uses which devices of a pod.
//!
//! Regular containers and sidecars run side by side: each that asks for GPUs is a container of the
//! [`PodRequest`](stowage_core::request::PodRequest), one for each thing that it asks. Ordinary init
//! containers run before, one after the other, and leave their devices to whatever starts later, as
//! the kubelet does (`pkg/kubelet/cm/devicemanager`, 1.37). So:
//!
//! - whole devices: an init container uses those of the containers that start after it. What it asks
//!   beyond that is asked once for all init containers, the largest excess, as one more container
//!   of the request;
//! - a share: an init container uses the share of one container that starts after it and asks at
//!   least as much in every respect. Failing that, one more container of the request asks the
//!   element-wise maximum over all such init containers;
//! - a partition: an init container uses those of its kind that later containers hold, one for one,
//!   and beyond that extra ones, which all init containers share.
//!
//! The pod holds the extra devices until it ends, as it would with any device plugin.

use std::num::NonZeroU8;

use stowage_core::request::{ContainerRequest, Share, ShareMemory};

/// A container that asks for GPUs.
pub(super) struct User<'a> {
    pub(super) name: &'a str,
    pub(super) asks: ContainerRequest,
    /// Whether it is an ordinary init container.
    pub(super) ends_first: bool,
}

/// The containers of the request, and from which of them each user has its devices.
pub(super) fn share_out(users: &[User<'_>]) -> (Vec<ContainerRequest>, Vec<Vec<usize>>) {
    let mut slots: Vec<ContainerRequest> = Vec::with_capacity(users.len());
    let mut from: Vec<Vec<usize>> = vec![Vec::new(); users.len()];
    // Walked backwards, so that the slots at hand are those of containers that start later.
    let mut extra_whole = 0;
    let mut excess = Vec::new();
    let mut extras: Vec<(ContainerRequest, Vec<usize>)> = Vec::new();
    for (index, user) in users.iter().enumerate().rev() {
        if !user.ends_first {
            from[index].push(slots.len());
            slots.push(user.asks);
            continue;
        }
        match user.asks {
            ContainerRequest::None => {}
            ContainerRequest::Partition(_) => {
                let twin = |other: &&User<'_>| other.name == user.name && other.asks == user.asks;
                let nth = users[index + 1..].iter().filter(twin).count();
                let later = slots.iter().enumerate().filter(|(_, c)| **c == user.asks);
                match later.clone().nth(nth) {
                    Some((slot, _)) => from[index].push(slot),
                    None => add_partition(&mut extras, user.asks, nth - later.count(), index),
                }
            }
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
                    None => add_share(&mut extras, user.asks, index),
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
    for (slot, members) in extras {
        members
            .iter()
            .for_each(|&user| from[user].push(slots.len()));
        slots.push(slot);
    }
    (slots, from)
}

/// Gives `user` the `nth` of the extra partitions of its kind, or adds it.
fn add_partition(
    extras: &mut Vec<(ContainerRequest, Vec<usize>)>,
    asks: ContainerRequest,
    nth: usize,
    user: usize,
) {
    let mut same = extras.iter_mut().filter(|(slot, _)| *slot == asks);
    match same.nth(nth) {
        Some((_, users)) => users.push(user),
        None => extras.push((asks, vec![user])),
    }
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
