//! A bar on stderr with runs done and the estimate, when a person is looking.

use std::io::{IsTerminal as _, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over `runs`; invisible if stderr is not a terminal or `quiet`.
pub(super) fn bar(runs: u64, quiet: bool) -> ProgressBar {
    let target = if quiet || !stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let style = "{bar:30} {pos}/{len} runs, {eta} left";
    let bar = ProgressBar::with_draw_target(Some(runs), target);
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}
