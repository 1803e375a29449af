//! Areas on top of each other over a common axis, under a line that bounds them all.

use std::fmt::Write as _;

use super::axes::{self, Frame};
use super::bars::class;
use super::model::Areas;
use super::svg::{number, path};

/// Draws `chart` so wide and returns its height.
pub(super) fn draw(out: &mut String, chart: &Areas, width: f64) -> f64 {
    let height = if width < 500.0 { 250.0 } else { 320.0 };
    let frame = Frame {
        left: axes::margin(&chart.y),
        right: width - 14.0,
        top: 26.0,
        bottom: height - 44.0,
    };
    let mut drawing = String::new();
    let (x, y) = axes::draw(&mut drawing, &chart.x, &chart.y, frame);
    let mut below = vec![0.0; chart.xs.len()];
    for layer in &chart.layers {
        let above = below.iter().zip(&layer.values).map(|(a, b)| a + b);
        let above: Vec<f64> = above.collect();
        let points = |heights: &[f64]| -> Vec<(f64, f64)> {
            let both = chart.xs.iter().zip(heights);
            both.map(|(&at, &value)| (x.at(at), y.at(value))).collect()
        };
        let back = points(&below).into_iter().rev();
        let around = path(points(&above).into_iter().chain(back));
        // An area of nothing is no area.
        if layer.values.iter().any(|value| *value > 0.0) {
            let fill = class(layer.fill);
            let _ = write!(out, "<path class=\"{fill} area\" d=\"{around}z\"/>");
        }
        below = above;
    }
    // Lines of the axes stay visible on top of what is filled.
    out.push_str(&drawing);
    let bound = chart.xs.iter().zip(&chart.ceiling);
    let bound = path(bound.map(|(&at, &value)| (x.at(at), y.at(value))));
    let _ = write!(out, "<path class=\"ceiling\" d=\"{bound}\"/>");
    height
}

/// The layers at the marks of the common axis, as a table.
pub(super) fn numbers(chart: &Areas) -> super::model::Table {
    use super::model::{Cell, Column, Row, Table};
    let marks = axes::marks(&chart.x, 12.0);
    let head = std::iter::once("").chain(marks.iter().map(|(_, name)| name.as_str()));
    let columns = head.enumerate().map(|(index, title)| Column {
        title: title.to_owned(),
        numeric: index > 0,
    });
    let nearest = |mark: f64| {
        let places = 0..chart.xs.len();
        let away = |at: usize| (chart.xs[at] - mark).abs();
        places.min_by(|a, b| away(*a).total_cmp(&away(*b)))
    };
    let row = |(name, values): (&str, &[f64])| {
        let at = marks.iter().map(|(mark, _)| {
            let value = nearest(*mark).and_then(|at| values.get(at));
            value.map_or(String::new(), |value| number(*value, 1))
        });
        let cells = std::iter::once(name.to_owned()).chain(at);
        Row {
            cells: cells.map(Cell::text).collect(),
            strong: false,
        }
    };
    let layers = chart.layers.iter();
    let rows = layers.map(|layer| row((&layer.name, &layer.values)));
    Table {
        caption: format!("{}, by {}", chart.y.title, chart.x.title),
        columns: columns.collect(),
        rows: rows.collect(),
    }
}
