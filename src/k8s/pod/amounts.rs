//! Cores and host memory of a pod, as Kubernetes counts them.
//!
//! The formula is that of `k8s.io/component-helpers/resource/helpers.go` (1.37), which kube-scheduler
//! and kubelet share: containers and sidecars add up; an ordinary init container runs alone, beside
//! the sidecars started before it, so of those the largest counts; pod-level requests replace the
//! sum; overhead comes on top. While a pod is resized in place the largest of what is asked, what is
//! allocated and what is in effect counts; what is asked does not where the resize is infeasible.
//!
//! The API server fills in requests from limits. It is done again here, for objects that never went
//! through one.

use stowage_core::units::{Mebibytes, Milli};

use super::object::{Container, ContainerStatus, PodObject, Resources};
use crate::k8s::json::Amounts;
use crate::k8s::problem::Wrong;
use crate::k8s::quantity::{Quantity, QuantityError};

/// An amount of each; none where nobody asked, which pod-level defaults distinguish from zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    cores: Option<Quantity>,
    memory: Option<Quantity>,
}

impl Amount {
    fn read(field: &dyn Fn() -> String, from: &Amounts<'_>) -> Result<Self, Wrong> {
        let get = |name: &str| {
            let quantity = from.get(name).map(|text| Quantity::parse(text));
            let at = |error: QuantityError| error.at(format!("{} {name}", field()));
            quantity.transpose().map_err(at)
        };
        Ok(Self {
            cores: get("cpu")?,
            memory: get("memory")?,
        })
    }

    fn or(self, other: Self) -> Self {
        Self {
            cores: self.cores.or(other.cores),
            memory: self.memory.or(other.memory),
        }
    }

    fn plus(self, other: Self) -> Self {
        let add = |a: Option<Quantity>, b: Option<Quantity>| match (a, b) {
            (Some(a), Some(b)) => Some(a.plus(b)),
            (one, other) => one.or(other),
        };
        Self {
            cores: add(self.cores, other.cores),
            memory: add(self.memory, other.memory),
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            cores: self.cores.max(other.cores),
            memory: self.memory.max(other.memory),
        }
    }
}

/// Which of a container's amounts: what its specification asks, what the kubelet has allocated, or
/// what is in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Asked,
    Allocated,
    Actuated,
}

/// Cores and memory that `pod` counts for.
pub(super) fn of(pod: &PodObject<'_>) -> Result<(Milli, Mebibytes), Wrong> {
    let infeasible = resize_is_infeasible(pod);
    let asked = over_containers(pod, View::Asked, infeasible)?;
    let mut total = asked;
    if infeasible || is_resizable(pod) {
        let in_effect = pod.status.resources.as_ref();
        let in_effect = in_effect.and_then(|r| r.requests.as_ref());
        let of_pod = (&pod.status.allocated_resources, in_effect);
        let (allocated, actuated) = match of_pod {
            // Pod-level status is the sum over containers already.
            (Some(allocated), Some(actuated)) => (
                Amount::read(&|| "status.allocatedResources".to_owned(), allocated)?,
                Amount::read(&|| "status.resources.requests".to_owned(), actuated)?,
            ),
            _ => (
                over_containers(pod, View::Allocated, infeasible)?,
                over_containers(pod, View::Actuated, infeasible)?,
            ),
        };
        let seen = allocated.max(actuated);
        total = if infeasible { seen } else { asked.max(seen) };
    }
    total = pod_level(pod, asked, infeasible)?.or(total);
    let overhead = Amount::read(&|| "spec.overhead".to_owned(), &pod.spec.overhead)?;
    let total = total.plus(overhead);
    let (cores, memory) = (
        total.cores.unwrap_or_default(),
        total.memory.unwrap_or_default(),
    );
    let too_much = |what: &str, most: &'static str| {
        Wrong::said(what, most, "more over all containers".to_owned())
    };
    Ok((
        cores
            .milli_up()
            .ok_or_else(|| too_much("cpu", "at most 4294967 cores"))?,
        memory
            .mebibytes_up()
            .ok_or_else(|| too_much("memory", "at most 4 PiB"))?,
    ))
}

fn over_containers(pod: &PodObject<'_>, view: View, infeasible: bool) -> Result<Amount, Wrong> {
    let amount = |container: &Container<'_>| {
        let status = match view {
            View::Asked => None,
            _ => status_of(pod, &container.name),
        };
        of_container(container, status, view, infeasible)
    };
    let mut total = Amount::default();
    for container in pod.spec.containers.iter() {
        total = total.plus(amount(container)?);
    }
    let (mut sidecars, mut largest) = (Amount::default(), Amount::default());
    for container in pod.spec.init_containers.iter() {
        let amount = amount(container)?;
        let at_its_start = sidecars.plus(amount);
        largest = largest.max(at_its_start);
        if container.is_sidecar() {
            sidecars = at_its_start;
            total = total.plus(amount);
        }
    }
    Ok(total.max(largest))
}

fn of_container(
    container: &Container<'_>,
    status: Option<&ContainerStatus<'_>>,
    view: View,
    infeasible: bool,
) -> Result<Amount, Wrong> {
    let field = |what: &'static str| {
        let name = &*container.name;
        move || format!("container {name}: {what}")
    };
    let in_effect = status
        .and_then(|s| s.resources.as_ref())
        .and_then(|r| r.requests.as_ref());
    if view == View::Actuated
        && let Some(requests) = in_effect
    {
        return Amount::read(&field("status"), requests);
    }
    let allocated = status.and_then(|s| s.allocated_resources.as_ref());
    if view != View::Asked
        && let Some(allocated) = allocated
    {
        return Amount::read(&field("status"), allocated);
    }
    match view {
        View::Allocated | View::Actuated if infeasible => Ok(Amount::default()),
        _ => asked(
            &container.resources,
            &field("request of"),
            &field("limit of"),
        ),
    }
}

/// Requests, or limits where there are none.
fn asked(
    resources: &Resources<'_>,
    request: &dyn Fn() -> String,
    limit: &dyn Fn() -> String,
) -> Result<Amount, Wrong> {
    let requests = Amount::read(request, &resources.requests)?;
    Ok(requests.or(Amount::read(limit, &resources.limits)?))
}

/// What replaces the sum over containers; `asked` is that sum as specified. A pod-level limit alone
/// is a request where no container has one.
fn pod_level(pod: &PodObject<'_>, asked: Amount, infeasible: bool) -> Result<Amount, Wrong> {
    let resources = &pod.spec.resources;
    let requests = Amount::read(
        &|| "spec.resources.requests".to_owned(),
        &resources.requests,
    )?;
    let limits = Amount::read(&|| "spec.resources.limits".to_owned(), &resources.limits)?;
    let specified = Amount {
        cores: requests
            .cores
            .or(limits.cores.filter(|_| asked.cores.is_none())),
        memory: requests
            .memory
            .or(limits.memory.filter(|_| asked.memory.is_none())),
    };
    let Some(in_effect) = &pod.status.resources else {
        return Ok(specified);
    };
    if specified == Amount::default() {
        return Ok(specified);
    }
    let optional = |field: &'static str, amounts: Option<&Amounts<'_>>| match amounts {
        Some(amounts) => Amount::read(&|| field.to_owned(), amounts),
        None => Ok(Amount::default()),
    };
    let allocated = pod.status.allocated_resources.as_ref();
    let allocated = optional("status.allocatedResources", allocated)?;
    let seen = optional("status.resources.requests", in_effect.requests.as_ref())?.max(allocated);
    Ok(if infeasible {
        seen
    } else {
        specified.max(seen)
    })
}

fn status_of<'p>(pod: &'p PodObject<'_>, name: &str) -> Option<&'p ContainerStatus<'p>> {
    let status = &pod.status;
    let all = status.container_statuses.iter();
    let mut all = all.chain(status.init_container_statuses.iter());
    all.find(|status| &*status.name == name)
}

/// Whether any status says what a container was given.
fn is_resizable(pod: &PodObject<'_>) -> bool {
    let status = &pod.status;
    let all = status.container_statuses.iter();
    let mut all = all.chain(status.init_container_statuses.iter());
    status.allocated_resources.is_some()
        || all.any(|s| s.resources.is_some() || s.allocated_resources.is_some())
}

fn resize_is_infeasible(pod: &PodObject<'_>) -> bool {
    let mut conditions = pod.status.conditions.iter();
    let pending = conditions.find(|c| &*c.kind == "PodResizePending");
    pending.is_some_and(|c| &*c.reason == "Infeasible")
}
