//! A `core/v1` Pod, and what it means to Stowage: [`PodFacts`].
//!
//! `object.rs` says which fields are read, `amounts.rs` how cores and memory are counted, `gpus.rs`
//! what is asked of GPUs, by which container. A pod whose request makes no sense is still a pod:
//! its [`request`](PodFacts::request) says why, and what it [holds](PodFacts::held) at least. `rules/`
//! stands apart: where the pod may go, where nobody else judges it.

mod amounts;
mod asks;
mod dialects;
mod gpus;
mod at_least;
mod object;
mod rules;
mod share_out;
mod uid;

use serde::{Deserialize, Deserializer};
use stowage_core::request::PodRequest;
use stowage_core::units::{Mebibytes, Milli, PodUid};

use super::annotation::{PLACEMENT, Placement};
use super::node::Taint;
use super::problem::{AnnotationError, PodError, Unsupported, Wrong};
pub(super) use asks::{WHOLE, is_shared};
pub use gpus::GpuContainer;
pub use object::PodObject;
pub use rules::RuledPod;
use uid::A_UUID;
pub use uid::{parse_uid, uid_text};

/// What Stowage knows of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFacts {
    /// Its UID.
    pub uid: PodUid,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it is bound.
    pub node_name: Option<String>,
    /// Whether it has ended and holds nothing: it succeeded or failed, and its containers stopped. A
    /// pod that is only being deleted still runs.
    pub terminal: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Who schedules it.
    pub scheduler_name: String,
    /// Its priority.
    pub priority: i32,
    /// What else than Stowage's order of nodes it has an opinion on.
    pub soft: Soft,
    /// What it tolerates, as far as taints that only repel are concerned.
    pub tolerations: Vec<Toleration>,
    /// The group that it is a member of, if any.
    pub pod_group: Option<String>,
    /// The placement it carries, if any.
    pub placement: Option<Result<Placement, AnnotationError>>,
    /// What it asks for, or why that cannot be served on any node.
    pub request: Result<PodRequest, Unsupported>,
    /// Its containers with GPUs and how they share out the request's devices; none if the request
    /// is unsupported.
    pub gpus: Vec<GpuContainer>,
    /// Cores, whether or not the rest of the request is supported.
    pub cores: Milli,
    /// Host memory, likewise.
    pub memory: Mebibytes,
    /// What it holds once it is bound.
    held: PodRequest,
}

/// Preferences of a pod that kube-scheduler weighs per node. Where there are any, a list of nodes
/// must not be cut short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Soft {
    /// It prefers some nodes.
    pub node_affinity: bool,
    /// It prefers to be near other pods, or far from them.
    pub pod_affinity: bool,
    /// It wants to be spread, if possible.
    pub spread: bool,
    /// It mounts a claim of a volume.
    pub volumes: bool,
    /// It has resource claims.
    pub claims: bool,
}

impl Soft {
    /// Whether there is any.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// That a pod does not mind some taints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    key: String,
    /// None: any.
    value: Option<String>,
}

impl PodFacts {
    /// Reads the JSON of a Pod.
    ///
    /// # Errors
    /// When it is not one, or has no name or no UID.
    pub fn parse(json: &str) -> Result<Self, PodError> {
        let object: PodObject<'_> =
            serde_json::from_str(json).map_err(|error| PodError::Json(error.to_string()))?;
        Self::try_from(&object)
    }

    /// What the pod holds on its node, as far as that can be said: its request, or, where that is
    /// not supported, as much as it may hold by what can be read of it.
    #[must_use]
    pub fn held(&self) -> PodRequest {
        self.held.clone()
    }

    /// Whether `taint` does not repel this pod.
    #[must_use]
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.tolerations.iter().any(|toleration| {
            (toleration.key.is_empty() || toleration.key == taint.key)
                && toleration.value.as_ref().is_none_or(|v| *v == taint.value)
        })
    }

    /// Namespace and name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl TryFrom<&PodObject<'_>> for PodFacts {
    type Error = PodError;

    fn try_from(pod: &PodObject<'_>) -> Result<Self, PodError> {
        Self::with_uid(pod, Err)
    }
}

impl<'de> Deserialize<'de> for PodFacts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let object = PodObject::deserialize(from)?;
        Self::try_from(&object).map_err(serde::de::Error::custom)
    }
}

impl PodFacts {
    /// The facts of `pod`; `missing` is asked for a UID where there is none.
    pub(super) fn with_uid(
        pod: &PodObject<'_>,
        missing: impl FnOnce(Wrong) -> Result<PodUid, Wrong>,
    ) -> Result<Self, PodError> {
        let (metadata, spec) = (&pod.metadata, &pod.spec);
        let (namespace, name) = (pod.namespace(), pod.name());
        let error = |wrong| PodError::Wrong {
            pod: pod.full_name(),
            wrong,
        };
        if name.is_empty() {
            return Err(error(Wrong::missing("metadata.name", "a name")));
        }
        let uid = match metadata.uid.as_deref() {
            Some(text) if !text.is_empty() => parse_uid(text),
            _ => missing(Wrong::missing("metadata.uid", A_UUID)),
        };
        let node_name = spec.node_name.as_deref().filter(|name| !name.is_empty());
        let bound = node_name.is_some();
        let amounts = amounts::of(pod);
        let (cores, memory) = *amounts.as_ref().unwrap_or(&(Milli(0), Mebibytes(0)));
        let request = amounts
            .map_err(Unsupported::from)
            .and_then(|_| gpus::request(pod, cores, memory, bound));
        let (request, gpus) = match request {
            Ok((request, gpus)) => (Ok(request), gpus),
            Err(unsupported) => (Err(unsupported), Vec::new()),
        };
        let held = match &request {
            Ok(request) => request.clone(),
            Err(_) => at_least::of(pod, cores, memory),
        };
        let placement = metadata.annotations.get(PLACEMENT);
        Ok(Self {
            held,
            uid: uid.map_err(error)?,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            node_name: node_name.map(str::to_owned),
            terminal: is_terminal(pod),
            deleting: metadata.deletion_timestamp.yes(),
            scheduler_name: spec
                .scheduler_name
                .as_deref()
                .unwrap_or("default-scheduler")
                .to_owned(),
            priority: spec.priority.unwrap_or(0),
            soft: soft(pod),
            tolerations: tolerations(pod),
            pod_group: pod_group(pod),
            placement: placement.map(|text| Placement::parse(text)),
            request,
            gpus,
            cores,
            memory,
        })
    }
}

fn is_terminal(pod: &PodObject<'_>) -> bool {
    let status = &pod.status;
    let statuses = status.container_statuses.iter();
    let mut statuses = statuses.chain(status.init_container_statuses.iter());
    matches!(&*status.phase, "Succeeded" | "Failed")
        && !statuses.any(|container| container.state.running.yes())
}

fn soft(pod: &PodObject<'_>) -> Soft {
    let spec = &pod.spec;
    let affinity = &spec.affinity;
    let spread = |s: &object::Spread<'_>| &*s.when_unsatisfiable == "ScheduleAnyway";
    // An ephemeral volume is a claim that is made with the pod.
    let claim = |v: &object::Volume| v.persistent_volume_claim.yes() || v.ephemeral.yes();
    Soft {
        node_affinity: affinity.node_affinity.any(),
        pod_affinity: affinity.pod_affinity.any() || affinity.pod_anti_affinity.any(),
        spread: spec.topology_spread_constraints.iter().any(spread),
        volumes: spec.volumes.iter().any(claim),
        claims: !spec.resource_claims.is_empty(),
    }
}

/// Those that may match a taint of effect PreferNoSchedule. Operators that compare numbers are left
/// out: a taint too many that seems to repel only makes a list longer.
fn tolerations(pod: &PodObject<'_>) -> Vec<Toleration> {
    let all = pod.spec.tolerations.iter();
    let soft = all.filter(|t| matches!(&*t.effect, "" | "PreferNoSchedule"));
    soft.filter_map(|toleration| {
        let value = match &*toleration.operator {
            "Exists" => None,
            "" | "Equal" => Some((*toleration.value).to_owned()),
            _ => return None,
        };
        Some(Toleration {
            key: (*toleration.key).to_owned(),
            value,
        })
    })
    .collect()
}

fn pod_group(pod: &PodObject<'_>) -> Option<String> {
    let spec = &pod.spec;
    if let Some(group) = spec.scheduling_group.as_ref() {
        return group.pod_group_name.as_deref().map(str::to_owned);
    }
    if let Some(workload) = spec.workload_ref.as_ref() {
        let (name, group) = (&*workload.name, &*workload.pod_group);
        let key = &*workload.pod_group_replica_key;
        return Some(
            [name, group, key]
                .join("/")
                .trim_end_matches('/')
                .to_owned(),
        );
    }
    let label = pod.metadata.labels.get(object::GROUP_LABEL);
    label.map(|group| (**group).to_owned())
}
