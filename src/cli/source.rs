//! Where `simulate` pours pods from: `--trace`.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::values::Given;

/// Where the cluster and the pods come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Demo,
    Openb(PathBuf),
}

impl Source {
    pub(super) fn parse(given: &Given<&str>, base: &Path) -> anyhow::Result<Self> {
        let Given { place, value: text } = given;
        match text.split_once(':') {
            None if *text == "demo" => Ok(Self::Demo),
            None if *text == "openb" => match std::env::var_os("STOWAGE_TRACES") {
                Some(folder) => Ok(Self::Openb(PathBuf::from(folder).join("openb"))),
                None => bail!(
                    "{place}: openb: expected openb:DIR, or STOWAGE_TRACES to name the folder with openb in it"
                ),
            },
            Some(("openb", dir)) if !dir.is_empty() => Ok(Self::Openb(base.join(dir))),
            _ => bail!("{place}: expected demo, openb or openb:DIR, got {text:?}"),
        }
    }
}
