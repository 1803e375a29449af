//! The options that make sense in a replay only, and their refusal elsewhere.

use anyhow::bail;
use clap::Args;
use serde_saphyr::Spanned;

use crate::cli::simulate::Simulate;
use crate::cli::sources::PerGpuOptions;
use crate::config::scenario::ScenarioSpec;

/// Options that make sense in a replay only.
#[derive(Debug, Args)]
#[command(next_help_heading = "In replay")]
pub(in crate::cli) struct Options {
    /// Another cluster: "MODEL:GPUSxNODES,..." such as A100-80GB:8x64,T4:4x200, or
    /// "pai-2020-machines:DIR", or "snapshot:FILE" for what kubectl prints, with its pods in place [default:
    /// the trace's own]
    #[arg(long, value_name = "CLUSTER")]
    pub(super) cluster: Option<String>,
    #[command(flatten)]
    pub(super) per_gpu: PerGpuOptions,
    /// Divide times of submission by this
    #[arg(
        long,
        value_name = "X",
        allow_hyphen_values = true,
        conflicts_with = "load"
    )]
    pub(super) compress: Option<String>,
    /// Who goes next: kube-scheduler's queue, nobody overtakes, or whoever fits [default: kube]
    #[arg(long, value_name = "kube|strict-fifo|backfill")]
    pub(super) queue: Option<String>,
    /// Let nodes fail: "infinitehbd:DIR", or means such as "mtbf=30d,repair=20h"
    #[arg(long, value_name = "FAILURES")]
    pub(super) failures: Option<String>,
    /// So many times as often [default: 1]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub(super) failure_rate: Option<String>,
    /// What becomes of jobs on a node that fails [default: requeue]
    #[arg(long, value_name = "requeue|lose")]
    pub(super) on_failure: Option<String>,
    /// Let jobs that are spread over more nodes than they need run slower, as measured: "gavel:DIR"
    #[arg(long, value_name = "SLOWDOWN")]
    pub(super) slowdown: Option<String>,
    /// The moment of the packing map in report.html, since the first submission: 90m, 12h, 3.5d
    /// [default: the busiest, when most GPUs are held]
    #[arg(
        long,
        value_name = "TIME",
        requires = "out",
        allow_hyphen_values = true
    )]
    pub(super) map_at: Option<String>,
}

impl Options {
    /// Refuses what makes no sense when pods are poured in.
    pub(in crate::cli) fn refuse(
        &self,
        command: &Simulate,
        spec: &ScenarioSpec,
    ) -> anyhow::Result<()> {
        let per_gpu = &self.per_gpu;
        let given = [
            ("cluster", self.cluster.is_some(), at(&spec.cluster)),
            (
                "cores-per-gpu",
                per_gpu.cores_per_gpu.is_some(),
                at(&spec.cores_per_gpu),
            ),
            (
                "memory-per-gpu",
                per_gpu.memory_per_gpu.is_some(),
                at(&spec.memory_per_gpu),
            ),
            ("compress", self.compress.is_some(), at(&spec.compress)),
            ("queue", self.queue.is_some(), at(&spec.queue)),
            ("failures", self.failures.is_some(), at(&spec.failures)),
            (
                "failure-rate",
                self.failure_rate.is_some(),
                at(&spec.failure_rate),
            ),
            (
                "on-failure",
                self.on_failure.is_some(),
                at(&spec.on_failure),
            ),
            ("slowdown", self.slowdown.is_some(), at(&spec.slowdown)),
            ("map-at", self.map_at.is_some(), None),
        ];
        for (field, option, written) in given {
            match (option, written) {
                (true, _) => bail!("--{field}: expected --mode replay beside it"),
                (_, Some(at)) => {
                    let place = command.place(field, Some(at));
                    bail!("{place}: expected mode: replay beside it")
                }
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn at<T>(written: &Option<Spanned<T>>) -> Option<serde_saphyr::Location> {
    written.as_ref().map(|written| written.referenced)
}
