//! Changes of what a pod asks that keep how much it is: another MIG profile, a wish for links in place
//! of a demand.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use stowage_core::mig::{Extra, Geometry, MigProfile};
use stowage_core::partition::Partition;
use stowage_core::request::ContainerRequest;
use stowage_core::topology::Wish as Links;

use super::change::{Found, Kind};
use super::model::Model;
use super::nearest::with_containers;
use super::verdict::Wish;

/// Of the profiles that some node gives, the next smaller one that fits; the largest profile asked for
/// is changed first.
pub(super) fn profile(model: &Model, wish: Wish<'_>) -> Found {
    let asked: BTreeSet<_> = wish.request.containers().iter().filter_map(mig).collect();
    let mut asked: Vec<_> = asked.into_iter().collect();
    asked.sort_by_key(|&profile| order(profile));
    asked.into_iter().find_map(|asked| {
        let other = smaller(model, asked).into_iter().find(|&other| {
            with_containers(model, wish, |container| match mig(&container) {
                Some(profile) if profile == asked => {
                    ContainerRequest::Partition(Partition::Mig(other))
                }
                _ => container,
            })
        })?;
        let sentence = format!("ask for {other} ({asked} asked)");
        Some((Kind::Profile, sentence))
    })
}

fn mig(container: &ContainerRequest) -> Option<MigProfile> {
    match container {
        ContainerRequest::Partition(Partition::Mig(profile)) => Some(*profile),
        _ => None,
    }
}

/// The largest memory first, then the most compute.
fn order(profile: MigProfile) -> impl Ord {
    let (memory, compute) = (profile.gigabytes(), profile.compute());
    (Reverse((memory, compute)), profile)
}

/// Profiles that some node gives, with at most the memory and the compute of `asked` and no engine that
/// it does not ask for.
fn smaller(model: &Model, asked: MigProfile) -> Vec<MigProfile> {
    let mut given: BTreeSet<MigProfile> = BTreeSet::new();
    for (_, state, _) in model.each_node() {
        let node = state.node();
        let boards = node.gpus.iter().filter_map(|gpu| gpu.mode.geometry());
        let shapes = boards.flat_map(Geometry::shapes);
        given.extend(shapes.map(|shape| shape.profile));
        let counted = node.partitions.iter();
        given.extend(counted.filter_map(|&(kind, _)| mig(&ContainerRequest::Partition(kind))));
    }
    let at_most = |profile: &MigProfile| {
        let extra = [Extra::None, asked.extra()].contains(&profile.extra());
        let memory = profile.gigabytes() <= asked.gigabytes();
        *profile != asked && extra && memory && profile.compute() <= asked.compute()
    };
    let mut smaller: Vec<_> = given.into_iter().filter(at_most).collect();
    smaller.sort_by_key(|&profile| order(profile));
    smaller
}

/// To prefer what is demanded of links.
pub(super) fn topology(model: &Model, wish: Wish<'_>) -> Found {
    let demand = wish.request.wish().filter(|links| links.must)?;
    let preferred = Links {
        must: false,
        ..demand
    };
    let request = wish.request.clone().wishing(preferred);
    let fits = model.fits(Wish {
        request: &request,
        ..wish
    });
    let sentence = format!("only prefer its topology, {preferred} ({demand} demanded)");
    fits.then_some((Kind::Topology, sentence))
}
