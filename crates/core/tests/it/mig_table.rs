//! The table of MIG profiles and the names in it: every row is read, and every malformed twin is
//! refused with its line, what stands there and what should.

use std::collections::BTreeSet;

use stowage_core::mig::{Extra, Geometry, MigProfile, SliceMask};

use crate::mig_drawing::geometry;

const TABLE: &str = include_str!("../../data/mig-profiles.csv");
const HEADER: &str = "gpu_model,profile,compute_slices,memory_slices,max_instances,placements";

fn named(name: &str) -> MigProfile {
    name.parse().expect("a profile")
}

#[test]
fn every_row_is_read_and_every_board_with_placements_has_its_geometry() {
    let read = Geometry::read(TABLE).expect("the table is well formed");
    assert_eq!(read, Geometry::all());
    let rows = TABLE.lines().skip(1).map(|row| row.split(',').collect());
    let rows: Vec<Vec<&str>> = rows.collect();
    assert_eq!(rows.len(), 123);
    for row in &rows {
        let shape =
            Geometry::of_board(row[0]).map(|g| g.shape(named(row[1])).expect("it is there"));
        let Some(shape) = shape else {
            assert_eq!(row[5], "", "only unpublished placements are left out");
            continue;
        };
        let starts: Vec<String> = shape.starts.iter().map(u8::to_string).collect();
        let figures = [shape.size, shape.most].map(|figure| figure.to_string());
        assert_eq!(
            [&figures[0], &figures[1], &starts.join(";")],
            [row[3], row[4], row[5]]
        );
    }
    let boards: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let missing = boards
        .into_iter()
        .filter(|b| Geometry::of_board(b).is_none());
    let missing: Vec<&str> = missing.collect();
    assert_eq!(missing, ["RTXPRO4500-32GB", "RTXPRO5000-48GB"]);
    assert!(Geometry::of_board("T4-16GB").is_none());
    assert!(Geometry::of_board("").is_none());
}

#[test]
fn boards_differ_in_axis_compute_and_media() {
    let figures = |board| {
        let geometry = geometry(board);
        (geometry.slices(), geometry.compute(), geometry.media())
    };
    assert_eq!(figures("A100-40GB"), (8, 7, 1));
    assert_eq!(figures("A30-24GB"), (4, 4, 1));
    assert_eq!(figures("RTXPRO6000-96GB"), (12, 4, 1));
    assert_eq!(figures("GB200-189GB"), (8, 7, 0));
}

#[test]
fn a_name_means_nothing_without_its_board() {
    let size = |board| {
        geometry(board)
            .shape(named("1g.10gb"))
            .map(|shape| shape.size)
    };
    assert_eq!(size("A100-40GB"), Some(2));
    assert_eq!(size("A100-80GB"), Some(1));
    assert_eq!(size("A30-24GB"), None);
}

#[test]
fn names_are_read_and_written_back() {
    let shapes = Geometry::all().iter().flat_map(Geometry::shapes);
    for profile in shapes.map(|shape| shape.profile) {
        assert_eq!(named(&profile.to_string()), profile);
        assert_eq!(MigProfile::of_resource(&profile.resource()), Ok(profile));
    }
    let profile = named("1g.24gb+me.all");
    assert_eq!((profile.compute(), profile.gigabytes()), (1, 24));
    assert_eq!(profile.extra(), Extra::AllMedia);
    assert_eq!(profile.resource(), "nvidia.com/mig-1g.24gb.me.all");
    assert_eq!(named("1g.24gb-me").resource(), "nvidia.com/mig-1g.24gb-me");
    assert_eq!(named("7g.40gb").resource(), "nvidia.com/mig-7g.40gb");
}

#[test]
fn what_is_no_name_is_refused() {
    let names = [
        "",
        "1g",
        "1g.",
        "1g.gb",
        "g.5gb",
        "01g.5gb",
        "1g.05gb",
        "+1g.5gb",
        "1g.5gb ",
        "1g.5GB",
        "1g.5gb+",
        "1g.5gb+me+gfx",
        "1g.5gb.me",
        "1c.3g.20gb",
        "0g.5gb",
        "1g.0gb",
        "300g.5gb",
        "1g.70000gb",
        "1g.5gb+meé",
        "１g.5gb",
    ];
    for name in names {
        let error = name.parse::<MigProfile>().expect_err(name).to_string();
        let expected = "expected a name like 1g.10gb, 1g.10gb+me, +me.all, -me or +gfx";
        assert_eq!(error, format!("MIG profile {name:?}: {expected}"));
    }
    for resource in [
        "nvidia.com/gpu",
        "nvidia.com/mig-1g.5gb+me",
        "mig-1g.5gb",
        "nvidia.com/mig-",
    ] {
        MigProfile::of_resource(resource).expect_err(resource);
    }
}

#[test]
fn malformed_rows_are_refused() {
    let good = "B,1g.5gb,1,1,7,0;1;2";
    let twins = [
        (
            "B,1g.5gb,1,1,7",
            "line 2: \"B,1g.5gb,1,1,7\": expected six fields",
        ),
        (",1g.5gb,1,1,7,0", "line 2: \"\": expected a GPU model"),
        (
            "B,1g5gb,1,1,7,0",
            "line 2: \"1g5gb\": expected a MIG profile",
        ),
        (
            "B,1g.5gb,2,1,7,0",
            "line 2: \"2\": expected the compute slices of the profile's name",
        ),
        (
            "B,1g.5gb,1,0,7,0",
            "line 2: \"0\": expected 1 to 16 memory slices",
        ),
        (
            "B,1g.5gb,1,17,7,0",
            "line 2: \"17\": expected 1 to 16 memory slices",
        ),
        (
            "B,1g.5gb,1,,7,0",
            "line 2: \"\": expected 1 to 16 memory slices",
        ),
        (
            "B,1g.5gb,1,1,0,0",
            "line 2: \"0\": expected 1 to 16 instances",
        ),
        (
            "B,1g.5gb,1,1,x,0",
            "line 2: \"x\": expected 1 to 16 instances",
        ),
        (
            "B,1g.5gb,1,1,7,",
            "line 2: \"\": expected ascending starts, each below 16",
        ),
        (
            "B,1g.5gb,1,1,7,1;0",
            "line 2: \"1;0\": expected ascending starts, each below 16",
        ),
        (
            "B,1g.5gb,1,1,7,1;1",
            "line 2: \"1;1\": expected ascending starts, each below 16",
        ),
        (
            "B,1g.5gb,1,1,7,99",
            "line 2: \"99\": expected ascending starts, each below 16",
        ),
        (
            "B,1g.5gb,1,8,7,9",
            "line 2: \"9\": expected starts that leave room before slice 16",
        ),
        (
            "B,1g.5gb,1,1,7,0\nB,1g.5gb,1,1,7,1",
            "line 3: \"1g.5gb\": expected each profile of a board once",
        ),
        (
            "B,1g.5gb,1,1,7,0\nC,1g.5gb,1,1,7,0\nB,2g.5gb,2,1,7,0",
            "line 4: \"B\": expected the rows of one board together",
        ),
        ("B,1g.5gb,1,1,7,0\n", ""),
        ("B,1g.5gb,1,1,7,0\n\n", "line 3: \"\": expected six fields"),
    ];
    assert_eq!(
        Geometry::read(&format!("{HEADER}\n{good}"))
            .expect("good")
            .len(),
        1
    );
    for (rows, expected) in twins {
        let error = Geometry::read(&format!("{HEADER}\n{rows}")).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error, expected, "{rows}");
    }
    for text in ["", "gpu_model", good] {
        let error = Geometry::read(text).expect_err("no header").to_string();
        assert!(error.ends_with(&format!("expected {HEADER}")), "{error}");
    }
}

#[test]
fn a_board_with_an_unknown_placement_is_left_out_as_a_whole() {
    let table = format!("{HEADER}\nB,1g.5gb,1,1,2,0;1\nB,2g.10gb,2,,1,\nC,1g.5gb,1,1,1,0");
    let boards = Geometry::read(&table).expect("it is well formed");
    assert_eq!(
        boards.iter().map(Geometry::board).collect::<Vec<_>>(),
        ["C"]
    );
}

#[test]
fn too_many_limits_or_profiles_are_refused() {
    let limited = |n: u16| format!("B,1g.{n}gb,1,1,1,0;1");
    let table = |count: u16| {
        let rows: Vec<String> = (1..=count).map(limited).collect();
        Geometry::read(&format!("{HEADER}\n{}", rows.join("\n")))
    };
    table(4).expect("four limits");
    let error = table(5).expect_err("five limits").to_string();
    let expected = "at most four profiles with fewer instances than places";
    assert_eq!(error, format!("line 2: \"B\": expected {expected}"));
    let error = table(33).expect_err("too many").to_string();
    assert_eq!(
        error,
        "line 34: \"1g.33gb\": expected at most 32 profiles of a board"
    );
}

#[test]
fn masks_reach_as_far_as_sixteen_slices() {
    assert_eq!(SliceMask::run(0, 16).len(), 16);
    assert_eq!(SliceMask::run(12, 8).len(), 4);
    assert_eq!(SliceMask::run(255, 255), SliceMask::EMPTY);
    assert_eq!(SliceMask::run(3, 0), SliceMask::EMPTY);
    assert_eq!(SliceMask::run(0, 255).len(), 16);
}
