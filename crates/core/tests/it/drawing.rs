//! The language of these tests: clusters drawn as `Display for NodeState` prints them, pods as text.
//!
//! A drawing has one line a node, `a: x . 350/1000 96000m 393216Mi 100p`: its devices (`.` idle, `x`
//! nothing left, `350/1000` what is left of compute and, in proportion, of memory), then cores, host
//! memory and pods left. The first line has the best rank. Cells that are not idle are filled by
//! real holds, one pod each, which take nothing else; so what is left is the node's capacity, until
//! [`Scene::holding`] puts more pods on it. The only place that touches the API to set a stage.

use std::sync::Arc;

use proptest::prelude::*;
use stowage_core::audit::audit;
use stowage_core::cluster::Cluster;
use stowage_core::gpu::{DeviceSet, Gpu, GpuMode, Model, Vendor};
use stowage_core::node::{Claim, HandOver, Node, NodeState, Room};
use stowage_core::plan::{self, Context, Parameters};
use stowage_core::request::{Devices, PodRequest};
use stowage_core::strategy::{Strategy, fgd::Outlook};
use stowage_core::units::{Mebibytes, Milli, NodeIx, PodUid};
use stowage_core::verbs;
use stowage_core::workload::Workload;

use crate::pods::number;
pub(crate) use crate::pods::{one_of, request, share_of, try_request};

/// A cluster set up for one question.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
}

/// What should come of a pod.
#[derive(Clone, Copy)]
pub(crate) enum Then<'a> {
    /// The cluster looks like this afterwards.
    Becomes(&'a str),
    /// It gets these devices of the best node: `0 2 | 1 | -`, container by container.
    Takes(&'a str),
    /// Every node refuses it with this sentence.
    Refuses(&'a str),
}

/// Draws, asks where the pod goes, places it and compares.
pub(crate) fn check(drawing: &str, pod: &str, strategy: Strategy, then: Then<'_>) {
    check_scene(Scene::of(drawing), pod, strategy, then);
}

/// The same on a scene that was set up beforehand.
pub(crate) fn check_scene(scene: Scene, pod: &str, strategy: Strategy, then: Then<'_>) {
    check_in(scene, pod, &context(strategy), then);
}

/// The same with another outlook than [`context`] has.
pub(crate) fn check_in(mut scene: Scene, pod: &str, context: &Context, then: Then<'_>) {
    let request = request(pod);
    if let Then::Refuses(sentence) = then {
        for (node, answer) in verbs::filter(&scene.cluster, &request, context) {
            let refusal = answer.expect_err("the pod should be refused").to_string();
            assert_eq!(refusal, sentence, "{pod} on {:?}", scene.at(node));
        }
        return;
    }
    let ranked = verbs::prioritize(&scene.cluster, &request, context);
    let (node, candidate) = ranked.first().expect("some node should take the pod");
    let devices = candidate.devices.clone();
    match then {
        Then::Takes(expected) => assert_eq!(spell(&devices), expected, "{pod}"),
        Then::Becomes(expected) => {
            scene.hold(*node, request, devices);
            let expected: Vec<&str> = expected.lines().map(str::trim).collect();
            assert_eq!(scene.draw(), expected.join("\n"), "{pod}");
        }
        Then::Refuses(_) => unreachable!("answered above"),
    }
}

impl Scene {
    /// A drawing of nodes with GPUs of model `G`.
    pub(crate) fn of(drawing: &str) -> Self {
        Self::on("", drawing)
    }

    /// A drawing of nodes whose GPUs are of other models: `a T4, b V100M16 V100M32`. Devices beyond
    /// the list are of its last model.
    pub(crate) fn on(hardware: &str, drawing: &str) -> Self {
        let lines = drawing.lines().map(str::trim).enumerate();
        let drawn: Vec<_> = lines
            .map(|(rank, line)| node(rank, line, hardware))
            .collect();
        let nodes = drawn.iter().map(|(node, _)| node.clone());
        let mut scene = Self {
            cluster: Cluster::new(nodes).expect("a drawing shows a possible cluster"),
        };
        for (index, (_, fillers)) in drawn.iter().enumerate() {
            for &(device, left) in fillers {
                let pod = match left {
                    0 => "whole 1".to_owned(),
                    1000 => "share 0 vram 1".to_owned(),
                    _ => format!("share {}", 1000 - left),
                };
                let devices = [DeviceSet::EMPTY.with(device)].into_iter().collect();
                scene.hold(ix(index), request(&pod), devices);
            }
        }
        scene
    }

    /// The same with another pod on `name`, on the fullest devices that fit.
    pub(crate) fn holding(mut self, name: &str, pod: &str) -> Self {
        let (request, context) = (request(pod), context(Strategy::BestFit));
        let candidate = plan::candidate(self.state(name), &request, &context);
        let devices = candidate.expect("a pod that is there fits").devices;
        let node = ix(self.position(name));
        self.hold(node, request, devices);
        self
    }

    pub(crate) fn hold(&mut self, node: NodeIx, request: PodRequest, devices: Devices) -> PodUid {
        let last = self.cluster.pods().keys().next_back();
        let pod = PodUid(last.map_or(1, |pod| pod.0 + 1));
        let held = self
            .cluster
            .hold(pod, node, Arc::new(request), Claim::Bound(devices));
        held.expect("what is decided can be held");
        assert_eq!(audit(&self.cluster), []);
        pod
    }

    pub(crate) fn draw(&self) -> String {
        let lines: Vec<String> = self
            .cluster
            .nodes()
            .iter()
            .map(NodeState::to_string)
            .collect();
        lines.join("\n")
    }

    pub(crate) fn at(&self, node: NodeIx) -> &NodeState {
        &self.cluster.nodes()[node.index()]
    }

    pub(crate) fn state(&self, name: &str) -> &NodeState {
        &self.cluster.nodes()[self.position(name)]
    }

    fn position(&self, name: &str) -> usize {
        let mut nodes = self.cluster.nodes().iter();
        nodes
            .position(|state| &*state.node().name == name)
            .expect("the node is drawn")
    }

    /// The names of the nodes that can take `pod`, the best first, with their scores.
    pub(crate) fn ranked(&self, pod: &str, context: &Context) -> Vec<(String, i64)> {
        let ranked = verbs::prioritize(&self.cluster, &request(pod), context);
        let name = |node| self.at(node).node().name.to_string();
        ranked
            .into_iter()
            .map(|(node, c)| (name(node), c.score.0))
            .collect()
    }

    /// How good `name` is for `pod`.
    pub(crate) fn score(&self, name: &str, pod: &str, context: &Context) -> i64 {
        let answer = plan::candidate(self.state(name), &request(pod), context);
        answer.expect("the pod should fit").score.0
    }
}

/// Decision 0 under `strategy`, with a workload of half devices, whole ones and none.
pub(crate) fn context(strategy: Strategy) -> Context {
    expecting(
        strategy,
        &["share 500 cores 4000", "whole 1 cores 8000", "cores 2000"],
    )
}

/// Decision 0 under `strategy`, looking ahead at these pods.
pub(crate) fn expecting(strategy: Strategy, pods: &[&str]) -> Context {
    let pods: Vec<PodRequest> = pods.iter().map(|pod| request(pod)).collect();
    let outlook = Outlook::new(&Workload::count(&pods));
    Context::new(strategy, Parameters::default(), Arc::new(outlook), 7)
}

/// A GPU with its model's memory, MiB.
pub(crate) fn gpu(model: &str) -> Gpu {
    let memory = match model {
        "G" => 16_000,
        "T4" => 15_360,
        "V100M16" => 16_384,
        "V100M32" => 32_768,
        "Odd" => 1_001,
        _ => panic!("{model:?} has no memory here"),
    };
    Gpu {
        vendor: Vendor::Nvidia,
        model: Model::new(model),
        memory: Mebibytes(memory),
        mode: GpuMode::Plain,
    }
}

/// The node of one line, and its devices that are not idle with what is left of them.
fn node(rank: usize, line: &str, hardware: &str) -> (Node, Vec<(usize, u32)>) {
    let (name, rest) = line.split_once(':').expect("a node has a name");
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (cells, room) = words.split_at(words.len() - 3);
    let unit = |word: usize, unit| number(room[word].strip_suffix(unit).expect("a unit"));
    let left = cells.iter().map(|&cell| match cell {
        "." => None,
        "x" => Some(0),
        left => Some(number(left.strip_suffix("/1000").expect("a cell"))),
    });
    let fillers: Vec<_> = left
        .enumerate()
        .filter_map(|(i, left)| Some((i, left?)))
        .collect();
    let boards = hardware
        .split(',')
        .find_map(|node| node.trim().strip_prefix(name));
    let boards: Vec<&str> = boards.unwrap_or("G").split_whitespace().collect();
    let models = (0..cells.len()).map(|i| boards[i.min(boards.len() - 1)]);
    let node = Node {
        name: name.into(),
        rank: u32::try_from(rank).expect("few lines"),
        room: Room {
            cores: Milli(unit(0, "m")),
            memory: Mebibytes(unit(1, "Mi")),
            pods: unit(2, "p") + u32::try_from(fillers.len()).expect("few cells"),
        },
        gpus: models.map(gpu).collect(),
        hand_over: HandOver::StowageNri,
        ..Node::default()
    };
    (node, fillers)
}

pub(crate) fn spell(devices: &Devices) -> String {
    let set = |set: &DeviceSet| match set.iter().map(|d| d.to_string()).collect::<Vec<_>>() {
        none if none.is_empty() => "-".to_owned(),
        some => some.join(" "),
    };
    devices.iter().map(set).collect::<Vec<_>>().join(" | ")
}

pub(crate) fn ix(index: usize) -> NodeIx {
    NodeIx(u32::try_from(index).expect("few nodes"))
}

proptest! {
    #[test]
    fn drawing_read_and_drawn_again_is_the_same(
        lines in prop::collection::vec(
            (prop::collection::vec(0_u32..=1001, 0..=32), 0_u32..1_000_000, any::<u32>(), 0_u32..1000),
            1..4,
        ),
    ) {
        let cell = |left: &u32| match left {
            0 => "x ".to_owned(),
            1001 => ". ".to_owned(),
            left => format!("{left}/1000 "),
        };
        let line = |(i, (cells, cores, memory, pods)): (usize, &(Vec<u32>, u32, u32, u32))| {
            let cells: String = cells.iter().map(cell).collect();
            format!("n{i}: {cells}{cores}m {memory}Mi {pods}p")
        };
        let drawing = lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(Scene::of(&drawing).draw(), drawing);
    }
}
