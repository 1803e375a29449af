//! A child process that is gone when its handle is, and the port that it listens on.
//!
//! Dropping kills and reaps exactly this child. Should this process itself be killed, no destructor
//! runs: then the kernel kills the child, where the command `setpriv` exists (Linux, util-linux). The
//! system call behind it needs `unsafe`, which this project does without. Elsewhere a killed parent
//! leaves its children running.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;

use tokio::net::TcpSocket;

use super::PlaygroundError;

/// How many lines of a log go into an error.
const TAIL: usize = 20;

/// A running child.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; what it prints goes to `NAME.log` in `folder`.
    pub(super) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self, PlaygroundError> {
        let log = folder.join(format!("{name}.log"));
        let failed = |source| PlaygroundError::Io {
            what: format!("{} cannot be started", program.display()),
            source,
        };
        let mut command = if dies_with_parent() {
            let mut command = Command::new("setpriv");
            // It replaces itself by the program, so the child's id is the program's.
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // Appended, so that the log tells both lives of a server that was stopped and started.
        let output = File::options().create(true).append(true).open(&log);
        let output = output.map_err(failed)?;
        command
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(output.try_clone().map_err(failed)?)
            .stdout(output);
        let child = spawn(command).map_err(failed)?;
        Ok(Self { name, child, log })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// An error with the end of the log if the child has ended by itself.
    pub(super) fn expect_running(&mut self) -> Result<(), PlaygroundError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(source) => Err(PlaygroundError::Io {
                what: format!("{} cannot be waited for", self.name),
                source,
            }),
        }
    }

    /// An error with the end of the log, for a child that took too long.
    pub(super) fn late(&self, what: &str, seconds: u64) -> PlaygroundError {
        PlaygroundError::Late {
            what: what.to_owned(),
            seconds,
            detail: format!("; the end of {}:\n{}", self.log.display(), self.tail()),
        }
    }

    fn ended(&self, status: ExitStatus) -> PlaygroundError {
        PlaygroundError::Ended {
            name: self.name,
            status,
            log: self.log.clone(),
            tail: self.tail(),
        }
    }

    fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // By SIGKILL: on SIGTERM a server takes its time for data that nobody will read. An error
        // means that the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback port that nobody else gets, bound but not listened on. A server that is told to share
/// the port (`--permit-port-sharing`) gets every connection; while it is down, they are refused.
#[derive(Debug)]
pub(super) struct HeldPort {
    pub(super) address: SocketAddr,
    _socket: TcpSocket,
}

impl HeldPort {
    pub(super) fn take() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseport(true)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = socket.local_addr()?;
        Ok(Self {
            address,
            _socket: socket,
        })
    }
}

/// Whether children can be told to die with this process.
fn dies_with_parent() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let mut trial = Command::new("setpriv");
        trial.args(["--pdeathsig", "KILL", "--", "true"]);
        trial.stdin(Stdio::null()).stdout(Stdio::null());
        trial.stderr(Stdio::null());
        cfg!(target_os = "linux") && trial.status().is_ok_and(|status| status.success())
    })
}

/// Starts the command from a thread that lives as long as this process.
///
/// The kernel counts the *thread* that forked as the parent whose end kills the child. A child
/// started by a test's own thread, or by a worker of a runtime, would die under a control plane that
/// other tests still use.
fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<Sender<Job>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (jobs, arriving) = channel::<Job>();
        thread::spawn(move || {
            for mut job in arriving {
                // The receiver waits for this; it cannot be gone.
                let _ = job.answer.send(job.command.spawn());
            }
        });
        jobs
    });
    let (answer, answered) = sync_channel(1);
    let gone = || io::Error::other("the thread that starts processes is gone");
    starter.send(Job { command, answer }).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

struct Job {
    command: Command,
    answer: SyncSender<io::Result<Child>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it_and_not_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let asked = thread::spawn(move || {
            Process::start("sleep", Path::new("sleep"), &["60".to_owned()], &path)
        });
        let mut sleep = asked.join().unwrap().unwrap();
        thread::sleep(std::time::Duration::from_millis(100));
        sleep.expect_running().unwrap();
        let entry = PathBuf::from(format!("/proc/{}", sleep.id()));
        drop(sleep);
        assert!(!entry.exists());
    }

    #[test]
    fn a_child_that_ends_by_itself_is_reported_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let words = ["-c", "echo no such luck; exit 3"].map(str::to_owned);
        let mut child = Process::start("sh", Path::new("sh"), &words, folder.path()).unwrap();
        child.child.wait().unwrap();
        let error = child.expect_running().unwrap_err().to_string();
        assert!(error.contains("sh ended"), "{error}");
        assert!(error.contains("no such luck"), "{error}");
    }
}
