//! One node of each kind that clusters have, `tests/fixtures/nodes/`: what it is to Stowage, drawn.
//! What goes wrong with each is in `twins.rs`.

use std::path::Path;
use std::sync::Arc;

use stowage_core::gpu::{DeviceSet, GpuMode, Sharing};
use stowage_core::node::{Health, NodeState};
use stowage_core::topology::Board as Machine;

use super::*;
use crate::k8s::node::Source;

/// The text of a fixture.
pub(super) fn text(kind: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nodes");
    std::fs::read_to_string(folder.join(kind).with_extension("json")).unwrap()
}

pub(super) fn facts(kind: &str) -> NodeFacts {
    node(&text(kind))
}

/// What all devices are, without saying it again and again: model, MiB, mode, how many.
fn devices(facts: &NodeFacts) -> String {
    let gpus = facts.node.gpus.chunk_by(|a, b| a == b);
    let gpus = gpus.map(|alike| {
        let gpu = &alike[0];
        let mode = match gpu.mode {
            GpuMode::Plain => String::new(),
            GpuMode::Replicas(count, Sharing::Time) => format!(" by turns of {count}"),
            GpuMode::Replicas(count, Sharing::Mps) => format!(" in parts of {count}"),
            GpuMode::Parted => " parted".to_owned(),
            GpuMode::Mig(cut) => format!(" cut as {}", cut.0.board()),
        };
        format!("{} x {} {}{mode}", alike.len(), gpu.model, gpu.memory)
    });
    gpus.collect::<Vec<_>>().join(", ")
}

/// Fixture, source, devices, drawing.
pub(super) const KINDS: [(&str, Source, &str, &str); 15] = [
    (
        "a100-mig-mixed",
        Source::Labels,
        "4 x A100-80GB 81920",
        "a100-mixed: . . . . 8*1g.10gb 4*2g.20gb 4*3g.40gb 95000m 1843200Mi 110p",
    ),
    (
        "h100-mig-single",
        Source::Labels,
        "14 x H100-80GB-MIG-1g.10gb 9984",
        "h100-single: . . . . . . . . . . . . . . 95000m 1843200Mi 110p",
    ),
    (
        "t4-time-sliced",
        Source::Labels,
        "4 x T4-16GB 15360 by turns of 4",
        "t4-sliced: . . . . 63000m 430080Mi 110p",
    ),
    (
        "t4-renamed",
        Source::Labels,
        "",
        "t4-renamed: 4*replica 4000m 24576Mi 110p",
    ),
    (
        "l4-mps",
        Source::Labels,
        "2 x L4-24GB 23034 in parts of 10",
        "l4-mps: . . 48000m 184320Mi 110p",
    ),
    (
        "mi300x-spx",
        Source::Labels,
        "8 x MI300X-192GB 196608",
        "mi300x-spx: . . . . . . . . 95000m 1843200Mi 110p",
    ),
    (
        "mi300x-cpx",
        Source::Labels,
        "64 x MI300X-192GB-cpx_nps4 24576",
        "mi300x-cpx: . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . \
         . . . . . . . . . . . . . . . . . . . . . . . . 95000m 1843200Mi 110p",
    ),
    (
        "mi300x-mixed",
        Source::Labels,
        "",
        "mi300x-mixed: 4*spx_nps1 32*cpx_nps4 95000m 1843200Mi 110p",
    ),
    (
        "windows-directx",
        Source::InstanceType,
        "1 x A10-24GB 23028",
        "akswin000001: . 36000m 450560Mi 30p",
    ),
    (
        "azure-v100",
        Source::InstanceType,
        "8 x V100-32GB 32768",
        "aks-v100-000003: . . . . . . . . 39000m 645120Mi 110p",
    ),
    (
        "mig-changing",
        Source::Labels,
        "8 x A100-80GB 81920",
        "a100-changing: . . . . . . . . 95000m 1843200Mi 110p",
    ),
    (
        "failed-device",
        Source::Inventory,
        "3 x A100-80GB 81920, 1 x A100-80GB 81920 cut as A100-80GB",
        "a100-failed: . . . M[........] 64000m 524288Mi 110p",
    ),
    (
        "a30-listed",
        Source::Inventory,
        "2 x A30-24GB 24576 parted",
        "a30-listed: - - 4*1g.6gb 2*2g.12gb 64000m 524288Mi 110p",
    ),
    (
        "fifteen-gpus",
        Source::Labels,
        "15 x V100-32GB 32768",
        "dgx2-odd: . . . . . . . . . . . . . . . 95000m 1515520Mi 110p",
    ),
    (
        "intel-shared",
        Source::Labels,
        "2 x Flex_170 0 by turns of 3",
        "flex-0: . . 32000m 131072Mi 110p",
    ),
];

#[test]
fn every_kind_of_node_is_drawn_as_it_is() {
    for (kind, source, gpus, drawing) in KINDS {
        let facts = facts(kind);
        assert_eq!(devices(&facts), gpus, "{kind}");
        assert_eq!(facts.source, source, "{kind}");
        let healthy = !["mig-changing", "failed-device"].contains(&kind);
        assert_eq!(facts.node.health == Health::default(), healthy, "{kind}");
        assert_eq!(facts.uuids.len(), facts.node.gpus.len(), "{kind}");
        let state = NodeState::idle(Arc::new(facts.node));
        assert_eq!(state.to_string(), drawing, "{kind}");
    }
}

#[test]
fn every_fixture_is_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nodes");
    let files = std::fs::read_dir(folder).unwrap();
    assert_eq!(files.count(), KINDS.len());
}

#[test]
fn what_is_not_well_keeps_new_pods_away() {
    let changing = facts("mig-changing");
    let reason = "the node's GPU partitions are being changed";
    assert_eq!(changing.unhealthy.as_deref(), Some(reason));
    assert!(changing.node.health.ailing);
    let failed = facts("failed-device");
    let two = DeviceSet::EMPTY.with(2);
    assert_eq!(failed.node.health.failed, two);
    assert_eq!(failed.unhealthy, None);
    assert!(!failed.node.health.ailing);
}

#[test]
fn links_are_those_of_the_machine_where_there_is_but_one() {
    let joined = |kind: &str| facts(kind).node.links.map(|links| (*links).clone());
    assert_eq!(joined("azure-v100"), Some(Machine::Dgx1V100.layout()));
    assert_eq!(joined("mi300x-spx"), Some(Machine::Mi300x.layout()));
    for kind in ["h100-mig-single", "mi300x-cpx", "fifteen-gpus", "l4-mps"] {
        assert_eq!(joined(kind), None, "{kind}");
    }
    // Of a machine that lacks a GPU nobody knows which.
    let seven = twins::changed(
        "azure-v100",
        "/status/allocatable/nvidia.com~1gpu",
        &json!("7"),
    );
    assert_eq!(node(&seven).node.links, None);
}
