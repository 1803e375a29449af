//! The words of other GPU-sharing schedulers, read as shares, so that their pods schedule unchanged on
//! nodes that serve shares.
//!
//! | scheduler | devices | memory of each | compute of each |
//! |---|---|---|---|
//! | HAMi | `nvidia.com/gpu` | `nvidia.com/gpumem` MiB, or `gpumem-percentage` | `nvidia.com/gpucores` percent |
//! | Volcano | `volcano.sh/vgpu-number` | `vgpu-memory` MiB, or `vgpu-memory-percentage` | `vgpu-cores` percent |
//! | vgpu-manager | `nvidia.com/vgpu-number` | `nvidia.com/vgpu-memory` MiB | `nvidia.com/vgpu-cores` percent |
//! | gpushare | one | `aliyun.com/gpu-mem` GiB (its default unit) | not limited |
//! | Koordinator | from the percentages: 200 is two | `koordinator.sh/gpu-memory-ratio` percent | `koordinator.sh/gpu-core` percent; `koordinator.sh/gpu` is both |
//! | KAI | annotation `gpu-fraction-num-devices` | annotation `gpu-memory` MiB, or as compute | annotation `gpu-fraction` |
//!
//! As with them: devices without memory are devices with all of it, all of a device's memory without
//! compute is all of its compute, and a percentage of memory is rounded down to whole MiB. An amount
//! of 0 says nothing, as if it were not written; no devices beside other words are refused. KAI's
//! annotations are about one container: the first, or `gpu-fraction-container-name`.

use std::num::NonZeroU8;

use stowage_core::gpu::MAX_DEVICES;
use stowage_core::request::{ContainerRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::object::{Container, PodObject};
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

/// What a resource of a dialect says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Devices,
    /// In so many MiB each.
    Memory(u32),
    MemoryPercent,
    Compute,
    /// Percent of memory; more than 100 is several devices.
    MemoryRatio,
    /// Percent of compute, likewise.
    Core,
    /// Both.
    Both,
}

const WORDS: [(&str, Word); 14] = [
    ("nvidia.com/gpumem", Word::Memory(1)),
    ("nvidia.com/gpumem-percentage", Word::MemoryPercent),
    ("nvidia.com/gpucores", Word::Compute),
    ("volcano.sh/vgpu-number", Word::Devices),
    ("volcano.sh/vgpu-memory", Word::Memory(1)),
    ("volcano.sh/vgpu-memory-percentage", Word::MemoryPercent),
    ("volcano.sh/vgpu-cores", Word::Compute),
    ("nvidia.com/vgpu-number", Word::Devices),
    ("nvidia.com/vgpu-memory", Word::Memory(1)),
    ("nvidia.com/vgpu-cores", Word::Compute),
    ("aliyun.com/gpu-mem", Word::Memory(1024)),
    ("koordinator.sh/gpu-memory-ratio", Word::MemoryRatio),
    ("koordinator.sh/gpu-core", Word::Core),
    ("koordinator.sh/gpu", Word::Both),
];

#[derive(Default)]
struct Said {
    devices: Option<u64>,
    memory: Option<ShareMemory>,
    compute: Option<u64>,
    /// The word of the dialect that was found last.
    word: Option<&'static str>,
}

/// The share that `container` asks in some dialect; `whole` is how many whole devices it asks beside.
pub(super) fn share(
    container: &Container<'_>,
    whole: u8,
) -> Result<Option<(ContainerRequest, &'static str)>, Wrong> {
    let mut said = Said::default();
    let written = |word: &str| {
        let value = container.resources.limits.get(word)?;
        Some((value, quantity::count(value) == Ok(0)))
    };
    let of_some = |(word, _): &(&str, Word)| written(word).is_some_and(|(_, none)| !none);
    let asks = WORDS.iter().any(of_some);
    for (word, meaning) in WORDS {
        let Some((value, none)) = written(word) else {
            continue;
        };
        // Of no devices nothing can be asked.
        if none && !(asks && meaning == Word::Devices) {
            continue;
        }
        let field = || format!("container {}: {word}", &*container.name);
        let number = |expected: &'static str, most: u64| {
            let number = quantity::count(value)
                .ok()
                .filter(|n| (1..=most).contains(n));
            number.ok_or_else(|| Wrong::value(field(), expected, value))
        };
        if said.word.is_some_and(|other| family(other) != family(word)) {
            let got = format!("{} too", said.word.unwrap_or_default());
            return Err(Wrong::said(
                field(),
                "words of one scheduler in a container",
                got,
            ));
        }
        said.word = Some(word);
        match meaning {
            Word::Devices => {
                said.devices = Some(number("1 to 64 devices", MAX_DEVICES as u64)?);
            }
            Word::Memory(unit) => {
                let most = u64::from(u32::MAX / unit);
                let amount = number("a whole amount of memory, at least 1", most)?;
                said.memory = Some(mib(amount * u64::from(unit)));
            }
            Word::MemoryPercent => {
                said.memory = Some(percent(number("1 to 100 percent", 100)?));
            }
            Word::Compute => said.compute = Some(number("1 to 100 percent", 100)?),
            Word::MemoryRatio | Word::Core | Word::Both => {
                let all = number("1 to 100 percent, or whole hundreds", 6400)?;
                let (devices, each) = match all {
                    0..=100 => (1, all),
                    _ if all % 100 == 0 => (all / 100, 100),
                    _ => {
                        let expected = "1 to 100 percent, or whole hundreds";
                        return Err(Wrong::value(field(), expected, value));
                    }
                };
                if said.devices.is_some_and(|other| other != devices) {
                    let expected = "as many devices as the other percentage says";
                    return Err(Wrong::value(field(), expected, value));
                }
                said.devices = Some(devices);
                if meaning != Word::Core {
                    said.memory = Some(percent(each));
                }
                if meaning != Word::MemoryRatio {
                    said.compute = Some(each);
                }
            }
        }
    }
    let Some(word) = said.word else {
        return Ok(None);
    };
    let devices = said.devices.unwrap_or(u64::from(whole).max(1));
    Ok(Some((request(devices, said.memory, said.compute), word)))
}

/// Whether `resource` is a word of some dialect.
pub(super) fn is_word(resource: &str) -> bool {
    WORDS.iter().any(|(word, _)| *word == resource)
}

/// Whether KAI's annotations ask for something, whether or not it makes sense.
pub(super) fn speaks_kai(pod: &PodObject<'_>) -> bool {
    let annotations = &pod.metadata.annotations;
    annotations.get("gpu-fraction").is_some() || annotations.get("gpu-memory").is_some()
}

/// Whose word it is: names of one vendor's domain belong to two schedulers.
fn family(word: &str) -> &str {
    match word.split_once("/vgpu-") {
        Some((domain, _)) => domain,
        None if word.starts_with("nvidia.com/") => "hami",
        None => word.split('/').next().unwrap_or(word),
    }
}

fn request(devices: u64, memory: Option<ShareMemory>, compute: Option<u64>) -> ContainerRequest {
    let all = ShareMemory::Milli(Milli::WHOLE);
    let memory = memory.unwrap_or(all);
    let default = if memory == all { 100 } else { 0 };
    let compute = u32::try_from(compute.unwrap_or(default)).unwrap_or(100);
    let count = u8::try_from(devices).ok().and_then(NonZeroU8::new);
    ContainerRequest::Share {
        count: count.unwrap_or(NonZeroU8::MIN),
        share: Share {
            compute: Milli(compute * 10),
            memory,
        },
    }
}

fn mib(amount: u64) -> ShareMemory {
    ShareMemory::Mebibytes(Mebibytes(u32::try_from(amount).unwrap_or(u32::MAX)))
}

fn percent(percent: u64) -> ShareMemory {
    ShareMemory::Milli(Milli(u32::try_from(percent * 10).unwrap_or(1000)))
}

/// The share that KAI's annotations ask, and the container it is for.
pub(super) fn kai(pod: &PodObject<'_>) -> Result<Option<(String, ContainerRequest)>, Wrong> {
    let get = |key: &str| pod.metadata.annotations.get(key);
    let (fraction, memory) = (get("gpu-fraction"), get("gpu-memory"));
    let field = |key: &str| format!("annotation {key}");
    let (memory, compute) = match (fraction, memory) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let expected = "gpu-fraction or gpu-memory";
            return Err(Wrong::said(
                field("gpu-memory"),
                expected,
                "both".to_owned(),
            ));
        }
        (Some(text), None) => {
            let milli = thousandths(text).filter(|milli| (1..=1000).contains(milli));
            let expected = "a fraction from 0.001 to 1";
            let milli = milli.ok_or_else(|| Wrong::value(field("gpu-fraction"), expected, text))?;
            (ShareMemory::Milli(Milli(milli)), milli)
        }
        (None, Some(text)) => {
            let amount = text.parse().ok().filter(|&amount: &u32| amount > 0);
            let wrong = || Wrong::value(field("gpu-memory"), "whole MiB, at least 1", text);
            (
                ShareMemory::Mebibytes(Mebibytes(amount.ok_or_else(wrong)?)),
                0,
            )
        }
    };
    let count = match get("gpu-fraction-num-devices") {
        None => NonZeroU8::MIN,
        Some(text) => {
            let count = text
                .parse()
                .ok()
                .filter(|n: &NonZeroU8| usize::from(n.get()) <= MAX_DEVICES);
            let field = field("gpu-fraction-num-devices");
            count.ok_or_else(|| Wrong::value(field, "1 to 64 devices", text))?
        }
    };
    let containers = || {
        pod.spec
            .init_containers
            .iter()
            .chain(pod.spec.containers.iter())
    };
    let name = match get("gpu-fraction-container-name") {
        Some(name) if containers().any(|c| *c.name == **name) => (**name).to_owned(),
        Some(name) => {
            let field = field("gpu-fraction-container-name");
            return Err(Wrong::value(field, "a container of the pod", name));
        }
        None => pod
            .spec
            .containers
            .iter()
            .next()
            .map_or_else(String::new, |c| (*c.name).to_owned()),
    };
    let share = Share {
        compute: Milli(compute),
        memory,
    };
    Ok(Some((name, ContainerRequest::Share { count, share })))
}

/// A decimal number with at most three decimals, in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |t: &str| !t.is_empty() && t.len() < 8 && t.bytes().all(|b| b.is_ascii_digit());
    let part = part.trim_end_matches('0');
    let part = if part.is_empty() { "0" } else { part };
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(part)
}
