//! What one container asks of GPUs: the names of resources, and what their values may be.
//!
//! Whole devices and partitions keep the names of their vendors' device plugins, shares have Stowage's
//! own. Names
//! that Stowage knows to be about GPUs and cannot serve yet are refused, never skipped; all other
//! names are not ours, and kube-scheduler counts them.

use std::num::NonZeroU8;

use stowage_core::gpu::{MAX_DEVICES, Vendor};
use stowage_core::mig::{Geometry, MigProfile};
use stowage_core::partition::{AmdMode, Partition};
use stowage_core::request::{ContainerRequest, MAX_CONTAINERS, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::dialects;
use super::object::Container;
use crate::k8s::problem::{Unsupported, Wrong};
use crate::k8s::quantity;

/// MiB on one device.
pub(super) const MEMORY: &str = "stowage.dev/gpu-memory";
/// Percent of one device's compute.
pub(super) const COMPUTE: &str = "stowage.dev/gpu-compute";
/// On how many devices.
pub(super) const COUNT: &str = "stowage.dev/gpu-count";

/// What one container asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ask {
    /// Whole devices or a share, then each partition; empty if it asks for no GPU.
    pub(super) requests: Vec<ContainerRequest>,
    /// Whose devices, and by which name; none for shares in words of no vendor, which any may serve.
    pub(super) vendor: Option<(Vendor, &'static str)>,
}

/// The resources that stand for whole devices. A node may have both of Intel's; one pod rarely asks
/// for both, and then they add up.
pub(in crate::k8s) const WHOLE: [(&str, Vendor); 5] = [
    ("nvidia.com/gpu", Vendor::Nvidia),
    ("amd.com/gpu", Vendor::Amd),
    ("gpu.intel.com/i915", Vendor::Intel),
    ("gpu.intel.com/xe", Vendor::Intel),
    ("microsoft.com/directx", Vendor::DirectX),
];

pub(super) enum Meaning {
    Whole(Vendor, &'static str),
    Memory,
    Compute,
    Count,
    Partition(Vendor, Partition),
    /// A partition that no board has.
    NoPartition,
    Misspelt,
    NotOurs,
}

/// What a resource stands for.
pub(super) fn meaning(resource: &str) -> Meaning {
    if let Some(&(name, vendor)) = WHOLE.iter().find(|(name, _)| *name == resource) {
        return Meaning::Whole(vendor, name);
    }
    match resource {
        MEMORY => Meaning::Memory,
        COMPUTE => Meaning::Compute,
        COUNT => Meaning::Count,
        _ if resource.starts_with("stowage.dev/") => Meaning::Misspelt,
        _ if is_partition(resource) || is_shared(resource) => match partition(resource) {
            Some((vendor, kind)) => Meaning::Partition(vendor, kind),
            None => Meaning::NoPartition,
        },
        // Read on their own, see `dialects.rs`.
        _ => Meaning::NotOurs,
    }
}

/// Whether `resource` is about GPUs, served yet or not.
pub(super) fn is_about_gpus(resource: &str) -> bool {
    !matches!(meaning(resource), Meaning::NotOurs)
}

/// The kind of partition that a resource stands for, if there is such a one.
pub(in crate::k8s) fn partition(resource: &str) -> Option<(Vendor, Partition)> {
    let (name, shared) = match resource.strip_suffix(".shared") {
        Some(name) => (name, true),
        None => (resource, false),
    };
    if let Some((_, vendor)) = WHOLE.iter().find(|(whole, _)| *whole == name) {
        return shared.then_some((*vendor, Partition::Replica(*vendor)));
    }
    if let Some(mode) = name.strip_prefix("amd.com/") {
        let (mode, memory) = AmdMode::with_memory(mode).filter(|_| !shared)?;
        return Some((Vendor::Amd, Partition::Amd(mode, memory)));
    }
    let profile = MigProfile::of_resource(name).ok()?;
    let known = |geometry: &Geometry| geometry.shape(profile).is_some();
    let kind = match shared {
        true => Partition::MigReplica(profile),
        false => Partition::Mig(profile),
    };
    let any = Geometry::all().iter().any(known);
    any.then_some((Vendor::Nvidia, kind))
}

/// `nvidia.com/mig-1g.5gb`, `amd.com/cpx_nps4`.
fn is_partition(resource: &str) -> bool {
    if let Some(profile) = resource.strip_prefix("amd.com/") {
        let modes = profile.split_once('_');
        return modes.is_some_and(|(compute, memory)| {
            let known = AmdMode::ALL.iter().any(|(_, name)| *name == compute);
            known && memory.starts_with("nps")
        });
    }
    resource.starts_with("nvidia.com/mig-")
}

/// A replica of a device that several pods use in turn.
pub(in crate::k8s) fn is_shared(resource: &str) -> bool {
    let whole = resource.strip_suffix(".shared");
    whole.is_some_and(|name| WHOLE.iter().any(|(whole, _)| *whole == name) || is_partition(name))
}

/// What `container` asks.
pub(super) fn of(container: &Container<'_>) -> Result<Ask, Unsupported> {
    let resources = &container.resources;
    let limits = resources.limits.iter();
    // Others are not looked up among the limits, which would take the square of a long list.
    let only_requested = |name: &str| is_about_gpus(name) && resources.limits.get(name).is_none();
    let requests = resources.requests.iter();
    let all = limits.chain(requests.filter(|(name, _)| only_requested(name)));
    let field = |name: &str| format!("container {}: {name}", &*container.name);
    let (mut whole, mut memory, mut compute, mut count) = (Whole::default(), None, None, None);
    let mut partitions: Vec<ContainerRequest> = Vec::new();
    let mut first_partition = None;
    // A name without a slash is a core resource; most are.
    for (name, value) in all.filter(|(name, _)| name.contains('/')) {
        let number = |expected: String, allowed: std::ops::RangeInclusive<u64>| {
            if let Some(request) = resources.requests.get(name)
                && quantity::count(request) != quantity::count(value)
            {
                let expected = format!("a request equal to the limit {:?}", &**value);
                return Err(Wrong::value(field(name), expected, request));
            }
            let number = quantity::count(value).ok().filter(|n| allowed.contains(n));
            number.ok_or_else(|| Wrong::value(field(name), expected, value))
        };
        match meaning(name) {
            Meaning::NotOurs => {}
            Meaning::Misspelt => {
                let expected = format!("one of {MEMORY}, {COMPUTE}, {COUNT}");
                return Err(Wrong::value(
                    format!("container {}", &*container.name),
                    expected,
                    name,
                )
                .into());
            }
            Meaning::NoPartition => {
                let expected = "a partition that some board has";
                let container = format!("container {}", &*container.name);
                return Err(Wrong::value(container, expected, name).into());
            }
            Meaning::Partition(vendor, kind) => {
                let most = MAX_CONTAINERS as u64;
                let more = number(format!("a whole number up to {most}"), 0..=most)?;
                if more > 0 {
                    whole.vendor = one_vendor(whole.vendor, (vendor, resource_of(vendor)))
                        .map_err(|got| {
                            Wrong::said(field(name), ONE_VENDOR, format!("{got} too"))
                        })?;
                    first_partition = first_partition.or(Some(name));
                }
                let one = ContainerRequest::Partition(kind);
                partitions.extend(std::iter::repeat_n(one, more as usize));
            }
            Meaning::Whole(vendor, resource) => {
                let expected = format!("a whole number up to {MAX_DEVICES}");
                let more = number(expected, 0..=MAX_DEVICES as u64)?;
                whole = add_whole(whole, more, (vendor, resource)).map_err(|got| {
                    Wrong::said(field(resource), ONE_VENDOR, format!("{got} too"))
                })?;
            }
            Meaning::Memory => {
                let expected = format!("whole MiB, 1 to {}, without Ki, Mi or Gi", u32::MAX);
                if value.ends_with('i') {
                    return Err(Wrong::value(field(name), expected, value).into());
                }
                memory = Some(number(expected, 1..=u64::from(u32::MAX))?);
            }
            Meaning::Compute => {
                compute = Some(number("1 to 100 percent".to_owned(), 1..=100)?);
            }
            Meaning::Count => {
                let expected = format!("1 to {MAX_DEVICES} devices");
                count = Some(number(expected, 1..=MAX_DEVICES as u64)?);
            }
        }
    }
    let share = share(memory, compute, count).map_err(|()| {
        let beside = format!("{MEMORY} or {COMPUTE} beside it");
        Wrong::said(field(COUNT), beside, "neither".to_owned())
    })?;
    let (share, word) = match (share, dialects::share(container, whole.count)?) {
        (Some(_), Some((_, word))) => {
            let beside = "words of one scheduler in a container";
            return Err(Wrong::said(field(word), beside, "stowage.dev too".to_owned()).into());
        }
        (None, Some((share, word))) => {
            // `nvidia.com/gpu` beside HAMi's words says on how many devices.
            whole = Whole::default();
            (Some(share), Some(word))
        }
        (share, None) => (share, None),
    };
    let beside = match (whole.vendor, first_partition) {
        (_, Some(name)) => Some(name),
        (Some((_, resource)), None) => Some(resource),
        (None, None) => None,
    };
    if let (Some(beside), Some(_)) = (beside, share) {
        let ours = if memory.is_some() { MEMORY } else { COMPUTE };
        let name = word.unwrap_or(ours);
        let got = format!("{beside} too");
        return Err(
            Wrong::said(field(name), "a share or whole devices in a container", got).into(),
        );
    }
    let count = NonZeroU8::new(whole.count);
    let whole_ones = count.map(|count| ContainerRequest::Whole { count });
    // Who speaks of NVIDIA's devices wants one of them.
    let of_word = word.filter(|word| word.starts_with("nvidia.com/"));
    let of_word = of_word.map(|word| (Vendor::Nvidia, word));
    Ok(Ask {
        requests: whole_ones.or(share).into_iter().chain(partitions).collect(),
        vendor: whole.vendor.or(of_word),
    })
}

/// Whole devices of one vendor.
#[derive(Debug, Clone, Copy, Default)]
struct Whole {
    count: u8,
    vendor: Option<Named>,
}

type Named = (Vendor, &'static str);

/// The first name of a vendor's whole devices.
pub(super) fn resource_of(vendor: Vendor) -> &'static str {
    let known = WHOLE.iter().find(|(_, of)| *of == vendor);
    known.map_or("", |(name, _)| name)
}

/// The vendor of all; the other resource's name if there are two.
fn one_vendor(sofar: Option<Named>, new: Named) -> Result<Option<Named>, &'static str> {
    match sofar {
        Some((vendor, name)) if vendor != new.0 => Err(name),
        sofar => Ok(sofar.or(Some(new))),
    }
}

/// For whoever asks for devices of two vendors.
pub(super) const ONE_VENDOR: &str = "devices of one vendor in a pod";

/// `whole` and `more` devices; the other resource's name if that is another vendor's.
fn add_whole(whole: Whole, more: u64, name: Named) -> Result<Whole, &'static str> {
    // Asking for none is asking for nothing: manifests write `nvidia.com/gpu: 0`.
    if more == 0 {
        return Ok(whole);
    }
    // More than a byte is more than any node has, which the core says.
    let count = u8::try_from(u64::from(whole.count) + more).unwrap_or(u8::MAX);
    let vendor = one_vendor(whole.vendor, name)?;
    Ok(Whole { count, vendor })
}

/// The share that these numbers, in their ranges, stand for.
fn share(
    memory: Option<u64>,
    compute: Option<u64>,
    count: Option<u64>,
) -> Result<Option<ContainerRequest>, ()> {
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let milli = compute.map(|percent| Milli(small(percent * 10)));
    let memory = memory.map(|mib| ShareMemory::Mebibytes(Mebibytes(small(mib))));
    let share = match (memory, milli) {
        (None, None) if count.is_some() => return Err(()),
        (None, None) => return Ok(None),
        (Some(memory), compute) => Share {
            compute: compute.unwrap_or_default(),
            memory,
        },
        (None, Some(compute)) => Share {
            compute,
            memory: ShareMemory::Milli(compute),
        },
    };
    let count = u8::try_from(count.unwrap_or(1))
        .ok()
        .and_then(NonZeroU8::new);
    let count = count.unwrap_or(NonZeroU8::MIN);
    Ok(Some(ContainerRequest::Share { count, share }))
}
