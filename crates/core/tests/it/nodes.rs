//! Nodes that come and go: their order, what leaves with them, the layout and the log of changes.

use std::sync::Arc;

use stowage_core::audit::audit;
use stowage_core::cluster::{Cluster, ClusterError};
use stowage_core::gpu::MAX_DEVICES;
use stowage_core::node::{Claim, Node};
use stowage_core::units::{NodeIx, PodUid};

use crate::cluster::{devices, hold};
use crate::drawing::{Scene, gpu, request};

fn bare(name: &str, rank: u32, gpus: usize) -> Node {
    let model = Scene::of("a: 9m 9Mi 9p").state("a").node().as_ref().clone();
    let gpus = vec![gpu("G"); gpus].into();
    Node {
        name: name.into(),
        rank,
        gpus,
        ..model
    }
}

fn names(cluster: &Cluster) -> Vec<&str> {
    cluster
        .nodes()
        .iter()
        .map(|state| &*state.node().name)
        .collect()
}

#[test]
fn nodes_are_kept_by_rank_then_name_however_they_come() {
    let mut cluster =
        Cluster::new([bare("c", 1, 1), bare("b", 1, 1), bare("z", 0, 1)]).expect("ok");
    assert_eq!(names(&cluster), ["z", "b", "c"]);
    for (name, rank) in [("a", 1), ("y", 0), ("bb", 1), ("a0", 2)] {
        cluster.add_node(bare(name, rank, 1)).expect("a new name");
    }
    assert_eq!(names(&cluster), ["y", "z", "a", "b", "bb", "c", "a0"]);
}

#[test]
fn impossible_nodes_are_refused_at_once_or_later() {
    let twice = ClusterError::DuplicateNode("a".into());
    let built = Cluster::new([bare("a", 0, 1), bare("b", 0, 1), bare("a", 5, 2)]);
    assert_eq!(built.map(|_| ()), Err(twice.clone()));
    let large = ClusterError::TooManyDevices("b".into(), MAX_DEVICES + 1);
    assert_eq!(
        Cluster::new([bare("b", 0, MAX_DEVICES + 1)]).map(|_| ()),
        Err(large.clone())
    );
    let mut cluster = Cluster::new([bare("a", 0, MAX_DEVICES)]).expect("as many as may be");
    let layout = cluster.layout();
    assert_eq!(cluster.add_node(bare("a", 9, 1)), Err(twice));
    assert_eq!(cluster.add_node(bare("b", 0, MAX_DEVICES + 1)), Err(large));
    assert_eq!((names(&cluster), cluster.layout()), (vec!["a"], layout));
}

#[test]
fn removed_node_takes_its_pods_with_it_and_the_others_keep_theirs() {
    let mut scene = Scene::of("a: . 9m 9Mi 9p\nb: . 9m 9Mi 9p\nc: . 9m 9Mi 9p");
    for (pod, node) in [(1, 0), (2, 1), (3, 1), (4, 2)] {
        assert_eq!(hold(&mut scene, pod, node, "share 100", "0"), Ok(()));
    }
    let cluster = &mut scene.cluster;
    let gone = cluster.remove_node("b").expect("it is there");
    assert_eq!(gone.to_string(), "b: 800/1000 9m 9Mi 7p");
    assert_eq!(cluster.remove_node("b"), None);
    let at: Vec<_> = cluster
        .pods()
        .iter()
        .map(|(pod, node)| (pod.0, &**node))
        .collect();
    assert_eq!(at, [(1, "a"), (4, "c")]);
    assert_eq!(cluster.release(PodUid(2)), None);
    assert_eq!(
        cluster.release(PodUid(4)).map(|(node, _)| node.to_string()),
        Some("c".to_owned())
    );
    assert_eq!(audit(cluster), []);
}

#[test]
fn layout_differs_after_nodes_come_or_go_and_only_then() {
    let mut scene = Scene::of("a: . 9m 9Mi 9p");
    let first = scene.cluster.layout();
    assert_eq!(hold(&mut scene, 1, 0, "share 100", "0"), Ok(()));
    assert!(scene.cluster.release(PodUid(1)).is_some());
    assert_eq!(scene.cluster.layout(), first);
    scene.cluster.add_node(bare("b", 9, 1)).expect("a new name");
    let second = scene.cluster.layout();
    assert!(scene.cluster.remove_node("b").is_some());
    let third = scene.cluster.layout();
    assert!(first != second && second != third && third != first);
}

#[test]
fn log_tells_what_changed_until_it_no_longer_reaches_back() {
    let mut scene = Scene::of("a: . 9m 9Mi 9p\nb: . 9m 9Mi 9p");
    let start = scene.cluster.version();
    let since = |cluster: &Cluster, version| {
        Some(
            cluster
                .changes_since(version)?
                .map(|node| node.0)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(hold(&mut scene, 1, 1, "share 100", "0"), Ok(()));
    assert_eq!(hold(&mut scene, 2, 0, "share 100", "0"), Ok(()));
    let cluster = &mut scene.cluster;
    assert!(cluster.release(PodUid(1)).is_some());
    assert_eq!(since(cluster, start), Some(vec![1, 0, 1]));
    assert_eq!(since(cluster, start + 2), Some(vec![1]));
    assert_eq!(since(cluster, cluster.version()), Some(vec![]));
    assert_eq!(since(cluster, cluster.version() + 1), None);
    // Beside one change a node, 4096 are kept; here 4098.
    let before = cluster.version();
    let pod = Arc::new(request("share 100"));
    for _ in 0..2049 {
        cluster
            .hold(
                PodUid(1),
                NodeIx(1),
                pod.clone(),
                Claim::Bound(devices("0")),
            )
            .expect("there is room");
        cluster.release(PodUid(1)).expect("it is there");
    }
    assert_eq!(
        since(cluster, before).map(|changes| changes.len()),
        Some(4098)
    );
    assert_eq!(since(cluster, before - 1), None);
}
