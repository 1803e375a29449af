//! What all drawings share: escaping, numbers, ticks, text, and the frame with title and description.

use std::fmt::Write as _;

use super::model::Axis;

/// Widths at which each chart is drawn, so that letters keep their size: for screens and for phones.
pub(super) const WIDE: f64 = 920.0;
pub(super) const NARROW: f64 = 372.0;

/// `text` for use between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in HTML, and never seen.
            c if c.is_control() && !c.is_whitespace() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate with one decimal.
pub(super) fn px(x: f64) -> String {
    let tenths = (x * 10.0).round() as i64;
    match (tenths / 10, (tenths % 10).abs()) {
        (whole, 0) => whole.to_string(),
        (0, part) if tenths < 0 => format!("-.{part}"),
        (0, part) => format!(".{part}"),
        (whole, part) => format!("{whole}.{part}"),
    }
}

/// A number for people: thousands set apart, a true minus sign.
pub(in super::super) fn number(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x.abs());
    let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let zero = text.chars().all(|c| c == '0' || c == '.');
    let sign = if x < 0.0 && !zero { "\u{2212}" } else { "" };
    format!("{sign}{grouped}{part}")
}

/// A number as short as it can be.
pub(super) fn short(x: f64) -> String {
    let exact = |(_, scale): &(usize, f64)| ((x * scale).round() / scale - x).abs() < 1e-9;
    let scales = [(0, 1.0), (1, 10.0), (2, 100.0)];
    let decimals = scales
        .into_iter()
        .find(exact)
        .map_or(3, |(decimals, _)| decimals);
    number(x, decimals)
}

/// Round values from `axis.from` to `axis.to`, about `most` of them.
pub(super) fn ticks(axis: &Axis, most: f64) -> Vec<f64> {
    if axis.to - axis.from < 1e-6 {
        return vec![axis.from];
    }
    let raw = (axis.to - axis.from) / most;
    let power = 10_f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| *step >= raw * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let first = (axis.from / step - 1e-9).ceil() as i64;
    let last = (axis.to / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// From values to coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// `axis` from the coordinate `start` to `end`.
    pub(super) fn new(axis: &Axis, start: f64, end: f64) -> Self {
        Self {
            from: axis.from,
            to: axis.to,
            start,
            end,
        }
    }

    /// Where `value` is, kept within the axis.
    pub(super) fn at(self, value: f64) -> f64 {
        let span = (self.to - self.from).max(1e-9);
        let share = ((value - self.from) / span).clamp(0.0, 1.0);
        self.start + share * (self.end - self.start)
    }
}

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Adds a text.
pub(super) fn text(out: &mut String, x: f64, y: f64, anchor: Anchor, class: &str, what: &str) {
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let class = match class {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    let (x, y, what) = (px(x), px(y), escape(what));
    let _ = write!(
        out,
        "<text x=\"{x}\" y=\"{y}\"{anchor}{class}>{what}</text>"
    );
}

/// Adds a rectangle.
pub(super) fn rect(out: &mut String, (x, y): (f64, f64), (w, h): (f64, f64), class: &str) {
    let (x, y, w, h) = (px(x), px(y), px(w.max(0.0)), px(h));
    let _ = write!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" class=\"{class}\"/>"
    );
}

/// Adds a straight line.
pub(super) fn line(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
    let (x1, y1, x2, y2) = (px(x1), px(y1), px(x2), px(y2));
    let _ = write!(
        out,
        "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"{class}\"/>"
    );
}

/// The steps of a path through `points`, in tenths, so that rounding does not add up.
pub(super) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut out = String::new();
    let mut last = None::<(i64, i64)>;
    for (x, y) in points {
        let here = ((x * 10.0).round() as i64, (y * 10.0).round() as i64);
        let tenths = |n: i64| px(n as f64 / 10.0);
        match last {
            None => {
                let _ = write!(out, "M{} {}", tenths(here.0), tenths(here.1));
            }
            Some(last) if last == here => {}
            Some(last) => {
                let (dx, dy) = (tenths(here.0 - last.0), tenths(here.1 - last.1));
                let _ = write!(out, "l{dx} {dy}");
            }
        }
        last = Some(here);
    }
    out
}

/// Width of a letter in parts of its size, on average, in the widest of the usual fonts.
const LETTER: f64 = 0.63;

/// How wide `text` is about, in letters of `size`.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    LETTER * size * text.chars().count() as f64
}

/// `text`, cut with an ellipsis where it would be wider than `width`.
pub(super) fn fitted(text: &str, size: f64, width: f64) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::from("\u{2026}");
    for c in text.chars() {
        let at = kept.len() - '\u{2026}'.len_utf8();
        kept.insert(at, c);
        if width_of(&kept, size) > width {
            kept.remove(at);
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_signed() {
        let shown = [1234567.25, -0.5, -0.001, 100.0, 999.96].map(|x| number(x, 1));
        assert_eq!(
            shown,
            ["1,234,567.2", "\u{2212}0.5", "0.0", "100.0", "1,000.0"]
        );
        assert_eq!(
            [0.0, 2.5, 20.0, 0.125].map(short),
            ["0", "2.5", "20", "0.125"]
        );
    }

    #[test]
    fn coordinates_have_a_decimal_at_most() {
        let shown = [0.04, -0.06, 12.0, 0.55, -3.25, 7.96].map(px);
        assert_eq!(shown, ["0", "-.1", "12", ".6", "-3.3", "8"]);
    }

    #[test]
    fn ticks_are_round_and_within() {
        let axis = |from, to| Axis {
            title: String::new(),
            from,
            to,
            ..Axis::default()
        };
        assert_eq!(
            ticks(&axis(0.0, 130.0), 7.0),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]
        );
        assert_eq!(ticks(&axis(-3.0, 0.5), 4.0), [-3.0, -2.0, -1.0, 0.0]);
        assert_eq!(ticks(&axis(1.0, 1.0), 4.0), [1.0]);
    }

    #[test]
    fn nothing_of_a_name_is_markup() {
        assert_eq!(
            escape("<script>alert('&\"')</script>\u{0}"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;\u{fffd}"
        );
    }

    #[test]
    fn a_path_does_not_drift() {
        let third = (0..=30).map(|n| (f64::from(n) / 3.0, 0.0));
        let steps = path(third);
        let end: f64 = steps[2..]
            .split(['l', 'M'])
            .filter_map(|s| s.split(' ').next()?.parse::<f64>().ok())
            .sum();
        assert!((end - 10.0).abs() < 0.05, "{steps}");
    }
}
