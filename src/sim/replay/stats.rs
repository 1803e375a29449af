//! Distributions of times, and differences of pairs with their bootstrap interval.
//!
//! Percentiles are exact, by nearest rank. The interval is that of `statistics.rs`.

use serde::Serialize;

use crate::sim::statistics;

/// Mean and percentiles; `count` says of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// Of how many numbers.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// Half are at most this.
    pub p50: f64,
    /// Nine in ten are at most this.
    pub p90: f64,
    /// All but one in a hundred are at most this.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

impl Distribution {
    /// Of whole numbers, each to be multiplied by `unit`; zeros if there are none.
    #[must_use]
    pub fn of(mut numbers: Vec<u64>, unit: f64) -> Self {
        numbers.sort_unstable();
        let count = numbers.len();
        let sum: u128 = numbers.iter().map(|&n| u128::from(n)).sum();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1);
            numbers
                .get(rank - 1)
                .map_or(0.0, |&n| round(n as f64 * unit))
        };
        Self {
            count,
            mean: round(sum as f64 / count.max(1) as f64 * unit),
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

/// Rounded to four decimals, so that results read well.
#[must_use]
pub fn round(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

/// The mean of some differences and where it lies with 95 percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The mean.
    pub mean: f64,
    /// The interval, least and greatest; none of a single pair.
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// Of `differences`, one a pair.
    #[must_use]
    pub fn of(differences: &[f64]) -> Self {
        let estimate = statistics::estimates(&[differences.to_vec()])[0];
        Self {
            mean: estimate.map_or(0.0, |estimate| estimate.mean),
            interval: estimate
                .and_then(|estimate| estimate.interval)
                .map(|interval| (interval.low, interval.high)),
        }
    }

    /// Whether the interval leaves open that there is no difference; a single pair always does.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.interval
            .is_none_or(|(low, high)| low <= 0.0 && high >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let numbers = (1..=200).rev().collect();
        let of = Distribution::of(numbers, 1.0);
        assert_eq!((of.count, of.mean), (200, 100.5));
        assert_eq!(
            (of.p50, of.p90, of.p99, of.max),
            (100.0, 180.0, 198.0, 200.0)
        );
        assert_eq!(Distribution::of(Vec::new(), 1.0), Distribution::default());
        let one = Distribution::of(vec![7], 0.001);
        assert_eq!((one.p50, one.p99), (0.007, 0.007));
    }

    #[test]
    fn an_interval_says_whether_a_difference_is_one() {
        let clear = Difference::of(&[3.0, 4.0, 5.0, 4.0, 3.0]);
        assert!(!clear.is_open(), "{clear:?}");
        let (low, high) = clear.interval.expect("several pairs");
        assert!(low <= clear.mean && clear.mean <= high, "{clear:?}");
        assert!(Difference::of(&[3.0, -4.0, 5.0, -4.0, 1.0]).is_open());
        assert!(Difference::of(&[3.0]).is_open(), "one pair tells nothing");
        assert_eq!(clear, Difference::of(&[3.0, 4.0, 5.0, 4.0, 3.0]));
    }
}
