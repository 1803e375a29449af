//! `stowage config check`: whether configuration files are understood and fit together.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::print;
use crate::config::scheduler::SchedulerConfiguration;
use crate::config::server::ServerConfiguration;

#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the server's configuration and, if given, that kube-scheduler's matches it
    ///
    /// Exit code 0: all well; 1: the two do not match; 2: a file is not understood.
    Check {
        /// The server's configuration (kind: ServerConfiguration)
        file: PathBuf,
        /// kube-scheduler's configuration (kind: KubeSchedulerConfiguration)
        #[arg(long, value_name = "FILE")]
        scheduler: Option<PathBuf>,
    },
}

impl Config {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let Command::Check { file, scheduler } = &self.command;
        let server = ServerConfiguration::read(file)?;
        let Some(scheduler) = scheduler else {
            print(&format!("{}: understood\n", file.display()))?;
            return Ok(ExitCode::SUCCESS);
        };
        let found = SchedulerConfiguration::read(scheduler)?.mismatches(&server);
        if found.is_empty() {
            let (file, scheduler) = (file.display(), scheduler.display());
            print(&format!(
                "{file} and {scheduler}: understood, and they match\n"
            ))?;
            return Ok(ExitCode::SUCCESS);
        }
        for mismatch in &found {
            eprintln!("stowage: {}: {mismatch}", scheduler.display());
        }
        Ok(ExitCode::from(1))
    }
}
