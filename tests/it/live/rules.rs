//! Where no kube-scheduler stands in front of it, Stowage judges kube-scheduler's hard rules itself:
//! here both judge the same pods and nodes, and say the same in the same words.
//!
//! One plain kube-scheduler, no extender, all pairs at once. A pod of a pair may go to the pair's node
//! at most; what holds it back elsewhere is compared too, for kube-scheduler's message counts the
//! nodes of the whole cluster by their reasons. Pods that name their node (`spec.nodeName`) never meet
//! kube-scheduler and are not here.

mod objects;
mod pairs;
// The language belongs to the core's tests; here its lines become objects of the API.
#[path = "../../../crates/core/tests/it/rules/language.rs"]
mod language;

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use stowage::k8s::node::{NodeFacts, RuledNode};
use stowage::k8s::pod::{PodFacts, RuledPod};
use stowage::playground::look::{node_of, unscheduled};
use stowage::playground::{Binaries, ControlPlane, FakePod, Identity, Scheduler};
use stowage_core::cluster::Cluster;
use stowage_core::node::Claim;
use stowage_core::plan::{Context, Parameters, candidate};
use stowage_core::rules::{Broken, NodeRules, PodRules, judge};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::unfit::Unfit;

use super::rig::{PATIENCE, turn};
use objects::{Pair, Then};

const PLAIN: &str = "\
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: KUBECONFIG, qps: 5000, burst: 5000}
leaderElection: {leaderElect: false}
profiles: [{schedulerName: stowage}]
";

#[tokio::test(flavor = "multi_thread")]
async fn core_and_kube_scheduler_give_every_pair_the_same_verdict() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let _turn = turn().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plane = ControlPlane::start(folder.path(), &binaries).await;
    let plane = plane.expect("it starts");
    let client = plane.client(Identity::Admin).await.expect("it answers");
    let pairs = objects::all();
    let nodes = pairs.iter().map(|pair| pair.node.clone());
    let nodes = client.create(nodes).await.expect("nodes are taken");
    let there = pairs.iter().filter_map(|pair| pair.there.clone());
    let there = client.create(there).await.expect("pods are taken");
    let pods = pairs.iter().map(|pair| pair.pod.clone());
    let pods = client.create(pods).await.expect("pods are taken");
    // Only now, so that its first look finds everything.
    let scheduler = Scheduler::start(&plane, PLAIN).await;
    let _scheduler = scheduler.expect("it starts");
    let judged = |pod: &Pod| node_of(pod).is_some() || unscheduled(pod).is_some();
    let all = |pods: &[Pod]| pods.iter().all(judged);
    let seen = client
        .wait_for_pods("a verdict on every pod", PATIENCE, all)
        .await;
    let seen = seen.expect("kube-scheduler answers");
    let by_name = |pod: Pod| (pod.metadata.name.clone().unwrap_or_default(), pod);
    let seen: BTreeMap<_, _> = seen.into_iter().map(by_name).collect();

    let ours = Ours::of(&nodes, &there);
    let complaints = pairs.iter().zip(&pods).filter_map(|(pair, pod)| {
        let complaint = complaint(pair, &ours.judge(pod), &seen[&pair.name])?;
        Some(format!("{}: {complaint}", pair.name))
    });
    let complaints: Vec<_> = complaints.collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(pairs.len() >= 60, "{} pairs", pairs.len());
}

/// What is wrong with a pair, by our own expectation, by our verdict on every node and by
/// kube-scheduler's.
fn complaint(pair: &Pair, ours: &BTreeMap<String, Verdict>, theirs: &Pod) -> Option<String> {
    let own = ours[&pair.name];
    let goes: Vec<_> = ours
        .iter()
        .filter(|(_, v)| v.is_ok())
        .map(|(n, _)| n.as_str())
        .collect();
    let expected = match pair.then {
        Then::Goes => Ok(()),
        Then::Breaks(rule) => Err(Reason::Rule(rule)),
        Then::Lacks(unfit) => Err(Reason::Room(unfit)),
    };
    if own != expected {
        return Some(format!("expected {:?}, we say {own:?}", pair.then));
    }
    if goes.iter().any(|name| *name != pair.name) {
        return Some(format!("not kept in place: {goes:?}"));
    }
    match (own, node_of(theirs), unscheduled(theirs)) {
        (Ok(()), Some(node), _) if node == pair.name => None,
        (Err(_), None, Some((reason, message))) if reason == "Unschedulable" => {
            let words = words(ours);
            let same = message == words || message.starts_with(&format!("{words} "));
            (!same).then(|| format!("we say {words:?}, kube-scheduler {message:?}"))
        }
        (_, node, said) => Some(format!("we say {own:?}, kube-scheduler {node:?} {said:?}")),
    }
}

/// Why a node cannot take a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Rule(Broken),
    Room(Unfit),
}

type Verdict = Result<(), Reason>;

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.sentence(),
            Self::Room(Unfit::Pods) => "Too many pods",
            Self::Room(Unfit::Cores) => "Insufficient cpu",
            Self::Room(Unfit::Memory) => "Insufficient memory",
            Self::Room(unfit) => panic!("{unfit:?}: no pair is about it"),
        }
    }
}

/// kube-scheduler's message made of our verdicts (`FitError.Error`, `pkg/scheduler/framework/types.go`).
fn words(verdicts: &BTreeMap<String, Verdict>) -> String {
    let reasons = verdicts.values().filter_map(|verdict| verdict.err());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    reasons.for_each(|reason| *counts.entry(reason.words()).or_default() += 1);
    let all = verdicts.len();
    // Said of the pod, before any node is looked at.
    let conflict = Broken::Conflict.sentence();
    let counted = |(words, count): (&&str, &usize)| match *words {
        words if words == conflict => words.to_owned(),
        words => format!("{count} {words}"),
    };
    let mut counted: Vec<_> = counts.iter().map(counted).collect();
    counted.sort();
    format!("0/{all} nodes are available: {}.", counted.join(", "))
}

/// The cluster as we read it.
struct Ours {
    nodes: Vec<NodeRules>,
    cluster: Cluster,
    context: Context,
}

impl Ours {
    fn of(nodes: &[Value], there: &[Value]) -> Self {
        let context = Context::new(
            Strategy::BestFit,
            Parameters::default(),
            Arc::new(Outlook::default()),
            0,
        );
        let facts = nodes.iter().map(|node| NodeFacts::parse(&node.to_string()));
        let facts = facts.map(|facts| facts.expect("it is a node").node);
        let mut cluster = Cluster::new(facts).expect("names differ");
        for pod in there {
            let pod = PodFacts::parse(&pod.to_string()).expect("it is a pod");
            let node = pod.node_name.as_deref().and_then(|name| cluster.find(name));
            let (node, request) = (node.expect("it is there"), pod.held());
            let state = &cluster.nodes()[node.index()];
            let devices = candidate(state, &request, &context)
                .expect("it fits")
                .devices;
            let held = cluster.hold(pod.uid, node, Arc::new(request), Claim::Bound(devices));
            held.expect("it fits");
        }
        Self {
            nodes: nodes.iter().map(node_rules).collect(),
            cluster,
            context,
        }
    }

    /// What we say of `pod` on each node.
    fn judge(&self, pod: &Value) -> BTreeMap<String, Verdict> {
        let (rules, request) = (pod_rules(pod), PodFacts::parse(&pod.to_string()));
        let request = request.expect("it is a pod").held();
        let verdict = |node: &NodeRules| {
            judge(&rules, node).map_err(Reason::Rule)?;
            let at = self
                .cluster
                .find(node.name())
                .expect("both were read from it");
            let state = &self.cluster.nodes()[at.index()];
            let fits = candidate(state, &request, &self.context);
            fits.map(drop).map_err(Reason::Room)
        };
        let nodes = self.nodes.iter();
        nodes
            .map(|node| (node.name().to_owned(), verdict(node)))
            .collect()
    }
}

fn node_rules(node: &Value) -> NodeRules {
    let json = node.to_string();
    let rules = RuledNode::parse(&json).and_then(|node| node.rules());
    rules.expect("its rules are good")
}

fn pod_rules(pod: &Value) -> PodRules {
    let json = pod.to_string();
    let rules = RuledPod::parse(&json).and_then(|pod| pod.rules());
    rules.expect("its rules are good")
}

#[test]
fn objects_are_read_as_the_lines_that_they_were_written_from() {
    for pair in objects::all() {
        let Some((node, pod)) = pair.texts else {
            continue;
        };
        assert_eq!(pod_rules(&pair.pod.into()), pod.rules(), "{}", pair.name);
        let (read, written) = (node_rules(&pair.node.into()), node.rules());
        assert_eq!(read.taints(), written.taints(), "{}", pair.name);
        assert_eq!(
            read.unschedulable(),
            written.unschedulable(),
            "{}",
            pair.name
        );
        let kept = |(key, value)| read.labels().get(key) == Some(value);
        assert!(written.labels().iter().all(kept), "{}", pair.name);
    }
}

/// A required node affinity of one term.
fn term(list: &str, key: &str, operator: &str, values: &Value) -> (&'static str, Value) {
    let term = json!({list: [{"key": key, "operator": operator, "values": values}]});
    let required = json!({ "nodeSelectorTerms": [term] });
    let affinity = json!({"nodeAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": required}});
    ("affinity", affinity)
}

fn twins() -> Vec<(&'static str, Value)> {
    let (labels, fields, none) = ("matchExpressions", "matchFields", json!([]));
    let tolerate = |toleration: Value| ("tolerations", json!([toleration]));
    vec![
        term(labels, "zone", "Is", &json!(["a"])),
        term(labels, "zone", "In", &none),
        term(labels, "zone", "NotIn", &none),
        term(labels, "zone", "Exists", &json!(["a"])),
        term(labels, "zone", "DoesNotExist", &json!(["a"])),
        term(labels, "gen", "Gt", &json!(["1", "2"])),
        term(labels, "gen", "Lt", &none),
        term(labels, "gen", "Gt", &json!(["-1"])),
        term(labels, "zone", "In", &json!(["a", "b c"])),
        term(labels, "", "Exists", &none),
        term(labels, "a/b/c", "Exists", &none),
        term(fields, "metadata.labels", "In", &json!(["a"])),
        term(fields, "metadata.name", "Exists", &none),
        term(fields, "metadata.name", "In", &json!(["a", "b"])),
        tolerate(json!({"value": "a"})),
        tolerate(json!({"operator": "Equal"})),
        tolerate(json!({"key": "k", "operator": "Is"})),
        tolerate(json!({"key": "k", "operator": "Exists", "value": "v"})),
        tolerate(json!({"key": "k", "operator": "Gt", "value": "05"})),
        tolerate(json!({"key": "k", "effect": "Never"})),
        tolerate(json!({"key": "a b", "operator": "Exists"})),
        ("nodeSelector", json!({"": "a"})),
        ("nodeSelector", json!({"zone": "a/b"})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_call_wrong_the_api_server_refuses() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let _turn = turn().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plane = ControlPlane::start(folder.path(), &binaries).await;
    let plane = plane.expect("it starts");
    let client = plane.client(Identity::Admin).await.expect("it answers");
    for (field, value) in twins() {
        let pod = FakePod::named("twin").set("/spec", field, value.clone());
        let json = Value::from(pod.clone()).to_string();
        let ours = RuledPod::parse(&json).and_then(|pod| pod.rules());
        assert!(ours.is_err(), "{field}: {value}: we take it");
        let theirs = client.check(pod).await;
        assert!(theirs.is_err(), "{field}: {value}: the API server takes it");
    }
}
