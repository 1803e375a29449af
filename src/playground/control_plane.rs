//! etcd and kube-apiserver on loopback, ready in two to three seconds.
//!
//! etcd is reached through a socket in the folder; only the API server needs a port, and that one is
//! held from before its start until the end, so that nobody else can take it and a restarted server
//! has the same address. Who may come in: `credentials`. Every flag says why it is there.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;

use super::credentials::{Identity, ca_file, write_credentials};
use super::process::{HeldPort, Process};
use super::{Binaries, Client, Deadline, PlaygroundError};

/// How long a start may take; three at once on two busy cores took four seconds.
const PATIENCE_S: u64 = 60;
/// The path of a Unix socket has so many usable bytes.
const SOCKET_PATH: usize = 107;

/// etcd and kube-apiserver. Dropping stops both; the data stays in the folder.
#[derive(Debug)]
pub struct ControlPlane {
    // Fields are dropped in this order: the API server before the etcd it talks to.
    api_server: Option<Process>,
    etcd: Process,
    port: HeldPort,
    binaries: Binaries,
    folder: PathBuf,
    token: String,
}

impl ControlPlane {
    /// Starts both with their data in `folder`, which is made where it is missing, and waits until
    /// objects can be created. Started again on the same folder, it goes on with what was there.
    ///
    /// # Errors
    /// When a program cannot be started, ends, or is not ready within a minute.
    pub async fn start(folder: &Path, binaries: &Binaries) -> Result<Self, PlaygroundError> {
        let folder = make(folder)?;
        let socket = folder.join("etcd.sock");
        if socket.as_os_str().len() > SOCKET_PATH {
            return Err(PlaygroundError::Refused(format!(
                "{}: expected a folder whose path leaves room for a socket, at most {SOCKET_PATH} \
                 bytes with its name",
                folder.display()
            )));
        }
        let io = |source| PlaygroundError::Io {
            what: format!("a control plane in {}", folder.display()),
            source,
        };
        let port = HeldPort::take().map_err(io)?;
        let token = write_credentials(&folder, port.address).map_err(io)?;
        let etcd = Process::start("etcd", &binaries.etcd(), &etcd_flags(&folder), &folder)?;
        let mut control_plane = Self {
            api_server: None,
            etcd,
            port,
            binaries: binaries.clone(),
            folder,
            token,
        };
        control_plane.start_api_server().await?;
        Ok(control_plane)
    }

    /// Kills the API server, as an outage would. etcd goes on, and so does whatever watches.
    pub fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    /// Starts the API server, at the same address, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready within a minute.
    pub async fn start_api_server(&mut self) -> Result<(), PlaygroundError> {
        let name = "kube-apiserver";
        let flags = api_server_flags(&self.folder, self.port.address);
        let mut server = Process::start(name, &self.binaries.api_server(), &flags, &self.folder)?;
        let deadline = Deadline::after(Duration::from_secs(PATIENCE_S));
        let mut client = None;
        while !self.is_ready(&mut client).await {
            server.expect_running()?;
            self.etcd.expect_running()?;
            if !deadline.pause().await {
                return Err(server.late("kube-apiserver ready", PATIENCE_S));
            }
        }
        self.api_server = Some(server);
        Ok(())
    }

    /// Whether objects can be created. `client` is made by the first look that finds somebody at the
    /// port: before that, the certificate may be missing or half written.
    async fn is_ready(&self, client: &mut Option<Client>) -> bool {
        if client.is_none() && TcpStream::connect(self.port.address).await.is_ok() {
            *client = self.client(Identity::Admin).await.ok();
        }
        let Some(client) = client else { return false };
        // The namespaces are no part of /readyz.
        let paths = [
            "/readyz",
            "/api/v1/namespaces/default",
            "/api/v1/namespaces/kube-system",
        ];
        for path in paths {
            if client.text(path).await.is_err() {
                return false;
            }
        }
        true
    }

    /// A client with these rights.
    ///
    /// # Errors
    /// When the kubeconfig or the certificate it names cannot be read.
    pub async fn client(&self, identity: Identity) -> Result<Client, PlaygroundError> {
        Client::connect(&self.kubeconfig(identity)).await
    }

    /// Where the API server is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.port.address)
    }

    /// The administrator's bearer token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What to trust: the certificate that the API server made for itself.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        ca_file(&self.folder)
    }

    /// The kubeconfig that claims this identity.
    #[must_use]
    pub fn kubeconfig(&self, identity: Identity) -> PathBuf {
        self.folder.join(identity.file())
    }

    /// Where everything is kept; the logs are `*.log` in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The programs that it runs.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The ids of the processes that run for it.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        let api_server = self.api_server.iter();
        api_server.chain([&self.etcd]).map(Process::id).collect()
    }
}

fn etcd_flags(folder: &Path) -> Vec<String> {
    let socket = format!("unix://{}/etcd.sock", folder.display());
    // The peer side cannot be switched off. Port 0: the kernel picks. The three must agree to the
    // letter, and a Unix path is not honoured there.
    let peer = "http://127.0.0.1:0";
    vec![
        "--name=stowage".to_owned(),
        format!("--data-dir={}/etcd", folder.display()),
        // By socket: no port to choose, and no other user of the machine gets in.
        format!("--listen-client-urls={socket}"),
        format!("--advertise-client-urls={socket}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=stowage={peer}"),
        // The data is thrown away: do not wait for the disk.
        "--unsafe-no-fsync".to_owned(),
        // A lone member waits for an election all the same: up to a second with the defaults.
        "--heartbeat-interval=10".to_owned(),
        "--election-timeout=100".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

fn api_server_flags(folder: &Path, address: SocketAddr) -> Vec<String> {
    let folder = folder.display();
    let (ip, port) = (address.ip(), address.port());
    vec![
        format!("--etcd-servers=unix://{folder}/etcd.sock"),
        // Both: the defaults are every interface, and an address found by way of the default route,
        // which a container may not have.
        format!("--bind-address={ip}"),
        format!("--advertise-address={ip}"),
        format!("--secure-port={port}"),
        "--permit-port-sharing=true".to_owned(),
        // Loopback is no valid address for the endpoints of service/kubernetes.
        "--endpoint-reconciler-type=none".to_owned(),
        // Must have a value: Services get their addresses from it.
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // Nothing is in it, so the server signs itself a certificate for the bind address.
        format!("--cert-dir={folder}/certs"),
        // All three are required. The serving key does: one server signs and verifies, and the
        // tokens die with it.
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={folder}/certs/apiserver.crt"),
        format!("--service-account-signing-key-file={folder}/certs/apiserver.key"),
        // As in a real cluster, so that a missing rule shows. Without Node: there are no kubelets.
        "--authorization-mode=RBAC".to_owned(),
        format!("--token-auth-file={folder}/tokens.csv"),
        // ServiceAccount would refuse every pod, for no controller makes the account `default`.
        // TaintNodesByCondition would taint every new node, and no controller lifts the taint.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition".to_owned(),
        "--allow-privileged=true".to_owned(),
        // A test is one client in a hurry: no fair queuing, no "too many requests".
        "--enable-priority-and-fairness=false".to_owned(),
        "--max-requests-inflight=0".to_owned(),
        "--max-mutating-requests-inflight=0".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

/// Makes the folder, which will hold keys, for its owner only; gives its absolute path.
fn make(folder: &Path) -> Result<PathBuf, PlaygroundError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| folder.canonicalize())
        .map_err(|source| PlaygroundError::Io {
            what: format!("{} cannot be made", folder.display()),
            source,
        })
}
