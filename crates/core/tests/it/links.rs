//! Links between devices, as decisions of whole nodes.

use std::num::NonZeroU8;
use std::sync::Arc;

use stowage_core::cluster::Cluster;
use stowage_core::gpu::{GpuMode, Sharing};
use stowage_core::node::{HandOver, Health, Node, NodeState};
use stowage_core::plan;
use stowage_core::strategy::Strategy;
use stowage_core::topology::Board;
use stowage_core::unfit::Unfit;
use stowage_core::units::PodUid;
use stowage_core::verbs::{Planner, prioritize};

use crate::drawing::{context, spell};
use crate::parts::{gpu, node, whole};

#[test]
fn pairs_go_where_they_are_joined() {
    let linked = |name: &str, board: Board, rank| Node {
        rank,
        links: Some(Arc::new(board.layout())),
        ..node(
            name,
            vec![gpu("V100-16GB", 16_384, GpuMode::Plain); board.layout().gpus()],
        )
    };
    let cluster = |nodes: Vec<Node>| Cluster::new(nodes).expect("a cluster");
    let nodes = vec![
        linked("pcie", Board::TwoSocketPcie, 0),
        linked("mesh", Board::Dgx1V100, 1),
    ];
    for strategy in [Strategy::Fgd, Strategy::BestFit, Strategy::GpuPacking] {
        let mut planner = Planner::new(cluster(nodes.clone()), context(strategy));
        let best = planner.best(0, &whole(2)).expect("it fits");
        assert_eq!(&*planner.node(best).node().name, "mesh", "{strategy}");
        let naive = prioritize(planner.cluster(), &whole(2), planner.context());
        assert_eq!(naive[0].0, best, "{strategy}");
        let single = planner.best(0, &whole(1)).expect("it fits");
        assert_eq!(&*planner.node(single).node().name, "pcie", "{strategy}");
    }
    let mesh = NodeState::idle(Arc::new(linked("mesh", Board::Dgx1V100, 0)));
    let pair = plan::candidate(&mesh, &whole(2), &context(Strategy::Fgd)).expect("it fits");
    assert_eq!(spell(&pair.devices), "0 3", "a double link");
    let must = whole(2).wishing("nvlink".parse().expect("a wish"));
    let pcie = NodeState::idle(Arc::new(linked("pcie", Board::TwoSocketPcie, 0)));
    let refused = plan::candidate(&pcie, &must, &context(Strategy::Fgd));
    assert_eq!(refused.map(|_| ()), Err(Unfit::Topology));
    let unknown = NodeState::idle(Arc::new(node("a", vec![gpu("T4", 1, GpuMode::Plain); 2])));
    let refused = plan::candidate(&unknown, &must, &context(Strategy::Fgd));
    assert_eq!(
        refused.map(|_| ()),
        Err(Unfit::Topology),
        "nothing is known of its links"
    );
    let should = whole(2).wishing("nvlink?".parse().expect("a wish"));
    assert!(plan::candidate(&pcie, &should, &context(Strategy::Fgd)).is_ok());
}

#[test]
fn a_device_plugin_is_predicted_where_links_are_alike_but_sockets_are_not() {
    let failed = [1, 2, 3, 6, 7].into_iter().collect();
    let ask = |hand_over| {
        let state = NodeState::idle(Arc::new(Node {
            hand_over,
            links: Some(Arc::new(Board::HgxH100.layout())),
            health: Health {
                failed,
                ailing: false,
            },
            ..node("a", vec![gpu("H100-80GB", 81_559, GpuMode::Plain); 8])
        }));
        let found = plan::candidate(&state, &whole(2), &context(Strategy::Fgd));
        found.map(|candidate| spell(&candidate.devices))
    };
    // 0 is at one socket, 4 and 5 are at the other; all are joined by NVSwitches, which the plugin does
    // not see.
    assert_eq!(ask(HandOver::StowageNri), Ok("0 4".to_owned()));
    assert_eq!(ask(HandOver::DevicePlugin), Ok("4 5".to_owned()));
}

#[test]
fn a_device_plugin_spreads_replicas_whatever_joins_the_gpus() {
    let two = NonZeroU8::new(2).expect("some");
    let mode = GpuMode::Replicas(two, Sharing::Time);
    let links = Some(Arc::new(Board::Dgx1V100.layout()));
    let cluster = Cluster::new([Node {
        hand_over: HandOver::DevicePlugin,
        links,
        ..node("a", vec![gpu("V100-16GB", 16_384, mode); 8])
    }]);
    let mut planner = Planner::new(cluster.expect("a cluster"), context(Strategy::Fgd));
    let mut next = |number: u64, count| {
        let placed = planner.place(number, PodUid(number.into()), &Arc::new(whole(count)));
        spell(&placed.expect("a new pod").expect("it fits").devices)
    };
    assert_eq!(next(0, 1), "0");
    assert_eq!(next(1, 2), "1 2");
}
