//! Small clusters, what they look like, and what is said of them.
//!
//! Modes of devices, counted partitions and links are set on nodes that were read, by their name.

mod chosen;
mod more;
mod nearest;
mod parts;
mod rows;
mod stranded;

use std::path::Path;

use std::num::NonZeroU8;

use serde_json::{Value, json};
use stowage_core::gpu::{Cut, GpuMode, Sharing};
use stowage_core::mig::Geometry;
use stowage_core::node::Node;
use stowage_core::strategy::Strategy;

use super::model::Model;
use crate::k8s::snapshot::Snapshot;

/// A model of these objects, which have nothing wrong in them.
#[allow(
    clippy::needless_pass_by_value,
    reason = "clusters are written where they are used"
)]
fn model(objects: Vec<Value>) -> Model {
    let (model, problems) = read(&objects);
    assert_eq!(problems, [""; 0]);
    model
}

/// A model of these objects, and what is wrong with them.
fn read(objects: &[Value]) -> (Model, Vec<String>) {
    read_with(objects, |_| {})
}

/// A model of these objects with nodes changed by `change`, and what is wrong with them.
fn read_with(objects: &[Value], change: impl Fn(&mut Node)) -> (Model, Vec<String>) {
    let list = json!({"kind": "List", "items": objects}).to_string();
    let mut snapshot = Snapshot::parse_with_rules(&list, Path::new("cluster.json")).unwrap();
    snapshot
        .nodes
        .iter_mut()
        .for_each(|facts| change(&mut facts.node));
    let mut problems = snapshot.problems.clone();
    let model = Model::of(snapshot, Strategy::Fgd);
    problems.extend(model.problems.iter().cloned());
    (model, problems)
}

/// The same of objects that have nothing wrong in them.
fn model_with(objects: &[Value], change: impl Fn(&mut Node)) -> Model {
    let (model, problems) = read_with(objects, change);
    assert_eq!(problems, [""; 0]);
    model
}

/// Gives all devices of a node this mode.
fn in_mode(node: &mut Node, mode: GpuMode) {
    let mut gpus = node.gpus.to_vec();
    gpus.iter_mut().for_each(|gpu| gpu.mode = mode);
    node.gpus = gpus.into();
}

/// MIG boards where the name begins with `mig`, replicas where it does with `time` or `mps`.
fn by_name(node: &mut Node) {
    let four = NonZeroU8::new(4).unwrap();
    let mode = match &*node.name {
        name if name.starts_with("mig") => {
            GpuMode::Mig(Cut(Geometry::of_board("A100-80GB").unwrap()))
        }
        name if name.starts_with("time") => GpuMode::Replicas(four, Sharing::Time),
        name if name.starts_with("mps") => GpuMode::Replicas(four, Sharing::Mps),
        _ => return,
    };
    in_mode(node, mode);
}

/// A pod that asks for an instance of `profile`.
fn mig(name: &str, profile: &str) -> Value {
    pod(name, &json!({format!("nvidia.com/mig-{profile}"): "1"}))
}

/// The pod with its instance of `profile` on a board of a node.
fn cut(name: &str, node: &str, index: usize, profile: &str, start: u8) -> Value {
    let mut pod = mig(name, profile);
    let entry = json!({"index": index, "memoryMib": 1, "computeMilli": 1, "mig": profile,
        "start": start});
    let placement = json!({"v": 1, "containers": {"main": [entry]}}).to_string();
    pod["spec"]["nodeName"] = node.into();
    pod["metadata"]["annotations"] = json!({"stowage.dev/placement": placement});
    pod
}

/// A node that the agent serves, with room for 16 cores, 64 GiB and 10 pods.
fn served(name: &str, gpus: usize, mib: u32) -> Value {
    let device = |index: usize| json!({"index": index, "vendor": "nvidia", "model": "A100-80GB", "memoryMib": mib});
    let devices: Vec<_> = (0..gpus).map(device).collect();
    let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": devices}).to_string();
    json!({"kind": "Node", "spec": {},
        "metadata": {"name": name, "annotations": {"stowage.dev/inventory": inventory}},
        "status": {"allocatable": {"cpu": "16", "memory": "64Gi", "pods": "10"}}})
}

/// The node with one device that does not work.
fn with_failed(mut node: Value, device: usize) -> Value {
    let inventory = &mut node["metadata"]["annotations"]["stowage.dev/inventory"];
    let mut found: Value = serde_json::from_str(inventory.as_str().unwrap()).unwrap();
    found["devices"][device]["healthy"] = false.into();
    *inventory = found.to_string().into();
    node
}

/// A node behind a device plugin.
fn plugin(name: &str, gpus: usize) -> Value {
    json!({"kind": "Node", "spec": {},
        "metadata": {"name": name, "labels": {"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.memory": "15360"}},
        "status": {"allocatable": {"cpu": "16", "memory": "64Gi", "pods": "10",
            "nvidia.com/gpu": gpus.to_string()}}})
}

/// A pod that waits, with these limits and one core.
fn pod(name: &str, limits: &Value) -> Value {
    json!({"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [
        {"name": "main", "resources": {"requests": {"cpu": "1"}, "limits": limits}}]}})
}

fn percent(name: &str, percent: u32) -> Value {
    pod(
        name,
        &json!({"stowage.dev/gpu-compute": percent.to_string()}),
    )
}

fn memory(name: &str, mib: u32) -> Value {
    pod(name, &json!({"stowage.dev/gpu-memory": mib.to_string()}))
}

fn whole(name: &str, gpus: u32) -> Value {
    pod(name, &json!({"nvidia.com/gpu": gpus.to_string()}))
}

/// The pod on a device of a node.
fn on(mut pod: Value, node: &str, index: usize, mib: u32, milli: u32) -> Value {
    let entry = json!({"index": index, "memoryMib": mib, "computeMilli": milli});
    let placement = json!({"v": 1, "containers": {"main": [entry]}}).to_string();
    pod["spec"]["nodeName"] = node.into();
    pod["metadata"]["annotations"] = json!({"stowage.dev/placement": placement});
    pod
}

/// The pod on a node, nobody knows on which device.
fn somewhere(mut pod: Value, node: &str) -> Value {
    pod["spec"]["nodeName"] = node.into();
    pod
}

/// The object with `value` at `path`.
fn with(mut object: Value, path: &str, value: Value) -> Value {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    parent[key] = value;
    object
}

fn taint(key: &str) -> Value {
    json!([{"key": key, "effect": "NoSchedule"}])
}
