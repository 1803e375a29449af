//! Published orders of arrival and ranks of nodes that are wrong.

use crate::support::Folder;

const ARRIVALS: &str = "arrivals/arrivals_default.csv";
const RANKS: &str = "arrivals/node_rank_default.csv";
/// Row numbers of the tiny trace's pods; ranks of its nodes too.
const NUMBER: &str = "a whole number from 0 to 1";

fn arrivals(text: &str) -> String {
    let line = Folder::published().with(ARRIVALS, text).refusal(&[]);
    line.strip_prefix(ARRIVALS)
        .expect("the orders are named")
        .to_owned()
}

fn ranks(text: &str) -> String {
    let line = Folder::published().with(RANKS, text).refusal(&[]);
    line.strip_prefix(RANKS)
        .expect("the ranks are named")
        .to_owned()
}

#[test]
fn a_row_number_out_of_range_or_no_number_is_refused() {
    for wrong in ["2", "-1", "x", "1.0", "4294967296"] {
        let expected = format!(":3: column seed42: expected {NUMBER}, got {wrong:?}");
        assert_eq!(arrivals(&format!("seed42\n0\n{wrong}\n")), expected);
    }
}

#[test]
fn a_gap_in_a_column_is_refused() {
    assert_eq!(
        arrivals("seed42,seed43\n0,0\n,1\n1,1\n"),
        ":4: column seed42: expected nothing below the end of a column, got \"1\""
    );
}

#[test]
fn an_order_without_arrivals_is_refused() {
    let expected = ":1: column seed42: expected at least one row number, got none";
    assert_eq!(arrivals("seed42\n"), expected);
}

#[test]
fn a_column_that_names_no_seed_is_refused() {
    for wrong in ["42", "seed", "seed-1", "seed042", "seedx"] {
        let expected = format!(":1: header: expected columns seedN, got {wrong:?}");
        assert_eq!(arrivals(&format!("{wrong}\n0\n")), expected);
    }
    let twice = ":1: header: expected column \"seed42\" once, got \"seed42,seed42\"";
    assert_eq!(arrivals("seed42,seed42\n0,0\n"), twice);
}

#[test]
fn ranks_that_are_no_permutation_are_refused() {
    assert_eq!(
        ranks("seed42\n1\n1\n"),
        ":3: column seed42: expected a number that is not above in this column, got \"1\""
    );
    let range = format!(":2: column seed42: expected {NUMBER}, got \"2\"");
    assert_eq!(ranks("seed42\n2\n1\n"), range);
    let few = ":1: column seed42: expected 2 different ranks, one a node, got 1";
    assert_eq!(ranks("seed42\n1\n"), few);
}

#[test]
fn an_order_without_ranks_is_refused() {
    let expected = ":1: column seed42: expected 2 different ranks, one a node, got 0";
    assert_eq!(ranks("seed43\n1\n0\n"), expected);
    let line = Folder::published().without(RANKS).refusal(&[]);
    assert!(
        line.starts_with(&format!("{RANKS}: cannot be read: ")),
        "{line}"
    );
}
