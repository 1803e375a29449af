//! How init containers and the others share out the devices of a pod.

use serde_json::json;
use stowage_core::gpu::DeviceSet;
use stowage_core::request::Devices;

use super::*;

/// Whole devices of init containers (`true` is a sidecar) and regular ones.
fn wholes(inits: &[(u8, bool)], mains: &[u8]) -> (Vec<ContainerRequest>, Vec<Vec<usize>>) {
    let limits = |n: u8| json!({"limits": {"nvidia.com/gpu": n.to_string()}});
    let init = |&(n, sidecar): &(u8, bool)| json!({"name": "i", "restartPolicy": sidecar.then_some("Always"), "resources": limits(n)});
    let main = |&n: &u8| json!({"name": "c", "resources": limits(n)});
    let pod = pod(&json!({
        "initContainers": inits.iter().map(init).collect::<Vec<_>>(),
        "containers": mains.iter().map(main).collect::<Vec<_>>(),
    }));
    let from = pod.gpus.iter().map(|c| c.from.clone()).collect();
    (pod.request.unwrap().containers().to_vec(), from)
}

#[test]
fn devices_of_init_containers_are_used_again() {
    let (slots, from) = wholes(&[(1, false)], &[2]);
    assert_eq!((slots, from), (vec![whole(2)], vec![vec![0], vec![0]]));
    let (slots, from) = wholes(&[(3, false)], &[1, 2]);
    let expected = vec![vec![0, 1], vec![0], vec![1]];
    assert_eq!((slots, from), (vec![whole(1), whole(2)], expected));
    let (slots, from) = wholes(&[(4, false), (3, false)], &[2]);
    let expected = vec![vec![0, 1], vec![0, 1], vec![0]];
    assert_eq!(
        (slots, from),
        (vec![whole(2), whole(2)], expected),
        "4 in all"
    );
}

#[test]
fn a_sidecar_keeps_its_devices_from_whoever_comes_after() {
    // The init container after the sidecar cannot have the sidecar's device; the one before can.
    let (slots, from) = wholes(&[(1, true), (1, false)], &[]);
    let expected = vec![vec![0], vec![1]];
    assert_eq!((slots, from), (vec![whole(1), whole(1)], expected));
    let (slots, from) = wholes(&[(1, false), (1, true)], &[]);
    assert_eq!((slots, from), (vec![whole(1)], vec![vec![0], vec![0]]));
}

#[test]
fn an_init_container_uses_a_share_that_is_large_enough() {
    let spec = |init: Value, main: Value| json!({"initContainers": [container("i", &init)], "containers": [container("c", &main)]});
    let large = json!({"stowage.dev/gpu-memory": "8000", "stowage.dev/gpu-compute": "50"});
    let small = json!({"stowage.dev/gpu-memory": "4000"});
    let covered = pod(&spec(small.clone(), large.clone()));
    assert_eq!(
        covered.request.unwrap().containers(),
        [share(1, 500, mib(8000))]
    );
    assert_eq!(covered.gpus[0].from, [0]);
    let not = pod(&spec(large.clone(), small.clone()));
    let expected = [share(1, 0, mib(4000)), share(1, 500, mib(8000))];
    assert_eq!(not.request.unwrap().containers(), expected);
    assert_eq!(not.gpus[0].from, [1]);
    // Several init containers run one after the other: the largest of each.
    let wide = json!({"stowage.dev/gpu-memory": "2000", "stowage.dev/gpu-count": "2"});
    let both = request(&json!({"initContainers": [container("i", &large), container("j", &wide)]}));
    assert_eq!(both.containers(), [share(2, 500, mib(8000))]);
}

#[test]
fn a_container_gets_the_lowest_numbered_devices_it_may_use() {
    let spec = json!({
        "initContainers": [container("i", &json!({"nvidia.com/gpu": "3"}))],
        "containers": [container("a", &json!({"nvidia.com/gpu": "2"})), container("b", &json!({"nvidia.com/gpu": "2"}))],
    });
    let pod = pod(&spec);
    let devices = [DeviceSet::from_iter([1, 7]), DeviceSet::from_iter([0, 3])];
    let devices = Devices::from_slice(&devices);
    let of: Vec<Vec<usize>> = pod.gpus.iter().map(|c| c.units(&devices)).collect();
    assert_eq!(of, [vec![0, 1, 3], vec![1, 7], vec![0, 3]]);
}
