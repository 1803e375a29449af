//! How many more fit, against the naive loop.

use proptest::prelude::*;
use serde_json::json;
use stowage_core::node::Claim;
use stowage_core::plan;

use super::*;
use crate::inspect::more::{CAP, more, unused};
use crate::inspect::shapes::Shape;

/// Places one after the other on the best of all nodes, looking at every node every time.
fn naive(model: &Model, shape: &Shape) -> u32 {
    let mut cluster = model.cluster.clone();
    for (pod, fit) in unused(model).zip(0..CAP) {
        let nodes = model.each_node().map(|(node, _, info)| (node, info));
        let candidates = nodes.filter_map(|(node, info)| {
            let state = &cluster.nodes()[node.index()];
            Some((
                node,
                info.candidate(state, shape.wish(), &model.context).ok()?,
            ))
        });
        let mut candidates: Vec<_> = candidates.collect();
        plan::order(cluster.nodes(), &mut candidates, &model.context);
        let Some((node, candidate)) = candidates.into_iter().next() else {
            return fit;
        };
        let claim = Claim::Bound(candidate.devices);
        cluster
            .hold(pod, node, shape.request.clone(), claim)
            .unwrap();
    }
    CAP
}

fn fits(objects: Vec<Value>) -> Vec<u32> {
    let model = model(objects);
    let fits = |shape: &Shape| {
        let fit = more(&model, shape).fit;
        assert_eq!(fit, naive(&model, shape), "{shape:?}");
        fit
    };
    model.shapes.iter().map(fits).collect()
}

#[test]
fn each_shape_is_counted_alone() {
    assert_eq!(fits(vec![served("a", 2, 1000), percent("p", 50)]), [4]);
    assert_eq!(
        fits(vec![served("a", 2, 1000), percent("p", 30), whole("w", 1)]),
        [2, 6]
    );
    assert_eq!(fits(vec![served("a", 4, 46_068), memory("m", 2000)]), [10]);
}

#[test]
fn rules_are_respected() {
    let pool = || with(served("a", 2, 1000), "/spec/taints", taint("pool"));
    assert_eq!(fits(vec![pool(), whole("w", 1)]), [0]);
    let tolerates = with(
        whole("w", 1),
        "/spec/tolerations",
        json!([{"key": "pool", "operator": "Exists"}]),
    );
    assert_eq!(fits(vec![pool(), tolerates]), [2]);
    let cordoned = with(served("a", 2, 1000), "/spec/unschedulable", json!(true));
    assert_eq!(fits(vec![cordoned, whole("w", 1)]), [0]);
    let selects = with(
        whole("w", 1),
        "/spec/nodeSelector",
        json!({"zone": "north"}),
    );
    assert_eq!(fits(vec![served("a", 2, 1000), selects]), [0]);
}

#[test]
fn nothing_goes_to_sick_gpus() {
    let conditions = json!([{"type": "XIDErrors", "status": "True"}]);
    let sick = with(served("a", 2, 1000), "/status/conditions", conditions);
    assert_eq!(fits(vec![sick, whole("w", 1)]), [0]);
    let one = with_failed(served("a", 3, 1000), 1);
    assert_eq!(fits(vec![one, whole("w", 1)]), [2]);
}

#[test]
fn a_bound_pod_does_not_ask_for_its_own_node_again() {
    let bound = somewhere(whole("w", 1), "a");
    assert_eq!(fits(vec![plugin("a", 2), plugin("b", 3), bound]), [4]);
}

#[test]
fn counting_stops() {
    let mut endless = with(
        served("a", 1, 20_000),
        "/status/allocatable/pods",
        json!("20000"),
    );
    endless = with(endless, "/status/allocatable/cpu", json!("20000"));
    let model = model(vec![endless, memory("m", 1)]);
    assert_eq!(more(&model, &model.shapes[0]).fit, CAP);
}

#[test]
fn pods_with_other_rules_are_another_shape() {
    let selects = |name: &str| {
        with(
            whole(name, 1),
            "/spec/nodeSelector",
            json!({"zone": "north"}),
        )
    };
    let model = model(vec![
        plugin("a", 2),
        selects("a"),
        selects("b"),
        whole("c", 1),
    ]);
    let shapes = model
        .shapes
        .iter()
        .map(|shape| (shape.pending, &*shape.example));
    assert_eq!(
        shapes.collect::<Vec<_>>(),
        [(2, "default/a"), (1, "default/c")]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_planner_counts_what_the_naive_loop_counts(
        nodes in prop::collection::vec((0usize..5, any::<bool>(), any::<bool>()), 1..5),
        held in prop::collection::vec((0usize..5, 0usize..4, 1u32..10), 0..6),
        asks in prop::collection::vec((1u32..100, 0u32..3), 1..4),
    ) {
        let mut objects = Vec::new();
        for (at, (gpus, tainted, shared)) in nodes.iter().enumerate() {
            let name = format!("n{at}");
            let node = if *shared { served(&name, *gpus, 1000) } else { plugin(&name, *gpus) };
            objects.push(if *tainted { with(node, "/spec/taints", taint("pool")) } else { node });
        }
        for (at, (node, index, tenths)) in held.iter().enumerate() {
            let (milli, name) = (tenths * 100, format!("h{at}"));
            let held = percent(&name, tenths * 10);
            objects.push(on(held, &format!("n{node}"), *index, milli, milli));
        }
        for (at, (share, kind)) in asks.iter().enumerate() {
            let name = format!("p{at}");
            let pod = if *kind == 0 { whole(&name, share % 3 + 1) } else { percent(&name, *share) };
            let tolerations = json!([{"operator": "Exists"}]);
            objects.push(if *kind == 2 { with(pod, "/spec/tolerations", tolerations) } else { pod });
        }
        let (model, _) = read(&objects);
        for shape in &model.shapes {
            prop_assert_eq!(more(&model, shape).fit, naive(&model, shape));
        }
    }
}
