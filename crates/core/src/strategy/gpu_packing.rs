//! GPU packing: started devices first, then idle devices of started nodes, idle nodes last.
//!
//! Score: on an idle node max(33 - n, n), n = its devices. Otherwise, with j idle ones among the
//! chosen devices: max(50 - j, 33) if j > 0, else max(100 - floor(r/10), 50), r = what is left on
//! the chosen devices in percent. A pod without GPU scores 0 everywhere. A share goes on the
//! fullest device that fits.
//! Source: ATC '23 simulator, "GpuPacking"; openb benchmark, policies.

use super::View;

pub(super) fn score(view: &View<'_>) -> i64 {
    if view.chosen.is_empty() {
        return 0;
    }
    let gpus = &view.state.node().gpus;
    let devices = &view.before().devices;
    let idle = |device: usize| devices[device].is_idle(&gpus[device]);
    if (0..gpus.len()).all(idle) {
        let n = i64::try_from(gpus.len()).unwrap_or(0);
        return (33 - n).max(n);
    }
    let broken = i64::try_from(view.chosen.iter().filter(|&d| idle(d)).count()).unwrap_or(0);
    if broken > 0 {
        return (50 - broken).max(33);
    }
    let left: u32 = view.chosen.iter().map(|d| devices[d].compute.0 / 10).sum();
    (100 - i64::from(left / 10)).max(50)
}
