//! Best fit: the node that would have least left.
//!
//! Raw score: trunc(100 (1 - (C-c)/(2 x 128000) - (R-g)/(2 x 8000))), with C cores and R GPU compute
//! left before the placement, c and g asked; then an integer min-max normalisation to 0..100 over
//! the feasible nodes of the decision, all 0 if they are equal. The normalisation is monotone and
//! maps only the largest raw score to 100, so it never changes which node wins. A share goes on
//! the fullest device that fits.
//! Source: ATC '23 simulator, "BestFit"; openb benchmark, policies.

use super::{FULL_NODE_CORES, FULL_NODE_GPU, View};
use crate::units::Score;

/// In integers, because floating point misses some whole scores by a hair and truncates them to
/// the one below: that changed one of the 130 published runs.
pub(super) fn score(view: &View<'_>) -> i64 {
    let (full_cores, full_gpu) = (FULL_NODE_CORES as i64, FULL_NODE_GPU as i64);
    let cores = i64::from(view.after.cores);
    let gpu = view.gpu_after().cast_signed();
    let both = 2 * full_cores * full_gpu;
    100 * (both - cores * full_gpu - gpu * full_cores) / both
}

/// In 128 bits: nodes that differ in the class of their links are up to 2^58 apart.
pub(super) fn normalise(scores: &mut [Score]) {
    let lowest = scores.iter().min().map_or(0, |s| i128::from(s.0));
    let span = scores.iter().max().map_or(0, |s| i128::from(s.0)) - lowest;
    for score in scores {
        let percent = ((i128::from(score.0) - lowest) * 100).checked_div(span);
        score.0 = percent.and_then(|p| i64::try_from(p).ok()).unwrap_or(0);
    }
}
