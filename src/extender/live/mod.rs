//! What the server knows between calls, and the decisions it makes with it.
//!
//! All of it stands behind one lock (`shared.rs`) and is synchronous: a call comes in as names and
//! a request, verdicts come out. Filter and prioritize change nothing that is true; they leave an
//! intent for the pod they ranked, in place of its intent so far.
//!
//! `pending.rs` remembers pods between filter and bind, `ranked.rs` puts the nodes of one call in
//! order; the answers are put together here.

mod names;
mod pending;
mod ranked;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stowage_core::cluster::{BoundPod, Cluster, Event};
use stowage_core::node::{Claim, HandOver, Hold};
use stowage_core::plan::{Candidate, Context};
use stowage_core::ranking::Verdict;
use stowage_core::request::{Devices, PodRequest};
use stowage_core::strategy::Strategy;
use stowage_core::units::{PodUid, Score, Timestamp};
use stowage_core::verbs::Planner;

use super::attempts::Attempts;
use super::learn::Learner;
use super::wire::Name;
use crate::config::server::{Mode, Profile};
use crate::k8s::node::NodeFacts;

use names::Names;
pub use pending::{Asked, Pending};

/// What a node is beside what the core knows of it.
#[derive(Debug, Clone)]
pub struct NodeNotes {
    /// Device UUIDs and where the facts come from.
    pub facts: Arc<NodeFacts>,
    /// Whether devices changed their indices while the server ran: pods that are held by index may
    /// be on others now, so no new pods with GPUs go there until a restart reads them again.
    moved: bool,
}

impl NodeNotes {
    fn moved(&self, now: &NodeFacts) -> bool {
        let pairs = self.facts.uuids.iter().zip(&now.uuids);
        let differ = |(old, new): (&Option<String>, &Option<String>)| {
            old.is_some() && new.is_some() && old != new
        };
        self.moved || pairs.into_iter().any(differ)
    }
}

/// State between calls.
#[derive(Debug)]
pub struct Live {
    /// The cluster and its rankings.
    pub planner: Planner,
    /// What is known of each node besides.
    pub notes: BTreeMap<Arc<str>, NodeNotes>,
    /// Pods between filter and bind.
    pub pending: BTreeMap<PodUid, Pending>,
    /// Names of nodes with a taint that kube-scheduler only prefers to avoid.
    soft_tainted: BTreeSet<Arc<str>>,
    /// Names of nodes whose devices changed places.
    moved: BTreeSet<Arc<str>>,
    /// Decisions so far.
    pub sequence: u64,
    names: Names,
    max_pending: usize,
    expired: Timestamp,
    pub(super) learner: Option<Learner>,
    /// Attempts to write that may still matter.
    pub attempts: Attempts,
    /// Pods whose Binding was applied, until a watch shows them: a list that was begun before does
    /// not have them.
    pub settled: BTreeSet<PodUid>,
}

/// What was decided, for the answer and for the log.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Its number, from 1.
    pub sequence: u64,
    /// The best of the nodes asked about, with its devices and score.
    pub best: Option<(Arc<str>, Candidate)>,
    /// The strategy it was decided by.
    pub strategy: Strategy,
    /// Pods whose intents were at work.
    pub intents: Vec<PodUid>,
}

/// The answer to filter: per name asked about, in the same order, whether it fits or why not.
#[derive(Debug)]
pub struct Filtered {
    /// One entry a name.
    pub answers: Vec<Result<(), &'static str>>,
    /// Index of the one name to answer with, if nothing but our ranks can decide.
    pub short: Option<usize>,
    /// What was decided.
    pub decision: Decision,
}

/// The answer to prioritize: per name, in the same order, its score.
#[derive(Debug)]
pub struct Prioritized {
    /// One entry a name.
    pub scores: Vec<i64>,
    /// What was decided.
    pub decision: Decision,
}

/// What a node says that the server does not know, or not as one it may use.
pub const UNKNOWN_NODE: &str = "node not known to stowage";
/// The pod is bound to another node, or may be.
pub const UNDECIDED: &str = "the pod may be bound to another node already";
/// The devices of the node are not where pods were put.
pub const MOVED: &str = "the node's GPUs changed places while stowage ran";

impl Live {
    /// Nothing known yet; at most `max_pending` pods are remembered between filter and bind.
    #[must_use]
    pub fn new(context: Context, learner: Option<Learner>, max_pending: usize) -> Self {
        Self {
            learner,
            planner: Planner::new(Cluster::default(), context),
            notes: BTreeMap::new(),
            pending: BTreeMap::new(),
            soft_tainted: BTreeSet::new(),
            moved: BTreeSet::new(),
            sequence: 0,
            names: Names::default(),
            max_pending,
            expired: Timestamp::default(),
            attempts: Attempts::default(),
            settled: BTreeSet::new(),
        }
    }

    /// Takes note of what a node is besides its inventory.
    pub fn note(&mut self, facts: NodeFacts) {
        let name = facts.node.name.clone();
        let obeyed = |facts: &NodeFacts| facts.node.hand_over != HandOver::DevicePlugin;
        let chose = self.notes.get(&name).is_some_and(|n| !obeyed(&n.facts));
        if chose && obeyed(&facts) {
            self.doubt(&name);
        }
        if facts.repels.is_empty() {
            self.soft_tainted.remove(&name);
        } else {
            self.soft_tainted.insert(name.clone());
        }
        let moved = self.notes.get(&name).is_some_and(|old| old.moved(&facts));
        if moved {
            self.moved.insert(name.clone());
        }
        let facts = Arc::new(facts);
        self.notes.insert(name, NodeNotes { facts, moved });
    }

    /// What a device plugin was predicted to choose on `node` is not known where somebody obeys.
    fn doubt(&mut self, node: &str) {
        let holds = self.holds(node).into_iter().flatten();
        let bound = holds
            .filter(|(_, hold)| matches!(hold.claim, Claim::Bound(_)) && hold.request.wants_gpu());
        let unknown = bound.map(|(&pod, hold)| BoundPod {
            pod,
            node: node.into(),
            request: hold.request.clone(),
            devices: None,
        });
        for bound in unknown.collect::<Vec<_>>() {
            let applied = self.planner.apply(Event::PodBound(bound));
            debug_assert!(applied.is_ok(), "events about pods cannot fail");
        }
    }

    /// What pods hold on `node`, there or not.
    fn holds(&self, node: &str) -> Option<&BTreeMap<PodUid, Hold>> {
        let cluster = self.planner.cluster();
        match cluster.find(node) {
            Some(at) => Some(cluster.nodes()[at.index()].holds()),
            None => cluster.strays().get(node),
        }
    }

    /// Whether some pod is on `node`, there or not.
    fn is_held(&self, node: &str) -> bool {
        self.holds(node).is_some_and(|holds| !holds.is_empty())
    }

    /// Forgets what all nodes were, but for those with pods: where their devices were is asked when
    /// they come back.
    pub fn forget_nodes(&mut self) {
        self.soft_tainted.clear();
        let mut notes = std::mem::take(&mut self.notes);
        notes.retain(|name, _| self.is_held(name));
        self.moved.retain(|name| notes.contains_key(name));
        self.notes = notes;
    }

    /// Forgets what a node was, unless there are pods on it.
    pub fn forget(&mut self, name: &str) {
        self.soft_tainted.remove(name);
        if !self.is_held(name) {
            self.moved.remove(name);
            self.notes.remove(name);
        }
    }

    /// Answers filter for `asked` on the nodes `names`.
    pub fn filter(
        &mut self,
        asked: &Asked,
        names: &[Name<'_>],
        profile: &Profile,
        now: Timestamp,
    ) -> Filtered {
        if let Some(filtered) = self.undecided(asked, names) {
            self.touch(asked, now);
            return filtered;
        }
        let avoid = self.remember(asked, now);
        let short_allowed =
            profile.shortens() && avoid.is_none() && asked.facts.pod_group.is_none();
        let ranked = self.rank(asked, names, avoid.as_deref());
        let best = ranked.best();
        let lonely = ranked
            .verdicts
            .iter()
            .filter(|v| v.is_some_and(Verdict::fits))
            .count()
            == 1;
        let short = best
            .filter(|_| short_allowed && self.only_ranks_decide(asked, names, &ranked, profile));
        let intend = (short.is_some() || lonely).then_some(now);
        let decision = self.decide(asked, names, best, intend);
        if let (Some(at), Some(pending)) = (short, self.pending.get_mut(&asked.uid)) {
            pending.short = Some(Arc::from(&*names[at].0));
        }
        let answers = names
            .iter()
            .zip(&ranked.verdicts)
            .map(|(name, verdict)| match verdict {
                None if self.moved.contains(&*name.0) => Err(MOVED),
                None => Err(UNKNOWN_NODE),
                Some(Verdict::Unfit(unfit)) => Err(unfit.sentence()),
                Some(_) => Ok(()),
            });
        Filtered {
            answers: answers.collect(),
            short,
            decision,
        }
    }

    /// While it is not known whether the pod was bound to a node, only that node can be the answer.
    fn undecided(&mut self, asked: &Asked, names: &[Name<'_>]) -> Option<Filtered> {
        let (node, hold) = self.planner.cluster().hold_of(asked.uid)?;
        let devices = hold.claim.devices()?.clone();
        let node = node.clone();
        let answer = |name: &Name<'_>| {
            if *name.0 == *node {
                Ok(())
            } else {
                Err(UNDECIDED)
            }
        };
        let answers = names.iter().map(answer).collect();
        self.sequence += 1;
        let score = Score::default();
        let decision = Decision {
            sequence: self.sequence,
            best: Some((node, Candidate { score, devices })),
            strategy: self.planner.context().strategy(),
            intents: self.intents_beside(asked.uid),
        };
        Some(Filtered {
            answers,
            short: None,
            decision,
        })
    }

    /// Answers prioritize for `asked` on the nodes `names`.
    pub fn prioritize(
        &mut self,
        asked: &Asked,
        names: &[Name<'_>],
        profile: &Profile,
        now: Timestamp,
    ) -> Prioritized {
        self.touch(asked, now);
        let avoid = self.pending.get(&asked.uid).and_then(|p| p.avoid.clone());
        let ranked = self.rank(asked, names, avoid.as_deref());
        let best = ranked.best();
        let decision = self.decide(asked, names, best, Some(now));
        let scores = match profile.mode {
            Mode::SoftFirst | Mode::Decisive => ranked.ranks(),
            Mode::Advisory => ranked.grades(),
        };
        Prioritized { scores, decision }
    }

    /// Checks again and books the pod on `node`.
    ///
    /// # Errors
    /// Why not, see [`Planner::reserve`]; then nothing is changed.
    pub fn reserve(
        &mut self,
        pod: PodUid,
        node: &Arc<str>,
        request: &Arc<PodRequest>,
    ) -> Result<(Devices, Decision), String> {
        let held = self.planner.cluster().pods().contains_key(&pod);
        if !held && request.wants_gpu() && self.moved.contains(node) {
            return Err(MOVED.to_owned());
        }
        let intents = self.intents_beside(pod);
        let reserved = self
            .planner
            .reserve(ranked::decision_of(pod), pod, node, request);
        let devices = reserved.map_err(|refusal| refusal.to_string())?;
        self.sequence += 1;
        let decision = Decision {
            sequence: self.sequence,
            best: Some((
                node.clone(),
                Candidate {
                    score: Score::default(),
                    devices: devices.clone(),
                },
            )),
            strategy: self.planner.context().strategy(),
            intents,
        };
        Ok((devices, decision))
    }

    /// Plans the pod on the best of `names`, leaving the intent to go there if `intend` says when.
    fn decide(
        &mut self,
        asked: &Asked,
        names: &[Name<'_>],
        best: Option<usize>,
        intend: Option<Timestamp>,
    ) -> Decision {
        self.sequence += 1;
        let node = best.and_then(|at| self.names.find(&names[at].0));
        let best = node.and_then(|node| {
            let (pod, request) = (asked.uid, &asked.request);
            let candidate = match intend {
                Some(now) => self.planner.intend(pod, node, request, now),
                None => self.planner.plan_on(node, request).ok(),
            };
            Some((self.planner.node(node).node().name.clone(), candidate?))
        });
        Decision {
            sequence: self.sequence,
            best,
            strategy: self.planner.context().strategy(),
            intents: self.intents_beside(asked.uid),
        }
    }

    fn intents_beside(&self, pod: PodUid) -> Vec<PodUid> {
        let intents = self.planner.cluster().intents().keys();
        intents
            .copied()
            .filter(|other| *other != pod)
            .take(64)
            .collect()
    }
}
