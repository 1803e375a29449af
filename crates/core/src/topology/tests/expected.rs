//! What an operator would expect, written by hand: the boards and, for each, who is free, how many
//! are asked for, and who should be taken. A row `a -> b -> c` takes one after the other.

use super::{bridged_eight, rtx8000, set};
use crate::gpu::DeviceSet;
use crate::topology::{Board, Layout, Sets};

/// Free devices, then the sets taken one after the other.
type Row = (&'static [usize], &'static [&'static [usize]]);

const ALL: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7];

fn check(layout: Layout, rows: &[Row]) {
    let mut sets = Sets::new(layout);
    for (free, takes) in rows {
        let mut free = set(free);
        for take in *takes {
            let found = sets.best(free, take.len(), None).expect("so many are free");
            let taken = found.set;
            assert_eq!(taken, set(take), "{} of {free:?}", take.len());
            free = free.minus(taken);
        }
    }
}

#[test]
fn dgx1() {
    // Double links form the ring 0-3-2-1-5-6-7-4-0; quads are 0-3 and 4-7.
    let rows: &[Row] = &[
        // The static policy's pairs, in its order.
        (ALL, &[&[0, 3], &[1, 2], &[4, 7], &[5, 6]]),
        (ALL, &[&[0, 1, 2, 3], &[4, 5, 6, 7]]),
        (ALL, &[ALL]),
        // Three have two double links and one single; the other quad stays whole.
        (ALL, &[&[0, 2, 3]]),
        // Singles use up one quad before they touch the other: 3 leaves the double link of 1 and 2,
        // and of these 2 has fewer links to what else is free.
        (ALL, &[&[0], &[3], &[2], &[1], &[4]]),
        // A double link across the quads is better than a single within one.
        (&[0, 1, 4], &[&[0, 4]]),
        (&[0, 2, 4, 5], &[&[0, 4]]),
        // The pair comes out of the broken quad, and leaves 1, which has a double link to 5.
        (&[1, 2, 3, 4, 5, 6, 7], &[&[2, 3], &[1, 5], &[4, 7]]),
        (&[0, 1, 2, 3, 4, 5, 6], &[&[5, 6], &[0, 1, 2, 3]]),
        // No link of its own: 0 and 5 before nothing.
        (&[0, 5], &[&[0, 5]]),
        // 1 before 0 or 4: the double link stays.
        (&[0, 1, 4], &[&[1], &[0, 4]]),
    ];
    check(Board::Dgx1V100.layout(), rows);
}

#[test]
fn nvswitch() {
    let rows: &[Row] = &[
        (ALL, &[&[0], &[1, 2], &[3, 4, 5, 6], &[7]]),
        (&[1, 3, 6], &[&[1, 3]]),
    ];
    check(Board::HgxH100.layout(), rows);
    check(Board::Mi300x.layout(), rows);
}

#[test]
fn bridged_quad() {
    let rows: &[Row] = &[
        (&[0, 1, 2, 3], &[&[0, 1], &[2, 3]]),
        // Two singles break one pair, not two.
        (&[0, 1, 2, 3], &[&[0], &[1], &[2, 3]]),
        // What is broken goes first.
        (&[1, 2, 3], &[&[1], &[2, 3]]),
        (&[0, 1, 3], &[&[3], &[0, 1]]),
        (&[0, 1, 3], &[&[0, 1], &[3]]),
        (&[0, 2], &[&[0, 2]]),
    ];
    check(Board::BridgedQuad.layout(), rows);
}

#[test]
fn bridged_across_sockets() {
    let rows: &[Row] = &[
        (&[0, 1, 2, 3], &[&[0, 3], &[1, 2]]),
        (&[1, 2, 3], &[&[3], &[1, 2]]),
        (&[0, 1, 2, 3], &[&[0], &[3], &[1], &[2]]),
    ];
    check(rtx8000(), rows);
}

#[test]
fn eight_bridged() {
    let rows: &[Row] = &[
        (ALL, &[&[0, 1], &[2, 3], &[4, 5], &[6, 7]]),
        (ALL, &[&[0], &[1], &[2, 3]]),
        // A quad is two bridged pairs of one socket.
        (&[0, 2, 3, 4, 5, 6, 7], &[&[4, 5, 6, 7], &[2, 3]]),
        (&[0, 2, 3, 4, 5, 6, 7], &[&[2, 3]]),
        // Six are both pairs of one socket and a pair of the other.
        (ALL, &[&[0, 1, 2, 3, 4, 5]]),
    ];
    check(bridged_eight(), rows);
}

#[test]
fn two_sockets() {
    let rows: &[Row] = &[
        (ALL, &[&[0, 1], &[2, 3], &[4, 5, 6, 7]]),
        (ALL, &[&[0, 1, 2, 3], &[4, 5, 6, 7]]),
        // Three stay in a socket, and what they leave is a whole one.
        (ALL, &[&[0, 1, 2], &[3], &[4, 5, 6, 7]]),
        (&[0, 1, 4, 5, 6, 7], &[&[4, 5, 6], &[7], &[0, 1]]),
        // One socket is too small for four, the other is not.
        (&[0, 1, 2, 4, 5, 6, 7], &[&[4, 5, 6, 7]]),
        // A single comes from the broken pair of the broken socket.
        (&[0, 1, 2, 4, 5, 6, 7], &[&[2], &[0], &[1], &[4]]),
        // Two of one switch before two of one socket before two of two sockets.
        (&[0, 2, 4, 5], &[&[4, 5], &[0, 2]]),
        (&[0, 2, 4], &[&[0, 2]]),
        (&[3, 4], &[&[3, 4]]),
    ];
    check(Board::TwoSocketPcie.layout(), rows);
}

#[test]
fn nothing_known_means_lowest_first() {
    let unknown = Layout::unknown(8).expect("eight are not too many");
    check(unknown.clone(), &[(ALL, &[&[0, 1, 2], &[3], &[4, 5]])]);
    let all = Sets::new(unknown).best(set(ALL), 9, None);
    assert_eq!(all, None);
    let none = Sets::new(Board::Dgx1V100.layout()).best(set(ALL), 0, None);
    assert_eq!(none.map(|none| none.set), Some(DeviceSet::EMPTY));
}
