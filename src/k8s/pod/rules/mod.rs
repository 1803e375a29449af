//! Where a `core/v1` Pod may go, read only where Stowage judges it itself.
//!
//! Apart from [`PodObject`](super::PodObject), which comes with every call of kube-scheduler and every
//! event of a watch, after kube-scheduler has judged these rules. What the API server refuses to
//! create is an error here too; what it lets pass means what kube-scheduler 1.37 takes it to mean.
//!
//! `affinity.rs` and `tolerations.rs` read, `unmodelled.rs` says which of the pod's demands nobody
//! judges offline.

mod affinity;
mod object;
mod tolerations;
mod unmodelled;

use std::collections::BTreeMap;

use serde::Deserialize;
use stowage_core::rules::PodRules;

use crate::k8s::json::{Text, null};
use crate::k8s::labels;
use crate::k8s::problem::{PodError, Wrong};
use object::{Metadata, Spec};

/// A Pod as far as its rules go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RuledPod<'a> {
    #[serde(borrow, deserialize_with = "null")]
    metadata: Metadata<'a>,
    #[serde(borrow, deserialize_with = "null")]
    spec: Spec<'a>,
}

impl<'a> RuledPod<'a> {
    /// Reads the JSON of a Pod.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(json: &'a str) -> Result<Self, PodError> {
        serde_json::from_str(json).map_err(|error| PodError::Json(error.to_string()))
    }

    /// What it says.
    ///
    /// # Errors
    /// The first rule that makes no sense.
    pub fn rules(&self) -> Result<PodRules, PodError> {
        self.read().map_err(|wrong| PodError::Wrong {
            pod: self.full_name(),
            wrong,
        })
    }

    /// What it demands beside its rules, its cores, memory and GPUs, and is not looked at; in a fixed
    /// order, in words for a sentence. What other pods demand of it (their anti-affinity) is not here.
    #[must_use]
    pub fn unmodelled(&self) -> Vec<&'static str> {
        unmodelled::of(&self.spec)
    }

    fn full_name(&self) -> String {
        let namespace = &*self.metadata.namespace;
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        format!("{namespace}/{}", &*self.metadata.name)
    }

    fn read(&self) -> Result<PodRules, Wrong> {
        let tolerations = tolerations::of(&self.spec)?;
        let rules = PodRules::default().tolerating(tolerations);
        let rules = rules.map_err(|many| Wrong::too_many("spec", &many))?;
        let rules = rules.selecting(self.selector()?);
        let mut rules = rules.map_err(|many| Wrong::too_many("spec.nodeSelector", &many))?;
        if let Some(required) = &self.spec.affinity.node_affinity.required {
            let terms = affinity::terms(required)?;
            let required = rules.requiring(terms);
            rules = required.map_err(|many| affinity::too_many(&many))?;
        }
        match &*self.spec.node_name {
            "" => Ok(rules),
            name => Ok(rules.naming(name.to_owned())),
        }
    }

    fn selector(&self) -> Result<BTreeMap<String, String>, Wrong> {
        let pair = |(key, value): (&str, &Text<'_>)| {
            let key = labels::key(|| "spec.nodeSelector".to_owned(), key)?;
            let value = labels::value(|| format!("spec.nodeSelector {key}"), value)?;
            Ok((key, value))
        };
        self.spec.node_selector.iter().map(pair).collect()
    }
}
