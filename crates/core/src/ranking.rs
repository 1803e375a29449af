//! The best node for a pod, without looking at all nodes again.
//!
//! For every request asked about there is a ranking: the score of each node, in a tree of maxima.
//! Asking again re-scores only the nodes that changed since that request was last asked about. A
//! score is computed once for all nodes that look equal (`looks.rs`) and for all requests that differ
//! in host memory alone. Nodes are scored with intents applied; see [`Verdict`].
//!
//! Everything here is a cache over [`Cluster`]: a property test shows it equal, decision for
//! decision, to the naive loop in `verbs.rs`. Bounded: see [`MAX_CELLS`] and [`MAX_LOOKS`].

use std::collections::BTreeMap;

use crate::cluster::Cluster;
use crate::looks::{Looks, Mirror};
use crate::max_tree::MaxTree;
use crate::plan::{self, Context};
use crate::request::PodRequest;
use crate::units::{Mebibytes, NodeIx};
use crate::verdict::{self, LAST, UNFIT, UNKNOWN};

pub use crate::verdict::Verdict;

/// Most scores kept, over all requests; the ranking asked about least recently goes first.
pub const MAX_CELLS: usize = 1 << 25;
/// Most different looks of nodes remembered beyond four per node; then all are forgotten.
pub const MAX_LOOKS: usize = 1 << 16;
/// Reading an entry of the log takes as long as asking so many nodes whether they changed.
const LOG_STEP: usize = 4;

/// Rankings of one cluster under one context.
#[derive(Debug)]
pub struct Rankings {
    layout: Option<u64>,
    version: u64,
    mirrors: Vec<Mirror>,
    /// The version of the cluster at which each mirror was last made anew.
    changed: Vec<u64>,
    looks: Looks,
    by_request: BTreeMap<PodRequest, usize>,
    rankings: Vec<Ranking>,
    by_shape: BTreeMap<PodRequest, usize>,
    memos: Vec<Vec<i64>>,
    /// Per node, the last catch-up that looked at it.
    stamps: Vec<u64>,
    asked: u64,
    max_cells: usize,
    max_looks: usize,
}

/// The order of all nodes for one request.
#[derive(Debug)]
struct Ranking {
    request: PodRequest,
    memo: usize,
    scores: MaxTree,
    version: u64,
    asked: u64,
}

impl Default for Rankings {
    fn default() -> Self {
        Self::with_bounds(MAX_CELLS, MAX_LOOKS)
    }
}

impl Rankings {
    /// No ranking yet, with other bounds than [`MAX_CELLS`] and [`MAX_LOOKS`].
    #[must_use]
    pub fn with_bounds(max_cells: usize, max_looks: usize) -> Self {
        Self {
            layout: None,
            version: 0,
            mirrors: Vec::new(),
            changed: Vec::new(),
            looks: Looks::default(),
            by_request: BTreeMap::new(),
            rankings: Vec::new(),
            by_shape: BTreeMap::new(),
            memos: Vec::new(),
            stamps: Vec::new(),
            asked: 0,
            max_cells,
            max_looks,
        }
    }

    /// The best node of `cluster` for `request`, or none if no node can take it. All calls must be
    /// about the same cluster and, but for the decision, the same context.
    pub fn best(
        &mut self,
        cluster: &Cluster,
        request: &PodRequest,
        context: &Context,
    ) -> Option<NodeIx> {
        let ranking = self.current(cluster, request, context);
        let scores = &self.rankings[ranking].scores;
        if !Verdict::of(scores.max()?).fits() {
            return None;
        }
        let best = if context.strategy().draws_ties() {
            let mut best = None;
            scores.each_max(|index| {
                let key = (context.tie(self.mirrors[index].tie), index);
                if best.is_none_or(|lowest| key < lowest) {
                    best = Some(key);
                }
            });
            best.map(|(_, index)| index)
        } else {
            scores.first_max()
        };
        best.map(|index| NodeIx(index as u32))
    }

    /// What every node of `cluster` is for `request`, in node order; as for [`Rankings::best`].
    pub fn verdicts(
        &mut self,
        cluster: &Cluster,
        request: &PodRequest,
        context: &Context,
    ) -> impl Fn(NodeIx) -> Verdict + use<'_> {
        let ranking = self.current(cluster, request, context);
        let numbers = self.rankings[ranking].scores.numbers();
        |node| Verdict::of(numbers[node.index()])
    }

    /// The ranking of `request`, up to date.
    fn current(&mut self, cluster: &Cluster, request: &PodRequest, context: &Context) -> usize {
        self.asked += 1;
        self.mirror(cluster, context);
        let ranking = self.ranking(request);
        self.catch_up(ranking, cluster, context);
        self.rankings[ranking].asked = self.asked;
        ranking
    }

    /// Brings the mirrors up to date with the cluster.
    fn mirror(&mut self, cluster: &Cluster, context: &Context) {
        let changes = match self.layout {
            Some(layout) if layout == cluster.layout() => cluster.changes_since(self.version),
            _ => None,
        };
        self.version = cluster.version();
        let full = self.looks.count() > self.max_looks + 4 * cluster.nodes().len();
        match changes {
            Some(changes) if !full => {
                for node in changes {
                    let mirror = Mirror::of(&mut self.looks, cluster, node, context);
                    self.mirrors[node.index()] = mirror;
                    self.changed[node.index()] = self.version;
                }
            }
            _ => self.mirror_all(cluster, context, full),
        }
    }

    fn mirror_all(&mut self, cluster: &Cluster, context: &Context, forget: bool) {
        if forget {
            self.looks = Looks::default();
            self.memos.fill(Vec::new());
        }
        let nodes = cluster.nodes();
        self.mirrors.clear();
        for node in (0..).map(NodeIx).take(nodes.len()) {
            let mirror = Mirror::of(&mut self.looks, cluster, node, context);
            self.mirrors.push(mirror);
        }
        self.changed = vec![self.version; nodes.len()];
        if self.layout != Some(cluster.layout()) {
            self.layout = Some(cluster.layout());
            self.stamps = vec![0; nodes.len()];
            for ranking in &mut self.rankings {
                ranking.scores = MaxTree::new(Vec::new());
            }
        }
    }

    /// The ranking for `request`, made if it is new.
    fn ranking(&mut self, request: &PodRequest) -> usize {
        if let Some(&found) = self.by_request.get(request) {
            return found;
        }
        let shape = request.with_memory(Mebibytes(0));
        let memo = *self.by_shape.entry(shape).or_insert_with(|| {
            self.memos.push(Vec::new());
            self.memos.len() - 1
        });
        let ranking = Ranking {
            request: request.clone(),
            memo,
            scores: MaxTree::new(Vec::new()),
            version: 0,
            asked: self.asked,
        };
        let index = self.slot();
        if index == self.rankings.len() {
            self.rankings.push(ranking);
        } else {
            let old = std::mem::replace(&mut self.rankings[index], ranking);
            self.by_request.remove(&old.request);
            self.forget_unused_memo(&old.request, old.memo);
        }
        self.by_request.insert(request.clone(), index);
        index
    }

    /// A free place for a ranking: a new one, or that of the ranking asked about least recently.
    fn slot(&self) -> usize {
        let cells = self.mirrors.len() + self.looks.standings.len();
        let most = (self.max_cells / cells.max(1)).clamp(1, 4096);
        if self.rankings.len() < most {
            return self.rankings.len();
        }
        let oldest = (0..self.rankings.len()).min_by_key(|&i| self.rankings[i].asked);
        oldest.unwrap_or(0)
    }

    /// Empties a memo that no ranking uses any more. Its place stays with its shape.
    fn forget_unused_memo(&mut self, request: &PodRequest, memo: usize) {
        if self.rankings.iter().any(|ranking| ranking.memo == memo) {
            return;
        }
        self.by_shape.remove(&request.with_memory(Mebibytes(0)));
        let last = self.memos.len() - 1;
        self.memos.swap_remove(memo);
        if memo != last {
            let moved = self.rankings.iter_mut().filter(|r| r.memo == last);
            moved.for_each(|ranking| ranking.memo = memo);
            let shape = self.by_shape.values_mut().find(|value| **value == last);
            if let Some(value) = shape {
                *value = memo;
            }
        }
    }

    /// Re-scores what changed since `ranking` was last asked about.
    fn catch_up(&mut self, ranking: usize, cluster: &Cluster, context: &Context) {
        let Self {
            rankings,
            memos,
            mirrors,
            changed,
            looks,
            stamps,
            asked,
            ..
        } = self;
        let ranking = &mut rankings[ranking];
        let memo = &mut memos[ranking.memo];
        memo.resize(looks.standings.len(), UNKNOWN);
        let score = |node: usize, memo: &mut [i64]| {
            let mirror = &mirrors[node];
            let node = NodeIx(node as u32);
            let seen = if let Err(unfit) = plan::check_room(mirror.room, &ranking.request) {
                UNFIT + unfit as i64
            } else {
                let look = mirror.look as usize;
                let state = cluster.seen(node);
                let weigh = || {
                    let standing = looks.standings[look];
                    verdict::number(plan::weigh(state, standing, &ranking.request, context))
                };
                if context.strategy().sight().everything {
                    weigh()
                } else {
                    if memo[look] == UNKNOWN {
                        memo[look] = weigh();
                    }
                    memo[look]
                }
            };
            if mirror.intended && !Verdict::of(seen).fits() {
                let state = &cluster.nodes()[node.index()];
                match plan::candidate(state, &ranking.request, context) {
                    Ok(_) => LAST,
                    Err(unfit) => UNFIT + unfit as i64,
                }
            } else {
                seen
            }
        };
        let since = std::mem::replace(&mut ranking.version, cluster.version());
        if ranking.scores.max().is_none() {
            let scores = (0..mirrors.len()).map(|node| score(node, memo)).collect();
            ranking.scores = MaxTree::new(scores);
            return;
        }
        // A short log is read; a long one names the same nodes again and again, and it is quicker to
        // ask each node.
        let log = cluster.changes_since(since);
        match log.filter(|log| log.len() * LOG_STEP < mirrors.len()) {
            Some(log) => {
                for node in log.map(NodeIx::index) {
                    if std::mem::replace(&mut stamps[node], *asked) != *asked {
                        ranking.scores.set(node, score(node, memo));
                    }
                }
            }
            None => {
                let later = changed.iter().enumerate().filter(|(_, at)| **at > since);
                for (node, _) in later {
                    ranking.scores.set(node, score(node, memo));
                }
            }
        }
    }
}
