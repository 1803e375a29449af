//! One writer: only the instance that holds the Lease binds.
//!
//! client-go's rule: a Lease that somebody else holds may be taken when its record has not changed for
//! its whole duration *by our own clock*, which only moves forward; clocks of other machines are not
//! compared. The holder stops writing before its Lease could be taken: after two thirds of the
//! duration without a renewal.

use std::sync::Arc;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::clock;
use crate::config::server;
use crate::shared::Shared;

/// For how long a Lease is held without a renewal, seconds.
const DURATION_S: i32 = 15;
/// Between two renewals or looks, milliseconds.
const PERIOD_MS: u64 = 3_000;

/// Whether this instance holds the Lease; cheap to ask.
#[derive(Debug, Clone)]
pub struct Holding(Arc<Shared<State>>);

#[derive(Debug, Default)]
struct State {
    /// When we renewed it last.
    renewed_ms: Option<u64>,
    /// Who held it when we last looked.
    holder: String,
    /// The record we saw last, and since when we see it.
    observed: Option<(Option<String>, u64)>,
}

impl Holding {
    /// Nobody is known to hold it.
    #[must_use]
    pub fn unknown() -> Self {
        Self(Arc::new(Shared::new(State::default())))
    }

    /// Whether this instance may write now.
    ///
    /// # Errors
    /// Who holds the Lease instead.
    pub fn check(&self) -> Result<(), String> {
        let now = now_ms();
        self.0.update(|state| match state.renewed_ms {
            Some(at) if now < at + safe_ms() => Ok(()),
            _ if state.holder.is_empty() => {
                Err("this instance does not hold the lease yet".to_owned())
            }
            _ => Err(format!(
                "this instance does not hold the lease: {} does",
                state.holder
            )),
        })
    }

    /// Takes and renews the Lease for `identity`, forever.
    pub async fn keep(self, client: Client, lease: server::Lease, identity: String) {
        let api: Api<Lease> = Api::namespaced(client, &lease.namespace);
        loop {
            let period = std::time::Duration::from_millis(PERIOD_MS);
            match tokio::time::timeout(period, self.step(&api, &lease, &identity)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, lease = lease.name, "the lease cannot be renewed");
                }
                Err(_) => tracing::warn!(lease = lease.name, "the lease is not answered about"),
            }
            tokio::time::sleep(period).await;
        }
    }

    async fn step(
        &self,
        api: &Api<Lease>,
        lease: &server::Lease,
        identity: &str,
    ) -> Result<(), kube::Error> {
        let asked = now_ms();
        let Some(mut found) = api.get_opt(&lease.name).await? else {
            let metadata = ObjectMeta {
                name: Some(lease.name.clone()),
                ..ObjectMeta::default()
            };
            let made = Lease {
                metadata,
                spec: Some(record(identity, 0)),
            };
            api.create(&PostParams::default(), &made).await?;
            self.renewed(asked, identity);
            return Ok(());
        };
        let spec = found.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        let version = found.metadata.resource_version.clone();
        let free = holder.is_empty() || holder == identity || self.expired(version, &spec);
        if !free {
            self.0.update(|state| {
                state.renewed_ms = None;
                state.holder = holder;
            });
            return Ok(());
        }
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(holder != identity);
        found.spec = Some(record(identity, transitions));
        // The resource version in `found` makes this a compare-and-swap.
        api.replace(&lease.name, &PostParams::default(), &found)
            .await?;
        self.renewed(asked, identity);
        Ok(())
    }

    fn renewed(&self, asked: u64, identity: &str) {
        self.0.update(|state| {
            state.renewed_ms = Some(asked);
            identity.clone_into(&mut state.holder);
            state.observed = None;
        });
    }

    /// Whether the same record has been seen for its whole duration.
    fn expired(&self, version: Option<String>, spec: &LeaseSpec) -> bool {
        let now = now_ms();
        let seconds = spec.lease_duration_seconds.unwrap_or(DURATION_S).max(1);
        let duration = u64::try_from(seconds).unwrap_or(1) * 1000;
        self.0.update(|state| match &state.observed {
            Some((seen, since)) if *seen == version => now >= since + duration,
            _ => {
                state.observed = Some((version, now));
                false
            }
        })
    }
}

fn record(identity: &str, transitions: i32) -> LeaseSpec {
    let now = Some(MicroTime(clock::wall()));
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(DURATION_S),
        lease_transitions: Some(transitions),
        renew_time: now.clone(),
        acquire_time: now,
        ..LeaseSpec::default()
    }
}

fn safe_ms() -> u64 {
    u64::from(DURATION_S.unsigned_abs()) * 1000 * 2 / 3
}

fn now_ms() -> u64 {
    clock::nanos() / 1_000_000
}
