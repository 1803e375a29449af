//! What one board takes, judged by a naive oracle that looks at the list of instances, and counted
//! against the published numbers of layouts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stowage_core::mig::{BoardState, Extra, Geometry, MigProfile, Shape};

use crate::mig_drawing::{Instance, draw, geometry, instances, profile, state};

/// Boards of every kind, and two that do not exist: one whose mosts bite, one whose compute does.
fn kinds() -> Vec<Geometry> {
    let header = "gpu_model,profile,compute_slices,memory_slices,max_instances,placements";
    let rows = "few,1g.5gb,1,1,2,0;1;2;3\nfew,2g.10gb,2,2,1,0;2\nfew,1g.5gb+me,1,1,3,0;1;2;3\n\
                few,2g.10gb+me,2,2,1,0;2\nfew,4g.20gb,4,4,1,0\n\
                heavy,1g.5gb,1,1,4,0;1;2;3\nheavy,2g.5gb,2,1,4,0;1;2;3\nheavy,3g.10gb,3,2,2,0;2";
    let table = include_str!("../../data/mig-profiles.csv");
    let mut all = Geometry::read(table).expect("the table is well formed");
    all.extend(Geometry::read(&format!("{header}\n{rows}")).expect("well formed"));
    let kinds = ["A30-24GB", "A100-40GB", "RTXPRO6000-96GB", "few", "heavy"];
    all.retain(|geometry| kinds.contains(&geometry.board()));
    all
}

/// Whether the instances may lie on one board, from their list alone.
fn legal(geometry: &Geometry, list: &[Instance]) -> bool {
    let shape = |profile| geometry.shape(profile).expect("a profile of the board");
    let at_a_start = list
        .iter()
        .all(|&(p, start)| shape(p).starts.contains(&start));
    let cells = list
        .iter()
        .flat_map(|&(p, start)| start..start + shape(p).size);
    let cells: Vec<u8> = cells.collect();
    let apart = cells.iter().collect::<BTreeSet<_>>().len() == cells.len();
    let few = |Shape { profile, most, .. }: &Shape| {
        list.iter().filter(|(p, _)| p == profile).count() <= usize::from(*most)
    };
    let compute: u32 = list.iter().map(|(p, _)| u32::from(p.compute())).sum();
    let media = list.iter().filter(|(p, _)| p.takes_media()).count();
    at_a_start
        && apart
        && geometry.shapes().iter().all(few)
        && compute <= u32::from(geometry.compute())
        && media <= usize::from(geometry.media())
}

fn naive_options(geometry: &Geometry, list: &[Instance], profile: MigProfile) -> Vec<u8> {
    let with = |start| [list, &[(profile, start)]].concat();
    (0..geometry.slices())
        .filter(|&start| legal(geometry, &with(start)))
        .collect()
}

/// Every set of instances of `profiles` that placing them one after the other leads to.
fn layouts(geometry: &Geometry, profiles: &[MigProfile]) -> BTreeMap<Vec<Instance>, BoardState> {
    let idle = BoardState::idle(geometry);
    let mut found = BTreeMap::from([(Vec::new(), idle)]);
    let mut open = vec![(Vec::new(), idle)];
    while let Some((list, state)) = open.pop() {
        for &profile in profiles {
            for start in state.options(geometry, profile) {
                let mut list: Vec<Instance> = list.clone();
                list.push((profile, start));
                list.sort_unstable();
                let next = state.place(geometry, profile, start).expect("an option");
                if found.insert(list.clone(), next).is_none() {
                    open.push((list, next));
                }
            }
        }
    }
    found
}

/// Layouts, the empty one among them; those that take nothing more; those by profiles alone.
fn count(board: &str, of: impl Fn(&Geometry, &Shape) -> bool) -> [usize; 3] {
    let geometry = geometry(board);
    let shapes = geometry.shapes().iter().filter(|shape| of(geometry, shape));
    let profiles: Vec<MigProfile> = shapes.map(|shape| shape.profile).collect();
    let layouts = layouts(geometry, &profiles);
    let full = |state: &BoardState| !profiles.iter().any(|&p| state.fits(geometry, p));
    let maximal = layouts.iter().filter(|(_, state)| full(state));
    let maximal: Vec<_> = maximal.map(|(list, _)| list).collect();
    let profiles = |list: &&Vec<Instance>| list.iter().map(|(p, _)| *p).collect::<Vec<_>>();
    let distinct: BTreeSet<Vec<MigProfile>> = maximal.iter().map(profiles).collect();
    [layouts.len(), maximal.len(), distinct.len()]
}

fn plain(_: &Geometry, shape: &Shape) -> bool {
    shape.profile.extra() == Extra::None
}

fn narrow(geometry: &Geometry, shape: &Shape) -> bool {
    plain(geometry, shape) && (shape.profile.compute(), shape.size) != (1, 2)
}

#[test]
fn an_a100_has_298_layouts_of_which_19_are_full() {
    for board in ["A100-40GB", "A100-80GB", "H100-80GB", "B200-180GB"] {
        assert_eq!(count(board, narrow), [298, 19, 14], "{board}");
    }
}

#[test]
fn with_double_memory_it_has_723_of_which_78_are_full() {
    for board in ["A100-40GB", "A100-80GB", "H100-80GB", "B200-180GB"] {
        assert_eq!(count(board, plain)[..2], [723, 78], "{board}");
    }
}

#[test]
fn boards_of_four_have_26_layouts_of_which_5_are_full() {
    for board in ["A30-24GB", "RTXPRO6000-96GB"] {
        assert_eq!(count(board, plain)[..2], [26, 5], "{board}");
    }
}

#[test]
fn compute_never_refuses_what_slices_allow_on_a_real_board() {
    for geometry in Geometry::all() {
        let shapes = geometry.shapes().iter();
        let profiles: Vec<MigProfile> = shapes.map(|shape| shape.profile).collect();
        // Media extensions change neither slices nor compute, so plain ones and `-me` suffice.
        let profiles = profiles
            .iter()
            .copied()
            .filter(|p| p.extra() == Extra::None);
        let profiles: Vec<MigProfile> = profiles.collect();
        for (list, state) in layouts(geometry, &profiles) {
            for &profile in &profiles {
                let shape = geometry.shape(profile).expect("it is the board's");
                let free = |start: &&u8| state.taken().common(shape.slices(**start)).is_empty();
                let free = shape.starts.iter().filter(free).count();
                let options = state.options(geometry, profile).count();
                assert_eq!(options, free, "{profile} beside {}", draw(geometry, &list));
            }
        }
    }
}

/// A board, a profile, and where it may begin.
fn takes(board: &str, drawing: &str, name: &str, starts: &[u8]) {
    let geometry = geometry(board);
    let options = state(geometry, drawing).options(geometry, profile(geometry, name));
    assert_eq!(options.collect::<Vec<_>>(), starts, "{name} on {drawing}");
}

#[test]
fn instances_begin_where_the_table_says() {
    takes("A100-40GB", "-- -- -- -- -- -- -- --", "3g", &[0, 4]);
    takes(
        "A100-40GB",
        "-- -- -- -- -- -- -- --",
        "1g",
        &[0, 1, 2, 3, 4, 5, 6],
    );
    takes("A100-40GB", "4g .. .. .. -- -- -- --", "4g", &[]);
    takes("A100-40GB", "4g .. .. .. -- -- -- --", "3g", &[4]);
    takes("A100-40GB", "4g .. .. .. 3g .. .. ..", "1g", &[]);
    takes("A100-40GB", "-- -- -- -- 1g -- -- --", "3g", &[0]);
    takes("A100-40GB", "-- -- -- -- 1g -- -- --", "2g", &[0, 2]);
    takes("A100-40GB", "-- -- -- -- 1g -- -- --", "1w", &[0, 2, 6]);
    takes("A100-40GB", "1g 1g 1g 1g 1g 1g 1g --", "1w", &[]);
    takes("A100-40GB", "1m -- -- -- -- -- -- --", "1m", &[]);
    takes("A100-40GB", "1m -- -- -- -- -- -- --", "7g", &[]);
    takes("A30-24GB", "2m .. -- --", "1m", &[]);
    takes("A30-24GB", "2m .. -- --", "2g", &[2]);
    takes(
        "RTXPRO6000-96GB",
        "1a .. .. -- -- -- -- -- -- -- -- --",
        "2a",
        &[],
    );
    takes(
        "RTXPRO6000-96GB",
        "1a .. .. -- -- -- -- -- -- -- -- --",
        "2x",
        &[6],
    );
    takes(
        "RTXPRO6000-96GB",
        "1a .. .. -- -- -- -- -- -- -- -- --",
        "1n",
        &[3, 6, 9],
    );
    takes(
        "RTXPRO6000-96GB",
        "1a .. .. -- -- -- -- -- -- -- -- --",
        "1g.5gb",
        &[],
    );
}

#[test]
fn what_cannot_be_placed_or_removed_is_refused_with_its_reason() {
    let a100 = geometry("A100-40GB");
    let board = state(a100, "1m -- -- -- 3g .. .. ..");
    let place = |name, start| {
        let error = board.place(a100, profile(a100, name), start);
        error.map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = |sentence: &str| Err(sentence.to_owned());
    assert_eq!(place("2g", 2), Ok(()));
    assert_eq!(
        place("1g.6gb", 1),
        refused("1g.6gb: expected a profile of the board")
    );
    assert_eq!(
        place("2g", 1),
        refused("2g.10gb at slice 1: expected one of the profile's starts")
    );
    assert_eq!(
        place("2g", 255),
        refused("2g.10gb at slice 255: expected one of the profile's starts")
    );
    assert_eq!(
        place("2g", 4),
        refused("2g.10gb at slice 4: expected free slices")
    );
    let most = "1g.5gb+me: expected fewer such instances on the board";
    assert_eq!(place("1m", 1), refused(most));
    let remove = |name, start| {
        let error = board.remove(a100, profile(a100, name), start);
        error.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(remove("3g", 4), Ok(()));
    assert_eq!(
        remove("2g", 2),
        refused("2g.10gb at slice 2: expected an instance there")
    );
    assert_eq!(
        remove("4g", 0),
        refused("4g.20gb at slice 0: expected an instance there")
    );
    assert_eq!(
        remove("1g.6gb", 0),
        refused("1g.6gb: expected a profile of the board")
    );
    let idle = state(a100, "1g -- -- -- -- -- -- --");
    let media = idle
        .remove(a100, profile(a100, "1m"), 0)
        .expect_err("it was plain");
    assert_eq!(
        media.to_string(),
        "1g.5gb+me at slice 0: expected an instance there"
    );
    let heavy = kinds().pop().expect("the last is heavy");
    let full = BoardState::of(&heavy, [(profile(&heavy, "3g.10gb"), 0)]);
    let one = full.place(&heavy, profile(&heavy, "1g.5gb"), 2);
    let one = one.expect_err("no compute is left").to_string();
    assert_eq!(one, "1g.5gb: expected as many free compute slices");
}

#[test]
fn instances_that_are_seen_are_taken_for_what_they_touch() {
    let a100 = geometry("A100-40GB");
    let seen = |list: &[(&str, u8)]| {
        let list = list
            .iter()
            .map(|&(name, start)| (profile(a100, name), start));
        BoardState::of(a100, list)
    };
    let taken = |state: BoardState| format!("{:?}", state.taken());
    assert_eq!(taken(seen(&[("2g", 1)])), "0b110", "not one of its starts");
    assert_eq!(taken(seen(&[("3g", 6)])), "0b11000000", "beyond the axis");
    assert_eq!(
        taken(seen(&[("2g", 0), ("3g", 0)])),
        "0b1111",
        "one above the other"
    );
    assert_eq!(seen(&[("3g", 8)]), BoardState::full(a100), "off the axis");
    assert_eq!(
        seen(&[("1g.6gb", 0)]),
        BoardState::full(a100),
        "another board's"
    );
    let twice = seen(&[("1m", 0), ("1m", 1)]);
    assert!(!twice.fits(a100, profile(a100, "1m")));
    assert!(twice.fits(a100, profile(a100, "3g")));
    assert_eq!(seen(&[("4g", 0), ("4g", 4)]).compute_left(), 0);
}

#[test]
fn a_state_is_small() {
    assert!(size_of::<BoardState>() <= 8);
}

#[test]
fn a_drawing_is_read_as_it_is_drawn() {
    let a100 = geometry("A100-40GB");
    let list = instances(a100, "4g .. .. .. 1w .. 1g --");
    let names: Vec<String> = list.iter().map(|(p, at)| format!("{p} at {at}")).collect();
    assert_eq!(names, ["4g.20gb at 0", "1g.10gb at 4", "1g.5gb at 6"]);
}

proptest! {
    #[test]
    fn a_state_knows_what_the_list_of_instances_says(
        kind in 0usize..5,
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0u8..13, any::<bool>()), 1..40),
    ) {
        let kinds = kinds();
        let geometry = &kinds[kind];
        let (mut list, mut state) = (Vec::new(), BoardState::idle(geometry));
        for (pick, start, removes) in steps {
            if removes && !list.is_empty() {
                let (profile, start) = list.swap_remove(pick.index(list.len()));
                state = state.remove(geometry, profile, start).expect("it was placed");
            } else {
                let profile = geometry.shapes()[pick.index(geometry.shapes().len())].profile;
                let with = [&list[..], &[(profile, start)]].concat();
                let placed = state.place(geometry, profile, start);
                prop_assert_eq!(placed.is_ok(), legal(geometry, &with));
                if let Ok(placed) = placed {
                    prop_assert_eq!(placed, state.observe(geometry, profile, start));
                    (list, state) = (with, placed);
                }
            }
            prop_assert_eq!(state, BoardState::of(geometry, list.iter().copied()));
            prop_assert_eq!(state.is_idle(), list.is_empty());
            for shape in geometry.shapes() {
                let options: Vec<u8> = state.options(geometry, shape.profile).collect();
                prop_assert_eq!(options, naive_options(geometry, &list, shape.profile));
            }
        }
    }

    #[test]
    fn what_is_seen_is_never_given_away(
        kind in 0usize..5,
        seen in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let kinds = kinds();
        let geometry = &kinds[kind];
        let shapes = geometry.shapes();
        let list = seen.iter().map(|(pick, start)| (shapes[pick.index(shapes.len())].profile, start % 16));
        let list: Vec<Instance> = list.collect();
        let state = BoardState::of(geometry, list.iter().copied());
        prop_assert_eq!(state, BoardState::of(geometry, list.iter().rev().copied()));
        for shape in shapes {
            for start in state.options(geometry, shape.profile) {
                let slices = shape.slices(start);
                for &(other, at) in &list {
                    let other = geometry.shape(other).expect("the board's").slices(at);
                    prop_assert!(other.common(slices).is_empty());
                }
            }
        }
    }
}
