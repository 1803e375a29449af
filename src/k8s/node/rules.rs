//! What a `core/v1` Node says about who may come, read only where Stowage judges it itself.
//!
//! Apart from [`NodeObject`](super::NodeObject), which keeps the labels of GPUs alone: a watch brings
//! a Node every few seconds, and kube-scheduler has judged these rules before it asks.

use std::collections::BTreeMap;

use serde::Deserialize;
use stowage_core::rules::{Effect, NodeRules, Taint};

use super::object::TaintObject;
use crate::k8s::json::{List, Map, Text, null};
use crate::k8s::labels;
use crate::k8s::problem::{NodeError, Wrong};

/// A Node as far as its rules go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RuledNode<'a> {
    #[serde(borrow, deserialize_with = "null")]
    metadata: Metadata<'a>,
    #[serde(borrow, deserialize_with = "null")]
    spec: Spec<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "null")]
    name: Text<'a>,
    #[serde(borrow)]
    labels: Map<'a, Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec<'a> {
    #[serde(deserialize_with = "null")]
    unschedulable: bool,
    #[serde(borrow)]
    taints: List<TaintObject<'a>>,
}

impl<'a> RuledNode<'a> {
    /// Reads the JSON of a Node.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(json: &'a str) -> Result<Self, NodeError> {
        serde_json::from_str(json).map_err(|error| NodeError::Json(error.to_string()))
    }

    /// What it says.
    ///
    /// # Errors
    /// When it has no name, or a taint that means nothing to kube-scheduler.
    pub fn rules(&self) -> Result<NodeRules, NodeError> {
        self.read().map_err(|wrong| NodeError::Wrong {
            node: (*self.metadata.name).to_owned(),
            wrong,
        })
    }

    fn read(&self) -> Result<NodeRules, Wrong> {
        let name = &*self.metadata.name;
        if name.is_empty() {
            return Err(Wrong::missing("metadata.name", "a name"));
        }
        let labels = self.metadata.labels.iter();
        let labels = labels.map(|(key, value)| (key.to_owned(), (**value).to_owned()));
        let labels: BTreeMap<_, _> = labels.collect();
        let taints = self.spec.taints.iter().enumerate();
        let taints = taints.map(|(at, taint)| read_taint(at, taint));
        let taints = taints.collect::<Result<_, _>>()?;
        NodeRules::new(name.to_owned(), labels, taints, self.spec.unschedulable)
            .map_err(|many| Wrong::too_many("node", &many))
    }
}

fn read_taint(at: usize, taint: &TaintObject<'_>) -> Result<Taint, Wrong> {
    let field = |part: &str| format!("spec.taints[{at}].{part}");
    let effect = effect(&taint.effect).ok_or_else(|| {
        let effects = "NoSchedule, PreferNoSchedule or NoExecute";
        Wrong::value(field("effect"), effects, &taint.effect)
    })?;
    Ok(Taint {
        key: labels::key(|| field("key"), &taint.key)?,
        value: labels::value(|| field("value"), &taint.value)?,
        effect,
    })
}

/// The effect that is written so.
pub(in crate::k8s) fn effect(text: &str) -> Option<Effect> {
    match text {
        "NoSchedule" => Some(Effect::NoSchedule),
        "PreferNoSchedule" => Some(Effect::PreferNoSchedule),
        "NoExecute" => Some(Effect::NoExecute),
        _ => None,
    }
}
