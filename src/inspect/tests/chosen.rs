//! What `explain` says of MIG instances, replicas, counted partitions and links: what a pod would get,
//! and what is lacking.

use serde_json::json;
use stowage_core::partition::Partition;
use stowage_core::topology::Board;

use super::*;
use crate::inspect::explain::Explanation;
use crate::inspect::paper::Paper;
use crate::inspect::sheet::sheet;

/// What is said of the first pod that waits.
fn explained(objects: &[Value], change: impl Fn(&mut Node)) -> Explanation {
    let model = model_with(objects, change);
    let waits = model.pods.iter().find(|pod| pod.facts.node_name.is_none());
    Explanation::of(&model, waits.unwrap())
}

/// Verdict and detail of the only refusal, and the nearest change.
fn refusal(objects: &[Value], change: impl Fn(&mut Node)) -> [String; 3] {
    let mut found = explained(objects, change);
    assert_eq!((found.status, found.verdicts.len()), ("refused", 1));
    let verdict = found.verdicts.remove(0);
    let change = found.nearest_change.map(|change| change.sentence);
    [
        verdict.verdict,
        verdict.detail.unwrap_or_default(),
        change.unwrap_or_default(),
    ]
}

/// The lines about the best node, in the text that people read.
fn best(objects: &[Value], change: impl Fn(&mut Node)) -> Vec<String> {
    let paper = Paper {
        width: 100,
        colour: false,
    };
    let text = sheet(&explained(objects, change), paper);
    let lines = text.lines().skip_while(|line| !line.starts_with("1. "));
    let lines = lines.skip(1).take_while(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn board(used: &[(&str, u8)]) -> Vec<Value> {
    let held = used.iter().enumerate();
    let held = held.map(|(n, (profile, start))| cut(&format!("h{n}"), "mig", 0, profile, *start));
    [served("mig", 1, 81_920)].into_iter().chain(held).collect()
}

fn and(mut objects: Vec<Value>, pod: Value) -> Vec<Value> {
    objects.push(pod);
    objects
}

/// Joined as `board`; handed over by the agent.
fn linked(board: Board) -> impl Fn(&mut Node) {
    move |node| node.links = Some(std::sync::Arc::new(board.layout()))
}

/// So many whole GPUs, joined as `wish` says.
fn joined(gpus: u32, wish: &str) -> Value {
    let annotations = json!({"stowage.dev/topology": wish});
    with(whole("w", gpus), "/metadata/annotations", annotations)
}

#[test]
fn an_instance_is_drawn_on_its_board() {
    // A lone 1g goes where it keeps the place of a 4g.
    let objects = and(board(&[]), mig("p", "1g.10gb"));
    assert_eq!(
        best(&objects, by_name),
        [
            "  main: GPU 0, A100-80GB, 1g.10gb at slot 6: M[......#.]",
            "  before M[........] 16000m 65536Mi 10p",
            "  after  M[......x.] 15000m 65536Mi 9p",
        ]
    );
    let objects = and(board(&[("4g.40gb", 0)]), mig("p", "3g.40gb"));
    assert_eq!(
        best(&objects, by_name)[0],
        "  main: GPU 0, A100-80GB, 3g.40gb at slot 4: M[xxxx####]"
    );
    let found = explained(&objects, by_name);
    let gpu = serde_json::to_value(&found.best[0].containers[0].gpus[0]).unwrap();
    let slots = json!({"profile": "3g.40gb", "start": 4, "slots": "xxxx####"});
    assert_eq!(gpu["mig"], slots);
}

#[test]
fn two_instances_of_one_pod_are_drawn_apart() {
    let two = pod("p", &json!({"nvidia.com/mig-3g.40gb": "2"}));
    let lines = best(&and(board(&[]), two), by_name);
    let mut drawn: Vec<_> = lines[..2]
        .iter()
        .map(|line| line.split("M[").last())
        .collect();
    drawn.sort_unstable();
    assert_eq!(drawn, [Some("####xxxx]"), Some("xxxx####]")]);
}

#[test]
fn a_refused_instance_is_told_the_slots_and_the_next_smaller_profile() {
    let objects = and(
        board(&[("1g.10gb", 1), ("1g.10gb", 5)]),
        mig("p", "3g.40gb"),
    );
    assert_eq!(
        refusal(&objects, by_name),
        [
            "no such GPU partition left",
            "slots M[.x...x..], 3g.40gb asked",
            "ask for 2g.20gb (3g.40gb asked)"
        ]
    );
    // The same memory with less compute comes first.
    let objects = and(board(&[("3g.40gb", 0)]), mig("p", "4g.40gb"));
    let [_, detail, change] = refusal(&objects, by_name);
    assert_eq!(detail, "slots M[xxxx....], 4g.40gb asked");
    assert_eq!(change, "ask for 3g.40gb (4g.40gb asked)");
    // Nothing is left of the board for anything: somebody has to end.
    let objects = and(board(&[("7g.80gb", 0)]), mig("p", "1g.10gb"));
    let [_, detail, change] = refusal(&objects, by_name);
    assert_eq!(detail, "slots M[xxxxxxxx], 1g.10gb asked");
    assert_eq!(change, "end default/h0 on mig (7g.80gb, 1 core)");
    // A profile of another board, on a node that has none that gives it.
    let objects = and(board(&[]), mig("p", "1g.6gb"));
    let [_, detail, _] = refusal(&objects, by_name);
    assert_eq!(detail, "has no board that gives 1g.6gb");
}

#[test]
fn a_failed_board_serves_nobody() {
    let node = with_failed(served("mig", 1, 81_920), 0);
    let [_, detail, _] = refusal(&[node, mig("p", "1g.10gb")], by_name);
    assert_eq!(detail, "has no board that gives 1g.10gb");
}

fn counting(node: &mut Node) {
    let kind = |name: &str| Partition::Mig(name.parse().unwrap());
    let kinds = [(kind("1g.10gb"), 2), (kind("3g.40gb"), 1)];
    (node.gpus, node.partitions) = ([].into(), kinds.into());
}

#[test]
fn counted_partitions_are_the_device_plugins_choice() {
    let objects = [plugin("a", 0), mig("p", "1g.10gb")];
    assert_eq!(
        best(&objects, counting),
        [
            "  main: a 1g.10gb, which one is the device plugin's choice",
            "  predicted: the device plugin may choose other GPUs",
            "  before 2*1g.10gb 1*3g.40gb 16000m 65536Mi 10p",
            "  after  1*1g.10gb 1*3g.40gb 15000m 65536Mi 9p",
        ]
    );
    let held = somewhere(mig("h", "3g.40gb"), "a");
    let [_, detail, change] = refusal(&[plugin("a", 0), held, mig("p", "3g.40gb")], counting);
    assert_eq!(detail, "0 of 1 3g.40gb left, 1 asked");
    assert_eq!(change, "ask for 1g.10gb (3g.40gb asked)");
}

#[test]
fn time_slicing_is_warned_of_and_mps_is_not() {
    let warning = "  warning: time-slicing: GPU memory is not isolated, any pod on the GPU can take all of it";
    let lines = best(&[plugin("time", 1), whole("w", 1)], by_name);
    assert_eq!(lines[0], "  main: GPU 0, T4-16GB, one of 4 replicas");
    assert_eq!(lines[1], warning);
    let lines = best(&[plugin("time", 1), whole("w", 3)], by_name);
    assert_eq!(lines[0], "  main: GPU 0, T4-16GB, 3 of 4 replicas");
    let lines = best(&[plugin("mps", 1), whole("w", 1)], by_name);
    assert_eq!(lines[0], "  main: GPU 0, T4-16GB, one of 4 replicas");
    assert!(!lines.contains(&warning.to_owned()), "{lines:?}");
    let bound = somewhere(whole("h", 1), "time");
    let model = model_with(&[plugin("time", 1), bound], by_name);
    let found = Explanation::of(&model, &model.pods[0]).bound.unwrap();
    assert_eq!((found.devices_known, found.warnings.len()), (false, 1));
    let held = (0..4).map(|n| somewhere(whole(&format!("h{n}"), 1), "time"));
    let objects: Vec<_> = [plugin("time", 1), whole("w", 1)]
        .into_iter()
        .chain(held)
        .collect();
    let [verdict, detail, _] = refusal(&objects, by_name);
    assert_eq!(
        (&*verdict, &*detail),
        ("too few idle GPUs", "0 free replicas, 1 asked")
    );
    let held = somewhere(whole("h", 2), "time");
    let [_, detail, change] = refusal(&[plugin("time", 1), whole("w", 3), held], by_name);
    assert_eq!(detail, "2 free replicas, 3 asked");
    assert_eq!(change, "ask for 2 GPUs in a container (3 asked)");
}

#[test]
fn the_class_of_the_chosen_set_is_said() {
    let class = |board, gpus| {
        let found = explained(&[served("a", 8, 1000), whole("w", gpus)], linked(board));
        found.best[0].links
    };
    assert_eq!(class(Board::Dgx1V100, 2), Some("nvlink"));
    assert_eq!(class(Board::Dgx1V100, 8), Some("system"));
    assert_eq!(class(Board::TwoSocketPcie, 2), Some("pcie"));
    assert_eq!(class(Board::TwoSocketPcie, 4), Some("numa"));
    assert_eq!(class(Board::TwoSocketPcie, 1), None);
    let found = explained(&[served("a", 8, 1000), whole("w", 2)], |_| {});
    assert_eq!(found.best[0].links, None);
    let lines = best(
        &[served("a", 8, 1000), whole("w", 2)],
        linked(Board::Dgx1V100),
    );
    assert!(lines.contains(&"  joined: nvlink".to_owned()), "{lines:?}");
}

#[test]
fn a_refused_topology_is_told_the_best_class_and_may_be_a_preference() {
    let pcie = || linked(Board::TwoSocketPcie);
    assert_eq!(
        refusal(&[served("a", 8, 1000), joined(2, "nvlink")], pcie()),
        [
            "the idle GPUs are not joined as demanded",
            "gives pcie at best, nvlink asked",
            "only prefer its topology, nvlink? (nvlink demanded)"
        ]
    );
    let [_, detail, _] = refusal(&[served("a", 8, 1000), joined(4, "pcie")], pcie());
    assert_eq!(detail, "gives numa at best, pcie asked");
    let [_, detail, _] = refusal(&[plugin("a", 8), joined(2, "nvlink")], pcie());
    assert_eq!(
        detail,
        "its device plugin is predicted to give pcie, nvlink asked"
    );
    let [_, detail, _] = refusal(&[served("a", 8, 1000), joined(2, "nvlink")], |_| {});
    assert_eq!(detail, "how its GPUs are joined is not known, nvlink asked");
    // A preference is no reason to refuse.
    let found = explained(&[served("a", 8, 1000), joined(2, "nvlink?")], pcie());
    assert_eq!((found.status, found.best[0].links), ("fits", Some("pcie")));
}

#[test]
fn another_change_does_not_drop_the_topology() {
    // Fewer cores alone would not do, because links are demanded as well.
    let hungry = with(
        joined(2, "nvlink"),
        "/spec/containers/0/resources/requests",
        json!({"cpu": "17"}),
    );
    let [verdict, _, change] = refusal(
        &[served("a", 8, 1000), hungry],
        linked(Board::TwoSocketPcie),
    );
    assert_eq!((&*verdict, &*change), ("too few CPU cores left", ""));
}
