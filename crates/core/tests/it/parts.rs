//! MIG slots, replicas, memory shares and health, as decisions of whole nodes.

use std::num::NonZeroU8;
use std::sync::Arc;

use stowage_core::audit::audit;
use stowage_core::cluster::Cluster;
use stowage_core::gpu::{Cut, DeviceSet, Gpu, GpuMode, Model, Sharing, Vendor};
use stowage_core::mig::Geometry;
use stowage_core::node::{HandOver, Health, Node, NodeState, Room};
use stowage_core::partition::Partition;
use stowage_core::plan::{self, Context};
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::Strategy;
use stowage_core::unfit::Unfit;
use stowage_core::units::{Mebibytes, Milli, PodUid};
use stowage_core::verbs::Planner;

use crate::drawing::{context, spell};

const ROOM: Room = Room {
    cores: Milli(96_000),
    memory: Mebibytes(900_000),
    pods: 110,
};

pub(crate) fn gpu(model: &str, memory: u32, mode: GpuMode) -> Gpu {
    Gpu {
        vendor: Vendor::Nvidia,
        model: Model::new(model),
        memory: Mebibytes(memory),
        mode,
    }
}

/// A board that is cut on demand.
pub(crate) fn cut(board: &str) -> Gpu {
    let geometry = Geometry::of_board(board).expect("a board of the table");
    gpu(board, 81_920, GpuMode::Mig(Cut(geometry)))
}

pub(crate) fn node(name: &str, gpus: Vec<Gpu>) -> Node {
    Node {
        name: name.into(),
        room: ROOM,
        gpus: gpus.into(),
        hand_over: HandOver::StowageNri,
        ..Node::default()
    }
}

/// A pod of MIG instances: `1g.10gb 3g.40gb`.
pub(crate) fn instances(profiles: &str) -> PodRequest {
    let one = |name: &str| Partition::Mig(name.parse().expect("a profile"));
    let all: Vec<_> = profiles.split_whitespace().map(one).collect();
    asking(all.into_iter().map(ContainerRequest::Partition))
}

fn asking(containers: impl IntoIterator<Item = ContainerRequest>) -> PodRequest {
    let containers: Vec<_> = containers.into_iter().collect();
    let request = PodRequest::new(&containers, Milli(0), Mebibytes(0), Models::Any);
    request.expect("something possible")
}

pub(crate) fn whole(count: u8) -> PodRequest {
    let count = NonZeroU8::new(count).expect("some");
    asking([ContainerRequest::Whole { count }])
}

fn memory(mib: u32) -> PodRequest {
    let share = Share {
        compute: Milli(0),
        memory: ShareMemory::Mebibytes(Mebibytes(mib)),
    };
    asking([ContainerRequest::Share {
        count: NonZeroU8::MIN,
        share,
    }])
}

/// Places pods one after the other; gives the node each got, or none, and the planner.
fn pour(nodes: Vec<Node>, strategy: Strategy, pods: &[PodRequest]) -> (Planner, Vec<bool>) {
    let cluster = Cluster::new(nodes).expect("a cluster");
    let mut planner = Planner::new(cluster, context(strategy));
    let mut placed = Vec::new();
    for (number, pod) in (0..).zip(pods) {
        let uid = PodUid(u128::from(number));
        let found = planner.place(number, uid, &Arc::new(pod.clone()));
        placed.push(found.expect("a new pod").is_some());
        assert_eq!(audit(planner.cluster()), []);
    }
    (planner, placed)
}

fn draw(planner: &Planner) -> Vec<String> {
    let cells = |state: &NodeState| {
        let text = state.to_string();
        text[..text.find(" 96000m").expect("cores")].to_owned()
    };
    planner.cluster().nodes().iter().map(cells).collect()
}

#[test]
fn seven_small_instances_use_one_board_of_four() {
    let nodes = vec![node("a", vec![cut("A100-80GB"); 4])];
    let (planner, placed) = pour(nodes, Strategy::Fgd, &vec![instances("1g.10gb"); 7]);
    assert!(placed.iter().all(|placed| *placed));
    let idle = "M[........]";
    let drawn = draw(&planner);
    assert_eq!(drawn[0].matches(idle).count(), 3, "{drawn:?}");
}

#[test]
fn four_then_three_share_one_board() {
    let nodes = vec![node("a", vec![cut("A100-80GB"); 2])];
    let pods = [instances("4g.40gb"), instances("3g.40gb")];
    let (planner, _) = pour(nodes, Strategy::Fgd, &pods);
    assert_eq!(draw(&planner), ["a: M[xxxxxxxx] M[........]"]);
}

#[test]
fn a_lone_small_instance_keeps_the_place_of_a_four() {
    let nodes = vec![node("a", vec![cut("A100-80GB")])];
    let (planner, _) = pour(nodes, Strategy::Fgd, &[instances("1g.10gb")]);
    let drawn = draw(&planner);
    assert!(
        drawn[0].starts_with("a: M[....") && drawn[0].contains('x'),
        "{drawn:?}"
    );
}

#[test]
fn instances_of_one_pod_fit_together_or_not_at_all() {
    let state = NodeState::idle(Arc::new(node("a", vec![cut("A100-80GB")])));
    let ask =
        |profiles: &str| plan::candidate(&state, &instances(profiles), &context(Strategy::Fgd));
    let both = ask("3g.40gb 4g.40gb").expect("side by side");
    assert_eq!(spell(&both.devices), "0 | 0");
    assert_eq!((both.devices.start(0), both.devices.start(1)), (4, 0));
    assert_eq!(ask("4g.40gb 4g.40gb"), Err(Unfit::Together));
    assert_eq!(
        ask("1g.5gb").map(|_| ()),
        Err(Unfit::Partition),
        "another board's"
    );
    assert_eq!(
        plan::candidate(&state, &whole(1), &context(Strategy::Fgd)).map(|_| ()),
        Err(Unfit::WholeDevices)
    );
    assert_eq!(
        plan::candidate(&state, &memory(1), &context(Strategy::Fgd)).map(|_| ()),
        Err(Unfit::Share)
    );
}

#[test]
fn counted_partitions_run_out() {
    let kind = Partition::Mig("1g.10gb".parse().expect("a profile"));
    let counted = |name: &str, count| Node {
        partitions: [(kind, count)].into(),
        hand_over: HandOver::DevicePlugin,
        ..node(name, Vec::new())
    };
    let nodes = vec![counted("a", 3), counted("b", 2)];
    let (planner, placed) = pour(nodes, Strategy::Fgd, &vec![instances("1g.10gb"); 6]);
    assert_eq!(placed, [true, true, true, true, true, false]);
    assert_eq!(draw(&planner), ["a: 0*1g.10gb", "b: 0*1g.10gb"]);
    let (planner, placed) = pour(
        vec![counted("a", 9)],
        Strategy::Fgd,
        &[instances("1g.10gb 1g.10gb")],
    );
    assert_eq!(
        (placed, draw(&planner)),
        (vec![true], vec!["a: 7*1g.10gb".to_owned()])
    );
}

#[test]
fn counted_partitions_serve_whom_their_board_suits() {
    let kind = Partition::Mig("1g.10gb".parse().expect("a profile"));
    let offers = |cut_from: Option<Gpu>| Node {
        partitions: [(kind, 1)].into(),
        cut_from,
        hand_over: HandOver::DevicePlugin,
        ..node("a", Vec::new())
    };
    let board = |model: &str| Some(gpu(model, 81_920, GpuMode::Plain));
    let a100 = Models::OneOf([Model::new("A100-80GB")].into());
    let asks = |models: &Models| {
        let one = [ContainerRequest::Partition(kind)];
        PodRequest::new(&one, Milli(0), Mebibytes(0), models.clone()).expect("possible")
    };
    let refusal = |node: Node, request: &PodRequest| {
        let state = NodeState::idle(Arc::new(node));
        plan::candidate(&state, request, &context(Strategy::Fgd)).err()
    };
    assert_eq!(refusal(offers(board("A100-80GB")), &asks(&a100)), None);
    assert_eq!(
        refusal(offers(board("H100-80GB")), &asks(&a100)),
        Some(Unfit::Model)
    );
    // Unknown is never what was asked for.
    assert_eq!(refusal(offers(None), &asks(&a100)), Some(Unfit::Model));
    assert_eq!(refusal(offers(None), &asks(&Models::Any)), None);
    let large = |mib| asks(&Models::Any).with_least_memory(Mebibytes(mib));
    assert_eq!(refusal(offers(board("A100-80GB")), &large(80_000)), None);
    assert_eq!(
        refusal(offers(board("A100-80GB")), &large(90_000)),
        Some(Unfit::Model)
    );
    assert_eq!(refusal(offers(None), &large(1)), Some(Unfit::Model));
}

#[test]
fn so_many_replicas_as_there_are_and_no_more() {
    for (count, sharing) in [(4, Sharing::Time), (3, Sharing::Mps), (60, Sharing::Time)] {
        let mode = GpuMode::Replicas(NonZeroU8::new(count).expect("some"), sharing);
        let nodes = vec![Node {
            hand_over: HandOver::DevicePlugin,
            ..node("a", vec![gpu("T4-16GB", 15_360, mode); 1])
        }];
        let pods = vec![whole(1); usize::from(count) + 3];
        let (_, placed) = pour(nodes, Strategy::BestFit, &pods);
        let fitted = placed.iter().filter(|placed| **placed).count();
        assert_eq!(fitted, usize::from(count));
    }
}

/// A device plugin counts replicas, whichever device they are of. It takes each of the device with most
/// left, so that those of one container are spread, and are of one device where there are no more.
#[test]
fn a_container_gets_several_replicas_of_a_device_if_it_must() {
    let four = |gpus: usize| {
        let mode = GpuMode::Replicas(NonZeroU8::new(4).expect("some"), Sharing::Time);
        Node {
            hand_over: HandOver::DevicePlugin,
            ..node("a", vec![gpu("T4-16GB", 15_360, mode); gpus])
        }
    };
    let ask = |gpus, count| {
        let state = NodeState::idle(Arc::new(four(gpus)));
        plan::candidate(&state, &whole(count), &context(Strategy::Fgd))
    };
    let each = |gpus, count| {
        let devices = ask(gpus, count).expect("it fits").devices;
        devices.each(0).collect::<Vec<_>>()
    };
    assert_eq!(each(2, 2), [(0, 1), (1, 1)]);
    assert_eq!(each(1, 3), [(0, 3)]);
    assert_eq!(each(2, 5), [(0, 3), (1, 2)]);
    assert_eq!(ask(2, 9).map(|_| ()), Err(Unfit::WholeDevices));
    let pods = [whole(3), whole(2), whole(4)];
    let (planner, placed) = pour(vec![four(2)], Strategy::BestFit, &pods);
    assert_eq!(placed, [true, true, false]);
    assert_eq!(
        planner.cluster().nodes()[0].to_string(),
        "a: 250/1000 500/1000 96000m 900000Mi 108p"
    );
}

#[test]
fn twenty_three_pods_of_2000_mib_fit_on_46068_mib() {
    let nodes = || vec![node("a", vec![gpu("L40S-48GB", 46_068, GpuMode::Plain)])];
    for strategy in Strategy::ALL {
        let (planner, placed) = pour(nodes(), strategy, &vec![memory(2_000); 24]);
        assert_eq!(
            placed.iter().filter(|placed| **placed).count(),
            23,
            "{strategy}"
        );
        let state = &planner.cluster().nodes()[0];
        let context: Context = context(strategy);
        let refused = plan::candidate(state, &memory(2_000), &context);
        assert_eq!(refused.map(|_| ()), Err(Unfit::Share));
        assert_eq!(state.free().devices[0].memory, Mebibytes(68));
    }
}

#[test]
fn fgd_packs_memory_shares_on_started_devices() {
    let nodes = vec![node("a", vec![gpu("A", 80_000, GpuMode::Plain); 4])];
    let cluster = Cluster::new(nodes).expect("a cluster");
    let expected = crate::drawing::expecting(Strategy::Fgd, &["share 0 vram 20000", "whole 1"]);
    let mut planner = Planner::new(cluster, expected);
    for number in 0..4_u64 {
        let pod = Arc::new(memory(20_000));
        let placed = planner.place(number, PodUid(number.into()), &pod);
        assert!(placed.expect("a new pod").is_some());
    }
    let devices = &planner.cluster().nodes()[0].free().devices;
    let used = devices
        .iter()
        .filter(|device| device.memory.0 < 80_000)
        .count();
    assert_eq!(used, 1, "four quarters on one device");
}

#[test]
fn failed_devices_get_no_new_pods_and_keep_their_old_ones() {
    let sick = |failed: &[usize], ailing| {
        let failed = failed.iter().copied().collect();
        let health = Health { failed, ailing };
        let gpus = vec![gpu("T4-16GB", 15_360, GpuMode::Plain); 2];
        NodeState::idle(Arc::new(Node {
            health,
            ..node("a", gpus)
        }))
    };
    let ask = |state: &NodeState, pod: &PodRequest| {
        let found = plan::candidate(state, pod, &context(Strategy::Fgd));
        found.map(|candidate| spell(&candidate.devices))
    };
    assert_eq!(ask(&sick(&[0], false), &whole(1)), Ok("1".to_owned()));
    assert_eq!(ask(&sick(&[0], false), &whole(2)), Err(Unfit::WholeDevices));
    assert_eq!(ask(&sick(&[0, 1], false), &whole(1)), Err(Unfit::Unhealthy));
    assert_eq!(ask(&sick(&[], true), &memory(1)), Err(Unfit::Unhealthy));
    assert_eq!(
        ask(&sick(&[], true), &asking([])),
        Ok(String::new()),
        "cores are well"
    );
    assert_eq!(ask(&sick(&[1], false), &memory(1)), Ok("0".to_owned()));
}

#[test]
fn devices_must_have_so_much_memory() {
    let gpus = vec![
        gpu("A", 40_960, GpuMode::Plain),
        gpu("B", 81_920, GpuMode::Plain),
    ];
    let state = NodeState::idle(Arc::new(node("a", gpus)));
    let ask = |least: u32| {
        let pod = whole(1).with_least_memory(Mebibytes(least));
        let found = plan::candidate(&state, &pod, &context(Strategy::Fgd));
        found.map(|candidate| candidate.devices[0])
    };
    assert_eq!(ask(40_960), Ok(DeviceSet::EMPTY.with(0)));
    assert_eq!(ask(40_961), Ok(DeviceSet::EMPTY.with(1)));
    assert_eq!(ask(81_921), Err(Unfit::Model));
}
