//! What Prometheus reads. Names are `stowage_...`, units are base units, labels are few.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper ends of the duration buckets, seconds.
const BUCKETS: [f64; 12] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.05, 0.25, 1.0, 5.0,
];

/// All metrics of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    seconds: Family<VerbLabels, Histogram, fn() -> Histogram>,
    nodes: Gauge,
    pods: Gauge,
    intents: Gauge,
    pending: Gauge,
    unparsed: Gauge,
    contact_age: Gauge<f64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerbLabels {
    verb: &'static str,
}

/// Sizes of what the server knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Nodes.
    pub nodes: usize,
    /// Pods on them.
    pub pods: usize,
    /// Intents.
    pub intents: usize,
    /// Pods between filter and bind.
    pub pending: usize,
    /// Versions of objects that were not understood.
    pub unparsed: usize,
    /// Seconds since the API server was last heard of.
    pub contact_age: f64,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let seconds = Family::new_with_constructor(histogram);
        let mut metrics = Self {
            registry: Registry::with_prefix("stowage"),
            calls: Family::default(),
            seconds,
            nodes: Gauge::default(),
            pods: Gauge::default(),
            intents: Gauge::default(),
            pending: Gauge::default(),
            unparsed: Gauge::default(),
            contact_age: Gauge::default(),
        };
        let r = &mut metrics.registry;
        r.register("calls", "Calls by verb and outcome", metrics.calls.clone());
        r.register_with_unit(
            "call_duration",
            "Time from the request's head to the answer, reading its body included",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        r.register("nodes", "Nodes known", metrics.nodes.clone());
        r.register("pods", "Pods that hold something", metrics.pods.clone());
        r.register(
            "intents",
            "Pods ranked but not bound",
            metrics.intents.clone(),
        );
        r.register(
            "pending_pods",
            "Pods between filter and bind",
            metrics.pending.clone(),
        );
        r.register(
            "unparsed_objects",
            "Versions of nodes and pods that were not understood since the start",
            metrics.unparsed.clone(),
        );
        r.register_with_unit(
            "contact_age",
            "Time since the API server was last heard of",
            Unit::Seconds,
            metrics.contact_age.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Counts a call that took `nanos`.
    pub fn call(&self, verb: &'static str, outcome: &'static str, nanos: u64) {
        self.calls
            .get_or_create(&CallLabels { verb, outcome })
            .inc();
        let seconds = nanos as f64 / 1e9;
        self.seconds
            .get_or_create(&VerbLabels { verb })
            .observe(seconds);
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self, sizes: Sizes) -> String {
        let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.nodes.set(size(sizes.nodes));
        self.pods.set(size(sizes.pods));
        self.intents.set(size(sizes.intents));
        self.pending.set(size(sizes.pending));
        self.unparsed.set(size(sizes.unparsed));
        self.contact_age.set(sizes.contact_age);
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}
