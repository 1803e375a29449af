//! What nodes have, by source, and the sentence for each that cannot be used.

use serde_json::json;
use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, Model, Vendor};
use stowage_core::node::{HandOver, Room};
use stowage_core::units::{Mebibytes, Milli};

use super::*;
use crate::k8s::inventory::Inventory;
use crate::k8s::node::{Source, Taint};

fn gpu(vendor: Vendor, model: &str, memory: u32) -> Gpu {
    Gpu {
        vendor,
        model: Model::new(model),
        memory: Mebibytes(memory),
        mode: GpuMode::Plain,
    }
}

#[test]
fn a_gpu_operator_node_is_read_from_labels() {
    let facts = node(GPU_OPERATOR);
    assert_eq!(&*facts.node.name, "gpu-7");
    let room = Room {
        cores: Milli(95_500),
        memory: Mebibytes(920_155),
        pods: 110,
    };
    assert_eq!(facts.node.room, room);
    // Seven are offered, one of the eight is out of order.
    assert_eq!(
        &*facts.node.gpus,
        vec![gpu(Vendor::Nvidia, "A100-80GB", 81_920); 7]
    );
    assert_eq!(facts.uuids, vec![None; 7]);
    assert_eq!(
        (facts.source, facts.node.hand_over),
        (Source::Labels, HandOver::DevicePlugin)
    );
    assert!(!facts.unschedulable);
    assert_eq!(facts.unhealthy, None);
    let taint = |key: &str, value: &str| Taint {
        key: key.into(),
        value: value.into(),
    };
    assert_eq!(
        facts.repels,
        [taint("maintenance", "soon"), taint("old", "")]
    );
}

#[test]
fn an_aks_node_without_discovery_is_read_from_its_size() {
    let facts = node(AKS);
    let expected = vec![gpu(Vendor::Nvidia, "A100-80GB", 81_920); 2];
    assert_eq!(&*facts.node.gpus, expected);
    assert_eq!(facts.source, Source::InstanceType);
    assert!(facts.unschedulable);
    assert_eq!(
        facts.unhealthy.as_deref(),
        Some("the node has the condition GPUXIDErrors")
    );
}

#[test]
fn an_amd_node_is_read_from_labels_of_either_form() {
    let facts = node(AMD);
    let expected = vec![gpu(Vendor::Amd, "MI300X-192GB", 196_608); 8];
    assert_eq!(&*facts.node.gpus, expected);
    assert_eq!(facts.unhealthy.as_deref(), Some("the node is not ready"));
    let older = json!({
        "metadata": {"name": "a", "labels": {
            "beta.amd.com/gpu.product-name.AMD_Instinct_MI300X_OAM": "8", "beta.amd.com/gpu.vram.192G": "8",
        }},
        "status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "1", "amd.com/gpu": "8"}},
    });
    assert_eq!(&*node(&older.to_string()).node.gpus, expected);
}

#[test]
fn nodes_without_a_gpu_or_discovery_are_nodes() {
    let windows = node(WINDOWS);
    let a10 = gpu(Vendor::DirectX, "A10-24GB", 23_028);
    assert_eq!(&*windows.node.gpus, [a10]);
    assert_eq!(windows.source, Source::InstanceType);
    let nameless = labelled(&json!({}), &json!({"microsoft.com/directx": "1"}));
    let nameless = node(&nameless.to_string());
    assert_eq!(&*nameless.node.gpus, [gpu(Vendor::DirectX, "unknown", 0)]);
    assert_eq!(nameless.source, Source::AllocatableOnly);
    let plain = node(PLAIN);
    assert!(plain.node.gpus.is_empty());
    let room = Room {
        cores: Milli(8000),
        memory: Mebibytes(32_768),
        pods: 110,
    };
    assert_eq!(plain.node.room, room);
}

#[test]
fn an_inventory_is_believed_before_labels() {
    let facts = node(INVENTORY);
    assert_eq!(facts.source, Source::Inventory);
    assert_eq!(facts.node.hand_over, HandOver::StowageNri);
    assert_eq!(
        &*facts.node.gpus,
        vec![gpu(Vendor::Nvidia, "A100-80GB", 81_920); 3]
    );
    let uuids = [
        Some("GPU-00000000-aaaa".to_owned()),
        Some("GPU-11111111-aaaa".to_owned()),
        None,
    ];
    assert_eq!(facts.uuids, uuids);
    assert_eq!(facts.node.health.failed, DeviceSet::EMPTY.with(1));
}

#[test]
fn an_inventory_is_written_as_it_is_read() {
    let text = r#"{"v":1,"handOver":"none","devices":[{"index":0,"vendor":"directx","model":"m","memoryMib":1,"healthy":true}]}"#;
    assert_eq!(Inventory::parse(text).unwrap().to_json(), text);
}

#[test]
fn inventories_that_contradict_themselves_are_refused() {
    let device = |index: u32, change: Value| {
        let mut device = json!({"index": index, "vendor": "nvidia", "model": "A", "memoryMib": 1});
        let fields = device.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        device
    };
    let refuse = |v: u32, hand_over: &str, devices: Value| {
        let text = json!({"v": v, "handOver": hand_over, "devices": devices}).to_string();
        Inventory::parse(&text).unwrap_err().to_string()
    };
    let nothing = json!({});
    let twice = json!([device(1, json!({})), device(1, json!({}))]);
    assert_eq!(
        refuse(1, "none", twice),
        "annotation stowage.dev/inventory: device 1: index: expected 0 to 1, each once, got 1"
    );
    assert_eq!(
        refuse(2, "none", json!([device(0, nothing.clone())])),
        "annotation stowage.dev/inventory: expected version 1, got 2"
    );
    assert_eq!(
        refuse(1, "none", json!([device(0, json!({"memoryMib": 0}))])),
        "annotation stowage.dev/inventory: device 0: memoryMib: expected at least 1, got 0"
    );
    assert_eq!(
        refuse(
            1,
            "nvidia-nri",
            json!([device(0, json!({"vendor": "amd"}))])
        ),
        "annotation stowage.dev/inventory: device 0: vendor: expected nvidia where the hand-over is nvidia-nri, got another"
    );
    let same = json!([
        device(0, json!({"uuid": "GPU-1"})),
        device(1, json!({"uuid": "GPU-1"}))
    ]);
    assert_eq!(
        refuse(1, "none", same),
        "annotation stowage.dev/inventory: device 1: uuid: expected one of its own, got \"GPU-1\""
    );
    let sly = json!([device(0, json!({"uuid": "a,nvidia.com/gpu=all"}))]);
    assert!(refuse(1, "none", sly).contains("expected at most 128 letters, digits and dashes"));
    let strict = refuse(1, "none", json!([device(0, json!({"memoryMib": "1"}))]));
    assert!(
        strict.contains("expected an inventory of version 1, got invalid type: string"),
        "{strict}"
    );
    let many = (0..65).map(|index| device(index, json!({}))).collect();
    assert_eq!(
        refuse(1, "none", Value::Array(many)),
        "annotation stowage.dev/inventory: expected at most 64 devices, got 65"
    );
}

/// A node `gpu-7` with these labels and this allocatable beside the usual.
fn labelled(labels: &Value, allocatable: &Value) -> Value {
    let mut all = json!({"cpu": "8", "memory": "32Gi", "pods": "110"});
    all.as_object_mut()
        .unwrap()
        .extend(allocatable.as_object().unwrap().clone());
    json!({"metadata": {"name": "gpu-7", "labels": labels}, "status": {"allocatable": all}})
}

#[test]
fn wrong_nodes_say_field_value_and_expectation() {
    let one = json!({"nvidia.com/gpu": "1"});
    let error = |labels: Value| node_error(&labelled(&labels, &one));
    assert_eq!(
        error(json!({"nvidia.com/gpu.count": "eight"})),
        r#"node gpu-7: label nvidia.com/gpu.count: expected 1 to 64, got "eight""#
    );
    assert_eq!(
        error(json!({"nvidia.com/gpu.memory": "80Gi"})),
        r#"node gpu-7: label nvidia.com/gpu.memory: expected MiB, at least 1, got "80Gi""#
    );
    assert_eq!(
        node_error(&labelled(
            &json!({"amd.com/gpu.vram": "big", "amd.com/gpu.product-name": "x"}),
            &json!({"amd.com/gpu": "1"})
        )),
        r#"node gpu-7: label amd.com/gpu.vram: expected GiB such as 192G, got "big""#
    );
    assert_eq!(
        node_error(&labelled(&json!({}), &json!({"nvidia.com/gpu": "65"}))),
        r#"node gpu-7: status.allocatable nvidia.com/gpu: expected a whole number up to 64, got "65""#
    );
    assert_eq!(
        node_error(&labelled(&json!({}), &json!({"cpu": "lots"}))),
        r#"node gpu-7: status.allocatable cpu: expected a quantity such as 500m, 2 or 64Gi, got "lots""#
    );
    assert_eq!(
        node_error(&json!({"metadata": {"name": "new"}, "status": null})),
        "node new: status.allocatable cpu: expected a quantity, got nothing"
    );
    assert_eq!(
        node_error(&json!({})),
        "node : metadata.name: expected a name, got nothing"
    );
}

#[test]
fn partitions_in_the_making_make_a_node_unhealthy() {
    let labels = json!({"nvidia.com/mig.config.state": "pending"});
    let facts = node(&labelled(&labels, &json!({"nvidia.com/gpu": "8"})).to_string());
    let reason = "the node's GPU partitions are being changed";
    assert_eq!(facts.unhealthy.as_deref(), Some(reason));
    let labels = json!({"nvidia.com/mig.config.state": "failed"});
    let facts = node(&labelled(&labels, &json!({"nvidia.com/gpu": "8"})).to_string());
    let reason = "the last change of the node's GPU partitions failed";
    assert_eq!(facts.unhealthy.as_deref(), Some(reason));
    assert!(facts.node.health.ailing);
}
