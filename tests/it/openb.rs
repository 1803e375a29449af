//! The published policies are reproduced: replaying the public trace's own orders gives the
//! published curves, every column of them, to the last published digit.
//!
//! `random` draws otherwise than the published one does, so its mean over ten seeds is compared.
//! By default some of the runs are made; `STOWAGE_WHOLE_BENCHMARK=1` makes all.

use std::collections::BTreeMap;
use std::path::Path;

use stowage::config::Policy;
use stowage::sim::arrivals::{Load, Origin, PUBLISHED_LOAD};
use stowage::sim::experiment::{Experiment, Run};
use stowage::sim::sample::NodeShare;
use stowage::sim::trace::openb::{self, NodeFile};
use stowage_core::strategy::Strategy;

use crate::support::traces;

/// Published values have two decimals, and allocations are rounded before their mean is taken too.
const TOLERANCE: f64 = 0.01;
/// Fragmentation is rounded once. So close, it tells a single other decision in a run, which the
/// tolerance above may let pass.
const FRAGMENTED_TOLERANCE: f64 = 0.0051;
/// Columns of a curve: 0 to 130 percent of demand.
const COLUMNS: usize = 131;
const SEEDS: std::ops::RangeInclusive<u64> = 42..=51;

const LISTS: [&str; 13] = [
    "cpu050",
    "cpu100",
    "cpu250",
    "default",
    "gpushare100",
    "gpushare40",
    "gpushare60",
    "gpuspec10",
    "gpuspec20",
    "gpuspec33",
    "multigpu20",
    "multigpu40",
    "multigpu50",
];

/// Ours and the published name.
const EXACT: [(Strategy, &str); 5] = [
    (Strategy::Fgd, "06-FGD"),
    (Strategy::BestFit, "05-BestFit"),
    (Strategy::GpuPacking, "04-GpuPacking"),
    (Strategy::GpuClustering, "03-GpuClustering"),
    (Strategy::DotProduct, "02-DotProd"),
];

#[test]
fn published_curves_are_reproduced_to_the_last_digit() {
    let Some(folder) = traces() else { return };
    let published = Published::read(&folder.join("openb/expected_results"));
    let policies = EXACT.map(|(strategy, _)| Policy::of(strategy));
    let (mut runs, mut allocated, mut fragmented) = (0, 0.0_f64, 0.0_f64);
    let mut wrong = Vec::new();
    for (number, list) in (0..).zip(LISTS) {
        let seeds = match list {
            _ if whole() => SEEDS.collect(),
            "default" => SEEDS.collect(),
            // From 48 on: multigpu40 with 49 once had one other decision under best fit.
            _ => vec![SEEDS.start() + (6 + number) % 10],
        };
        for run in replay(&folder, list, &policies, seeds) {
            runs += 1;
            assert_eq!(run.origin, Origin::Published, "{list}, seed {}", run.seed);
            let key = key(&run);
            let ours = &run.outcome;
            match compare(&ours.curve, &published.allocated[&key], TOLERANCE) {
                Ok(difference) => allocated = allocated.max(difference),
                Err(problem) => wrong.push(format!("{key:?} allocated: {problem}")),
            }
            let theirs = &published.fragmented[&key];
            match compare(&ours.fragmented_curve, theirs, FRAGMENTED_TOLERANCE) {
                Ok(difference) => fragmented = fragmented.max(difference),
                Err(problem) => wrong.push(format!("{key:?} fragmented: {problem}")),
            }
        }
    }
    let all = if whole() { 650 } else { 110 };
    assert_eq!(runs, all, "every run asked for was made");
    assert!(
        wrong.is_empty(),
        "{} curves differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!(
        "{runs} of {all} runs within {TOLERANCE}, largest difference {:.4} \
         (allocated {allocated:.4}, fragmented {fragmented:.4})",
        allocated.max(fragmented)
    );
}

#[test]
fn random_is_as_good_as_the_published_one_on_average() {
    let Some(folder) = traces() else { return };
    let published = Published::read(&folder.join("openb/expected_results"));
    let lists = if whole() { &LISTS[..] } else { &["default"] };
    let mut largest = 0.0_f64;
    for list in lists {
        let runs = replay(
            &folder,
            list,
            &[Policy::of(Strategy::Random)],
            SEEDS.collect(),
        );
        let end = |curve: &[f64]| curve[COLUMNS - 1];
        let ours = mean(runs.iter().map(|run| end(&run.outcome.curve)));
        let row = |seed| &published.allocated[&(list.to_string(), "01-Random".to_owned(), seed)];
        let theirs = mean(SEEDS.map(|seed| end(row(seed))));
        let difference = (ours - theirs).abs();
        assert!(
            difference <= 0.7,
            "{list}: {ours:.2}, published {theirs:.2}"
        );
        largest = largest.max(difference);
    }
    println!(
        "random: ten-seed means of {} lists within 0.7, largest difference {largest:.2}",
        lists.len()
    );
}

#[test]
fn one_cell_that_is_off_is_found() {
    let published: Vec<f64> = (0..131).map(f64::from).collect();
    let mut ours = published.clone();
    ours[77] += 0.009;
    assert!(compare(&ours, &published, TOLERANCE).is_ok());
    ours[77] += 0.011;
    let problem = compare(&ours, &published, TOLERANCE).expect_err("0.02 is too far");
    assert_eq!(problem, "column 77: 77.0200, published 77");
    ours[77] = f64::NAN;
    assert!(
        compare(&ours, &published, TOLERANCE).is_err(),
        "no number is no match"
    );
    assert!(
        compare(&published[..130], &published, TOLERANCE).is_err(),
        "a column is missing"
    );
}

/// The largest difference, or the first column that is further off than the tolerance.
fn compare(ours: &[f64], published: &[f64], tolerance: f64) -> Result<f64, String> {
    if (ours.len(), published.len()) != (COLUMNS, COLUMNS) {
        return Err(format!(
            "{} columns, published {}",
            ours.len(),
            published.len()
        ));
    }
    let mut largest = 0.0_f64;
    for (column, (ours, published)) in ours.iter().zip(published).enumerate() {
        let difference = (ours - published).abs();
        if difference.is_nan() || difference > tolerance {
            return Err(format!("column {column}: {ours:.4}, published {published}"));
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

fn whole() -> bool {
    std::env::var("STOWAGE_WHOLE_BENCHMARK").is_ok_and(|value| value == "1")
}

fn replay(traces: &Path, list: &str, policies: &[Policy], seeds: Vec<u64>) -> Vec<Run> {
    let lists = [list.to_owned()];
    let trace = openb::load(&traces.join("openb"), NodeFile::Gpu, &lists);
    let experiment = Experiment {
        node_share: NodeShare::All,
        trace: trace.expect("the public trace can be read"),
        policies: policies.to_vec(),
        seeds,
        load: Load::PerMille(PUBLISHED_LOAD),
    };
    let runs = experiment.run(0, None, || ());
    runs.expect("the public trace can be replayed")
}

/// List, published policy and seed.
type Key = (String, String, u64);

fn key(run: &Run) -> Key {
    let names = EXACT.iter();
    let mut names = names.filter(|(strategy, _)| strategy.name() == run.policy);
    let (_, published) = names.next().expect("only exact policies are compared");
    (run.list.clone(), (*published).to_owned(), run.seed)
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let numbers: Vec<_> = numbers.collect();
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// The published curves.
struct Published {
    allocated: BTreeMap<Key, Vec<f64>>,
    fragmented: BTreeMap<Key, Vec<f64>>,
}

impl Published {
    fn read(folder: &Path) -> Self {
        Self {
            allocated: curves(&folder.join("analysis_allo_discrete.csv")),
            fragmented: curves(&folder.join("analysis_frag_discrete.csv")),
        }
    }
}

fn curves(file: &Path) -> BTreeMap<Key, Vec<f64>> {
    let mut reader = csv::Reader::from_path(file).expect("published results can be read");
    let header = reader
        .headers()
        .expect("published results have a header")
        .clone();
    let column = |name: &str| header.iter().position(|column| column == name);
    let column = |name: &str| column(name).expect("published results have this column");
    let [list, policy, seed] = ["workload", "sc_policy", "seed"].map(column);
    let cells: Vec<_> = (0..COLUMNS)
        .map(|percent| column(&percent.to_string()))
        .collect();
    let rows = reader.records().map(|row| {
        let row = row.expect("published results are rows of equal length");
        let list = row[list].strip_prefix("openb_pod_list_");
        let list = list
            .expect("published lists carry their file's name")
            .to_owned();
        let seed = row[seed].parse().expect("seeds are numbers");
        let curve = cells
            .iter()
            .map(|&cell| row[cell].parse().expect("cells are numbers"));
        ((list, row[policy].to_owned(), seed), curve.collect())
    });
    rows.collect()
}
