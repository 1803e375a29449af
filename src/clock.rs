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

/// The time of day, as RFC 3339 in UTC.
#[must_use]
pub fn now() -> String {
    wall().to_string()
}

/// The time of day.
#[must_use]
pub fn wall() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Milliseconds since the first call, as the core's time.
#[must_use]
pub fn timestamp() -> stowage_core::units::Timestamp {
    stowage_core::units::Timestamp(nanos() / 1_000_000)
}
