//! The packing study for several nodes: each offers its best choice, the best score wins. Compared
//! with first fit over all boards, for the same boards on nodes of one to sixteen.

use std::io::Write;

use stowage_core::mig::{Board, MigProfile, Prospects};

use crate::mig_drawing::{idle, profile};
use crate::mig_packing::{Contest, Draws, LARGE_BOARDS, MIXES, Mix};

const BOARDS: usize = 16;
const NODES_OF: [usize; 5] = [1, 2, 4, 8, 16];

/// How many of `requests` are taken before the first that no node takes.
fn accepted(
    prospects: &Prospects,
    node: usize,
    boards: &[Board],
    requests: &[MigProfile],
) -> usize {
    let mut boards = boards.to_vec();
    let place = |&request: &MigProfile| {
        let nodes = boards.chunks(node).enumerate();
        let choices = nodes.filter_map(|(at, boards)| {
            let choice = prospects.choose(boards, request)?;
            Some((choice.score, std::cmp::Reverse(at), choice))
        });
        let (_, at, choice) = choices.max_by_key(|&(score, at, _)| (score, at))?;
        let Board { geometry, state } = &mut boards[at.0 * node + choice.board];
        *state = state
            .place(geometry, request, choice.start)
            .expect("it is legal");
        Some(())
    };
    requests.iter().map_while(place).count()
}

fn first_fit(boards: &[Board], requests: &[MigProfile]) -> usize {
    let mut boards = boards.to_vec();
    let place = |&request: &MigProfile| {
        let board = boards
            .iter_mut()
            .find(|b| b.state.fits(b.geometry, request))?;
        let start = board.state.options(board.geometry, request).next()?;
        board.state = board.state.place(board.geometry, request, start).ok()?;
        Some(())
    };
    requests.iter().map_while(place).count()
}

/// Requests taken in all: by first fit, and by ours for each size of node.
fn study(mix: &Mix, usual: bool, sequences: usize) -> (usize, [usize; NODES_OF.len()]) {
    let mut draws = Draws(7);
    let contest = Contest::new(mix.boards[0], mix, &mut draws);
    let prospects = if usual {
        &contest.usual
    } else {
        &contest.known
    };
    let boards = idle(mix.boards[0], BOARDS);
    let (mut naive, mut ours) = (0, [0; NODES_OF.len()]);
    for _ in 0..sequences {
        let requests = (0..=7 * BOARDS).map(|_| draws.profile(&contest.weights));
        let requests: Vec<MigProfile> = requests.collect();
        naive += first_fit(&boards, &requests);
        for (taken, node) in ours.iter_mut().zip(NODES_OF) {
            *taken += accepted(prospects, node, &boards, &requests);
        }
    }
    (naive, ours)
}

#[test]
fn the_best_score_packs_nodes_of_any_size_better_than_first_fit() {
    let chosen = std::env::var("STOWAGE_MIG_SEQUENCES").ok();
    let sequences = chosen.as_ref().map_or(30, |n| n.parse().expect("a number"));
    for mix in MIXES.iter().filter(|mix| mix.boards == LARGE_BOARDS) {
        for usual in [true, false] {
            let (naive, ours) = study(mix, usual, sequences);
            if chosen.is_some() {
                let name = mix.name;
                let line = format!("{name:15} usual {usual:5} first fit {naive} nodes {ours:?}");
                writeln!(std::io::stderr(), "{line}").expect("standard error is open");
            }
            for (taken, node) in ours.iter().zip(&NODES_OF) {
                // A node of one board does not know that others are left; it is level at worst.
                let enough = if *node == 1 { naive * 99 / 100 } else { naive };
                assert!(
                    *taken > enough,
                    "{} on nodes of {node}: {taken}, {naive}",
                    mix.name
                );
            }
        }
    }
}

#[test]
fn a_request_goes_to_the_broken_board_of_another_node() {
    let prospects = Prospects::new(stowage_core::mig::Demand::default());
    let request = |name| profile(idle("A100-40GB", 1)[0].geometry, name);
    let requests = [["1g"; 7].as_slice(), &["7g"; 7]].concat();
    let requests: Vec<MigProfile> = requests.into_iter().map(request).collect();
    for node in NODES_OF.into_iter().filter(|node| *node <= 8) {
        let taken = accepted(&prospects, node, &idle("A100-40GB", 8), &requests);
        assert_eq!(taken, 14, "seven boards are left idle by seven small ones");
    }
}
