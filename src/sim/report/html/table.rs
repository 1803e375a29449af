//! Tables: numbers to the right, intervals below them; on phones a row becomes a card.
//!
//! Roles are written out, because browsers drop a table's meaning where its display is changed.

use std::fmt::Write as _;

use super::model::{Cell, Column, Row, Table};
use super::svg::escape;

/// Writes `table` in a region of its own, so that a wide one is moved and not the page.
pub(super) fn write(out: &mut String, table: &Table) {
    let caption = escape(&table.caption);
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\
         <table role=\"table\"><caption>{caption}</caption><thead role=\"rowgroup\"><tr role=\"row\">"
    );
    for column in &table.columns {
        let class = if column.numeric {
            " class=\"number\""
        } else {
            ""
        };
        let title = escape(&column.title);
        let _ = write!(
            out,
            "<th role=\"columnheader\" scope=\"col\"{class}>{title}</th>"
        );
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">");
    for row in &table.rows {
        write_row(out, row, &table.columns);
    }
    out.push_str("</tbody></table></div>");
}

fn write_row(out: &mut String, row: &Row, columns: &[Column]) {
    let strong = if row.strong { " class=\"strong\"" } else { "" };
    let _ = write!(out, "<tr role=\"row\"{strong}>");
    for (index, (cell, column)) in row.cells.iter().zip(columns).enumerate() {
        if index == 0 {
            let _ = write!(out, "<th role=\"rowheader\" scope=\"row\">");
            write_cell(out, cell);
            out.push_str("</th>");
            continue;
        }
        let class = if column.numeric {
            " class=\"number\""
        } else {
            ""
        };
        let value = cell
            .value
            .map_or(String::new(), |v| format!(" data-value=\"{v}\""));
        let label = escape(&column.title);
        let _ = write!(
            out,
            "<td role=\"cell\"{class} data-label=\"{label}\"{value}>"
        );
        write_cell(out, cell);
        out.push_str("</td>");
    }
    out.push_str("</tr>");
}

fn write_cell(out: &mut String, cell: &Cell) {
    let _ = write!(out, "<span>{}</span>", escape(&cell.text));
    if !cell.note.is_empty() {
        let _ = write!(out, "<small>{}</small>", escape(&cell.note));
    }
}
