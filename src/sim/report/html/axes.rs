//! The frame that curves and areas stand in: two axes with their marks and titles.

use super::model::Axis;
use super::svg::{Anchor, Scale, line, short, text, ticks, width_of};

/// Size of the letters at the marks.
const LETTER: f64 = 12.0;

/// Where the drawing is, in coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// The marks of `axis`: its own, or about `most` round numbers.
pub(super) fn marks(axis: &Axis, most: f64) -> Vec<(f64, String)> {
    if axis.marks.is_empty() {
        let round = ticks(axis, most).into_iter();
        return round.map(|value| (value, short(value))).collect();
    }
    axis.marks.clone()
}

/// How much room the marks of `y` need to the left.
pub(super) fn margin(y: &Axis) -> f64 {
    let marks = marks(y, 5.0);
    let widths = marks.iter().map(|(_, name)| width_of(name, LETTER));
    widths.fold(32.0, f64::max) + 8.0
}

/// Draws the axes and returns their scales.
pub(super) fn draw(out: &mut String, x: &Axis, y: &Axis, frame: Frame) -> (Scale, Scale) {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = frame;
    let (across, up) = (Scale::new(x, left, right), Scale::new(y, bottom, top));
    for (value, name) in marks(y, 5.0) {
        let at = up.at(value);
        line(out, (left, at), (right, at), "grid");
        text(out, left - 7.0, at + 4.0, Anchor::End, "tick", &name);
    }
    let mut free = f64::NEG_INFINITY;
    for (value, name) in marks(x, (right - left) / 60.0) {
        let at = across.at(value);
        line(out, (at, bottom), (at, bottom + 5.0), "axis");
        // Where marks are given there may be more than names have room for.
        let half = width_of(&name, LETTER) / 2.0;
        if at - half > free {
            text(out, at, bottom + 19.0, Anchor::Middle, "tick", &name);
            free = at + half;
        }
    }
    line(out, (left, bottom), (right, bottom), "axis");
    text(out, 0.0, 12.0, Anchor::Start, "title", &y.title);
    text(out, left, bottom + 38.0, Anchor::Start, "title", &x.title);
    (across, up)
}
