//! Wishes, and what a choice is worth beside those of other nodes.

use super::{rtx8000, set};
use crate::topology::{Board, Layout, Sets, Wanted, Wish, best, satisfies, worth};

fn wish(word: &str) -> Wish {
    word.parse().expect("it is a wish")
}

#[test]
fn words_are_wishes() {
    let words = [
        ("nvlink", Wanted::NvLink, true),
        ("nvlink?", Wanted::NvLink, false),
        ("pcie", Wanted::Pcie, true),
        ("pcie?", Wanted::Pcie, false),
        ("numa", Wanted::Numa, true),
        ("numa?", Wanted::Numa, false),
    ];
    for (word, wanted, must) in words {
        assert_eq!(wish(word), Wish { wanted, must });
        assert_eq!(wish(word).to_string(), word);
    }
    for word in ["", "?", "NVLink", "nvlink??", " numa", "pci", "nvlink!"] {
        let error = word.parse::<Wish>().expect_err("it is no wish");
        let expected =
            format!("{word:?}: expected nvlink, pcie or numa, with ? where it is only preferred");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn all_pairs_must_have_it() {
    use Wanted::{Numa, NvLink, Pcie};
    let rows: [(Board, &[usize], [bool; 3]); 9] = [
        (Board::Dgx1V100, &[0, 1, 2, 3], [true, true, true]),
        // An NVLink across the sockets is no common socket.
        (Board::Dgx1V100, &[0, 4], [true, true, false]),
        (Board::Dgx1V100, &[0, 1, 4], [false, false, false]),
        (Board::HgxH100, &[0, 7], [true, true, false]),
        (Board::BridgedQuad, &[0, 1], [true, true, true]),
        (Board::BridgedQuad, &[0, 1, 2], [false, false, false]),
        (Board::TwoSocketPcie, &[0, 1], [false, true, true]),
        (Board::TwoSocketPcie, &[0, 2], [false, false, true]),
        (Board::TwoSocketPcie, &[0, 4], [false, false, false]),
    ];
    for (board, devices, expected) in rows {
        let has = |wanted| satisfies(&board.layout(), set(devices), wanted);
        let found = [NvLink, Pcie, Numa].map(has);
        assert_eq!(found, expected, "{devices:?} of {board:?}");
    }
}

#[test]
fn one_alone_has_everything_and_the_unknown_nothing() {
    let unknown = Layout::unknown(2).expect("two are not too many");
    for wanted in [Wanted::NvLink, Wanted::Pcie, Wanted::Numa] {
        assert!(satisfies(&unknown, set(&[1]), wanted));
        assert!(satisfies(&unknown, set(&[]), wanted));
        assert!(!satisfies(&unknown, set(&[0, 1]), wanted));
        assert!(!satisfies(&Board::HgxH100.layout(), set(&[0, 9]), wanted));
    }
}

/// Board, free devices, how many, the wish, and who is taken.
type Row = (
    Board,
    &'static [usize],
    usize,
    &'static str,
    Option<&'static [usize]>,
);

#[test]
fn a_must_refuses_and_a_should_prefers() {
    let rows: [Row; 8] = [
        (Board::TwoSocketPcie, &[0, 1, 4], 2, "nvlink", None),
        (
            Board::TwoSocketPcie,
            &[0, 1, 4],
            2,
            "nvlink?",
            Some(&[0, 1]),
        ),
        (Board::TwoSocketPcie, &[0, 1, 2], 3, "pcie", None),
        (
            Board::TwoSocketPcie,
            &[0, 1, 2],
            3,
            "pcie?",
            Some(&[0, 1, 2]),
        ),
        // The double link across the sockets is faster, the single one is within.
        (Board::Dgx1V100, &[0, 1, 4], 2, "nvlink", Some(&[0, 4])),
        (Board::Dgx1V100, &[0, 1, 4], 2, "numa", Some(&[0, 1])),
        (Board::Dgx1V100, &[0, 1, 4], 2, "numa?", Some(&[0, 1])),
        (Board::HgxH100, &[0, 4, 5], 2, "numa", Some(&[4, 5])),
    ];
    for (board, free, n, word, expected) in rows {
        let layout = board.layout();
        let found = Sets::new(layout.clone()).best(set(free), n, Some(wish(word)));
        let expected = expected.map(set);
        let what = format!("{n} of {free:?} of {board:?}, {word}");
        assert_eq!(found.map(|choice| choice.set), expected, "{what}");
        assert_eq!(
            best(&layout, set(free), n, Some(wish(word))),
            found,
            "{what}"
        );
    }
}

#[test]
fn a_wish_may_tell_apart_what_bandwidth_does_not() {
    let hgx = Board::HgxH100.layout();
    assert!(hgx.is_uniform());
    assert!(wish("numa").splits(&hgx));
    assert!(!wish("nvlink").splits(&hgx));
}

/// What two devices are worth on each machine when `free` are free.
fn two(layout: &Layout, free: &[usize]) -> i64 {
    let choice = best(layout, set(free), 2, None).expect("two are free");
    worth(layout, &choice)
}

#[test]
fn linked_pairs_outrank_all_others() {
    let unknown = Layout::unknown(8).expect("eight are not too many");
    let worths = [
        two(&Board::HgxH100.layout(), &[0, 7]),
        two(&Board::Dgx1V100.layout(), &[0, 3]),
        two(&Board::Dgx1V100.layout(), &[0, 1]),
        two(&Board::TwoSocketPcie.layout(), &[0, 1]),
        two(&Board::TwoSocketPcie.layout(), &[0, 2]),
        two(&Board::TwoSocketPcie.layout(), &[0, 4]),
        two(&Board::Dgx1V100.layout(), &[0, 5]),
        two(&unknown, &[0, 1]),
    ];
    assert!(worths.is_sorted_by(|a, b| a > b), "{worths:?}");
    // A link of 50 GB/s is worth more than a PCIe 4.0 switch, and one of 25 GB/s too.
    assert!(two(&rtx8000(), &[1, 2]) > two(&Board::TwoSocketPcie.layout(), &[0, 1]));
}

#[test]
fn a_single_goes_where_least_is_lost() {
    let one = |layout: Layout| {
        let choice = best(&layout, layout.devices(), 1, None).expect("one is free");
        worth(&layout, &choice)
    };
    let pcie = one(Board::TwoSocketPcie.layout());
    assert!(pcie > one(Board::Dgx1V100.layout()));
    assert!(one(Board::Dgx1V100.layout()) > one(Board::HgxH100.layout()));
}
