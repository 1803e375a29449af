//! The terms of a required node affinity.
//!
//! Source: `nodeSelectorTerm` in `component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`
//! and `Requirement.Matches` in `apimachinery/pkg/labels/selector.go`, Kubernetes 1.37.

use std::collections::BTreeSet;

use super::{MAX_EXPRESSIONS, MAX_VALUES, NodeRules, TooMany};

/// Expressions that a node must meet all of; a term without any is met by no node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Term {
    labels: Vec<Expression>,
    names: Vec<NameTest>,
}

/// What is asked of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// What is asked of it.
    pub test: Test,
}

/// A test on the value of a label, which may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is there and one of these.
    In(BTreeSet<String>),
    /// It is missing, or none of these.
    NotIn(BTreeSet<String>),
    /// It is there.
    Exists,
    /// It is missing.
    DoesNotExist,
    /// It is an [integer] and larger than this one. None: than something that is no integer, which
    /// the API server lets pass and no node meets.
    Gt(Option<i64>),
    /// It is an [integer] and smaller than this one. None: as for `Gt`.
    Lt(Option<i64>),
}

/// What is asked of the node's name, the only field that can be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameTest {
    /// It is this one (`In`, which takes one value).
    Is(String),
    /// It is another (`NotIn`).
    IsNot(String),
}

/// `text` as an integer, as Go reads one (`strconv.ParseInt`, base 10, 64 bits): `007` is 7.
#[must_use]
pub fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl Term {
    /// A term of tests on labels and on the node's name.
    ///
    /// # Errors
    /// When there are more expressions, or more values in one, than are looked at.
    pub fn new(labels: Vec<Expression>, names: Vec<NameTest>) -> Result<Self, TooMany> {
        TooMany::unless(labels.len() + names.len(), MAX_EXPRESSIONS, "expressions")?;
        for expression in &labels {
            TooMany::unless(expression.test.values(), MAX_VALUES, "values")?;
        }
        Ok(Self { labels, names })
    }

    /// Whether `node` meets it.
    pub(super) fn matches(&self, node: &NodeRules) -> bool {
        let empty = self.labels.is_empty() && self.names.is_empty();
        let labels = |e: &Expression| e.test.holds(node.labels.get(&e.key).map(String::as_str));
        !empty && self.labels.iter().all(labels) && self.names.iter().all(|n| n.holds(&node.name))
    }

    /// The names that it demands, at most one; none if it demands two. `None` if it demands no name.
    pub(super) fn named(&self) -> Option<Option<&str>> {
        let mut names = self.names.iter().filter_map(|test| match test {
            NameTest::Is(name) => Some(&**name),
            NameTest::IsNot(_) => None,
        });
        let first = names.next()?;
        Some(names.all(|name| name == first).then_some(first))
    }
}

impl Test {
    fn values(&self) -> usize {
        match self {
            Self::In(values) | Self::NotIn(values) => values.len(),
            Self::Gt(_) | Self::Lt(_) => 1,
            Self::Exists | Self::DoesNotExist => 0,
        }
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let both = |limit: &Option<i64>| Some((integer(value?)?, (*limit)?));
        match self {
            Self::In(values) => value.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
            Self::Gt(limit) => both(limit).is_some_and(|(value, limit)| value > limit),
            Self::Lt(limit) => both(limit).is_some_and(|(value, limit)| value < limit),
        }
    }
}

impl NameTest {
    fn holds(&self, name: &str) -> bool {
        match self {
            Self::Is(this) => name == this,
            Self::IsNot(other) => name != other,
        }
    }
}
