//! Nodes and pods drawn at random, few keys and values, so that they meet; judged by the naive reading.

use proptest::prelude::*;
use stowage_core::rules::{Broken, judge};

use super::language::{NodeText, PodText, Requirement, TermText};
use super::naive;

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

const KEYS: &[&str] = &["a", "b"];
const VALUES: &[&str] = &["", "x", "y", "1", "2", "02", "3"];
const NAMES: &[&str] = &["n", "m"];
const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

fn nodes() -> impl Strategy<Value = NodeText> {
    let labels = prop::collection::btree_map(word(KEYS), word(VALUES), 0..3);
    let taint = [word(KEYS), word(VALUES), word(EFFECTS)];
    let taints = prop::collection::vec(taint, 0..3);
    (word(NAMES), labels, taints, any::<bool>()).prop_map(
        |(name, labels, taints, unschedulable)| NodeText {
            name,
            labels,
            taints,
            unschedulable,
        },
    )
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let operator = word(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]);
    let values = prop::collection::vec(word(VALUES), 1..3);
    (word(KEYS), operator, values).prop_map(|(key, operator, values)| Requirement {
        key,
        operator,
        values,
    })
}

fn terms() -> impl Strategy<Value = TermText> {
    let field = (word(&["In", "NotIn"]), word(NAMES)).prop_map(|(operator, name)| Requirement {
        key: "metadata.name".to_owned(),
        operator,
        values: vec![name],
    });
    let expressions = prop::collection::vec(requirements(), 0..3);
    let fields = prop::collection::vec(field, 0..3);
    (expressions, fields).prop_map(|(expressions, fields)| TermText {
        expressions,
        fields,
    })
}

fn pods() -> impl Strategy<Value = PodText> {
    let keys = &["", "a", "b", "node.kubernetes.io/unschedulable"];
    let effects = &["", "NoSchedule", "PreferNoSchedule", "NoExecute"];
    let exact = (
        word(keys),
        word(&["Equal", "Exists"]),
        word(VALUES),
        word(effects),
    );
    let number = (
        word(KEYS),
        word(&["Lt", "Gt"]),
        word(&["-1", "1", "2"]),
        word(effects),
    );
    let toleration = prop_oneof![3 => exact, 1 => number].prop_map(|(k, o, v, e)| [k, o, v, e]);
    let node_name = prop_oneof![8 => Just(String::new()), 1 => word(NAMES)];
    let selector = prop::collection::btree_map(word(KEYS), word(VALUES), 0..2);
    let terms = prop::option::of(prop::collection::vec(terms(), 0..3));
    let tolerations = prop::collection::vec(toleration, 0..4);
    (node_name, selector, terms, tolerations).prop_map(
        |(node_name, selector, terms, tolerations)| PodText {
            node_name,
            selector,
            terms,
            tolerations,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_verdict_is_the_plugins(pod in pods(), node in nodes()) {
        let verdict = judge(&pod.rules(), &node.rules());
        prop_assert_eq!(verdict.err().map_or("", Broken::sentence), naive::words(&pod, &node));
    }
}
