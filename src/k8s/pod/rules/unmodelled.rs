//! What a pod demands and nobody judges where no kube-scheduler does, so that an answer can say so.
//!
//! These are the demands that the default plugins of Kubernetes 1.37 filter by, beyond those of
//! `stowage_core::rules` and `stowage_core::plan`. Preferences, which only weigh, are not among them.

use std::collections::BTreeSet;

use super::object::{Container, Spec, Volume};
use crate::k8s::pod::asks::is_about_gpus;
use crate::k8s::pod::object::{Resources, Spread};
use crate::k8s::quantity::Quantity;

/// The demands of `spec`.
pub(super) fn of(spec: &Spec<'_>) -> Vec<&'static str> {
    let affinity = &spec.affinity;
    let hard = |spread: &Spread<'_>| &*spread.when_unsatisfiable == "DoNotSchedule";
    let demands = [
        ("scheduling gates", !spec.scheduling_gates.is_empty()),
        ("volumes", spec.volumes.iter().any(Volume::is_judged)),
        (
            "inter-pod affinity",
            !affinity.pod_affinity.required.is_empty(),
        ),
        (
            "inter-pod anti-affinity",
            !affinity.pod_anti_affinity.required.is_empty(),
        ),
        (
            "topology spread",
            spec.topology_spread_constraints.iter().any(hard),
        ),
        ("host ports", has_host_ports(spec)),
        ("resource claims", !spec.resource_claims.is_empty()),
        (
            "resources other than cores, memory and GPUs",
            asks_for_more(spec),
        ),
        (
            "a pod group",
            spec.scheduling_group.yes() || spec.workload_ref.yes(),
        ),
    ];
    let used = demands.into_iter().filter(|(_, used)| *used);
    used.map(|(demand, _)| demand).collect()
}

impl Volume {
    /// Whether there is a node that may not have it.
    fn is_judged(&self) -> bool {
        let sources = [
            self.persistent_volume_claim,
            self.ephemeral,
            self.gce_persistent_disk,
            self.aws_elastic_block_store,
            self.azure_disk,
            self.azure_file,
            self.cinder,
            self.vsphere_volume,
            self.portworx_volume,
            self.iscsi,
            self.rbd,
        ];
        sources.iter().any(|source| source.yes())
    }
}

/// On the host's network every port is the host's, which the API server writes down.
fn has_host_ports(spec: &Spec<'_>) -> bool {
    // Init containers that end give their ports back, and are not looked at by kube-scheduler either.
    let sidecars = spec.init_containers.iter();
    let sidecars = sidecars.filter(|container| &*container.restart_policy == "Always");
    let ports = |container: &Container<'_>| {
        let taken = |host_port: i64| host_port > 0 || spec.host_network;
        container.ports.iter().any(|port| taken(port.host_port))
    };
    spec.containers.iter().chain(sidecars).any(ports)
}

fn asks_for_more(spec: &Spec<'_>) -> bool {
    let containers = spec.containers.iter().chain(spec.init_containers.iter());
    let containers = containers.map(|container| &container.resources);
    containers.chain([&spec.resources]).any(has_more)
}

fn has_more(resources: &Resources<'_>) -> bool {
    let amounts = resources.requests.iter();
    // A limit without a request is a request; a limit above one does not matter.
    let asked: BTreeSet<&str> = resources.requests.iter().map(|(name, _)| name).collect();
    let unasked = |name: &str| !asked.contains(name);
    let limits = resources.limits.iter().filter(|(name, _)| unasked(name));
    amounts.chain(limits).any(|(name, amount)| {
        let counted = matches!(name, "cpu" | "memory") || is_about_gpus(name);
        !counted && Quantity::parse(amount) != Ok(Quantity::default())
    })
}
