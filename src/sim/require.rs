//! Thresholds that a result must meet: `fgd.allocated >= 95.0`, or `cpu250/fgd.refused < 3000` for
//! one list alone.

use std::fmt;
use std::str::FromStr;

use super::report::{SimulationResult, Summary};

/// One threshold. It is about the mean over the seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    text: String,
    list: Option<String>,
    /// The policy it is about.
    pub policy: String,
    metric: Metric,
    relation: Relation,
    value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Allocated,
    Unallocated,
    Fragmented,
    Refused,
    FirstRefusal,
}

const METRICS: [(&str, Metric); 5] = [
    ("allocated", Metric::Allocated),
    ("unallocated", Metric::Unallocated),
    ("fragmented", Metric::Fragmented),
    ("refused", Metric::Refused),
    ("first-refusal", Metric::FirstRefusal),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// The longer signs first, because the shorter are their beginnings.
const RELATIONS: [(&str, Relation); 4] = [
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    (">", Relation::Above),
    ("<", Relation::Below),
];

/// A threshold that was missed.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// The threshold as written.
    pub requirement: String,
    /// On which list.
    pub list: String,
    /// What was reached; none if there is no such number.
    pub reached: Option<f64>,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requirement, list, ..
        } = self;
        match self.reached {
            Some(reached) => write!(f, "missed {requirement:?} on list {list}: {reached}"),
            None => write!(
                f,
                "missed {requirement:?} on list {list}: no pod was refused"
            ),
        }
    }
}

impl Requirement {
    /// What `result` misses of it.
    #[must_use]
    pub fn misses(&self, result: &SimulationResult) -> Vec<Miss> {
        let entries = result.summary.iter().filter(|entry| self.is_about(entry));
        let missed = entries.filter_map(|entry| {
            let reached = self.metric.of(entry);
            let met = reached.is_some_and(|reached| self.relation.holds(reached, self.value));
            (!met).then(|| Miss {
                requirement: self.text.clone(),
                list: entry.list.clone(),
                reached,
            })
        });
        missed.collect()
    }

    /// Checks that it is about something that will be simulated.
    ///
    /// # Errors
    /// A sentence with what there is.
    pub fn check(&self, lists: &[String], policies: &[String]) -> Result<(), String> {
        let known = |name: &str, names: &[String], what: &str| {
            if names.iter().any(|n| n == name) {
                return Ok(());
            }
            let all = names.join(", ");
            Err(format!(
                "--require {:?}: {what} {name:?} is not simulated: expected one of {all}",
                self.text
            ))
        };
        known(&self.policy, policies, "strategy")?;
        self.list
            .as_deref()
            .map_or(Ok(()), |list| known(list, lists, "list"))
    }

    fn is_about(&self, entry: &Summary) -> bool {
        entry.strategy == self.policy && self.list.as_ref().is_none_or(|list| *list == entry.list)
    }
}

impl Metric {
    fn of(self, entry: &Summary) -> Option<f64> {
        Some(match self {
            Self::Allocated => entry.allocated_percent.mean,
            Self::Unallocated => entry.unallocated_gpus.mean,
            Self::Fragmented => entry.fragmented_percent.mean,
            Self::Refused => entry.refused_pods.mean,
            Self::FirstRefusal => entry.first_refusal_percent?.mean,
        })
    }
}

impl Relation {
    fn holds(self, reached: f64, value: f64) -> bool {
        match self {
            Self::AtLeast => reached >= value,
            Self::AtMost => reached <= value,
            Self::Above => reached > value,
            Self::Below => reached < value,
        }
    }
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "[LIST/]STRATEGY.METRIC >= NUMBER, for example 'fgd.allocated >= 95.0'";
        let wrong = || format!("--require: expected {form}, got {text:?}");
        let (sign, relation) = RELATIONS
            .into_iter()
            .find(|(sign, _)| text.contains(sign))
            .ok_or_else(wrong)?;
        let (subject, value) = text.split_once(sign).ok_or_else(wrong)?;
        let value = value.trim().parse().ok().filter(|v: &f64| v.is_finite());
        let (name, metric) = subject.trim().rsplit_once('.').ok_or_else(wrong)?;
        let metric = METRICS.iter().find(|(known, _)| *known == metric);
        let Some(&(_, metric)) = metric else {
            let known = METRICS.map(|(name, _)| name).join(", ");
            return Err(format!(
                "--require: expected a metric of {known}, got {text:?}"
            ));
        };
        let (list, policy) = match name.split_once('/') {
            Some((list, policy)) => (Some(list.to_owned()), policy),
            None => (None, name),
        };
        Ok(Self {
            text: text.to_owned(),
            list,
            policy: policy.to_owned(),
            metric,
            relation,
            value: value.ok_or_else(wrong)?,
        })
    }
}
