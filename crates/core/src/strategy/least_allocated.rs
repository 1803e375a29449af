//! Least allocated: what an untouched kube-scheduler does. It spreads, and does not see GPUs.
//!
//! Score: NodeResourcesFit with LeastAllocated plus NodeResourcesBalancedAllocation, both with their
//! default resources (cores 1, memory 1) and weight 1. With requested u (this pod included) of
//! capacity a per resource: fit = mean of floor(100 (a - u)/a); balanced = floor(100 (1 - s)), s =
//! standard deviation of the two fractions u/a, which is half their distance. Ties are drawn, as
//! kube-scheduler does. kube-scheduler knows no share of a device; a share goes on the emptiest
//! one, as NVIDIA's device plugin distributes the replicas of time-sliced devices.
//! Not modelled: the 100m and 200Mi that kube-scheduler assumes for containers without a request.
//! Source: Kubernetes `pkg/scheduler/framework/plugins/noderesources/{least_allocated,
//! balanced_allocation}.go`.

use super::View;

pub(super) fn score(view: &View<'_>) -> i64 {
    let node = view.state.node();
    let memory_left = view.before().room.memory.0 - view.request.memory().0;
    let cores = (node.room.cores.0, view.after.cores);
    let memory = (node.room.memory.0, memory_left);
    let fit = mean([cores, memory].map(|(all, left)| percent(left, all)));
    fit + balanced(cores, memory)
}

fn mean(parts: [Option<i64>; 2]) -> i64 {
    let known = parts.iter().flatten().count();
    let sum: i64 = parts.iter().flatten().sum();
    sum / i64::try_from(known.max(1)).unwrap_or(1)
}

fn percent(part: u32, all: u32) -> Option<i64> {
    (all > 0).then(|| i64::from(part) * 100 / i64::from(all))
}

fn balanced((cores, cores_left): (u32, u32), (memory, memory_left): (u32, u32)) -> i64 {
    if cores == 0 || memory == 0 {
        return 100;
    }
    let used = |all: u32, left: u32| f64::from(all - left) / f64::from(all);
    let deviation = (used(cores, cores_left) - used(memory, memory_left)).abs() / 2.0;
    ((1.0 - deviation) * 100.0) as i64
}
