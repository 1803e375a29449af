//! The other half of the language: pods as a line of text.

use std::num::NonZeroU8;

use stowage_core::gpu::Model;
use stowage_core::request::{
    ContainerRequest, Models, PodRequest, RequestError, Share, ShareMemory,
};
use stowage_core::units::{Mebibytes, Milli};

/// A pod: `share 470 cores 6000 mem 1000`, `whole 2 on T4|V100M16`, `share 200 x2 vram 512 + none`.
/// A share takes the same part of memory, unless `vram` says how many MiB (`512`) or thousandths
/// (`512/1000`). `mem` is host memory, MiB.
pub(crate) fn request(text: &str) -> PodRequest {
    try_request(text).expect("the text asks for something possible")
}

pub(crate) fn try_request(text: &str) -> Result<PodRequest, RequestError> {
    let (mut containers, mut cores, mut memory, mut models) = (Vec::new(), 0, 0, Models::Any);
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("a word with a value");
        match (word, containers.last_mut()) {
            ("+", _) => {}
            ("none", _) => containers.push(ContainerRequest::None),
            ("whole", _) => containers.push(ContainerRequest::Whole {
                count: count(next()),
            }),
            ("share", _) => containers.push(share_of(number(next()))),
            ("cores", _) => cores = number(next()),
            ("mem", _) => memory = number(next()),
            ("on", _) => models = one_of(next().split('|')),
            ("vram", Some(ContainerRequest::Share { share, .. })) => share.memory = vram(next()),
            (times, Some(ContainerRequest::Share { count: on, .. })) => {
                *on = count(times.strip_prefix('x').expect("a known word"));
            }
            (unknown, _) => panic!("{unknown:?} in a pod"),
        }
    }
    PodRequest::new(&containers, Milli(cores), Mebibytes(memory), models)
}

pub(crate) fn share_of(compute: u32) -> ContainerRequest {
    let (compute, memory) = (Milli(compute), ShareMemory::Milli(Milli(compute)));
    ContainerRequest::Share {
        count: NonZeroU8::MIN,
        share: Share { compute, memory },
    }
}

fn vram(word: &str) -> ShareMemory {
    match word.strip_suffix("/1000") {
        Some(milli) => ShareMemory::Milli(Milli(number(milli))),
        None => ShareMemory::Mebibytes(Mebibytes(number(word))),
    }
}

pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Models {
    Models::OneOf(names.into_iter().map(Model::new).collect())
}

pub(crate) fn number(word: &str) -> u32 {
    word.parse().expect("a number")
}

fn count(word: &str) -> NonZeroU8 {
    word.parse().expect("a count from 1 to 255")
}
