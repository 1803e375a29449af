//! What real objects mean, and what is said of wrong ones.
//!
//! `fixtures/` has objects as clusters have them, by hand and shortened; small variations are
//! written where they are tested.

mod amounts;
mod at_least;
mod bindings;
mod dialects;
mod gpus;
mod init_containers;
mod inventories;
mod kinds;
mod nodes;
mod nonsense;
mod partitions;
mod pods;
mod quantities;
mod rules;
mod snapshots;
mod twins;
mod unmodelled;

use serde_json::{Value, json};
use stowage_core::request::{ContainerRequest, PodRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::node::NodeFacts;
use super::pod::PodFacts;

/// A pod of this specification.
fn pod(spec: &Value) -> PodFacts {
    read(&json!({
        "metadata": {"name": "p", "namespace": "ns", "uid": "0".repeat(32)},
        "spec": spec,
    }))
}

fn read(pod: &Value) -> PodFacts {
    PodFacts::parse(&pod.to_string()).unwrap()
}

/// The request of a pod of this specification.
fn request(spec: &Value) -> PodRequest {
    pod(spec).request.unwrap()
}

/// Why a pod of this specification is unsupported.
fn refusal(spec: &Value) -> String {
    pod(spec).request.unwrap_err().to_string()
}

/// A container with these limits.
fn container(name: &str, limits: &Value) -> Value {
    json!({"name": name, "resources": {"limits": limits}})
}

fn whole(count: u8) -> ContainerRequest {
    let count = count.try_into().unwrap();
    ContainerRequest::Whole { count }
}

fn share(count: u8, compute: u32, memory: ShareMemory) -> ContainerRequest {
    let compute = Milli(compute);
    let count = count.try_into().unwrap();
    ContainerRequest::Share {
        count,
        share: Share { compute, memory },
    }
}

fn mib(memory: u32) -> ShareMemory {
    ShareMemory::Mebibytes(Mebibytes(memory))
}

fn milli(part: u32) -> ShareMemory {
    ShareMemory::Milli(Milli(part))
}

fn node(json: &str) -> NodeFacts {
    NodeFacts::parse(json).unwrap()
}

fn node_error(node: &Value) -> String {
    NodeFacts::parse(&node.to_string()).unwrap_err().to_string()
}

const GPU_OPERATOR: &str = include_str!("fixtures/node-gpu-operator.json");
const AKS: &str = include_str!("fixtures/node-aks.json");
const AMD: &str = include_str!("fixtures/node-amd.json");
const WINDOWS: &str = include_str!("fixtures/node-windows.json");
const PLAIN: &str = include_str!("fixtures/node-plain.json");
const INVENTORY: &str = include_str!("fixtures/node-inventory.json");
const TRAINING: &str = include_str!("fixtures/pod-training.json");
const SHARES: &str = include_str!("fixtures/pod-shares.json");
