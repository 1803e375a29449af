//! kube-scheduler's hard rules: each one kept and broken, and all of them against a naive reading of
//! the plugins. What is asked here in text is asked of the real program in the root package's tests.

mod drawn;
mod language;
mod naive;

use std::collections::BTreeMap;

use stowage_core::rules::{
    Broken, Effect, Expression, MAX_EXPRESSIONS, MAX_LABELS, MAX_TAINTS, MAX_TERMS,
    MAX_TOLERATIONS, MAX_VALUES, NodeRules, PodRules, Taint, Term, Test, Toleration, Values, judge,
};

use language::{node, pod};

fn verdict(pod_line: &str, node_line: &str) -> Result<(), Broken> {
    let (pod, node) = (pod(pod_line), node(node_line));
    let verdict = judge(&pod.rules(), &node.rules());
    let words = verdict.err().map_or("", Broken::sentence);
    assert_eq!(
        words,
        naive::words(&pod, &node),
        "{pod_line} on {node_line}"
    );
    verdict
}

#[track_caller]
fn goes(pod: &str, node: &str) {
    assert_eq!(verdict(pod, node), Ok(()), "{pod} on {node}");
}

#[track_caller]
fn breaks(pod: &str, node: &str, rule: Broken) {
    assert_eq!(verdict(pod, node), Err(rule), "{pod} on {node}");
}

#[test]
fn a_pod_without_rules_goes_to_a_node_without_rules() {
    goes("", "n");
    goes("", "n zone=a !slow:PreferNoSchedule");
}

#[test]
fn a_selector_wants_all_of_its_labels() {
    goes("select zone=a gen=8", "n zone=a gen=8 more=x");
    goes("select empty=", "n empty=");
    breaks("select zone=a gen=8", "n zone=a", Broken::Affinity);
    breaks("select zone=a", "n zone=b", Broken::Affinity);
    breaks("select empty=", "n", Broken::Affinity);
}

#[test]
fn in_and_exists_want_the_label() {
    for (expression, good, bad) in [
        ("zone In a,b", "zone=b", "zone=c"),
        ("zone Exists", "zone=", "other=a"),
    ] {
        goes(&format!("require {expression}"), &format!("n {good}"));
        breaks(
            &format!("require {expression}"),
            &format!("n {bad}"),
            Broken::Affinity,
        );
        breaks(&format!("require {expression}"), "n", Broken::Affinity);
    }
}

#[test]
fn not_in_and_does_not_exist_hold_where_the_label_is_missing() {
    goes("require zone NotIn a,b", "n zone=c");
    goes("require zone NotIn a,b", "n");
    goes("require zone DoesNotExist", "n other=a");
    breaks("require zone NotIn a,b", "n zone=b", Broken::Affinity);
    breaks("require zone DoesNotExist", "n zone=", Broken::Affinity);
}

#[test]
fn numbers_compare_as_go_reads_them() {
    for good in ["gen=9", "gen=009", "gen=9223372036854775807"] {
        goes("require gen Gt 8", &format!("n {good}"));
    }
    for bad in [
        "gen=8",
        "gen=a9",
        "gen=9.5",
        "gen=",
        "gen=9223372036854775808",
        "other=9",
    ] {
        breaks("require gen Gt 8", &format!("n {bad}"), Broken::Affinity);
    }
    goes("require gen Lt 8", "n gen=7");
    breaks("require gen Lt 8", "n gen=8", Broken::Affinity);
    breaks("require gen Lt 8", "n", Broken::Affinity);
    // The API server takes it, kube-scheduler cannot read it: that term is met nowhere.
    breaks("require gen Gt eight", "n gen=9", Broken::Affinity);
    breaks("require gen Lt eight", "n gen=7", Broken::Affinity);
    goes("require gen Gt eight | gen Exists", "n gen=9");
}

#[test]
fn names_are_told_apart() {
    goes("require @ In n", "n");
    goes("require @ NotIn other", "n");
    goes("require @ In other | @ In n", "n");
    breaks("require @ NotIn n", "n", Broken::Affinity);
    // Where every term names nodes, kube-scheduler does not even look at the others.
    breaks("require @ In other", "n cordoned", Broken::Named);
    breaks("require @ In other | zone In a", "n", Broken::Affinity);
    breaks("require @ In n & zone In a", "n", Broken::Affinity);
    breaks(
        "require @ In n & @ In other",
        "n cordoned",
        Broken::Conflict,
    );
    breaks(
        "require @ In n & @ In other | @ In other",
        "n",
        Broken::Named,
    );
    breaks("require @ In n & @ In other | {}", "n", Broken::Affinity);
    goes("require @ In n & @ In n", "n");
}

#[test]
fn one_term_is_enough_and_all_of_its_expressions_are_needed() {
    goes("require zone In a & gen Gt 8 | zone In b", "n zone=b");
    goes("require zone In a & gen Gt 8 | zone In b", "n zone=a gen=9");
    breaks(
        "require zone In a & gen Gt 8 | zone In b",
        "n zone=a gen=8",
        Broken::Affinity,
    );
    breaks(
        "require zone In a & zone In b",
        "n zone=a",
        Broken::Affinity,
    );
}

#[test]
fn an_empty_term_is_met_by_no_node() {
    breaks("require", "n zone=a", Broken::Affinity);
    breaks("require {}", "n zone=a", Broken::Affinity);
    goes("require {} | zone In a", "n zone=a");
}

#[test]
fn selector_and_affinity_are_both_wanted() {
    goes("select zone=a; require gen Gt 8", "n zone=a gen=9");
    breaks(
        "select zone=a; require gen Gt 8",
        "n zone=b gen=9",
        Broken::Affinity,
    );
    breaks(
        "select zone=a; require gen Gt 8",
        "n zone=a gen=8",
        Broken::Affinity,
    );
}

#[test]
fn hard_taints_keep_away_who_does_not_tolerate_them() {
    for hard in ["NoSchedule", "NoExecute"] {
        let node = format!("n !gpu=yes:{hard}");
        breaks("", &node, Broken::Taint);
        let covers = [
            "gpu=yes",
            "gpu",
            "*",
            &format!("gpu=yes:{hard}"),
            &format!("*:{hard}"),
        ];
        for toleration in covers {
            goes(&format!("tolerate {toleration}"), &node);
        }
        for other in [
            "gpu=no",
            "cpu",
            "gpu=",
            "gpu:PreferNoSchedule",
            "*:PreferNoSchedule",
        ] {
            breaks(&format!("tolerate {other}"), &node, Broken::Taint);
        }
    }
    goes("", "n !gpu=yes:PreferNoSchedule");
    breaks("tolerate gpu:NoExecute", "n !gpu:NoSchedule", Broken::Taint);
}

#[test]
fn every_hard_taint_wants_a_toleration() {
    let node = "n !a:NoSchedule !b:PreferNoSchedule !c=x:NoExecute";
    goes("tolerate a c=x", node);
    breaks("tolerate a b", node, Broken::Taint);
    let (pod, node) = (pod("tolerate a b").rules(), language::node(node).rules());
    assert_eq!(pod.untolerated(&node).unwrap().key, "c");
}

#[test]
fn tolerations_compare_canonical_numbers() {
    goes("tolerate slots<5", "n !slots=4:NoSchedule");
    goes("tolerate slots>5", "n !slots=6:NoExecute");
    for bad in ["5", "04", "four", ""] {
        breaks(
            "tolerate slots<5",
            &format!("n !slots={bad}:NoSchedule"),
            Broken::Taint,
        );
    }
    breaks("tolerate slots>5", "n !slots=5:NoSchedule", Broken::Taint);
    breaks(
        "tolerate slots>-5:NoExecute",
        "n !slots=5:NoSchedule",
        Broken::Taint,
    );
    goes("tolerate slots>-5", "n !slots=0:NoSchedule");
}

#[test]
fn a_cordon_is_a_taint_that_need_not_be_written() {
    let key = "node.kubernetes.io/unschedulable";
    breaks("", "n cordoned", Broken::Unschedulable);
    for good in ["*", key, &format!("{key}:NoSchedule"), &format!("{key}=")] {
        goes(&format!("tolerate {good}"), "n cordoned");
    }
    for bad in ["gpu", &format!("{key}:NoExecute"), &format!("{key}=true")] {
        breaks(
            &format!("tolerate {bad}"),
            "n cordoned",
            Broken::Unschedulable,
        );
    }
}

#[test]
fn a_named_node_is_the_only_one() {
    goes("on n", "n");
    breaks("on other", "n", Broken::NodeName);
    breaks("on n", "n cordoned", Broken::Unschedulable);
}

#[test]
fn the_first_broken_rule_is_named_in_the_plugins_order() {
    let node = "n zone=a cordoned !gpu:NoSchedule";
    let everything = ["on other; ", "require zone In b; ", "tolerate x"];
    breaks(&everything.concat(), node, Broken::NodeName);
    breaks(&everything[1..].concat(), node, Broken::Unschedulable);
    breaks(
        "require zone In b; tolerate node.kubernetes.io/unschedulable",
        node,
        Broken::Taint,
    );
    breaks("require zone In b; tolerate *", node, Broken::Affinity);
    goes("tolerate *", node);
    let sentences = Broken::ALL.map(|rule| rule.to_string());
    let mut different = sentences.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), sentences.len());
}

#[test]
fn too_much_of_anything_is_refused_with_a_reason() {
    let labels = |n: usize| -> BTreeMap<String, String> {
        (0..n).map(|n| (n.to_string(), String::new())).collect()
    };
    let key = |n: usize| {
        vec![
            Expression {
                key: "k".to_owned(),
                test: Test::Exists
            };
            n
        ]
    };
    let values = |n: usize| {
        let test = Test::In(labels(n).into_keys().collect());
        Term::new(
            vec![Expression {
                key: "k".to_owned(),
                test,
            }],
            Vec::new(),
        )
    };
    let taint = Taint {
        key: "k".to_owned(),
        value: String::new(),
        effect: Effect::NoSchedule,
    };
    let toleration = Toleration {
        key: None,
        values: Values::Any,
        effect: None,
    };
    let node =
        |labels, taints| NodeRules::new("n".to_owned(), labels, vec![taint.clone(); taints], false);
    let pod = PodRules::default;
    let said = [
        (
            node(labels(MAX_LABELS + 1), 0).map(drop),
            "4097 labels: expected at most 4096",
        ),
        (node(labels(MAX_LABELS), MAX_TAINTS).map(drop), ""),
        (
            node(labels(0), MAX_TAINTS + 1).map(drop),
            "257 taints: expected at most 256",
        ),
        (
            pod().selecting(labels(MAX_LABELS + 1)).map(drop),
            "4097 labels: expected at most 4096",
        ),
        (pod().selecting(labels(MAX_LABELS)).map(drop), ""),
        (
            pod()
                .requiring(vec![Term::default(); MAX_TERMS + 1])
                .map(drop),
            "257 terms: expected at most 256",
        ),
        (
            pod().requiring(vec![Term::default(); MAX_TERMS]).map(drop),
            "",
        ),
        (
            pod()
                .tolerating(vec![toleration.clone(); MAX_TOLERATIONS + 1])
                .map(drop),
            "257 tolerations: expected at most 256",
        ),
        (
            pod()
                .tolerating(vec![toleration; MAX_TOLERATIONS])
                .map(drop),
            "",
        ),
        (
            Term::new(key(MAX_EXPRESSIONS + 1), Vec::new()).map(drop),
            "65 expressions: expected at most 64",
        ),
        (Term::new(key(MAX_EXPRESSIONS), Vec::new()).map(drop), ""),
        (
            values(MAX_VALUES + 1).map(drop),
            "4097 values: expected at most 4096",
        ),
        (values(MAX_VALUES).map(drop), ""),
    ];
    for (result, sentence) in said {
        assert_eq!(
            result.err().map_or(String::new(), |e| e.to_string()),
            sentence
        );
    }
}
