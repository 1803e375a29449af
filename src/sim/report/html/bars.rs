//! One bar of several segments a row, with its numbers to the right.

use super::model::{Bar, Bars, Fill};
use super::svg::{Anchor, fitted, number, rect, text, width_of};

const BAR: f64 = 20.0;
const LETTER: f64 = 13.0;
/// Width of a column of numbers.
const COLUMN: f64 = 112.0;

/// The class of an area in the style sheet.
pub(super) fn class(fill: Fill) -> &'static str {
    match fill {
        Fill::Used => "used",
        Fill::Stranded => "stranded",
        Fill::Free => "free",
        Fill::Size(0) => "k0",
        Fill::Size(1) => "k1",
        Fill::Size(2) => "k2",
        Fill::Size(3) => "k3",
        Fill::Size(_) => "k4",
        Fill::Cause(0) => "c0",
        Fill::Cause(1) => "c1",
        Fill::Cause(2) => "c2",
        Fill::Cause(3) => "c3",
        Fill::Cause(_) => "c4",
    }
}

/// Draws `chart` so wide and returns its height. On narrow pages names stand above their bars.
pub(super) fn draw(out: &mut String, chart: &Bars, width: f64) -> f64 {
    let narrow = width < 500.0;
    let names = chart.bars.iter().map(|bar| width_of(&bar.name, LETTER));
    let widest = names.fold(40.0, f64::max).min(220.0) + 14.0;
    let left = if narrow { 0.0 } else { widest };
    let shown: Vec<usize> = shown(chart);
    let columns = if narrow {
        0.0
    } else {
        COLUMN * shown.len() as f64
    };
    let right = width - columns;
    let mut y = if narrow {
        0.0
    } else {
        head(out, chart, &shown, (left, right))
    };
    for bar in &chart.bars {
        let strong = if bar.strong { "strong" } else { "" };
        let name = fitted(&bar.name, LETTER, if narrow { width * 0.4 } else { widest });
        if narrow {
            text(out, 0.0, y + 14.0, Anchor::Start, strong, &name);
            let words = in_words(chart, bar, &shown);
            if width_of(&words, LETTER) <= width * 0.58 {
                text(out, width, y + 14.0, Anchor::End, "tick", &words);
            } else {
                y += 17.0;
                let words = fitted(&words, LETTER, width);
                text(out, 0.0, y + 14.0, Anchor::Start, "tick", &words);
            }
            y += 20.0;
        } else {
            text(out, left - 14.0, y + 15.0, Anchor::End, strong, &name);
            for (place, &part) in shown.iter().enumerate() {
                let at = right + COLUMN * (place as f64 + 1.0);
                let value = bar.parts.get(part).copied().unwrap_or(0.0);
                text(out, at, y + 15.0, Anchor::End, strong, &number(value, 1));
            }
        }
        segments(out, chart, bar, (left, y), right - left);
        y += BAR + if narrow { 12.0 } else { 8.0 };
    }
    y
}

/// The segments whose numbers are written: all but what is merely left free.
fn shown(chart: &Bars) -> Vec<usize> {
    let segments = chart.segments.iter().enumerate();
    let shown = segments.filter(|(_, segment)| segment.fill != Fill::Free);
    shown.map(|(index, _)| index).collect()
}

fn head(out: &mut String, chart: &Bars, shown: &[usize], (left, right): (f64, f64)) -> f64 {
    text(
        out,
        left,
        14.0,
        Anchor::Start,
        "title",
        &format!("all {} {}", number(chart.whole, 0), chart.unit),
    );
    for (place, &part) in shown.iter().enumerate() {
        let at = right + COLUMN * (place as f64 + 1.0);
        let segment = &chart.segments[part];
        let name = fitted(&segment.name, LETTER, COLUMN - 18.0);
        text(out, at, 14.0, Anchor::End, "title", &name);
        rect(
            out,
            (at - width_of(&name, LETTER) - 16.0, 4.0),
            (11.0, 11.0),
            class(segment.fill),
        );
    }
    24.0
}

fn in_words(chart: &Bars, bar: &Bar, shown: &[usize]) -> String {
    let parts = shown.iter().map(|&part| {
        let value = bar.parts.get(part).copied().unwrap_or(0.0);
        format!("{} {}", number(value, 1), chart.segments[part].name)
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn segments(out: &mut String, chart: &Bars, bar: &Bar, (left, y): (f64, f64), width: f64) {
    rect(out, (left, y), (width, BAR), "free");
    let mut from = left;
    for (segment, part) in chart.segments.iter().zip(&bar.parts) {
        let length = (part / chart.whole.max(1e-9) * width).clamp(0.0, left + width - from);
        if segment.fill != Fill::Free {
            rect(out, (from, y), (length, BAR), class(segment.fill));
        }
        from += length;
    }
}

/// The bars as a table.
pub(super) fn numbers(chart: &Bars) -> super::model::Table {
    use super::model::{Cell, Column, Row, Table};
    let heads = chart.segments.iter().map(|segment| Column {
        title: segment.name.clone(),
        numeric: true,
    });
    let first = Column {
        title: String::new(),
        numeric: false,
    };
    let row = |bar: &Bar| {
        let parts = bar.parts.iter().map(|&part| Cell::text(number(part, 1)));
        Row {
            cells: std::iter::once(Cell::text(&bar.name))
                .chain(parts)
                .collect(),
            strong: bar.strong,
        }
    };
    Table {
        caption: chart.unit.clone(),
        columns: std::iter::once(first).chain(heads).collect(),
        rows: chart.bars.iter().map(row).collect(),
    }
}
