//! A CSV file with named columns, read so that every complaint says where it is.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::file::{self, unreadable};
use super::{Problem, TraceError};

/// Longest value quoted in a message.
const QUOTED: usize = 60;

/// A file of rows under known columns.
pub(super) struct Table {
    file: PathBuf,
    records: Records,
    columns: Vec<String>,
}

/// One row.
pub(super) struct Row<'a> {
    file: &'a Path,
    columns: &'a [String],
    record: &'a csv::StringRecord,
    line: u64,
}

impl Table {
    /// Opens `file` and checks its header: all of `required`, any of `optional`, nothing else.
    pub(super) fn open(
        file: &Path,
        required: &[&str],
        optional: &[&str],
    ) -> Result<Self, TraceError> {
        let table = Self::open_any(file)?;
        for (index, column) in table.columns.iter().enumerate() {
            let known = required.iter().chain(optional).any(|known| known == column);
            if !known {
                let expected = required.join(",");
                let more = if optional.is_empty() {
                    String::new()
                } else {
                    format!(" (and perhaps {})", optional.join(","))
                };
                let what = format!(
                    "header: column {}: expected {expected}{more}, got {:?}",
                    index + 1,
                    shorten(column)
                );
                return Err(table.at(1, Problem::Line(what)));
            }
        }
        for column in required {
            if !table.columns.iter().any(|c| c == column) {
                let got = table.columns.join(",");
                let what = format!(
                    "header: column {column} is missing: expected {}, got {:?}",
                    required.join(","),
                    shorten(&got)
                );
                return Err(table.at(1, Problem::Line(what)));
            }
        }
        Ok(table)
    }

    /// Opens `file` whatever its columns are called; no two may be called the same.
    pub(super) fn open_any(file: &Path) -> Result<Self, TraceError> {
        let mut records = Records::open(file)?;
        let at = |problem| TraceError::At {
            file: file.to_owned(),
            line: 1,
            problem: Problem::Line(problem),
        };
        if let Some(open) = records.next(file)? {
            let what = format!("header: column {}: {LEFT_OPEN}", open + 1);
            return Err(at(what));
        }
        let columns: Vec<String> = records.record.iter().map(str::to_owned).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|column| !seen.insert(*column)) {
            let got = shorten(&columns.join(","));
            let what = format!("header: expected column {twice:?} once, got {got:?}");
            return Err(at(what));
        }
        Ok(Self {
            file: file.to_owned(),
            records,
            columns,
        })
    }

    /// The columns, in order.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Calls `each` with every row.
    pub(super) fn rows(
        &mut self,
        mut each: impl FnMut(&Row<'_>) -> Result<(), TraceError>,
    ) -> Result<(), TraceError> {
        loop {
            let open = self.records.next(&self.file)?;
            let row = Row {
                file: &self.file,
                columns: &self.columns,
                record: &self.records.record,
                line: self.records.line,
            };
            if let Some(column) = open {
                let name = row.columns.get(column).map_or("", String::as_str);
                return Err(row.wrong_at(name, row.nth(column), LEFT_OPEN));
            }
            match row.record.len() {
                0 => return Ok(()),
                n if n == self.columns.len() => each(&row)?,
                n => {
                    let row: Vec<_> = row.record.iter().collect();
                    let row = shorten(&row.join(","));
                    let what = format!("expected {} columns, got {n}: {row:?}", self.columns.len());
                    return Err(self.at(self.records.line, Problem::Line(what)));
                }
            }
        }
    }

    /// A complaint about a line of this file.
    pub(super) fn at(&self, line: u64, problem: Problem) -> TraceError {
        TraceError::At {
            file: self.file.clone(),
            line,
            problem,
        }
    }
}

impl Row<'_> {
    /// The line in the file, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The text under `column`, or none if the file has no such column.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        let index = self.columns.iter().position(|c| c == column)?;
        self.record.get(index)
    }

    /// The text of the column at `index`.
    pub(super) fn nth(&self, index: usize) -> &str {
        self.record.get(index).unwrap_or("")
    }

    /// A whole number under `column`, at most `most`.
    pub(super) fn number(&self, column: &str, most: u32) -> Result<u32, TraceError> {
        let text = self.get(column).unwrap_or("");
        self.parse_number(column, text, most)
    }

    /// `text` of `column` as a whole number, at most `most`.
    pub(super) fn parse_number(
        &self,
        column: &str,
        text: &str,
        most: u32,
    ) -> Result<u32, TraceError> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|&n: &u32| digits && n <= most);
        number
            .ok_or_else(|| self.wrong_at(column, text, &format!("a whole number from 0 to {most}")))
    }

    /// A whole number under `column`, at most `most`; none where nothing stands.
    pub(super) fn large(&self, column: &str, most: u64) -> Result<Option<u64>, TraceError> {
        let text = self.get(column).unwrap_or("");
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|&n: &u64| digits && n <= most);
        let expected = || format!("a whole number from 0 to {most}, or nothing");
        number
            .map(Some)
            .ok_or_else(|| self.wrong(column, &expected()))
    }

    /// Seconds under `column`, with or without decimals, in milliseconds (further decimals are cut
    /// off).
    pub(super) fn seconds(&self, column: &str) -> Result<u64, TraceError> {
        let text = self.get(column).unwrap_or("");
        millis(text).ok_or_else(|| {
            let expected = format!("seconds from 0 to {}, decimals allowed", MAX_MS / 1000);
            self.wrong(column, &expected)
        })
    }

    /// A complaint about the value under `column`.
    pub(super) fn wrong(&self, column: &str, expected: &str) -> TraceError {
        self.wrong_at(column, self.get(column).unwrap_or(""), expected)
    }

    fn wrong_at(&self, column: &str, value: &str, expected: &str) -> TraceError {
        TraceError::At {
            file: self.file.to_owned(),
            line: self.line,
            problem: Problem::Value {
                column: column.to_owned(),
                value: shorten(value),
                expected: expected.to_owned(),
            },
        }
    }
}

/// Latest time and longest duration, ms: 300 years.
pub(super) const MAX_MS: u64 = 300 * 365 * 86_400_000;

/// Decimal seconds as milliseconds.
fn millis(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let part: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    let millis = whole.parse::<u64>().ok()?.checked_mul(1000)? + part;
    (millis <= MAX_MS).then_some(millis)
}

/// The rows of a file one by one, each with its line.
///
/// The line is counted here: the reader's own is that of the first blank line before the row, and
/// one too low where lines end in CR LF.
struct Records {
    reader: csv::Reader<Cursor<Vec<u8>>>,
    record: csv::StringRecord,
    counted: usize,
    line: u64,
}

impl Records {
    fn open(file: &Path) -> Result<Self, TraceError> {
        let text = String::from_utf8(file::read(file)?);
        let mut text = text.map_err(|error| not_text(file, error.as_bytes()))?;
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        Ok(Self {
            reader: csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(Cursor::new(text.into_bytes())),
            record: csv::StringRecord::new(),
            counted: 0,
            line: 1,
        })
    }

    /// Reads the next row into `record`; it is empty after the last. Some column if a quote is left
    /// open there: the value would swallow the lines that follow.
    fn next(&mut self, file: &Path) -> Result<Option<usize>, TraceError> {
        let read = self.reader.read_record(&mut self.record);
        read.map_err(|e| unreadable(file, &e))?;
        let end = self.reader.position().byte() as usize;
        let start = self.record.position().map_or(end, |p| p.byte() as usize);
        let text = self.reader.get_ref().get_ref();
        let is_break = |byte: &u8| b"\r\n".contains(byte);
        let blank = text[start..end].iter().take_while(|b| is_break(b)).count();
        let lines = text[self.counted..start + blank].iter();
        self.line += lines.filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = start + blank;
        let quotes = text[start..end].iter().filter(|&&byte| byte == b'"');
        let broken = self
            .record
            .iter()
            .position(|v| v.bytes().any(|b| is_break(&b)));
        Ok(match quotes.count() % 2 {
            0 => broken,
            _ => broken.or(self.record.len().checked_sub(1)),
        })
    }
}

/// What is expected of a value that runs over the end of its line.
const LEFT_OPEN: &str = "a value on one line (is a quote left open?)";

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Where a file stops being text.
fn not_text(file: &Path, bytes: &[u8]) -> TraceError {
    let good = str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    let line = bytes[..good].split(|&byte| byte == b'\n');
    let column = line.clone().next_back().map_or(0, <[u8]>::len) + 1;
    let what = format!(
        "byte {column} of the line: expected UTF-8 text, got 0x{:02x}",
        bytes.get(good).copied().unwrap_or_default()
    );
    TraceError::At {
        file: file.to_owned(),
        line: line.count() as u64,
        problem: Problem::Line(what),
    }
}
