//! kube-scheduler's hard rules about one pod and one node, for where no kube-scheduler stands in front
//! of us: node name, cordon, taints, node selector and required node affinity.
//!
//! Semantics and words are those of Kubernetes 1.37, `pkg/scheduler/framework/plugins/{nodename,
//! nodeunschedulable, tainttoleration, nodeaffinity}` and `component-helpers/scheduling/corev1`. They
//! hold for pods that still look for a node: nobody asks them about a pod that is bound. Room and
//! devices are not looked at here, [`candidate`](crate::plan::candidate) does that. Everything that is
//! listed is bounded, so that a verdict takes bounded time.
//!
//! `affinity.rs` has the terms of a required node affinity, `taint.rs` taints and tolerations.

mod affinity;
mod taint;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

pub use affinity::{Expression, NameTest, Term, Test, integer};
pub use taint::{Effect, Taint, Toleration, Values, canonical_integer};

/// Most labels of a node, and of a node selector.
pub const MAX_LABELS: usize = 4096;
/// Most taints of a node.
pub const MAX_TAINTS: usize = 256;
/// Most tolerations of a pod.
pub const MAX_TOLERATIONS: usize = 256;
/// Most terms of a required node affinity.
pub const MAX_TERMS: usize = 256;
/// Most expressions of a term, those on fields included.
pub const MAX_EXPRESSIONS: usize = 64;
/// Most values of an expression.
pub const MAX_VALUES: usize = 4096;

/// More of something than is looked at. Kubernetes sets no limit but the size of an object.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{got} {what}: expected at most {most}")]
pub struct TooMany {
    /// What there is too much of.
    pub what: &'static str,
    /// How many there are.
    pub got: usize,
    /// How many there may be.
    pub most: usize,
}

impl TooMany {
    fn unless(got: usize, most: usize, what: &'static str) -> Result<(), Self> {
        match got <= most {
            true => Ok(()),
            false => Err(Self { what, got, most }),
        }
    }
}

/// What a node says about who may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRules {
    name: String,
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    unschedulable: bool,
}

impl NodeRules {
    /// The rules of node `name`; `unschedulable` if it is cordoned.
    ///
    /// # Errors
    /// When there are more labels or taints than are looked at.
    pub fn new(
        name: String,
        labels: BTreeMap<String, String>,
        taints: Vec<Taint>,
        unschedulable: bool,
    ) -> Result<Self, TooMany> {
        TooMany::unless(labels.len(), MAX_LABELS, "labels")?;
        TooMany::unless(taints.len(), MAX_TAINTS, "taints")?;
        Ok(Self {
            name,
            labels,
            taints,
            unschedulable,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Its taints, in the order written.
    #[must_use]
    pub fn taints(&self) -> &[Taint] {
        &self.taints
    }

    /// Whether it is cordoned.
    #[must_use]
    pub fn unschedulable(&self) -> bool {
        self.unschedulable
    }
}

/// What a pod says about where it may go. [`PodRules::default`] is a pod without any rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodRules {
    node_name: Option<String>,
    selector: BTreeMap<String, String>,
    /// None: nothing is required. No term at all, or none that is met: no node.
    terms: Option<Vec<Term>>,
    tolerations: Vec<Toleration>,
}

impl PodRules {
    /// The same pod, which names its node (`spec.nodeName`).
    #[must_use]
    pub fn naming(self, node: String) -> Self {
        Self {
            node_name: Some(node),
            ..self
        }
    }

    /// The same pod with this node selector: all of these labels.
    ///
    /// # Errors
    /// When it names more labels than are looked at.
    pub fn selecting(self, selector: BTreeMap<String, String>) -> Result<Self, TooMany> {
        TooMany::unless(selector.len(), MAX_LABELS, "labels")?;
        Ok(Self { selector, ..self })
    }

    /// The same pod with this required node affinity: any of these terms.
    ///
    /// # Errors
    /// When there are more terms than are looked at.
    pub fn requiring(self, terms: Vec<Term>) -> Result<Self, TooMany> {
        TooMany::unless(terms.len(), MAX_TERMS, "terms")?;
        let terms = Some(terms);
        Ok(Self { terms, ..self })
    }

    /// The same pod with these tolerations.
    ///
    /// # Errors
    /// When there are more of them than are looked at.
    pub fn tolerating(self, tolerations: Vec<Toleration>) -> Result<Self, TooMany> {
        TooMany::unless(tolerations.len(), MAX_TOLERATIONS, "tolerations")?;
        Ok(Self {
            tolerations,
            ..self
        })
    }

    /// The same pod, which names no node: what it was before it was bound.
    #[must_use]
    pub fn anywhere(self) -> Self {
        Self {
            node_name: None,
            ..self
        }
    }

    /// Its node selector.
    #[must_use]
    pub fn selector(&self) -> &BTreeMap<String, String> {
        &self.selector
    }

    /// The terms of its required node affinity, if it has one.
    #[must_use]
    pub fn terms(&self) -> Option<&[Term]> {
        self.terms.as_deref()
    }

    /// Its tolerations, in the order written.
    #[must_use]
    pub fn tolerations(&self) -> &[Toleration] {
        &self.tolerations
    }

    /// The same pod without a required node affinity.
    #[must_use]
    pub fn requiring_nothing(self) -> Self {
        Self {
            terms: None,
            ..self
        }
    }

    /// The first of `node`'s taints that keeps this pod away.
    #[must_use]
    pub fn untolerated<'n>(&self, node: &'n NodeRules) -> Option<&'n Taint> {
        let mut hard = node.taints.iter().filter(|taint| taint.effect.is_hard());
        hard.find(|taint| !self.tolerates(taint))
    }

    fn tolerates(&self, taint: &Taint) -> bool {
        self.tolerations.iter().any(|t| t.tolerates(taint))
    }

    /// Whether selector and required affinity are met, `matchesNodeSelector` in Kubernetes' terms.
    fn matches(&self, node: &NodeRules) -> bool {
        let mut selector = self.selector.iter();
        let selected = selector.all(|(key, value)| node.labels.get(key) == Some(value));
        let any = |terms: &Vec<Term>| terms.iter().any(|term| term.matches(node));
        selected && self.terms.as_ref().is_none_or(any)
    }

    /// The only nodes that are looked at, where every term names some (`PreFilter` of the plugin
    /// NodeAffinity): a union of what the terms name. None: all nodes.
    fn named(&self) -> Option<BTreeSet<&str>> {
        let mut names = BTreeSet::new();
        let terms = self.terms.as_ref().filter(|terms| !terms.is_empty())?;
        for term in terms {
            names.extend(term.named()?);
        }
        Some(names)
    }
}

/// The first hard rule that a node breaks, in kube-scheduler's words. Like
/// [`Unfit`](crate::unfit::Unfit) an answer, not an error, and constant text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// The pod names another node.
    NodeName,
    /// Every term of its affinity demands two names of one node.
    Conflict,
    /// Its affinity names other nodes by their names, so that this one is not even looked at.
    Named,
    /// The node is cordoned.
    Unschedulable,
    /// The node has a taint that the pod does not tolerate.
    Taint,
    /// The node's labels or name are not what selector or affinity ask for.
    Affinity,
}

impl Broken {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 6] = [
        Self::NodeName,
        Self::Conflict,
        Self::Named,
        Self::Unschedulable,
        Self::Taint,
        Self::Affinity,
    ];

    /// What kube-scheduler 1.37 says. Of a [conflict](Self::Conflict) it says so once, not for each
    /// node.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NodeName => "node(s) didn't match the requested node name",
            Self::Conflict => "pod affinity terms conflict",
            Self::Named => "node(s) didn't satisfy plugin(s) [NodeAffinity]",
            Self::Unschedulable => "node(s) were unschedulable",
            Self::Taint => "node(s) had untolerated taint(s)",
            Self::Affinity => "node(s) didn't match Pod's node affinity/selector",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// Whether `node` keeps all hard rules that `pod` has about it, and `pod` those of `node`.
///
/// # Errors
/// The first rule that is broken, in the order in which kube-scheduler's default plugins look.
pub fn judge(pod: &PodRules, node: &NodeRules) -> Result<(), Broken> {
    if pod
        .node_name
        .as_ref()
        .is_some_and(|name| *name != node.name)
    {
        return Err(Broken::NodeName);
    }
    match pod.named() {
        Some(names) if names.is_empty() => return Err(Broken::Conflict),
        Some(names) if !names.contains(&*node.name) => return Err(Broken::Named),
        _ => {}
    }
    if node.unschedulable && !pod.tolerates(&Taint::unschedulable()) {
        Err(Broken::Unschedulable)
    } else if pod.untolerated(node).is_some() {
        Err(Broken::Taint)
    } else if !pod.matches(node) {
        Err(Broken::Affinity)
    } else {
        Ok(())
    }
}
