//! A bounded curve over time: means over equal stretches, of a width that doubles when there are more
//! than the most points.
//!
//! The first width depends on the trace alone, so that the curves of all strategies have points at the
//! same moments, or at every second of them.

/// Most points of a curve.
const MOST: usize = 240;

/// What is integrated over time; GPUs in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// GPU compute held.
    pub allocated: u64,
    /// GPU compute of the nodes that are up.
    pub up: u64,
    /// GPU compute that waiting jobs ask for.
    pub waiting: u64,
    /// How many jobs wait.
    pub jobs: u64,
}

impl Level {
    /// GPU compute that is free while jobs that ask for as much wait.
    #[must_use]
    pub fn stranded(&self) -> u64 {
        self.up.saturating_sub(self.allocated).min(self.waiting)
    }
}

/// Why GPU compute is idle while jobs wait, thousandths of a device, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Causes {
    /// The node has too few cores, memory or pods left for any waiting pod.
    pub room: u64,
    /// What is free on the node is too small for any waiting pod.
    pub pieces: u64,
    /// No waiting pod accepts the model.
    pub model: u64,
    /// A waiting pod would fit there: the rest of its gang does not, or the queue holds it back.
    pub held_back: u64,
}

/// Integrals of a [`Level`] over some time, unit x ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Area {
    /// Of GPU compute held.
    pub allocated: u128,
    /// Of GPU compute there.
    pub up: u128,
    /// Of GPU compute waited for.
    pub waiting: u128,
    /// Of jobs waiting.
    pub jobs: u128,
    /// Of GPU compute stranded.
    pub stranded: u128,
    /// Time, ms.
    pub time: u64,
}

impl Area {
    /// Adds `level` for `ms`.
    pub fn add(&mut self, level: &Level, ms: u64) {
        let over = |amount: u64| u128::from(amount) * u128::from(ms);
        self.allocated += over(level.allocated);
        self.up += over(level.up);
        self.waiting += over(level.waiting);
        self.jobs += over(level.jobs);
        self.stranded += over(level.stranded());
        self.time += ms;
    }

    fn join(&mut self, other: &Self) {
        self.allocated += other.allocated;
        self.up += other.up;
        self.waiting += other.waiting;
        self.jobs += other.jobs;
        self.stranded += other.stranded;
        self.time += other.time;
    }
}

/// The curve.
#[derive(Debug, Clone)]
pub struct Series {
    width: u64,
    now: u64,
    points: Vec<(Area, Causes)>,
}

impl Series {
    /// A curve that expects to last `span` ms.
    #[must_use]
    pub fn new(span: u64) -> Self {
        Self {
            width: (span / (MOST as u64 / 2)).max(1),
            now: 0,
            points: Vec::new(),
        }
    }

    /// Whether the next point begins at or before `until`.
    #[must_use]
    pub fn ends_before(&self, until: u64) -> bool {
        until / self.width > self.now / self.width
    }

    /// Counts `level` from the last moment to `until`; `causes` are those at its end.
    pub fn advance(&mut self, until: u64, level: &Level, causes: &Causes) {
        while self.now < until {
            let index = (self.now / self.width) as usize;
            if index >= MOST {
                self.halve();
                continue;
            }
            if self.points.len() <= index {
                self.points.resize(index + 1, Default::default());
            }
            let end = (index as u64 + 1).saturating_mul(self.width).min(until);
            let (area, at_end) = &mut self.points[index];
            area.add(level, end - self.now);
            *at_end = *causes;
            self.now = end;
        }
    }

    fn halve(&mut self) {
        self.width = self.width.saturating_mul(2);
        let pairs = self.points.chunks(2).map(|pair| {
            let (mut area, mut causes) = pair[0];
            if let Some((more, later)) = pair.get(1) {
                area.join(more);
                causes = *later;
            }
            (area, causes)
        });
        self.points = pairs.collect();
    }

    /// The width of a point, ms.
    #[must_use]
    pub fn width(&self) -> u64 {
        self.width
    }

    /// The points, the first from time 0.
    #[must_use]
    pub fn points(&self) -> &[(Area, Causes)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_has_few_points_and_the_same_area() {
        let mut series = Series::new(1000);
        let mut whole = Area::default();
        for step in 0..5000 {
            let level = Level {
                allocated: step % 7,
                up: 10,
                waiting: step % 3,
                jobs: 1,
            };
            series.advance(7 * (step + 1), &level, &Causes::default());
            whole.add(&level, 7);
        }
        assert!(series.points().len() <= MOST, "{}", series.points().len());
        let mut sum = Area::default();
        for (area, _) in series.points() {
            sum.join(area);
        }
        assert_eq!(sum, whole);
    }
}
