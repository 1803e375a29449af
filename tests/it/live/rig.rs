//! A control plane, a kube-scheduler and a `stowage serve`, all separate processes on loopback.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use stowage::playground::objects::A100;
use stowage::playground::scheduler::in_playground;
use stowage::playground::{Binaries, Client, ControlPlane, FakeNode, FakePod, Identity, Scheduler};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::http;

/// One rig at a time: each is four busy processes.
static TURN: Mutex<()> = Mutex::const_new(());
/// How long pods may take to be bound, on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for its turn, without a rig.
pub(super) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

pub(super) struct Rig {
    pub(super) client: Client,
    _scheduler: Scheduler,
    pub(super) control_plane: ControlPlane,
    stowage: Option<Child>,
    folder: TempDir,
    verbs: SocketAddr,
    pages: SocketAddr,
    _turn: MutexGuard<'static, ()>,
}

/// What a rig is started with.
pub(super) struct Setup<'a> {
    /// A file of `scheduler-config/`.
    pub(super) scheduler: &'a str,
    /// The server's configuration, after its first two lines.
    pub(super) server: &'a str,
    /// A workload file beside it, called `workload.yaml`.
    pub(super) workload: Option<String>,
}

impl Rig {
    /// Everything started and ready, or none where there is no control plane.
    pub(super) async fn start(setup: &Setup<'_>, nodes: Vec<FakeNode>) -> Option<Self> {
        let binaries = Binaries::or_skip()?;
        let turn = turn().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plane = folder.path().join("plane");
        std::fs::create_dir(&plane).expect("a folder");
        let control_plane = ControlPlane::start(&plane, &binaries)
            .await
            .expect("it starts");
        let client = control_plane
            .client(Identity::Admin)
            .await
            .expect("it answers");
        client.create(nodes).await.expect("nodes are taken");
        let server = format!(
            "apiVersion: stowage.dev/v1alpha1\nkind: ServerConfiguration\n{}\n",
            setup
                .server
                .replace("WORKLOAD", &path(&folder, "workload.yaml"))
        );
        std::fs::write(folder.path().join("server.yaml"), server).expect("it is written");
        if let Some(workload) = &setup.workload {
            std::fs::write(folder.path().join("workload.yaml"), workload).expect("it is written");
        }
        let (verbs, pages) = (free_port(), free_port());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scheduler-config");
        let text = std::fs::read_to_string(root.join(setup.scheduler)).expect("it is shipped");
        let text =
            in_playground(&text).replace("http://127.0.0.1:9300", &format!("http://{verbs}"));
        let stowage = spawn(
            &folder,
            &control_plane,
            verbs,
            pages,
            "decisions.jsonl",
            &[],
        );
        ready(pages);
        let scheduler = Scheduler::start(&control_plane, &text)
            .await
            .expect("it starts");
        Some(Self {
            client,
            _scheduler: scheduler,
            control_plane,
            stowage: Some(stowage),
            folder,
            verbs,
            pages,
            _turn: turn,
        })
    }

    /// A second instance on other ports.
    pub(super) fn second(&self, options: &[&str]) -> Second {
        let (verbs, pages) = (free_port(), free_port());
        let log = "second.jsonl";
        let child = spawn(
            &self.folder,
            &self.control_plane,
            verbs,
            pages,
            log,
            options,
        );
        ready(pages);
        Second { child, verbs }
    }

    /// Kills the server at once and starts it again.
    pub(super) fn kill_and_restart(&mut self) {
        self.kill();
        let (folder, plane) = (&self.folder, &self.control_plane);
        let log = "decisions.jsonl";
        self.stowage = Some(spawn(folder, plane, self.verbs, self.pages, log, &[]));
        ready(self.pages);
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.stowage.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// The decision log so far.
    pub(super) fn decisions(&self) -> Vec<Value> {
        let file = self.folder.path().join("decisions.jsonl");
        let text = std::fs::read_to_string(file).expect("the log is there");
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.collect()
    }

    /// The value of a metric of the server, 0 if it is not there.
    pub(super) fn metric(&self, name: &str) -> u64 {
        let (_, text) = http::get(self.pages, "/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Waits until the server counts `pods`.
    pub(super) async fn counts(&self, pods: u64) {
        for _ in 0..600 {
            if self.metric("stowage_pods ") == pods {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{} pods counted: expected {pods}",
            self.metric("stowage_pods ")
        );
    }

    /// Creates pods and waits until nothing is decided any more, whether or not all of them fit:
    /// kube-scheduler does not even ask about a pod that no node has room for by its own rules.
    pub(super) async fn decide_all(&self, pods: Vec<FakePod>) {
        let (mut last, mut quiet) = (self.decisions().len(), 0);
        let first = last;
        self.client.create(pods).await.expect("pods are taken");
        for _ in 0..240 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.decisions().len();
            quiet = if now == last { quiet + 1 } else { 0 };
            if now > first && quiet >= 6 {
                return;
            }
            last = now;
        }
        panic!("{last} decisions and no end");
    }

    /// Creates pods and waits until all of them are bound.
    pub(super) async fn bind_all(&self, pods: Vec<FakePod>) {
        let bound = self.metric("stowage_pods ") as usize + pods.len();
        self.client.create(pods).await.expect("pods are taken");
        self.client
            .wait_for_bound(bound, PATIENCE)
            .await
            .expect("all are bound");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Another `stowage serve` on the same cluster.
pub(super) struct Second {
    child: Child,
    pub(super) verbs: SocketAddr,
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(
    folder: &TempDir,
    plane: &ControlPlane,
    verbs: SocketAddr,
    pages: SocketAddr,
    decisions: &str,
    options: &[&str],
) -> Child {
    let log = std::fs::File::create(folder.path().join("stowage.log")).expect("a log");
    Command::new(env!("CARGO_BIN_EXE_stowage"))
        .args(["serve", "--config", &path(folder, "server.yaml")])
        .args([
            "--listen",
            &verbs.to_string(),
            "--health",
            &pages.to_string(),
        ])
        .args(["--decisions", &path(folder, decisions)])
        .arg("--kubeconfig")
        .arg(plane.kubeconfig(Identity::Admin))
        .args(options)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("stowage starts")
}

fn path(folder: &TempDir, name: &str) -> String {
    let path: PathBuf = folder.path().join(name);
    path.to_str().expect("a plain path").to_owned()
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

fn ready(pages: SocketAddr) {
    for _ in 0..600 {
        if std::net::TcpStream::connect(pages).is_ok() && http::get(pages, "/readyz").0 == 200 {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("stowage is not ready: {}", http::get(pages, "/readyz").1);
}

/// A node with `gpus` GPUs and an agent that serves shares of them.
pub(super) fn shared_node(name: &str, gpus: u32, cores: u32) -> FakeNode {
    plain_node(name, gpus, cores).inventory(&inventory(name, gpus))
}

fn inventory(name: &str, gpus: u32) -> String {
    let device = |index| {
        serde_json::json!({"index": index, "uuid": format!("GPU-{name}-{index}"),
            "vendor": "nvidia", "model": "A100-80GB", "memoryMib": 81920, "healthy": true})
    };
    let devices: Vec<_> = (0..gpus).map(device).collect();
    let inventory = serde_json::json!({"v": 1, "handOver": "stowage-nri", "devices": devices});
    inventory.to_string()
}

/// A node with `gpus` GPUs behind the vendor's device plugin.
pub(super) fn plain_node(name: &str, gpus: u32, cores: u32) -> FakeNode {
    let node = FakeNode::named(name)
        .cores(cores)
        .memory_gib(1000)
        .pods(110);
    if gpus == 0 {
        node
    } else {
        node.gpus(A100, gpus)
    }
}
