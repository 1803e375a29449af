//! What pods hold while nodes and annotations change under them.

use std::sync::Arc;

use serde_json::{Value, json};
use stowage_core::cluster::Event;
use stowage_core::plan::{Context, Parameters};
use stowage_core::strategy::Strategy;
use stowage_core::units::Timestamp;

use crate::config::server::ServerConfiguration;
use crate::extender::live::{Asked, Live, MOVED};
use crate::extender::wire::Name;
use crate::k8s::node::NodeFacts;
use crate::k8s::pod::PodFacts;

fn empty() -> Live {
    let context = Context::new(Strategy::BestFit, Parameters::default(), Arc::default(), 0);
    Live::new(context, None, 100)
}

/// Node `n` with an agent and these devices.
fn agent(uuids: &[&str]) -> NodeFacts {
    let device = |(index, uuid): (usize, &&str)| {
        json!({"index": index, "uuid": uuid, "vendor": "nvidia", "model": "A100-80GB",
            "memoryMib": 81920})
    };
    let devices: Vec<Value> = uuids.iter().enumerate().map(device).collect();
    let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": devices});
    node(&json!({"stowage.dev/inventory": inventory.to_string()}), 0)
}

/// Node `n` behind a device plugin.
fn plugin(gpus: u32) -> NodeFacts {
    node(&json!({}), gpus)
}

fn node(annotations: &Value, gpus: u32) -> NodeFacts {
    let allocatable =
        json!({"cpu": "8", "memory": "64Gi", "pods": "10", "nvidia.com/gpu": gpus.to_string()});
    let node = json!({"metadata": {"name": "n", "annotations": annotations},
        "status": {"allocatable": allocatable}});
    NodeFacts::parse(&node.to_string()).expect("a node")
}

/// A pod on node `n` with these limits and annotations.
fn pod(uid: u8, limits: &Value, annotations: &Value) -> PodFacts {
    let pod = json!({
        "metadata": {"name": "p", "uid": format!("{uid:032}"), "annotations": annotations},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "resources": {"limits": limits}}]},
    });
    PodFacts::parse(&pod.to_string()).expect("a pod")
}

fn on_device(more: &str, index: usize, uuid: &str) -> String {
    format!(
        r#"{{"v":1,{more}"containers":{{"c":[{{"gpu":"{uuid}","index":{index},"memoryMib":0,"computeMilli":0}}]}}}}"#
    )
}

impl Live {
    fn node_is(&mut self, facts: NodeFacts) {
        let node = facts.node.clone();
        self.note(facts);
        let event = Event::NodeSeen(node);
        self.planner.apply(event).expect("understood");
    }

    fn node_goes(&mut self) {
        self.forget("n");
        let event = Event::NodeGone("n".into());
        self.planner.apply(event).expect("understood");
    }

    fn pod_is(&mut self, facts: &PodFacts) {
        let event = Event::PodBound(self.bound(facts).expect("bound"));
        self.planner.apply(event).expect("understood");
    }

    /// The GPUs of node `n`, drawn.
    fn drawn(&self) -> String {
        let text = self.planner.cluster().nodes()[0].to_string();
        let gpus = text.split_once(" 8000m").expect("cores").0;
        gpus.to_owned()
    }

    /// What filter says of node `n` to a pod that asks for one GPU.
    fn filters(&mut self) -> Result<(), &'static str> {
        let facts = pod(9, &json!({"nvidia.com/gpu": "1"}), &json!({}));
        let asked = Asked::of(facts).expect("something possible");
        let config = ServerConfiguration::default();
        let names = [Name("n".into())];
        let now = Timestamp::default();
        let filtered = self.filter(&asked, &names, config.profile(""), now);
        filtered.answers[0]
    }
}

#[test]
fn share_that_an_annotation_asked_for_is_held_whatever_it_says_later() {
    let mut live = empty();
    live.node_is(agent(&["GPU-a", "GPU-b"]));
    let placement = on_device("", 0, "GPU-a");
    let asks = |fraction: &str| {
        let annotations = json!({"gpu-fraction": fraction, "stowage.dev/placement": placement});
        pod(1, &json!({}), &annotations)
    };
    live.pod_is(&asks("0.9"));
    assert_eq!(live.drawn(), "n: 100/1000 .");
    let silent = pod(1, &json!({}), &json!({"stowage.dev/placement": placement}));
    for later in [asks("0.1"), asks("much"), silent] {
        live.pod_is(&later);
        assert_eq!(live.drawn(), "n: 100/1000 .");
    }
}

#[test]
fn prediction_is_not_believed_once_somebody_obeys() {
    let placement = on_device(r#""predicted":true,"#, 1, "");
    let whole = pod(
        1,
        &json!({"nvidia.com/gpu": "1"}),
        &json!({"stowage.dev/placement": placement}),
    );
    let mut before = empty();
    before.node_is(plugin(2));
    before.pod_is(&whole);
    assert_eq!(before.drawn(), "n: . x");
    before.node_is(agent(&["GPU-a", "GPU-b"]));
    let mut after = empty();
    after.node_is(agent(&["GPU-a", "GPU-b"]));
    after.pod_is(&whole);
    for live in [&mut before, &mut after] {
        assert_eq!(live.drawn(), "n: x . ?1");
        assert!(live.filters().is_err(), "the pod may be on either");
    }
}

#[test]
fn node_that_comes_back_with_its_gpus_in_another_order_takes_none() {
    let whole = pod(
        1,
        &json!({"nvidia.com/gpu": "1"}),
        &json!({"stowage.dev/placement": on_device("", 0, "GPU-a")}),
    );
    let mut live = empty();
    live.node_is(agent(&["GPU-a", "GPU-b"]));
    live.pod_is(&whole);
    live.node_goes();
    live.node_is(agent(&["GPU-a", "GPU-b"]));
    assert_eq!(live.filters(), Ok(()));
    live.node_goes();
    live.node_is(agent(&["GPU-b", "GPU-a"]));
    assert_eq!(live.filters(), Err(MOVED));
    live.forget_nodes();
    live.node_is(agent(&["GPU-b", "GPU-a"]));
    assert_eq!(live.filters(), Err(MOVED), "listed again");
}

#[test]
fn containers_of_a_pod_that_waits_are_those_it_has_now() {
    let mut live = empty();
    let config = ServerConfiguration::default();
    live.node_is(agent(&["GPU-a"]));
    for fraction in ["0.9", "0.1"] {
        let facts = pod(1, &json!({}), &json!({"gpu-fraction": fraction}));
        let asked = Asked::of(facts).expect("something possible");
        live.filter(&asked, &[], config.profile(""), Timestamp::default());
        let pending = live.pending.values().next().expect("it waits");
        assert_eq!(pending.containers[0].asks, pending.request.containers()[0]);
    }
}
