//! Intents: where pods would go that were ranked but not bound.
//!
//! An [`Intent`] is a tentative hold and changes nothing that is true. [`Cluster::seen`] shows a node
//! with intents applied, for scoring; [`Cluster::nodes`] shows it without, for judging what fits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Cluster;
use crate::node::{Claim, Hold, NodeState};
use crate::request::{Devices, PodRequest};
use crate::units::{NodeIx, PodUid, Timestamp};

/// A tentative hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Where the pod would go.
    pub node: Arc<str>,
    /// On which devices.
    pub devices: Devices,
    /// What it asks for.
    pub request: Arc<PodRequest>,
    /// When that was ranked.
    pub since: Timestamp,
}

impl Cluster {
    /// One node with intents applied.
    #[must_use]
    pub fn seen(&self, node: NodeIx) -> &NodeState {
        self.tentative
            .get(&node)
            .unwrap_or(&self.nodes[node.index()])
    }

    /// Whether somebody intends to go to the node.
    #[must_use]
    pub fn is_intended(&self, node: NodeIx) -> bool {
        self.tentative.contains_key(&node)
    }

    /// Tentative holds.
    #[must_use]
    pub fn intents(&self) -> &BTreeMap<PodUid, Intent> {
        &self.intents
    }

    /// Replaces the intent of `pod`. A pod that holds something intends nothing.
    pub fn intend(&mut self, pod: PodUid, intent: Intent) {
        self.withdraw(pod);
        if self.pods.contains_key(&pod) {
            return;
        }
        let node = self.find(&intent.node);
        self.intents.insert(pod, intent);
        node.into_iter().for_each(|node| self.changed(node));
    }

    /// Drops the intent of `pod`, if it has one.
    pub fn withdraw(&mut self, pod: PodUid) -> Option<Intent> {
        let intent = self.intents.remove(&pod)?;
        let node = self.find(&intent.node);
        node.into_iter().for_each(|node| self.changed(node));
        Some(intent)
    }

    /// Drops intents from before `moment`.
    pub fn expire_intents(&mut self, moment: Timestamp) {
        let old = self.intents.iter().filter(|(_, i)| i.since < moment);
        let old: Vec<_> = old.map(|(pod, _)| *pod).collect();
        for pod in old {
            self.withdraw(pod);
        }
    }

    /// Applies all intents anew, after positions have shifted.
    pub(super) fn sketch_all(&mut self) {
        self.tentative.clear();
        let intended: Vec<_> = self
            .intents
            .values()
            .filter_map(|i| self.find(&i.node))
            .collect();
        for node in intended {
            self.sketch(node);
        }
    }
    /// Applies the intents on `node` anew. One that no longer fits there is passed over: its pod
    /// will be planned again.
    pub(super) fn sketch(&mut self, node: NodeIx) {
        if self.intents.is_empty() && self.tentative.is_empty() {
            return;
        }
        let state = &self.nodes[node.index()];
        let here = |intent: &&Intent| intent.node == state.node().name;
        let mut intents = self.intents.iter().filter(|(_, i)| here(i)).peekable();
        if intents.peek().is_none() {
            self.tentative.remove(&node);
            return;
        }
        let mut sketch = state.sketch();
        for (pod, intent) in intents {
            let hold = Hold {
                request: intent.request.clone(),
                claim: Claim::Assumed(intent.devices.clone()),
            };
            let _ = sketch.hold(*pod, hold);
        }
        self.tentative.insert(node, sketch);
    }
}
