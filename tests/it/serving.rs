//! A server under test, in this process: on a small cluster, with or without an API server behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use stowage::config::Policy;
use stowage::config::server::ServerConfiguration;
use stowage::extender::Server;
use stowage::extender::decisions::DecisionLog;
use stowage::extender::health::Health;
use stowage::extender::live::Live;
use stowage::extender::metrics::Metrics;
use stowage::extender::server::{self, Running};
use stowage::k8s::bind::Api;
use stowage::k8s::node::NodeFacts;
use stowage::k8s::pod::PodFacts;
use stowage::shared::Shared;
use stowage_core::plan::{Context, Parameters};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use tokio::runtime::Runtime;

/// A running server and the runtime it runs on.
pub(crate) struct Serving {
    /// The server.
    pub(crate) server: Arc<Server>,
    /// The runtime.
    pub(crate) runtime: Runtime,
    running: Option<Running>,
}

impl Serving {
    /// Serves `nodes` and `pods`, decided by best fit, with changes to the configuration.
    pub(crate) fn start(
        nodes: &[Value],
        pods: &[Value],
        api: impl FnOnce() -> Option<Api>,
        configure: impl FnOnce(&mut ServerConfiguration),
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        let mut config = ServerConfiguration::default();
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.health = SocketAddr::from(([127, 0, 0, 1], 0));
        config.policy = Policy::of(Strategy::BestFit);
        configure(&mut config);
        let strategy = config.policy.strategy.0;
        let outlook = Arc::new(Outlook::default());
        let context = Context::new(strategy, Parameters::default(), outlook, 0);
        let server = Arc::new(Server {
            health: Health::standalone(),
            live: Shared::new(Live::new(context, None, config.limits.pending_pods)),
            metrics: Metrics::default(),
            decisions: DecisionLog::default(),
            api: {
                let _guard = runtime.enter();
                api()
            },
            config,
        });
        let parse = |node: &Value| NodeFacts::parse(&node.to_string()).expect("a node");
        server.nodes_listed(nodes.iter().map(parse).collect());
        let parse = |pod: &Value| PodFacts::parse(&pod.to_string()).expect("a pod");
        server.pods_listed(&pods.iter().map(parse).collect::<Vec<_>>());
        let running = {
            let _guard = runtime.enter();
            server::start(&server, 2).expect("ports are free")
        };
        Self {
            server,
            runtime,
            running: Some(running),
        }
    }

    /// Where the verbs are answered.
    pub(crate) fn verbs(&self) -> SocketAddr {
        self.running
            .as_ref()
            .expect("it runs until it is dropped")
            .verbs
    }

    /// Where health and metrics are answered.
    pub(crate) fn pages(&self) -> SocketAddr {
        self.running
            .as_ref()
            .expect("it runs until it is dropped")
            .health
    }

    /// Posts JSON to a verb and returns status and answer.
    pub(crate) fn ask(&self, verb: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let (status, answer) = crate::http::post(self.verbs(), verb, body.as_bytes());
        let answer = serde_json::from_str(&answer).unwrap_or(Value::String(answer));
        (status, answer)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// A node with `gpus` GPUs whose agent serves shares.
pub(crate) fn node(name: &str, gpus: u32) -> Value {
    let device = |index| {
        json!({"index": index, "uuid": format!("GPU-{name}-{index}"), "vendor": "nvidia",
               "model": "A100-80GB", "memoryMib": 81920, "healthy": true})
    };
    let devices: Vec<_> = (0..gpus).map(device).collect();
    let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": devices});
    json!({
        "metadata": {"name": name, "annotations": {"stowage.dev/inventory": inventory.to_string()}},
        "status": {"allocatable": {"cpu": "96", "memory": "1000Gi", "pods": "110"}},
    })
}

/// A pod that asks for `limits`, with a UID made of `number`.
pub(crate) fn pod(number: u32, limits: &Value) -> Value {
    json!({
        "metadata": {"name": format!("pod-{number}"), "namespace": "default", "uid": uid(number)},
        "spec": {"schedulerName": "stowage", "containers": [
            {"name": "main", "resources": {"limits": limits, "requests": {"cpu": "1", "memory": "1Gi"}}},
        ]},
    })
}

/// The UID of pod `number`.
pub(crate) fn uid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
