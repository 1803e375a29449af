//! Which nodes a pod is compared on: all, or the share that kube-scheduler looks at by default.
//!
//! With `percentageOfNodesToScore: 0`, the default, kube-scheduler stops looking when it has found so
//! many nodes that fit: all of fewer than 100; else 50 - n/125 percent of n nodes, at least 5 percent
//! and at least 100 nodes. The next pod goes on behind the last node looked at (`schedule_one.go`,
//! `numFeasibleNodesToFind` and `nextStartNodeIndex`, Kubernetes 1.37). An extender is asked about
//! those alone. Fit counts as kube-scheduler sees it: pods, cores and host memory, not devices; so
//! none of them may fit to the extender. The pod is then tried again on the nodes that come next, as
//! kube-scheduler's retries do, until all have been looked at.

use std::sync::Arc;

use stowage_core::cluster::ClusterError;
use stowage_core::plan;
use stowage_core::ranking::Verdict;
use stowage_core::request::PodRequest;
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::verbs::{Placement, Planner};

/// How many of the nodes a pod is compared on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NodeShare {
    /// All of them.
    #[default]
    All,
    /// So many as kube-scheduler looks at by default.
    Adaptive,
}

/// The state of the sampling rule.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    start: usize,
}

impl Sampler {
    /// Books `pod` on the best node of its share, or nowhere if no node can take it.
    pub(super) fn place(
        &mut self,
        planner: &mut Planner,
        decision: u64,
        pod: PodUid,
        request: &Arc<PodRequest>,
    ) -> Result<Option<Placement>, ClusterError> {
        let all = planner.cluster().nodes().len();
        let mut looked_at = 0;
        while looked_at < all {
            let (share, behind) = self.share(planner, request, all - looked_at);
            looked_at += behind;
            self.start = (self.start + behind) % all;
            let Some(node) = best(planner, decision, request, &share) else {
                continue;
            };
            let name = planner.node(node).node().name.clone();
            if let Ok(devices) = planner.reserve(decision, pod, &name, request) {
                planner.settle(pod);
                return Ok(Some(Placement { node, devices }));
            }
        }
        Ok(None)
    }

    /// Nodes with room from `start` on, as many as are looked for, and how many were looked at, at
    /// most `most`.
    fn share(&self, planner: &Planner, request: &PodRequest, most: usize) -> (Vec<NodeIx>, usize) {
        let nodes = planner.cluster().nodes();
        let wanted = feasible_nodes_to_find(nodes.len());
        let mut share = Vec::with_capacity(wanted);
        for looked_at in 0..most {
            if share.len() == wanted {
                return (share, looked_at);
            }
            let index = (self.start + looked_at) % nodes.len();
            if plan::check_room(nodes[index].free().room, request).is_ok() {
                share.push(NodeIx(index as u32));
            }
        }
        (share, most)
    }
}

/// kube-scheduler's `numFeasibleNodesToFind`.
fn feasible_nodes_to_find(nodes: usize) -> usize {
    if nodes < 100 {
        return nodes;
    }
    let percent = 50_usize.saturating_sub(nodes / 125).max(5);
    (nodes * percent / 100).max(100)
}

fn best(
    planner: &mut Planner,
    decision: u64,
    request: &PodRequest,
    share: &[NodeIx],
) -> Option<NodeIx> {
    let ranks: Vec<(i64, NodeIx)> = {
        let verdict = planner.verdicts(decision, request);
        let judged = share.iter().map(|&node| (verdict(node), node));
        let fits = judged.filter(|(verdict, _)| verdict.fits());
        fits.map(|(verdict, node)| (Verdict::rank(verdict), node))
            .collect()
    };
    let key = |&(rank, node): &(i64, NodeIx)| {
        let tie = planner.context().tie(planner.node(node).tie());
        (std::cmp::Reverse(rank), tie, node)
    };
    ranks.into_iter().min_by_key(key).map(|(_, node)| node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_nodes_are_looked_for_as_by_kube_scheduler() {
        // 10, 1000 and 6000 as in Kubernetes 1.37, schedule_one_test.go.
        let table = [
            (10, 10),
            (99, 99),
            (100, 100),
            (1000, 420),
            (5000, 500),
            (6000, 300),
            (100_000, 5000),
        ];
        for (nodes, expected) in table {
            assert_eq!(feasible_nodes_to_find(nodes), expected, "{nodes}");
        }
    }

    /// How many nodes the demo has so many times over, and where its pods go.
    fn placed(times: u32, share: NodeShare) -> (usize, Vec<u32>) {
        use crate::sim::{arrivals, run, trace::demo};
        use stowage_core::plan::{Context, Parameters};
        use stowage_core::strategy::{Strategy, fgd::Outlook};

        let trace = demo::load().replicated(times);
        let load = arrivals::Load::List;
        let arrivals = arrivals::arrivals(&trace, &trace.lists[0], 42, load);
        let cluster = run::cluster(&trace, &arrivals.ranks).expect("a cluster");
        let outlook = Arc::new(Outlook::default());
        let context = Context::new(Strategy::BestFit, Parameters::default(), outlook, 42);
        let mut planner = Planner::new(cluster, context);
        let mut sampler = Sampler::default();
        let mut nodes = Vec::new();
        for (number, pod) in (0..).zip(&arrivals.pods) {
            let uid = PodUid(u128::from(number));
            let placed = match share {
                NodeShare::All => planner.place(number, uid, pod),
                NodeShare::Adaptive => sampler.place(&mut planner, number, uid, pod),
            };
            nodes.extend(placed.expect("a new pod").map(|placed| placed.node.0));
        }
        (trace.nodes.len(), nodes)
    }

    #[test]
    fn few_nodes_are_all_looked_at() {
        let (nodes, all) = placed(1, NodeShare::All);
        assert!(nodes < 100, "{nodes}");
        assert_eq!(placed(1, NodeShare::Adaptive).1, all);
    }

    #[test]
    fn of_many_nodes_a_share_is_and_packing_is_looser() {
        let (nodes, all) = placed(12, NodeShare::All);
        let adaptive = placed(12, NodeShare::Adaptive).1;
        assert!(nodes > 200, "{nodes}");
        assert_ne!(adaptive, all);
        let distinct = |nodes: &[u32]| {
            nodes
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        };
        assert!(distinct(&adaptive) >= distinct(&all));
    }
}
