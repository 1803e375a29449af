//! `stowage playground`: a real control plane on this machine, a few nodes that exist on paper, and
//! pods that Stowage places on them, with the packing before and after.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::print;
use crate::k8s::node::NodeFacts;
use crate::k8s::pod::PodFacts;
use crate::playground::objects::A100;
use crate::playground::scheduler::in_playground;
use crate::playground::{Binaries, Client, ControlPlane, FakeNode, FakePod, Identity, Scheduler};
use stowage_core::cluster::{BoundPod, Cluster, Event};

/// The long text of `--help`.
pub(super) const ABOUT: &str = "\
Show Stowage at work on a real etcd, kube-apiserver and kube-scheduler on this machine.

Builds the three from their sources once (Go, some minutes), starts them on loopback with four nodes \
that exist on paper, creates pods with schedulerName: stowage, and prints where they went: one cell a \
GPU, . idle, x full, 350/1000 what is left. Everything is stopped at the end; --keep waits for Ctrl-C \
first, so that you can try your own pods with kubectl.";

/// kube-scheduler's configuration that is shipped.
const SCHEDULER: &str = include_str!("../../scheduler-config/secondary-scheduler.yaml");
/// How long things may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct Playground {
    /// Keep everything running until Ctrl-C
    #[arg(long)]
    keep: bool,
}

impl Playground {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.play())?;
        Ok(ExitCode::SUCCESS)
    }

    async fn play(&self) -> anyhow::Result<()> {
        eprintln!("finding etcd, kube-apiserver and kube-scheduler (building them takes minutes)");
        let binaries = tokio::task::spawn_blocking(Binaries::find_or_build).await??;
        let folder = Folder::new()?;
        eprintln!("starting the control plane");
        let control_plane = ControlPlane::start(&folder.0, &binaries).await?;
        let client = control_plane.client(Identity::Admin).await?;
        client.create(nodes()).await?;
        let (verbs, health) = (free_port()?, free_port()?);
        let kubeconfig = control_plane.kubeconfig(Identity::Admin);
        let _stowage = Stowage::start(verbs, health, &kubeconfig).await?;
        let text =
            in_playground(SCHEDULER).replace("http://127.0.0.1:9300", &format!("http://{verbs}"));
        let _scheduler = Scheduler::start(&control_plane, &text).await?;
        print(&format!("before:\n{}", map(&client).await?))?;
        let pods = pods();
        let count = pods.len();
        client.create(pods).await?;
        client.wait_for_bound(count, PATIENCE).await?;
        print(&format!("\nafter {count} pods:\n{}", map(&client).await?))?;
        if self.keep {
            let file = kubeconfig.display();
            eprintln!(
                "\nkubectl --kubeconfig {file} get pods   # pods with schedulerName: stowage"
            );
            eprintln!("Ctrl-C ends it");
            tokio::signal::ctrl_c().await?;
        }
        Ok(())
    }
}

fn nodes() -> Vec<FakeNode> {
    let shared = |name: &str, gpus: u32| {
        let device = |index| {
            serde_json::json!({"index": index, "uuid": format!("GPU-{name}-{index}"),
                "vendor": "nvidia", "model": "A100-80GB", "memoryMib": 81920, "healthy": true})
        };
        let devices: Vec<_> = (0..gpus).map(device).collect();
        let inventory = serde_json::json!({"v": 1, "handOver": "stowage-nri", "devices": devices});
        FakeNode::named(name)
            .gpus(A100, gpus)
            .cores(96)
            .memory_gib(880)
            .inventory(&inventory.to_string())
    };
    vec![
        shared("gpu-a", 8),
        shared("gpu-b", 8),
        shared("gpu-c", 4),
        shared("gpu-d", 4),
    ]
}

fn pods() -> Vec<FakePod> {
    let pod = |name: String| {
        FakePod::named(&name)
            .request("cpu", "4")
            .request("memory", "8Gi")
    };
    let mut pods = vec![pod("training".to_owned()).gpus(4)];
    pods.extend((1..=3).map(|n| pod(format!("tuning-{n}")).gpus(1)));
    let share = |n: u32| (n, ["50", "30", "20"][n as usize % 3]);
    pods.extend((1..=9).map(share).map(|(n, percent)| {
        pod(format!("inference-{n}")).limit("stowage.dev/gpu-compute", percent)
    }));
    pods
}

/// A drawing of every node.
async fn map(client: &Client) -> anyhow::Result<String> {
    let list = |text: String| -> anyhow::Result<Vec<serde_json::Value>> {
        let mut json: serde_json::Value = serde_json::from_str(&text)?;
        Ok(serde_json::from_value(json["items"].take())?)
    };
    let nodes = list(client.text("/api/v1/nodes").await?)?;
    let nodes: Vec<_> = nodes
        .iter()
        .map(|n| NodeFacts::parse(&n.to_string()))
        .collect::<Result<_, _>>()?;
    let mut cluster = Cluster::new(nodes.iter().map(|facts| facts.node.clone()))?;
    for pod in list(client.text("/api/v1/pods").await?)? {
        let facts = PodFacts::parse(&pod.to_string())?;
        let (Some(node), Ok(request)) = (&facts.node_name, &facts.request) else {
            continue;
        };
        let placement = facts.placement.as_ref().and_then(|p| p.as_ref().ok());
        cluster.apply(Event::PodBound(BoundPod {
            pod: facts.uid,
            node: node.as_str().into(),
            devices: placement.and_then(|p| p.devices(request, &facts.gpus, None).ok()),
            request: request.clone().into(),
        }))?;
    }
    Ok(cluster
        .nodes()
        .iter()
        .map(|node| format!("  {node}\n"))
        .collect())
}

/// `stowage serve` beside us, stopped with this value.
struct Stowage(Child);

impl Stowage {
    async fn start(
        verbs: SocketAddr,
        health: SocketAddr,
        kubeconfig: &std::path::Path,
    ) -> anyhow::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .args([
                "serve",
                "--listen",
                &verbs.to_string(),
                "--health",
                &health.to_string(),
            ])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .context("stowage serve cannot be started")?;
        let mut stowage = Self(child);
        for _ in 0..200 {
            if ready(health).await {
                return Ok(stowage);
            }
            if let Some(status) = stowage.0.try_wait()? {
                bail!("stowage serve ended ({status})");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("stowage serve is not ready within 10 s");
    }
}

impl Drop for Stowage {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the server says that it is ready.
async fn ready(health: SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = tokio::net::TcpStream::connect(health).await else {
        return false;
    };
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await;
    asked.is_ok()
        && stream.read_to_string(&mut answer).await.is_ok()
        && answer.split(' ').nth(1) == Some("200")
}

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A folder of our own under the system's temporary one, removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let name = format!("stowage-playground-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
