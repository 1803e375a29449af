//! Partitions that a node counts under names of their own: MIG instances (strategy `mixed`), replicas
//! that the device plugin renamed, AMD's partitions (strategy `mixed`).
//!
//! A profile means nothing without a board: where the board is known the profile must be one of its
//! own, and no more instances may be offered than its GPUs can be cut into.

use std::sync::Arc;

use stowage_core::gpu::{Gpu, Vendor};
use stowage_core::mig::{Geometry, MigProfile};
use stowage_core::partition::{AmdMode, Partition};

use super::Reason;
use super::nvidia;
use super::object::NodeObject;
use crate::k8s::boards;
use crate::k8s::inventory::{self, Inventory};
use crate::k8s::pod::is_shared;
use crate::k8s::problem::Wrong;
use crate::k8s::quantity;

/// How many there are of each kind, each kind once, in their order.
pub(super) type Counted = Arc<[(Partition, u32)]>;

/// What a resource is.
#[derive(Clone, Copy)]
enum Named {
    Kind(Partition),
    /// One of a kind that makes no sense; what would.
    Wrong(&'static str),
    NotYet,
    /// A whole device, or nothing to do with GPUs.
    Other,
}

const A_PROFILE: &str = "a MIG profile such as nvidia.com/mig-1g.10gb";
const A_MODE: &str = "a memory mode nps1, nps2, nps4 or nps8";

fn named(resource: &str) -> Named {
    let whole = resource.strip_suffix(".shared");
    let name = whole.unwrap_or(resource);
    if name.starts_with("nvidia.com/mig-") {
        return match MigProfile::of_resource(name) {
            Ok(profile) if whole.is_some() => Named::Kind(Partition::MigReplica(profile)),
            Ok(profile) => Named::Kind(Partition::Mig(profile)),
            Err(_) => Named::Wrong(A_PROFILE),
        };
    }
    match (amd_mode(resource), whole) {
        (Some(Some((compute, memory))), _) => Named::Kind(Partition::Amd(compute, memory)),
        (Some(None), _) => Named::Wrong(A_MODE),
        (None, Some("nvidia.com/gpu")) => Named::Kind(Partition::Replica(Vendor::Nvidia)),
        (None, _) if is_shared(resource) => Named::NotYet,
        (None, _) => Named::Other,
    }
}

/// The modes in `amd.com/cpx_nps4`; none if it is no such name, none inside if they are not known.
fn amd_mode(resource: &str) -> Option<Option<(AmdMode, u8)>> {
    let (compute, _) = resource.strip_prefix("amd.com/")?.split_once('_')?;
    AmdMode::ALL.iter().find(|(_, name)| *name == compute)?;
    Some(AmdMode::with_memory(&resource["amd.com/".len()..]))
}

/// The partitions that the device plugins of `node` offer, whose board is `board` if that is known.
pub(super) fn offered(node: &NodeObject<'_>, board: Option<&str>) -> Result<Counted, Reason> {
    let mut counted = Vec::new();
    let offered = super::devices::offered(node);
    for (resource, _) in offered.iter() {
        let named = named(resource);
        let Some(text) = offered
            .get(resource)
            .filter(|_| !matches!(named, Named::Other))
        else {
            continue;
        };
        let field = || format!("status.allocatable {resource}");
        let count = quantity::count(text).map_err(|error| error.at(field()))?;
        // Kubelets keep the names of kinds that were there once, with none of them.
        if count == 0 {
            continue;
        }
        let kind = kind(named, &field, resource, board)?;
        check_most(node, kind, count, &field, board)?;
        let few = u32::try_from(count).map_err(|_| {
            let expected = format!("a whole number up to {}", u32::MAX);
            Wrong::value(field(), expected, text)
        })?;
        counted.push((kind, few));
    }
    Ok(in_order(counted))
}

/// The partitions that an inventory lists, which are cut from its `parted` devices.
pub(super) fn listed(inventory: &Inventory, parted: &[&Gpu]) -> Result<Counted, Reason> {
    let first = parted.first().map(|gpu| gpu.model.as_str());
    let board = first.filter(|_| parted.iter().all(|gpu| gpu.model == parted[0].model));
    let mut counted = Vec::new();
    for (resource, &count) in inventory.partitions.iter().filter(|(_, count)| **count > 0) {
        let field = || format!("{}: partitions: {resource}", inventory::FIELD);
        let kind = match named(resource) {
            Named::Other => Err(Wrong::value(field(), A_PROFILE, resource).into()),
            named => kind(named, &field, resource, board),
        }?;
        let Some(most) = most(kind, parted.len(), board) else {
            counted.push((kind, count));
            continue;
        };
        if u64::from(count) > most {
            let expected = format!("at most {most} on {} devices with mig static", parted.len());
            return Err(Wrong::said(field(), expected, count.to_string()).into());
        }
        counted.push((kind, count));
    }
    Ok(in_order(counted))
}

/// How many partitions of a kind so many devices can be cut into, if that is known: without a device,
/// none.
fn most(kind: Partition, devices: usize, board: Option<&str>) -> Option<u64> {
    let each = match kind {
        Partition::Mig(profile) => {
            let geometry = board.and_then(Geometry::of_board);
            geometry.and_then(|geometry| geometry.shape(profile).map(|shape| shape.most))
        }
        _ => None,
    };
    match (devices, each) {
        (0, _) => Some(0),
        (_, each) => each.map(|each| devices as u64 * u64::from(each)),
    }
}

fn in_order(mut counted: Vec<(Partition, u32)>) -> Counted {
    counted.sort_by_key(|&(kind, _)| kind);
    counted.dedup_by_key(|&mut (kind, _)| kind);
    counted.into()
}

fn kind(
    named: Named,
    field: &impl Fn() -> String,
    resource: &str,
    board: Option<&str>,
) -> Result<Partition, Reason> {
    match named {
        Named::Kind(kind) => {
            if let Partition::Mig(profile) | Partition::MigReplica(profile) = kind {
                check_profile(field, profile, board)?;
            }
            Ok(kind)
        }
        Named::Wrong(expected) => Err(Wrong::value(field(), expected, resource).into()),
        Named::NotYet | Named::Other => Err(Reason::NotYet(field())),
    }
}

/// Refuses a profile that `board` has not, or where the board is not known, that no board has.
pub(super) fn check_profile(
    field: &impl Fn() -> String,
    profile: MigProfile,
    board: Option<&str>,
) -> Result<(), Wrong> {
    let known = board.filter(|board| boards::is_known(board));
    let has = |geometry: &Geometry| geometry.shape(profile).is_some();
    let (fits, expected) = match known {
        Some(board) => {
            let fits = Geometry::of_board(board).is_some_and(has);
            (fits, format!("a MIG profile of {board}"))
        }
        None => {
            let expected = "a MIG profile of a board that is known".to_owned();
            (Geometry::all().iter().any(has), expected)
        }
    };
    match fits {
        true => Ok(()),
        false => Err(Wrong::value(field(), expected, &profile.to_string())),
    }
}

/// Refuses more partitions than the GPUs that discovery counted can be cut into.
fn check_most(
    node: &NodeObject<'_>,
    kind: Partition,
    count: u64,
    field: &impl Fn() -> String,
    board: Option<&str>,
) -> Result<(), Wrong> {
    let (each, label) = match kind {
        Partition::Mig(profile) | Partition::MigReplica(profile) => {
            let geometry = board.and_then(Geometry::of_board);
            let shape = geometry.and_then(|geometry| geometry.shape(profile));
            let profile = profile.resource();
            (shape.map(|shape| shape.most), format!("{profile}.replicas"))
        }
        Partition::Replica(_) => (Some(1), nvidia::REPLICAS.to_owned()),
        Partition::Amd(..) => return Ok(()),
    };
    let (Some(each), Some(gpus)) = (each, nvidia::physical(node)?) else {
        return Ok(());
    };
    let replicas = nvidia::replicas(node, &label)?;
    let most = gpus * u64::from(each) * u64::from(replicas);
    if count <= most {
        return Ok(());
    }
    let expected = format!("at most {most} on {gpus} GPUs by nvidia.com/gpu.count");
    Err(Wrong::value(field(), expected, &count.to_string()))
}
