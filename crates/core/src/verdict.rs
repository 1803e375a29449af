//! What a ranking knows of one node ([`Verdict`]), and how it is kept as one number.
//!
//! A tree of maxima compares plain integers, so what is not a score takes numbers below every score.
//! A node that can take the pod only without the intents on it is feasible but comes last; one that
//! cannot take it at all is unfit, and the number says why.

use crate::plan::Candidate;
use crate::unfit::Unfit;
use crate::units::Score;

/// In place of a score: the node cannot take the pod, for the reason that is added.
pub(crate) const UNFIT: i64 = i64::MIN;
/// In place of a score: not computed yet.
pub(crate) const UNKNOWN: i64 = i64::MIN + 0x100;
/// In place of a score: the node can take the pod, but only without the intents on it.
pub(crate) const LAST: i64 = i64::MIN + 0x200;
/// The lowest score that is kept as it is.
const LOWEST: i64 = i64::MIN + 0x300;

/// What a ranking knows of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It can take the pod and is so good.
    Fits(Score),
    /// It can take the pod, but only if others do not go where they intend to.
    Last,
    /// It cannot.
    Unfit(Unfit),
}

impl Verdict {
    /// What stands behind a number in a ranking.
    pub(crate) fn of(number: i64) -> Self {
        match number {
            LAST => Self::Last,
            LOWEST.. => Self::Fits(Score(number)),
            _ => {
                let reason = usize::try_from(number.wrapping_sub(UNFIT)).unwrap_or(0);
                Self::Unfit(Unfit::ALL[reason % Unfit::ALL.len()])
            }
        }
    }

    /// Whether the node can take the pod.
    #[must_use]
    pub fn fits(self) -> bool {
        !matches!(self, Self::Unfit(_))
    }

    /// For comparing nodes of one decision: higher is better.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::Fits(Score(score)) => score,
            Self::Last => LAST,
            Self::Unfit(_) => UNFIT,
        }
    }
}

/// The number that is kept in a ranking.
pub(crate) fn number(outcome: Result<Candidate, Unfit>) -> i64 {
    match outcome {
        Ok(candidate) => candidate.score.0.max(LOWEST),
        Err(unfit) => UNFIT + unfit as i64,
    }
}
