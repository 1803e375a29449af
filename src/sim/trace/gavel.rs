//! How much slower a job runs when its GPUs are spread over servers, from measured throughputs.
//!
//! Gavel (Narayanan et al., OSDI '20; MIT) measured training jobs on V100s with all GPUs in one server
//! (`consolidated`) and spread (`unconsolidated`). `solo_throughput.csv`: `accelerator`, `placement`,
//! `job_type`, `num_gpus`, `steps_per_s`. For each number of GPUs the median over job types of
//! unconsolidated / consolidated is the rate that is left: 0.50, 0.52 and 0.30 of 2, 4 and 8.

use std::collections::BTreeMap;
use std::path::Path;

use super::table::Table;
use super::{Problem, TraceError};

/// Rates by number of GPUs, thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slowdown(BTreeMap<u64, u64>);

impl Slowdown {
    /// Rates as they are given: GPUs, thousandths of the consolidated rate.
    #[must_use]
    pub fn of(rates: impl IntoIterator<Item = (u64, u64)>) -> Self {
        Self(rates.into_iter().collect())
    }

    /// How long `duration` takes when the job's `gpus` are spread: by the rate of the largest number
    /// of GPUs measured that is not above; unchanged below the smallest.
    #[must_use]
    pub fn spread(&self, duration: u64, gpus: u64) -> u64 {
        let rate = self.0.range(..=gpus).next_back();
        let rate = rate.map_or(1000, |(_, &rate)| rate.max(1));
        let slowed = u128::from(duration) * 1000 / u128::from(rate);
        u64::try_from(slowed).unwrap_or(u64::MAX)
    }
}

/// Reads the measurements in the folder `dir`.
///
/// # Errors
/// The first thing that is wrong: which line and column, what stands there, what should.
pub fn load(dir: &Path) -> Result<Slowdown, TraceError> {
    let columns = [
        "accelerator",
        "placement",
        "job_type",
        "num_gpus",
        "steps_per_s",
    ];
    let mut table = Table::open(&dir.join("solo_throughput.csv"), &columns, &[])?;
    // By GPUs and job type: consolidated and not.
    let mut measured: BTreeMap<(u32, String), [Option<f64>; 2]> = BTreeMap::new();
    table.rows(|row| {
        let gpus = row.number("num_gpus", 65_536)?;
        let rate = row.get("steps_per_s").unwrap_or("");
        let rate = rate
            .parse()
            .ok()
            .filter(|rate: &f64| *rate >= 0.0 && rate.is_finite());
        let rate = rate.ok_or_else(|| row.wrong("steps_per_s", "a number that is not negative"))?;
        let spread = match row.get("placement").unwrap_or("") {
            "consolidated" => 0,
            "unconsolidated" => 1,
            _ => return Err(row.wrong("placement", "consolidated or unconsolidated")),
        };
        if row.get("accelerator") == Some("v100") {
            let job = row.get("job_type").unwrap_or("").to_owned();
            measured.entry((gpus, job)).or_default()[spread] = Some(rate);
        }
        Ok(())
    })?;
    let mut ratios: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for ((gpus, _), rates) in measured {
        if let [Some(together), Some(spread)] = rates
            && gpus > 1
            && together > 0.0
        {
            let ratios = ratios.entry(u64::from(gpus)).or_default();
            ratios.push(spread / together);
        }
    }
    if ratios.is_empty() {
        let what = "expected v100 rows of both placements for some job of several GPUs";
        return Err(table.at(1, Problem::Line(what.to_owned())));
    }
    let rates = ratios
        .into_iter()
        .map(|(gpus, ratios)| (gpus, median_per_mille(ratios)));
    Ok(Slowdown::of(rates))
}

/// The median in thousandths, at least 1, the mean of the two in the middle of an even number.
fn median_per_mille(mut numbers: Vec<f64>) -> u64 {
    numbers.sort_by(f64::total_cmp);
    let (low, high) = ((numbers.len() - 1) / 2, numbers.len() / 2);
    let median = f64::midpoint(numbers[low], numbers[high]);
    // At most the largest ratio of two finite rates; the cast saturates.
    #[allow(clippy::cast_sign_loss)]
    let per_mille = (1000.0 * median).round().max(1.0) as u64;
    per_mille
}
