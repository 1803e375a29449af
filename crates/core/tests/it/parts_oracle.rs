//! A brute-force oracle beside the search: every assignment of every unit to every device and slot,
//! on random nodes of plain devices, replicas, MIG boards and counted partitions.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::audit::audit;
use stowage_core::cluster::Cluster;
use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, Sharing};
use stowage_core::mig::{Geometry, MigProfile};
use stowage_core::node::{Claim, Health, Node, NodeState};
use stowage_core::partition::Partition;
use stowage_core::plan;
use stowage_core::request::{ContainerRequest, Devices, Models, PodRequest, Share, ShareMemory};
use stowage_core::strategy::Strategy as Policy;
use stowage_core::unfit::Unfit;
use stowage_core::units::{Mebibytes, Milli, NodeIx, PodUid};

use crate::drawing::context;
use crate::parts::{cut, gpu, node};

/// What is used of a node, unit by unit.
#[derive(Debug, Clone, Default)]
struct Used {
    compute: BTreeMap<usize, u32>,
    memory: BTreeMap<usize, u32>,
    units: BTreeMap<usize, u32>,
    instances: Vec<(usize, MigProfile, u8)>,
    counted: BTreeMap<Partition, u32>,
}

/// One unit of a container: which container, and what it asks.
type Unit = (usize, ContainerRequest);

fn units(request: &PodRequest) -> Vec<Unit> {
    let containers = request.containers().iter().enumerate();
    let units = containers.flat_map(|(index, c)| std::iter::repeat_n((index, *c), c.count()));
    units.collect()
}

/// All devices that one unit may take on top of `used`, as what is used then.
fn ways(node: &Node, used: &Used, unit: ContainerRequest) -> Vec<(Option<usize>, Used)> {
    if let ContainerRequest::Partition(kind) = unit
        && let Some((_, count)) = node.partitions.iter().find(|(known, _)| *known == kind)
    {
        let mut after = used.clone();
        let taken = after.counted.entry(kind).or_default();
        *taken += 1;
        return if *taken <= *count {
            vec![(None, after)]
        } else {
            Vec::new()
        };
    }
    let well = |device: &usize| !node.health.failed.contains(*device);
    let mut ways = Vec::new();
    for device in (0..node.gpus.len()).filter(well) {
        let (gpu, mut after) = (&node.gpus[device], used.clone());
        let compute = used.compute.get(&device).copied().unwrap_or(0);
        let memory = used.memory.get(&device).copied().unwrap_or(0);
        let idle = compute == 0 && memory == 0;
        match (unit, gpu.mode) {
            (ContainerRequest::Whole { .. }, GpuMode::Plain) if idle => {
                after.compute.insert(device, 1000);
                after.memory.insert(device, gpu.memory.0);
            }
            (ContainerRequest::Whole { .. }, GpuMode::Replicas(count, _)) => {
                let units = after.units.entry(device).or_default();
                *units += 1;
                if *units > u32::from(count.get()) {
                    continue;
                }
            }
            (ContainerRequest::Share { share, .. }, GpuMode::Plain) => {
                let (c, m) = (compute + share.compute.0, memory + share.memory.on(gpu).0);
                if c > 1000 || m > gpu.memory.0 {
                    continue;
                }
                after.compute.insert(device, c);
                after.memory.insert(device, m);
            }
            (ContainerRequest::Partition(Partition::Mig(profile)), GpuMode::Mig(cut)) => {
                for start in starts(cut.0, &used.instances, device, profile) {
                    let mut after = used.clone();
                    after.instances.push((device, profile, start));
                    ways.push((Some(device), after));
                }
                continue;
            }
            _ => continue,
        }
        ways.push((Some(device), after));
    }
    ways
}

/// Where an instance may lie, from the list of those that are there.
fn starts(
    geometry: &Geometry,
    all: &[(usize, MigProfile, u8)],
    device: usize,
    profile: MigProfile,
) -> Vec<u8> {
    let Some(shape) = geometry.shape(profile) else {
        return Vec::new();
    };
    let here: Vec<_> = all.iter().filter(|(on, ..)| *on == device).collect();
    let compute: u8 = here.iter().map(|(_, profile, _)| profile.compute()).sum();
    let same = here
        .iter()
        .filter(|(_, other, _)| *other == profile)
        .count();
    if compute + profile.compute() > geometry.compute() || same >= usize::from(shape.most) {
        return Vec::new();
    }
    let clear = |start: &u8| {
        here.iter().all(|(_, other, at)| {
            let size = geometry.shape(*other).expect("it lies there").size;
            start + shape.size <= *at || at + size <= *start
        })
    };
    shape.starts.iter().copied().filter(clear).collect()
}

fn possible(node: &Node, used: &Used, units: &[Unit], taken: &[(usize, usize)]) -> bool {
    let Some(((container, unit), rest)) = units.split_first() else {
        return true;
    };
    ways(node, used, *unit).into_iter().any(|(device, after)| {
        // A container gets different devices, or any replicas.
        let one = |&device: &usize| !matches!(node.gpus[device].mode, GpuMode::Replicas(..));
        let taken_twice = device
            .filter(one)
            .is_some_and(|device| taken.contains(&(*container, device)));
        let mut taken = taken.to_vec();
        taken.extend(device.map(|device| (*container, device)));
        !taken_twice && possible(node, &after, rest, &taken)
    })
}

/// What is used by `devices`, which were decided on.
fn book(node: &Node, used: &mut Used, request: &PodRequest, devices: &Devices) {
    for (index, (container, set)) in request.containers().iter().zip(devices).enumerate() {
        if let ContainerRequest::Partition(kind) = container
            && set.is_empty()
        {
            *used.counted.entry(*kind).or_default() += 1;
        }
        for (device, times) in devices.each(index) {
            if let ContainerRequest::Partition(Partition::Mig(profile)) = container {
                used.instances
                    .push((device, *profile, devices.start(index)));
                continue;
            }
            let (compute, memory) = container.takes(&node.gpus[device]).expect("it was decided");
            let times = times as u32;
            *used.compute.entry(device).or_default() += times * compute.0;
            *used.memory.entry(device).or_default() += times * memory.0;
            *used.units.entry(device).or_default() += times;
        }
    }
}

const PROFILES: [&str; 7] = [
    "1g.5gb", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "1g.6gb", "2g.12gb",
];

fn a_gpu() -> impl Strategy<Value = Gpu> {
    let replicas = |count| GpuMode::Replicas(NonZeroU8::new(count).expect("some"), Sharing::Mps);
    prop_oneof![
        2 => Just(gpu("A", 10_000, GpuMode::Plain)),
        1 => (1_u8..4).prop_map(move |count| gpu("T4", 15_360, replicas(count))),
        2 => Just(cut("A100-40GB")),
        1 => Just(cut("A30-24GB")),
    ]
}

fn a_node() -> impl Strategy<Value = Node> {
    let counted = prop::collection::btree_map(0..3_usize, 0_u32..4, 0..2);
    (prop::collection::vec(a_gpu(), 0..4), counted, 0_u8..8).prop_map(|(gpus, counted, failed)| {
        let kind = |at: usize| Partition::Mig(PROFILES[at].parse().expect("a profile"));
        let failed = (0..gpus.len()).filter(|d| failed == 1 << d).collect();
        Node {
            partitions: counted
                .into_iter()
                .map(|(at, count)| (kind(at), count))
                .collect(),
            health: Health {
                failed,
                ailing: false,
            },
            ..node("a", gpus)
        }
    })
}

fn a_container() -> impl Strategy<Value = ContainerRequest> {
    let mib = |mib| ShareMemory::Mebibytes(Mebibytes(mib));
    let share = (1_u8..3, 0_u32..900, 1_u32..9_000).prop_map(move |(count, compute, memory)| {
        let share = Share {
            compute: Milli(compute),
            memory: mib(memory),
        };
        ContainerRequest::Share {
            count: NonZeroU8::new(count).expect("some"),
            share,
        }
    });
    let mig = prop::sample::select(&PROFILES[..]).prop_map(|name| {
        ContainerRequest::Partition(Partition::Mig(name.parse().expect("a profile")))
    });
    let whole = (1_u8..5).prop_map(|count| ContainerRequest::Whole {
        count: NonZeroU8::new(count).expect("some"),
    });
    prop_oneof![1 => Just(ContainerRequest::None), 2 => whole, 2 => share, 4 => mig]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_pod_fits_exactly_when_some_assignment_exists(
        node in a_node(),
        pods in prop::collection::vec(prop::collection::vec(a_container(), 1..5), 1..8),
        policy in prop::sample::select(&Policy::ALL[..]),
    ) {
        let mut cluster = Cluster::new([node.clone()]).expect("a cluster");
        let mut used = Used::default();
        for (number, containers) in (0_u32..).zip(pods) {
            let request = PodRequest::new(&containers, Milli(0), Mebibytes(0), Models::Any);
            let request = request.expect("something possible");
            let state: &NodeState = &cluster.nodes()[0];
            let decided = plan::candidate(state, &request, &context(policy));
            let fits = possible(&node, &used, &units(&request), &[]);
            match decided {
                Ok(candidate) => {
                    prop_assert!(fits, "{state}: {request:?}");
                    book(&node, &mut used, &request, &candidate.devices);
                    let claim = Claim::Bound(candidate.devices);
                    let uid = PodUid(number.into());
                    let held = cluster.hold(uid, NodeIx(0), Arc::new(request), claim);
                    prop_assert!(held.is_ok(), "{held:?}");
                    prop_assert_eq!(audit(&cluster), []);
                }
                Err(reason) => prop_assert!(!fits, "{state}: {request:?}: {reason}"),
            }
        }
        // Everything given back: as good as new.
        let pods: Vec<PodUid> = cluster.pods().keys().copied().collect();
        for pod in pods {
            cluster.release(pod);
            prop_assert_eq!(audit(&cluster), []);
        }
        let idle = NodeState::idle(Arc::new(node)).to_string();
        prop_assert_eq!(cluster.nodes()[0].to_string(), idle);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// One board, pods of many small instances: where the best place for the first is not always one
    /// that leaves room for the others.
    #[test]
    fn instances_of_one_pod_are_found_a_place_if_there_is_one(
        there in prop::collection::vec(0_usize..5, 0..4),
        asked in prop::collection::vec(0_usize..5, 2..6),
    ) {
        let one = |at: &usize| ContainerRequest::Partition(Partition::Mig(PROFILES[*at].parse().expect("a profile")));
        let node = node("a", vec![cut("A100-40GB")]);
        let mut cluster = Cluster::new([node.clone()]).expect("a cluster");
        let mut used = Used::default();
        let context = context(Policy::Fgd);
        for (number, at) in (0_u32..).zip(&there) {
            let request = PodRequest::new(&[one(at)], Milli(0), Mebibytes(0), Models::Any);
            let request = request.expect("something possible");
            let free = ways(&node, &used, one(at));
            // Anywhere, not where it would be put: what is left may be odd.
            let Some((_, after)) = free.get(number as usize * 7 % free.len().max(1)) else { continue };
            let start = after.instances.last().expect("it was placed").2;
            let mut devices = Devices::from_slice(&[DeviceSet::EMPTY.with(0)]);
            devices.set_start(0, start);
            let claim = Claim::Bound(devices);
            let held = cluster.hold(PodUid(number.into()), NodeIx(0), Arc::new(request), claim);
            prop_assert!(held.is_ok());
            used = after.clone();
        }
        let asked: Vec<_> = asked.iter().map(one).collect();
        let request = PodRequest::new(&asked, Milli(0), Mebibytes(0), Models::Any);
        let request = request.expect("something possible");
        let decided = plan::candidate(&cluster.nodes()[0], &request, &context);
        let fits = possible(&node, &used, &units(&request), &[]);
        prop_assert_eq!(decided.is_ok(), fits, "{}: {:?}", &cluster.nodes()[0], decided);
    }
}

#[test]
fn unit_of_the_oracle_knows_a_full_board() {
    let full = node("a", vec![cut("A100-40GB")]);
    let ask = PodRequest::new(
        &[ContainerRequest::Partition(Partition::Mig("7g.40gb".parse().expect("a profile"))); 2],
        Milli(0),
        Mebibytes(0),
        Models::Any,
    );
    let ask = ask.expect("something possible");
    assert!(!possible(&full, &Used::default(), &units(&ask), &[]));
    let state = NodeState::idle(Arc::new(full));
    let decided = plan::candidate(&state, &ask, &context(Policy::Fgd));
    assert_eq!(decided.map(|_| ()), Err(Unfit::Together));
}
