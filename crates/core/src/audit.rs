//! A second, naive opinion on a cluster: everything that is kept for speed is derived again from
//! the holds and compared, and no capacity may be exceeded.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster::Cluster;
use crate::node::{self, Claim, NodeState};
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
    /// What is said to be left is not what inventory and holds give.
    Derived {
        /// The node.
        node: String,
        /// What is said to be left, drawn.
        kept: String,
    },
    /// Observed holds exceed what the node has.
    Conflict {
        /// The node.
        node: String,
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
            Self::Derived { node, kept } => {
                write!(f, "node {node}: kept as {kept}, derived otherwise")
            }
            Self::Conflict { node } => write!(f, "node {node}: more is held than there is"),
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
            let known = cluster.pods().get(pod) == Some(&state.node().name);
            if seen.insert(*pod, index).is_some() || !known {
                findings.push(Finding::Index { pod: *pod });
            }
        }
    }
    for (node, strays) in cluster.strays() {
        for pod in strays.keys() {
            let known = cluster.pods().get(pod) == Some(node);
            if seen.insert(*pod, usize::MAX).is_some() || !known || cluster.find(node).is_some() {
                findings.push(Finding::Index { pod: *pod });
            }
        }
    }
    let lost = cluster.pods().keys().filter(|pod| !seen.contains_key(pod));
    findings.extend(lost.map(|&pod| Finding::Index { pod }));
    findings
}

fn audit_node(state: &NodeState, findings: &mut Vec<Finding>) {
    let node = state.node();
    let (free, conflict) = node::derive(node, state.holds());
    if free != *state.free() || conflict != state.in_conflict() {
        findings.push(Finding::Derived {
            node: node.name.to_string(),
            kept: state.to_string(),
        });
    }
    if conflict {
        findings.push(Finding::Conflict {
            node: node.name.to_string(),
        });
    } else {
        audit_sums(state, findings);
    }
    let mut hosted: BTreeMap<Kind, u32> = BTreeMap::new();
    for hold in state.holds().values() {
        *hosted.entry(hold.request.kind()).or_insert(0) += 1;
    }
    if hosted != *state.hosted() {
        findings.push(Finding::Hosted {
            node: node.name.to_string(),
        });
    }
}

/// Adds up known holds device by device, on its own.
fn audit_sums(state: &NodeState, findings: &mut Vec<Finding>) {
    let (node, free) = (state.node(), state.free());
    let foreign = state.holds().values().any(|h| h.claim == Claim::Foreign);
    let mut check = |what: String, capacity: u64, held: u64, left: u64| {
        let adds_up = held + left == capacity || foreign && held + left <= capacity;
        if held > capacity || !adds_up {
            findings.push(Finding::Sum {
                node: node.name.to_string(),
                what,
                capacity,
                held,
                left,
            });
        }
    };
    let holds = || state.holds().values();
    let cores = holds().map(|h| u64::from(h.request.cores().0)).sum();
    let memory = holds().map(|h| u64::from(h.request.memory().0)).sum();
    let pods = state.holds().len() as u64;
    let (all, left) = (node.room, free.room);
    check(
        "cores".into(),
        all.cores.0.into(),
        cores,
        left.cores.0.into(),
    );
    check(
        "memory".into(),
        all.memory.0.into(),
        memory,
        left.memory.0.into(),
    );
    check("pods".into(), all.pods.into(), pods, left.pods.into());
    for (device, gpu) in node.gpus.iter().enumerate() {
        let (mut compute, mut memory) = (0_u64, 0_u64);
        for hold in holds() {
            let Some(devices) = hold.claim.devices() else {
                continue;
            };
            for (container, set) in hold.request.containers().iter().zip(devices) {
                if set.contains(device) {
                    compute += u64::from(container.compute().0);
                    memory += u64::from(container.memory_on(gpu).0);
                }
            }
        }
        let left = free.devices[device];
        let what = |what| format!("{what} of GPU {device}");
        check(what("compute"), 1000, compute, left.compute.0.into());
        check(
            what("memory"),
            gpu.memory.0.into(),
            memory,
            left.memory.0.into(),
        );
    }
}
