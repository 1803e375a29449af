//! Holds that are not where they are said to be, or of which that is not known: what they may hold is
//! not free.

use std::num::NonZeroU8;
use std::sync::Arc;

use stowage_core::cluster::{BoundPod, Cluster, Event};
use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, Model};
use stowage_core::node::{HandOver, Node};
use stowage_core::partition::Partition;
use stowage_core::plan;
use stowage_core::request::{ContainerRequest, Devices, Models, PodRequest};
use stowage_core::strategy::Strategy;
use stowage_core::unfit::Unfit;
use stowage_core::units::{Mebibytes, Milli, PodUid};

use crate::drawing::{context, request, spell};
use crate::parts::{cut, gpu, instances, node};

fn whole(count: u8, models: Models) -> PodRequest {
    let count = NonZeroU8::new(count).expect("some");
    let containers = [ContainerRequest::Whole { count }];
    PodRequest::new(&containers, Milli(0), Mebibytes(0), models).expect("something possible")
}

fn only(model: &str) -> Models {
    Models::OneOf([Model::new(model)].into())
}

/// A node behind a device plugin.
fn plugin(gpus: Vec<Gpu>) -> Node {
    let hand_over = HandOver::DevicePlugin;
    Node {
        hand_over,
        ..node("a", gpus)
    }
}

fn plain(count: usize) -> Vec<Gpu> {
    vec![gpu("A100-80GB", 81_920, GpuMode::Plain); count]
}

fn on(devices: &[usize]) -> Option<Devices> {
    let set: DeviceSet = devices.iter().copied().collect();
    Some(Devices::from_slice(&[set]))
}

/// A cluster of `node` with pods on it that hold what they say, or something of it.
fn cluster(node: Node, pods: Vec<(PodRequest, Option<Devices>)>) -> Cluster {
    let mut cluster = Cluster::new([node]).expect("one node");
    for (uid, (request, devices)) in (1..).zip(pods) {
        let bound = BoundPod {
            pod: PodUid(uid),
            node: "a".into(),
            request: Arc::new(request),
            devices,
        };
        cluster.apply(Event::PodBound(bound)).expect("understood");
    }
    cluster
}

fn fits(cluster: &Cluster, request: &PodRequest) -> bool {
    let state = &cluster.nodes()[0];
    plan::candidate(state, request, &context(Strategy::BestFit)).is_ok()
}

#[test]
fn share_of_a_device_whose_memory_is_not_known_may_be_all_of_it() {
    let pod = request("share 0 vram 3000");
    let unknown = || plugin(vec![gpu("unknown", 0, GpuMode::Plain); 2]);
    for devices in [None, on(&[0])] {
        let cluster = cluster(unknown(), vec![(pod.clone(), devices.clone())]);
        assert!(!fits(&cluster, &whole(2, Models::Any)));
        // Nobody knows on which, or it is said.
        assert_eq!(fits(&cluster, &whole(1, Models::Any)), devices.is_some());
    }
}

#[test]
fn device_that_the_node_no_longer_has_is_held_elsewhere_on_it() {
    let pods = vec![(whole(1, Models::Any), on(&[7]))];
    let mut cluster = cluster(plugin(plain(8)), pods);
    let shrunk = Event::NodeSeen(plugin(plain(7)));
    cluster.apply(shrunk).expect("understood");
    assert!(cluster.nodes()[0].in_conflict());
    assert!(fits(&cluster, &whole(6, Models::Any)));
    assert!(!fits(&cluster, &whole(7, Models::Any)));
}

#[test]
fn two_pods_behind_a_plugin_do_not_have_one_device() {
    let pod = || (whole(1, Models::Any), on(&[0]));
    let twice = cluster(plugin(plain(3)), vec![pod(), pod()]);
    assert!(fits(&twice, &whole(1, Models::Any)));
    assert!(!fits(&twice, &whole(2, Models::Any)));
    let obeyed = cluster(node("a", plain(3)), vec![pod(), pod()]);
    assert!(fits(&obeyed, &whole(2, Models::Any)), "both are on GPU 0");
}

#[test]
fn partitions_outlive_a_change_of_the_layout() {
    let kind = Partition::Mig("1g.10gb".parse().expect("a profile"));
    let counted = || Node {
        partitions: vec![(kind, 7)].into(),
        ..plugin(Vec::new())
    };
    for devices in [None, on(&[])] {
        let pods = || vec![(instances("1g.10gb"), devices.clone())];
        let mut recut = cluster(counted(), pods());
        let cut = Event::NodeSeen(node("a", vec![cut("A100-80GB")]));
        recut.apply(cut).expect("understood");
        assert!(!fits(&recut, &instances("7g.80gb")));
        let mut uncut = cluster(counted(), pods());
        let whole_again = Event::NodeSeen(plugin(plain(1)));
        uncut.apply(whole_again).expect("understood");
        assert!(!fits(&uncut, &whole(1, Models::Any)));
    }
}

/// Slots 6 and 7 of the first board are left, and nothing of its memory.
#[test]
fn board_that_overlapping_instances_use_up_stands_in_no_way() {
    let at = |start| {
        let mut devices = on(&[0]);
        let known = devices.as_mut().expect("said");
        known.set_start(0, start);
        (instances("3g.40gb"), devices)
    };
    let ask = |boards: usize| {
        let boards = node("a", vec![cut("A100-80GB"); boards]);
        let cluster = cluster(boards, vec![at(0), at(2)]);
        let (state, pod) = (&cluster.nodes()[0], instances("1g.10gb"));
        let found = plan::candidate(state, &pod, &context(Strategy::Fgd));
        found.map(|candidate| spell(&candidate.devices))
    };
    assert_eq!(ask(1), Err(Unfit::Partition));
    assert_eq!(ask(2), Ok("1".to_owned()));
}

#[test]
fn pod_that_takes_any_board_may_have_the_one_that_another_wants() {
    let two = || {
        let plain = |model| gpu(model, 81_920, GpuMode::Plain);
        plugin(vec![plain("A"), plain("B")])
    };
    let one = cluster(two(), vec![(whole(1, Models::Any), None)]);
    assert!(!fits(&one, &whole(1, only("A"))));
    assert!(!fits(&one, &whole(1, only("B"))));
    assert!(fits(&one, &whole(1, Models::Any)), "whichever is left");
    let pods = vec![(whole(1, Models::Any), None), (whole(1, only("A")), None)];
    let both = cluster(two(), pods);
    assert!(!fits(&both, &whole(1, Models::Any)));
}

#[test]
fn whole_device_that_is_handed_over_by_name_is_not_guessed() {
    let pods = || vec![(whole(1, Models::Any), None)];
    let obeyed = cluster(node("a", plain(2)), pods());
    assert!(!fits(&obeyed, &whole(1, Models::Any)));
    let counted = cluster(plugin(plain(2)), pods());
    assert!(fits(&counted, &whole(1, Models::Any)));
}
