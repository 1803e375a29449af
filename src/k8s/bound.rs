//! What a pod holds on its node, by what it says itself: one reading for `serve`, `inspect` and replays.

use std::collections::BTreeMap;
use std::sync::Arc;

use stowage_core::cluster::BoundPod;
use stowage_core::gpu::DeviceSet;
use stowage_core::request::Devices;

use super::node::NodeFacts;
use super::pod::PodFacts;
use super::problem::AnnotationError;

impl PodFacts {
    /// The devices that it says it has on `node`, or wherever it is if that has not been seen yet; none
    /// if it says nothing or its request makes no sense.
    ///
    /// # Errors
    /// When its placement is not understood, or does not answer its request.
    pub fn placed(&self, node: Option<&NodeFacts>) -> Result<Option<Devices>, AnnotationError> {
        let Ok(request) = &self.request else {
            return Ok(None);
        };
        if !request.wants_gpu() {
            let containers = request.containers().iter();
            return Ok(Some(containers.map(|_| DeviceSet::EMPTY).collect()));
        }
        match &self.placement {
            None => Ok(None),
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(placement)) => placement.devices_on(request, &self.gpus, node).map(Some),
        }
    }

    /// The name of its node; none if it holds nothing, because it is not bound or has ended.
    #[must_use]
    pub fn holding_on(&self) -> Option<Arc<str>> {
        let node = self.node_name.as_deref().filter(|name| !name.is_empty())?;
        (!self.terminal).then(|| Arc::from(node))
    }

    /// What it holds on one of `nodes`; none if it holds nothing. A request or devices that are not
    /// understood become a problem, in one sentence.
    pub fn bound_on(
        &self,
        nodes: &BTreeMap<Arc<str>, &NodeFacts>,
        problems: &mut Vec<String>,
    ) -> Option<BoundPod> {
        let node = self.holding_on()?;
        if let Err(unsupported) = &self.request {
            let pod = self.full_name();
            problems.push(format!(
                "pod {pod}: {unsupported}; what it holds is guessed"
            ));
        }
        let devices = self.placed(nodes.get(&node).copied());
        let devices = devices.unwrap_or_else(|error| {
            let pod = self.full_name();
            problems.push(format!("pod {pod}: {error}; its devices are unknown"));
            None
        });
        Some(self.bound(node, devices))
    }

    /// What it holds on `node`, with these `devices` if they are known.
    #[must_use]
    pub fn bound(&self, node: Arc<str>, devices: Option<Devices>) -> BoundPod {
        BoundPod {
            pod: self.uid,
            devices,
            request: Arc::new(self.held()),
            node,
        }
    }
}
