//! Where `simulate` pours pods from: `--trace`.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::sources::folder_of;
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
        match text.split(':').next() {
            Some("demo") if *text == "demo" => Ok(Self::Demo),
            Some("openb") if *text != "openb:" => {
                Ok(Self::Openb(folder_of(given, base, "openb", "openb")?))
            }
            _ => bail!("{place}: expected demo, openb or openb:DIR, got {text:?}"),
        }
    }
}
