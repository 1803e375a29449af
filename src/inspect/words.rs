//! Amounts and requests in words, as short as they can be said.

use std::fmt::Write as _;

use stowage_core::gpu::Model;
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::rules::{Effect, Taint};
use stowage_core::units::{Mebibytes, Milli};

/// Thousandths as a number: `8`, `0.5`.
#[must_use]
pub fn milli(milli: u64) -> String {
    let (whole, part) = (milli / 1000, milli % 1000);
    let text = format!("{whole}.{part:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Thousandths of a device with one decimal: `12.5`, rounded to the nearest.
#[must_use]
pub fn gpus(milli: u64) -> String {
    let tenths = (milli + 50) / 100;
    format!("{}.{}", grouped(tenths / 10), tenths % 10)
}

/// Thousandths as percent: `35%`, `12.5%`.
#[must_use]
pub fn percent(milli: Milli) -> String {
    match milli.0 % 10 {
        0 => format!("{}%", milli.0 / 10),
        part => format!("{}.{part}%", milli.0 / 10),
    }
}

/// Memory: `512 MiB`, `1.5 GiB`, `880 GiB`.
#[must_use]
pub fn memory(mebibytes: Mebibytes) -> String {
    gib(u64::from(mebibytes.0))
}

/// So many MiB, in GiB from 1 GiB on, with one decimal below 10 GiB.
#[must_use]
pub fn gib(mib: u64) -> String {
    match mib {
        0..1024 => format!("{mib} MiB"),
        1024..10_240 => {
            let tenths = mib * 10 / 1024;
            match tenths % 10 {
                0 => format!("{} GiB", tenths / 10),
                part => format!("{}.{part} GiB", tenths / 10),
            }
        }
        _ => format!("{} GiB", grouped(mib / 1024)),
    }
}

/// A number with commas: `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 node`, `2 nodes`.
#[must_use]
pub fn count(number: u64, one: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {one}{s}", grouped(number))
}

/// What a pod asks for: `30% of a GPU, 4 cores, 16 GiB, on T4-16GB`.
#[must_use]
pub fn request(request: &PodRequest) -> String {
    let mut parts = Vec::new();
    let containers = request.containers().iter().filter(|c| c.count() > 0);
    let containers: Vec<_> = containers.collect();
    let alike = containers.chunk_by(|a, b| a == b);
    let asked: Vec<_> = alike.map(|same| container(same[0], same.len())).collect();
    if !asked.is_empty() {
        parts.push(asked.join(" + "));
    }
    if request.cores() > Milli(0) {
        let one = if request.cores() == Milli(1000) {
            ""
        } else {
            "s"
        };
        parts.push(format!("{} core{one}", milli(u64::from(request.cores().0))));
    }
    if request.memory() > Mebibytes(0) {
        parts.push(memory(request.memory()));
    }
    if let Models::OneOf(models) = request.models() {
        let names: Vec<_> = models.iter().map(Model::as_str).collect();
        parts.push(format!("on {}", names.join(" or ")));
    }
    match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join(", "),
    }
}

/// What `alike` containers ask for, each.
fn container(asks: &ContainerRequest, alike: usize) -> String {
    let times = match alike {
        1 => String::new(),
        n => format!("{n} x "),
    };
    let (count, one) = (asks.count() as u64, asks.count() == 1);
    let of = match one {
        true => "of a GPU".to_owned(),
        false => format!("of each of {count} GPUs"),
    };
    match asks {
        ContainerRequest::None => String::new(),
        ContainerRequest::Whole { .. } if one => format!("{times}1 GPU"),
        ContainerRequest::Whole { .. } => format!("{times}{count} GPUs"),
        ContainerRequest::Share { share: part, .. } => format!("{times}{} {of}", share(*part)),
        ContainerRequest::Partition(kind) => format!("{times}{kind}"),
    }
}

/// `30%`, `2000 MiB`, `30% and 2000 MiB`.
#[must_use]
pub fn share(share: Share) -> String {
    let mut text = String::new();
    if share.compute > Milli(0) {
        text.push_str(&percent(share.compute));
    }
    let memory = match share.memory {
        ShareMemory::Milli(milli) if milli == share.compute => return text,
        ShareMemory::Milli(Milli(0)) | ShareMemory::Mebibytes(Mebibytes(0)) => return text,
        ShareMemory::Milli(milli) => format!("{} of its memory", percent(milli)),
        ShareMemory::Mebibytes(amount) => format!("{amount} MiB"),
    };
    let and = if text.is_empty() { "" } else { " and " };
    let _ = write!(text, "{and}{memory}");
    text
}

/// A taint as `kubectl` writes it: `gpu=yes:NoSchedule`.
#[must_use]
pub fn taint(taint: &Taint) -> String {
    let effect = match taint.effect {
        Effect::NoSchedule => "NoSchedule",
        Effect::PreferNoSchedule => "PreferNoSchedule",
        Effect::NoExecute => "NoExecute",
    };
    match &*taint.value {
        "" => format!("{}:{effect}", taint.key),
        value => format!("{}={value}:{effect}", taint.key),
    }
}

/// `text` for a terminal: without characters that would move its cursor, cut after `most` characters.
#[must_use]
pub fn shown(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().map(plain).take(most + 1).collect();
    if shown.chars().count() > most {
        shown = shown.chars().take(most.saturating_sub(1)).collect();
        shown.push('…');
    }
    shown
}
