//! When pods were bound, as a watch sees it: only bound pods pass it, and only their names.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use stowage::clock;

const BOUND: &str = "spec.nodeName!=";

type Events = dyn Stream<Item = kube::Result<WatchEvent<PartialObjectMeta<Pod>>>> + Send;

/// A watch of bound pods, begun when there was none.
pub(crate) struct Bound(std::pin::Pin<Box<Events>>);

impl Bound {
    pub(crate) async fn of(client: kube::Client) -> Self {
        let pods: Api<Pod> = Api::all(client);
        let list = pods
            .list_metadata(&ListParams::default().fields(BOUND))
            .await;
        let list = list.expect("a list");
        assert!(list.items.is_empty(), "pods are bound already");
        let version = list.metadata.resource_version.unwrap_or_default();
        let parameters = WatchParams::default().fields(BOUND).timeout(290);
        let events = pods.watch_metadata(&parameters, &version).await;
        Self(Box::pin(events.expect("a watch")))
    }

    /// The moments, in nanoseconds, at which `count` pods were seen bound.
    pub(crate) async fn wait_for(mut self, count: usize, patience: Duration) -> Vec<u64> {
        let collect = async {
            let mut times = Vec::with_capacity(count);
            while times.len() < count {
                match self.0.next().await {
                    Some(Ok(WatchEvent::Added(_))) => times.push(clock::nanos()),
                    Some(Ok(_)) => {}
                    other => panic!("the watch ended after {} pods: {other:?}", times.len()),
                }
            }
            times
        };
        tokio::time::timeout(patience, collect)
            .await
            .expect("all pods are bound in time")
    }
}
