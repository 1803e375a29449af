//! Means with bootstrap intervals: how much of a difference between strategies is chance.
//!
//! The percentile bootstrap of the mean (Efron and Tibshirani, "An Introduction to the Bootstrap",
//! 1993, chapter 13): draw as many values as there are, with replacement, 10,000 times; the interval
//! runs from the 250th smallest mean to the 250th greatest, which leaves 2.5 % out on either side.
//! Draws come from a generator with a fixed seed, so that the same numbers give the same interval,
//! and the same draws serve all series, so that series over the same seeds are resampled together.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::Serialize;

/// How often is drawn.
pub const RESAMPLES: usize = 10_000;
/// Resampled means left out on either side: 2.5 %.
const LEFT_OUT: usize = RESAMPLES / 40;
/// The seed of the draws: any number does, as long as it stays.
const SEED: u64 = 20_231;

/// A mean and how sure of it one can be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The 95 % interval; none for a single number, which tells nothing about chance.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Whether 0 is in it, ends included.
    #[must_use]
    pub fn contains_zero(self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

impl Estimate {
    /// Whether it cannot be told from 0: the interval contains it, or there is none.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.interval.is_none_or(Interval::contains_zero)
    }

    /// The same seen from the other side.
    #[must_use]
    pub fn negated(&self) -> Self {
        // 0 - x, because -0 would be printed as such.
        let turned = |i: Interval| Interval {
            low: 0.0 - i.high,
            high: 0.0 - i.low,
        };
        Self {
            mean: 0.0 - self.mean,
            interval: self.interval.map(turned),
        }
    }
}

/// The mean of each of `series`, which are equally long; none of no numbers.
#[must_use]
pub fn estimates(series: &[Vec<f64>]) -> Vec<Option<Estimate>> {
    let n = series.iter().map(Vec::len).min().unwrap_or(0);
    let mean = |values: &Vec<f64>| values[..n].iter().sum::<f64>() / n as f64;
    let intervals = match n {
        0 => return vec![None; series.len()],
        1 => vec![None; series.len()],
        _ => intervals(series, n),
    };
    let both = series.iter().zip(intervals);
    both.map(|(values, interval)| {
        Some(Estimate {
            mean: round(mean(values)),
            interval,
        })
    })
    .collect()
}

fn intervals(series: &[Vec<f64>], n: usize) -> Vec<Option<Interval>> {
    let mut rng = Pcg64::seed_from_u64(SEED);
    let mut means = vec![Vec::with_capacity(RESAMPLES); series.len()];
    let mut drawn = vec![0_usize; n];
    for _ in 0..RESAMPLES {
        drawn.fill_with(|| rng.random_range(0..n));
        for (means, values) in means.iter_mut().zip(series) {
            let sum: f64 = drawn.iter().map(|&index| values[index]).sum();
            means.push(sum / n as f64);
        }
    }
    means.into_iter().map(middle).collect()
}

/// From where to where the middle 95 % of `means` go.
fn middle(mut means: Vec<f64>) -> Option<Interval> {
    means.sort_unstable_by(f64::total_cmp);
    Some(Interval {
        low: round(*means.get(LEFT_OUT - 1)?),
        high: round(*means.get(means.len().checked_sub(LEFT_OUT)?)?),
    })
}

/// To four decimals, as all results are.
fn round(x: f64) -> f64 {
    let rounded = (x * 1e4).round() / 1e4;
    // Not -0, which prints as such.
    rounded + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(values: &[f64]) -> Estimate {
        estimates(&[values.to_vec()])[0].expect("there are numbers")
    }

    #[test]
    fn a_single_number_has_no_interval() {
        let estimate = one(&[3.5]);
        assert_eq!((estimate.mean, estimate.interval), (3.5, None));
        assert!(estimate.is_open());
        assert_eq!(estimates(&[Vec::new()]), [None]);
    }

    #[test]
    fn equal_numbers_leave_no_doubt() {
        let interval = one(&[2.0; 5]).interval.expect("five numbers");
        assert_eq!((interval.low, interval.high), (2.0, 2.0));
        assert!(!interval.contains_zero());
    }

    #[test]
    fn two_numbers_give_all_that_can_be_drawn() {
        // Both low, both high: a quarter of the draws each, so either is within 95 %.
        let interval = one(&[-1.0, 3.0]).interval.expect("two numbers");
        assert_eq!((interval.low, interval.high), (-1.0, 3.0));
        assert!(interval.contains_zero());
    }

    #[test]
    fn the_interval_is_that_of_the_normal_distribution_where_there_are_many() {
        // 0 to 99: standard deviation of the mean 28.87 / 10, so 49.5 - 5.66 to 49.5 + 5.66.
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let interval = one(&values).interval.expect("a hundred numbers");
        assert!((interval.low - 43.84).abs() < 0.2, "{interval:?}");
        assert!((interval.high - 55.16).abs() < 0.2, "{interval:?}");
    }

    #[test]
    fn a_series_does_not_depend_on_its_company() {
        let (a, b) = (vec![1.0, 2.0, 4.0], vec![9.0, 7.0, 1.0]);
        let both = estimates(&[a.clone(), b.clone()]);
        assert_eq!(both, [estimates(&[a])[0], estimates(&[b])[0]]);
    }
}
