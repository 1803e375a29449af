//! Taints of nodes, and what pods make of them.
//!
//! Source: `Toleration.ToleratesTaint` in `k8s.io/api/core/v1/toleration.go`, Kubernetes 1.37. The
//! operators `Lt` and `Gt` are behind the gate TaintTolerationComparisonOperators there (alpha, off):
//! an API server without it takes no pod that uses them, so whoever has one has the gate.

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
    /// What it does to pods that do not tolerate it.
    pub effect: Effect,
}

/// What a taint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Keeps pods away.
    NoSchedule,
    /// Makes kube-scheduler look elsewhere first, no more.
    PreferNoSchedule,
    /// Keeps pods away and evicts those that are there.
    NoExecute,
}

/// That a pod does not mind some taints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    /// Which keys; none: all.
    pub key: Option<String>,
    /// Which values.
    pub values: Values,
    /// Which effect; none: all.
    pub effect: Option<Effect>,
}

/// The values that a toleration covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// All (`Exists`).
    Any,
    /// This one (`Equal`).
    Equal(String),
    /// [Canonical integers](canonical_integer) below this one (`Lt`).
    Below(i64),
    /// Canonical integers above this one (`Gt`).
    Above(i64),
}

/// `text` as an integer without leading zeros or a plus sign (`content.IsDecimalInteger`).
#[must_use]
pub fn canonical_integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Effect {
    /// Whether a pod that does not tolerate it cannot come.
    #[must_use]
    pub fn is_hard(self) -> bool {
        self != Self::PreferNoSchedule
    }
}

impl Taint {
    /// What a cordoned node counts as having, whether or not the taint was written.
    pub(super) fn unschedulable() -> Self {
        Self {
            key: "node.kubernetes.io/unschedulable".to_owned(),
            value: String::new(),
            effect: Effect::NoSchedule,
        }
    }
}

impl Toleration {
    /// Whether `taint` is one of those that it covers.
    #[must_use]
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.effect.is_none_or(|effect| effect == taint.effect)
            && self.key.as_ref().is_none_or(|key| *key == taint.key)
            && self.values.cover(&taint.value)
    }
}

impl Values {
    fn cover(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Equal(this) => value == this,
            Self::Below(limit) => canonical_integer(value).is_some_and(|value| value < *limit),
            Self::Above(limit) => canonical_integer(value).is_some_and(|value| value > *limit),
        }
    }
}
