//! Nodes and pods with rules as a line of text, by way of the strings that Kubernetes has for them.
//!
//! A node: `n zone=a gen=8 !key=value:NoSchedule cordoned`. A pod: parts separated by `;`, each of
//! `on NODE`, `select zone=a gen=8`, `require TERM | TERM` (expressions joined by `&`, `{}` for a term
//! without any: `zone In a,b & gen Gt 8 & @ NotIn n`, where `@` is the node's name) and
//! `tolerate key=value:Effect key:Effect * key<5` (`*` every key, without a value `Exists`).

use std::collections::BTreeMap;

use stowage_core::rules::{
    Effect, Expression, NameTest, NodeRules, PodRules, Taint, Term, Test, Toleration, Values,
    canonical_integer, integer,
};

/// A node as Kubernetes writes it.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeText {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Key, value, effect.
    pub(super) taints: Vec<[String; 3]>,
    pub(super) unschedulable: bool,
}

/// A pod as Kubernetes writes it.
#[derive(Debug, Clone, Default)]
pub(super) struct PodText {
    pub(super) node_name: String,
    pub(super) selector: BTreeMap<String, String>,
    pub(super) terms: Option<Vec<TermText>>,
    /// Key, operator, value, effect.
    pub(super) tolerations: Vec<[String; 4]>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct TermText {
    pub(super) expressions: Vec<Requirement>,
    pub(super) fields: Vec<Requirement>,
}

#[derive(Debug, Clone)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
}

pub(super) fn node(line: &str) -> NodeText {
    let mut words = line.split_whitespace();
    let mut node = NodeText {
        name: words.next().expect("a node has a name").to_owned(),
        ..NodeText::default()
    };
    for word in words {
        if word == "cordoned" {
            node.unschedulable = true;
        } else if let Some(taint) = word.strip_prefix('!') {
            let (what, effect) = taint.split_once(':').expect("a taint has an effect");
            let (key, value) = what.split_once('=').unwrap_or((what, ""));
            node.taints.push([key, value, effect].map(str::to_owned));
        } else {
            node.labels.extend([pair(word)]);
        }
    }
    node
}

pub(super) fn pod(line: &str) -> PodText {
    let mut pod = PodText::default();
    for part in line.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let (verb, rest) = part.split_once(' ').unwrap_or((part, ""));
        let words = rest.split_whitespace();
        match verb {
            "on" => pod.node_name = rest.to_owned(),
            "select" => pod.selector = words.map(pair).collect(),
            "require" if rest.is_empty() => pod.terms = Some(Vec::new()),
            "require" => pod.terms = Some(rest.split('|').map(term).collect()),
            "tolerate" => pod.tolerations = words.map(toleration).collect(),
            unknown => panic!("{unknown:?} in a pod"),
        }
    }
    pod
}

fn pair(word: &str) -> (String, String) {
    let (key, value) = word.split_once('=').expect("a label has a value");
    (key.to_owned(), value.to_owned())
}

fn term(text: &str) -> TermText {
    let mut term = TermText::default();
    for expression in text.split('&').map(str::trim).filter(|e| *e != "{}") {
        let words: Vec<&str> = expression.split_whitespace().collect();
        let values = words.get(2).map(|list| list.split(',')).into_iter();
        let requirement = Requirement {
            key: words[0].replace('@', "metadata.name"),
            operator: words[1].to_owned(),
            values: values.flatten().map(str::to_owned).collect(),
        };
        match words[0] {
            "@" => term.fields.push(requirement),
            _ => term.expressions.push(requirement),
        }
    }
    term
}

fn toleration(word: &str) -> [String; 4] {
    let (what, effect) = word.split_once(':').unwrap_or((word, ""));
    let signs = [('=', "Equal"), ('<', "Lt"), ('>', "Gt")];
    let said = signs.iter().find_map(|(sign, operator)| {
        let (key, value) = what.split_once(*sign)?;
        Some((key, *operator, value))
    });
    let (key, operator, value) = said.unwrap_or((what, "Exists", ""));
    [key.trim_matches('*'), operator, value, effect].map(str::to_owned)
}

impl NodeText {
    pub(super) fn rules(&self) -> NodeRules {
        let taint = |[key, value, effect]: &[String; 3]| Taint {
            key: key.clone(),
            value: value.clone(),
            effect: effect_of(effect).expect("a taint has an effect"),
        };
        let taints = self.taints.iter().map(taint).collect();
        let labels = self.labels.clone();
        let rules = NodeRules::new(self.name.clone(), labels, taints, self.unschedulable);
        rules.expect("few labels and taints")
    }
}

impl PodText {
    pub(super) fn rules(&self) -> PodRules {
        let rules = PodRules::default().selecting(self.selector.clone());
        let tolerations = self.tolerations.iter().map(tolerated).collect();
        let mut rules = rules.and_then(|r| r.tolerating(tolerations)).expect("few");
        if let Some(terms) = &self.terms {
            let terms = terms.iter().map(TermText::rule).collect();
            rules = rules.requiring(terms).expect("few terms");
        }
        match self.node_name.is_empty() {
            true => rules,
            false => rules.naming(self.node_name.clone()),
        }
    }
}

impl TermText {
    fn rule(&self) -> Term {
        let labels = self.expressions.iter().map(|requirement| Expression {
            key: requirement.key.clone(),
            test: requirement.test(),
        });
        let names = self.fields.iter().map(|field| {
            let value = field.values[0].clone();
            match &*field.operator {
                "In" => NameTest::Is(value),
                "NotIn" => NameTest::IsNot(value),
                unknown => panic!("{unknown:?} on a field"),
            }
        });
        Term::new(labels.collect(), names.collect()).expect("few expressions")
    }
}

impl Requirement {
    fn test(&self) -> Test {
        let values = self.values.iter().cloned().collect();
        match &*self.operator {
            "In" => Test::In(values),
            "NotIn" => Test::NotIn(values),
            "Exists" => Test::Exists,
            "DoesNotExist" => Test::DoesNotExist,
            "Gt" => Test::Gt(integer(&self.values[0])),
            "Lt" => Test::Lt(integer(&self.values[0])),
            unknown => panic!("{unknown:?} on a label"),
        }
    }
}

fn effect_of(text: &str) -> Option<Effect> {
    match text {
        "" => None,
        "NoSchedule" => Some(Effect::NoSchedule),
        "PreferNoSchedule" => Some(Effect::PreferNoSchedule),
        "NoExecute" => Some(Effect::NoExecute),
        unknown => panic!("{unknown:?} as an effect"),
    }
}

fn tolerated([key, operator, value, effect]: &[String; 4]) -> Toleration {
    let number = || canonical_integer(value).expect("a number is compared with");
    Toleration {
        key: (!key.is_empty()).then(|| key.clone()),
        values: match &**operator {
            "Exists" => Values::Any,
            "Equal" => Values::Equal(value.clone()),
            "Lt" => Values::Below(number()),
            "Gt" => Values::Above(number()),
            unknown => panic!("{unknown:?} in a toleration"),
        },
        effect: effect_of(effect),
    }
}
