//! Where the next instance goes: [`Prospects::choose`].
//!
//! Among all boards of a node and all starts, the one after which the boards will take the most
//! further requests, as `joint.rs` counts them. Up to four boards are looked at together. Of more,
//! groups are, and what a choice costs its group decides between them, as it does between nodes,
//! where it is the score. Ties: the choice that closes the least for any profile, expected or not,
//! then the lowest board, then the lowest start.

use std::sync::OnceLock;

use smallvec::SmallVec;

use super::board::BoardState;
use super::demand::Demand;
use super::geometry::{Geometry, Shape};
use super::joint::{GROUP, Joint, Look, Members, replace};
use super::profile::MigProfile;
use crate::units::Score;

/// One board of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// What it is; one of [`Geometry::all`].
    pub geometry: &'static Geometry,
    /// What is left of it.
    pub state: BoardState,
}

/// What an idle board's first instance costs beyond what its group loses. A group sees only its own
/// boards: one with many idle ones would give one away cheaply, though a broken board of another
/// group or node would do. Between 0.075 and 0.125 requests the study of several nodes finds no
/// difference; without it, nodes of one or two boards pack no better than by first fit.
const OPENING: i64 = 100_000;

/// Where an instance goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Index of the board.
    pub board: usize,
    /// First memory slice.
    pub start: u8,
    /// What it costs, in millionths of an expected request, negated, and a tenth of a request
    /// less where it breaks an idle board: comparable between nodes.
    pub score: Score,
}

/// What boards are worth under one demand. A table for each geometry is computed when it is first
/// asked for (milliseconds; a tenth of a second if all profiles of a large board are expected) or by
/// [`Prospects::prepare`], and never changes: a new demand is a new value.
#[derive(Debug, Clone)]
pub struct Prospects {
    demand: Demand,
    /// In the order of [`Geometry::all`].
    tables: Vec<OnceLock<Joint>>,
}

/// A board and the class of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    board: usize,
    class: u16,
}

/// The boards of one geometry that take some expected profile.
type Live = SmallVec<[Member; 8]>;

/// One way to place the instance, the best first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    /// Millionths of a request.
    cost: i64,
    /// What it closes for any profile, expected or not.
    closes: i32,
    board: usize,
    start: u8,
}

impl Default for Prospects {
    fn default() -> Self {
        Self::new(Demand::default())
    }
}

impl Prospects {
    /// Looks ahead with `demand`.
    #[must_use]
    pub fn new(demand: Demand) -> Self {
        let tables = Geometry::all().iter().map(|_| OnceLock::new()).collect();
        Self { demand, tables }
    }

    /// The demand it looks ahead with.
    #[must_use]
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Computes the table of `geometry` now.
    pub fn prepare(&self, geometry: &Geometry) {
        self.joint(geometry);
    }

    /// Whether the table of `geometry` is there, so that a choice takes no longer than usual.
    #[must_use]
    pub fn is_prepared(&self, geometry: &Geometry) -> bool {
        let table = self.tables.get(geometry.index);
        table.is_some_and(|table| table.get().is_some())
    }

    /// The board and the start for one more instance of `profile`; `None` when no board takes it.
    /// Boards of a geometry that is not one of [`Geometry::all`] take nothing.
    #[must_use]
    pub fn choose(&self, boards: &[Board], profile: MigProfile) -> Option<Choice> {
        let ways = kinds(boards).filter_map(|geometry| {
            let shape = geometry.shape(profile)?;
            self.best_of_kind(boards, geometry, shape)
        });
        let best = ways.min()?;
        Some(Choice {
            board: best.board,
            start: best.start,
            score: Score(-best.cost),
        })
    }

    /// Millionths of a request that `boards` will take. Up to four boards of one geometry are looked
    /// at together, and a choice costs the difference of two such values; of more, and of several
    /// geometries, groups are summed.
    #[must_use]
    pub fn value(&self, boards: &[Board]) -> i64 {
        let kinds = kinds(boards).filter_map(|geometry| Some((geometry, self.joint(geometry)?)));
        let values = kinds.map(|(geometry, joint)| {
            let live = live(boards, geometry, joint);
            let values = groups(&live, joint).map(|group| joint.value(&sorted(group, joint).0));
            values.map(i64::from).sum::<i64>()
        });
        values.sum()
    }

    fn joint(&self, geometry: &Geometry) -> Option<&Joint> {
        let known = Geometry::all().get(geometry.index)?;
        let table = self.tables.get(geometry.index)?;
        let fill = || Joint::of(geometry, &self.demand.weights(geometry));
        std::ptr::eq(known, geometry).then(|| table.get_or_init(fill))
    }

    /// The best way among the boards of one geometry.
    fn best_of_kind(&self, boards: &[Board], geometry: &Geometry, shape: &Shape) -> Option<Way> {
        let joint = self.joint(geometry)?;
        let question = Question {
            boards,
            geometry,
            joint,
            shape,
        };
        let class = |&board: &usize| question.look_at(board).class;
        // A board that takes nothing that is expected loses nothing.
        let spent = of_kind(boards, geometry).filter(|board| class(board) == 0);
        let spent = spent.filter_map(|board| question.on_board(board, |_| 0));
        let live = live(boards, geometry, joint);
        let ways = groups(&live, joint).filter_map(|group| {
            let mut way = question.in_group(group)?;
            let opens = boards[way.board].state.is_idle();
            way.cost += if opens { OPENING } else { 0 };
            Some(way)
        });
        spent.chain(ways).min()
    }
}

/// One instance for the boards of one geometry.
#[derive(Clone, Copy)]
struct Question<'a> {
    boards: &'a [Board],
    geometry: &'a Geometry,
    joint: &'a Joint,
    shape: &'a Shape,
}

impl Question<'_> {
    fn in_group(&self, group: &[Member]) -> Option<Way> {
        let (members, places) = sorted(group, self.joint);
        let value = i64::from(self.joint.value(&members));
        let boards = group.iter().zip(places).enumerate();
        let ways = boards.filter_map(|(nth, (&Member { board, .. }, place))| {
            // An equal board with a lower index has the same ways.
            let state = self.boards[board].state;
            let mut others = group[..nth].iter();
            if others.any(|other| self.boards[other.board].state == state) {
                return None;
            }
            let cost = |class| {
                let after = replace(&members, place, class);
                value - i64::from(self.joint.value(&after))
            };
            self.on_board(board, cost)
        });
        ways.min()
    }

    /// The best way on one board, with what it costs to have a board of each class instead.
    fn on_board(&self, board: usize, cost: impl Fn(u16) -> i64) -> Option<Way> {
        let (state, before) = (self.boards[board].state, self.look_at(board));
        let ways = state.starts(self.shape).map(|start| {
            let after = state.with(self.shape, start);
            let after = self.joint.look_at(self.geometry, after);
            Way {
                cost: cost(after.class),
                closes: i32::from(before.open) - i32::from(after.open),
                board,
                start,
            }
        });
        ways.min()
    }

    fn look_at(&self, board: usize) -> Look {
        let state = self.boards[board].state;
        self.joint.look_at(self.geometry, state)
    }
}

/// The different geometries of `boards`, as they come.
fn kinds(boards: &[Board]) -> impl Iterator<Item = &'static Geometry> {
    let first = |&(at, board): &(usize, &Board)| {
        let mut earlier = boards[..at].iter();
        !earlier.any(|other| std::ptr::eq(other.geometry, board.geometry))
    };
    let boards = boards.iter().enumerate();
    boards.filter(first).map(|(_, board)| board.geometry)
}

/// The indices of the boards of `geometry`.
fn of_kind(boards: &[Board], geometry: &Geometry) -> impl Iterator<Item = usize> {
    let boards = boards.iter().enumerate();
    let of_kind = boards.filter(move |(_, board)| std::ptr::eq(board.geometry, geometry));
    of_kind.map(|(at, _)| at)
}

fn live(boards: &[Board], geometry: &Geometry, joint: &Joint) -> Live {
    let member = |board: usize| Member {
        board,
        class: joint.look_at(geometry, boards[board].state).class,
    };
    let members = of_kind(boards, geometry).map(member);
    members.filter(|one| one.class > 0).collect()
}

/// As few groups as possible, as equal as possible, neighbours together.
fn groups<'a>(live: &'a [Member], joint: &Joint) -> impl Iterator<Item = &'a [Member]> + use<'a> {
    let (boards, count) = (live.len(), live.len().div_ceil(joint.group));
    (0..count).map(move |nth| &live[nth * boards / count..(nth + 1) * boards / count])
}

/// The classes of a group's boards as a table is asked for them, and the place of each board there.
fn sorted(group: &[Member], joint: &Joint) -> (Members, [usize; GROUP]) {
    let spare = joint.group - group.len();
    let (mut members, mut places) = ([0; GROUP], [0; GROUP]);
    for (place, one) in places.iter_mut().zip(group) {
        let key = |one: &Member| (one.class, one.board);
        let smaller = group.iter().filter(|other| key(other) < key(one));
        *place = spare + smaller.count();
        members[*place] = one.class;
    }
    (members, places)
}
