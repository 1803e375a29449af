//! Counting what is expected: classes, their order, and the cut to the frequent ones.

use proptest::prelude::*;
use stowage_core::request::PodRequest;
use stowage_core::strategy::Strategy::Fgd;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::workload::{Class, Workload};

use crate::drawing::{Scene, expecting, request};
use crate::history::pod;
use crate::parts::instances;

/// Counts pods written as `3 x share 500`.
fn count(pods: &[&str]) -> Workload {
    let several = pods.iter().flat_map(|line| {
        let (times, pod) = line.split_once(" x ").expect("a number of pods");
        vec![request(pod); times.parse().expect("a number")]
    });
    let pods: Vec<PodRequest> = several.collect();
    Workload::count(&pods)
}

/// Classes in order, as `count: cores share x devices`.
fn spell(workload: &Workload) -> Vec<String> {
    let class = |(class, count): &(Class, u64)| {
        format!(
            "{count}: {} {} x{}",
            class.cores, class.share, class.devices
        )
    };
    workload.classes().iter().map(class).collect()
}

#[test]
fn pods_that_differ_in_host_memory_alone_are_of_one_class() {
    let workload = count(&[
        "1 x share 500 mem 1",
        "1 x share 500 mem 2",
        "1 x share 500 vram 9/1000",
    ]);
    assert_eq!(spell(&workload), ["3: 0 500 x1"]);
    let others = count(&["1 x share 500", "1 x share 500 x2", "1 x share 500 cores 1"]);
    assert_eq!(others.classes().len(), 3);
    let memory = count(&[
        "1 x share 500",
        "1 x share 500 vram 9",
        "1 x share 500 vram 8",
    ]);
    assert_eq!(memory.classes().len(), 3);
    let models = count(&["1 x whole 1", "1 x whole 1 on T4", "1 x whole 1 on V100M16"]);
    assert_eq!(models.classes().len(), 3);
}

#[test]
fn of_several_containers_the_largest_share_counts_for_all_devices() {
    let workload = count(&["1 x share 200 + none + whole 2 cores 5"]);
    assert_eq!(spell(&workload), ["1: 5 1000 x3"]);
    assert_eq!(spell(&count(&["1 x none + none cores 5"])), ["1: 5 0 x0"]);
    assert_eq!(spell(&count(&["1 x cores 5"])), ["1: 5 0 x0"]);
}

#[test]
fn frequent_classes_come_first_and_equally_frequent_ones_largest_first() {
    let workload = count(&[
        "1 x share 500 x2",
        "1 x share 500",
        "2 x share 100",
        "1 x cores 7",
        "1 x whole 1",
    ]);
    let expected = [
        "2: 0 100 x1",
        "1: 7 0 x0",
        "1: 0 1000 x1",
        "1: 0 500 x2",
        "1: 0 500 x1",
    ];
    assert_eq!(spell(&workload), expected);
    assert_eq!(workload.total(), 6);
}

#[test]
fn cut_keeps_just_as_many_classes_as_cover_the_percentage() {
    let workload = count(&["94 x whole 1", "5 x share 500", "1 x share 100"]);
    let kept = |percent| workload.covering(percent).classes().len();
    assert_eq!([0, 1, 94, 95, 99, 100].map(kept), [0, 1, 1, 2, 2, 3]);
    let exact = count(&["95 x whole 1", "5 x share 500"]);
    assert_eq!(exact.covering(95).classes().len(), 1);
    assert_eq!(exact.covering(96).classes().len(), 2);
    assert_eq!(exact.covering(95).total(), 100);
}

#[test]
fn empty_workload_is_no_trouble() {
    let empty = count(&[]);
    assert_eq!((empty.total(), empty.classes().len()), (0, 0));
    assert_eq!(empty, Workload::default());
    assert_eq!(empty.covering(95), empty);
    let idle = Scene::of("a: . . 9m 9Mi 9p");
    let fragmentation = Outlook::new(&empty).fragmentation(idle.state("a"));
    assert_eq!(fragmentation.to_bits(), 0.0_f64.to_bits());
    assert_eq!(idle.score("a", "whole 1", &expecting(Fgd, &[])), 50);
}

proptest! {
    #[test]
    fn counting_agrees_with_a_look_at_every_pod(
        pods in prop::collection::vec(pod(), 0..60), percent in 0_u32..=100,
    ) {
        let workload = Workload::count(&pods);
        for (class, count) in workload.classes() {
            let same = pods.iter().filter(|pod| Class::of(pod) == *class).count();
            prop_assert_eq!(*count, same as u64);
        }
        let sum = |workload: &Workload| workload.classes().iter().map(|(_, n)| n).sum::<u64>();
        prop_assert_eq!(sum(&workload), pods.len() as u64);
        let ordered = workload.classes().windows(2).all(|pair| {
            let ((first, many), (second, few)) = (&pair[0], &pair[1]);
            (many, first) > (few, second)
        });
        prop_assert!(ordered);
        let kept = workload.covering(percent);
        prop_assert!(sum(&kept) * 100 >= workload.total() * u64::from(percent));
        if let Some((_, last)) = kept.classes().last() {
            prop_assert!((sum(&kept) - last) * 100 < workload.total() * u64::from(percent));
        }
    }
}

#[test]
fn mig_instances_are_counted_by_profile_beside_the_classes() {
    let pods = [instances("1g.10gb 1g.10gb 3g.40gb"), instances("1g.10gb")];
    let workload = Workload::count(&pods).covering(10);
    let spelled = workload.instances().iter();
    let spelled: Vec<_> = spelled
        .map(|(profile, count)| format!("{count} {profile}"))
        .collect();
    assert_eq!(spelled, ["3 1g.10gb", "1 3g.40gb"]);
    assert_eq!(spell(&workload), ["2: 0 0 x0"]);
}
