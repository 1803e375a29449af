//! What one node is for one pod: the hard rules of kube-scheduler, then the core, which knows of health.
//!
//! The order is that of the live system: kube-scheduler asks an extender last. To say more about a
//! refusal than its sentence, see `closest.rs`.

use stowage_core::node::NodeState;
use stowage_core::plan::{self, Candidate, Context};
use stowage_core::request::PodRequest;
use stowage_core::rules::{Broken, PodRules, judge};
use stowage_core::unfit::Unfit;
use stowage_core::units::NodeIx;

use super::model::{Model, NodeInfo};

/// What a pod wants of a node.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// What it asks for.
    pub request: &'a PodRequest,
    /// Where it may go.
    pub rules: &'a PodRules,
}

/// Why a node is not for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// A hard rule of kube-scheduler.
    Broken(Broken),
    /// The core.
    Unfit(Unfit),
}

impl Refusal {
    /// The sentence that a pod's event shows.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Broken(broken) => broken.sentence(),
            Self::Unfit(unfit) => unfit.sentence(),
        }
    }
}

impl NodeInfo {
    /// Why pods with GPUs are kept away from all of this node, if they are.
    #[must_use]
    pub fn unhealthy(&self) -> Option<String> {
        let node = &self.facts.node;
        let none_left = !node.gpus.is_empty() && node.health.failed.len() == node.gpus.len();
        match &self.facts.unhealthy {
            Some(reason) => Some(reason.clone()),
            None => self.failed().filter(|_| none_left),
        }
    }

    /// Which GPUs failed, if any; the others serve.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        let failed = self.facts.node.health.failed.iter();
        let devices: Vec<_> = failed.map(|device| device.to_string()).collect();
        match &devices[..] {
            [] => None,
            [one] => Some(format!("GPU {one} failed")),
            many => Some(format!("GPUs {} failed", many.join(", "))),
        }
    }

    /// Whether the pod may come here at all, whatever is left.
    ///
    /// # Errors
    /// The first rule against it.
    pub fn admits(&self, wish: Wish<'_>) -> Result<(), Refusal> {
        judge(wish.rules, &self.rules).map_err(Refusal::Broken)
    }

    /// What the node, in this state, could give the pod.
    ///
    /// # Errors
    /// Why it is not for it.
    pub fn candidate(
        &self,
        state: &NodeState,
        wish: Wish<'_>,
        context: &Context,
    ) -> Result<Candidate, Refusal> {
        self.admits(wish)?;
        plan::candidate(state, wish.request, context).map_err(Refusal::Unfit)
    }
}

impl Model {
    /// What every node is for a pod, in node order.
    pub fn verdicts<'a>(
        &'a self,
        wish: Wish<'a>,
    ) -> impl Iterator<Item = (NodeIx, Result<Candidate, Refusal>)> + use<'a> {
        self.each_node()
            .map(move |(node, state, info)| (node, info.candidate(state, wish, &self.context)))
    }

    /// Whether any node could take the pod.
    #[must_use]
    pub fn fits(&self, wish: Wish<'_>) -> bool {
        self.verdicts(wish).any(|(_, verdict)| verdict.is_ok())
    }
}
