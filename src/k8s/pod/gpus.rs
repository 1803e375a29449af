//! What a pod asks of GPUs, over all its containers, and who uses which of its devices.
//!
//! Containers that ask for no GPU are left out: they make no difference to any decision. Who may use
//! whose devices is worked out in `share_out.rs`.

use std::iter::repeat_n;
use std::sync::Arc;

use stowage_core::gpu::Model;
use stowage_core::request::{ContainerRequest, Devices, Models, PodRequest};
use stowage_core::topology::Wish;
use stowage_core::units::{Mebibytes, Milli};

use super::asks::{self, Ask};
use super::dialects;
use super::object::PodObject;
use super::share_out::{User, share_out};
use crate::k8s::annotation::PLACEMENT;
use crate::k8s::boards;
use crate::k8s::problem::{Unsupported, Wrong};
use crate::k8s::quantity;

/// A container that uses GPUs. One that asks for several partitions, or for partitions and whole
/// devices, is there once for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuContainer {
    /// Its name.
    pub name: String,
    /// What it asks for, or one of the things.
    pub asks: ContainerRequest,
    /// The containers of the request whose devices it may use.
    pub from: Vec<usize>,
}

impl GpuContainer {
    /// Its devices, where the request got `devices`: the lowest-numbered of those it may use, each as
    /// often as it has units of it.
    #[must_use]
    pub fn units(&self, devices: &Devices) -> Vec<usize> {
        let each = self.from.iter().flat_map(|&slot| devices.each(slot));
        let mut units: Vec<_> = each.flat_map(|(d, times)| repeat_n(d, times)).collect();
        units.sort_unstable();
        units.truncate(self.asks.count());
        units
    }
}

/// Most requests of containers, init containers included: who uses whose devices takes their square.
pub(super) const MAX_USERS: usize = 1024;
/// Most models of a list: every device is looked up in it.
const MAX_MODELS: usize = 64;
const MODELS: &str = "stowage.dev/gpu-models";
const LEAST_MEMORY: &str = "stowage.dev/gpu-memory-at-least";
const TOPOLOGY: &str = "stowage.dev/topology";
const NOT_YET: [&str; 3] = [
    "stowage.dev/model-preset",
    "stowage.dev/group",
    "stowage.dev/group-size",
];

/// The request of `pod` and its containers with GPUs, in the pod's order. Of a pod that is `bound`
/// already only what it holds matters, not where it might have gone.
pub(super) fn request(
    pod: &PodObject<'_>,
    cores: Milli,
    memory: Mebibytes,
    bound: bool,
) -> Result<(PodRequest, Vec<GpuContainer>), Unsupported> {
    let wishes = match wishes(pod) {
        Err(_) if bound => Wishes::default(),
        wishes => wishes?,
    };
    let mut users = Vec::new();
    let mut vendor = None;
    let inits = pod
        .spec
        .init_containers
        .iter()
        .map(|c| (c, !c.is_sidecar()));
    let all = inits.chain(pod.spec.containers.iter().map(|c| (c, false)));
    let kai = dialects::kai(pod)?;
    for (container, ends_first) in all {
        let mut ask = asks::of(container)?;
        if let Some((_, share)) = kai.as_ref().filter(|(name, _)| *name == *container.name) {
            if !ask.requests.is_empty() {
                let field = format!("container {}", &*container.name);
                let expected = "gpu-fraction, gpu-memory or GPU resources";
                return Err(Wrong::said(field, expected, "both".to_owned()).into());
            }
            ask.requests.push(*share);
        }
        vendor = one_vendor(&container.name, vendor, &ask)?;
        if users.len() + ask.requests.len() > MAX_USERS {
            let expected = format!("at most {MAX_USERS} requests for GPUs in a pod");
            let got = "more over all containers".to_owned();
            return Err(Wrong::said("containers", expected, got).into());
        }
        users.extend(ask.requests.into_iter().map(|asks| User {
            name: &container.name,
            asks,
            ends_first,
        }));
    }
    let (slots, from) = share_out(&users);
    let containers = users.iter().zip(from).map(|(user, from)| GpuContainer {
        name: user.name.to_owned(),
        asks: user.asks,
        from,
    });
    let containers = containers.collect();
    let mut request = PodRequest::new(&slots, cores, memory, wishes.models)?;
    request = request.with_least_memory(wishes.least_memory);
    if let Some((vendor, _)) = vendor {
        request = request.of_vendor(vendor);
    }
    if let Some(wish) = wishes.topology {
        request = request.wishing(wish);
    }
    Ok((request, containers))
}

type Named = (stowage_core::gpu::Vendor, &'static str);

fn one_vendor(name: &str, sofar: Option<Named>, ask: &Ask) -> Result<Option<Named>, Wrong> {
    match (sofar, ask.vendor) {
        (Some((a, other)), Some((b, resource))) if a != b => {
            let field = format!("container {name}: {resource}");
            Err(Wrong::said(field, asks::ONE_VENDOR, format!("{other} too")))
        }
        (sofar, vendor) => Ok(sofar.or(vendor)),
    }
}

/// What annotations say about acceptable devices.
struct Wishes {
    models: Models,
    least_memory: Mebibytes,
    topology: Option<Wish>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            models: Models::Any,
            least_memory: Mebibytes(0),
            topology: None,
        }
    }
}

/// Reads the annotations; one of ours that cannot be obeyed is refused.
fn wishes(pod: &PodObject<'_>) -> Result<Wishes, Unsupported> {
    let mut wishes = Wishes::default();
    for (key, value) in pod.metadata.annotations.iter() {
        let field = || format!("annotation {key}");
        match key {
            PLACEMENT => {}
            // Of another scheduler, see `dialects.rs`.
            _ if !key.starts_with("stowage.dev/") => {}
            MODELS => {
                let names = value.split(',').map(str::trim);
                let many = names.clone().count();
                if many > MAX_MODELS {
                    let expected = format!("at most {MAX_MODELS} GPU models");
                    return Err(Wrong::said(field(), expected, many.to_string()).into());
                }
                let list: Arc<[Model]> = names.clone().map(boards::model).collect();
                if names.into_iter().any(str::is_empty) {
                    let expected = "GPU models separated by commas";
                    return Err(Wrong::value(field(), expected, value).into());
                }
                wishes.models = Models::OneOf(list);
            }
            LEAST_MEMORY => {
                let expected = "an amount of memory such as 40Gi";
                let wrong = || Wrong::value(field(), expected, value);
                wishes.least_memory = quantity::memory(value).map_err(|_| wrong())?;
            }
            TOPOLOGY => {
                let expected = "nvlink, pcie or numa, with ? where it is only preferred";
                let wrong = |_| Wrong::value(field(), expected, value);
                wishes.topology = Some(value.trim().parse().map_err(wrong)?);
            }
            _ if NOT_YET.contains(&key) => return Err(Unsupported::NotYet(field())),
            _ => {
                let expected =
                    format!("{MODELS}, {LEAST_MEMORY}, {TOPOLOGY} or none of stowage.dev");
                return Err(Wrong::value("annotations", expected, key).into());
            }
        }
    }
    Ok(wishes)
}
