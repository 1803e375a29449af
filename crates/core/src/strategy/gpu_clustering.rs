//! GPU clustering: pods of one size go where pods of that size are (after Gandiva).
//!
//! Score: 75 if the node hosts pods of this kind only, 50 if of this kind among others, 25 if no
//! GPU pod, 0 otherwise; plus floor(25 (8000 - R)/8000), R = GPU compute left before the placement.
//! The kind of a pod is "part" or its number of whole GPUs. A pod without GPU scores 0 everywhere.
//! A share goes on the fullest device that fits.
//! Source: ATC '23 simulator, "GpuClustering"; openb benchmark, policies.

use super::View;
use crate::request::Kind;

pub(super) fn score(view: &View<'_>) -> i64 {
    let kind = view.request.kind();
    if kind == Kind::NoGpu {
        return 0;
    }
    let (mut same, mut other) = (false, false);
    for &hosted in view.state.hosted().keys() {
        same |= hosted == kind;
        other |= hosted != kind && hosted != Kind::NoGpu;
    }
    let company = match (same, other) {
        (true, false) => 75,
        (true, true) => 50,
        (false, false) => 25,
        (false, true) => 0,
    };
    let used = 8000_u64.saturating_sub(view.before().gpu_milli());
    company + i64::try_from(25 * used / 8000).unwrap_or(0)
}
