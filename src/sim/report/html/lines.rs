//! Curves with bands, named at their ends instead of in a legend.
//!
//! Names that would overlap are moved apart and tied to their curves by thin lines. Curves of many
//! points are thinned: nobody sees more than a point a pixel.

use std::fmt::Write as _;

use super::axes::{self, Frame};
use super::model::{Line, Lines, Point};
use super::svg::{self, Anchor, Scale, fitted, number, path, px, text, width_of};

/// Most points drawn of one curve.
const MOST_POINTS: usize = 300;
/// From one name to the next, at least.
const NAME_HEIGHT: f64 = 17.0;
const LETTER: f64 = 13.0;

/// Draws `chart` so wide and returns its height.
pub(super) fn draw(out: &mut String, chart: &Lines, width: f64) -> f64 {
    let narrow = width < 500.0;
    let names = chart.lines.iter().map(|line| label(line, narrow));
    let widest = names
        .map(|name| width_of(&name, LETTER))
        .fold(60.0, f64::max);
    let right = match chart.key {
        true => 14.0,
        false => (widest + 22.0).min(if narrow { 150.0 } else { 240.0 }),
    };
    // Names need their height even where there are many.
    let height = match (chart.key, narrow) {
        (true, true) => 230.0,
        (true, false) => 300.0,
        (false, _) => {
            (chart.lines.len() as f64 * NAME_HEIGHT + 60.0).max(if narrow { 270.0 } else { 380.0 })
        }
    };
    let frame = Frame {
        left: axes::margin(&chart.y),
        right: width - right,
        top: 26.0,
        bottom: height - 44.0,
    };
    let (x, y) = axes::draw(out, &chart.x, &chart.y, frame);
    let scaled = |points: &[(f64, f64)]| path(points.iter().map(|&(a, b)| (x.at(a), y.at(b))));
    if let Some((_, points)) = &chart.ceiling {
        let _ = write!(out, "<path class=\"ceiling\" d=\"{}\"/>", scaled(points));
    }
    if let Some((name, points)) = &chart.reference {
        let _ = write!(out, "<path class=\"reference\" d=\"{}\"/>", scaled(points));
        if !chart.key {
            reference_name(out, name, points, (x, y));
        }
    }
    if !chart.band.is_empty() {
        for curve in &chart.lines {
            band(out, curve, (x, y));
        }
    }
    // What stands out is drawn last, above the others.
    for strong in [false, true] {
        for curve in chart.lines.iter().filter(|curve| curve.strong == strong) {
            stroke(out, curve, (x, y));
        }
    }
    if !chart.key {
        end_names(out, chart, (x, y), (frame.top, frame.bottom), width);
    }
    height
}

/// The reference is named in its middle, to the left of it.
fn reference_name(out: &mut String, name: &str, points: &[(f64, f64)], (x, y): (Scale, Scale)) {
    let ends = points.first().zip(points.last());
    if let Some((first, last)) = ends {
        let share = 0.62;
        let at = |a: f64, b: f64| a + share * (b - a);
        let (at_x, at_y) = (x.at(at(first.0, last.0)), y.at(at(first.1, last.1)));
        text(out, at_x - 10.0, at_y - 4.0, Anchor::End, "tick", name);
    }
}

fn thinned(curve: &Line) -> impl DoubleEndedIterator<Item = &Point> {
    let step = curve.points.len().div_ceil(MOST_POINTS).max(1);
    let last = curve.points.len().saturating_sub(1);
    let points = curve.points.iter().enumerate();
    points
        .filter(move |(index, _)| index.is_multiple_of(step) || *index == last)
        .map(|(_, point)| point)
}

fn band(out: &mut String, curve: &Line, (x, y): (Scale, Scale)) {
    let there = thinned(curve).map(|p| (x.at(p.x), y.at(p.high)));
    let back = thinned(curve).rev().map(|p| (x.at(p.x), y.at(p.low)));
    let steps = path(there.chain(back));
    let hue = curve.hue % 8;
    let _ = write!(out, "<path class=\"band h{hue}\" d=\"{steps}z\"/>");
}

fn stroke(out: &mut String, curve: &Line, (x, y): (Scale, Scale)) {
    let steps = path(thinned(curve).map(|p| (x.at(p.x), y.at(p.y))));
    let _ = write!(out, "<path class=\"{}\" d=\"{steps}\"/>", look(curve));
}

/// The classes of a curve in the style sheet.
pub(super) fn look(curve: &Line) -> String {
    let (hue, strong) = (curve.hue % 8, if curve.strong { " strong" } else { "" });
    let dash = if curve.hue >= 4 && !curve.strong {
        " dash"
    } else {
        ""
    };
    format!("curve h{hue}{strong}{dash}")
}

/// A curve's name and, where there is room, its last value.
fn label(curve: &Line, narrow: bool) -> String {
    if narrow {
        return curve.name.clone();
    }
    let end = curve.points.last().map_or(0.0, |p| p.y);
    format!("{} {}", curve.name, number(end, 1))
}

/// Names beside the ends of the curves, from top to bottom, moved apart.
fn end_names(
    out: &mut String,
    chart: &Lines,
    (x, y): (Scale, Scale),
    (top, bottom): (f64, f64),
    width: f64,
) {
    let ends = chart
        .lines
        .iter()
        .filter_map(|curve| Some((curve, curve.points.last()?)));
    let mut ends: Vec<_> = ends
        .map(|(curve, p)| (curve, x.at(p.x), y.at(p.y)))
        .collect();
    ends.sort_by(|a, b| a.2.total_cmp(&b.2));
    let wanted: Vec<f64> = ends.iter().map(|(_, _, at)| *at).collect();
    for ((curve, end_x, end_y), at) in ends
        .into_iter()
        .zip(apart(&wanted, top - 8.0, bottom + 8.0))
    {
        let hue = curve.hue % 8;
        let start = end_x + 18.0;
        let _ = write!(
            out,
            "<path class=\"tie h{hue}\" d=\"M{} {}L{} {}\"/>",
            px(end_x + 2.0),
            px(end_y),
            px(start - 3.0),
            px(at)
        );
        let class = if curve.strong {
            "name strong h"
        } else {
            "name h"
        };
        let class = format!("{class}{hue}");
        let name = fitted(&label(curve, width < 500.0), LETTER, width - start);
        text(out, start, at + 4.0, Anchor::Start, &class, &name);
    }
}

/// `wanted`, which ascend, moved as little as a simple rule does so that neighbours are
/// [`NAME_HEIGHT`] apart: pushed down from the top, then up from the bottom.
fn apart(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    // Pushing down only would move a bunch below its curves: start half a bunch higher.
    let mut placed: Vec<f64> = Vec::with_capacity(wanted.len());
    for &at in wanted {
        let least = placed.last().map_or(top, |last| last + NAME_HEIGHT);
        placed.push(at.max(least));
    }
    let shift =
        placed.iter().zip(wanted).map(|(a, b)| a - b).sum::<f64>() / wanted.len().max(1) as f64;
    let mut most = bottom;
    for at in placed.iter_mut().rev() {
        *at = (*at - shift).min(most);
        most = *at - NAME_HEIGHT;
    }
    let mut least = top;
    for at in &mut placed {
        *at = at.max(least);
        least = *at + NAME_HEIGHT;
    }
    placed
}

/// The curves at the ticks of the common axis, as a table: for readers who do not see the drawing.
pub(super) fn numbers(chart: &Lines) -> super::model::Table {
    use super::model::{Cell, Column, Row, Table};
    let marks = axes::marks(&chart.x, 12.0);
    let head = std::iter::once(String::new()).chain(marks.iter().map(|(_, name)| name.clone()));
    let columns = head.enumerate().map(|(index, title)| Column {
        title,
        numeric: index > 0,
    });
    let row = |curve: &Line| {
        let nearest = |mark: f64| {
            let distance = |p: &&Point| (p.x - mark).abs();
            let points = curve.points.iter();
            points.min_by(|a, b| distance(a).total_cmp(&distance(b)))
        };
        let at = marks
            .iter()
            .map(|(mark, _)| nearest(*mark).map_or(String::new(), |p| svg::number(p.y, 1)));
        Row {
            cells: std::iter::once(curve.name.clone())
                .chain(at)
                .map(Cell::text)
                .collect(),
            strong: curve.strong,
        }
    };
    Table {
        caption: format!("{}, by {}", chart.y.title, chart.x.title),
        columns: columns.collect(),
        rows: chart.lines.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_apart_and_stay_in_order_and_inside() {
        let placed = apart(&[50.0, 51.0, 52.0, 200.0], 0.0, 210.0);
        for pair in placed.windows(2) {
            assert!(pair[1] - pair[0] >= NAME_HEIGHT - 1e-9, "{placed:?}");
        }
        assert!(placed[0] >= 0.0 && placed[3] <= 210.0, "{placed:?}");
        assert!(
            placed[0] < 50.0 && placed[2] > 52.0,
            "the bunch is centred: {placed:?}"
        );
    }
}
