//! NVIDIA multi-instance GPUs: which instances a board can still take, and where the next one goes.
//!
//! A board is an axis of memory slices; an instance of a profile takes a run of them that begins at
//! one of few starts. Which starts, how long and how many is data ([`Geometry`], a table by board),
//! never a constant, and never keyed by the profile's name alone: `1g.10gb` is one slice of a large
//! board and two of a small one. [`BoardState`] is what legality needs to know of one board.
//!
//! Instances cannot move, so a slot taken badly stays taken. [`Prospects`] looks ahead: it knows, for
//! every state that a few boards can be in together, how many further requests they will take, and
//! puts the next one where that number drops least.
//!
//! This module decides among boards and starts. It does not create instances, and it does not know
//! who holds them.
//!
//! Modules in reading order.

mod profile;
mod table;
mod geometry;
mod board;
mod demand;
mod classes;
mod joint;
mod prospects;

pub use board::{BoardState, Illegal};
pub use demand::Demand;
pub use geometry::{Geometry, Shape, SliceMask};
pub use profile::{Extra, MigProfile, ProfileError};
pub use prospects::{Board, Choice, Prospects};
pub use table::TableError;
