//! A second, naive opinion on a cluster: everything that is kept for speed is derived again from
//! the holds and compared, and no capacity may be exceeded.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster::Cluster;
use crate::node::NodeState;
use crate::request::Kind;
use crate::units::PodUid;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A node's holds and what is left do not add up to what it has.
    Sum {
        /// The node.
        node: String,
        /// Which resource.
        what: String,
        /// What it has.
        capacity: u64,
        /// What is held.
        held: u64,
        /// What is said to be left.
        left: u64,
    },
    /// The count of hosted kinds is wrong.
    Hosted {
        /// The node.
        node: String,
    },
    /// The index of pods and the holds disagree.
    Index {
        /// The pod.
        pod: PodUid,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum {
                node,
                what,
                capacity,
                held,
                left,
            } => write!(
                f,
                "node {node}: {what}: {held} held and {left} left of {capacity}"
            ),
            Self::Hosted { node } => write!(f, "node {node}: hosted kinds are miscounted"),
            Self::Index { pod } => write!(f, "pod {pod}: the index and the holds disagree"),
        }
    }
}

/// Everything that is wrong with `cluster`; nothing if all is well.
#[must_use]
pub fn audit(cluster: &Cluster) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, state) in cluster.nodes().iter().enumerate() {
        audit_node(state, &mut findings);
        for pod in state.holds().keys() {
            let known = cluster.pods().get(pod).map(|node| node.index());
            if seen.insert(*pod, index).is_some() || known != Some(index) {
                findings.push(Finding::Index { pod: *pod });
            }
        }
    }
    let lost = cluster.pods().keys().filter(|pod| !seen.contains_key(pod));
    findings.extend(lost.map(|&pod| Finding::Index { pod }));
    findings
}

fn audit_node(state: &NodeState, findings: &mut Vec<Finding>) {
    let (node, free) = (state.node(), state.free());
    let holds = || state.holds().values();
    let mut check = |what: String, capacity: u64, held: u64, left: u64| {
        if held > capacity || held + left != capacity {
            findings.push(Finding::Sum {
                node: node.name.to_string(),
                what,
                capacity,
                held,
                left,
            });
        }
    };
    let cores = holds().map(|h| u64::from(h.request.cores().0)).sum();
    let memory = holds().map(|h| u64::from(h.request.memory().0)).sum();
    let all = node.room;
    check(
        "cores".into(),
        all.cores.0.into(),
        cores,
        free.room.cores.0.into(),
    );
    check(
        "memory".into(),
        all.memory.0.into(),
        memory,
        free.room.memory.0.into(),
    );
    check(
        "pods".into(),
        all.pods.into(),
        state.holds().len() as u64,
        free.room.pods.into(),
    );
    for (device, gpu) in node.gpus.iter().enumerate() {
        let (mut compute, mut memory) = (0_u64, 0_u64);
        for hold in holds() {
            for (container, set) in hold.request.containers().iter().zip(&hold.devices) {
                if set.contains(device) {
                    compute += u64::from(container.compute().0);
                    memory += u64::from(container.memory_on(gpu).0);
                }
            }
        }
        let left = free.devices[device];
        check(
            format!("compute of GPU {device}"),
            1000,
            compute,
            left.compute.0.into(),
        );
        check(
            format!("memory of GPU {device}"),
            gpu.memory.0.into(),
            memory,
            left.memory.0.into(),
        );
    }
    let mut hosted: BTreeMap<Kind, u32> = BTreeMap::new();
    for hold in holds() {
        *hosted.entry(hold.request.kind()).or_insert(0) += 1;
    }
    if hosted != *state.hosted() {
        findings.push(Finding::Hosted {
            node: node.name.to_string(),
        });
    }
}
