//! Writing to the API server: one Binding, and reading back what became of it.
//!
//! A Binding carries the pod's UID as a precondition and annotations that the API server merges into
//! the pod in the same transaction. Nothing is repeated on its own: a repeated POST could hide an
//! earlier one that was applied. What an answer means is in `meaning`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde_json::json;

use super::annotation::PLACEMENT;
use super::lease::Holding;
use super::pod::PodFacts;

/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 4 << 20;

/// The API server as the extender uses it.
#[derive(Clone)]
pub struct Api {
    client: Client,
    deadline: Duration,
    holding: Option<Holding>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// One Binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The pod's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The node.
    pub node: String,
    /// Merged into the pod's annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What became of a Binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindOutcome {
    /// The pod is bound to that node with that placement.
    Bound,
    /// This attempt was not applied and will not be; why.
    Refused(String),
    /// Neither this attempt nor an earlier one can have put the pod there any more: it is gone, or
    /// bound otherwise; why.
    Never(String),
    /// It may be, now or a little later; why that is not known.
    Unknown(String),
}

/// What a read of the pod says about a Binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Bound to that node with that placement.
    Bound,
    /// Bound, but not so.
    Elsewhere,
    /// Not bound.
    Unbound,
    /// The pod, or the pod with that UID, is gone.
    Gone,
    /// The pod could not be read.
    NotRead,
}

impl Api {
    /// Uses `client`, which must not repeat requests on its own, and gives each attempt `deadline`.
    #[must_use]
    pub fn new(client: Client, deadline: Duration, holding: Option<Holding>) -> Self {
        Self {
            client,
            deadline,
            holding,
        }
    }

    /// Whether this instance may write.
    ///
    /// # Errors
    /// Who holds the lease instead.
    pub fn may_write(&self) -> Result<(), String> {
        self.holding.as_ref().map_or(Ok(()), Holding::check)
    }

    /// How long an attempt may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Posts `binding` once and says what became of it, within `time`.
    pub async fn bind(&self, binding: &Binding, time: Duration) -> BindOutcome {
        let attempt = async {
            match self.post(binding).await {
                Ok((status, message)) => match meaning(status) {
                    Meaning::Applied => BindOutcome::Bound,
                    Meaning::Refused => BindOutcome::Refused(message),
                    Meaning::Gone => BindOutcome::Never(message),
                    Meaning::Open => BindOutcome::Unknown(format!("{status}: {message}")),
                    Meaning::Conflict => match self.read_back(binding).await {
                        Seen::Bound => BindOutcome::Bound,
                        Seen::NotRead => BindOutcome::Unknown(message),
                        Seen::Unbound => BindOutcome::Refused(message),
                        Seen::Elsewhere | Seen::Gone => BindOutcome::Never(message),
                    },
                },
                Err(error) => BindOutcome::Unknown(error),
            }
        };
        let late = || {
            let ms = time.as_millis();
            BindOutcome::Unknown(format!("no answer of the API server within {ms} ms"))
        };
        let outcome = tokio::time::timeout(time, attempt).await;
        outcome.unwrap_or_else(|_| late())
    }

    async fn post(&self, binding: &Binding) -> Result<(StatusCode, String), String> {
        let (namespace, name) = (&binding.namespace, &binding.name);
        let body = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": binding.uid,
                "annotations": binding.annotations,
            },
            "target": {"apiVersion": "v1", "kind": "Node", "name": binding.node},
        });
        let uri = format!("{}/binding", pod_path(namespace, name)?);
        let request = Request::post(uri).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string().into_bytes()));
        let (status, body) = self.send(request.map_err(|e| e.to_string())?).await?;
        Ok((status, message_of(&body)))
    }

    /// Reads the pod and compares.
    pub async fn read_back(&self, binding: &Binding) -> Seen {
        match tokio::time::timeout(self.deadline, self.get(&binding.namespace, &binding.name)).await
        {
            Ok(Ok(Some(body))) => seen(&body, binding),
            Ok(Ok(None)) => Seen::Gone,
            Ok(Err(_)) | Err(_) => Seen::NotRead,
        }
    }

    /// The pod of this name, or none if there is none.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<Option<PodFacts>, String> {
        let Some(body) = self.get(namespace, name).await? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&body).map_err(|e| e.to_string())?;
        PodFacts::parse(text).map(Some).map_err(|e| e.to_string())
    }

    async fn get(&self, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, String> {
        let request = Request::get(pod_path(namespace, name)?).body(Body::empty());
        let (status, body) = self.send(request.map_err(|e| e.to_string())?).await?;
        match status {
            StatusCode::OK => Ok(Some(body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(format!("{status}: {}", message_of(&body))),
        }
    }

    async fn send(&self, request: Request<Body>) -> Result<(StatusCode, Vec<u8>), String> {
        let response = self.client.send(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = http_body_util::Limited::new(response.into_body(), MAX_ANSWER);
        let body = http_body_util::BodyExt::collect(body).await;
        let body = body.map_err(|e| format!("{status}: {e}"))?;
        Ok((status, body.to_bytes().to_vec()))
    }
}

/// The path of a pod. Names come from a caller, so what is not a name is refused.
fn pod_path(namespace: &str, name: &str) -> Result<String, String> {
    let valid = |text: &str| {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        !text.is_empty() && text.len() <= 253 && text.bytes().all(known) && !text.contains("..")
    };
    if valid(namespace) && valid(name) {
        Ok(format!("/api/v1/namespaces/{namespace}/pods/{name}"))
    } else {
        Err(format!(
            "{namespace}/{name}: expected a namespace and a pod's name"
        ))
    }
}

/// What a status says about a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It was applied.
    Applied,
    /// Something is in the way: perhaps an earlier attempt of our own.
    Conflict,
    /// It was not and will not be applied.
    Refused,
    /// There is no such pod.
    Gone,
    /// It may have been applied, or may still be.
    Open,
}

/// What `status` says about a Binding that was posted.
pub(crate) fn meaning(status: StatusCode) -> Meaning {
    match status.as_u16() {
        200 | 201 => Meaning::Applied,
        404 => Meaning::Gone,
        409 => Meaning::Conflict,
        // A proxy may answer 429 or 408 for a server that took the request.
        408 | 429 => Meaning::Open,
        400..=499 => Meaning::Refused,
        _ => Meaning::Open,
    }
}

#[derive(Deserialize)]
struct PodDoc {
    metadata: MetadataDoc,
    #[serde(default)]
    spec: SpecDoc,
}

#[derive(Deserialize)]
struct MetadataDoc {
    uid: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecDoc {
    #[serde(default)]
    node_name: Option<String>,
}

fn seen(body: &[u8], binding: &Binding) -> Seen {
    let Ok(pod) = serde_json::from_slice::<PodDoc>(body) else {
        return Seen::NotRead;
    };
    if pod.metadata.uid != binding.uid {
        return Seen::Gone;
    }
    let placement = pod
        .metadata
        .annotations
        .as_ref()
        .and_then(|a| a.get(PLACEMENT));
    match pod.spec.node_name.as_deref() {
        None | Some("") => Seen::Unbound,
        Some(node) if node == binding.node && placement == binding.annotations.get(PLACEMENT) => {
            Seen::Bound
        }
        Some(_) => Seen::Elsewhere,
    }
}

/// The message of a Status, or what there is instead.
fn message_of(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct StatusDoc {
        message: String,
    }
    serde_json::from_slice::<StatusDoc>(body).map_or_else(
        |_| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
        |status| status.message,
    )
}
