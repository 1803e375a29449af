//! Keeps the tables that MIG choices look ahead with, beside the decisions: each takes milliseconds to
//! compute, far too long for the lock.
//!
//! Tables are made for the boards that are cut on demand on some node, when such a board first appears
//! and when the learner (`learn.rs`) expects other instances than before. Until then decisions go by
//! the expectation before.

use std::sync::Arc;
use std::time::Duration;

use stowage_core::mig::{Geometry, Prospects};

use super::Server;
use super::learn::Learner;
use super::live::Live;

/// Between two looks at what is missing.
const PERIOD: Duration = Duration::from_secs(2);

/// Tables that are missing.
#[derive(Debug, Clone)]
pub struct Unforeseen {
    prospects: Arc<Prospects>,
    boards: Vec<&'static Geometry>,
}

impl Unforeseen {
    /// Computes them.
    #[must_use]
    pub fn computed(self) -> Arc<Prospects> {
        let missing = self.boards.into_iter();
        missing.for_each(|board| self.prospects.prepare(board));
        self.prospects
    }
}

impl Live {
    /// What is missing, if anything is.
    pub fn unforeseen(&mut self) -> Option<Unforeseen> {
        let boards = self.boards();
        let changed = match boards.is_empty() {
            true => return None,
            false => self.learner.as_mut().and_then(Learner::changed_demand),
        };
        let prospects = match changed {
            Some(demand) => Arc::new(Prospects::new(demand)),
            None => self.planner.context().outlook().prospects().clone(),
        };
        let missing = boards.iter().any(|board| !prospects.is_prepared(board));
        missing.then_some(Unforeseen { prospects, boards })
    }

    /// Looks ahead with `prospects` from now on.
    pub fn foresee(&mut self, prospects: Arc<Prospects>) {
        let context = self.planner.context();
        if Arc::ptr_eq(context.outlook().prospects(), &prospects) {
            return;
        }
        let outlook = context.outlook().clone();
        let outlook = outlook.with_prospects(prospects);
        let context = context.looking_at(Arc::new(outlook));
        self.planner.set_context(context);
    }

    /// The boards that are cut on demand on some node.
    fn boards(&self) -> Vec<&'static Geometry> {
        let nodes = self.planner.cluster().nodes().iter();
        let gpus = nodes.flat_map(|state| state.node().gpus.iter());
        let mut boards: Vec<&Geometry> = gpus.filter_map(|gpu| gpu.mode.geometry()).collect();
        boards.dedup_by(|a, b| std::ptr::eq(*a, *b));
        boards.sort_by_key(|board| board.board());
        boards.dedup_by(|a, b| std::ptr::eq(*a, *b));
        boards
    }
}

/// Keeps `server`'s tables until the program ends.
pub async fn keep(server: Arc<Server>) {
    loop {
        if let Some(unforeseen) = server.live.update(Live::unforeseen)
            && let Ok(prospects) = tokio::task::spawn_blocking(|| unforeseen.computed()).await
        {
            server.live.update(|live| live.foresee(prospects));
        }
        tokio::time::sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use stowage_core::cluster::Event;
    use stowage_core::gpu::{Cut, Gpu, GpuMode, Model, Vendor};
    use stowage_core::node::Node;
    use stowage_core::partition::Partition;
    use stowage_core::plan::{Context, Parameters};
    use stowage_core::request::{ContainerRequest, Models, PodRequest};
    use stowage_core::strategy::Strategy;
    use stowage_core::units::{Mebibytes, Milli, PodUid};

    use super::*;

    fn live() -> Live {
        let context = Context::new(Strategy::Fgd, Parameters::default(), Arc::default(), 0);
        Live::new(context, Some(Learner::new(95)), 100)
    }

    fn see(live: &mut Live, board: &str, mode: GpuMode) {
        let gpu = Gpu {
            vendor: Vendor::Nvidia,
            model: Model::new(board),
            memory: Mebibytes(81_920),
            mode,
        };
        let node = Node {
            name: board.into(),
            gpus: [gpu].into(),
            ..Node::default()
        };
        live.planner.apply(Event::NodeSeen(node)).expect("a node");
    }

    fn cut(board: &str) -> GpuMode {
        GpuMode::Mig(Cut(Geometry::of_board(board).expect("a board")))
    }

    fn learn(live: &mut Live, profile: &str, pods: std::ops::Range<u128>) {
        let kind = Partition::Mig(profile.parse().expect("a profile"));
        let one = [ContainerRequest::Partition(kind)];
        let request = PodRequest::new(&one, Milli(0), Mebibytes(0), Models::Any);
        let request = request.expect("something possible");
        live.learn(pods.map(|pod| (PodUid(pod), &request)));
    }

    #[test]
    fn tables_are_computed_for_the_boards_that_are_there() {
        let mut live = live();
        assert!(live.unforeseen().is_none());
        see(&mut live, "T4-16GB", GpuMode::Plain);
        assert!(live.unforeseen().is_none());
        see(&mut live, "A30-24GB", cut("A30-24GB"));
        let prospects = live.unforeseen().expect("a table is missing").computed();
        live.foresee(prospects);
        assert!(live.unforeseen().is_none());
        let prospects = live.planner.context().outlook().prospects();
        let prepared = |board| prospects.is_prepared(Geometry::of_board(board).expect("a board"));
        assert!(prepared("A30-24GB") && !prepared("A100-80GB"));
    }

    #[test]
    fn what_pods_asked_for_is_expected_whoever_else_is_learned() {
        let mut live = live();
        see(&mut live, "A30-24GB", cut("A30-24GB"));
        let prospects = live.unforeseen().expect("a table is missing").computed();
        live.foresee(prospects.clone());
        learn(&mut live, "1g.6gb", 0..4);
        let kept = live.planner.context().outlook().prospects();
        assert!(Arc::ptr_eq(kept, &prospects), "until others are computed");
        let learned = live.unforeseen().expect("other instances").computed();
        assert_ne!(learned.demand(), prospects.demand());
        live.foresee(learned.clone());
        assert!(live.unforeseen().is_none());
        learn(&mut live, "1g.6gb", 0..4);
        assert!(live.unforeseen().is_none(), "the same pods again");
        learn(&mut live, "2g.12gb", 4..7);
        assert!(live.unforeseen().is_none(), "not twice as many yet");
        learn(&mut live, "2g.12gb", 7..8);
        let later = live.unforeseen().expect("twice as many").computed();
        assert_ne!(later.demand(), learned.demand());
    }
}
