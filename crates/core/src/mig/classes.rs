//! States of a board that have the same future, folded into one class.
//!
//! Looking ahead over several boards is only possible because few states differ: of the 256 sets of
//! slices of an A100, 27 do for its plain profiles. Two states are of one class when every expected
//! profile leads from both to the same classes. Successors that another successor covers, one that
//! can do whatever they can, are left out: nobody would choose them.

use std::collections::BTreeMap;

use super::board::BoardState;
use super::geometry::Geometry;

/// The class of every state of one geometry under one demand. Successors have smaller numbers; class
/// 0 takes no expected profile.
#[derive(Debug, Clone)]
pub(super) struct Classes {
    /// By [`BoardState::index`]. `None` for states that placing instances does not lead to.
    pub(super) of: Vec<Option<u16>>,
    /// By class, then by shape: the classes an instance may lead to, the covered ones left out.
    pub(super) next: Vec<Vec<Vec<u16>>>,
    /// By class, then by class: whether the first can do whatever the second can.
    covers: Vec<Vec<bool>>,
}

impl Classes {
    pub(super) fn of(geometry: &Geometry, weights: &[u32]) -> Self {
        let mut classes = Self {
            of: vec![None; BoardState::indices(geometry)],
            next: Vec::new(),
            covers: Vec::new(),
        };
        let mut states: Vec<BoardState> = reachable(geometry).into_values().collect();
        // An instance takes slices, so this order has successors first.
        states.sort_by_key(|state| std::cmp::Reverse(state.taken().len()));
        for state in states {
            let next = classes.successors(geometry, weights, state);
            let known = classes.next.iter().position(|other| *other == next);
            let class = known.unwrap_or_else(|| classes.add(next));
            // No board of the table has more than 2^13 states.
            let class = u16::try_from(class).unwrap_or(u16::MAX);
            classes.of[state.index(geometry)] = Some(class);
        }
        classes
    }

    /// How many classes.
    pub(super) fn len(&self) -> usize {
        self.next.len()
    }

    fn successors(&self, geometry: &Geometry, weights: &[u32], state: BoardState) -> Vec<Vec<u16>> {
        let shapes = geometry.shapes().iter().zip(weights);
        let of_shape = shapes.map(|(shape, &weight)| {
            let starts = state.starts(shape).filter(|_| weight > 0);
            let next = starts.map(|start| state.with(shape, start).index(geometry));
            let mut next: Vec<u16> = next.filter_map(|index| self.of[index]).collect();
            next.sort_unstable();
            next.dedup();
            let all = next.clone();
            let covered = |&class: &u16| {
                let by = |&other: &u16| other != class && self.covers(other, class);
                all.iter().any(by)
            };
            next.retain(|class| !covered(class));
            next
        });
        of_shape.collect()
    }

    fn add(&mut self, next: Vec<Vec<u16>>) -> usize {
        let class = self.len();
        self.next.push(next);
        let below = |a: usize, b: usize| {
            let mut shapes = self.next[a].iter().zip(&self.next[b]);
            shapes.all(|(a, b)| {
                let matched = |b: &u16| a.iter().any(|&a| self.covers(a, *b));
                b.iter().all(matched)
            })
        };
        let over: Vec<bool> = (0..=class).map(|b| class == b || below(class, b)).collect();
        let under: Vec<bool> = (0..class).map(|a| below(a, class)).collect();
        for (covers, under) in self.covers.iter_mut().zip(under) {
            covers.push(under);
        }
        self.covers.push(over);
        class
    }

    fn covers(&self, a: u16, b: u16) -> bool {
        self.covers[usize::from(a)][usize::from(b)]
    }
}

/// Every state that instances of any profile lead to, by index.
fn reachable(geometry: &Geometry) -> BTreeMap<usize, BoardState> {
    let idle = BoardState::idle(geometry);
    let mut found = BTreeMap::from([(idle.index(geometry), idle)]);
    let mut open = vec![idle];
    while let Some(state) = open.pop() {
        for shape in geometry.shapes() {
            for start in state.starts(shape) {
                let next = state.with(shape, start);
                if found.insert(next.index(geometry), next).is_none() {
                    open.push(next);
                }
            }
        }
    }
    found
}
