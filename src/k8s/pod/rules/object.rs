//! The fields of a `core/v1` Pod that say where it may go, as they are written.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::k8s::json::{List, Map, Text, There, null};
use crate::k8s::pod::object::{Resources, Spread, TolerationObject};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) namespace: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) node_name: Text<'a>,
    #[serde(borrow)]
    pub(super) node_selector: Map<'a, Text<'a>>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) affinity: Affinity<'a>,
    #[serde(borrow)]
    pub(super) tolerations: List<TolerationObject<'a>>,
    #[serde(borrow)]
    pub(super) containers: List<Container<'a>>,
    #[serde(borrow)]
    pub(super) init_containers: List<Container<'a>>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) resources: Resources<'a>,
    #[serde(deserialize_with = "null")]
    pub(super) host_network: bool,
    pub(super) volumes: List<Volume>,
    #[serde(borrow)]
    pub(super) topology_spread_constraints: List<Spread<'a>>,
    pub(super) resource_claims: List<IgnoredAny>,
    pub(super) scheduling_gates: List<IgnoredAny>,
    pub(super) scheduling_group: There,
    pub(super) workload_ref: There,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Affinity<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) node_affinity: NodeAffinity<'a>,
    #[serde(deserialize_with = "null")]
    pub(super) pod_affinity: PodAffinity,
    #[serde(deserialize_with = "null")]
    pub(super) pod_anti_affinity: PodAffinity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeAffinity<'a> {
    #[serde(borrow, rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(super) required: Option<NodeSelector<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(super) required: List<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeSelector<'a> {
    #[serde(borrow)]
    pub(super) node_selector_terms: List<Term<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Term<'a> {
    #[serde(borrow)]
    pub(super) match_expressions: List<Requirement<'a>>,
    #[serde(borrow)]
    pub(super) match_fields: List<Requirement<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Requirement<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) key: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) operator: Text<'a>,
    #[serde(borrow)]
    pub(super) values: List<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) restart_policy: Text<'a>,
    pub(super) ports: List<Port>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) resources: Resources<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Port {
    #[serde(deserialize_with = "null")]
    pub(super) host_port: i64,
}

/// Volumes that kube-scheduler has an opinion on: `VolumeBinding`, `VolumeRestrictions`,
/// `VolumeZone`, `NodeVolumeLimits`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) persistent_volume_claim: There,
    pub(super) ephemeral: There,
    pub(super) gce_persistent_disk: There,
    pub(super) aws_elastic_block_store: There,
    pub(super) azure_disk: There,
    pub(super) azure_file: There,
    pub(super) cinder: There,
    pub(super) vsphere_volume: There,
    pub(super) portworx_volume: There,
    pub(super) iscsi: There,
    pub(super) rbd: There,
}
