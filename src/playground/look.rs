//! What became of the objects: where pods are, and why not.
//!
//! Waiting is listing again and again: simple, never wrong, and fine for some thousand pods. Whoever
//! measures times should watch with [`Client::kube`] instead.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};

use super::client::{NAMESPACE, api};
use super::{Client, Deadline, PlaygroundError};

/// Where a pod is, and what was written beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The node that it is bound to, if it is.
    pub node: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Client {
    /// All pods of all namespaces.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn pods(&self) -> Result<Vec<Pod>, PlaygroundError> {
        let pods: Api<Pod> = Api::all(self.kube());
        let list = pods.list(&ListParams::default()).await;
        Ok(list.map_err(api("pods"))?.items)
    }

    /// All nodes.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn nodes(&self) -> Result<Vec<Node>, PlaygroundError> {
        let nodes: Api<Node> = Api::all(self.kube());
        let list = nodes.list(&ListParams::default()).await;
        Ok(list.map_err(api("nodes"))?.items)
    }

    /// Where the pods of the default namespace are, by name.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn placements(&self) -> Result<BTreeMap<String, Placement>, PlaygroundError> {
        let here = |pod: &Pod| pod.namespace().as_deref() == Some(NAMESPACE);
        let pods = self.pods().await?.into_iter().filter(here);
        let placed = pods.map(|mut pod| {
            let placement = Placement {
                node: node_of(&pod).map(ToOwned::to_owned),
                annotations: std::mem::take(pod.annotations_mut()),
            };
            (pod.name_any(), placement)
        });
        Ok(placed.collect())
    }

    /// Waits until the pods of all namespaces satisfy `enough`, and gives them.
    ///
    /// # Errors
    /// When they do not in time, with what holds each unbound pod up.
    pub async fn wait_for_pods(
        &self,
        what: &str,
        patience: Duration,
        enough: impl Fn(&[Pod]) -> bool,
    ) -> Result<Vec<Pod>, PlaygroundError> {
        let deadline = Deadline::after(patience);
        loop {
            let pods = self.pods().await?;
            if enough(&pods) {
                return Ok(pods);
            }
            if !deadline.pause().await {
                return Err(PlaygroundError::Late {
                    what: what.to_owned(),
                    seconds: patience.as_secs(),
                    detail: unbound(&pods),
                });
            }
        }
    }

    /// Waits until this many pods are bound, and gives all.
    ///
    /// # Errors
    /// When they are not in time, with what holds each of the others up.
    pub async fn wait_for_bound(
        &self,
        count: usize,
        patience: Duration,
    ) -> Result<Vec<Pod>, PlaygroundError> {
        let bound = |pods: &[Pod]| pods.iter().filter_map(node_of).count();
        self.wait_for_pods(&format!("{count} pods bound"), patience, |pods| {
            bound(pods) >= count
        })
        .await
    }
}

/// The node that a pod is bound to.
#[must_use]
pub fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// What the scheduler last said about a pod that it could not place: reason and message.
#[must_use]
pub fn unscheduled(pod: &Pod) -> Option<(String, String)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let refused = |type_: &str, status: &str| type_ == "PodScheduled" && status == "False";
    let condition = conditions.iter().find(|c| refused(&c.type_, &c.status))?;
    let text = |words: &Option<String>| words.clone().unwrap_or_default();
    Some((text(&condition.reason), text(&condition.message)))
}

/// A line for each pod that is not bound, ten at most.
fn unbound(pods: &[Pod]) -> String {
    let unbound: Vec<_> = pods.iter().filter(|pod| node_of(pod).is_none()).collect();
    let mut text = format!("; {} of {} pods are not bound", unbound.len(), pods.len());
    for pod in unbound.iter().take(10) {
        let (reason, message) = unscheduled(pod).unwrap_or_default();
        text.push_str(&format!("\n{}: {reason}: {message}", pod.name_any()));
    }
    text
}
