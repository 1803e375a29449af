//! What a report shows, whatever was simulated: a verdict, then sections of text, tables and charts.
//!
//! This is all that the drawing functions know. Whoever has results (of pouring in, of a replay in
//! time) puts them into these values. Text is plain text; it is escaped where it is written.

/// A whole report.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was simulated, in a few words.
    pub title: String,
    /// Cluster, workload and size of the experiment, in one line.
    pub subtitle: String,
    /// What came out.
    pub verdict: Verdict,
    /// The evidence, most important first.
    pub sections: Vec<Section>,
}

/// What came out, in one sentence.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The sentence.
    pub sentence: String,
    /// What must be known to read it rightly.
    pub remarks: Vec<String>,
    /// A few numbers.
    pub tiles: Vec<Tile>,
}

/// One number that matters.
#[derive(Debug, Clone)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The number with its unit.
    pub value: String,
    /// What stands beside it.
    pub note: String,
}

/// One section.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name in links: lower-case letters and hyphens.
    pub id: &'static str,
    /// Its heading.
    pub heading: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A heading within a section.
    Heading(String),
    /// A table.
    Table(Table),
    /// Curves over a common axis.
    Lines(Lines),
    /// Several small drawings of curves that share a key.
    Panels(Panels),
    /// Areas on top of each other.
    Areas(Areas),
    /// One bar of several segments a row.
    Bars(Bars),
    /// Values and their mean, a row each.
    Dots(Dots),
    /// Who holds which GPU of each node.
    Map(Map),
    /// Terms and what they mean or are.
    Facts(Vec<(String, String)>),
    /// Text as it is, for machines.
    Verbatim(String),
    /// Parts that are shown on demand.
    Folded {
        /// What is in it.
        summary: String,
        /// The parts.
        blocks: Vec<Block>,
    },
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// The columns; the first names the row.
    pub columns: Vec<Column>,
    /// The rows, with a cell a column.
    pub rows: Vec<Row>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its head.
    pub title: String,
    /// Whether it holds numbers, which are aligned right.
    pub numeric: bool,
}

/// A row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its cells.
    pub cells: Vec<Cell>,
    /// Whether it stands out.
    pub strong: bool,
}

/// A cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// What is read.
    pub text: String,
    /// What stands below in smaller letters, such as an interval.
    pub note: String,
    /// The exact number behind it.
    pub value: Option<f64>,
}

impl Cell {
    /// A cell of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// An axis.
#[derive(Debug, Clone, Default)]
pub struct Axis {
    /// What it measures, with unit.
    pub title: String,
    /// Its first value.
    pub from: f64,
    /// Its last value.
    pub to: f64,
    /// Values that are marked, and how; empty for round numbers.
    pub marks: Vec<(f64, String)>,
}

/// Curves.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// What it shows.
    pub caption: String,
    /// The common axis.
    pub x: Axis,
    /// The axis of the values.
    pub y: Axis,
    /// The curves.
    pub lines: Vec<Line>,
    /// A curve to compare with, such as what was asked for, and its name.
    pub reference: Option<(String, Vec<(f64, f64)>)>,
    /// A curve that bounds the others, and its name; drawn thin.
    pub ceiling: Option<(String, Vec<(f64, f64)>)>,
    /// What the band around a curve is; empty without bands.
    pub band: String,
    /// Whether curves are named in a list above instead of at their ends.
    pub key: bool,
}

/// Small drawings beside each other, of the same curves.
#[derive(Debug, Clone, Default)]
pub struct Panels {
    /// What they show.
    pub caption: String,
    /// Their headings and curves.
    pub charts: Vec<(String, Lines)>,
}

/// Areas on top of each other.
#[derive(Debug, Clone, Default)]
pub struct Areas {
    /// What it shows.
    pub caption: String,
    /// The common axis.
    pub x: Axis,
    /// The axis of the values.
    pub y: Axis,
    /// Where on the common axis values are.
    pub xs: Vec<f64>,
    /// The areas, the lowest first.
    pub layers: Vec<Layer>,
    /// What bounds them all, by place.
    pub ceiling: Vec<f64>,
}

/// An area.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// How it is filled.
    pub fill: Fill,
    /// Its height by place.
    pub values: Vec<f64>,
}

/// A curve.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its colour; the same number is the same colour in all charts.
    pub hue: usize,
    /// Whether it stands out.
    pub strong: bool,
    /// Its points: x, lower end of the band, value, upper end.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Where on the common axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// The lower end of the band.
    pub low: f64,
    /// The upper end of the band.
    pub high: f64,
}

/// Bars of segments.
#[derive(Debug, Clone, Default)]
pub struct Bars {
    /// What it shows.
    pub caption: String,
    /// The names of the segments, in order.
    pub segments: Vec<Segment>,
    /// The bars.
    pub bars: Vec<Bar>,
    /// The length of a full bar.
    pub whole: f64,
    /// What stands behind a number.
    pub unit: String,
}

/// A kind of segment.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// How it is filled.
    pub fill: Fill,
}

/// How an area is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// In the colour of what is used.
    Used,
    /// Hatched: free and of no use.
    Stranded,
    /// Left empty: free.
    Free,
    /// In the colour of a pod size class, 0 (smallest) to 4.
    Size(usize),
    /// In the colour of a cause of stranding, 0 to 4.
    Cause(usize),
}

/// A bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Whether it stands out.
    pub strong: bool,
    /// The segments' lengths.
    pub parts: Vec<f64>,
}

/// Values and their mean, a row each.
#[derive(Debug, Clone, Default)]
pub struct Dots {
    /// What it shows.
    pub caption: String,
    /// The axis of the values.
    pub x: Axis,
    /// The rows.
    pub rows: Vec<DotRow>,
    /// A value marked with a line through all rows, such as 0, and what it is.
    pub mark: Option<(f64, String)>,
}

/// A row of values.
#[derive(Debug, Clone)]
pub struct DotRow {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub hue: usize,
    /// Whether it stands out.
    pub strong: bool,
    /// The values, one a run.
    pub values: Vec<f64>,
    /// Their mean; none if there is nothing to show.
    pub mean: Option<f64>,
    /// The interval of the mean.
    pub interval: Option<(f64, f64)>,
    /// What is written beside it.
    pub text: String,
}

/// Who holds which GPU of each node.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// What it shows.
    pub caption: String,
    /// The classes, by number, with what is known of each.
    pub classes: Vec<(Fill, String)>,
    /// Nodes of a kind together.
    pub pools: Vec<Pool>,
}

/// Nodes of one kind.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its nodes, the fullest first.
    pub nodes: Vec<MapNode>,
}

/// A node, or several that look alike.
#[derive(Debug, Clone)]
pub struct MapNode {
    /// Its name, or what the nodes have in common.
    pub name: String,
    /// How many nodes this stands for.
    pub times: u32,
    /// Its GPUs: parts in thousandths and how they are filled.
    pub gpus: Vec<Vec<(Fill, u32)>>,
}
