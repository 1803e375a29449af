//! Placements: what is written is read again, and what cannot be understood is an error.

use std::num::NonZeroU8;

use proptest::prelude::*;
use serde_json::json;
use stowage_core::gpu::{DeviceSet, GpuMode, Sharing};
use stowage_core::node::HandOver;
use stowage_core::request::Devices;

use super::*;
use crate::k8s::annotation::{Placement, binding};

fn set(devices: &[usize]) -> DeviceSet {
    devices.iter().copied().collect()
}

#[test]
fn a_bound_pod_is_read_back_by_uuid_then_by_index() {
    let pod = PodFacts::parse(SHARES).unwrap();
    assert!(pod.deleting && !pod.terminal);
    assert_eq!(pod.node_name.as_deref(), Some("shared-1"));
    let request = pod.request.unwrap();
    let placement = pod.placement.unwrap().unwrap();
    assert!(!placement.predicted);
    let node = node(INVENTORY);
    let here = placement
        .devices(&request, &pod.gpus, Some(&node.uuids))
        .unwrap();
    assert_eq!(here[..], [set(&[1]), set(&[0, 2])]);
    // The driver has numbered the devices anew.
    let anew = [
        None,
        Some("GPU-00000000-aaaa".to_owned()),
        Some("GPU-11111111-aaaa".to_owned()),
    ];
    let moved = placement.devices(&request, &pod.gpus, Some(&anew)).unwrap();
    assert_eq!(moved[..], [set(&[2]), set(&[1, 2])]);
    let unseen = placement.devices(&request, &pod.gpus, None).unwrap();
    assert_eq!(unseen, here);
}

#[test]
fn the_placement_is_written_as_documented() {
    let pod = PodFacts::parse(SHARES).unwrap();
    let request = pod.request.unwrap();
    let devices: Devices = [set(&[1]), set(&[0, 2])].into_iter().collect();
    let annotations = binding(&request, &pod.gpus, &devices, &node(INVENTORY)).unwrap();
    let expected = concat!(
        r#"{"v":1,"containers":{"helper":[{"gpu":"GPU-00000000-aaaa","index":0,"memoryMib":20480,"#,
        r#""computeMilli":250},{"index":2,"memoryMib":20480,"computeMilli":250}],"#,
        r#""main":[{"gpu":"GPU-11111111-aaaa","index":1,"memoryMib":8000,"computeMilli":300}]}}"#,
    );
    assert_eq!(annotations["stowage.dev/placement"], expected);
    assert_eq!(
        annotations["required-plugins.noderesource.dev"],
        r#"["stowage"]"#
    );
    assert_eq!(annotations.len(), 2);
}

#[test]
fn behind_a_device_plugin_a_placement_is_a_prediction() {
    let pod = PodFacts::parse(TRAINING).unwrap();
    let request = pod.request.unwrap();
    let devices: Devices = [set(&[2, 5])].into_iter().collect();
    let annotations = binding(&request, &pod.gpus, &devices, &node(GPU_OPERATOR)).unwrap();
    assert_eq!(annotations.len(), 1);
    let placement = Placement::parse(&annotations["stowage.dev/placement"]).unwrap();
    assert!(placement.predicted);
    // The init container uses one of the main container's.
    let names: Vec<_> = placement.containers.keys().collect();
    assert_eq!(names, ["main", "warm-up"]);
    let entry = &placement.containers["warm-up"][0];
    assert_eq!(
        (entry.index, entry.memory_mib, entry.compute_milli),
        (2, 81_920, 1000)
    );
}

#[test]
fn nvidias_plugin_is_told_by_name() {
    let pod = PodFacts::parse(SHARES).unwrap();
    let request = pod.request.unwrap();
    let mut node = node(INVENTORY);
    node.node.hand_over = HandOver::NvidiaNri;
    let devices: Devices = [set(&[1]), set(&[0, 2])].into_iter().collect();
    let annotations = binding(&request, &pod.gpus, &devices, &node).unwrap();
    let names = "nvidia.com/gpu=GPU-00000000-aaaa,nvidia.com/gpu=2";
    assert_eq!(annotations["nvidia.cdi.k8s.io/container.helper"], names);
    assert_eq!(annotations.len(), 3);
    let mut containers = pod.gpus.clone();
    containers[0].name = "x".repeat(54);
    let error = binding(&request, &containers, &devices, &node).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("expected a container's name of at most 53 characters")
    );
}

#[test]
fn a_pod_without_gpus_carries_nothing() {
    let pod = pod(&json!({"containers": [{}]}));
    let request = pod.request.unwrap();
    let annotations = binding(&request, &pod.gpus, &Devices::new(), &node(INVENTORY));
    assert!(annotations.unwrap().is_empty());
}

#[test]
fn placements_that_are_not_understood_are_errors() {
    let error = |text: &str| Placement::parse(text).unwrap_err().to_string();
    assert_eq!(
        error(r#"{"v":2}"#),
        "stowage.dev/placement: version 2: expected 1"
    );
    assert!(error("{}").starts_with("stowage.dev/placement: missing field `v`"));
    assert!(
        error(r#"{"v":1,"containers":{"a":[{"index":-1}]}}"#)
            .starts_with("stowage.dev/placement: ")
    );
    for mig in [
        r#""mig":"1g.10gb""#,
        r#""mig":"1g","start":4"#,
        r#""start":4"#,
    ] {
        let text = format!(
            r#"{{"v":1,"containers":{{"a":[{{"index":3,{mig},"memoryMib":1,"computeMilli":1}}]}}}}"#
        );
        assert!(error(&text).contains("expected a profile such as 1g.10gb with a start"));
    }
    let newer = r#"{"v":1,"why":"x","containers":{"a":[{"index":3,"memoryMib":1,"computeMilli":1,"numa":0}]}}"#;
    assert!(Placement::parse(newer).is_ok());
}

#[test]
fn several_replicas_of_one_gpu_are_written_one_by_one() {
    let pod = pod(&json!({"containers": [container("main", &json!({"nvidia.com/gpu": "3"}))]}));
    let request = pod.request.clone().unwrap();
    let mut node = node(INVENTORY);
    node.node.hand_over = HandOver::DevicePlugin;
    let replicas = GpuMode::Replicas(NonZeroU8::new(4).unwrap(), Sharing::Time);
    let mut gpu = node.node.gpus[0].clone();
    gpu.mode = replicas;
    node.node.gpus = vec![gpu.clone(); 2].into();
    node.uuids = vec![None; 2];
    let mut devices = Devices::from_slice(&[DeviceSet::EMPTY]);
    for device in [1, 0, 1] {
        devices.give(0, device);
    }
    let placement = Placement::decided(&request, &pod.gpus, &devices, &node);
    let indices = placement.containers["main"].iter().map(|entry| entry.index);
    assert_eq!(indices.collect::<Vec<_>>(), [0, 1, 1]);
    let read = Placement::parse(&placement.to_json()).unwrap();
    let on = |node: Option<&NodeFacts>| read.devices_on(&request, &pod.gpus, node);
    assert_eq!(on(Some(&node)), Ok(devices.clone()));
    assert_eq!(on(None), Ok(devices));
    // Whole GPUs are held once.
    gpu.mode = GpuMode::Plain;
    node.node.gpus = vec![gpu; 2].into();
    let refused = on(Some(&node)).unwrap_err().to_string();
    assert!(refused.ends_with("expected 3 devices, got 2"), "{refused}");
}

#[test]
fn placements_that_do_not_answer_the_request_are_errors() {
    let pod = pod(&json!({"containers": [container("main", &json!({"nvidia.com/gpu": "2"}))]}));
    let request = pod.request.unwrap();
    let uuids = vec![Some("GPU-a".to_owned()), Some("GPU-b".to_owned())];
    let error = |name: &str, devices: &[(u32, Option<&str>)]| {
        let entry = |&(index, gpu): &(u32, Option<&str>)| json!({"gpu": gpu, "index": index, "memoryMib": 1, "computeMilli": 1000});
        let entries: Vec<_> = devices.iter().map(entry).collect();
        let text = json!({"v": 1, "containers": {name: entries}}).to_string();
        let placement = Placement::parse(&text).unwrap();
        let devices = placement.devices(&request, &pod.gpus, Some(&uuids));
        devices.unwrap_err().to_string()
    };
    let main = r#"stowage.dev/placement: container "main": "#;
    assert_eq!(
        error("other", &[]),
        format!("{main}expected its devices, got nothing")
    );
    assert_eq!(
        error("main", &[(0, None)]),
        format!("{main}expected 2 devices, got 1")
    );
    let twice = [(0, None), (0, Some("GPU-a"))];
    assert_eq!(
        error("main", &twice),
        format!("{main}expected 2 devices, got 1")
    );
    let three = [(0, None), (1, None), (1, None)];
    assert_eq!(
        error("main", &three),
        format!("{main}expected 2 devices, got 2")
    );
    let beyond = [(0, None), (2, None)];
    assert_eq!(
        error("main", &beyond),
        format!("{main}index 2: expected 0 to 1")
    );
    let stranger = [(0, None), (1, Some("GPU-c"))];
    assert_eq!(
        error("main", &stranger),
        format!("{main}gpu \"GPU-c\": expected one of the node's")
    );
}

/// Init containers (ordinary or sidecars) and regular ones, some with GPUs.
fn pods() -> impl Strategy<Value = Value> {
    let limits = prop_oneof![
        Just(json!({})),
        (1u8..4).prop_map(|n| json!({"nvidia.com/gpu": n.to_string()})),
        (1u8..4, 1u8..=100).prop_map(|(n, percent)| json!({
            "stowage.dev/gpu-count": n.to_string(), "stowage.dev/gpu-compute": percent.to_string(),
        })),
        (1u8..4, 1u16..9999).prop_map(|(n, mib)| json!({
            "stowage.dev/gpu-count": n.to_string(), "stowage.dev/gpu-memory": mib.to_string(),
        })),
    ];
    let init = (limits.clone(), any::<bool>());
    let inits = prop::collection::vec(init, 0..4);
    (inits, prop::collection::vec(limits, 0..4)).prop_map(|(inits, mains)| {
        let named = |kind: &str, at: usize, limits: &Value, policy: Option<&str>| {
            let name = format!("{kind}{at}");
            json!({"name": name, "restartPolicy": policy, "resources": {"limits": limits}})
        };
        let inits = inits
            .iter()
            .enumerate()
            .map(|(at, (limits, sidecar))| named("init", at, limits, sidecar.then_some("Always")));
        let mains = mains
            .iter()
            .enumerate()
            .map(|(at, limits)| named("main", at, limits, None));
        json!({
            "initContainers": inits.collect::<Vec<_>>(),
            "containers": mains.collect::<Vec<_>>(),
        })
    })
}

/// Devices for `request`, whole ones of their own, drawn from `seed`; none if there are too few.
fn some_devices(request: &PodRequest, mut seed: u64) -> Option<Devices> {
    let mut left: Vec<usize> = (0..32).collect();
    let mut draw = |from: &mut Vec<usize>| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let at = (seed >> 33) as usize % from.len().max(1);
        (at < from.len()).then(|| from.remove(at))
    };
    let sets = request.containers().iter().map(|container| {
        let mut pool = left.clone();
        let whole = matches!(container, ContainerRequest::Whole { .. });
        let from = if whole { &mut left } else { &mut pool };
        (0..container.count())
            .map(|_| draw(from))
            .collect::<Option<DeviceSet>>()
    });
    sets.collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(spec in pods(), seed: u64, knows_uuids: bool, unseen: bool) {
        let pod = pod(&spec);
        let request = pod.request.unwrap();
        let mut node = node(INVENTORY);
        node.node.gpus = vec![node.node.gpus[0].clone(); 32].into();
        node.uuids = (0..32).map(|at| knows_uuids.then(|| format!("GPU-{at}"))).collect();
        prop_assume!(request.containers().len() < 16);
        if let Some(devices) = some_devices(&request, seed) {
            let placement = Placement::decided(&request, &pod.gpus, &devices, &node);
            let text = placement.to_json();
            let read = Placement::parse(&text).unwrap();
            prop_assert_eq!(&read, &placement);
            let uuids = (!unseen).then_some(&node.uuids[..]);
            prop_assert_eq!(read.devices(&request, &pod.gpus, uuids), Ok(devices));
        }
    }

    /// A second opinion on who holds what: walk through the pod's life and count.
    #[test]
    fn every_container_has_what_it_asks_for_while_it_runs(spec in pods(), seed: u64) {
        let pod = pod(&spec);
        let request = pod.request.unwrap();
        let Some(devices) = some_devices(&request, seed) else { return Ok(()) };
        let mut sidecars = DeviceSet::EMPTY;
        let is_whole = |asks: &ContainerRequest| matches!(asks, ContainerRequest::Whole { .. });
        for container in &pod.gpus {
            let set: DeviceSet = container.units(&devices).into_iter().collect();
            prop_assert_eq!(set.len(), container.asks.count(), "{}", &container.name);
            let spec = spec["initContainers"].as_array().unwrap();
            let init = spec.iter().find(|init| init["name"] == container.name.as_str());
            let stays = init.is_none_or(|init| init["restartPolicy"] == "Always");
            if is_whole(&container.asks) {
                prop_assert!(set.minus(sidecars).len() == set.len(), "shares {:?}", set);
            }
            if stays && is_whole(&container.asks) {
                sidecars = sidecars.union(set);
            }
        }
    }
}
