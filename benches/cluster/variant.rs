//! The schedulers that are compared: kube-scheduler by itself, beside an extender that does nothing,
//! and beside Stowage.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use stowage::playground::scheduler::in_playground;
use stowage::playground::{ControlPlane, Identity, Scheduler};

use super::rival::{self, Process};

/// One of the compared.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    profile: Profile,
    extender: Extender,
    all_nodes: bool,
    /// Whether it is compared on pods with soft preferences too.
    pub(crate) soft: bool,
}

#[derive(PartialEq, Eq)]
enum Profile {
    Stock,
    Shipped,
}

#[derive(PartialEq, Eq)]
enum Extender {
    None,
    Nothing,
    Stowage,
}

pub(crate) const VARIANTS: [Variant; 6] = [
    Variant {
        name: "i",
        about: "stock kube-scheduler, all nodes",
        profile: Profile::Stock,
        extender: Extender::None,
        all_nodes: true,
        soft: false,
    },
    Variant {
        name: "ii",
        about: "stock kube-scheduler, adaptive share of nodes",
        profile: Profile::Stock,
        extender: Extender::None,
        all_nodes: false,
        soft: false,
    },
    Variant {
        name: "iii",
        about: "Stowage's profile without the extender, all nodes",
        profile: Profile::Shipped,
        extender: Extender::None,
        all_nodes: true,
        soft: false,
    },
    Variant {
        name: "iv",
        about: "Stowage's profile, extender that does nothing, all nodes",
        profile: Profile::Shipped,
        extender: Extender::Nothing,
        all_nodes: true,
        soft: true,
    },
    Variant {
        name: "v",
        about: "Stowage, all nodes",
        profile: Profile::Shipped,
        extender: Extender::Stowage,
        all_nodes: true,
        soft: true,
    },
    Variant {
        name: "vi",
        about: "Stowage, adaptive share of nodes",
        profile: Profile::Shipped,
        extender: Extender::Stowage,
        all_nodes: false,
        soft: false,
    },
];

/// A variant at work. Dropping stops it.
pub(crate) struct Running {
    // The scheduler goes before the extender that it asks.
    scheduler: Scheduler,
    extender: Option<Process>,
}

/// CPU seconds that processes have used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) scheduler: f64,
    pub(crate) extender: f64,
    /// etcd and kube-apiserver.
    pub(crate) plane: f64,
}

/// CPU seconds of one process, from Linux' `/proc/PID/stat`: fields 14 and 15, in hundredths.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

impl Running {
    pub(crate) async fn start(variant: &Variant, plane: &ControlPlane, nothing: &Path) -> Self {
        let (extender, at) = match variant.extender {
            Extender::None => (None, None),
            Extender::Nothing => {
                let (url, token) = (plane.url(), plane.token().to_owned());
                let (process, at) = rival::start(nothing, &["-api", &url, "-token", &token]);
                (Some(process), Some(at))
            }
            Extender::Stowage => {
                let (process, at) = stowage(plane);
                (Some(process), Some(at))
            }
        };
        let text = variant.configuration(at);
        let scheduler = Scheduler::start(plane, &text).await.expect("it starts");
        Self {
            scheduler,
            extender,
        }
    }

    /// What has been used so far.
    pub(crate) fn spent(&self, plane: &ControlPlane) -> Spent {
        let extender = self.extender.as_ref().map(|process| process.0.id());
        Spent {
            scheduler: cpu_seconds(self.scheduler.process_id()),
            extender: extender.map_or(0.0, cpu_seconds),
            plane: plane.process_ids().into_iter().map(cpu_seconds).sum(),
        }
    }
}

impl Variant {
    /// kube-scheduler's configuration, its client unlimited for our purposes.
    fn configuration(&self, extender: Option<SocketAddr>) -> String {
        let text = match self.profile {
            Profile::Stock => STOCK.to_owned(),
            Profile::Shipped => shipped(extender),
        };
        let text = in_playground(&text)
            .replace("qps: 500 ", "qps: 5000 ")
            .replace("burst: 1000", "burst: 10000");
        if self.all_nodes {
            text
        } else {
            text.replace(
                "percentageOfNodesToScore: 100",
                "percentageOfNodesToScore: 0",
            )
        }
    }
}

const STOCK: &str = "\
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: \"\"
  qps: 5000
  burst: 10000
leaderElection:
  leaderElect: false
profiles:
- schedulerName: stowage
  percentageOfNodesToScore: 100
";

/// The configuration that is shipped, with this extender or none.
fn shipped(extender: Option<SocketAddr>) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = file.join("scheduler-config/secondary-scheduler.yaml");
    let text = std::fs::read_to_string(file).expect("it is shipped");
    match extender {
        Some(at) => text.replace("http://127.0.0.1:9300", &format!("http://{at}")),
        None => {
            let end = text.find("\nextenders:").expect("an extender");
            text[..end].to_owned() + "\n"
        }
    }
}

fn stowage(plane: &ControlPlane) -> (Process, SocketAddr) {
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        listener.expect("a port")
    };
    let (verbs, health) = (free(), free());
    let child = Command::new(env!("CARGO_BIN_EXE_stowage"))
        .args(["serve", "--listen", &verbs.to_string()])
        .args(["--health", &health.to_string(), "--kubeconfig"])
        .arg(plane.kubeconfig(Identity::Admin))
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .spawn();
    let process = Process(child.expect("stowage starts"));
    while !ready(health) {
        std::thread::sleep(Duration::from_millis(20));
    }
    (process, verbs)
}

fn ready(health: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(health)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
