//! Synthetic workloads that are said to be like a cluster are, as far as its published summary goes.

use stowage::sim::trace::gpu_jobs::GpuJob;
use stowage::sim::trace::synth;

use crate::support::traces;

fn jobs(spec: &str) -> Vec<GpuJob> {
    synth::parse(spec).expect("it is well written").jobs(1)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[test]
fn seren_and_helios_are_as_their_summary_says() {
    let Some(folder) = traces() else {
        return;
    };
    let file = folder.join("acme-2023-summary/cluster_summary.csv");
    let text = std::fs::read_to_string(file).expect("the summary");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    for cluster in ["Seren", "Helios"] {
        let row = text.lines().find(|line| line.starts_with(cluster));
        let row: Vec<&str> = row.expect("a row").split(',').collect();
        let said = |column: &str| -> f64 {
            let at = header.iter().position(|name| *name == column);
            row[at.expect("a column")].parse().expect("a number")
        };
        let kind = cluster.to_lowercase();
        let jobs = jobs(&format!("kind={kind},jobs=1000000"));
        let seconds: Vec<f64> = jobs
            .iter()
            .map(|job| job.duration as f64 / 1000.0)
            .collect();
        let gpus: Vec<f64> = jobs
            .iter()
            .map(|job| job.gpu_milli as f64 / 1000.0)
            .collect();
        for (what, found, said, tolerance) in [
            (
                "mean run time",
                mean(&seconds),
                said("avg_run_time_gpu"),
                0.10,
            ),
            (
                "median run time",
                median(&seconds),
                said("med_run_time_gpu"),
                0.02,
            ),
            ("mean GPUs", mean(&gpus), said("avg_gpu_num"), 0.05),
            ("median GPUs", median(&gpus), said("med_gpu_num"), 0.0),
        ] {
            let off = (found / said - 1.0).abs();
            assert!(
                off <= tolerance,
                "{cluster}: {what} is {found}, published {said}"
            );
        }
        let most = gpus.iter().copied().fold(0.0, f64::max);
        assert!(most <= said("max_gpu"), "{cluster}: {most} GPUs");
    }
}

/// As measured on ServeGen's m-small, whose busiest and quietest hour have 1.46 and 0.66 times its mean
/// rate.
#[test]
fn serving_follows_the_day_as_measured() {
    let mut hours = [0.0; 24];
    for job in jobs("kind=serving,jobs=200000") {
        hours[(job.submit / 3_600_000 % 24) as usize] += 1.0;
    }
    let mean = mean(&hours);
    let busiest = hours.iter().copied().fold(0.0, f64::max) / mean;
    let quietest = hours.iter().copied().fold(f64::MAX, f64::min) / mean;
    assert!((1.3..1.5).contains(&busiest), "{busiest}");
    assert!((0.55..0.7).contains(&quietest), "{quietest}");
}
