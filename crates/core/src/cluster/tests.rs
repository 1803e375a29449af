//! The audit finds a cluster that is wrong. No public call can make one, so it is spoiled here, behind
//! the private fields.

use std::sync::Arc;

use super::Cluster;
use crate::audit::{Finding, audit};
use crate::node::{Claim, HandOver, Hold, HoldError, Node, Room};
use crate::request::{Devices, Models, PodRequest};
use crate::units::{Mebibytes, Milli, NodeIx, PodUid};

/// Two nodes, pod 1 on the first.
fn cluster() -> Cluster {
    let room = Room {
        cores: Milli(4),
        memory: Mebibytes(4),
        pods: 4,
    };
    let node = |name: &str| Node {
        name: name.into(),
        rank: 0,
        room,
        gpus: [].into(),
        hand_over: HandOver::DevicePlugin,
        ..Node::default()
    };
    let mut cluster = Cluster::new([node("a"), node("b")]).expect("two names");
    let held = cluster.hold(PodUid(1), NodeIx(0), pod(), Claim::Bound(Devices::new()));
    assert_eq!(held, Ok(()));
    cluster
}

fn pod() -> Arc<PodRequest> {
    let request = PodRequest::new(&[], Milli(1), Mebibytes(1), Models::Any);
    Arc::new(request.expect("possible"))
}

#[test]
fn audit_finds_an_index_that_disagrees_with_the_holds() {
    let one = Finding::Index { pod: PodUid(1) };
    assert_eq!(audit(&cluster()), []);
    let mut unknown = cluster();
    unknown.pods.clear();
    assert_eq!(audit(&unknown), std::slice::from_ref(&one));
    let mut elsewhere = cluster();
    elsewhere.pods.insert(PodUid(1), "b".into());
    assert_eq!(audit(&elsewhere), std::slice::from_ref(&one));
    let mut nowhere = cluster();
    nowhere.pods.insert(PodUid(2), "b".into());
    assert_eq!(audit(&nowhere), [Finding::Index { pod: PodUid(2) }]);
}

#[test]
fn audit_finds_a_pod_that_is_held_twice() {
    let mut cluster = cluster();
    let hold = Hold {
        request: pod(),
        claim: Claim::Bound(Devices::new()),
    };
    let again = cluster.nodes[0].hold(PodUid(1), hold.clone());
    assert_eq!(again, Err(HoldError::Twice));
    assert_eq!(cluster.nodes[1].hold(PodUid(1), hold), Ok(()));
    assert_eq!(audit(&cluster), [Finding::Index { pod: PodUid(1) }]);
}
