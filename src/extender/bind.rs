//! Bind, the commit point: check again, book, write once, settle.
//!
//! A reservation exists before anything is written and ends in exactly three ways: the Binding is seen
//! or settled, the API server refused it, or it is disproved: a read after the attempt's deadline plus
//! the API server's own time-out shows the pod unbound or gone. Time alone frees nothing. Writes are
//! never repeated on their own; kube-scheduler asks again, and asking again gives the same devices.

use std::sync::Arc;
use std::time::Duration;

use stowage_core::units::PodUid;

use super::Server;
use super::live::Pending;
use super::wire::BindCall;
use crate::clock;
use crate::k8s::annotation;
use crate::k8s::bind::{BindOutcome, Binding, Seen};

/// How a bind call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// The pod is bound there, with the devices booked.
    Yes,
    /// It is not, and nothing is booked; why.
    No(String),
    /// It is not known; what was booked stays booked until that is found out.
    Unknown(String),
}

impl Server {
    /// Carries out one bind call.
    pub(super) async fn bind(self: &Arc<Self>, uid: PodUid, call: &BindCall) -> Bound {
        let started = clock::nanos();
        if let Some(api) = &self.api
            && let Err(holder) = api.may_write()
        {
            return Bound::No(holder);
        }
        let pending = match self.pending(uid, call).await {
            Ok(pending) => pending,
            Err(reason) => return Bound::No(reason),
        };
        if (pending.name.as_str(), pending.namespace.as_str())
            != (call.pod_name.as_str(), call.pod_namespace.as_str())
        {
            let (namespace, name) = (&pending.namespace, &pending.name);
            return Bound::No(format!(
                "PodUID {} is of pod {namespace}/{name}: expected {}/{}",
                call.pod_uid, call.pod_namespace, call.pod_name
            ));
        }
        let node: Arc<str> = Arc::from(call.node.as_str());
        let booked = self.live.update(|live| {
            let (devices, decision) = live
                .reserve(uid, &node, &pending.request)
                .map_err(|refusal| refusal.to_string())?;
            let notes = live.notes.get(&node).cloned();
            live.attempts.begin(uid);
            Ok((devices, decision, notes))
        });
        let (devices, decision, notes) = match booked {
            Ok(booked) => booked,
            Err(reason) => return Bound::No(reason),
        };
        self.decisions.record("bind", uid, &decision);
        let Some(api) = &self.api else {
            return self.settle(uid, None, BindOutcome::Bound);
        };
        let request = &pending.request;
        let annotations = notes.ok_or_else(|| format!("node {node} is not known"));
        let annotations = annotations.and_then(|notes| {
            let containers = &pending.containers;
            let written = annotation::binding(request, containers, &devices, &notes.facts);
            written.map_err(|error| error.to_string())
        });
        // Asked again right before the write: reading the pod may have taken its time.
        let annotations = match annotations.and_then(|a| api.may_write().map(|()| a)) {
            Ok(annotations) => annotations,
            Err(reason) => return self.settle(uid, None, BindOutcome::Refused(reason)),
        };
        let binding = Binding {
            namespace: call.pod_namespace.clone(),
            name: call.pod_name.clone(),
            uid: call.pod_uid.clone(),
            node: call.node.clone(),
            annotations,
        };
        let left = api.deadline().saturating_sub(elapsed(started));
        let outcome = api.bind(&binding, left).await;
        self.settle(uid, Some(binding), outcome)
    }

    /// The pod as it was asked about, or as the API server has it.
    async fn pending(&self, uid: PodUid, call: &BindCall) -> Result<Pending, String> {
        if let Some(pending) = self.live.update(|live| live.pending.get(&uid).cloned()) {
            return Ok(pending);
        }
        let unknown = || format!("pod {}/{} is not known", call.pod_namespace, call.pod_name);
        let api = self.api.as_ref().ok_or_else(unknown)?;
        let read = api.pod(&call.pod_namespace, &call.pod_name);
        let late = |_| "the API server did not answer in time".to_owned();
        let pod = tokio::time::timeout(api.deadline() / 2, read)
            .await
            .map_err(late)??;
        let pod = pod.ok_or_else(unknown)?;
        if pod.uid != uid {
            return Err(format!(
                "pod {}/{} is another one: expected UID {}",
                call.pod_namespace, call.pod_name, call.pod_uid
            ));
        }
        Pending::of(&pod).map(|(_, pending)| pending)
    }

    /// Draws the consequence of an attempt.
    fn settle(
        self: &Arc<Self>,
        uid: PodUid,
        binding: Option<Binding>,
        outcome: BindOutcome,
    ) -> Bound {
        let now = clock::timestamp();
        self.live.update(|live| match outcome {
            BindOutcome::Bound => {
                live.settle(uid);
                Bound::Yes
            }
            BindOutcome::Never(reason) => {
                live.free(uid);
                live.drop_pending(uid);
                Bound::No(reason)
            }
            BindOutcome::Refused(reason) => {
                live.attempts.end(uid, None);
                if live.attempts.may_be_applied(uid) {
                    return Bound::Unknown(reason);
                }
                live.free(uid);
                Bound::No(reason)
            }
            BindOutcome::Unknown(reason) => {
                live.attempts.end(uid, Some(now));
                if let Some(binding) = binding
                    && live.attempts.follow(uid)
                {
                    let server = self.clone();
                    tokio::spawn(async move { server.find_out(uid, binding).await });
                }
                Bound::Unknown(reason)
            }
        })
    }

    /// Reads the pod until it is seen bound, or disproved.
    async fn find_out(self: Arc<Self>, uid: PodUid, binding: Binding) {
        let Some(api) = &self.api else {
            return;
        };
        let times = self.config.times;
        let after = times
            .bind_deadline_ms
            .saturating_add(times.api_server_timeout_ms);
        let mut pause = 200;
        loop {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            pause = (pause * 2).min(5_000);
            if self.live.update(|live| live.is_decided(uid)) {
                return;
            }
            let asked = clock::timestamp();
            let seen = api.read_back(&binding).await;
            let done = self.live.update(|live| match seen {
                Seen::Bound => live.settle(uid),
                Seen::Elsewhere | Seen::Gone => live.free(uid),
                Seen::Unbound if live.attempts.disproved(uid, asked, after) => live.free(uid),
                Seen::Unbound | Seen::NotRead => false,
            });
            if done {
                return;
            }
        }
    }
}

/// Since `started`, by the clock that only moves forward.
fn elapsed(started: u64) -> Duration {
    Duration::from_nanos(clock::nanos().saturating_sub(started))
}

impl super::live::Live {
    /// The pod is bound: its hold stays, also through a list that is older than the write.
    fn settle(&mut self, pod: PodUid) -> bool {
        self.attempts.forget(pod);
        self.planner.settle(pod);
        self.settled.insert(pod);
        self.drop_pending(pod);
        true
    }

    /// No attempt can be applied any more: frees what was booked.
    fn free(&mut self, pod: PodUid) -> bool {
        self.attempts.forget(pod);
        if self.is_assumed(pod) {
            self.planner.release(pod);
        }
        true
    }

    /// Whether nothing is open about the pod any more.
    fn is_decided(&mut self, pod: PodUid) -> bool {
        let decided = !self.is_assumed(pod);
        if decided {
            self.attempts.forget(pod);
        }
        decided
    }

    /// Whether something is booked for `pod` whose write is in flight or not known to have ended.
    #[must_use]
    pub fn is_assumed(&self, pod: PodUid) -> bool {
        let hold = self.planner.cluster().hold_of(pod);
        hold.is_some_and(|(_, hold)| matches!(hold.claim, stowage_core::node::Claim::Assumed(_)))
    }
}
