//! A bar on stderr with what is done and the estimate, when a person is looking.

use std::io::{IsTerminal as _, stderr};
use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stowage_core::verbs::Planner;

use super::interrupt;
use crate::sim::replay::{Passing, Witness};

/// A replay is so many steps of its bar.
pub(super) const STEPS: u64 = 1000;
const DAY_MS: u64 = 86_400_000;

/// A bar over `runs`; invisible if stderr is not a terminal or `quiet`.
pub(super) fn bar(runs: u64, quiet: bool) -> ProgressBar {
    styled(runs, "{bar:30} {pos}/{len} runs, {eta} left", quiet)
}

/// The same over `replays`, with the moment and the queue of one that is being made.
pub(super) fn replays(replays: u64, quiet: bool) -> ProgressBar {
    let style = "{bar:24} {percent} %, {eta} left{msg}";
    styled(replays.saturating_mul(STEPS), style, quiet)
}

fn styled(length: u64, style: &str, quiet: bool) -> ProgressBar {
    let target = if quiet || !stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}

/// Moves a bar while one replay is made, and stops it when somebody asked to.
pub(super) struct Progress<'a> {
    bar: &'a ProgressBar,
    /// Which replay.
    name: String,
    jobs: u64,
    steps: u64,
}

impl<'a> Progress<'a> {
    /// Of the replay called `name`, of so many jobs.
    pub(super) fn new(bar: &'a ProgressBar, name: String, jobs: usize) -> Self {
        Self {
            bar,
            name,
            jobs: jobs.max(1) as u64,
            steps: 0,
        }
    }
}

impl Witness for Progress<'_> {
    fn pass(&mut self, passing: &Passing, _: &Planner) -> ControlFlow<()> {
        if interrupt::asked() {
            return ControlFlow::Break(());
        }
        // Half a job's work is its submission, half its start; the last step is the end.
        let done = 2 * passing.submitted as u64 - passing.level.jobs.min(passing.submitted as u64);
        let steps = (done * (STEPS - 1) / (2 * self.jobs)).min(STEPS - 1);
        if steps > self.steps {
            self.bar.inc(steps - self.steps);
            self.steps = steps;
            let (name, when, waiting) = (&self.name, date(passing.to), passing.level.jobs);
            self.bar
                .set_message(format!(" ({name}: {when}, {waiting} jobs wait)"));
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.inc(STEPS - self.steps);
    }
}

/// A moment of the simulation: traces begin on day 1.
fn date(ms: u64) -> String {
    let minutes = ms % DAY_MS / 60_000;
    format!(
        "day {} {:02}:{:02}",
        ms / DAY_MS + 1,
        minutes / 60,
        minutes % 60
    )
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn the_first_day_is_day_one() {
        assert_eq!(date(0), "day 1 00:00");
        assert_eq!(
            date(DAY_AND_A_BIT),
            "day 2 13:05",
            "minutes are not rounded"
        );
    }

    const DAY_AND_A_BIT: u64 = 86_400_000 + 13 * 3_600_000 + 5 * 60_000 + 59_999;
}
