//! The only pump of facts: watch event → parse → core event → `live.update`.
//!
//! Two watches: all Nodes, and all Pods that are bound (`spec.nodeName` not empty), whoever owns
//! them. Objects are parsed here, once, and not kept. A Node that does not parse is removed (what is
//! not understood is not free); a bound Pod whose placement does not parse holds devices that are
//! not known. A Pod is gone when it is deleted, or in a terminal phase with its containers stopped.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1;
use kube::api::ObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use stowage_core::cluster::{BoundPod, Event};
use stowage_core::node::Claim;
use stowage_core::request::Devices;

use super::node::NodeFacts;
use super::pod::PodFacts;
use crate::extender::Server;
use crate::extender::health::Watched;

/// An object of kind `K` as the API server wrote it, with its metadata.
pub(crate) struct Document<K> {
    metadata: ObjectMeta,
    text: Arc<str>,
    kind: PhantomData<K>,
}

impl<K> Clone for Document<K> {
    fn clone(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            text: self.text.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Document<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("name", &self.metadata.name)
            .finish_non_exhaustive()
    }
}

impl<'de, K> Deserialize<'de> for Document<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Envelope {
            metadata: ObjectMeta,
        }
        let raw = Box::<RawValue>::deserialize(from)?;
        let envelope: Envelope =
            serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
        Ok(Self {
            metadata: envelope.metadata,
            text: raw.get().into(),
            kind: PhantomData,
        })
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Document<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// A watch is renewed after so many seconds, so that a dead connection is noticed.
const WATCH_S: u32 = 60;

/// Watches Nodes, forever.
pub async fn nodes(client: Client, server: Arc<Server>) {
    let api: Api<Document<v1::Node>> = Api::all(client);
    let stream = watcher(api, watcher::Config::default().timeout(WATCH_S)).default_backoff();
    let mut stream = pin!(stream);
    let mut listed: Vec<NodeFacts> = Vec::new();
    let mut unparsed = BTreeSet::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                listed.clear();
                server.health.listing(Watched::Nodes);
            }
            Ok(watcher::Event::InitApply(node)) => {
                listed.extend(understood(&node, &mut unparsed, &server));
            }
            Ok(watcher::Event::InitDone) => {
                server.nodes_listed(std::mem::take(&mut listed));
                server.health.synced(Watched::Nodes);
            }
            Ok(watcher::Event::Apply(node)) => {
                match understood(&node, &mut unparsed, &server) {
                    Some(facts) => server.node_seen(facts),
                    None => server.node_gone(&node),
                }
                server.health.heard(Watched::Nodes);
            }
            Ok(watcher::Event::Delete(node)) => {
                server.node_gone(&node);
                server.health.heard(Watched::Nodes);
            }
            Err(error) => {
                server.health.interrupted(Watched::Nodes);
                tracing::warn!(%error, "the watch of nodes is interrupted");
            }
        }
    }
}

/// Watches bound Pods, forever, once the Nodes are listed: a pod's devices are looked up on its node.
pub async fn pods(client: Client, server: Arc<Server>) {
    while !server.health.nodes_listed() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let api: Api<Document<v1::Pod>> = Api::all(client);
    let config = watcher::Config::default()
        .timeout(WATCH_S)
        .fields("spec.nodeName!=");
    let stream = watcher(api, config).default_backoff();
    let mut stream = pin!(stream);
    let mut listed: Vec<PodFacts> = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                listed.clear();
                server.health.listing(Watched::Pods);
                // A list is read from the quorum: it has every pod that was bound before now.
                server.live.update(|live| live.settled.clear());
            }
            Ok(watcher::Event::InitApply(pod)) => listed.extend(server.pod_facts(&pod)),
            Ok(watcher::Event::InitDone) => {
                server.pods_listed(&std::mem::take(&mut listed));
                server.health.synced(Watched::Pods);
            }
            Ok(watcher::Event::Apply(pod)) => {
                if let Some(facts) = server.pod_facts(&pod) {
                    server.pod_seen(&facts);
                }
                server.health.heard(Watched::Pods);
            }
            Ok(watcher::Event::Delete(pod)) => {
                if let Some(facts) = server.pod_facts(&pod) {
                    server.pod_gone(&facts);
                }
                server.health.heard(Watched::Pods);
            }
            Err(error) => {
                server.health.interrupted(Watched::Pods);
                tracing::warn!(%error, "the watch of pods is interrupted");
            }
        }
    }
}

/// The facts of a node, or none if it is not understood: said once per version of the object.
fn understood(
    node: &Document<v1::Node>,
    unparsed: &mut BTreeSet<(String, String)>,
    server: &Server,
) -> Option<NodeFacts> {
    match NodeFacts::parse(&node.text) {
        Ok(facts) => Some(facts),
        Err(error) => {
            let name = node.metadata.name.clone().unwrap_or_default();
            let version = node.metadata.resource_version.clone().unwrap_or_default();
            if unparsed.len() > 10_000 {
                unparsed.clear();
            }
            if unparsed.insert((name, version)) {
                server.health.unparsed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "a node is not understood and left out");
            }
            None
        }
    }
}

impl Server {
    /// Takes note of all nodes.
    pub fn nodes_listed(&self, nodes: Vec<NodeFacts>) {
        self.live.update(|live| {
            let inventory: Vec<_> = nodes.iter().map(|facts| facts.node.clone()).collect();
            live.forget_nodes();
            nodes.into_iter().for_each(|facts| live.note(facts));
            for error in live.planner.replace_nodes(inventory) {
                tracing::warn!(%error, "a node is left out");
            }
        });
    }

    fn node_seen(&self, facts: NodeFacts) {
        let node = facts.node.clone();
        let applied = self.live.update(|live| {
            live.note(facts);
            live.planner.apply(Event::NodeSeen(node))
        });
        if let Err(error) = applied {
            tracing::warn!(%error, "a node is left out");
        }
    }

    fn node_gone(&self, node: &Document<v1::Node>) {
        let Some(name) = node.metadata.name.as_deref().map(Arc::from) else {
            return;
        };
        let gone = self.live.update(|live| {
            live.forget(&name);
            live.planner.apply(Event::NodeGone(name))
        });
        debug_assert!(gone.is_ok(), "forgetting a node cannot fail");
    }

    fn pod_facts(&self, pod: &Document<v1::Pod>) -> Option<PodFacts> {
        match PodFacts::parse(&pod.text) {
            Ok(facts) => Some(facts),
            Err(error) => {
                self.health.unparsed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "a pod is not understood and left out");
                None
            }
        }
    }

    /// Takes note of all bound pods.
    pub fn pods_listed(&self, pods: &[PodFacts]) {
        self.live.update(|live| {
            let bound: Vec<_> = pods.iter().filter_map(|facts| live.bound(facts)).collect();
            live.learn(bound.iter().map(|bound| (bound.pod, &*bound.request)));
            live.planner.replace_pods(bound, &live.settled);
        });
    }

    fn pod_seen(&self, facts: &PodFacts) {
        self.live.update(|live| {
            let event = match live.bound(facts) {
                Some(bound) => Event::PodBound(bound),
                None => Event::PodGone(facts.uid),
            };
            live.pending.remove(&facts.uid);
            live.settled.remove(&facts.uid);
            live.attempts.forget(facts.uid);
            let applied = live.planner.apply(event);
            debug_assert!(applied.is_ok(), "events about pods cannot fail");
        });
    }

    fn pod_gone(&self, facts: &PodFacts) {
        self.live.update(|live| {
            live.drop_pending(facts.uid);
            live.settled.remove(&facts.uid);
            live.attempts.forget(facts.uid);
            let applied = live.planner.apply(Event::PodGone(facts.uid));
            debug_assert!(applied.is_ok(), "events about pods cannot fail");
        });
    }
}

impl crate::extender::live::Live {
    /// The devices that a pod says it has on `node`; none if it says nothing that is understood.
    fn placed(&self, facts: &PodFacts, node: &str) -> Option<Devices> {
        let node = self.notes.get(node).map(|notes| &*notes.facts);
        match facts.placed(node) {
            Ok(devices) => devices,
            Err(error) => {
                let pod = facts.full_name();
                tracing::warn!(pod, %error, "a placement is not understood: its devices are unknown");
                None
            }
        }
    }

    /// What a pod holds, or none if it holds nothing.
    fn bound(&self, facts: &PodFacts) -> Option<BoundPod> {
        let node = facts.holding_on()?;
        if let Err(unsupported) = &facts.request {
            let pod = facts.full_name();
            tracing::warn!(pod, %unsupported, "a bound pod is not understood: what it holds is guessed");
        }
        let known = self.planner.cluster().hold_of(facts.uid);
        let known = known.and_then(|(on, hold)| match &hold.claim {
            Claim::Bound(devices) if **on == *node => Some((devices.clone(), hold.request.clone())),
            _ => None,
        });
        let (mut request, placed) = (facts.held(), self.placed(facts, &node));
        let Some((devices, held)) = known else {
            return Some(facts.bound(node, placed));
        };
        if placed.as_ref() != Some(&devices) || request.containers() != held.containers() {
            // A container keeps the device it was started with, whatever its pod says later.
            let pod = facts.full_name();
            tracing::warn!(
                pod,
                "what a bound pod says about its GPUs was changed: the change is left aside"
            );
            request = held.resized(request.cores(), request.memory());
        }
        Some(BoundPod {
            request: Arc::new(request),
            ..facts.bound(node, Some(devices))
        })
    }
}

/// How often the API server is asked whether it is there, while nothing changes.
const CONTACT: std::time::Duration = std::time::Duration::from_secs(5);

/// Keeps in touch while nothing changes, forever: a quiet watch cannot be told from a dead one.
pub async fn contact(client: Client, server: Arc<Server>) {
    loop {
        tokio::time::sleep(CONTACT).await;
        let asked = tokio::time::timeout(CONTACT, client.apiserver_version()).await;
        if let Ok(Ok(_)) = asked {
            server.health.in_touch(Watched::Nodes);
            server.health.in_touch(Watched::Pods);
        }
    }
}

#[cfg(test)]
mod tests;
