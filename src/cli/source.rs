//! Where `simulate` pours pods from: `--trace`.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::sources::folder_of;
use super::values::Given;

/// Kinds of traces that only a replay takes: the usual slip is to forget its mode.
const ONLY_IN_TIME: [&str; 5] = ["philly", "itp", "csv", "synth", "snapshot"];

/// Where the cluster and the pods come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Demo,
    Openb(PathBuf),
}

impl Source {
    pub(super) fn parse(given: &Given<&str>, base: &Path) -> anyhow::Result<Self> {
        let Given { place, value: text } = given;
        match text.split(':').next() {
            Some("demo") if *text == "demo" => Ok(Self::Demo),
            Some("openb") if *text != "openb:" => {
                Ok(Self::Openb(folder_of(given, base, "openb", "openb")?))
            }
            Some(kind) if ONLY_IN_TIME.contains(&kind) => {
                let mode = match place.starts_with("--") {
                    true => "--mode replay",
                    false => "mode: replay",
                };
                bail!(
                    "{place}: expected demo, openb or openb:DIR, got {text:?} (is {mode} missing?)"
                )
            }
            _ => bail!("{place}: expected demo, openb or openb:DIR, got {text:?}"),
        }
    }
}
