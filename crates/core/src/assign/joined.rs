//! Whole devices that are joined well: the set a container should get on a node whose links differ.
//!
//! The written objective is in `topology/objective.rs`. Behind a stock device plugin the plugin
//! chooses, and what it will choose is predicted instead. Where nothing is known of the links, or all
//! are alike, the lowest-numbered devices do.

use super::Search;
use crate::gpu::DeviceSet;
use crate::node::HandOver;
use crate::request::ContainerRequest;
use crate::topology::{self, Layout, Wish};
use crate::unfit::Unfit;

impl Search<'_> {
    /// Decides once which whole devices the container `index` should get.
    pub(super) fn want(&mut self, index: usize, container: &ContainerRequest) {
        let node = self.state.node();
        let (Some(links), ContainerRequest::Whole { count }) = (&node.links, container) else {
            return;
        };
        let alike = self.request.wish().is_none() && links.is_uniform();
        if alike || self.wanted.iter().any(|(known, _)| *known == index) {
            return;
        }
        let free = self.fitting(container);
        let set = self.joined(links, free, usize::from(count.get()));
        self.wanted.push((index, set));
    }

    fn joined(&self, links: &Layout, free: DeviceSet, count: usize) -> DeviceSet {
        if self.state.node().hand_over == HandOver::DevicePlugin {
            return topology::predicted(links, free, count);
        }
        let best = topology::best(links, free, count, self.request.wish());
        best.map_or(DeviceSet::EMPTY, |choice| choice.set)
    }

    /// Whether the whole devices of every container are joined as the pod demands: behind a device
    /// plugin, those that it is predicted to choose.
    pub(super) fn demanded(&self) -> Result<(), Unfit> {
        let Some(Wish { wanted, must: true }) = self.request.wish() else {
            return Ok(());
        };
        let node = self.state.node();
        let mut containers = self.request.containers().iter().zip(&self.devices);
        let joined = containers.all(|(container, set)| {
            let whole = matches!(container, ContainerRequest::Whole { .. });
            let several = whole && set.len() > 1;
            let links = node.links.as_ref();
            !several || links.is_some_and(|links| topology::satisfies(links, *set, wanted))
        });
        match joined {
            true => Ok(()),
            false => Err(Unfit::Topology),
        }
    }
}
