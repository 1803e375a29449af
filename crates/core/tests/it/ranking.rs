//! The incremental ranking against the loop over all nodes: they agree on every decision of every
//! history under every strategy, with room for all rankings and with room for hardly any.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use stowage_core::audit::audit;
use stowage_core::cluster::{Cluster, ClusterError};
use stowage_core::node::Claim;
use stowage_core::plan::Context;
use stowage_core::ranking::{MAX_CELLS, MAX_LOOKS, Rankings};
use stowage_core::request::PodRequest;
use stowage_core::strategy::Strategy as Policy;
use stowage_core::units::{NodeIx, PodUid};
use stowage_core::verbs::{Placement, Planner, prioritize};

use crate::drawing::{Scene, context, request};
use crate::history::{History, Step, history};

/// A planner that is doubted: each answer is compared with the naive one.
struct Doubted {
    planner: Planner,
    context: Context,
    decision: u64,
}

impl Doubted {
    fn new(history: &History, strategy: Policy, bounds: (usize, usize)) -> Self {
        let context = history.context(strategy);
        let rankings = Rankings::with_bounds(bounds.0, bounds.1);
        let planner = Planner::with_rankings(history.cluster(), context.clone(), rankings);
        Self {
            planner,
            context,
            decision: 0,
        }
    }

    /// Where the loop over all nodes sends `pod` at the next decision.
    fn naive(&mut self, pod: &PodRequest) -> Option<Placement> {
        self.decision += 1;
        self.context.set_decision(self.decision);
        let ranked = prioritize(self.planner.cluster(), pod, &self.context);
        let (node, candidate) = ranked.into_iter().next()?;
        let devices = candidate.devices;
        Some(Placement { node, devices })
    }

    fn ask(&mut self, pod: &PodRequest) -> Result<(), TestCaseError> {
        let naive = self.naive(pod).map(|placement| placement.node);
        prop_assert_eq!(self.planner.best(self.decision, pod), naive);
        Ok(())
    }

    fn place(&mut self, pod: &Arc<PodRequest>) -> Result<(), TestCaseError> {
        let naive = self.naive(pod);
        let uid = PodUid(self.decision.into());
        let placed = self.planner.place(self.decision, uid, pod);
        prop_assert_eq!(placed, Ok(naive));
        Ok(())
    }

    fn release(&mut self, which: Index) {
        let pods: Vec<PodUid> = self.planner.cluster().pods().keys().copied().collect();
        if !pods.is_empty() {
            let released = self.planner.release(*which.get(&pods));
            assert!(released.is_some(), "a pod that is there can leave");
        }
    }

    fn remove(&mut self, which: Index) {
        let nodes = self.planner.cluster().nodes();
        if !nodes.is_empty() {
            let name = which.get(nodes).node().name.clone();
            let removed = self.planner.remove_node(&name);
            assert!(removed.is_some(), "a node that is there can leave");
        }
    }

    fn step(&mut self, history: &History, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Place(pod) => self.place(history.pod(*pod))?,
            Step::Ask(pod) => self.ask(history.pod(*pod))?,
            Step::Release(which) => self.release(*which),
            Step::Add(node) => match self.planner.add_node(node.clone()) {
                Ok(()) | Err(ClusterError::DuplicateNode(_)) => {}
                refused => prop_assert_eq!(refused, Ok(())),
            },
            Step::Remove(which) => self.remove(*which),
        }
        prop_assert_eq!(audit(self.planner.cluster()), []);
        Ok(())
    }
}

/// Lives through `history` under every strategy, and asks about every pod once more at the end.
fn agree(history: &History, bounds: (usize, usize)) -> Result<(), TestCaseError> {
    for strategy in Policy::ALL {
        let mut doubted = Doubted::new(history, strategy, bounds);
        for step in &history.steps {
            doubted.step(history, step)?;
        }
        for pod in &history.pods {
            doubted.ask(pod)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn planner_decides_as_the_loop_over_all_nodes(history in history(80)) {
        agree(&history, (MAX_CELLS, MAX_LOOKS))?;
    }

    #[test]
    fn planner_that_keeps_one_ranking_decides_the_same(history in history(80)) {
        agree(&history, (0, 0))?;
    }

    #[test]
    fn planner_that_keeps_few_rankings_and_forgets_looks_decides_the_same(
        history in history(80), rankings in 2_usize..5, looks in 0_usize..4,
    ) {
        agree(&history, (rankings * history.nodes.len(), looks))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn ranking_that_fell_behind_a_trimmed_log_catches_up(
        history in history(1), forgets in any::<bool>(),
    ) {
        outrun(&history, if forgets { (0, 0) } else { (MAX_CELLS, MAX_LOOKS) })?;
    }
}

/// Asks about every pod, changes nodes until the log is trimmed, asks again, then goes on asking
/// while everything is released.
fn outrun(history: &History, bounds: (usize, usize)) -> Result<(), TestCaseError> {
    let mut cluster = history.cluster();
    let mut all = Policy::ALL.map(|strategy| {
        let rankings = Rankings::with_bounds(bounds.0, bounds.1);
        (rankings, history.context(strategy))
    });
    let mut ask_all = |cluster: &Cluster, decision: u64| -> Result<(), TestCaseError> {
        for (rankings, context) in &mut all {
            context.set_decision(decision);
            for pod in &history.pods {
                let naive = prioritize(cluster, pod, context)
                    .first()
                    .map(|(node, _)| *node);
                prop_assert_eq!(rankings.best(cluster, pod, context), naive);
            }
        }
        Ok(())
    };
    ask_all(&cluster, 0)?;
    let (asked, context) = (cluster.version(), history.context(Policy::BestFit));
    let fits = |pod: &&Arc<PodRequest>| !prioritize(&history.cluster(), pod, &context).is_empty();
    let fitting: Vec<_> = history.pods.iter().filter(fits).collect();
    let mut uids = (0..).map(PodUid);
    for (&pod, uid) in fitting.iter().cycle().zip(&mut uids) {
        if cluster.changes_since(asked).is_none() {
            break;
        }
        match prioritize(&cluster, pod, &context).into_iter().next() {
            Some((node, candidate)) if cluster.pods().len() < 40 => {
                let held = cluster.hold(uid, node, pod.clone(), Claim::Bound(candidate.devices));
                prop_assert_eq!(held, Ok(()));
            }
            _ => {
                let oldest = cluster.pods().keys().next().copied();
                prop_assert!(oldest.and_then(|pod| cluster.release(pod)).is_some());
            }
        }
    }
    prop_assert_eq!(audit(&cluster), []);
    ask_all(&cluster, 1)?;
    let left: Vec<PodUid> = cluster.pods().keys().copied().collect();
    for (pod, decision) in left.into_iter().zip(2..) {
        prop_assert!(cluster.release(pod).is_some());
        ask_all(&cluster, decision)?;
    }
    Ok(())
}

#[test]
fn node_that_a_pod_left_is_best_again() {
    let scene = Scene::of("a: . 9m 9Mi 9p\nb: . . . . 9m 9Mi 9p");
    let (pod, asked) = (Arc::new(request("whole 1")), NodeIx(0));
    let mut planner = Planner::new(scene.cluster, context(Policy::BestFit));
    assert_eq!(planner.best(0, &pod), Some(asked));
    let placed = planner.place(1, PodUid(1), &pod).expect("a new pod");
    assert_eq!(placed.map(|p| p.node), Some(asked));
    assert_eq!(planner.best(2, &pod), Some(NodeIx(1)));
    assert_eq!(
        planner.release(PodUid(1)).map(|(node, _)| node.to_string()),
        Some("a".to_owned())
    );
    assert_eq!(planner.best(3, &pod), Some(asked));
}

#[test]
fn requests_that_differ_in_host_memory_alone_go_to_different_nodes() {
    let scene = Scene::of("a: . 9m 100Mi 9p\nb: . 9m 200Mi 9p");
    for strategy in [Policy::Fgd, Policy::BestFit, Policy::GpuPacking] {
        let mut planner = Planner::new(scene.cluster.clone(), context(strategy));
        let mut best = |pod: &str| planner.best(0, &request(pod));
        assert_eq!(best("whole 1 mem 100"), Some(NodeIx(0)));
        assert_eq!(best("whole 1 mem 101"), Some(NodeIx(1)));
        assert_eq!(best("whole 1 mem 201"), None);
        assert_eq!(best("whole 1 mem 1"), Some(NodeIx(0)));
    }
}

#[test]
fn nodes_that_differ_in_the_size_of_their_pods_alone_are_told_apart() {
    let scene = Scene::of("a: . . . 9m 9Mi 9p\nb: . . . 9m 9Mi 9p")
        .holding("a", "whole 2")
        .holding("b", "whole 1")
        .holding("b", "whole 1");
    let mut planner = Planner::new(scene.cluster, context(Policy::GpuClustering));
    assert_eq!(planner.best(0, &request("whole 1")), Some(NodeIx(1)));
    assert_eq!(planner.best(1, &request("share 9")), Some(NodeIx(0)));
}

#[test]
fn draw_does_not_decide_whether_an_intricate_pod_fits() {
    // Twelve containers that fill four devices exactly: some draws find that soon, some do not.
    let sizes = [
        [136, 256, 185],
        [198, 195, 145],
        [209, 190, 110],
        [129, 152, 127],
    ];
    let cell = |three: &[u32; 3]| format!("{}/1000 ", three.iter().sum::<u32>());
    let cells: String = sizes.iter().map(cell).collect();
    let scene = Scene::of(&format!("a: {cells} 9m 9Mi 9p\nb: {cells} 9m 9Mi 9p"));
    let containers = sizes.as_flattened().iter();
    let containers: Vec<String> = containers.map(|n| format!("share {n} vram 1")).collect();
    let (pod, mut context) = (request(&containers.join(" + ")), context(Policy::Random));
    let mut planner = Planner::new(scene.cluster.clone(), context.clone());
    for decision in 0..30 {
        context.set_decision(decision);
        let ranked = prioritize(&scene.cluster, &pod, &context);
        let naive = ranked.first().map(|(node, _)| *node);
        assert_eq!(ranked.len(), 2);
        assert_eq!(planner.best(decision, &pod), naive);
    }
}

#[test]
fn pod_that_is_placed_already_is_refused_and_nothing_asked_for_it() {
    let scene = Scene::of("a: . 9m 9Mi 9p");
    let pod = Arc::new(request("share 100"));
    let mut planner = Planner::new(scene.cluster, context(Policy::Random));
    assert!(matches!(planner.place(0, PodUid(1), &pod), Ok(Some(_))));
    let again = planner.place(1, PodUid(1), &pod);
    assert_eq!(again, Err(ClusterError::AlreadyPlaced(PodUid(1))));
    assert_eq!(planner.node(NodeIx(0)).to_string(), "a: 900/1000 9m 9Mi 8p");
}

#[test]
fn empty_cluster_takes_no_pod() {
    let cluster = Cluster::new([]).expect("nothing is possible");
    let mut planner = Planner::new(cluster, context(Policy::Fgd));
    let pod = Arc::new(request("none"));
    assert_eq!(planner.best(0, &pod), None);
    assert_eq!(planner.place(1, PodUid(1), &pod), Ok(None));
    let added = Scene::of("a: . 9m 9Mi 9p")
        .state("a")
        .node()
        .as_ref()
        .clone();
    assert_eq!(planner.add_node(added), Ok(()));
    assert_eq!(planner.best(2, &pod), Some(NodeIx(0)));
    assert!(planner.remove_node("a").is_some());
    assert_eq!(planner.best(3, &pod), None);
}
