//! The three verbs over HTTP.
//!
//! A reasoned "no" is an answer: status 200. A call that cannot be answered gets another status, which
//! is an error to kube-scheduler, with the reason in the body. Handlers read a bounded body within a
//! bounded time and decide synchronously; only bind waits for the network.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt as _;
use stowage_core::units::{PodUid, Timestamp};

use super::bind::Bound;
use super::live::Asked;
use super::wire::{self, BindCall, BindResult, Call, FilterResult};
use super::{Live, Server};
use crate::clock;
use crate::k8s::pod::{PodFacts, uid_text};

/// Room made for a body before any of it is read.
const ROOM: usize = 256 << 10;

/// A call that is not answered: a status and the reason.
type Unanswered = (StatusCode, String);

/// What is counted and logged of a call.
struct Trace {
    verb: &'static str,
    pod: String,
    uid: String,
    node: String,
}

/// Adds the verbs.
pub(super) fn verbs(to: &mut web::ServiceConfig) {
    to.route("/filter", web::post().to(filter))
        .route("/prioritize", web::post().to(prioritize))
        .route("/bind", web::post().to(bind));
}

async fn filter(
    server: web::Data<Arc<Server>>,
    head: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let started = clock::nanos();
    let mut trace = Trace::of("filter");
    let answer = match server.body(&head, body).await {
        Ok(body) => answer_filter(&server, &body, &mut trace),
        Err(unanswered) => Err(unanswered),
    };
    server.finish(&trace, started, answer)
}

fn answer_filter(
    server: &Server,
    body: &[u8],
    trace: &mut Trace,
) -> Result<(Vec<u8>, &'static str), Unanswered> {
    server.health.check().map_err(unavailable)?;
    let call = Call::parse(body, server.config.limits.nodes).map_err(|e| bad_request(&e))?;
    let facts = trace.pod(&call)?;
    let asked = match Asked::of(facts) {
        Ok(asked) => asked,
        Err(sentence) => {
            let reason = sentence.as_str();
            let failed = call.names.iter().map(|name| (name, reason)).collect();
            let result = FilterResult {
                failed_and_unresolvable_nodes: failed,
                ..FilterResult::default()
            };
            return Ok((result.to_json(), "unsupported"));
        }
    };
    let profile = server.config.profile(&asked.facts.scheduler_name);
    let now = clock::timestamp();
    let filtered = server.live.update(|live| {
        expire(live, server, now);
        live.filter(&asked, &call.names, profile, now)
    });
    server
        .decisions
        .record("filter", asked.uid, &filtered.decision);
    trace.best(&filtered.decision);
    let mut result = FilterResult::default();
    if let Some(short) = filtered.short {
        result.node_names.push(&call.names[short]);
    } else {
        for (name, answer) in call.names.iter().zip(&filtered.answers) {
            match answer {
                Ok(()) => result.node_names.push(name),
                Err(reason) => result.failed_and_unresolvable_nodes.push((name, reason)),
            }
        }
    }
    let outcome = match (filtered.short, result.node_names.is_empty()) {
        (Some(_), _) => "one",
        (None, true) => "none",
        (None, false) => "several",
    };
    Ok((result.to_json(), outcome))
}

async fn prioritize(
    server: web::Data<Arc<Server>>,
    head: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let started = clock::nanos();
    let mut trace = Trace::of("prioritize");
    let answer = match server.body(&head, body).await {
        Ok(body) => answer_prioritize(&server, &body, &mut trace),
        Err(unanswered) => Err(unanswered),
    };
    server.finish(&trace, started, answer)
}

fn answer_prioritize(
    server: &Server,
    body: &[u8],
    trace: &mut Trace,
) -> Result<(Vec<u8>, &'static str), Unanswered> {
    server.health.check().map_err(unavailable)?;
    let call = Call::parse(body, server.config.limits.nodes).map_err(|e| bad_request(&e))?;
    let facts = trace.pod(&call)?;
    let asked =
        Asked::of(facts).map_err(|sentence| (StatusCode::UNPROCESSABLE_ENTITY, sentence))?;
    let profile = server.config.profile(&asked.facts.scheduler_name);
    let now = clock::timestamp();
    let prioritized = server.live.update(|live| {
        expire(live, server, now);
        live.prioritize(&asked, &call.names, profile, now)
    });
    server
        .decisions
        .record("prioritize", asked.uid, &prioritized.decision);
    trace.best(&prioritized.decision);
    let body = wire::priorities(&call.names, &prioritized.scores);
    Ok((body, "ranked"))
}

async fn bind(
    server: web::Data<Arc<Server>>,
    head: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let started = clock::nanos();
    let mut trace = Trace::of("bind");
    let answer = match server.body(&head, body).await {
        Ok(body) => answer_bind(&server, &body, &mut trace).await,
        Err(unanswered) => Err(unanswered),
    };
    server.finish(&trace, started, answer)
}

async fn answer_bind(
    server: &Arc<Server>,
    body: &[u8],
    trace: &mut Trace,
) -> Result<(Vec<u8>, &'static str), Unanswered> {
    server.health.check().map_err(unavailable)?;
    let call = BindCall::parse(body).map_err(|e| bad_request(&e))?;
    trace.pod = format!("{}/{}", call.pod_namespace, call.pod_name);
    trace.uid.clone_from(&call.pod_uid);
    trace.node.clone_from(&call.node);
    let uid = crate::k8s::pod::parse_uid(&call.pod_uid);
    let uid: PodUid = uid.map_err(|e| (StatusCode::BAD_REQUEST, format!("PodUID: {e}")))?;
    // Once booked the attempt runs to its end, even if the caller hangs up.
    let (task, attempt) = (server.clone(), call.clone());
    let bound = tokio::spawn(async move { task.bind(uid, &attempt).await }).await;
    let bound = bound.map_err(|e| (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    let (error, outcome) = match bound {
        Bound::Yes => (String::new(), "bound"),
        Bound::No(reason) => (reason, "refused"),
        Bound::Unknown(reason) => (
            format!("not known yet whether it is bound: {reason}"),
            "unknown",
        ),
    };
    let failed = |e: serde_json::Error| (StatusCode::INTERNAL_SERVER_ERROR, e.to_string());
    let body = serde_json::to_vec(&BindResult { error }).map_err(failed)?;
    Ok((body, outcome))
}

impl Trace {
    fn of(verb: &'static str) -> Self {
        Self {
            verb,
            pod: String::new(),
            uid: String::new(),
            node: String::new(),
        }
    }

    /// Reads the pod of a call.
    fn pod(&mut self, call: &Call<'_>) -> Result<PodFacts, Unanswered> {
        let facts =
            PodFacts::parse(call.pod).map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
        self.pod = format!("{}/{}", facts.namespace, facts.name);
        self.uid = uid_text(facts.uid);
        Ok(facts)
    }

    fn best(&mut self, decision: &super::live::Decision) {
        if let Some((node, _)) = &decision.best {
            self.node = node.to_string();
        }
    }
}

impl Server {
    /// Reads a bounded body within a bounded time.
    async fn body(
        &self,
        head: &HttpRequest,
        mut payload: web::Payload,
    ) -> Result<Vec<u8>, Unanswered> {
        let most = self.config.limits.body_bytes;
        let too_large = || {
            let reason = format!("body: expected at most {most} bytes");
            (StatusCode::PAYLOAD_TOO_LARGE, reason)
        };
        let length = head.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let room = length.unwrap_or(0).min(most).min(ROOM);
        let read = async {
            let mut body = Vec::with_capacity(room);
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|e| (StatusCode::BAD_REQUEST, format!("body: {e}")))?;
                if body.len() + chunk.len() > most {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        let time = Duration::from_millis(self.config.times.body_ms);
        let late = || {
            let reason = format!("body: expected within {} ms", time.as_millis());
            Err((StatusCode::REQUEST_TIMEOUT, reason))
        };
        tokio::time::timeout(time, read)
            .await
            .unwrap_or_else(|_| late())
    }

    /// Counts and logs a call, and makes its answer.
    fn finish(
        &self,
        trace: &Trace,
        started: u64,
        answer: Result<(Vec<u8>, &'static str), Unanswered>,
    ) -> HttpResponse {
        let nanos = clock::nanos().saturating_sub(started);
        let (status, body, outcome, reason) = match answer {
            Ok((body, outcome)) => (StatusCode::OK, body, outcome, String::new()),
            Err((status, reason)) => {
                let error = BindResult {
                    error: reason.clone(),
                };
                let body = serde_json::to_vec(&error).unwrap_or_default();
                (status, body, "unanswered", reason)
            }
        };
        self.metrics.call(trace.verb, outcome, nanos);
        tracing::info!(
            verb = trace.verb,
            pod = trace.pod,
            uid = trace.uid,
            node = trace.node,
            micros = nanos / 1000,
            outcome,
            reason,
        );
        HttpResponse::build(status)
            .content_type("application/json")
            .body(body)
    }
}

fn expire(live: &mut Live, server: &Server, now: Timestamp) {
    let oldest = now.0.saturating_sub(server.config.times.intent_ms);
    live.expire(Timestamp(oldest));
}

fn bad_request(error: &super::wire::WireError) -> Unanswered {
    (StatusCode::BAD_REQUEST, error.to_string())
}

fn unavailable(reason: String) -> Unanswered {
    (StatusCode::SERVICE_UNAVAILABLE, reason)
}
