//! Who may talk to the API server, and the files that prove it.
//!
//! Certificates: the API server signs itself, and clients trust the file it writes. Users: tokens in a
//! file that may claim any name and groups, so the rights of a service account can be tried without
//! one. Tokens are new at each start; files are for their owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Who a client claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Passes every check.
    Admin,
    /// `system:kube-scheduler`, with the rights that Kubernetes gives it.
    KubeScheduler,
    /// The service account of `deploy/`, with the rights that the manifests there give it, once they
    /// are created.
    ServiceAccount,
}

impl Identity {
    const ALL: [Self; 3] = [Self::Admin, Self::KubeScheduler, Self::ServiceAccount];

    /// The name of its kubeconfig.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Admin => "kubeconfig",
            Self::KubeScheduler => "scheduler.kubeconfig",
            Self::ServiceAccount => "service-account.kubeconfig",
        }
    }

    fn user_and_groups(self) -> (&'static str, &'static str) {
        match self {
            Self::Admin => ("admin", "system:masters"),
            Self::KubeScheduler => ("system:kube-scheduler", "system:authenticated"),
            Self::ServiceAccount => (
                "system:serviceaccount:stowage-system:stowage",
                "system:serviceaccounts,system:serviceaccounts:stowage-system,system:authenticated",
            ),
        }
    }
}

/// What to trust: a certificate for the address and the authority that signed it.
pub(super) fn ca_file(folder: &Path) -> PathBuf {
    folder.join("certs").join("apiserver.crt")
}

/// Writes who may come in and a kubeconfig for each; gives the administrator's token.
pub(super) fn write_credentials(folder: &Path, address: SocketAddr) -> io::Result<String> {
    let mut table = String::new();
    let mut admin = String::new();
    for (number, identity) in (1..).zip(Identity::ALL) {
        let token = random_token()?;
        let (user, groups) = identity.user_and_groups();
        table.push_str(&format!("{token},{user},{number},\"{groups}\"\n"));
        let text = kubeconfig(address, &ca_file(folder), &token);
        write_secret(&folder.join(identity.file()), &text)?;
        if identity == Identity::Admin {
            admin = token;
        }
    }
    write_secret(&folder.join("tokens.csv"), &table)?;
    Ok(admin)
}

fn kubeconfig(address: SocketAddr, ca: &Path, token: &str) -> String {
    // JSON is YAML too, and quotes paths.
    let value = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stowage", "cluster": {
            "server": format!("https://{address}"),
            "certificate-authority": ca,
        }}],
        "users": [{"name": "stowage", "user": {"token": token}}],
        "contexts": [{"name": "stowage", "context": {"cluster": "stowage", "user": "stowage"}}],
        "current-context": "stowage",
    });
    format!("{value:#}\n")
}

fn write_secret(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(text.as_bytes())
}

fn random_token() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
