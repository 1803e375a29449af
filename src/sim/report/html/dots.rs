//! Values as dots, their mean as a bar across and its interval as a line, a row each.

use std::fmt::Write as _;

use super::model::{DotRow, Dots};
use super::svg::{Anchor, Scale, fitted, line, px, short, text, ticks, width_of};

const LETTER: f64 = 13.0;
/// Most values of a row that are drawn one by one; beyond, only their range is.
const MOST_DOTS: usize = 100;

/// Draws `chart` so wide and returns its height. On narrow pages names stand above their rows.
pub(super) fn draw(out: &mut String, chart: &Dots, width: f64) -> f64 {
    let narrow = width < 500.0;
    let widest = |text: fn(&DotRow) -> &String| {
        let widths = chart.rows.iter().map(|row| width_of(text(row), LETTER));
        widths.fold(40.0, f64::max)
    };
    let (left, right) = if narrow {
        (8.0, width - 8.0)
    } else {
        let texts = widest(|row| &row.text).min(260.0);
        (
            widest(|row| &row.name).min(220.0) + 18.0,
            width - texts - 18.0,
        )
    };
    let step = if narrow { 44.0 } else { 28.0 };
    let top = 18.0;
    let bottom = top + step * chart.rows.len() as f64;
    let x = Scale::new(&chart.x, left, right);
    for value in ticks(&chart.x, (right - left) / 90.0) {
        let at = x.at(value);
        line(out, (at, top), (at, bottom), "grid");
        let name = short(value);
        // At an edge of a narrow chart a mark would stand out on both sides.
        let half = width_of(&name, LETTER) / 2.0;
        let at = at.min(width - half).max(half);
        text(out, at, bottom + 17.0, Anchor::Middle, "tick", &name);
    }
    if let Some((value, name)) = &chart.mark {
        let at = x.at(*value);
        line(out, (at, top - 2.0), (at, bottom), "axis");
        let anchor = match (at - left) / (right - left) {
            share if share < 0.3 => Anchor::Start,
            share if share > 0.7 => Anchor::End,
            _ => Anchor::Middle,
        };
        text(out, at, 11.0, anchor, "tick", name);
    }
    for (index, row) in (0..).zip(&chart.rows) {
        let y = top + step * f64::from(index);
        let strong = if row.strong { "strong" } else { "" };
        if narrow {
            text(
                out,
                0.0,
                y + 15.0,
                Anchor::Start,
                strong,
                &fitted(&row.name, LETTER, width * 0.5),
            );
            text(out, width, y + 15.0, Anchor::End, strong, &row.text);
            draw_row(out, row, x, y + 30.0);
        } else {
            let name = fitted(&row.name, LETTER, left - 18.0);
            text(out, left - 18.0, y + 18.0, Anchor::End, strong, &name);
            text(out, width, y + 18.0, Anchor::End, strong, &row.text);
            draw_row(out, row, x, y + 14.0);
        }
    }
    let start = if narrow { 0.0 } else { left };
    text(
        out,
        start,
        bottom + 35.0,
        Anchor::Start,
        "title",
        &chart.x.title,
    );
    bottom + 42.0
}

fn draw_row(out: &mut String, row: &DotRow, x: Scale, y: f64) {
    let hue = row.hue % 8;
    if row.values.len() <= MOST_DOTS {
        for value in &row.values {
            let at = px(x.at(*value));
            let _ = write!(
                out,
                "<circle cx=\"{at}\" cy=\"{}\" r=\"3.5\" class=\"dot h{hue}\"/>",
                px(y)
            );
        }
    } else {
        let low = row.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        line(
            out,
            (x.at(low), y),
            (x.at(high), y),
            &format!("range h{hue}"),
        );
    }
    if let Some((low, high)) = row.interval {
        line(
            out,
            (x.at(low), y),
            (x.at(high), y),
            &format!("interval h{hue}"),
        );
    }
    if let Some(mean) = row.mean {
        let at = x.at(mean);
        line(out, (at, y - 8.0), (at, y + 8.0), &format!("mean h{hue}"));
    }
}
