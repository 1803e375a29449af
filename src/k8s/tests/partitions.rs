//! Partitions of devices that pods ask for, and what a placement says of them.

use serde_json::json;
use stowage_core::gpu::{DeviceSet, Vendor};
use stowage_core::mig::MigProfile;
use stowage_core::partition::{AmdMode, Partition};
use stowage_core::request::Devices;

use super::*;
use crate::k8s::annotation::Placement;

fn mig(name: &str) -> MigProfile {
    name.parse().unwrap()
}

#[test]
fn partitions_have_the_names_of_their_device_plugins() {
    let table = [
        ("nvidia.com/mig-1g.10gb", Partition::Mig(mig("1g.10gb"))),
        (
            "nvidia.com/mig-1g.10gb.me",
            Partition::Mig(mig("1g.10gb+me")),
        ),
        (
            "nvidia.com/mig-1g.5gb.shared",
            Partition::MigReplica(mig("1g.5gb")),
        ),
        ("nvidia.com/gpu.shared", Partition::Replica(Vendor::Nvidia)),
        ("amd.com/cpx_nps4", Partition::Amd(AmdMode::Cpx, 4)),
    ];
    for (resource, kind) in table {
        let request = request(&json!({"containers": [container("a", &json!({resource: "2"}))]}));
        let one = ContainerRequest::Partition(kind);
        assert_eq!(request.containers(), [one, one], "{resource}");
    }
}

#[test]
fn partitions_that_no_board_has_are_refused() {
    let refused = |resource: &str| {
        refusal(&json!({"containers": [container("main", &json!({resource: "1"}))]}))
    };
    let unknown = [
        "nvidia.com/mig-9g.1gb",
        "nvidia.com/mig-",
        "amd.com/cpx_npsx",
        "amd.com/cpx_nps4.shared",
    ];
    for resource in unknown {
        let sentence =
            format!("container main: expected a partition that some board has, got {resource:?}");
        assert_eq!(refused(resource), sentence);
    }
    let many = json!({"containers": [container("main", &json!({"nvidia.com/mig-1g.10gb": "65"}))]});
    assert_eq!(
        refusal(&many),
        "container main: nvidia.com/mig-1g.10gb: expected a whole number up to 64, got \"65\""
    );
    let mixed = json!({"nvidia.com/mig-1g.10gb": "1", "stowage.dev/gpu-compute": "5"});
    assert_eq!(
        refusal(&json!({"containers": [container("main", &mixed)]})),
        "container main: stowage.dev/gpu-compute: expected a share or whole devices in a container, \
         got nvidia.com/mig-1g.10gb too"
    );
}

#[test]
fn init_containers_use_the_partitions_of_later_ones_again() {
    let ask = |n: u8| json!({"nvidia.com/mig-1g.10gb": n.to_string()});
    let spec = json!({
        "initContainers": [container("i", &ask(3)), container("j", &ask(2))],
        "containers": [container("a", &ask(1)), container("b", &ask(1))],
    });
    let pod = pod(&spec);
    assert_eq!(
        pod.request.unwrap().containers().len(),
        3,
        "two, and one more for i"
    );
    let mut from: Vec<_> = pod
        .gpus
        .iter()
        .map(|c| (c.name.clone(), c.from.clone()))
        .collect();
    from.sort();
    let of = |name: &str| -> Vec<usize> {
        from.iter()
            .filter(|(n, _)| n == name)
            .flat_map(|(_, from)| from.clone())
            .collect()
    };
    assert_eq!((of("i"), of("j")), (vec![0, 1, 2], vec![0, 1]));
    assert_eq!((of("a"), of("b")), (vec![0], vec![1]));
}

#[test]
fn instances_of_a_placement_say_device_and_start() {
    let limits = json!({"nvidia.com/mig-1g.10gb": "2", "nvidia.com/mig-3g.40gb": "1"});
    let pod = pod(&json!({"containers": [container("main", &limits)]}));
    let request = pod.request.unwrap();
    let text = r#"{"v":1,"containers":{"main":[
        {"gpu":"GPU-b","index":1,"memoryMib":9,"computeMilli":1,"mig":"1g.10gb","start":6},
        {"gpu":"GPU-a","index":0,"memoryMib":9,"computeMilli":1,"mig":"1g.10gb","start":0},
        {"gpu":"GPU-b","index":1,"memoryMib":9,"computeMilli":1,"mig":"3g.40gb","start":0}]}}"#;
    let uuids = [Some("GPU-a".to_owned()), Some("GPU-b".to_owned())];
    let placement = Placement::parse(text).unwrap();
    let devices = placement
        .devices(&request, &pod.gpus, Some(&uuids))
        .unwrap();
    let set = |device| DeviceSet::EMPTY.with(device);
    assert_eq!(devices[..], [set(1), set(0), set(1)]);
    assert_eq!([0, 1, 2].map(|slot| devices.start(slot)), [6, 0, 0]);
    // One of two is missing.
    let text = r#"{"v":1,"containers":{"main":[
        {"index":1,"memoryMib":9,"computeMilli":1,"mig":"1g.10gb","start":6}]}}"#;
    let short = Placement::parse(text)
        .unwrap()
        .devices(&request, &pod.gpus, Some(&uuids));
    assert_eq!(
        short.unwrap_err().to_string(),
        "stowage.dev/placement: container \"main\": expected 2 devices, got 1"
    );
}

#[test]
fn counted_partitions_have_no_device() {
    let limits = json!({"nvidia.com/mig-1g.10gb": "2"});
    let pod = pod(&json!({"containers": [container("main", &limits)]}));
    let placement = Placement::parse(r#"{"v":1,"containers":{"main":[]}}"#).unwrap();
    let devices = placement
        .devices(&pod.request.unwrap(), &pod.gpus, None)
        .unwrap();
    assert_eq!(devices, Devices::from_slice(&[DeviceSet::EMPTY; 2]));
}

#[test]
fn a_bound_pod_whose_request_is_wrong_still_holds_its_devices() {
    let limits = json!({"nvidia.com/gpu": "2", "stowage.dev/gpu-compute": "500"});
    let pod = pod(&json!({"nodeName": "a", "containers": [container("main", &limits)]}));
    assert!(pod.request.is_err());
    assert_eq!(pod.held().containers(), [whole(2)]);
}
