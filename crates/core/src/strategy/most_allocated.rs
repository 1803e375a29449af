//! Most allocated: the bin packing that managed schedulers offer.
//!
//! Score: NodeResourcesFit with MostAllocated over cores (weight 1), memory (weight 1) and GPUs
//! (weight `gpuWeight`, 5 unless set): the weighted mean of floor(100 u/a), u = requested with this
//! pod, a = capacity. A pod that asks for no GPU is not scored by GPUs, as kube-scheduler skips
//! extended resources that the pod does not name. A device counts 1000, so that shares count.
//! Ties are drawn, as kube-scheduler does. A share goes on the fullest device that fits.
//! Source: Kubernetes `pkg/scheduler/framework/plugins/noderesources/{most_allocated,
//! resource_allocation}.go`; weights after the bin-packing example in Kubernetes' documentation.

use super::View;

pub(super) fn score(view: &View<'_>) -> i64 {
    let node = view.state.node();
    let free = view.before();
    let gpu_all = 1000 * node.gpus.len() as u64;
    let gpu_weight = if view.request.wants_gpu() {
        view.context.parameters().gpu_weight
    } else {
        0
    };
    let parts = [
        (u64::from(node.room.cores.0), u64::from(view.after.cores), 1),
        (
            u64::from(node.room.memory.0),
            u64::from(free.room.memory.0 - view.request.memory().0),
            1,
        ),
        (gpu_all, view.gpu_after(), u64::from(gpu_weight)),
    ];
    let (mut sum, mut weights) = (0, 0);
    for (all, left, weight) in parts {
        if let Some(used) = ((all - left) * 100).checked_div(all) {
            sum += weight * used;
            weights += weight;
        }
    }
    i64::try_from(sum / weights.max(1)).unwrap_or(i64::MAX)
}
