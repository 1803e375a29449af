//! The audit finds nothing on any life of a cluster. That it finds what is wrong is tested inside
//! the crate (`audit.rs`, `cluster/tests.rs`), because no public call can make a cluster wrong.

use proptest::prelude::*;
use stowage_core::audit::{Finding, audit};
use stowage_core::cluster::Cluster;
use stowage_core::strategy::Strategy as Policy;
use stowage_core::units::PodUid;
use stowage_core::verbs::Planner;

use crate::history::{History, Step, history};

/// Lives through `history` and audits after every step.
fn live(history: &History, strategy: Policy) -> Result<Cluster, TestCaseError> {
    let mut planner = Planner::new(history.cluster(), history.context(strategy));
    for (number, step) in (0_u64..).zip(&history.steps) {
        let pods: Vec<PodUid> = planner.cluster().pods().keys().copied().collect();
        match step {
            Step::Place(pod) => {
                let placed = planner.place(number, PodUid(number.into()), history.pod(*pod));
                prop_assert!(placed.is_ok());
            }
            Step::Ask(pod) => drop(planner.best(number, history.pod(*pod))),
            Step::Release(which) if !pods.is_empty() => drop(planner.release(*which.get(&pods))),
            Step::Release(_) => {}
            Step::Add(node) => drop(planner.add_node(node.clone())),
            Step::Remove(which) => {
                let nodes = planner.cluster().nodes();
                if !nodes.is_empty() {
                    let name = which.get(nodes).node().name.clone();
                    prop_assert!(planner.remove_node(&name).is_some());
                }
            }
        }
        prop_assert_eq!(audit(planner.cluster()), []);
    }
    Ok(planner.cluster().clone())
}

proptest! {
    #[test]
    fn cluster_is_sound_after_every_step_of_every_history(history in history(120)) {
        for strategy in [Policy::Fgd, Policy::Random, Policy::LeastAllocated] {
            let cluster = live(&history, strategy)?;
            let held: usize = cluster.nodes().iter().map(|node| node.holds().len()).sum();
            prop_assert_eq!(held, cluster.pods().len());
        }
    }
}

#[test]
fn findings_name_the_node_the_resource_and_the_numbers() {
    let sum = Finding::Sum {
        node: "gpu-7".to_owned(),
        what: "compute of GPU 3".to_owned(),
        capacity: 1000,
        held: 700,
        left: 400,
    };
    let said = "node gpu-7: compute of GPU 3: 700 held and 400 left of 1000";
    assert_eq!(sum.to_string(), said);
    let index = Finding::Index { pod: PodUid(255) };
    assert_eq!(
        index.to_string(),
        "pod ff: the index and the holds disagree"
    );
}
