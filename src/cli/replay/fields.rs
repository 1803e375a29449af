//! The fields of one command and its scenario, read with one clear line for what is wrong.

use std::path::Path;

use anyhow::{anyhow, bail};
use serde_saphyr::Spanned;

use crate::cli::simulate::Simulate;
use crate::cli::sources::folder_of;
use crate::cli::values::{self, Given};
use crate::config::scenario::ScenarioSpec;
use crate::sim::arrivals::Load;
use crate::sim::replay::experiment::Compression;
use crate::sim::trace::faults::{self, Failures};
use crate::sim::trace::gpu_jobs::PerGpu;
use crate::sim::trace::synth;

/// Reads fields of one command and its scenario.
pub(super) struct Fields<'a> {
    pub(super) command: &'a Simulate,
    pub(super) base: &'a Path,
}

impl<'a> Fields<'a> {
    /// What is given under `field`, and the folder that a path in it goes from.
    pub(super) fn optional(
        &self,
        field: &str,
        option: &'a Option<String>,
        written: &'a Option<Spanned<String>>,
    ) -> Option<(Given<&'a str>, &'a Path)> {
        let from = match (option, written) {
            (None, None) => return None,
            (None, Some(_)) => self.base,
            _ => Path::new(""),
        };
        let given = self
            .command
            .text(field, option.as_ref(), written.as_ref(), "");
        Some((given, from))
    }

    /// What is given under `field`, or `default`.
    pub(super) fn text(
        &self,
        field: &str,
        option: &'a Option<String>,
        written: &'a Option<Spanned<String>>,
        default: &'a str,
    ) -> Given<&'a str> {
        self.command
            .text(field, option.as_ref(), written.as_ref(), default)
    }
}

/// Cores and host memory a GPU.
pub(super) fn per_gpu(fields: &Fields<'_>, spec: &ScenarioSpec) -> anyhow::Result<PerGpu> {
    let options = &fields.command.in_replay.per_gpu;
    let default = PerGpu::default();
    let read = |field, option, written: &Option<Spanned<u32>>, default, most| {
        let written = written.as_ref().map(|w| (w.value, w.referenced));
        let given = fields.command.given(field, option, written, default);
        match given.value {
            value if (1..=most).contains(&value) => Ok(value),
            value => Err(anyhow!(
                "{}: expected a whole number from 1 to {most}, got {value}",
                given.place
            )),
        }
    };
    Ok(PerGpu {
        cores: read(
            "cores-per-gpu",
            options.cores_per_gpu,
            &spec.cores_per_gpu,
            default.cores,
            1024,
        )?,
        memory_gib: read(
            "memory-per-gpu",
            options.memory_per_gpu,
            &spec.memory_per_gpu,
            default.memory_gib,
            65_536,
        )?,
    })
}

/// How times are compressed, and how users write it.
pub(super) fn compression(
    fields: &Fields<'_>,
    spec: &ScenarioSpec,
) -> anyhow::Result<(Compression, String)> {
    let command = fields.command;
    let by = fields.optional("compress", &command.in_replay.compress, &spec.compress);
    let load = fields.text("load", &command.load, &spec.load, "list");
    match (by, values::load(&load)?) {
        (Some((given, _)), Load::List) => {
            let by = values::factor(&given)?;
            Ok((Compression::By(by), format!("by {}", given.value)))
        }
        (None, Load::List) => Ok((Compression::By(1000), "none".to_owned())),
        (None, Load::PerMille(share)) => {
            let text = format!("to load {}", load.value);
            Ok((Compression::ToLoad(share), text))
        }
        (Some((given, _)), Load::PerMille(_)) => {
            bail!("{}: expected no load beside it", given.place)
        }
    }
}

/// Failures, their rate in thousandths, and how users write them.
pub(super) fn read_failures(
    fields: &Fields<'_>,
    spec: &ScenarioSpec,
) -> anyhow::Result<Option<(Failures, u64, String)>> {
    let options = &fields.command.in_replay;
    let rate = fields.text(
        "failure-rate",
        &options.failure_rate,
        &spec.failure_rate,
        "1",
    );
    let rate_per_mille = values::factor(&rate)?;
    let Some((given, from)) = fields.optional("failures", &options.failures, &spec.failures) else {
        return match (&options.failure_rate, &spec.failure_rate) {
            (None, None) => Ok(None),
            (None, Some(_)) => bail!("{}: expected failures beside it", rate.place),
            (Some(_), _) => bail!("{}: expected --failures beside it", rate.place),
        };
    };
    let failures = match given.value.starts_with("infinitehbd") {
        true => {
            let dir = folder_of(&given, from, "infinitehbd", "infinitehbd-faults")?;
            Failures::Recorded(faults::load(&dir)?)
        }
        false => drawn(&given)?,
    };
    let text = match rate_per_mille {
        1000 => given.value.to_owned(),
        _ => format!("{} at {} times the rate", given.value, rate.value),
    };
    Ok(Some((failures, rate_per_mille, text)))
}

/// `mtbf=30d,repair=20h`.
fn drawn(given: &Given<&str>) -> anyhow::Result<Failures> {
    let Given { place, value: text } = given;
    let wrong =
        || anyhow!("{place}: expected infinitehbd:DIR or mtbf=30d,repair=20h, got {text:?}");
    let (mtbf, repair) = text.split_once(',').ok_or_else(wrong)?;
    let time = |text: &str, key| synth::duration_ms(text.trim().strip_prefix(key)?);
    Ok(Failures::Drawn {
        mtbf: time(mtbf, "mtbf=").ok_or_else(wrong)?,
        repair: time(repair, "repair=").ok_or_else(wrong)?,
    })
}
