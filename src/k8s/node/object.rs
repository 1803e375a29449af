//! The fields of a `core/v1` Node that Stowage reads, as they are written.

use serde::Deserialize;

use super::sizes;
use crate::k8s::json::{Amounts, Keep, List, Map, Text, null};

/// A Node as JSON has it. [`NodeFacts`](super::NodeFacts) is what it means.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeObject<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) metadata: Metadata<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) spec: Spec<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) status: Status<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) labels: Map<'a, Text<'a>, GpuLabels>,
    #[serde(borrow)]
    pub(super) annotations: Map<'a, Text<'a>, OurAnnotations>,
}

/// Labels about GPUs, and the size of the machine.
#[derive(Debug, Default)]
pub(super) struct GpuLabels;

impl Keep for GpuLabels {
    fn keep(key: &str) -> bool {
        let prefixes = [
            "nvidia.com/",
            "amd.com/gpu.",
            "beta.amd.com/gpu.",
            "gpu.intel.com/",
        ];
        prefixes.iter().any(|prefix| key.starts_with(prefix)) || sizes::LABELS.contains(&key)
    }
}

/// Annotations that are Stowage's business.
#[derive(Debug, Default)]
pub(super) struct OurAnnotations;

impl Keep for OurAnnotations {
    fn keep(key: &str) -> bool {
        key.starts_with("stowage.dev/")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec<'a> {
    #[serde(deserialize_with = "null")]
    pub(super) unschedulable: bool,
    #[serde(borrow)]
    pub(super) taints: List<TaintObject<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TaintObject<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) key: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) value: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) effect: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status<'a> {
    #[serde(borrow)]
    pub(super) capacity: Amounts<'a>,
    #[serde(borrow)]
    pub(super) allocatable: Amounts<'a>,
    #[serde(borrow)]
    pub(super) conditions: List<Condition<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "null")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) status: Text<'a>,
}
