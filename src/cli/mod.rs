//! The command line: what users type, and where their answers go.
//!
//! Data goes to stdout, everything else to stderr. Exit codes: 0 fine, 1 a negative answer (a
//! threshold missed), 2 could not run.

mod config;
mod explain;
mod inspect;
mod folder;
mod interrupt;
mod out;
mod playground;
mod progress;
mod replay;
mod serve;
mod simulate;
mod source;
mod sources;
mod trace;
mod values;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::inspect::paper::Paper;
use crate::inspect::words::shown;

#[derive(Debug, Parser)]
#[command(name = "stowage", version, about, long_about = None, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare placement strategies on a trace: pour pods in until nothing fits, or replay it in time
    #[command(long_about = simulate::ABOUT, after_long_help = simulate::examples())]
    Simulate(Box<simulate::Simulate>),
    /// Look into traces, check them, convert them, make them
    Trace(trace::Trace),
    /// Answer kube-scheduler's extender calls for a cluster
    #[command(long_about = serve::ABOUT)]
    Serve(Box<serve::Serve>),
    /// Show a cluster as a packing map: who holds what, what is stranded, what still fits
    #[command(long_about = inspect::ABOUT, after_long_help = inspect::EXAMPLES)]
    Inspect(inspect::Inspect),
    /// Explain where a pod could go, or why it fits nowhere
    #[command(long_about = explain::ABOUT, after_long_help = explain::EXAMPLES)]
    Explain(explain::Explain),
    /// Show Stowage at work on a real control plane on this machine
    #[command(long_about = playground::ABOUT)]
    Playground(playground::Playground),
    /// Check configuration files
    Config(config::Config),
}

/// Runs what the command line asks for.
///
/// # Errors
/// When it could not run.
pub fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Simulate(command) => command.run(),
        Command::Trace(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Playground(command) => command.run(),
        Command::Config(command) => command.run(),
    }
}

/// Writes `text` to stdout at once.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => {
                anyhow::anyhow!("stdout: the reader closed the pipe before it had all results")
            }
            _ => anyhow::Error::new(error),
        })
        .context("results cannot be written")
}

/// What tables are printed on: as wide as the terminal, in colour unless `NO_COLOR` says otherwise; 100
/// columns without colour where nobody looks.
fn paper() -> Paper {
    let terminal = comfy_table::Table::new().width();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Paper {
        width: terminal.map_or(100, |width| usize::from(width).max(40)),
        colour: io::stdout().is_terminal() && !plain,
    }
}

/// Says what is wrong with a part of the input that is left out.
fn warn(problem: &str) {
    eprintln!("stowage: warning: {}", shown(problem, 400));
}
