//! Ctrl-C while results are to be written: the first asks to stop, the second ends the program.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Exit code of a program that was stopped by Ctrl-C: 128 and the signal's number.
pub(super) const STOPPED: u8 = 130;

/// Listens from now on. At the second Ctrl-C `temporary` is removed.
pub(super) fn listen(temporary: PathBuf) -> anyhow::Result<()> {
    let handler = move || {
        if ASKED.swap(true, Ordering::Relaxed) {
            let _ = std::fs::remove_dir_all(&temporary);
            std::process::exit(STOPPED.into());
        }
        eprintln!(
            "stowage: stopping; what is finished will be written (Ctrl-C again: end at once)"
        );
    };
    ctrlc::set_handler(handler).context("Ctrl-C cannot be listened for")
}

/// Whether somebody asked to stop.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
