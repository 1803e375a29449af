//! Random: one of the feasible nodes, drawn uniformly; a share goes on a device drawn uniformly
//! among those that fit.
//!
//! Score: 0 everywhere, so that the drawn tie decides. The draw is a hash of seed, decision and
//! node, see `Context::tie`.
//! Source: the "Random" policy of the ATC '23 simulator (Weng et al., "Beware of Fragmentation").

pub(super) fn score() -> i64 {
    0
}
