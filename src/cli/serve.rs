//! `stowage serve`: the extender, live on a cluster or on a cluster read from a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use stowage_core::plan::Context;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::workload::Workload;

use crate::config::WorkloadKind;
use crate::config::server::ServerConfiguration;
use crate::config::workload::Expected;
use crate::extender::decisions::DecisionLog;
use crate::extender::foresight;
use crate::extender::health::Health;
use crate::extender::learn::Learner;
use crate::extender::live::Live;
use crate::extender::metrics::Metrics;
use crate::extender::{Server, server};
use crate::k8s::bind::Api;
use crate::k8s::client;
use crate::k8s::lease::Holding;
use crate::k8s::node::{NodeFacts, Source};
use crate::k8s::snapshot::Snapshot;
use crate::k8s::watch;
use crate::shared::Shared;
use crate::sim::trace::{TraceNode, demo};

/// The long text of `--help`.
pub(super) const ABOUT: &str = "\
Answer kube-scheduler's extender calls (filter, prioritize, bind) for a cluster.

With a kubeconfig or inside a cluster: watches Nodes and Pods and binds pods to nodes, with the chosen \
devices in an annotation. With --snapshot or --demo: the same answers on a cluster read from a file; \
bind books in memory only. Configure kube-scheduler as in scheduler-config/.";

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The server's configuration (kind: ServerConfiguration); everything but its first two lines has a default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A cluster to serve instead of a live one: the output of kubectl get nodes,pods -A -o json
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    snapshot: Option<PathBuf>,
    /// Serve the built-in demo cluster instead of a live one
    #[arg(long)]
    demo: bool,
    /// How to reach the API server [default: in-cluster, else the usual kubeconfig]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["snapshot", "demo"])]
    kubeconfig: Option<PathBuf>,
    /// Where to answer kube-scheduler [default: 127.0.0.1:9300]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
    /// Where to answer health and metrics [default: 127.0.0.1:9301]
    #[arg(long, value_name = "ADDRESS")]
    health: Option<std::net::SocketAddr>,
    /// Bind only while holding this Lease
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with_all = ["snapshot", "demo"])]
    lease: Option<String>,
    /// Who holds the Lease, if this instance does [default: HOSTNAME and a random part]
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// Append one JSON line a decision to this file
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// How to write logs to stderr; what is logged is set by RUST_LOG [default: info]
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
    /// Threads that answer calls
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        self.start_logs();
        let config = self.configuration()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("threads cannot be started")?;
        runtime.block_on(self.serve(config))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn serve(&self, config: ServerConfiguration) -> anyhow::Result<()> {
        let decisions = DecisionLog::open(self.decisions.as_deref()).with_context(|| {
            let file = self.decisions.clone().unwrap_or_default();
            format!("--decisions {}", file.display())
        })?;
        let live = live(&config)?;
        let mut server = Server {
            health: Health::standalone(),
            metrics: Metrics::default(),
            live: Shared::new(live),
            decisions,
            api: None,
            config,
        };
        let offline = match (&self.snapshot, self.demo) {
            (Some(file), _) => Some(Snapshot::read(file)?),
            (None, true) => Some(demo()),
            (None, false) => None,
        };
        let server = if let Some(snapshot) = offline {
            for problem in &snapshot.problems {
                tracing::warn!("{problem}");
            }
            server.nodes_listed(snapshot.nodes);
            server.pods_listed(&snapshot.pods);
            let server = Arc::new(server);
            self.answer(&server, "a cluster from a file; bind books in memory only")
                .await?;
            return Ok(());
        } else {
            let api_server = self.api_server().await?;
            let unusable = "the API server's client cannot be made";
            let reads = Client::try_from(api_server.clone()).context(unusable)?;
            let writes = client::for_writes(api_server).context(unusable)?;
            let holding = self.keep_lease(&server.config, &reads);
            let deadline = Duration::from_millis(server.config.times.bind_deadline_ms);
            server.api = Some(Api::new(writes, deadline, holding));
            server.health = Health::watching(server.config.times.silence_ms);
            let server = Arc::new(server);
            tokio::spawn(watch::nodes(reads.clone(), server.clone()));
            tokio::spawn(watch::pods(reads.clone(), server.clone()));
            tokio::spawn(watch::contact(reads, server.clone()));
            server
        };
        self.answer(&server, "the live cluster").await
    }

    /// Answers calls until a signal asks to stop.
    async fn answer(&self, server: &Arc<Server>, what: &str) -> anyhow::Result<()> {
        let running = server::start(server, usize::from(self.workers))?;
        tracing::info!(verbs = %running.verbs, health = %running.health, "serving {what}");
        tokio::spawn(foresight::keep(server.clone()));
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: calls in flight finish first");
        running.stop().await;
        Ok(())
    }

    fn configuration(&self) -> anyhow::Result<ServerConfiguration> {
        let mut config = match &self.config {
            Some(file) => ServerConfiguration::read(file)?,
            None => ServerConfiguration::default(),
        };
        config.listen = self.listen.unwrap_or(config.listen);
        config.health = self.health.unwrap_or(config.health);
        if let Some(text) = &self.lease {
            let parts: Vec<_> = text.split('/').collect();
            let [namespace, name] = parts[..] else {
                bail!("--lease: expected NAMESPACE/NAME, got {text:?}");
            };
            if namespace.is_empty() || name.is_empty() {
                bail!("--lease: expected NAMESPACE/NAME, got {text:?}");
            }
            config.lease = Some(crate::config::server::Lease {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            });
        }
        Ok(config)
    }

    /// How to reach the API server.
    async fn api_server(&self) -> anyhow::Result<kube::Config> {
        Ok(match &self.kubeconfig {
            Some(file) => {
                // The library's sentences have their causes in them.
                let kubeconfig = Kubeconfig::read_from(file)
                    .map_err(|error| anyhow!("--kubeconfig {}: {error}", file.display()))?;
                let options = KubeConfigOptions::default();
                kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?
            }
            None => kube::Config::infer().await.map_err(|error| {
                anyhow!(
                    "no API server is known: give --kubeconfig, --snapshot FILE or --demo: {error}"
                )
            })?,
        })
    }

    fn keep_lease(&self, config: &ServerConfiguration, client: &Client) -> Option<Holding> {
        let lease = config.lease.clone()?;
        let holding = Holding::unknown();
        let identity = self.identity.clone().unwrap_or_else(|| {
            let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "stowage".to_owned());
            format!("{host}_{:016x}", rand::random::<u64>())
        });
        tokio::spawn(holding.clone().keep(client.clone(), lease, identity));
        Some(holding)
    }

    fn start_logs(&self) {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_target(false)
            .with_writer(std::io::stderr);
        match self.log {
            LogFormat::Text => logs.with_ansi(false).init(),
            LogFormat::Json => logs.json().flatten_event(true).init(),
        }
    }
}

fn live(config: &ServerConfiguration) -> anyhow::Result<Live> {
    let policy = &config.policy;
    let expected = policy
        .workload
        .load(WorkloadKind::Learned)
        .map_err(anyhow::Error::msg)?;
    let percent = policy.workload.cover_percent;
    let (workload, learner) = match expected {
        Expected::Known(workload) => (workload, None),
        Expected::Counted => (Workload::default(), Some(Learner::new(percent))),
    };
    let outlook = Outlook::new(&workload.covering(percent));
    let parameters = policy.parameters.into();
    let context = Context::new(policy.strategy.0, parameters, Arc::new(outlook), 0);
    Ok(Live::new(context, learner, config.limits.pending_pods))
}

/// The built-in demo cluster, without pods.
fn demo() -> Snapshot {
    let node = |node: TraceNode| {
        let devices = node.gpus.len();
        let uuid = |index| Some(format!("GPU-{}-{index}", node.name));
        NodeFacts {
            uuids: (0..devices).map(uuid).collect(),
            node,
            source: Source::Inventory,
            unschedulable: false,
            repels: Vec::new(),
            unhealthy: None,
        }
    };
    Snapshot {
        nodes: demo::load().nodes.into_iter().map(node).collect(),
        ..Snapshot::default()
    }
}
