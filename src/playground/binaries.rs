//! Where etcd, kube-apiserver and kube-scheduler are: in the folder `STOWAGE_CONTROL_PLANE`, in the
//! user's cache, or built there by `tests/control-plane/build.sh` where Go is installed (minutes, once).
//!
//! Nothing is downloaded but Go modules, and nothing is taken from `PATH`: an etcd of another age
//! that happens to be there would be a riddle to whoever runs a test.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use thiserror::Error;

/// The version that is built; `tests/control-plane/go.mod` pins it.
pub const KUBERNETES: &str = "v1.37.2";
/// Names the folder with the binaries, or the one that contains a folder for each version.
const FOLDER: &str = "STOWAGE_CONTROL_PLANE";
/// Makes it an error, not a reason to skip, when a test finds no binaries.
const REQUIRE: &str = "STOWAGE_REQUIRE_CONTROL_PLANE";
const NAMES: [&str; 3] = ["etcd", "kube-apiserver", "kube-scheduler"];

/// A folder that holds all three programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
}

/// Why there are none and what to do about it, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no control plane: {0}")]
pub struct Absent(String);

impl Binaries {
    /// Finds the programs, without building them.
    ///
    /// # Errors
    /// When they are not there, with what to do about it.
    pub fn find() -> Result<Self, Absent> {
        let root = root()?;
        Self::within(&root).ok_or_else(|| {
            let root = root.display();
            Absent(format!(
                "{root} has no {}; run tests/control-plane/build.sh (needs Go and some minutes, once) \
                 or name the folder that has them in {FOLDER}",
                NAMES.join(", ")
            ))
        })
    }

    /// Finds the programs, and builds them when they are not there and Go is.
    ///
    /// # Errors
    /// When they are not there and cannot be built, with what to do about it.
    pub fn find_or_build() -> Result<Self, Absent> {
        let absent = match Self::find() {
            Ok(found) => return Ok(found),
            Err(absent) => absent,
        };
        match (build_script(), go_is_there()) {
            (Some(script), true) => build(&script)?,
            _ => return Err(absent),
        }
        Self::find()
    }

    /// For tests: the programs, or none after a line that says why the test is skipped.
    ///
    /// # Panics
    /// When there are none and `STOWAGE_REQUIRE_CONTROL_PLANE` is `1`.
    #[must_use]
    pub fn or_skip() -> Option<Self> {
        static FOUND: OnceLock<Result<Binaries, Absent>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let found = Self::find_or_build();
            if let Err(absent) = &found {
                // Past the capture of test output, and once for all tests of a binary.
                let _ = writeln!(io::stderr(), "skipped: tests on a control plane: {absent}");
            }
            found
        });
        let required = env::var_os(REQUIRE).is_some_and(|value| value == "1");
        match found {
            Err(absent) if required => panic!("{REQUIRE}=1, but {absent}"),
            found => found.as_ref().ok().cloned(),
        }
    }

    /// The programs in `root`, or in its folder for this version.
    fn within(root: &Path) -> Option<Self> {
        let whole = |folder: &PathBuf| NAMES.iter().all(|name| folder.join(name).is_file());
        let folder = [root.to_owned(), root.join(KUBERNETES)]
            .into_iter()
            .find(whole)?;
        // Absolute, for the programs are started from elsewhere.
        let folder = folder.canonicalize().ok()?;
        Some(Self { folder })
    }

    pub(super) fn etcd(&self) -> PathBuf {
        self.folder.join(NAMES[0])
    }

    pub(super) fn api_server(&self) -> PathBuf {
        self.folder.join(NAMES[1])
    }

    pub(super) fn scheduler(&self) -> PathBuf {
        self.folder.join(NAMES[2])
    }
}

/// Where to look, by the rules of `build.sh`.
fn root() -> Result<PathBuf, Absent> {
    let named = |variable| env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(folder) = named(FOLDER) {
        return Ok(PathBuf::from(folder));
    }
    let cache = named("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| named("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache
        .map(|cache| cache.join("stowage").join("control-plane"))
        .ok_or_else(|| Absent(format!("neither {FOLDER} nor HOME is set")))
}

fn build_script() -> Option<PathBuf> {
    // What cargo says while it runs tests; the path of the build machine is not compiled in.
    let sources = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = env::current_dir().ok();
    let places = [sources, here].into_iter().flatten();
    places
        .map(|place| place.join("tests/control-plane/build.sh"))
        .find(|script| script.is_file())
}

fn go_is_there() -> bool {
    let silent = |program: &str| {
        let mut command = Command::new(program);
        command.arg("version").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    // Go's own archive installs there and does not touch PATH.
    silent("go") || silent("/usr/local/go/bin/go")
}

fn build(script: &Path) -> Result<(), Absent> {
    let _ = writeln!(
        io::stderr(),
        "building etcd and Kubernetes {KUBERNETES}: takes minutes, once"
    );
    let output = Command::new("bash")
        .arg(script)
        .stdin(Stdio::null())
        .output();
    let script = script.display();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().last().unwrap_or("it says nothing");
            Err(Absent(format!("{script} failed: {last}")))
        }
        Err(error) => Err(Absent(format!("{script} cannot be run: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str], below: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(below)).unwrap();
        for name in names {
            std::fs::write(root.path().join(below).join(name), "").unwrap();
        }
        root
    }

    #[test]
    fn the_folder_may_hold_the_programs_or_a_folder_for_each_version() {
        for below in ["", KUBERNETES] {
            let root = folder_with(&NAMES, below);
            let found = Binaries::within(root.path()).unwrap();
            assert!(found.scheduler().is_file());
        }
    }

    #[test]
    fn two_programs_of_three_or_another_version_are_no_control_plane() {
        for (names, below) in [(&NAMES[..2], ""), (&NAMES[..], "v1.36.0")] {
            let root = folder_with(names, below);
            assert_eq!(Binaries::within(root.path()), None);
        }
    }

    #[test]
    fn the_version_is_the_one_that_is_built() {
        let pinned = include_str!("../../tests/control-plane/go.mod");
        assert!(pinned.contains(&format!("k8s.io/kubernetes {KUBERNETES}\n")));
    }
}
