//! A second, naive opinion on a cluster: everything that is kept for speed is derived again from
//! the holds and compared, and no capacity may be exceeded.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster::Cluster;
use crate::free;
use crate::gpu::{DeviceSet, GpuMode};
use crate::mig::SliceMask;
use crate::node::{Claim, NodeState};
use crate::partition::Partition;
use crate::request::{ContainerRequest, Kind};
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

impl Finding {
    fn sum(state: &NodeState, what: String, capacity: u64, held: u64, left: u64) -> Self {
        Self::Sum {
            node: state.node().name.to_string(),
            what,
            capacity,
            held,
            left,
        }
    }
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
    let (free, conflict) = free::derive(node, state.holds());
    let before = findings.len();
    audit_sums(state, conflict, findings);
    let foreign = state.holds().values().any(|h| h.claim == Claim::Foreign);
    if !conflict && !foreign {
        audit_partitions(state, findings);
    }
    let name = || node.name.to_string();
    let adds_up = findings.len() == before;
    if adds_up && conflict {
        findings.push(Finding::Conflict { node: name() });
    } else if adds_up && (free != *state.free() || state.in_conflict()) {
        findings.push(Finding::Derived {
            node: name(),
            kept: state.to_string(),
        });
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

/// Adds up known holds device by device, on its own. In conflict more is held than there is, so that
/// nothing adds up: then only that is looked for.
fn audit_sums(state: &NodeState, conflict: bool, findings: &mut Vec<Finding>) {
    let (node, free) = (state.node(), state.free());
    let foreign = state.holds().values().any(|h| h.claim == Claim::Foreign);
    let mut check = |what: String, capacity: u64, held: u64, left: u64| {
        let adds_up = conflict || held + left == capacity || foreign && held + left <= capacity;
        if held > capacity || !adds_up {
            findings.push(Finding::sum(state, what, capacity, held, left));
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
            for (index, container) in hold.request.containers().iter().enumerate() {
                let times = devices.times(index, device) as u64;
                if let Some(takes) = container.takes(gpu) {
                    compute += times * u64::from(takes.0.0);
                    memory += times * u64::from(takes.1.0);
                }
            }
        }
        let left = free.devices[device];
        let parted = gpu.mode == GpuMode::Parted;
        let (all_compute, all_memory) = if parted { (0, 0) } else { (1000, gpu.memory.0) };
        let what = |what| format!("{what} of GPU {device}");
        check(what("compute"), all_compute, compute, left.compute.0.into());
        check(
            what("memory"),
            all_memory.into(),
            memory,
            left.memory.0.into(),
        );
    }
}

/// Counted partitions and MIG slots, on their own: no slice twice, and what is taken is what is held.
fn audit_partitions(state: &NodeState, findings: &mut Vec<Finding>) {
    let (node, free) = (state.node(), state.free());
    let mut check = |what: String, capacity: u64, held: u64, left: u64| {
        if held + left != capacity {
            findings.push(Finding::sum(state, what, capacity, held, left));
        }
    };
    for ((kind, count), left) in node.partitions.iter().zip(free.partitions()) {
        let units = parts(state).filter(|(part, set, _)| part == kind && set.is_empty());
        let held = units.count() as u64;
        check(
            format!("partitions {kind}"),
            (*count).into(),
            held,
            (*left).into(),
        );
    }
    for (device, board) in free.boards().iter().enumerate() {
        let geometry = node.gpus[device].mode.geometry();
        let (Some(board), Some(geometry)) = (board, geometry) else {
            continue;
        };
        let mut held = 0;
        for (part, _, start) in parts(state).filter(|(_, set, _)| set.contains(device)) {
            let Partition::Mig(profile) = part else {
                continue;
            };
            let size = geometry.shape(profile).map_or(0, |shape| shape.size);
            held += u64::from(size);
            let whole = SliceMask::run(start, size);
            if whole.minus(board.taken()) != SliceMask::default() {
                // A slice that is held and said to be free: the sum below will not add up.
                held += 1000;
            }
        }
        let left = u64::from(geometry.slices()) - u64::from(board.taken().len());
        let what = format!("slices of GPU {device}");
        check(what, geometry.slices().into(), held, left);
    }
}

/// Every partition held: its kind, its device if it has one, and where it starts.
fn parts(state: &NodeState) -> impl Iterator<Item = (Partition, DeviceSet, u8)> + use<'_> {
    let known = state.holds().values();
    let known = known.filter_map(|hold| Some((hold.request.containers(), hold.claim.devices()?)));
    known.flat_map(|(containers, devices)| {
        let units = containers.iter().zip(devices).enumerate();
        units.filter_map(|(index, (container, set))| match container {
            ContainerRequest::Partition(kind) => Some((*kind, *set, devices.start(index))),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{DeviceSet, Gpu, GpuMode, Model, Vendor};
    use crate::node::{HandOver, Hold, Node, Room};
    use crate::request::{ContainerRequest, Models, PodRequest};
    use crate::units::{Mebibytes, Milli};
    use std::num::NonZeroU8;
    use std::sync::Arc;

    /// A node with one of two devices taken by pod 1, which holds 1 core of 4 and 2 MiB of 8.
    fn node() -> NodeState {
        let model = Model::new("G");
        let memory = Mebibytes(100);
        let mut state = NodeState::idle(Arc::new(Node {
            name: "a".into(),
            rank: 0,
            room: Room {
                cores: Milli(4),
                memory: Mebibytes(8),
                pods: 9,
            },
            gpus: vec![
                Gpu {
                    vendor: Vendor::Nvidia,
                    model,
                    memory,
                    mode: GpuMode::Plain,
                };
                2
            ]
            .into(),
            hand_over: HandOver::StowageNri,
            ..Node::default()
        }));
        state.hold(PodUid(1), hold()).expect("it fits");
        state
    }

    fn hold() -> Hold {
        let whole = ContainerRequest::Whole {
            count: NonZeroU8::MIN,
        };
        let request = PodRequest::new(&[whole], Milli(1), Mebibytes(2), Models::Any);
        Hold {
            request: Arc::new(request.expect("possible")),
            claim: Claim::Bound([DeviceSet::EMPTY.with(0)].into_iter().collect()),
        }
    }

    fn findings(state: &NodeState) -> Vec<String> {
        let mut findings = Vec::new();
        audit_node(state, &mut findings);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn what_is_left_must_add_up_for_each_resource() {
        assert_eq!(findings(&node()), Vec::<String>::new());
        let found = |spoil: fn(&mut crate::node::Free)| {
            let mut state = node();
            spoil(state.corrupt().0);
            findings(&state)
        };
        let cores = found(|free| free.room.cores.0 += 1);
        assert_eq!(cores, ["node a: cores: 1 held and 4 left of 4"]);
        let memory = found(|free| free.room.memory.0 -= 1);
        assert_eq!(memory, ["node a: memory: 2 held and 5 left of 8"]);
        let pods = found(|free| free.room.pods += 1);
        assert_eq!(pods, ["node a: pods: 1 held and 9 left of 9"]);
        let compute = found(|free| free.devices[0].compute.0 = 1);
        let said = "node a: compute of GPU 0: 1000 held and 1 left of 1000";
        assert_eq!(compute, [said]);
        let memory = found(|free| free.devices[1].memory.0 = 99);
        let said = "node a: memory of GPU 1: 0 held and 99 left of 100";
        assert_eq!(memory, [said]);
    }

    #[test]
    fn device_that_two_pods_hold_whole_is_found() {
        let mut state = node();
        state.corrupt().0.devices[0].compute = Milli::WHOLE;
        state.corrupt().0.devices[0].memory = Mebibytes(100);
        state.hold(PodUid(2), hold()).expect("it seems to fit");
        let said = [
            "node a: compute of GPU 0: 2000 held and 0 left of 1000",
            "node a: memory of GPU 0: 200 held and 0 left of 100",
        ];
        assert_eq!(findings(&state), said);
    }

    #[test]
    fn miscounted_kinds_are_found() {
        for count in [0, 2] {
            let mut state = node();
            state.corrupt().1.insert(Kind::Whole(1), count);
            let said = ["node a: hosted kinds are miscounted"];
            assert_eq!(findings(&state), said);
        }
    }
}
