//! A folder of results that appears whole or not at all: files are written into a hidden folder
//! beside it, which is renamed at the end and removed if anything goes wrong.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::sim::report::manifest;

/// The file by which a folder of ours is known.
const MANIFEST: &str = "manifest.json";

/// All that a simulation writes into its folder.
const RESULTS: [&str; 7] = [
    MANIFEST,
    "decisions.jsonl",
    "pods.csv",
    "report.html",
    "runs.csv",
    "series.csv",
    "summary.json",
];

/// A folder that is being written.
#[derive(Debug)]
pub(super) struct Folder {
    place: PathBuf,
    temporary: PathBuf,
    force: bool,
}

impl Folder {
    /// Prepares to write `place`.
    ///
    /// # Errors
    /// When `place` is there already (and is not to be replaced, or is none of ours), or no folder can
    /// be made beside it.
    pub(super) fn open(place: &Path, force: bool) -> anyhow::Result<Self> {
        let shown = place.display();
        let Some(name) = place.file_name() else {
            bail!("--out {shown}: expected the name of a folder that is not there yet");
        };
        check(place, force)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".partial-{}", std::process::id()));
        let temporary = place.with_file_name(hidden);
        fs::create_dir(&temporary)
            .with_context(|| format!("--out {shown}: a folder beside it cannot be made"))?;
        Ok(Self {
            place: place.to_owned(),
            temporary,
            force,
        })
    }

    /// Where files are until all is written.
    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Writes one file.
    pub(super) fn write(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let written = File::create_new(self.temporary.join(name)).and_then(|file| {
            let mut out = BufWriter::new(file);
            content(&mut out)?;
            out.flush()
        });
        let shown = self.place.join(name);
        written.with_context(|| format!("{}: cannot be written", shown.display()))
    }

    /// Gives the folder its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        check(&self.place, self.force)?;
        let shown = self.place.display();
        let renamed = || format!("--out {shown}: the finished folder cannot be given its name");
        if !is_there(&self.place) {
            return fs::rename(&self.temporary, &self.place).with_context(renamed);
        }
        // The old one is moved aside first, and back if the new one cannot take its place.
        let mut aside = self.temporary.clone().into_os_string();
        aside.push(".old");
        let aside = PathBuf::from(aside);
        fs::rename(&self.place, &aside).with_context(renamed)?;
        if let Err(error) = fs::rename(&self.temporary, &self.place) {
            fs::rename(&aside, &self.place).with_context(renamed)?;
            return Err(error).with_context(renamed);
        }
        fs::remove_dir_all(&aside)
            .with_context(|| format!("{}: the old results cannot be removed", aside.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // After a rename there is nothing to remove, and nobody to tell if it fails.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

fn is_there(place: &Path) -> bool {
    // A link that leads nowhere is there too.
    place.symlink_metadata().is_ok()
}

fn check(place: &Path, force: bool) -> anyhow::Result<()> {
    let shown = place.display();
    match (is_there(place), force) {
        (false, _) => Ok(()),
        (true, false) => bail!(
            "--out {shown}: it is there already: expected a new folder, or --force to replace earlier results"
        ),
        (true, true) if is_ours(place) => match foreign(place) {
            Some(name) => bail!(
                "--out {shown}: --force replaces results and nothing else: expected none but theirs in it, got {name:?}"
            ),
            None => Ok(()),
        },
        (true, true) => bail!(
            "--out {shown}: --force replaces only a folder with the {MANIFEST} of a simulation in it"
        ),
    }
}

/// The first name in `place`, in order, that no simulation writes.
fn foreign(place: &Path) -> Option<String> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !RESULTS.contains(&name.as_str())).min()
}

/// Whether `place` is a folder, not a link, with a manifest of ours in it.
fn is_ours(place: &Path) -> bool {
    let folder = place.symlink_metadata().is_ok_and(|data| data.is_dir());
    let text = fs::read(place.join(MANIFEST)).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    folder && manifest["kind"] == manifest::KIND
}
