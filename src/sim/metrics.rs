//! What is measured while pods are poured in: a mean a percent of arrived demand, as the published
//! figures have it, and statistics over runs.

/// Means of two quantities by integer percent of arrived demand.
///
/// An event counts in the bucket of the demand that has arrived with it, rounded half to even.
#[derive(Debug, Clone)]
pub struct Curve {
    buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    sum: f64,
    events: u32,
}

impl Curve {
    /// Buckets for 0 to `percent`.
    #[must_use]
    pub fn up_to(percent: usize) -> Self {
        Self {
            buckets: vec![Bucket::default(); percent + 1],
        }
    }

    /// Counts an event after which `arrived` of `capacity` had been asked for and `value` held.
    pub fn record(&mut self, arrived: u64, capacity: u64, value: f64) {
        let percent = round_half_even(100 * arrived, capacity);
        let last = self.buckets.len() - 1;
        let bucket = &mut self.buckets[(percent as usize).min(last)];
        bucket.sum += value;
        bucket.events += 1;
    }

    /// The mean of each bucket. An empty one takes the mean of its nearest neighbours on both
    /// sides, or of the one there is; 0 without any event.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        let mean = |b: &Bucket| (b.events > 0).then(|| b.sum / f64::from(b.events));
        let known: Vec<_> = self.buckets.iter().map(mean).collect();
        (0..known.len())
            .map(|at| {
                let before = known[..=at].iter().rev().flatten().next();
                let after = known[at..].iter().flatten().next();
                match (before, after) {
                    (Some(before), Some(after)) => f64::midpoint(*before, *after),
                    (one, other) => one.or(other).copied().unwrap_or(0.0),
                }
            })
            .collect()
    }
}

/// `part`/`whole` rounded half to even.
fn round_half_even(part: u64, whole: u64) -> u64 {
    let (quotient, rest) = (part / whole.max(1), part % whole.max(1));
    match (2 * rest).cmp(&whole) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
    }
}

/// Mean, sample standard deviation, least and greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation; 0 for a single number.
    pub sd: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
}

impl Spread {
    /// Of `numbers`, or none if there are none.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let n = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / n;
        let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
        Some(Self {
            mean,
            sd: if numbers.len() > 1 {
                (squares / (n - 1.0)).sqrt()
            } else {
                0.0
            },
            min: numbers.iter().copied().reduce(f64::min)?,
            max: numbers.iter().copied().reduce(f64::max)?,
        })
    }

    /// The same in another unit.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            sd: self.sd * factor,
            min: self.min * factor,
            max: self.max * factor,
        }
    }
}

/// Percentiles of decision times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Times {
    /// Half of all decisions took at most so long.
    pub p50: f64,
    /// All but one in a hundred took at most so long.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Times {
    /// Of decision times in nanoseconds, or none if there are none.
    #[must_use]
    pub fn of(mut nanos: Vec<u32>) -> Option<Self> {
        nanos.sort_unstable();
        let last = nanos.len().checked_sub(1)?;
        let at = |percent: usize| f64::from(nanos[last * percent / 100]) / 1000.0;
        Some(Self {
            p50: at(50),
            p99: at(99),
            max: at(100),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_borrows_from_both_neighbours() {
        let mut curve = Curve::up_to(4);
        curve.record(1, 100, 10.0);
        curve.record(3, 100, 30.0);
        curve.record(3, 100, 40.0);
        assert_eq!(curve.means(), [10.0, 10.0, 22.5, 35.0, 35.0]);
    }

    #[test]
    fn demand_is_rounded_half_to_even() {
        let rounded = [4, 5, 6, 14, 15, 16].map(|part| round_half_even(part, 10));
        assert_eq!(rounded, [0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn spread_of_one_number_has_no_deviation() {
        let spread = Spread::of(&[3.0]).expect("one number");
        assert_eq!((spread.mean, spread.sd), (3.0, 0.0));
        assert_eq!(Spread::of(&[]), None);
        let two = Spread::of(&[1.0, 3.0]).expect("two numbers");
        assert_eq!(
            (two.mean, two.sd, two.min, two.max),
            (2.0, 2.0_f64.sqrt(), 1.0, 3.0)
        );
    }
}
