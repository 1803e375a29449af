//! Whole devices that are joined well: the set a container should get on a node whose links differ.
//!
//! The written objective is in `topology/objective.rs`. Behind a stock device plugin the plugin
//! chooses, and what it will choose is predicted instead. Where nothing is known of the links, or all
//! are alike to whoever chooses, the lowest-numbered devices do.
//!
//! Where links are demanded, a search takes every set that has them into account, so that several
//! containers find theirs; behind a plugin there is no choice, and what it is predicted to do is
//! refused if it falls short.

use super::{MAX_STEPS, Search};
use crate::gpu::DeviceSet;
use crate::node::HandOver;
use crate::request::ContainerRequest;
use crate::topology::{self, Layout, Wanted, Wish};
use crate::unfit::Unfit;

impl Search<'_> {
    /// Decides once which whole devices the container `index` should get; no if it demands links that
    /// no devices have which are left.
    pub(super) fn want(&mut self, index: usize, container: &ContainerRequest) -> bool {
        let ContainerRequest::Whole { count } = container else {
            return true;
        };
        let count = usize::from(count.get());
        let demanded = self.demand().is_some();
        let Some(links) = &self.state.node().links else {
            return !demanded || count < 2;
        };
        // A plugin sees differences where links make none: NVSwitches are not seen by it.
        let plugin = self.state.node().hand_over == HandOver::DevicePlugin;
        // It looks at no links where GPUs are shared.
        let alike = match plugin {
            true => self.options.has_replicas(),
            false => self.request.wish().is_none() && links.is_uniform(),
        };
        if alike || self.wanted.iter().any(|(known, _)| *known == index) {
            return true;
        }
        let free = self.fitting(container);
        let Some(set) = self.joined(links, free, count) else {
            return !demanded;
        };
        self.wanted.push((index, set));
        true
    }

    fn joined(&self, links: &Layout, free: DeviceSet, count: usize) -> Option<DeviceSet> {
        if self.state.node().hand_over == HandOver::DevicePlugin {
            return Some(topology::predicted(links, free, count));
        }
        let best = topology::best(links, free, count, self.request.wish());
        best.map(|choice| choice.set)
    }

    /// What the pod demands of the links, where somebody obeys which devices are chosen.
    fn demand(&self) -> Option<Wanted> {
        let obeyed = self.state.node().hand_over != HandOver::DevicePlugin;
        let wish = self.request.wish().filter(|wish| wish.must && obeyed);
        wish.map(|wish| wish.wanted)
    }

    /// Of `options`, those that are joined as demanded with what the container `index` has already.
    pub(super) fn joinable(&self, index: usize, options: DeviceSet) -> DeviceSet {
        let (Some(wanted), Some(links)) = (self.demand(), &self.state.node().links) else {
            return options;
        };
        let taken = self.devices[index];
        let joined = |&device: &usize| topology::satisfies(links, taken.with(device), wanted);
        options.iter().filter(joined).collect()
    }

    /// Whether devices that are equal otherwise may differ in how they answer what is demanded.
    pub(super) fn tells_apart(&self) -> bool {
        let links = self.state.node().links.as_ref();
        let wish = self.request.wish().filter(|_| self.demand().is_some());
        links
            .zip(wish)
            .is_some_and(|(links, wish)| wish.splits(links))
    }

    /// Why a search found no devices for all containers: whether one of them alone lacks links.
    pub(super) fn reason(&mut self) -> Unfit {
        self.wanted.clear();
        for (index, container) in self.request.containers().iter().enumerate() {
            if !self.want(index, container) {
                return Unfit::Topology;
            }
        }
        match self.steps {
            MAX_STEPS.. => Unfit::Intricate,
            _ => Unfit::Together,
        }
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
