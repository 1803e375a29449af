//! The table of profiles by board, `data/mig-profiles.csv`, read row by row.
//!
//! Only what a row says by itself is checked here; what the rows of a board make together is in
//! `geometry.rs`. Sources of the figures: NVIDIA MIG User Guide and `nvidia-smi mig -lgipp`; boards
//! whose placements are not published have rows without them.

use std::str::FromStr;

use thiserror::Error;

use super::profile::MigProfile;

/// Most memory slices of a board: the bits of a [`SliceMask`](super::SliceMask).
pub(super) const MAX_SLICES: u8 = 16;

const HEADER: &str = "gpu_model,profile,compute_slices,memory_slices,max_instances,placements";

/// Why a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {value:?}: expected {expected}")]
pub struct TableError {
    /// Counted from 1.
    pub line: usize,
    /// What stands there.
    pub value: String,
    /// What should.
    pub expected: &'static str,
}

/// One profile of one board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) line: usize,
    pub(super) board: &'a str,
    pub(super) profile: MigProfile,
    pub(super) most: u8,
    /// `None` where they are not published.
    pub(super) places: Option<Places>,
}

/// Where instances may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) size: u8,
    pub(super) starts: Vec<u8>,
}

/// All rows of a table.
pub(super) fn rows(text: &str) -> Result<Vec<Row<'_>>, TableError> {
    let mut lines = (1..).zip(text.lines());
    let header = lines.next().map_or("", |(_, header)| header);
    if header != HEADER {
        return Err(error(1, header, HEADER));
    }
    lines.map(|(line, text)| row(line, text)).collect()
}

pub(super) fn error(line: usize, value: &str, expected: &'static str) -> TableError {
    let value = value.to_owned();
    TableError {
        line,
        value,
        expected,
    }
}

fn row(line: usize, text: &str) -> Result<Row<'_>, TableError> {
    let fields: Vec<&str> = text.split(',').collect();
    let [board, profile, compute, slices, most, starts] = fields[..] else {
        return Err(error(line, text, "six fields"));
    };
    let wrong = |value, expected| Err(error(line, value, expected));
    if board.is_empty() {
        return wrong(board, "a GPU model");
    }
    let Ok(profile) = MigProfile::from_str(profile) else {
        return wrong(profile, "a MIG profile");
    };
    if number(compute) != Some(profile.compute()) {
        return wrong(compute, "the compute slices of the profile's name");
    }
    let Some(most) = number(most) else {
        return wrong(most, "1 to 16 instances");
    };
    let places = match (slices, starts) {
        ("", "") => None,
        _ => Some(places(line, slices, starts)?),
    };
    Ok(Row {
        line,
        board,
        profile,
        most,
        places,
    })
}

fn places(line: usize, slices: &str, list: &str) -> Result<Places, TableError> {
    let Some(size) = number(slices) else {
        return Err(error(line, slices, "1 to 16 memory slices"));
    };
    let starts = list.split(';').map(|start| start.parse().ok());
    let starts: Option<Vec<u8>> = starts.collect();
    let ascending = |starts: &Vec<u8>| {
        let last = starts.last().is_some_and(|&last| last < MAX_SLICES);
        last && starts.is_sorted_by(|a, b| a < b)
    };
    match starts.filter(ascending) {
        None => Err(error(line, list, "ascending starts, each below 16")),
        Some(starts) if starts.iter().all(|start| start + size <= MAX_SLICES) => {
            Ok(Places { size, starts })
        }
        Some(_) => Err(error(line, list, "starts that leave room before slice 16")),
    }
}

fn number(text: &str) -> Option<u8> {
    let number = text.parse().ok()?;
    (1..=MAX_SLICES).contains(&number).then_some(number)
}
