//! Options of the command line with values that are wrong.

use crate::support::{Folder, refusal};

const STRATEGIES: &str = "random, least-allocated, most-allocated, dot-product, gpu-clustering, \
                          gpu-packing, best-fit, fgd";

#[test]
fn a_misspelt_strategy_gets_the_nearest() {
    for (wrong, near) in [
        ("fdg", "fgd"),
        ("bestfit", "best-fit"),
        ("Random", "random"),
    ] {
        let expected =
            format!("--strategies: no strategy is called {wrong:?}: did you mean {near:?}?");
        assert_eq!(
            refusal(&["--strategies", &format!("gpu-packing,{wrong}")]),
            expected
        );
    }
}

#[test]
fn a_strategy_like_no_other_gets_all() {
    for wrong in ["nonsense", "xyz", ""] {
        let expected =
            format!("--strategies: no strategy is called {wrong:?}: expected one of {STRATEGIES}");
        assert_eq!(refusal(&["--strategies", wrong]), expected);
    }
}

#[test]
fn a_strategy_twice_is_refused() {
    assert_eq!(
        refusal(&["--strategies", "fgd,random,fgd"]),
        "--strategies: expected different names, got \"fgd\" twice"
    );
}

#[test]
fn node_share_that_is_none_is_refused() {
    assert_eq!(
        refusal(&["--node-share", "some"]),
        "--node-share: expected all or adaptive, got \"some\""
    );
}

#[test]
fn seeds_that_are_not_numbers_are_refused() {
    for wrong in [
        "a",
        "",
        "1..",
        "..2",
        "-1",
        "1,,2",
        "1.5",
        "18446744073709551616",
    ] {
        let expected = format!("--seeds: expected numbers like 42..51 or 1,2,7, got {wrong:?}");
        assert_eq!(refusal(&["--seeds", wrong]), expected);
    }
}

#[test]
fn seeds_reversed_twice_or_too_many_are_refused() {
    for (wrong, expected) in [
        ("51..42", "the smaller number first, got \"51..42\""),
        ("7,1,7", "each seed once, got 7 twice in \"7,1,7\""),
        ("0..10000", "at most 10000 seeds, got \"0..10000\""),
        (
            "0..18446744073709551615",
            "at most 10000 seeds, got \"0..18446744073709551615\"",
        ),
    ] {
        assert_eq!(
            refusal(&["--seeds", wrong]),
            format!("--seeds: expected {expected}")
        );
    }
}

#[test]
fn more_runs_than_one_experiment_may_have_are_refused() {
    let names: Vec<_> = (0..15).map(|n| format!("openb_pod_list_{n}.csv")).collect();
    let folder = names.iter().fold(Folder::tiny(), |folder, name| {
        folder.with(name, crate::support::PODS)
    });
    assert_eq!(
        folder.refusal(&["--list", "all", "--seeds", "1..1000"]),
        "128000 runs: expected at most 100000"
    );
}

#[test]
fn a_load_that_is_no_share_of_capacity_is_refused() {
    for wrong in ["0", "NaN", "-1", "inf", "100.001", "1.2345", "1,3", ""] {
        let expected = "a share of GPU capacity from 0.001 to 100, or \"list\"";
        let line = refusal(&["--load", wrong]);
        assert_eq!(line, format!("--load: expected {expected}, got {wrong:?}"));
    }
}

#[test]
fn a_list_that_the_demo_has_not_is_refused() {
    assert_eq!(
        refusal(&["--list", "default"]),
        "--list: expected \"demo\", the demo's one list, got \"default\" (is --trace missing?)"
    );
}

#[test]
fn a_list_twice_is_refused() {
    let line = Folder::tiny().refusal(&["--list", "default", "--list", "default"]);
    assert_eq!(
        line,
        "--list: expected each list once, got \"default\" twice"
    );
}

#[test]
fn a_trace_of_no_known_kind_is_refused() {
    for (wrong, hint) in [
        ("openb:", ""),
        ("helios:x", ""),
        ("demo:x", ""),
        ("", ""),
        ("philly", " (is --mode replay missing?)"),
        ("csv:x", " (is --mode replay missing?)"),
    ] {
        let line = refusal(&["--trace", wrong]);
        let expected = "--trace: expected demo, openb or openb:DIR";
        assert_eq!(line, format!("{expected}, got {wrong:?}{hint}"));
    }
    assert_eq!(
        refusal(&["--trace", "openb"]),
        "--trace: openb: expected openb:DIR, or STOWAGE_TRACES to name the folder with openb in it"
    );
}

#[test]
fn nodes_other_than_gpu_and_all_are_refused() {
    let line = refusal(&["--nodes", "cpu"]);
    assert_eq!(line, "--nodes: expected gpu or all, got \"cpu\"");
}

#[test]
fn replicating_not_at_all_or_beyond_all_bounds_is_refused() {
    for wrong in ["0", "8334", "4294967295"] {
        let expected = "--replicate: expected 1 to 8333 for 1200 nodes or pods";
        let line = refusal(&["--replicate", wrong]);
        assert_eq!(line, format!("{expected}, got {wrong}"));
    }
}

#[test]
fn a_threshold_that_cannot_be_read_is_refused() {
    let form = "[LIST/]STRATEGY.METRIC >= NUMBER, for example 'fgd.allocated >= 95.0'";
    for wrong in [
        "",
        "fgd.allocated",
        "fgd >= 1",
        "fgd.allocated >= x",
        "fgd.allocated >= NaN",
    ] {
        let line = refusal(&["--require", wrong]);
        assert_eq!(line, format!("--require: expected {form}, got {wrong:?}"));
    }
    assert_eq!(
        refusal(&["--require", "fgd.alocated >= 1"]),
        "--require: expected a metric of allocated, unallocated, fragmented, refused, \
         first-refusal, got \"fgd.alocated >= 1\""
    );
}

#[test]
fn a_threshold_on_what_is_not_simulated_is_refused() {
    let args = ["--strategies", "fgd,random", "--require"];
    let refused = |text| refusal(&[&args[..], &[text]].concat());
    assert_eq!(
        refused("best-fit.allocated >= 1"),
        "--require \"best-fit.allocated >= 1\": strategy \"best-fit\" is not simulated: \
         expected one of fgd, random"
    );
    assert_eq!(
        refused("other/fgd.allocated >= 1"),
        "--require \"other/fgd.allocated >= 1\": list \"other\" is not simulated: \
         expected one of demo"
    );
}
