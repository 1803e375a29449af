//! Pods between filter and bind: what a call brings ([`Asked`]) and what is remembered ([`Pending`]).
//!
//! A pod that was answered with one node alone and comes back was not bound there: that node comes
//! last this time. Bounded: the pod asked about least recently is forgotten for a new one,
//! from which the learner (`learn.rs`) learns what to expect.

use std::sync::Arc;

use stowage_core::request::PodRequest;
use stowage_core::units::{PodUid, Timestamp};

use super::Live;
use crate::k8s::pod::{GpuContainer, PodFacts};

/// A pod that was asked about and is not bound yet.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub request: Arc<PodRequest>,
    /// Its containers with GPUs.
    pub containers: Vec<GpuContainer>,
    /// The only node of the last answer, if that was a short list and nothing came of it yet.
    pub(super) short: Option<Arc<str>>,
    /// A node that was named alone and did not lead to a bind: it comes last this time.
    pub(super) avoid: Option<Arc<str>>,
    /// When it was asked about last.
    seen: Timestamp,
}

impl Pending {
    /// Asked about for the first time.
    #[must_use]
    pub fn new(asked: &Asked, now: Timestamp) -> Self {
        Self {
            namespace: asked.facts.namespace.clone(),
            name: asked.facts.name.clone(),
            request: asked.request.clone(),
            containers: asked.facts.gpus.clone(),
            short: None,
            avoid: None,
            seen: now,
        }
    }
}

/// A pod as a call brings it, ready to be decided on.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its UID.
    pub uid: PodUid,
    /// What it asks for.
    pub request: Arc<PodRequest>,
    /// Everything else that a decision looks at.
    pub facts: Arc<PodFacts>,
}

impl Live {
    /// Counts pods among those that are expected, and looks ahead with them when it is time.
    pub fn learn<'a>(&mut self, requests: impl IntoIterator<Item = (PodUid, &'a PodRequest)>) {
        let Some(learner) = &mut self.learner else {
            return;
        };
        if let Some(outlook) = learner.count(requests) {
            let context = self.planner.context();
            let outlook = outlook.with_prospects(context.outlook().prospects().clone());
            let context = context.looking_at(Arc::new(outlook));
            self.planner.set_context(context);
        }
    }

    /// Forgets a pod that is bound or gone.
    pub fn drop_pending(&mut self, pod: PodUid) {
        self.pending.remove(&pod);
        self.planner.withdraw(pod);
    }

    /// Forgets pods and intents from before `moment`; looks for them once a second.
    pub fn expire(&mut self, moment: Timestamp) {
        if moment.0 < self.expired.0 + 1000 {
            return;
        }
        self.expired = moment;
        self.planner.expire_intents(moment);
        self.pending.retain(|_, pending| pending.seen >= moment);
    }

    /// Remembers the pod until it is bound, and returns the node to avoid: the one that was named
    /// alone the last time and did not lead to a bind.
    pub(super) fn remember(&mut self, asked: &Asked, now: Timestamp) -> Option<Arc<str>> {
        self.touch(asked, now);
        let pending = self.pending.get_mut(&asked.uid)?;
        pending.avoid = pending.short.take();
        pending.avoid.clone()
    }

    pub(super) fn touch(&mut self, asked: &Asked, now: Timestamp) {
        if let Some(pending) = self.pending.get_mut(&asked.uid) {
            pending.seen = now;
            pending.request = asked.request.clone();
            pending.containers.clone_from(&asked.facts.gpus);
            return;
        }
        if self.pending.len() >= self.max_pending {
            let oldest = self.pending.iter().min_by_key(|(_, p)| p.seen);
            if let Some(pod) = oldest.map(|(pod, _)| *pod) {
                self.drop_pending(pod);
            }
        }
        self.pending.insert(asked.uid, Pending::new(asked, now));
        self.learn([(asked.uid, &*asked.request)]);
    }
}
