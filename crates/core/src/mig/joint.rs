//! How many further requests a few boards of one geometry take together: [`Joint`].
//!
//! Requests are drawn from the demand, one after the other, and the count ends at the first that no
//! board of the group takes. The value of a group is the count to expect under the best choices,
//!
//! ```text
//! V(group) = sum over profiles of share x (1 + max over boards and starts of V(group after))
//! ```
//!
//! where a profile that fits nowhere adds nothing. Boards of one class are alike, so a group is a
//! multiset of classes, and few enough exist to fill a table, smaller classes first. A sum over
//! single boards would be simpler and is wrong: it counts a refusal by one board as the end, and so
//! opens fresh boards early (the packing study compares).

use super::board::BoardState;
use super::classes::Classes;
use super::geometry::Geometry;

/// Most boards looked at together. Tables for eight, with fewer broken ones, packed no better.
pub(super) const GROUP: usize = 4;

/// Most values in a table. Reached with every profile of a large board and four boards.
const MOST_VALUES: u32 = 1 << 19;

/// One request, in the unit of values.
const REQUEST: u64 = 1_000_000;

/// The classes of a group's boards, ascending, in the first places.
pub(super) type Members = [u16; GROUP];

/// The values of all groups of boards of one geometry under one demand.
#[derive(Debug, Clone)]
pub(super) struct Joint {
    /// How many boards a group has.
    pub(super) group: usize,
    /// By [`BoardState::index`].
    looks: Vec<Look>,
    /// By class, then by place: how many groups come before one with the class in that place.
    before: Vec<[u32; GROUP]>,
    /// In millionths of a request, by [`Joint::rank`].
    values: Vec<u32>,
}

/// What is looked at of one state.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// Its class; 0 takes no expected profile.
    pub(super) class: u16,
    /// Slices of all instances of any profile that could be placed first, expected or not.
    pub(super) open: u16,
}

impl Joint {
    pub(super) fn of(geometry: &Geometry, weights: &[u32]) -> Self {
        let classes = Classes::of(geometry, weights);
        let count = classes.len() as u64;
        let fits = |group: &usize| choose(count - 1 + *group as u64, *group) <= MOST_VALUES;
        let mut joint = Self {
            group: (1..=GROUP).rev().find(fits).unwrap_or(1),
            looks: Vec::new(),
            before: (0..count).map(before).collect(),
            values: Vec::new(),
        };
        joint.fill(&classes, weights);
        joint.looks = joint.look(geometry, &classes);
        joint
    }

    /// What is known of `state`.
    pub(super) fn look_at(&self, geometry: &Geometry, state: BoardState) -> Look {
        let look = self.looks.get(state.index(geometry));
        look.copied().unwrap_or_default()
    }

    /// Millionths of a request that a group takes.
    pub(super) fn value(&self, members: &Members) -> u32 {
        self.values[self.rank(members)]
    }

    /// Position among all groups in the order that compares the largest class first.
    fn rank(&self, members: &Members) -> usize {
        let places = members.iter().take(self.group).enumerate();
        let before = places.map(|(place, &class)| self.before[usize::from(class)][place]);
        before.sum::<u32>() as usize
    }

    fn fill(&mut self, classes: &Classes, weights: &[u32]) {
        let last = (classes.len() - 1) as u16;
        let mut members = [0; GROUP];
        loop {
            let value = self.expect(classes, weights, &members);
            self.values.push(value);
            let group = &mut members[..self.group];
            let limit = |place: usize| group.get(place + 1).copied().unwrap_or(last);
            let Some(place) = (0..group.len()).find(|&place| group[place] < limit(place)) else {
                return;
            };
            group[place] += 1;
            group[..place].fill(0);
        }
    }

    /// The value of a group whose successors have theirs.
    fn expect(&self, classes: &Classes, weights: &[u32], members: &Members) -> u32 {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let shapes = weights
            .iter()
            .enumerate()
            .filter(|&(_, &weight)| weight > 0);
        let sum = shapes.map(|(shape, &weight)| {
            let best = (0..self.group).filter(|&at| at == 0 || members[at] != members[at - 1]);
            let best = best.flat_map(|at| {
                let next = &classes.next[usize::from(members[at])][shape];
                next.iter()
                    .map(move |&class| self.value(&replace(members, at, class)))
            });
            let taken = best.max().map_or(0, |best| REQUEST + u64::from(best));
            u64::from(weight) * taken
        });
        (sum.sum::<u64>() / total.max(1)) as u32
    }

    fn look(&self, geometry: &Geometry, classes: &Classes) -> Vec<Look> {
        let states = (0..classes.of.len()).map(|index| BoardState::of_index(geometry, index));
        let states: Vec<BoardState> = states.collect();
        // A state that only observed instances lead to counts as one that placed instances lead to
        // and that has no more left than it: of the highest class, which is one of those with most
        // slices left. So here, too, an instance leads to no class above.
        let stand_in = |state: BoardState| {
            let known = states.iter().zip(&classes.of);
            let known = known.filter_map(|(other, class)| class.map(|class| (other, class)));
            let within = known.filter(|(other, _)| other.within(state));
            let classes = within.map(|(_, class)| class);
            classes.max().unwrap_or(0)
        };
        let looks = states.iter().zip(&classes.of).map(|(&state, class)| Look {
            class: class.unwrap_or_else(|| stand_in(state)),
            open: open(geometry, state),
        });
        looks.collect()
    }
}

/// `members` with a class for the one at `place` that is not above it, in order. Instances lead to
/// no class above; see [`Joint::look`] for states that only observed ones lead to.
pub(super) fn replace(members: &Members, place: usize, class: u16) -> Members {
    let mut members = *members;
    let mut at = place;
    while at > 0 && members[at - 1] > class {
        members[at] = members[at - 1];
        at -= 1;
    }
    members[at] = class;
    members
}

fn open(geometry: &Geometry, state: BoardState) -> u16 {
    let shapes = geometry.shapes().iter();
    let open = shapes.map(|shape| state.starts(shape).count() * usize::from(shape.size));
    u16::try_from(open.sum::<usize>()).unwrap_or(u16::MAX)
}

fn before(class: u64) -> [u32; GROUP] {
    std::array::from_fn(|place| choose(class + place as u64, place + 1))
}

/// How many sets of `k` among `n` things, or as many as fit.
fn choose(n: u64, k: usize) -> u32 {
    let sets = (0..k as u64).fold(1, |sets: u64, i| {
        sets.saturating_mul(n.saturating_sub(i)) / (i + 1)
    });
    u32::try_from(sets).unwrap_or(u32::MAX)
}
