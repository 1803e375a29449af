//! Times as people read them: in the unit that suits them, axes in hours or days, moments as dates.

use crate::sim::report::html::model::{Axis, Cell};
use crate::sim::report::page::{number, signed};
use crate::sim::statistics::Estimate;

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    /// Its length, seconds.
    pub(super) seconds: f64,
    /// Its sign.
    pub(super) name: &'static str,
    /// How many decimals are shown.
    pub(super) decimals: usize,
}

/// Units, and up to how many seconds they read best.
const UNITS: [(f64, f64, &str); 4] = [
    (120.0, 1.0, "s"),
    (7200.0, 60.0, "min"),
    (172_800.0, 3600.0, "h"),
    (f64::INFINITY, 86_400.0, "d"),
];

impl Unit {
    /// The unit in which `longest` seconds read best.
    pub(super) fn of(longest: f64) -> Self {
        let longest = longest.abs();
        let found = UNITS.iter().find(|(most, ..)| longest < *most);
        let &(_, seconds, name) = found.unwrap_or(&UNITS[3]);
        Self {
            seconds,
            name,
            decimals: if longest / seconds < 20.0 { 2 } else { 1 },
        }
    }

    /// The unit for all of `estimates`.
    pub(super) fn of_all<'a>(estimates: impl Iterator<Item = &'a Estimate>) -> Self {
        let longest = estimates.map(|estimate| estimate.mean.abs());
        Self::of(longest.fold(0.0, f64::max))
    }

    /// A mean in this unit with its interval below; `value` stays in seconds.
    pub(super) fn cell(self, estimate: &Estimate) -> Cell {
        Cell {
            text: self.number(estimate.mean),
            note: self.span(estimate),
            value: Some(estimate.mean),
        }
    }

    pub(super) fn number(self, seconds: f64) -> String {
        number(seconds / self.seconds, self.decimals)
    }

    pub(super) fn signed(self, seconds: f64) -> String {
        signed(seconds / self.seconds, self.decimals)
    }

    /// The interval; empty without one.
    pub(super) fn span(self, estimate: &Estimate) -> String {
        estimate.interval.map_or(String::new(), |i| {
            format!("{} to {}", self.number(i.low), self.number(i.high))
        })
    }
}

/// Seconds in the unit that reads best.
pub(super) fn time(seconds: f64) -> String {
    let unit = Unit::of(seconds);
    let decimals = if seconds == 0.0 { 0 } else { 1 };
    format!("{} {}", number(seconds / unit.seconds, decimals), unit.name)
}

/// The moment `ms` after the first submission, which is on day 1.
pub(super) fn date(ms: u64) -> String {
    let minutes = ms / 60_000;
    format!(
        "day {}, {:02}:{:02}",
        minutes / 1440 + 1,
        minutes / 60 % 24,
        minutes % 60
    )
}

/// An axis of simulated time up to `span` seconds, and the length of its unit in seconds.
pub(super) fn axis(span: f64) -> (Axis, f64) {
    let (seconds, name) = match span {
        s if s < 300.0 => (1.0, "Seconds"),
        s if s < 10_800.0 => (60.0, "Minutes"),
        s if s < 259_200.0 => (3600.0, "Hours"),
        _ => (86_400.0, "Days"),
    };
    let axis = Axis {
        title: format!("{name} since the first submission"),
        from: 0.0,
        to: span / seconds,
        ..Axis::default()
    };
    (axis, seconds)
}

/// An axis of waiting times on a logarithmic scale, from 1 s to `longest` seconds; values are decimal
/// logarithms of seconds.
pub(super) fn waiting(longest: f64) -> Axis {
    let marks = [
        (1.0, "1 s"),
        (10.0, "10 s"),
        (60.0, "1 min"),
        (600.0, "10 min"),
        (3600.0, "1 h"),
        (36_000.0, "10 h"),
        (259_200.0, "3 d"),
        (2_592_000.0, "30 d"),
        (31_536_000.0, "1 y"),
    ];
    let to = longest.max(60.0).log10();
    let marks = marks.map(|(seconds, name): (f64, &str)| (seconds.log10(), name.to_owned()));
    Axis {
        title: "Waited at most".to_owned(),
        from: 0.0,
        to,
        marks: marks
            .into_iter()
            .filter(|(at, _)| *at <= to + 1e-9)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let shown = [0.0, 1.25, 119.0, 120.0, -7200.0, 200_000.0].map(time);
        let expected = [
            "0 s",
            "1.2 s",
            "119.0 s",
            "2.0 min",
            "\u{2212}2.0 h",
            "2.3 d",
        ];
        assert_eq!(shown, expected);
        assert_eq!(date(0), "day 1, 00:00");
        assert_eq!(date(86_400_000 + 13 * 3_600_000 + 59_999), "day 2, 13:00");
    }

    #[test]
    fn a_column_has_one_unit() {
        let unit = Unit::of(-5400.0);
        assert_eq!((unit.name, unit.decimals), ("min", 1));
        assert_eq!(unit.signed(90.0), "+1.5");
        assert_eq!(Unit::of(0.0).number(0.0), "0.00");
    }
}
