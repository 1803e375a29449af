//! Shapes: pods that ask for the same and may go to the same nodes, counted.
//!
//! Finer than the core's classes, which leave out host memory and rules: whether one more fits depends
//! on both.

use std::collections::BTreeMap;
use std::sync::Arc;

use stowage_core::request::PodRequest;
use stowage_core::rules::PodRules;

use super::model::{Place, PodInfo};

/// Most shapes that are looked at more closely.
pub const MOST: usize = 8;

/// Pods that are alike to every decision.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What each asks for.
    pub request: Arc<PodRequest>,
    /// Where each may go.
    pub rules: PodRules,
    /// How many are on nodes.
    pub bound: u32,
    /// How many look for one.
    pub pending: u32,
    /// Namespace and name of one of them, the first in alphabetical order.
    pub example: String,
}

impl Shape {
    /// How many there are.
    #[must_use]
    pub fn pods(&self) -> u32 {
        self.bound + self.pending
    }
}

/// The shapes of `pods` that have not ended, the most frequent first; of equally frequent ones the one
/// that asks for more of a GPU, then the larger request, then the first example. Each pod learns its
/// shape.
pub(super) fn count(pods: &mut [PodInfo]) -> Vec<Shape> {
    // Rules have no order of their own; their text has one.
    let mut found: BTreeMap<(PodRequest, String), Vec<usize>> = BTreeMap::new();
    for (at, pod) in pods.iter().enumerate() {
        if let (Ok(request), Ok(rules)) = (&pod.facts.request, &pod.rules)
            && pod.place != Place::Ended
        {
            let key = (request.clone(), format!("{rules:?}"));
            found.entry(key).or_default().push(at);
        }
    }
    let mut members: Vec<_> = found.into_values().collect();
    members.sort_by_cached_key(|members| {
        let first = &pods[members[0]].facts;
        let request = first.request.clone().ok();
        let name = members.iter().map(|&at| pods[at].facts.full_name()).min();
        let milli = request.as_ref().map(PodRequest::gpu_milli);
        (std::cmp::Reverse((members.len(), milli, request)), name)
    });
    let shapes = members.iter().filter_map(|members| shape(members, pods));
    let shapes = shapes.collect();
    for (shape, members) in members.iter().enumerate() {
        members.iter().for_each(|&at| pods[at].shape = Some(shape));
    }
    shapes
}

fn shape(members: &[usize], pods: &[PodInfo]) -> Option<Shape> {
    let first = &pods[*members.first()?];
    let count = |pending: bool| {
        let of = members
            .iter()
            .filter(|&&at| (pods[at].place == Place::Pending) == pending);
        u32::try_from(of.count()).unwrap_or(u32::MAX)
    };
    Some(Shape {
        request: Arc::new(first.facts.request.clone().ok()?),
        rules: first.rules.clone().ok()?,
        bound: count(false),
        pending: count(true),
        example: members.iter().map(|&at| pods[at].facts.full_name()).min()?,
    })
}

/// The most frequent shapes with GPUs, with their places in `shapes`; at most [`MOST`].
pub fn common(shapes: &[Shape]) -> Vec<(usize, &Shape)> {
    let gpus = shapes
        .iter()
        .enumerate()
        .filter(|(_, shape)| shape.request.wants_gpu());
    gpus.take(MOST).collect()
}
