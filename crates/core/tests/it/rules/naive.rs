//! An opinion of its own: kube-scheduler's plugins line by line, over the strings that Kubernetes has.

use super::language::{NodeText, PodText, Requirement, TermText};

/// What kube-scheduler would say of `node`; nothing if it takes the pod.
pub(super) fn words(pod: &PodText, node: &NodeText) -> &'static str {
    if !pod.node_name.is_empty() && pod.node_name != node.name {
        return "node(s) didn't match the requested node name";
    }
    match pre_filter(pod) {
        Some(names) if names.is_empty() => return "pod affinity terms conflict",
        Some(names) if !names.contains(&node.name) => {
            return "node(s) didn't satisfy plugin(s) [NodeAffinity]";
        }
        _ => {}
    }
    let cordon = ["node.kubernetes.io/unschedulable", "", "NoSchedule"].map(str::to_owned);
    if node.unschedulable && !tolerated(pod, &cordon) {
        return "node(s) were unschedulable";
    }
    for taint in &node.taints {
        if (taint[2] == "NoSchedule" || taint[2] == "NoExecute") && !tolerated(pod, taint) {
            return "node(s) had untolerated taint(s)";
        }
    }
    let mut matched = true;
    for (key, value) in &pod.selector {
        matched &= node.labels.get(key) == Some(value);
    }
    if let Some(terms) = &pod.terms {
        matched &= terms.iter().any(|term| term_matches(term, node));
    }
    match matched {
        true => "",
        false => "node(s) didn't match Pod's node affinity/selector",
    }
}

/// Go's sets of names: none is `nil`, the union and intersection are spelt out.
fn pre_filter(pod: &PodText) -> Option<Vec<String>> {
    let terms = pod.terms.as_ref().filter(|terms| !terms.is_empty())?;
    let mut union = Vec::new();
    for term in terms {
        let mut names: Option<Vec<String>> = None;
        for field in term.fields.iter().filter(|field| field.operator == "In") {
            names = Some(match names {
                None => field.values.clone(),
                Some(names) => {
                    let both = names.iter().filter(|name| field.values.contains(name));
                    both.cloned().collect()
                }
            });
        }
        union.extend(names?);
    }
    Some(union)
}

fn term_matches(term: &TermText, node: &NodeText) -> bool {
    if term.expressions.is_empty() && term.fields.is_empty() {
        return false;
    }
    for requirement in &term.expressions {
        let value = node.labels.get(&requirement.key);
        if !label_matches(requirement, value) {
            return false;
        }
    }
    for field in &term.fields {
        let same = field.values[0] == node.name;
        if same != (field.operator == "In") {
            return false;
        }
    }
    true
}

fn label_matches(requirement: &Requirement, value: Option<&String>) -> bool {
    let listed = |value: &String| requirement.values.contains(value);
    match (&*requirement.operator, value) {
        ("NotIn" | "DoesNotExist", None) | ("Exists", Some(_)) => true,
        ("DoesNotExist", Some(_)) | (_, None) => false,
        ("In", Some(value)) => listed(value),
        ("NotIn", Some(value)) => !listed(value),
        (operator, Some(value)) => {
            let limit = requirement.values[0].parse::<i64>();
            let (Ok(value), Ok(limit)) = (value.parse::<i64>(), limit) else {
                return false;
            };
            (operator == "Gt" && value > limit) || (operator == "Lt" && value < limit)
        }
    }
}

fn tolerated(pod: &PodText, taint: &[String; 3]) -> bool {
    let [key, value, effect] = taint;
    pod.tolerations
        .iter()
        .any(|[t_key, operator, t_value, t_effect]| {
            if !t_effect.is_empty() && t_effect != effect {
                return false;
            }
            if !t_key.is_empty() && t_key != key {
                return false;
            }
            match &**operator {
                "" | "Equal" => t_value == value,
                "Exists" => true,
                _ => compared(operator, t_value, value),
            }
        })
}

fn compared(operator: &str, toleration: &str, taint: &str) -> bool {
    let canonical = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let zero = digits.starts_with('0') && text != "0";
        (plain && !zero).then(|| text.parse::<i64>().ok()).flatten()
    };
    match (canonical(toleration), canonical(taint)) {
        (Some(limit), Some(value)) if operator == "Lt" => value < limit,
        (Some(limit), Some(value)) => value > limit,
        _ => false,
    }
}
