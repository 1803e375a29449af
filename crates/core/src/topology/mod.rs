//! How the GPUs of one node are joined, and which of them to take together.
//!
//! A [`Graph`] of GPUs, switches and sockets is drawn once and boiled down to a [`Layout`]: for each
//! pair of GPUs its bandwidth and how the traffic goes. [`best`] chooses devices by a written
//! objective (`objective.rs`); [`Sets`] gives the same answers from tables. [`predicted`] says what
//! the stock device plugin would choose.
//!
//! All of it is about one node: links between nodes are left aside. Nothing here knows who holds a
//! device; callers say which are free.
//!
//! Reading order: `bandwidth`, `levels`, `kept`, `layout`, `graph`, `boards`, `wanted`, `objective`, `sets`, `search`,
//! `plugin`.

mod bandwidth;
mod levels;
mod kept;
mod layout;
mod graph;
mod boards;
mod wanted;
mod objective;
mod sets;
mod search;
mod plugin;

#[cfg(test)]
mod tests;

pub use bandwidth::{Bandwidth, Speeds};
pub use boards::Board;
pub use graph::{Graph, Kind, MAX_OTHERS, Vertex};
pub use layout::{Closeness, Hop, HopError, Layout, Link, Pair, PciePath};
pub use objective::{Choice, worth};
pub use plugin::predicted;
pub use search::best;
pub use sets::Sets;
pub use wanted::{Wanted, Wish, WishError, satisfies};

use thiserror::Error;

/// Most GPUs of a layout. Nodes with more devices cut GPUs into partitions, which no link joins.
pub const MOST_GPUS: usize = 32;

/// Why a description of links makes no sense. Devices and vertices are named by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TopologyError {
    /// More GPUs than any node may have.
    #[error("{0} GPUs: expected at most {MOST_GPUS}")]
    Gpus(usize),
    /// More vertices that are no GPU than any board has.
    #[error("{0} switches, bridges, sockets and NICs: expected at most {MAX_OTHERS}")]
    Others(usize),
    /// A link whose end is not there.
    #[error("a link to {vertex}: expected a number below {count}")]
    Unknown {
        /// The end.
        vertex: usize,
        /// How many there are.
        count: usize,
    },
    /// A link from something to itself.
    #[error("a link from {0} to itself: expected two ends")]
    Itself(usize),
    /// A second link of one kind between two ends.
    #[error("a second link between {0} and {1}: expected bonded links as one")]
    Twice(usize, usize),
    /// A link of no or of incredible bandwidth.
    #[error("a bandwidth of {0}: expected 1 to {max} MB/s", max = Bandwidth::MOST)]
    Bandwidth(Bandwidth),
    /// No or too many bonded NVLinks.
    #[error("{0} bonded links: expected 1 to {max}", max = Hop::MOST_LINKS)]
    Bonded(u8),
    /// Two GPUs that nothing joins.
    #[error("no path between GPU {0} and GPU {1}: expected all of a node to be connected")]
    Apart(usize, usize),
    /// A matrix that is not square.
    #[error("row {row} of {rows} has {cells} cells: expected a square matrix")]
    Square {
        /// Which row.
        row: usize,
        /// How many rows.
        rows: usize,
        /// How many cells it has.
        cells: usize,
    },
    /// A matrix that says two things about one pair.
    #[error("GPU {0} and GPU {1} differ about their link: expected a symmetric matrix")]
    Asymmetric(usize, usize),
    /// A cell that is not of `nvidia-smi topo -m`.
    #[error("GPU {0} to GPU {1}: expected X on the diagonal and a link elsewhere")]
    Cell(usize, usize),
}
