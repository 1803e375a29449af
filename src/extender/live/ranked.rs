//! The nodes of one call in order, best first, and that order as the protocol's numbers.
//!
//! The verdicts are the core's; only a node to avoid and nodes whose GPUs changed places are judged
//! here. Whether our order alone may decide, or kube-scheduler's own scores count too, is asked of
//! the profile.

use stowage_core::ranking::Verdict;
use stowage_core::units::{NodeIx, PodUid};

use super::{Asked, Live};
use crate::config::server::{Mode, Profile};
use crate::extender::wire::Name;

/// Grades in advisory mode run from 0 to this, the protocol's own range.
const GRADES: i64 = 10;

/// Verdicts on the names of one call, in their order; none for a name that is not known.
pub(super) struct Ranked {
    pub(super) verdicts: Vec<Option<Verdict>>,
    nodes: Vec<Option<NodeIx>>,
    /// What was drawn for each, where ties are drawn.
    drawn: Vec<u64>,
}

impl Ranked {
    /// What nodes are ordered by, the best highest: verdict, then the drawn tie, then the place.
    fn key(&self, at: usize) -> (i64, std::cmp::Reverse<(u64, u32)>) {
        let rank = self.verdicts[at].map_or(i64::MIN, Verdict::rank);
        (rank, std::cmp::Reverse(self.tie(at)))
    }

    fn tie(&self, at: usize) -> (u64, u32) {
        let node = self.nodes[at].map_or(u32::MAX, |node| node.0);
        (self.drawn.get(at).copied().unwrap_or(0), node)
    }

    pub(super) fn best(&self) -> Option<usize> {
        let fits = |&at: &usize| self.verdicts[at].is_some_and(Verdict::fits);
        (0..self.verdicts.len())
            .filter(fits)
            .max_by_key(|&at| self.key(at))
    }

    /// Unique ranks from 1 to the number of names, the best highest.
    pub(super) fn ranks(&self) -> Vec<i64> {
        let mut order: Vec<usize> = (0..self.verdicts.len()).collect();
        if self.drawn.is_empty() {
            // Verdict, place and position in one number: several times faster to sort.
            let mut keys: Vec<u128> = order.iter().map(|&at| self.packed(at)).collect();
            keys.sort_unstable();
            order = keys.iter().map(|key| *key as u32 as usize).collect();
        } else {
            order.sort_unstable_by_key(|&at| (self.key(at), at));
        }
        let mut ranks = vec![0; order.len()];
        for (rank, at) in (1..).zip(order) {
            ranks[at] = rank;
        }
        ranks
    }

    /// The key of a node where no ties are drawn, and where its name stands in the list.
    fn packed(&self, at: usize) -> u128 {
        let (rank, std::cmp::Reverse((_, node))) = self.key(at);
        let rank = rank.cast_unsigned() ^ 1 << 63;
        u128::from(rank) << 64 | u128::from(!node) << 32 | at as u128
    }

    /// Grades from 0 to 10, linear between the worst and the best score that fits.
    pub(super) fn grades(&self) -> Vec<i64> {
        let score = |verdict: &Option<Verdict>| match verdict {
            Some(Verdict::Fits(score)) => Some(score.0),
            _ => None,
        };
        let scores: Vec<_> = self.verdicts.iter().map(score).collect();
        let lowest = scores.iter().flatten().min().copied().unwrap_or(0);
        let span = scores
            .iter()
            .flatten()
            .max()
            .map_or(0, |highest| highest - lowest);
        let grade = |score: &Option<i64>| match score {
            Some(score) if span > 0 => 1 + (score - lowest) * (GRADES - 1) / span,
            Some(_) => GRADES,
            None => 0,
        };
        scores.iter().map(grade).collect()
    }
}

impl Live {
    pub(super) fn rank(
        &mut self,
        asked: &Asked,
        names: &[Name<'_>],
        avoid: Option<&str>,
    ) -> Ranked {
        self.planner.withdraw(asked.uid);
        self.names.follow(self.planner.cluster());
        let mut nodes = self.names.find_all(names);
        if asked.request.wants_gpu() && !self.moved.is_empty() {
            for (node, name) in nodes.iter_mut().zip(names) {
                *node = node.filter(|_| !self.moved.contains(&*name.0));
            }
        }
        let avoided = avoid.and_then(|name| self.names.find(name));
        let decision = decision_of(asked.uid);
        let verdicts = {
            let verdict = self.planner.verdicts(decision, &asked.request);
            let judge = |node: &Option<NodeIx>| {
                node.map(|node| match verdict(node) {
                    Verdict::Fits(_) if Some(node) == avoided => Verdict::Last,
                    other => other,
                })
            };
            nodes.iter().map(judge).collect()
        };
        let drawn = if self.planner.context().strategy().draws_ties() {
            let mut context = self.planner.context().clone();
            context.set_decision(decision);
            let tie = |node: NodeIx| context.tie(self.planner.node(node).tie());
            nodes.iter().map(|n| n.map_or(u64::MAX, tie)).collect()
        } else {
            Vec::new()
        };
        Ranked {
            verdicts,
            nodes,
            drawn,
        }
    }

    /// Whether nothing but our ranks can decide between the nodes that fit.
    pub(super) fn only_ranks_decide(
        &self,
        asked: &Asked,
        names: &[Name<'_>],
        ranked: &Ranked,
        profile: &Profile,
    ) -> bool {
        match profile.mode {
            Mode::Decisive => true,
            Mode::Advisory => false,
            Mode::SoftFirst => {
                let tainted = || {
                    let fits = names.iter().zip(&ranked.verdicts);
                    let fits = fits.filter(|(_, v)| v.is_some_and(Verdict::fits));
                    !self.soft_tainted.is_empty()
                        && fits.into_iter().any(|(name, _)| {
                            let notes = self.notes.get(&*name.0);
                            notes.is_some_and(|n| {
                                !n.facts
                                    .repels
                                    .iter()
                                    .all(|taint| asked.facts.tolerates(taint))
                            })
                        })
                };
                !asked.facts.soft.any() && !tainted()
            }
        }
    }
}

/// Draws of one pod are the same whenever it is asked about.
pub(super) fn decision_of(pod: PodUid) -> u64 {
    (pod.0 ^ pod.0 >> 64) as u64
}
