//! What fills and curves mean, as a list above a drawing.

use std::fmt::Write as _;

use super::bars::class;
use super::lines::look;
use super::model::{Fill, Lines};
use super::svg::escape;

/// Writes what each fill is.
pub(super) fn fills<'a>(out: &mut String, fills: impl IntoIterator<Item = (Fill, &'a str)>) {
    out.push_str("<ul class=\"key\">");
    for (fill, what) in fills {
        let _ = write!(
            out,
            "<li><svg width=\"15\" height=\"15\" viewBox=\"0 0 15 15\" aria-hidden=\"true\">\
             <rect width=\"15\" height=\"15\" class=\"{}\"/></svg>{}</li>",
            class(fill),
            escape(what)
        );
    }
    out.push_str("</ul>");
}

/// Writes which curve is which.
pub(super) fn curves(out: &mut String, chart: &Lines) {
    out.push_str("<ul class=\"key\">");
    for line in &chart.lines {
        let weight = if line.strong { "b" } else { "span" };
        entry(out, &look(line), &line.name, weight);
    }
    if let Some((name, _)) = &chart.reference {
        entry(out, "reference", name, "span");
    }
    if let Some((name, _)) = &chart.ceiling {
        entry(out, "ceiling", name, "span");
    }
    out.push_str("</ul>");
}

fn entry(out: &mut String, class: &str, name: &str, weight: &str) {
    let name = escape(name);
    let _ = write!(
        out,
        "<li><svg width=\"28\" height=\"12\" viewBox=\"0 0 28 12\" aria-hidden=\"true\">\
         <path class=\"{class}\" d=\"M0 6h28\"/></svg><{weight}>{name}</{weight}></li>"
    );
}
