//! Puts objects into a control plane and looks what became of them.
//!
//! Objects are JSON as the API server reads it, so that a test can also send what no typed client
//! would. They are sent many at a time. `look` has the other half, looking and waiting.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::Path;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GetParams, ListParams, Patch, PatchParams,
    PostParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{GroupVersionKind, Request, Resource};
use kube::discovery::{self, Scope};
use kube::{Config, ResourceExt as _};
use serde_json::Value;

use super::PlaygroundError;
use crate::k8s::client;

/// Requests under way at a time.
const AT_A_TIME: usize = 32;
/// Where objects without a namespace go that need one.
pub(super) const NAMESPACE: &str = "default";

/// A connection to one API server, with one identity.
#[derive(Clone)]
pub struct Client {
    kube: kube::Client,
}

impl Debug for Client {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Client")
    }
}

/// How strictly to treat an object that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Create,
    /// Validated against the schema, field by field, and not kept.
    Check,
}

impl Client {
    /// A client for what a kubeconfig describes.
    ///
    /// # Errors
    /// When the file, or one that it names, cannot be read.
    pub async fn connect(kubeconfig: &Path) -> Result<Self, PlaygroundError> {
        let wrong = |error: &dyn std::fmt::Display| {
            PlaygroundError::Refused(format!("{}: {error}", kubeconfig.display()))
        };
        let file = Kubeconfig::read_from(kubeconfig).map_err(|error| wrong(&error))?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
        Self::with(config.map_err(|error| wrong(&error))?)
    }

    /// A client that trusts whoever is at this loopback port and shows no credential.
    pub(super) fn untrusting(address: SocketAddr) -> Result<Self, PlaygroundError> {
        let url = format!("https://{address}").parse();
        let url = url.map_err(|_| PlaygroundError::Refused(format!("{address}: no address")))?;
        let mut config = Config::new(url);
        config.accept_invalid_certs = true;
        Self::with(config)
    }

    fn with(config: Config) -> Result<Self, PlaygroundError> {
        // A test wants to see the refusal, not the attempt after it.
        let kube = client::for_writes(config).map_err(api("a client"))?;
        Ok(Self { kube })
    }

    /// The client underneath, for what is not offered here.
    #[must_use]
    pub fn kube(&self) -> kube::Client {
        self.kube.clone()
    }

    /// What the API server answers to GET.
    ///
    /// # Errors
    /// When it does not, or not with success.
    pub async fn text(&self, path: &str) -> Result<String, PlaygroundError> {
        let name = path.trim_start_matches('/');
        let request = Request::new("").get(name, &GetParams::default());
        let request = request.map_err(|error| PlaygroundError::Refused(error.to_string()))?;
        let text = self.kube.request_text(request).await;
        text.map_err(api(format!("GET {path}")))
    }

    /// Creates objects of any kind, many at a time; gives them as they were stored, in the given
    /// order. Those of one call must not need each other.
    ///
    /// # Errors
    /// When one is refused; others may have been created.
    pub async fn create<O: Into<Value>>(
        &self,
        objects: impl IntoIterator<Item = O>,
    ) -> Result<Vec<Value>, PlaygroundError> {
        let objects = objects.into_iter().map(Into::into);
        let sent = objects.map(|object| self.send(object, Sending::Create));
        let sent: Vec<_> = sent.collect();
        stream::iter(sent).buffered(AT_A_TIME).try_collect().await
    }

    /// Validates an object as the API server would on creation, unknown and doubled fields included,
    /// without keeping it. Its namespace must exist.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn check(&self, object: impl Into<Value>) -> Result<(), PlaygroundError> {
        self.send(object.into(), Sending::Check).await.map(|_| ())
    }

    async fn send(&self, object: Value, sending: Sending) -> Result<Value, PlaygroundError> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let what = format!("{} {name}", object["kind"].as_str().unwrap_or("object"));
        let (resource, scope) = self.resource(&object).await?;
        let namespace = object["metadata"]["namespace"].as_str();
        let namespace = match scope {
            Scope::Namespaced => Some(namespace.unwrap_or(NAMESPACE)),
            Scope::Cluster => None,
        };
        let options = PostParams {
            dry_run: sending == Sending::Check,
            field_manager: None,
        };
        let bytes = object.to_string().into_bytes();
        let request =
            Request::new(DynamicObject::url_path(&resource, namespace)).create(&options, bytes);
        let mut request = request.map_err(|error| PlaygroundError::Refused(error.to_string()))?;
        // Not among kube's parameters. Without it, a creation drops unknown fields with a warning.
        let address = format!("{}&fieldValidation=Strict", request.uri());
        *request.uri_mut() = address
            .replace("?&", "?")
            .parse()
            .map_err(|_| PlaygroundError::Refused(format!("{what}: {address:?} is no address")))?;
        self.kube.request(request).await.map_err(api(what))
    }

    /// What an object's kind is called in an address. Nodes and pods are known; others are asked for.
    async fn resource(&self, object: &Value) -> Result<(ApiResource, Scope), PlaygroundError> {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        match (version, kind) {
            ("v1", "Node") => return Ok((ApiResource::erase::<Node>(&()), Scope::Cluster)),
            ("v1", "Pod") => return Ok((ApiResource::erase::<Pod>(&()), Scope::Namespaced)),
            _ => {}
        }
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let wanted = GroupVersionKind::gvk(group, version, kind);
        let found = discovery::pinned_kind(&self.kube, &wanted).await;
        let (resource, capabilities) = found.map_err(api(format!("kind {kind:?}")))?;
        Ok((resource, capabilities.scope))
    }

    /// Merges `change` into a node (labels, annotations, taints; a status is ignored).
    ///
    /// # Errors
    /// When it is refused.
    pub async fn patch_node(&self, name: &str, change: &Value) -> Result<(), PlaygroundError> {
        let nodes: Api<Node> = Api::all(self.kube());
        let patch = Patch::Merge(change);
        let patched = nodes.patch(name, &PatchParams::default(), &patch).await;
        patched.map(|_| ()).map_err(api(format!("node {name}")))
    }

    /// Merges `status` into a node's status, as a kubelet would.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn patch_node_status(
        &self,
        name: &str,
        status: &Value,
    ) -> Result<(), PlaygroundError> {
        self.patch_status(Api::<Node>::all(self.kube()), name, status)
            .await
    }

    /// Merges `status` into the status of a pod of the default namespace, as a kubelet would:
    /// `{"phase": "Succeeded"}` frees what the pod held.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn patch_pod_status(
        &self,
        name: &str,
        status: &Value,
    ) -> Result<(), PlaygroundError> {
        self.patch_status(Api::<Pod>::namespaced(self.kube(), NAMESPACE), name, status)
            .await
    }

    async fn patch_status<K>(
        &self,
        to: Api<K>,
        name: &str,
        status: &Value,
    ) -> Result<(), PlaygroundError>
    where
        K: DeserializeOwned + Clone + Debug,
    {
        let patch = Patch::Merge(serde_json::json!({ "status": status }));
        let patched = to.patch_status(name, &PatchParams::default(), &patch).await;
        patched
            .map(|_| ())
            .map_err(api(format!("status of {name}")))
    }

    /// Deletes pods of the default namespace at once, many at a time.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub async fn delete_pods<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), PlaygroundError> {
        self.delete(Api::<Pod>::namespaced(self.kube(), NAMESPACE), names)
            .await
    }

    /// Deletes nodes, many at a time; their pods stay.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub async fn delete_nodes<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), PlaygroundError> {
        self.delete(Api::<Node>::all(self.kube()), names).await
    }

    async fn delete<'n, K>(
        &self,
        from: Api<K>,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), PlaygroundError>
    where
        K: DeserializeOwned + Clone + Debug,
    {
        let from = &from;
        let deletions = names.into_iter().map(|name| async move {
            let deleted = from.delete(name, &at_once()).await;
            deleted
                .map(|_| ())
                .map_err(api(format!("deletion of {name}")))
        });
        let deletions: Vec<_> = deletions.collect();
        stream::iter(deletions)
            .buffered(AT_A_TIME)
            .try_collect()
            .await
    }

    /// Deletes every pod and every node: a clean table between two tests on one control plane.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub async fn clear(&self) -> Result<(), PlaygroundError> {
        let everything = ListParams::default();
        let pods = self.pods().await?;
        let namespaces: BTreeSet<_> = pods.iter().filter_map(Pod::namespace).collect();
        for namespace in namespaces {
            let pods: Api<Pod> = Api::namespaced(self.kube(), &namespace);
            let deleted = pods.delete_collection(&at_once(), &everything).await;
            deleted.map_err(api("deletion of pods"))?;
        }
        let nodes: Api<Node> = Api::all(self.kube());
        let deleted = nodes.delete_collection(&at_once(), &everything).await;
        deleted.map(|_| ()).map_err(api("deletion of nodes"))
    }
}

fn at_once() -> DeleteParams {
    // Without a kubelet, a pod with a grace period would be "being deleted" for ever.
    DeleteParams::default().grace_period(0)
}

pub(super) fn api(what: impl Into<String>) -> impl FnOnce(kube::Error) -> PlaygroundError {
    let what = what.into();
    move |source| PlaygroundError::Api {
        what,
        source: Box::new(source),
    }
}
