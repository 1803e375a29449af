//! A brute-force oracle beside the search for pods that demand links: every way to give each
//! container a set of its own, on boards of which a part is taken.

use std::num::NonZeroU8;
use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::gpu::{DeviceSet, GpuMode};
use stowage_core::node::{Health, Node, NodeState};
use stowage_core::plan;
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::Strategy as Policy;
use stowage_core::topology::{Board, Wish, satisfies};
use stowage_core::unfit::Unfit;
use stowage_core::units::{Mebibytes, Milli};

use crate::drawing::{context, spell};
use crate::parts::{gpu, node};

fn board(board: Board, taken: DeviceSet) -> Node {
    let layout = board.layout();
    let health = Health {
        failed: taken,
        ailing: false,
    };
    Node {
        health,
        links: Some(Arc::new(layout.clone())),
        ..node("a", vec![gpu("A", 10_000, GpuMode::Plain); layout.gpus()])
    }
}

fn whole(count: u8) -> ContainerRequest {
    let count = NonZeroU8::new(count).expect("some");
    ContainerRequest::Whole { count }
}

fn half() -> ContainerRequest {
    ContainerRequest::Share {
        count: NonZeroU8::MIN,
        share: Share {
            compute: Milli(500),
            memory: ShareMemory::Mebibytes(Mebibytes(5_000)),
        },
    }
}

fn asking(containers: &[ContainerRequest], wish: &str) -> PodRequest {
    let request = PodRequest::new(containers, Milli(0), Mebibytes(0), Models::Any);
    let request = request.expect("something possible");
    request.wishing(wish.parse().expect("a wish"))
}

/// Whether every container finds a set in `free`: whole ones a joined set of their own, halves two to
/// a device of those that are left.
fn possible(node: &Node, free: DeviceSet, containers: &[ContainerRequest], wish: Wish) -> bool {
    let links = node.links.as_ref().expect("a board");
    let whole = |c: &&ContainerRequest| matches!(c, ContainerRequest::Whole { .. });
    let mut wholes = containers.iter().filter(whole).map(ContainerRequest::count);
    let Some(count) = wholes.next() else {
        return containers.len() <= 2 * free.len();
    };
    let at = containers.iter().position(|c| whole(&c)).expect("the same");
    let rest: Vec<_> = [&containers[..at], &containers[at + 1..]].concat();
    (0_u32..1 << node.gpus.len()).any(|bits| {
        let set: DeviceSet = (0..node.gpus.len())
            .filter(|d| bits >> d & 1 == 1)
            .collect();
        set.len() == count
            && set.minus(free).is_empty()
            && satisfies(links, set, wish.wanted)
            && possible(node, free.minus(set), &rest, wish)
    })
}

fn a_container() -> impl Strategy<Value = ContainerRequest> {
    prop_oneof![5 => (1_u8..5).prop_map(whole), 1 => Just(half())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn containers_that_demand_links_find_theirs_if_there_is_a_way(
        which in prop::sample::select(vec![
            Board::Dgx1V100,
            Board::BridgedQuad,
            Board::TwoSocketPcie,
            Board::HgxA100,
        ]),
        taken in 0_u8..=255,
        containers in prop::collection::vec(a_container(), 1..4),
        wish in prop::sample::select(vec!["nvlink", "pcie", "numa"]),
        policy in prop::sample::select(&Policy::ALL[..]),
    ) {
        let gpus = which.layout().gpus();
        // Half of the bits twice, so that most devices are free.
        let taken: DeviceSet = (0..gpus).filter(|d| taken >> d & 1 == 1 && d % 2 == 0).collect();
        let node = board(which, taken);
        let free: DeviceSet = (0..gpus).filter(|d| !taken.contains(*d)).collect();
        let pod = asking(&containers, wish);
        let state = NodeState::idle(Arc::new(node.clone()));
        let wish: Wish = wish.parse().expect("a wish");
        let fits = possible(&node, free, &containers, wish);
        match plan::candidate(&state, &pod, &context(policy)) {
            Ok(found) => {
                let links = node.links.as_ref().expect("a board");
                for (container, set) in containers.iter().zip(&found.devices) {
                    prop_assert_eq!(set.len(), container.count());
                    prop_assert!(set.minus(free).is_empty());
                    let whole = matches!(container, ContainerRequest::Whole { .. });
                    prop_assert!(!whole || satisfies(links, *set, wish.wanted), "{set:?}");
                }
                prop_assert!(fits);
            }
            Err(Unfit::Intricate) => prop_assert!(false, "too intricate: {containers:?}"),
            Err(reason) => prop_assert!(!fits, "{reason}"),
        }
    }
}

/// What is free of a DGX-1. The best pair is 1-2, by a double link, and leaves 0 and 6 without one.
///
/// ```text
/// 0---1
///  \  ||
///    2---6
/// ```
#[test]
fn two_containers_share_a_board_in_the_only_way_there_is() {
    let taken = [3, 4, 5, 7].into_iter().collect();
    let state = NodeState::idle(Arc::new(board(Board::Dgx1V100, taken)));
    let ask = |containers: &[ContainerRequest]| {
        let found = plan::candidate(&state, &asking(containers, "nvlink"), &context(Policy::Fgd));
        found.map(|candidate| spell(&candidate.devices))
    };
    assert_eq!(ask(&[whole(2)]), Ok("1 2".to_owned()));
    assert_eq!(ask(&[whole(2), whole(2)]), Ok("0 1 | 2 6".to_owned()));
    assert_eq!(ask(&[whole(3)]), Ok("0 1 2".to_owned()));
    assert_eq!(ask(&[whole(4)]), Err(Unfit::Topology));
    assert_eq!(ask(&[whole(3), whole(2)]), Err(Unfit::Together));
}
