//! A CSV file with named columns, read so that every complaint says where it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Problem, TraceError};

/// Longest value quoted in a message.
const QUOTED: usize = 60;

/// A file of rows under known columns.
pub(super) struct Table {
    file: PathBuf,
    reader: csv::Reader<File>,
    columns: Vec<String>,
}

/// One row.
pub(super) struct Row<'a> {
    file: &'a Path,
    columns: &'a [String],
    record: csv::StringRecord,
    line: u64,
}

impl Table {
    /// Opens `file` and checks its header: all of `required`, any of `optional`, nothing else.
    pub(super) fn open(
        file: &Path,
        required: &[&str],
        optional: &[&str],
    ) -> Result<Self, TraceError> {
        let mut table = Self::open_any(file)?;
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
        table.reader.headers().map_err(|e| unreadable(file, &e))?;
        Ok(table)
    }

    /// Opens `file` whatever its columns are called; no two may be called the same.
    pub(super) fn open_any(file: &Path) -> Result<Self, TraceError> {
        let handle = File::open(file).map_err(|e| unreadable(file, &e))?;
        if handle.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(unreadable(file, &"it is a folder"));
        }
        let mut reader = csv::ReaderBuilder::new().from_reader(handle);
        let headers = reader.headers().map_err(|e| from_csv(file, 1, &e))?;
        let columns: Vec<String> = headers.iter().map(str::to_owned).collect();
        let table = Self {
            file: file.to_owned(),
            reader,
            columns,
        };
        let mut seen = BTreeMap::new();
        for column in &table.columns {
            if seen.insert(column, ()).is_some() {
                let what = format!("header: column {:?} is there twice", shorten(column));
                return Err(table.at(1, Problem::Line(what)));
            }
        }
        Ok(table)
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
        let mut row = Row {
            file: &self.file,
            columns: &self.columns,
            record: csv::StringRecord::new(),
            line: 1,
        };
        loop {
            let next = self.reader.read_record(&mut row.record);
            if !next.map_err(|e| from_csv(row.file, row.line + 1, &e))? {
                return Ok(());
            }
            row.line = row
                .record
                .position()
                .map_or(row.line + 1, csv::Position::line);
            each(&row)?;
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
        number.ok_or_else(|| self.wrong(column, &format!("a whole number from 0 to {most}")))
    }

    /// A complaint about the value under `column`.
    pub(super) fn wrong(&self, column: &str, expected: &str) -> TraceError {
        TraceError::At {
            file: self.file.to_owned(),
            line: self.line,
            problem: Problem::Value {
                column: column.to_owned(),
                value: shorten(self.get(column).unwrap_or("")),
                expected: expected.to_owned(),
            },
        }
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn unreadable(file: &Path, reason: &dyn std::fmt::Display) -> TraceError {
    TraceError::Unreadable {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}

fn from_csv(file: &Path, line: u64, error: &csv::Error) -> TraceError {
    let line = error.position().map_or(line, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("expected {expected_len} columns, got {len} (is a quote left open?)"),
        csv::ErrorKind::Utf8 { .. } => "expected UTF-8 text".to_owned(),
        csv::ErrorKind::Io(error) => return unreadable(file, error),
        _ => error.to_string(),
    };
    TraceError::At {
        file: file.to_owned(),
        line,
        problem: Problem::Line(what),
    }
}
