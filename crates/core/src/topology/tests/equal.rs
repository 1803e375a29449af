//! The search and the tables give the naive answer, set for set.

use proptest::prelude::*;

use super::{boards, from_bits, naive, set};
use crate::topology::{
    Bandwidth, Board, Layout, Pair, PciePath, Sets, Wanted, Wish, best, satisfies,
};

const MUSTS: [Option<Wanted>; 4] = [
    None,
    Some(Wanted::NvLink),
    Some(Wanted::Pcie),
    Some(Wanted::Numa),
];

fn must(wanted: Wanted) -> Wish {
    Wish { wanted, must: true }
}

fn check(sets: &mut Sets, free: u32, n: usize, wanted: Option<Wanted>, name: &str) {
    let (layout, free) = (sets.layout().clone(), from_bits(free));
    let expected = naive::best(&layout, free, n, wanted);
    let found = sets.best(free, n, wanted.map(must));
    let what = format!("{n} of {free:?} of {name}, {wanted:?}");
    assert_eq!(found.map(|choice| choice.set), expected, "{what}");
    assert_eq!(best(&layout, free, n, wanted.map(must)), found, "{what}");
    let Some(choice) = found else { return };
    let pairs: Vec<_> = layout.within(choice.set).map(|p| p.bandwidth).collect();
    assert_eq!(choice.slowest, pairs.iter().copied().min(), "{what}");
    assert_eq!(choice.total.0, pairs.iter().map(|b| b.0).sum(), "{what}");
    assert!(wanted.is_none_or(|wanted| satisfies(&layout, choice.set, wanted)));
}

#[test]
fn every_free_set_and_size_of_every_board() {
    for (name, layout) in boards() {
        let mut sets = Sets::new(layout);
        for wanted in MUSTS {
            for free in 0..1 << sets.layout().gpus() {
                for n in 0..=8 {
                    check(&mut sets, free, n, wanted, name);
                }
            }
        }
    }
}

#[test]
fn an_answer_that_is_known_stays_the_same() {
    let mut sets = Sets::new(Board::Dgx1V100.layout());
    for n in 1..=8 {
        let first = sets.best(from_bits(0b1101_1110), n, None);
        assert_eq!(sets.best(from_bits(0b1101_1110), n, None), first);
    }
}

#[test]
fn devices_that_the_layout_does_not_know_are_not_chosen() {
    let quad = Board::BridgedQuad.layout();
    for free in [set(&[3, 4, 5, 31]), set(&[3])] {
        let found = Sets::new(quad.clone()).best(free, 1, None);
        assert_eq!(found.map(|choice| choice.set), Some(set(&[3])));
        assert_eq!(Sets::new(quad.clone()).best(free, 2, None), None);
    }
}

#[test]
fn a_large_layout_is_searched_to_the_end_or_answered_greedily() {
    // Two sockets of 16, pairs behind a switch.
    let pair = |low: usize, high: usize| Pair {
        bandwidth: Bandwidth(match (low / 16 == high / 16, low / 2 == high / 2) {
            (true, true) => 32_000,
            (true, false) => 20_000,
            _ => 16_000,
        }),
        ..Pair::UNKNOWN
    };
    let layout = Layout::from_pairs(32, pair).expect("32 are not too many");
    let mut sets = Sets::new(layout.clone());
    for n in 1..=32 {
        let found = sets.best(layout.devices(), n, None).expect("all are free");
        assert_eq!(found.set.len(), n);
        let slowest = [(1, None), (2, Some(32_000)), (16, Some(20_000))];
        let slowest = slowest
            .into_iter()
            .rfind(|&(least, _)| n >= least && n <= 16);
        let slowest = slowest.map_or(Some(16_000), |(_, slowest)| slowest);
        let slowest = if n > 2 && n < 16 {
            Some(20_000)
        } else {
            slowest
        };
        assert_eq!(found.slowest, slowest.map(Bandwidth), "{n} of 32");
    }
    let choice = sets.best(layout.devices(), 16, None).map(|found| found.set);
    assert_eq!(choice, Some((0..16).collect()));
}

#[test]
fn the_greedy_answer_is_a_set_of_the_right_size() {
    // All bandwidths differ, so that nothing can be swapped and nothing ties.
    let pair = |low: usize, high: usize| Pair {
        bandwidth: Bandwidth(u32::try_from(1 + (high * 37 + low * 101) % 997).unwrap()),
        ..Pair::UNKNOWN
    };
    let layout = Layout::from_pairs(32, pair).expect("32 are not too many");
    for n in [2, 9, 16, 24, 32] {
        let found = best(&layout, layout.devices(), n, None).expect("all are free");
        assert_eq!(found.set.len(), n);
    }
}

/// A layout of `gpus` GPUs with few different bandwidths, so that much ties.
fn layouts(gpus: impl Strategy<Value = usize>) -> impl Strategy<Value = Layout> {
    let paths = [PciePath::Single, PciePath::Node, PciePath::System];
    let pair = (1_u32..4, prop::sample::select(paths.to_vec()), 0_u8..2);
    let pairs = prop::collection::vec(pair, 32 * 31 / 2);
    (gpus, pairs).prop_map(|(gpus, pairs)| {
        let mut pairs = pairs.into_iter();
        let pair = |_, _| {
            let (bandwidth, path, links) = pairs.next().expect("there are enough");
            Pair {
                bandwidth: Bandwidth(bandwidth),
                path,
                links,
                switched: false,
            }
        };
        Layout::from_pairs(gpus, pair).expect("they are not too many")
    })
}

proptest! {
    #[test]
    fn whatever_the_layout(
        layout in layouts(1_usize..9), free in any::<u32>(), n in 0_usize..9, wish in 0_usize..4,
    ) {
        check(&mut Sets::new(layout), free & 0xff, n, MUSTS[wish], "a random layout");
    }

    #[test]
    fn in_a_large_layout_too(
        layout in layouts(17_usize..33),
        free in prop::collection::vec(0_usize..32, 1..9),
        n in 0_usize..9,
        wish in 0_usize..4,
    ) {
        let free = free.into_iter().fold(0, |free, device| free | 1 << device);
        check(&mut Sets::new(layout), free, n, MUSTS[wish], "a large layout");
    }

    #[test]
    fn tables_and_search_agree_on_sixteen(
        layout in layouts(Just(16_usize)), free in any::<u32>(), n in 2_usize..9,
    ) {
        let free = from_bits(free & 0xffff);
        let found = Sets::new(layout.clone()).best(free, n, None);
        prop_assert_eq!(found, best(&layout, free, n, None));
    }
}
