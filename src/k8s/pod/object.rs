//! The fields of a `core/v1` Pod that Stowage reads, as they are written.
//!
//! Borrowed from the JSON where possible: a scheduler extender gets one of these with every call.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::k8s::json::{Amounts, Keep, List, Map, Text, There, null};

/// A Pod as JSON has it. [`PodFacts`](super::PodFacts) is what it means.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodObject<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) metadata: Metadata<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) spec: Spec<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) status: Status<'a>,
}

impl PodObject<'_> {
    /// Namespace and name; without a namespace it is `default`, as for `kubectl`.
    pub(in crate::k8s) fn full_name(&self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }

    pub(super) fn namespace(&self) -> &str {
        let namespace = self.metadata.namespace.as_deref();
        namespace.filter(|n| !n.is_empty()).unwrap_or("default")
    }

    pub(super) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) uid: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) labels: Map<'a, Text<'a>, GroupLabels>,
    #[serde(borrow)]
    pub(super) annotations: Map<'a, Text<'a>, OurAnnotations>,
    pub(super) deletion_timestamp: There,
}

/// Labels that make a pod a member of a group.
#[derive(Debug, Default)]
pub(super) struct GroupLabels;

/// The label of the coscheduling plugin (kubernetes-sigs/scheduler-plugins).
pub(super) const GROUP_LABEL: &str = "scheduling.x-k8s.io/pod-group";

impl Keep for GroupLabels {
    fn keep(key: &str) -> bool {
        key == GROUP_LABEL
    }
}

/// Annotations that are Stowage's business.
#[derive(Debug, Default)]
pub(super) struct OurAnnotations;

impl Keep for OurAnnotations {
    fn keep(key: &str) -> bool {
        key.starts_with("stowage.dev/") || key.starts_with("gpu-fraction") || key == "gpu-memory"
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec<'a> {
    #[serde(borrow)]
    pub(super) node_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) scheduler_name: Option<Text<'a>>,
    pub(super) priority: Option<i32>,
    #[serde(borrow)]
    pub(super) containers: List<Container<'a>>,
    #[serde(borrow)]
    pub(super) init_containers: List<Container<'a>>,
    #[serde(borrow)]
    pub(super) overhead: Amounts<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) resources: Resources<'a>,
    #[serde(borrow)]
    pub(super) tolerations: List<TolerationObject<'a>>,
    #[serde(deserialize_with = "null")]
    pub(super) affinity: Affinity,
    #[serde(borrow)]
    pub(super) topology_spread_constraints: List<Spread<'a>>,
    pub(super) volumes: List<Volume>,
    pub(super) resource_claims: List<IgnoredAny>,
    #[serde(borrow)]
    pub(super) scheduling_group: Option<SchedulingGroup<'a>>,
    #[serde(borrow)]
    pub(super) workload_ref: Option<WorkloadRef<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    restart_policy: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) resources: Resources<'a>,
}

impl Container<'_> {
    /// Whether this init container is a sidecar: it starts in its turn and runs until the pod ends.
    pub(super) fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources<'a> {
    #[serde(borrow)]
    pub(super) requests: Amounts<'a>,
    #[serde(borrow)]
    pub(super) limits: Amounts<'a>,
}

/// Resources as a status has them; requests that are there and empty are something else than none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InEffect<'a> {
    #[serde(borrow)]
    pub(super) requests: Option<Amounts<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TolerationObject<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) key: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) operator: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) value: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) effect: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Affinity {
    #[serde(deserialize_with = "null")]
    pub(super) node_affinity: Preferred,
    #[serde(deserialize_with = "null")]
    pub(super) pod_affinity: Preferred,
    #[serde(deserialize_with = "null")]
    pub(super) pod_anti_affinity: Preferred,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Preferred {
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    terms: List<IgnoredAny>,
}

impl Preferred {
    pub(super) fn any(&self) -> bool {
        !self.terms.is_empty()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spread<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) when_unsatisfiable: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) persistent_volume_claim: There,
    pub(super) ephemeral: There,
}

/// Kubernetes 1.36 and newer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SchedulingGroup<'a> {
    #[serde(borrow)]
    pub(super) pod_group_name: Option<Text<'a>>,
}

/// Kubernetes 1.35.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WorkloadRef<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) name: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) pod_group: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) pod_group_replica_key: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) phase: Text<'a>,
    #[serde(borrow)]
    pub(super) conditions: List<Condition<'a>>,
    #[serde(borrow)]
    pub(super) container_statuses: List<ContainerStatus<'a>>,
    #[serde(borrow)]
    pub(super) init_container_statuses: List<ContainerStatus<'a>>,
    #[serde(borrow)]
    pub(super) resources: Option<InEffect<'a>>,
    #[serde(borrow)]
    pub(super) allocated_resources: Option<Amounts<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "null")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, deserialize_with = "null")]
    pub(super) reason: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus<'a> {
    #[serde(borrow, deserialize_with = "null")]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) resources: Option<InEffect<'a>>,
    #[serde(borrow)]
    pub(super) allocated_resources: Option<Amounts<'a>>,
    #[serde(deserialize_with = "null")]
    pub(super) state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) running: There,
}
