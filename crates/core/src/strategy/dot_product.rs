//! Dot product: the node on which what is left and what is asked have the smallest product, after
//! Tetris (Grandl et al., SIGCOMM '14) as the ATC '23 simulator has it (dimensions merged, norm by
//! the largest node).
//!
//! Score: trunc(100 (1 - [(C/128000)(c/128000) + (R/8000)(g/8000)] / 2)), with C cores and R GPU
//! compute left before the placement, c and g asked. A share goes on the fullest device that fits.
//! Source: ATC '23 simulator, "DotProd"; openb benchmark, policies.

use super::{FULL_NODE_CORES, FULL_NODE_GPU, View};

pub(super) fn score(view: &View<'_>) -> i64 {
    let free = view.before();
    let cores = f64::from(free.room.cores.0) / FULL_NODE_CORES
        * (f64::from(view.request.cores().0) / FULL_NODE_CORES);
    let gpu =
        free.gpu_milli() as f64 / FULL_NODE_GPU * (view.request.gpu_milli() as f64 / FULL_NODE_GPU);
    (100.0 * (1.0 - (cores + gpu) / 2.0)) as i64
}
