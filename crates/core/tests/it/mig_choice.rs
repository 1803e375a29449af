//! Where the next instance goes: drawings, and an oracle that looks ahead over real boards without
//! classes and tables.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stowage_core::mig::{Board, BoardState, Demand, Geometry, MigProfile, Prospects};
use stowage_core::units::Score;

use crate::mig_drawing::{boards, draw, geometry, idle, profile};

/// Draws boards, places `names` one after the other, and compares.
fn becomes(board: &str, drawing: &str, names: &[&str], expected: &str) {
    becomes_expecting(
        &Prospects::new(Demand::default()),
        board,
        drawing,
        names,
        expected,
    );
}

fn becomes_expecting(
    prospects: &Prospects,
    board: &str,
    drawing: &str,
    names: &[&str],
    expected: &str,
) {
    let geometry = geometry(board);
    let mut boards = boards(board, drawing);
    let lines = drawing
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let lists = lines.map(|line| crate::mig_drawing::instances(geometry, line));
    let mut lists: Vec<_> = lists.collect();
    for name in names {
        let profile = profile(geometry, name);
        let choice = prospects.choose(&boards, profile).expect("it fits");
        let state = &mut boards[choice.board].state;
        *state = state
            .place(geometry, profile, choice.start)
            .expect("it is legal");
        lists[choice.board].push((profile, choice.start));
    }
    let drawn: Vec<String> = lists.iter().map(|list| draw(geometry, list)).collect();
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(drawn, expected, "{names:?} on {drawing}");
}

const IDLE: &str = "-- -- -- -- -- -- -- --";

fn several(boards: usize) -> String {
    vec![IDLE; boards].join("\n")
}

#[test]
fn a_lone_small_instance_keeps_the_place_of_a_4g() {
    becomes("A100-40GB", IDLE, &["1g"], "-- -- -- -- -- -- 1g --");
    becomes(
        "A100-40GB",
        IDLE,
        &["1g", "1g", "1g"],
        "-- -- -- -- 1g 1g 1g --",
    );
    becomes("A100-40GB", IDLE, &["2g"], "-- -- -- -- 2g .. -- --");
    becomes("A100-40GB", IDLE, &["1w"], "-- -- -- -- -- -- 1w ..");
    becomes("A100-40GB", IDLE, &["3g"], "-- -- -- -- 3g .. .. ..");
    becomes("A100-40GB", IDLE, &["1m"], "-- -- -- -- -- -- 1m --");
}

#[test]
fn seven_small_instances_use_one_board_of_four() {
    let expected = format!("1g 1g 1g 1g 1g 1g 1g --\n{}", several(3));
    becomes("A100-40GB", &several(4), &["1g"; 7], &expected);
    becomes("H100-80GB", &several(4), &["1g"; 7], &expected);
    let expected = format!("1g 1g 1g 1g 1g 1g 1g --\n{}", several(7));
    becomes("A100-40GB", &several(8), &["1g"; 7], &expected);
}

#[test]
fn a_4g_and_a_3g_share_one_board() {
    let expected = format!("4g .. .. .. 3g .. .. ..\n{}", several(3));
    becomes("A100-40GB", &several(4), &["4g", "3g"], &expected);
    becomes("A100-40GB", &several(4), &["3g", "4g"], &expected);
}

#[test]
fn broken_boards_are_filled_before_an_idle_one_is_opened() {
    becomes(
        "A100-40GB",
        "-- -- -- -- -- -- -- --
         4g .. .. .. -- -- -- --
         7g .. .. .. .. .. .. ..",
        &["3g"],
        "-- -- -- -- -- -- -- --
         4g .. .. .. 3g .. .. ..
         7g .. .. .. .. .. .. ..",
    );
    becomes(
        "A30-24GB",
        "-- -- -- --
         1g -- -- --",
        &["1g", "2g", "4g"],
        "4g .. .. ..
         1g 1g 2g ..",
    );
    becomes(
        "RTXPRO6000-96GB",
        "-- -- -- -- -- -- -- -- -- -- -- --
         -- -- -- 1x .. .. -- -- -- -- -- --",
        &["1n", "2a"],
        "-- -- -- -- -- -- -- -- -- -- -- --
         1n .. .. 1x .. .. 2a .. .. .. .. ..",
    );
}

#[test]
fn equal_boards_go_by_index_and_equal_starts_by_slice() {
    becomes(
        "A100-40GB",
        "7g .. .. .. .. .. .. ..
         -- -- -- -- -- -- -- --
         -- -- -- -- -- -- -- --",
        &["7g"],
        "7g .. .. .. .. .. .. ..
         7g .. .. .. .. .. .. ..
         -- -- -- -- -- -- -- --",
    );
    becomes("A30-24GB", "-- -- -- --", &["1g"], "1g -- -- --");
}

#[test]
fn what_nobody_expects_is_placed_where_it_closes_least() {
    let geometry = geometry("A100-40GB");
    let whole = Demand::of([(geometry, profile(geometry, "7g"), 1)]);
    let prospects = Prospects::new(whole);
    becomes_expecting(
        &prospects,
        "A100-40GB",
        "-- -- -- -- -- -- -- --
         -- -- -- -- -- -- 1g --",
        &["1g", "3g"],
        "-- -- -- -- -- -- -- --
         3g .. .. .. 1g -- 1g --",
    );
}

#[test]
fn no_board_no_choice() {
    let prospects = Prospects::new(Demand::default());
    let a100 = geometry("A100-40GB");
    let full = boards("A100-40GB", "7g .. .. .. .. .. .. ..");
    assert_eq!(prospects.choose(&full, profile(a100, "1g")), None);
    assert_eq!(prospects.choose(&[], profile(a100, "1g")), None);
    let others = idle("A30-24GB", 3);
    assert_eq!(prospects.choose(&others, profile(a100, "1g")), None);
    assert_eq!(prospects.value(&full), 0);
}

#[test]
fn on_a_node_of_two_models_each_board_is_read_by_its_own_table() {
    let prospects = Prospects::new(Demand::default());
    let mut mixed = idle("A100-80GB", 1);
    mixed.extend(boards("A100-40GB", "-- -- -- -- 3g .. .. .."));
    let choose = |name: &str| {
        let choice = prospects.choose(&mixed, name.parse().expect("a profile"));
        choice.map(|choice| (choice.board, choice.start))
    };
    assert_eq!(choose("1g.20gb").map(|(board, _)| board), Some(0));
    assert_eq!(choose("4g.20gb"), Some((1, 0)));
    assert_eq!(choose("1g.6gb"), None);
}

#[test]
fn between_nodes_a_broken_board_is_the_cheaper_one() {
    let prospects = Prospects::new(Demand::default());
    let a100 = geometry("A100-40GB");
    let score = |boards: &[Board], name| {
        let choice = prospects.choose(boards, profile(a100, name));
        choice.expect("it fits").score
    };
    let fresh = idle("A100-40GB", 4);
    let broken = boards(
        "A100-40GB",
        &format!("{}\n-- -- -- -- -- -- 1g --", several(3)),
    );
    // A 3g leaves the place of a 4g on a fresh board and takes it on the broken one.
    for name in ["1g", "2g", "4g"] {
        assert!(score(&broken, name) > score(&fresh, name), "{name}");
    }
    let spent = boards("A100-40GB", "1g 1g 1g 1g 1g 1g -- --");
    assert!(score(&spent, "1g") > score(&broken, "1g"));
    assert!(score(&fresh, "7g") < Score(0));
}

#[test]
fn the_usual_demand_has_a_weight_for_each_plain_profile() {
    let usual = Demand::usual(geometry("A100-40GB"));
    let usual: Vec<String> = usual
        .map(|(profile, weight)| format!("{weight} {profile}"))
        .collect();
    let expected = [
        "2 1g.5gb",
        "0 1g.5gb+me",
        "1 1g.10gb",
        "2 2g.10gb",
        "2 3g.20gb",
        "2 4g.20gb",
        "1 7g.40gb",
    ];
    assert_eq!(usual, expected);
    for geometry in Geometry::all() {
        assert!(Demand::usual(geometry).any(|(_, weight)| weight > 0));
        let as_counts =
            Demand::usual(geometry).map(|(profile, weight)| (geometry, profile, weight));
        let (told, unknown) = (
            Prospects::new(Demand::of(as_counts)),
            Prospects::new(Demand::default()),
        );
        let boards = idle(geometry.board(), 3);
        assert_eq!(told.value(&boards), unknown.value(&boards));
    }
}

#[test]
fn a_count_that_says_nothing_changes_nothing() {
    let (a100, a30) = (geometry("A100-40GB"), geometry("A30-24GB"));
    let nothing = [
        (a100, profile(a100, "1g"), 0),
        (a100, profile(a30, "1g"), 5),
    ];
    assert_eq!(Demand::of(nothing), Demand::default());
    let much = [
        (a100, profile(a100, "1g"), u32::MAX),
        (a100, profile(a100, "1g"), 9),
    ];
    assert_eq!(
        Prospects::new(Demand::of(much)).value(&idle("A100-40GB", 2)),
        14_000_000
    );
}

/// Looks ahead over boards as they are, slice by slice, remembering what it has seen.
struct Oracle<'a> {
    geometry: &'a Geometry,
    weights: Vec<(MigProfile, u32)>,
    seen: BTreeMap<Vec<BoardState>, u32>,
}

impl Oracle<'_> {
    fn value(&mut self, boards: &[BoardState]) -> u32 {
        let mut boards = boards.to_vec();
        boards.sort_unstable();
        if let Some(&value) = self.seen.get(&boards) {
            return value;
        }
        let (mut sum, mut total) = (0, 0);
        for (profile, weight) in self.weights.clone() {
            total += u64::from(weight);
            if let Some(best) = self.best(&boards, profile) {
                sum += u64::from(weight) * (1_000_000 + u64::from(best));
            }
        }
        let value = u32::try_from(sum / total).expect("small");
        self.seen.insert(boards, value);
        value
    }

    /// The highest value after `profile` was placed somewhere.
    fn best(&mut self, boards: &[BoardState], profile: MigProfile) -> Option<u32> {
        let mut best = None;
        for (at, state) in boards.iter().enumerate() {
            for start in state.options(self.geometry, profile) {
                let mut after = boards.to_vec();
                after[at] = state
                    .place(self.geometry, profile, start)
                    .expect("an option");
                best = best.max(Some(self.value(&after)));
            }
        }
        best
    }
}

/// Compares every choice of a random filling of `count` boards with the oracle's.
fn agrees(board: &str, count: usize, weights: &[u32], picks: &[prop::sample::Index]) {
    let geometry = geometry(board);
    let profiles = geometry.shapes().iter().map(|shape| shape.profile);
    let weights: Vec<(MigProfile, u32)> = profiles.zip(weights.iter().copied()).collect();
    let counts = weights
        .iter()
        .map(|&(profile, weight)| (geometry, profile, weight));
    let prospects = Prospects::new(Demand::of(counts));
    let mut oracle = Oracle {
        geometry,
        weights: weights
            .iter()
            .copied()
            .filter(|(_, weight)| *weight > 0)
            .collect(),
        seen: BTreeMap::new(),
    };
    let mut boards = idle(board, count);
    let states = |boards: &[Board]| boards.iter().map(|board| board.state).collect::<Vec<_>>();
    for pick in picks {
        let value = oracle.value(&states(&boards));
        assert_eq!(prospects.value(&boards), i64::from(value));
        let (profile, _) = weights[pick.index(weights.len())];
        let best = oracle.best(&states(&boards), profile);
        let choice = prospects.choose(&boards, profile);
        assert_eq!(choice.is_some(), best.is_some());
        let (Some(choice), Some(best)) = (choice, best) else {
            continue;
        };
        let opening = i64::from(boards[choice.board].state.is_idle()) * 100_000;
        let score = i64::from(best) - i64::from(value) - opening;
        assert_eq!(choice.score, Score(score));
        let state = &mut boards[choice.board].state;
        *state = state
            .place(geometry, profile, choice.start)
            .expect("it is legal");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn choices_are_the_best_there_are(
        weights in prop::collection::vec(1u32..9, 12),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 4..14),
    ) {
        agrees("A100-40GB", 1, &weights[..7], &picks);
        agrees("A30-24GB", 3, &weights[..5], &picks);
        let plain = [weights[0], 0, weights[1], weights[2], weights[3], 0, weights[4]];
        agrees("H100-80GB", 2, &plain, &picks);
        let fours = [weights[0], weights[1], 0, weights[2], 0, weights[3], 0, 0, 0, weights[4], 0];
        agrees("RTXPRO6000-96GB", 2, &fours, &picks);
    }

    #[test]
    fn a_choice_is_legal_whatever_was_seen_on_the_boards(
        seen in prop::collection::vec((0usize..9, any::<prop::sample::Index>(), 0u8..9), 0..20),
        kinds in prop::collection::vec(0usize..3, 1..9),
        pick in any::<prop::sample::Index>(),
    ) {
        let names = ["A100-40GB", "A100-80GB", "RTXPRO6000-96GB"];
        let mut boards: Vec<Board> = kinds.iter().flat_map(|&kind| idle(names[kind], 1)).collect();
        for (at, pick, start) in seen {
            let at = at % boards.len();
            let Board { geometry, state } = boards[at];
            let shapes = geometry.shapes();
            let profile = shapes[pick.index(shapes.len())].profile;
            boards[at].state = state.observe(geometry, profile, start);
        }
        let shapes = boards[0].geometry.shapes();
        let profile = shapes[pick.index(shapes.len())].profile;
        let prospects = Prospects::new(Demand::default());
        match prospects.choose(&boards, profile) {
            Some(choice) => {
                let Board { geometry, state } = boards[choice.board];
                prop_assert!(state.place(geometry, profile, choice.start).is_ok());
                prop_assert!(choice.score <= Score(0));
            }
            None => prop_assert!(!boards.iter().any(|b| b.state.fits(b.geometry, profile))),
        }
    }
}
