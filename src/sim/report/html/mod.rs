//! A report as one HTML file that needs nothing else: no network, no script, no storage.
//!
//! The page forbids itself everything but its own style (Content-Security-Policy), so that even a
//! name that slipped through escaping could do nothing. Light and dark follow the reader's system or
//! the three buttons on top, which are radio buttons that the style sheet looks at. Each chart is
//! drawn twice, for screens and for phones, so that its letters are readable on both.

mod areas;
mod axes;
mod bars;
mod dots;
mod key;
mod lines;
mod map;
pub mod model;
mod svg;
mod table;

use std::fmt::Write as _;

use model::{Block, Panels, Report, Section, Verdict};
pub(super) use svg::number;
use svg::{NARROW, WIDE, escape, px};

const STYLE: &str = include_str!("report.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The page.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    page.head(report);
    page.verdict(&report.verdict);
    for section in &report.sections {
        page.section(section);
    }
    page.out.push_str("</main></body></html>\n");
    page.out
}

/// The page so far.
#[derive(Default)]
struct Page {
    out: String,
    /// Drawings so far, for names that are their own.
    drawings: usize,
}

impl Page {
    fn head(&mut self, report: &Report) {
        let (title, subtitle) = (escape(&report.title), escape(&report.subtitle));
        let _ = write!(
            self.out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <link rel=\"icon\" href=\"data:,\"><title>{title}</title>\
             <style>\n{STYLE}</style></head>\n<body><a class=\"skip\" href=\"#verdict\">Skip to the result</a>\
             {HATCH}<header><div><p class=\"brand\">Stowage</p><h1>{title}</h1>\
             <p class=\"subtitle\">{subtitle}</p></div>{COLOURS}</header>\n<nav aria-label=\"Sections\"><ul>"
        );
        for section in &report.sections {
            let heading = escape(&section.heading);
            let _ = write!(
                self.out,
                "<li><a href=\"#{}\">{heading}</a></li>",
                section.id
            );
        }
        self.out.push_str("</ul></nav>\n<main>");
    }

    fn verdict(&mut self, verdict: &Verdict) {
        let sentence = escape(&verdict.sentence);
        let _ = write!(
            self.out,
            "<section id=\"verdict\" tabindex=\"-1\" aria-labelledby=\"sentence\">\
             <h2 id=\"sentence\">{sentence}</h2>"
        );
        for remark in &verdict.remarks {
            let _ = write!(self.out, "<p class=\"remark\">{}</p>", escape(remark));
        }
        self.out.push_str("<dl class=\"tiles\">");
        for tile in &verdict.tiles {
            let (label, value, note) =
                (escape(&tile.label), escape(&tile.value), escape(&tile.note));
            let _ = write!(
                self.out,
                "<div><dt>{label}</dt><dd><b>{value}</b><small>{note}</small></dd></div>"
            );
        }
        self.out.push_str("</dl></section>\n");
    }

    fn section(&mut self, section: &Section) {
        let (id, heading) = (section.id, escape(&section.heading));
        let _ = write!(
            self.out,
            "<section id=\"{id}\" aria-labelledby=\"{id}-heading\"><h2 id=\"{id}-heading\">{heading}</h2>"
        );
        self.blocks(&section.blocks);
        self.out.push_str("</section>\n");
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        let out = &mut self.out;
        match block {
            Block::Text(text) => {
                let _ = write!(out, "<p>{}</p>", escape(text));
            }
            Block::Heading(text) => {
                let _ = write!(out, "<h3>{}</h3>", escape(text));
            }
            Block::Verbatim(text) => {
                let _ = write!(out, "<pre tabindex=\"0\">{}</pre>", escape(text));
            }
            Block::Facts(facts) => {
                out.push_str("<dl class=\"facts\">");
                for (term, what) in facts {
                    let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escape(term), escape(what));
                }
                out.push_str("</dl>");
            }
            Block::Folded { summary, blocks } => {
                let _ = write!(out, "<details><summary>{}</summary>", escape(summary));
                self.blocks(blocks);
                self.out.push_str("</details>");
            }
            Block::Table(table) => table::write(out, table),
            Block::Map(map) => {
                out.push_str("<figure class=\"map\">");
                map::write(out, map);
                let _ = write!(
                    out,
                    "<figcaption>{}</figcaption></figure>",
                    escape(&map.caption)
                );
            }
            Block::Panels(panels) => self.panels(panels),
            Block::Areas(chart) => {
                let layers = chart.layers.iter();
                key::fills(out, layers.map(|layer| (layer.fill, layer.name.as_str())));
                let draw = |out: &mut String, width| areas::draw(out, chart, width);
                let title = format!("{} by {}", chart.y.title, chart.x.title);
                self.figure(&title, &chart.caption, draw, Some(&areas::numbers(chart)));
            }
            Block::Lines(chart) => {
                if chart.key {
                    key::curves(out, chart);
                }
                let draw = |out: &mut String, width| lines::draw(out, chart, width);
                let title = format!("{} by {}", chart.y.title, chart.x.title);
                self.figure(&title, &chart.caption, draw, Some(&lines::numbers(chart)));
            }
            Block::Bars(chart) => {
                let draw = |out: &mut String, width| bars::draw(out, chart, width);
                self.figure(
                    &chart.unit,
                    &chart.caption,
                    draw,
                    Some(&bars::numbers(chart)),
                );
            }
            Block::Dots(chart) => {
                let draw = |out: &mut String, width| dots::draw(out, chart, width);
                self.figure(&chart.x.title, &chart.caption, draw, None);
            }
        }
    }

    /// Small drawings, which flow with the width of the page, under one key.
    fn panels(&mut self, panels: &Panels) {
        if let Some((_, first)) = panels.charts.first() {
            key::curves(&mut self.out, first);
        }
        self.out.push_str("<div class=\"panels\">");
        for (heading, chart) in &panels.charts {
            let _ = write!(self.out, "<div><h4>{}</h4>", escape(heading));
            let title = format!("{heading}: {} by {}", chart.y.title, chart.x.title);
            let draw = |out: &mut String, width| lines::draw(out, chart, width);
            self.drawing("panel", NARROW, (&title, &chart.caption), draw);
            self.out.push_str("</div>");
        }
        let caption = escape(&panels.caption);
        let _ = write!(self.out, "</div><p class=\"caption\">{caption}</p>");
        // Beside each other they would have no room.
        let numbers = panels.charts.iter().map(|(heading, chart)| model::Table {
            caption: format!("{heading}: {} by {}", chart.y.title, chart.x.title),
            ..lines::numbers(chart)
        });
        self.numbers(&numbers.collect::<Vec<_>>());
    }

    /// A drawing in both widths with title, description and, if there are any, its numbers.
    fn figure(
        &mut self,
        title: &str,
        caption: &str,
        draw: impl Fn(&mut String, f64) -> f64,
        numbers: Option<&model::Table>,
    ) {
        self.out.push_str("<figure>");
        for (class, width) in [("wide", WIDE), ("narrow", NARROW)] {
            self.drawing(class, width, (title, caption), &draw);
        }
        let _ = write!(
            self.out,
            "<figcaption>{}</figcaption></figure>",
            escape(caption)
        );
        if let Some(numbers) = numbers {
            self.numbers(std::slice::from_ref(numbers));
        }
    }

    fn drawing(
        &mut self,
        class: &str,
        width: f64,
        (title, description): (&str, &str),
        draw: impl Fn(&mut String, f64) -> f64,
    ) {
        let mut drawing = String::new();
        let height = px(draw(&mut drawing, width));
        self.drawings += 1;
        let n = self.drawings;
        let (title, description, width) = (escape(title), escape(description), px(width));
        let _ = write!(
            self.out,
            "<svg class=\"chart {class}\" role=\"img\" aria-labelledby=\"t{n} d{n}\" \
             viewBox=\"0 0 {width} {height}\"><title id=\"t{n}\">{title}</title>\
             <desc id=\"d{n}\">{description}</desc>{drawing}</svg>"
        );
    }

    fn numbers(&mut self, tables: &[model::Table]) {
        self.out
            .push_str("<details class=\"numbers\"><summary>The numbers</summary>");
        for numbers in tables {
            table::write(&mut self.out, numbers);
        }
        self.out.push_str("</details>");
    }
}

/// What stranded parts are filled with; one definition for all drawings.
const HATCH: &str = "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
    <pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
    <rect width=\"5\" height=\"5\" class=\"hatch-ground\"/><rect width=\"2\" height=\"5\" class=\"hatch-line\"/>\
    </pattern></defs></svg>";

/// Light or dark, without a script: the style sheet looks at what is checked.
const COLOURS: &str = "<fieldset class=\"colours\"><legend>Colours</legend>\
    <label><input type=\"radio\" name=\"colours\" id=\"colours-system\" checked>System</label>\
    <label><input type=\"radio\" name=\"colours\" id=\"colours-light\">Light</label>\
    <label><input type=\"radio\" name=\"colours\" id=\"colours-dark\">Dark</label></fieldset>";
