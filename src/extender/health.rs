//! Whether the server can answer, and why not; and the pages that say so, on their own port.
//!
//! `/livez`: the process runs. `/readyz`: it can answer (reasons with `?verbose`). `/metrics`: for
//! Prometheus. Nothing is answered before the cluster was listed, nor when the API server was last
//! heard of too long ago: a guess could promise a device twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use actix_web::{HttpResponse, web};

use super::Server;
use super::metrics::Sizes;
use crate::clock;

/// What readiness depends on.
#[derive(Debug)]
pub struct Health {
    nodes_synced: AtomicBool,
    pods_synced: AtomicBool,
    stopping: AtomicBool,
    /// Whether a list is being read, and until when an interruption counts, by what is watched.
    listing: [AtomicBool; 2],
    interrupted_until_ms: [AtomicU64; 2],
    nodes_contact_ms: AtomicU64,
    pods_contact_ms: AtomicU64,
    /// 0: there is no API server to be in touch with.
    silence_ms: u64,
    /// Versions of objects that were not understood.
    pub unparsed: AtomicU64,
}

/// For how long after the last complaint a watch counts as interrupted: longer than its longest
/// pause between two tries.
const INTERRUPTED_MS: u64 = 45_000;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
}

impl Health {
    /// Waits for both lists, then needs contact every `silence_ms`.
    #[must_use]
    pub fn watching(silence_ms: u64) -> Self {
        Self {
            nodes_synced: AtomicBool::new(false),
            pods_synced: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            listing: [AtomicBool::new(false), AtomicBool::new(false)],
            interrupted_until_ms: [AtomicU64::new(0), AtomicU64::new(0)],
            nodes_contact_ms: AtomicU64::new(0),
            pods_contact_ms: AtomicU64::new(0),
            silence_ms,
            unparsed: AtomicU64::new(0),
        }
    }

    /// Ready at once, on a cluster that was read from a file.
    #[must_use]
    pub fn standalone() -> Self {
        let health = Self::watching(0);
        health.synced(Watched::Nodes);
        health.synced(Watched::Pods);
        health
    }

    /// A list is begun; nothing is heard of until it is complete.
    pub fn listing(&self, what: Watched) {
        self.listing[what as usize].store(true, Ordering::SeqCst);
    }

    /// A watch says that it is interrupted. It starts again by itself; while it fails, it says so
    /// again and again.
    pub fn interrupted(&self, what: Watched) {
        let until = clock::timestamp().0 + INTERRUPTED_MS;
        self.interrupted_until_ms[what as usize].store(until, Ordering::SeqCst);
    }

    /// The API server answers. That says something about a watch only if the watch is not
    /// interrupted and no list is being read.
    pub fn in_touch(&self, what: Watched) {
        let until = self.interrupted_until_ms[what as usize].load(Ordering::SeqCst);
        let listing = self.listing[what as usize].load(Ordering::SeqCst);
        if !listing && clock::timestamp().0 >= until {
            self.heard(what);
        }
    }

    /// Whether the nodes were listed.
    #[must_use]
    pub fn nodes_listed(&self) -> bool {
        self.nodes_synced.load(Ordering::SeqCst)
    }

    /// A complete list is in.
    pub fn synced(&self, what: Watched) {
        self.listing[what as usize].store(false, Ordering::SeqCst);
        self.heard(what);
        match what {
            Watched::Nodes => &self.nodes_synced,
            Watched::Pods => &self.pods_synced,
        }
        .store(true, Ordering::SeqCst);
    }

    /// The API server was heard of.
    pub fn heard(&self, what: Watched) {
        let contact = match what {
            Watched::Nodes => &self.nodes_contact_ms,
            Watched::Pods => &self.pods_contact_ms,
        };
        contact.store(clock::timestamp().0, Ordering::SeqCst);
    }

    /// The server is asked to stop: it is no longer ready, but still answers.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Milliseconds since the API server was last heard of, on the watch that is further behind.
    #[must_use]
    pub fn contact_age_ms(&self) -> u64 {
        let nodes = self.nodes_contact_ms.load(Ordering::SeqCst);
        let pods = self.pods_contact_ms.load(Ordering::SeqCst);
        clock::timestamp().0.saturating_sub(nodes.min(pods))
    }

    /// Each condition for answering calls, with what is wrong.
    pub fn checks(&self) -> [(&'static str, Result<(), String>); 3] {
        let synced = |flag: &AtomicBool| {
            let done = flag.load(Ordering::SeqCst);
            done.then_some(())
                .ok_or_else(|| "not listed yet".to_owned())
        };
        let age = self.contact_age_ms();
        let contact = if self.silence_ms == 0 || age <= self.silence_ms {
            Ok(())
        } else {
            let most = self.silence_ms;
            Err(format!(
                "the API server was last heard of {age} ms ago: expected at most {most}"
            ))
        };
        [
            ("nodes", synced(&self.nodes_synced)),
            ("pods", synced(&self.pods_synced)),
            ("contact", contact),
        ]
    }

    /// Why calls cannot be answered, if they cannot.
    pub fn check(&self) -> Result<(), String> {
        for (name, check) in self.checks() {
            check.map_err(|reason| format!("not ready: {name}: {reason}"))?;
        }
        Ok(())
    }
}

/// Adds the pages.
pub(super) fn pages(to: &mut web::ServiceConfig) {
    to.route("/livez", web::get().to(livez))
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(metrics));
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

async fn readyz(
    server: web::Data<Arc<Server>>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let mut checks: Vec<_> = server.health.checks().into();
    let stopping = server.health.stopping.load(Ordering::SeqCst);
    let stop = if stopping {
        Err("stopping".to_owned())
    } else {
        Ok(())
    };
    checks.push(("shutdown", stop));
    let ready = checks.iter().all(|(_, check)| check.is_ok());
    let mut text = String::new();
    if !ready || query.iter().any(|(name, _)| name == "verbose") {
        for (name, check) in &checks {
            match check {
                Ok(()) => text.push_str(&format!("[+] {name}: ok\n")),
                Err(reason) => text.push_str(&format!("[-] {name}: {reason}\n")),
            }
        }
    }
    if let Some(Err(holder)) = server.api.as_ref().map(crate::k8s::bind::Api::may_write) {
        // Not a condition for readiness: a standby answers filter and prioritize.
        text.push_str(&format!("[ ] writer: {holder}\n"));
    }
    text.push_str(if ready { "ready\n" } else { "not ready\n" });
    let mut answer = if ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.content_type("text/plain").body(text)
}

async fn metrics(server: web::Data<Arc<Server>>) -> HttpResponse {
    let mut sizes = server.live.update(|live| {
        let cluster = live.planner.cluster();
        Sizes {
            nodes: cluster.nodes().len(),
            pods: cluster.pods().len(),
            intents: cluster.intents().len(),
            pending: live.pending.len(),
            ..Sizes::default()
        }
    });
    sizes.unparsed = server.health.unparsed.load(Ordering::SeqCst) as usize;
    sizes.contact_age = server.health.contact_age_ms() as f64 / 1000.0;
    let text = server.metrics.text(sizes);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    HttpResponse::Ok().content_type(kind).body(text)
}
