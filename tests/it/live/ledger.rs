//! An opinion of its own on what the pods hold: their annotations against what the nodes have. Written
//! apart from the core, over JSON alone.

use std::collections::BTreeMap;

use serde_json::Value;
use stowage::playground::Client;

/// Where a pod is: its node and the devices of each container, by index.
pub(super) type Places = BTreeMap<String, (String, BTreeMap<String, Vec<u64>>)>;

/// Reads all bound pods, checks that no device is promised beyond what it has, and says where each
/// pod is.
pub(super) async fn check(client: &Client) -> Places {
    let mut held: BTreeMap<(String, u64), (u64, u64)> = BTreeMap::new();
    let mut places = Places::new();
    for (pod, placement) in client.placements().await.expect("pods can be read") {
        let Some(node) = placement.node else {
            continue;
        };
        let mut containers = BTreeMap::new();
        if let Some(text) = placement.annotations.get("stowage.dev/placement") {
            let json: Value = serde_json::from_str(text).expect("a placement is JSON");
            for (name, entries) in json["containers"].as_object().expect("containers") {
                let mut indices = Vec::new();
                for entry in entries.as_array().expect("devices") {
                    let number = |field: &str| entry[field].as_u64().expect("a number");
                    let key = (node.clone(), number("index"));
                    let sum = held.entry(key).or_default();
                    sum.0 += number("computeMilli");
                    sum.1 += number("memoryMib");
                    indices.push(number("index"));
                }
                containers.insert(name.clone(), indices);
            }
        }
        places.insert(pod, (node.clone(), containers));
    }
    for ((node, index), (compute, memory)) in held {
        assert!(
            compute <= 1000,
            "{node} GPU {index}: {compute} thousandths promised"
        );
        assert!(
            memory <= 81_920,
            "{node} GPU {index}: {memory} MiB promised"
        );
    }
    places
}
