//! Least allocated: what an untouched kube-scheduler does. It spreads, and does not see GPUs.
//!
//! Score: NodeResourcesFit with LeastAllocated plus NodeResourcesBalancedAllocation, both with their
//! default resources (cores 1, memory 1) and weight 1. With a capacity, u held after and v held
//! before this pod, per resource: fit = floor of the mean of floor(100 (a - u)/a). Balance b(x) =
//! floor(100 (1 - s)), s = half the distance between the two fractions x/a; balanced = 50 +
//! floor((50 + b(u) - b(v))/2), which prefers nodes whose balance improves; 0 for a pod that asks
//! for neither cores nor memory. Ties are drawn, as kube-scheduler does. kube-scheduler knows no
//! share of a device; a share goes on the emptiest one, as NVIDIA's device plugin distributes the
//! replicas of time-sliced devices.
//! Not modelled: the 100m and 200Mi that kube-scheduler assumes for containers without a request.
//! Source: Kubernetes 1.37 `pkg/scheduler/framework/plugins/noderesources/{least_allocated,
//! balanced_allocation,resource_allocation}.go`.

use super::View;

/// One resource of a node: all of it, and what is held before and after the placement.
#[derive(Clone, Copy)]
struct Use {
    all: u32,
    before: u32,
    after: u32,
}

pub(super) fn score(view: &View<'_>) -> i64 {
    let (node, free, request) = (view.state.node(), view.before(), view.request);
    let held = |all: u32, left: u32, asked: u32| Use {
        all,
        before: all - left,
        after: all - left + asked,
    };
    let uses = [
        held(node.room.cores.0, free.room.cores.0, request.cores().0),
        held(node.room.memory.0, free.room.memory.0, request.memory().0),
    ];
    let best_effort = request.cores().0 == 0 && request.memory().0 == 0;
    fit(uses) + if best_effort { 0 } else { balanced(uses) }
}

fn fit(uses: [Use; 2]) -> i64 {
    let (mut sum, mut count) = (0, 0);
    for Use { all, after, .. } in uses {
        if let Some(percent) = (100 * i64::from(all - after)).checked_div(i64::from(all)) {
            sum += percent;
            count += 1;
        }
    }
    sum / count.max(1)
}

fn balanced(uses: [Use; 2]) -> i64 {
    50 + (50 + balance(uses, |u| u.after) - balance(uses, |u| u.before)) / 2
}

fn balance(uses: [Use; 2], held: fn(&Use) -> u32) -> i64 {
    if uses.iter().any(|u| u.all == 0) {
        return 100;
    }
    let [one, other] = uses.map(|u| f64::from(held(&u)) / f64::from(u.all));
    ((1.0 - ((one - other) / 2.0).abs()) * 100.0) as i64
}
