//! The required node affinity of a pod.
//!
//! What is refused is what `ValidateNodeSelectorRequirement` and
//! `ValidateNodeFieldSelectorRequirement` refuse (`pkg/apis/core/validation`, Kubernetes 1.37).

use std::collections::BTreeSet;

use stowage_core::rules::{Expression, NameTest, Term, Test, TooMany, integer};

use super::object;
use crate::k8s::json::Text;
use crate::k8s::labels;
use crate::k8s::problem::Wrong;

/// Short for the longest path there is in a Pod.
const REQUIRED: &str = "required node affinity";
const OPERATORS: &str = "In, NotIn, Exists, DoesNotExist, Gt or Lt";
/// The only field of a node that Kubernetes lets pods ask about.
const NAME: &str = "metadata.name";

/// More terms than are looked at.
pub(super) fn too_many(many: &TooMany) -> Wrong {
    Wrong::too_many(REQUIRED, many)
}

/// The terms, in the order written.
pub(super) fn terms(required: &object::NodeSelector<'_>) -> Result<Vec<Term>, Wrong> {
    let terms = required.node_selector_terms.iter().enumerate();
    terms.map(|(at, term)| read(at, term)).collect()
}

fn read(at: usize, term: &object::Term<'_>) -> Result<Term, Wrong> {
    let place = |list: &str, n: usize| Place {
        path: format!("{REQUIRED}: nodeSelectorTerms[{at}].{list}[{n}]"),
    };
    let labels = term.match_expressions.iter().enumerate();
    let labels = labels.map(|(n, asked)| place("matchExpressions", n).expression(asked));
    let labels = labels.collect::<Result<_, _>>()?;
    let names = term.match_fields.iter().enumerate();
    let names = names.map(|(n, asked)| place("matchFields", n).name_test(asked));
    let names = names.collect::<Result<_, _>>()?;
    Term::new(labels, names)
        .map_err(|many| Wrong::too_many(format!("{REQUIRED}: nodeSelectorTerms[{at}]"), &many))
}

/// Where a requirement stands.
struct Place {
    path: String,
}

impl Place {
    fn field(&self, part: &str) -> String {
        format!("{}.{part}", self.path)
    }

    fn expression(&self, asked: &object::Requirement<'_>) -> Result<Expression, Wrong> {
        let key = labels::key(|| self.field("key"), &asked.key)?;
        let test = match &*asked.operator {
            "In" => Test::In(self.values(asked)?),
            "NotIn" => Test::NotIn(self.values(asked)?),
            "Exists" => self.no_values(asked).map(|()| Test::Exists)?,
            "DoesNotExist" => self.no_values(asked).map(|()| Test::DoesNotExist)?,
            "Gt" => Test::Gt(integer(&self.number(asked)?)),
            "Lt" => Test::Lt(integer(&self.number(asked)?)),
            other => return Err(Wrong::value(self.field("operator"), OPERATORS, other)),
        };
        Ok(Expression { key, test })
    }

    fn name_test(&self, asked: &object::Requirement<'_>) -> Result<NameTest, Wrong> {
        if &*asked.key != NAME {
            return Err(Wrong::value(self.field("key"), NAME, &asked.key));
        }
        let test = match &*asked.operator {
            "In" => NameTest::Is,
            "NotIn" => NameTest::IsNot,
            other => return Err(Wrong::value(self.field("operator"), "In or NotIn", other)),
        };
        Ok(test((**self.one_value(asked)?).to_owned()))
    }

    fn values(&self, asked: &object::Requirement<'_>) -> Result<BTreeSet<String>, Wrong> {
        if asked.values.is_empty() {
            return Err(self.miscounted(asked, "at least one value"));
        }
        let values = asked.values.iter().enumerate();
        let values = values.map(|(n, value)| labels::value(|| self.nth(n), value));
        values.collect()
    }

    fn no_values(&self, asked: &object::Requirement<'_>) -> Result<(), Wrong> {
        match asked.values.is_empty() {
            true => Ok(()),
            false => Err(self.miscounted(asked, "no values")),
        }
    }

    fn number(&self, asked: &object::Requirement<'_>) -> Result<String, Wrong> {
        labels::value(|| self.nth(0), self.one_value(asked)?)
    }

    fn one_value<'r, 'a>(&self, asked: &'r object::Requirement<'a>) -> Result<&'r Text<'a>, Wrong> {
        match &*asked.values {
            [value] => Ok(value),
            _ => Err(self.miscounted(asked, "one value")),
        }
    }

    fn miscounted(&self, asked: &object::Requirement<'_>, expected: &str) -> Wrong {
        let expected = format!("{expected} with {}", &*asked.operator);
        Wrong::said(
            self.field("values"),
            expected,
            asked.values.len().to_string(),
        )
    }

    fn nth(&self, n: usize) -> String {
        self.field(&format!("values[{n}]"))
    }
}
