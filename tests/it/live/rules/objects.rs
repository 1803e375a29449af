//! The pairs as objects: what is written in the language, and what needs more than it has.

use serde_json::{Value, json};
use stowage::playground::{FakeNode, FakePod};
use stowage_core::rules::Broken;
use stowage_core::unfit::Unfit;

use super::language::{self, NodeText, PodText, Requirement};
use super::pairs;

/// A node and a pod, both called `name`, which are about each other alone.
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) node: FakeNode,
    pub(super) pod: FakePod,
    /// A pod that is on the node already.
    pub(super) there: Option<FakePod>,
    pub(super) then: Then,
    /// What node and pod were written from.
    pub(super) texts: Option<(NodeText, PodText)>,
}

/// What should come of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Goes,
    Breaks(Broken),
    Lacks(Unfit),
}

/// All pairs.
pub(super) fn all() -> Vec<Pair> {
    let mut pairs: Vec<_> = pairs::all().map(|row| written(&row)).collect();
    pairs.extend(room());
    pairs.push(bare_toleration());
    pairs
}

fn written(&(name, node, pod, then): &pairs::Row) -> Pair {
    let mut node = language::node(&format!("$ {node}").replace('$', name));
    let mut pod = language::pod(&pod.replace('$', name));
    let about_pairs = |r: &Requirement| r.key == "pair";
    let terms = pod.terms.iter().flatten();
    let at_home = terms.flat_map(|t| &t.expressions).any(about_pairs);
    let label = ("pair".to_owned(), name.to_owned());
    node.labels.extend([label.clone()]);
    pod.selector.extend((!at_home).then_some(label));
    Pair {
        name: name.to_owned(),
        node: fake_node(&node),
        pod: fake_pod(name, &pod),
        there: None,
        then: then.map_or_else(Then::Breaks, |()| Then::Goes),
        texts: Some((node, pod)),
    }
}

fn fake_node(text: &NodeText) -> FakeNode {
    let mut node = FakeNode::named(&text.name);
    for (key, value) in &text.labels {
        node = node.label(key, value);
    }
    for [key, value, effect] in &text.taints {
        node = node.taint(key, value, effect);
    }
    node.set("/spec", "unschedulable", json!(text.unschedulable))
}

fn fake_pod(name: &str, text: &PodText) -> FakePod {
    let toleration = |[key, operator, value, effect]: &[String; 4]| json!({"key": key, "operator": operator, "value": value, "effect": effect});
    let tolerations: Vec<_> = text.tolerations.iter().map(toleration).collect();
    let pod = FakePod::named(name)
        .set("/spec", "nodeSelector", json!(text.selector))
        .set("/spec", "tolerations", json!(tolerations));
    let Some(terms) = &text.terms else {
        return pod;
    };
    let list = |all: &[Requirement]| all.iter().map(requirement).collect::<Vec<_>>();
    let terms = terms.iter().map(|term| {
        json!({"matchExpressions": list(&term.expressions), "matchFields": list(&term.fields)})
    });
    let terms: Vec<_> = terms.collect();
    pod.affinity(
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": terms}}}),
    )
}

fn requirement(asked: &Requirement) -> Value {
    json!({"key": asked.key, "operator": asked.operator, "values": asked.values})
}

/// Nodes of 4 cores, 8 GiB and 2 pods with a pod of 1 core and 1 GiB on them, and pods that just fit
/// and just do not.
fn room() -> impl Iterator<Item = Pair> {
    let rows = [
        ("cores-just-left", "3", "1Gi", 2, Then::Goes),
        ("cores-gone", "3001m", "1Gi", 2, Then::Lacks(Unfit::Cores)),
        ("memory-just-left", "1", "7Gi", 2, Then::Goes),
        ("memory-gone", "1", "7169Mi", 2, Then::Lacks(Unfit::Memory)),
        ("pods-gone", "1", "1Gi", 1, Then::Lacks(Unfit::Pods)),
        ("nothing-asked", "0", "0", 2, Then::Goes),
    ];
    rows.into_iter().map(|(name, cores, memory, pods, then)| {
        let asking = |name: &str, cores: &str, memory: &str| {
            FakePod::named(name)
                .node_selector("pair", name)
                .request("cpu", cores)
                .request("memory", memory)
        };
        let node = FakeNode::named(name).label("pair", name);
        let there = asking(&format!("{name}-there"), "1", "1Gi");
        Pair {
            name: name.to_owned(),
            node: node.cores(4).memory_gib(8).pods(pods),
            pod: asking(name, cores, memory),
            there: Some(there.set("/spec", "nodeName", json!(name))),
            then,
            texts: None,
        }
    })
}

/// A toleration as people write it: `Equal` is understood.
fn bare_toleration() -> Pair {
    let mut pair = written(&("bare-toleration", "!gpu=a:NoSchedule", "", Ok(())));
    let toleration = json!([{"key": "gpu", "value": "a"}]);
    pair.pod = pair.pod.set("/spec", "tolerations", toleration);
    pair.texts = None;
    pair
}
