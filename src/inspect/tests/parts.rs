//! MIG boards, replicas and counted partitions: drawn, summed up and stranded.

use proptest::prelude::*;
use serde_json::json;
use stowage_core::partition::Partition;

use super::stranded::found;
use super::*;
use crate::inspect::paper::Paper;
use crate::inspect::report::Inspection;
use crate::inspect::table::table;

fn inspection(objects: &[Value], change: impl Fn(&mut Node)) -> Inspection {
    Inspection::of(&model_with(objects, change))
}

/// The lines of the map, from its header to the first empty line.
fn map(objects: &[Value], change: impl Fn(&mut Node)) -> Vec<String> {
    let paper = Paper {
        width: 100,
        colour: false,
    };
    let text = table(&inspection(objects, change), paper);
    let lines = text.lines().skip_while(|line| !line.starts_with("node"));
    let lines = lines.take_while(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Usable, and the causes by name.
fn causes(objects: &[Value]) -> (u64, Vec<(&'static str, u64)>) {
    let found = found(&model_with(objects, by_name));
    let causes = found.causes.iter();
    (
        found.usable,
        causes
            .map(|(cause, milli)| (cause.name(), *milli))
            .collect(),
    )
}

/// Seven of these on a node that counts them.
fn counting(node: &mut Node) {
    let kind = Partition::Mig("1g.10gb".parse().unwrap());
    if node.name.starts_with("count") {
        (node.gpus, node.partitions) = ([].into(), [(kind, 7)].into());
    }
}

#[test]
fn a_board_shows_its_slots_and_who_holds_them() {
    let objects = [
        served("mig", 2, 81_920),
        cut("a", "mig", 0, "1g.10gb", 0),
        cut("b", "mig", 0, "3g.40gb", 4),
    ];
    let lines = map(&objects, by_name);
    assert_eq!(
        lines,
        [
            "node  GPUs           0           1             cores  memory  pods",
            "mig   2 x A100-80GB  M[x...xxxx] M[........]      14     64G     8",
            "  M[x.] memory slices of a MIG board, x held",
            "  mig GPU 0: 1g.10gb at 0 default/a, 3g.40gb at 4 default/b",
        ]
    );
    let found = inspection(&objects, by_name);
    let gpu = serde_json::to_value(&found.nodes[0].gpus[0]).unwrap();
    let instances = json!([{"pod": "default/a", "profile": "1g.10gb", "start": 0},
        {"pod": "default/b", "profile": "3g.40gb", "start": 4}]);
    assert_eq!(
        gpu["mig"],
        json!({"slots": "x...xxxx", "instances": instances})
    );
    assert_eq!(gpu["state"], "part");
}

#[test]
fn an_instance_that_cannot_be_there_is_taken_and_said() {
    let objects = [
        served("mig", 1, 81_920),
        cut("a", "mig", 0, "3g.40gb", 0),
        cut("b", "mig", 0, "2g.20gb", 2),
    ];
    let lines = map(&objects, by_name);
    assert_eq!(
        lines[1],
        "mig   1 x A100-80GB  M[xxxx....]      14     64G     8"
    );
    assert_eq!(lines[2], "  pods hold more than the node has");
    // Nobody knows where it lies: it may be anywhere.
    let lost = somewhere(mig("a", "1g.10gb"), "mig");
    let lines = map(&[served("mig", 1, 81_920), lost], by_name);
    assert_eq!(
        lines[1],
        "mig   1 x A100-80GB  M[xxxxxxxx]?      15     64G     9"
    );
}

#[test]
fn replicas_are_counted_and_say_how_they_share() {
    let held = |n: usize, node: &str| somewhere(whole(&format!("{node}{n}"), 1), node);
    let mut objects = vec![plugin("mps", 1), plugin("time", 2)];
    objects.extend((0..3).map(|n| held(n, "time")));
    objects.extend((0..4).map(|n| held(n, "mps")));
    let lines = map(&objects, by_name);
    assert_eq!(
        lines,
        [
            "node  GPUs         0    1      cores  memory  pods",
            "mps   1 x T4-16GB  4/4?           12     64G     6",
            "  replicas by MPS",
            "time  2 x T4-16GB  2/4? 1/4?      13     64G     7",
            "  replicas by time-slicing",
            "  3/4 replicas held   ? held, by number: which GPU is not known",
        ]
    );
    let found = inspection(&objects, by_name);
    let gpu = serde_json::to_value(&found.nodes[1].gpus[0]).unwrap();
    assert_eq!(
        gpu["replicas"],
        json!({"count": 4, "held": 2, "sharing": "time-slicing"})
    );
    assert_eq!(gpu["freeMilli"], 500);
    assert_eq!(gpu["pods"].as_array().map(Vec::len), Some(2));
}

#[test]
fn counted_partitions_are_told_by_number() {
    let held = |n: usize| somewhere(mig(&format!("m{n}"), "1g.10gb"), "count");
    let objects = [plugin("count", 0), held(0), held(1)];
    let lines = map(&objects, counting);
    assert_eq!(
        lines[1..],
        [
            "count  7 x 1g.10gb       14     64G     8",
            "  5 of 7 1g.10gb left"
        ]
    );
    let found = inspection(&objects, counting);
    assert_eq!((found.totals.gpu_nodes, found.totals.gpus), (1, 0));
    let kinds = serde_json::to_value(&found.nodes[0].partitions).unwrap();
    assert_eq!(kinds, json!([{"kind": "1g.10gb", "count": 7, "left": 5}]));
    // One more fits where five are left, whatever the node has of GPUs.
    assert_eq!(found.shapes[0].more, 5);
    let full: Vec<_> = [plugin("count", 0)]
        .into_iter()
        .chain((0..8).map(held))
        .collect();
    let lines = map(&full, counting);
    assert_eq!(
        lines[2..4],
        [
            "  0 of 7 1g.10gb left",
            "  pods hold more than the node has"
        ]
    );
}

#[test]
fn nodes_with_parts_fold_like_others() {
    let mut objects = Vec::new();
    for n in 0..40 {
        // Cores that differ make more rows than are shown one by one.
        let board = served(&format!("mig-{n:02}"), 1, 81_920);
        objects.push(with(
            board,
            "/status/allocatable/cpu",
            json!((16 + n).to_string()),
        ));
        objects.push(plugin(&format!("count-{n:02}"), 0));
        objects.push(cut(
            &format!("m{n}"),
            &format!("mig-{n:02}"),
            0,
            "1g.10gb",
            n % 7,
        ));
        let held = (0..n % 3).map(|k| {
            somewhere(
                mig(&format!("c{n}-{k}"), "1g.10gb"),
                &format!("count-{n:02}"),
            )
        });
        objects.extend(held);
    }
    let lines = map(&objects, |node| {
        by_name(node);
        counting(node);
    });
    assert!(
        lines[1].starts_with("count-00 x 40  7 x 1g.10gb"),
        "{lines:?}"
    );
    assert_eq!(lines[2], "  5..7 of 7 1g.10gb left");
    let boards = lines
        .iter()
        .filter(|line| line.contains("A100-80GB  M["))
        .count();
    assert_eq!(boards, 7, "{lines:?}");
}

#[test]
fn slices_that_no_asked_profile_fits_are_slots() {
    let held = |start| cut(&format!("h{start}"), "mig", 0, "1g.10gb", start);
    // Slices 0 to 3 are gone to two, 4 to 7 broken by one: no 3g.40gb.
    let objects = [
        served("mig", 1, 81_920),
        held(1),
        held(5),
        mig("p", "3g.40gb"),
    ];
    // 1g.10gb is asked for too, and fits until the axis is full.
    let (usable, rest) = causes(&objects);
    assert!(usable > 0, "{rest:?}");
    let model = model_with(&objects, by_name);
    let only = model.shapes.iter().filter(|shape| shape.pending > 0);
    let found = crate::inspect::stranded::stranded(&model, &only.collect::<Vec<_>>());
    let causes: Vec<_> = found
        .causes
        .iter()
        .map(|(c, milli)| (c.name(), *milli))
        .collect();
    assert_eq!((found.usable, causes), (0, vec![("slots", found.free)]));
    // Whole GPUs alone are asked for: nobody asks for slices.
    let whole = [served("mig", 1, 81_920), whole("w", 1)];
    assert_eq!(self::causes(&whole), (0, vec![("unasked", 1000)]));
}

#[test]
fn replicas_that_are_left_are_usable() {
    let held = somewhere(whole("h", 1), "time");
    assert_eq!(causes(&[plugin("time", 1), held]), (750, vec![]));
    assert_eq!(
        causes(&[plugin("time", 1), percent("p", 50)]),
        (0, vec![("unasked", 1000)])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_that_is_free_of_mixed_nodes_is_counted_once(
        nodes in prop::collection::vec((0usize..5, 1usize..4), 1..6),
        held in prop::collection::vec((0usize..6, 0usize..4, 0u8..8, 0usize..4), 0..8),
        asks in prop::collection::vec(0usize..7, 0..4),
    ) {
        let kinds = ["mig", "time", "mps", "count", "plain"];
        let profiles = ["1g.10gb", "2g.20gb", "3g.40gb", "7g.80gb"];
        let names: Vec<_> = nodes.iter().enumerate().map(|(n, (kind, _))| format!("{}-{n}", kinds[*kind])).collect();
        let mut objects = Vec::new();
        for (name, (_, gpus)) in names.iter().zip(&nodes) {
            objects.push(served(name, *gpus, 81_920));
        }
        for (at, (node, device, start, profile)) in held.iter().enumerate() {
            let node = names.get(*node).map_or("gone", |name| name);
            let name = format!("h{at}");
            objects.push(match start % 3 {
                0 => somewhere(whole(&name, 1), node),
                1 => somewhere(mig(&name, profiles[*profile]), node),
                _ => cut(&name, node, *device, profiles[*profile], *start),
            });
        }
        for (at, kind) in asks.iter().enumerate() {
            let name = format!("p{at}");
            objects.push(match kind {
                0..4 => mig(&name, profiles[*kind]),
                4 => whole(&name, 2),
                5 => whole(&name, 1),
                _ => percent(&name, 30),
            });
        }
        let (model, _) = read_with(&objects, |node| {
            by_name(node);
            counting(node);
        });
        found(&model);
        let report = Inspection::of(&model);
        prop_assert_eq!(report.stranded.free_milli, report.totals.free_milli);
    }
}
