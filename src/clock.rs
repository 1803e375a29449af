//! The only reader of real time. Everything else is handed a number.

use std::sync::OnceLock;
use std::time::Instant;

/// Nanoseconds since the first call; only moves forward.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
