//! One kube-scheduler with a given configuration, ready in less than half a second.
//!
//! It runs as `system:kube-scheduler`, so a missing right shows as it would in a cluster. Restarting
//! one is dropping it and starting another; with leader election on, the next then waits for the
//! dead one's Lease to run out (17 s), so [`in_playground`] switches that off.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::process::{HeldPort, Process};
use super::{Binaries, Client, ControlPlane, Deadline, Identity, PlaygroundError};

/// Stands for the path of the kubeconfig in a configuration.
pub const KUBECONFIG: &str = "KUBECONFIG";
const PATIENCE_S: u64 = 30;

/// A running kube-scheduler. Dropping stops it.
#[derive(Debug)]
pub struct Scheduler {
    process: Process,
    folder: PathBuf,
    address: SocketAddr,
}

impl Scheduler {
    /// Starts kube-scheduler with a KubeSchedulerConfiguration, in which the word `KUBECONFIG` stands
    /// for the path of its kubeconfig, and waits until its caches are filled.
    ///
    /// # Errors
    /// When it ends, for instance because it refuses the configuration, or is not ready in time.
    pub async fn start(
        control_plane: &ControlPlane,
        configuration: &str,
    ) -> Result<Self, PlaygroundError> {
        Self::start_as(control_plane, configuration, Identity::KubeScheduler).await
    }

    /// The same with other rights.
    ///
    /// # Errors
    /// As [`Scheduler::start`].
    pub async fn start_as(
        control_plane: &ControlPlane,
        configuration: &str,
        identity: Identity,
    ) -> Result<Self, PlaygroundError> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = control_plane.folder().join(format!("scheduler-{number}"));
        let kubeconfig = control_plane.kubeconfig(identity);
        let file = write_configuration(&folder, configuration, &kubeconfig)?;
        let port = HeldPort::take().map_err(|source| PlaygroundError::Io {
            what: "a port for kube-scheduler".to_owned(),
            source,
        })?;
        let flags = [
            // With a configuration almost every other flag is ignored, that of the kubeconfig too.
            format!("--config={}", file.display()),
            format!("--bind-address={}", port.address.ip()),
            format!("--secure-port={}", port.address.port()),
            "--permit-port-sharing=true".to_owned(),
            // What is read here needs no credential.
            "--authorization-always-allow-paths=/healthz,/livez,/readyz,/metrics".to_owned(),
            "--v=2".to_owned(),
        ];
        let program = control_plane.binaries().scheduler();
        let mut process = Process::start("kube-scheduler", &program, &flags, &folder)?;
        let client = Client::untrusting(port.address)?;
        let deadline = Deadline::after(Duration::from_secs(PATIENCE_S));
        while client.text("/readyz").await.is_err() {
            process.expect_running()?;
            if !deadline.pause().await {
                return Err(process.late("kube-scheduler ready", PATIENCE_S));
            }
        }
        // From here on the port is the scheduler's own; it is never restarted on the same one.
        Ok(Self {
            process,
            folder,
            address: port.address,
        })
    }

    /// Its metrics, in the text format of Prometheus.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self) -> Result<String, PlaygroundError> {
        // A client of its own: one lives no longer than the runtime that made it.
        Client::untrusting(self.address)?.text("/metrics").await
    }

    /// All that it printed, for diagnosis.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        self.process.log()
    }

    /// The configuration that it was started with and its log are here.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The id of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

/// What kube-scheduler itself makes of a configuration, with every default filled in. It reads the
/// file and ends: no API server is asked. `folder` is for scratch files.
///
/// # Errors
/// When it refuses the configuration, in its words.
pub fn check_config(
    binaries: &Binaries,
    folder: &Path,
    configuration: &str,
) -> Result<String, PlaygroundError> {
    let io = |source| PlaygroundError::Io {
        what: format!("a check in {}", folder.display()),
        source,
    };
    fs::create_dir_all(folder).map_err(io)?;
    // It must be there and be one; nobody is called.
    let kubeconfig = folder.join("kubeconfig");
    let nobody = "{apiVersion: v1, kind: Config, clusters: [{name: none, cluster: {server: \
                  'https://127.0.0.1:1'}}], contexts: [{name: none, context: {cluster: none, user: \
                  ''}}], current-context: none}\n";
    fs::write(&kubeconfig, nobody).map_err(io)?;
    let file = write_configuration(folder, configuration, &kubeconfig)?;
    let complete = folder.join("complete.yaml");
    let output = Command::new(binaries.scheduler())
        .arg(format!("--config={}", file.display()))
        .arg(format!("--write-config-to={}", complete.display()))
        .stdin(Stdio::null())
        .output()
        .map_err(io)?;
    if output.status.success() {
        return fs::read_to_string(&complete).map_err(io);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(PlaygroundError::Refused(format!(
        "kube-scheduler refuses the configuration: {}",
        words.trim()
    )))
}

/// A configuration made for a cluster as it runs here: with a kubeconfig in place of the pod's
/// service account or of a file on a control-plane node, and no leader election. The extender stays
/// where the file says; replace its address by that of the one under test.
#[must_use]
pub fn in_playground(configuration: &str) -> String {
    let mut text = String::with_capacity(configuration.len());
    for line in configuration.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        match line.trim_start().split(':').next() {
            Some("kubeconfig") => text.push_str(&format!("{indent}kubeconfig: {KUBECONFIG}")),
            Some("leaderElect") => text.push_str(&format!("{indent}leaderElect: false")),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

fn write_configuration(
    folder: &Path,
    configuration: &str,
    kubeconfig: &Path,
) -> Result<PathBuf, PlaygroundError> {
    let file = folder.join("scheduler.yaml");
    // Quoted as JSON is, which is YAML: the path may contain anything.
    let path = serde_json::json!(kubeconfig).to_string();
    let text = configuration.replace(KUBECONFIG, &path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
    written.map_err(|source| PlaygroundError::Io {
        what: format!("{} cannot be written", file.display()),
        source,
    })?;
    Ok(file)
}
