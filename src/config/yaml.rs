//! Reading YAML strictly, with one line for what is wrong: file, line, column, field, what was expected
//! and what stands there.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_saphyr::Error as YamlError;

use super::ConfigError;

/// Most bytes of a file.
const MAX_FILE: u64 = 1 << 20;

/// Reads a YAML file of at most 1 MiB.
pub(super) fn read<T: DeserializeOwned>(file: &Path) -> Result<T, ConfigError> {
    let unreadable = |reason| ConfigError::Unreadable {
        file: file.to_owned(),
        reason,
    };
    let length = std::fs::metadata(file).map_err(unreadable)?.len();
    if length > MAX_FILE {
        let reason = format!("{length} bytes: expected at most {MAX_FILE}");
        return Err(unreadable(std::io::Error::other(reason)));
    }
    let wrong = |problem| ConfigError::Wrong {
        file: file.to_owned(),
        problem,
    };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n');
        let column = line.clone().next_back().map_or(0, <[u8]>::len) + 1;
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let line = line.count();
        wrong(format!(
            "{line}:{column}: expected UTF-8 text, got 0x{byte:02x}"
        ))
    })?;
    serde_saphyr::from_str(text).map_err(|error| wrong(one_line(&error, text)))
}

/// A YAML error in one line: place, field, what is expected and what is there.
pub(crate) fn one_line(error: &YamlError, text: &str) -> String {
    let Some(place) = error.location() else {
        return format!(" {}", sentence(error));
    };
    let (line, column) = (place.line(), place.column());
    let source = text.lines().nth(line.saturating_sub(1) as usize);
    let source = source.unwrap_or_default();
    let at = source.char_indices().nth(column.saturating_sub(1) as usize);
    let (before, there) = source.split_at(at.map_or(source.len(), |(byte, _)| byte));
    let what = match error.without_snippet() {
        YamlError::InvalidScalar { ty, .. } => expected(before, kind(ty), there),
        YamlError::Unexpected { expected: what, .. } => expected(before, kind(what), there),
        other => sentence(other),
    };
    format!("{line}:{column}: {what}")
}

/// `before` and `there` are the text of the line up to and from the place of the error.
fn expected(before: &str, what: &str, there: &str) -> String {
    // A field without a value is placed at its colon.
    let (before, there) = match there.strip_prefix(':') {
        Some(rest) => (before, rest.trim_start()),
        None => (
            before.trim_end().strip_suffix(':').unwrap_or_default(),
            there,
        ),
    };
    let key = before.rsplit([' ', '{', ',']).next().unwrap_or_default();
    let key = if key.is_empty() {
        String::new()
    } else {
        format!("{key}: ")
    };
    let there = there.trim_end().trim_end_matches(['}', ',']).trim_end();
    format!("{key}expected {what}, got {there:?}")
}

/// What the parser calls a kind of value, in users' words.
fn kind(parsers: &'static str) -> &'static str {
    match parsers {
        "string scalar" => "text",
        "sequence start" => "a list",
        "mapping start" => "fields",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        other => other,
    }
}

/// The first line of an error without its place, which is said before it.
fn sentence(error: &YamlError) -> String {
    if let YamlError::DuplicateMappingKey { key, .. } = error {
        let key = key.as_deref().unwrap_or_default();
        return format!("expected each field once, got {key} again");
    }
    let text = error.to_string();
    let first = text.lines().find(|line| !line.trim().is_empty());
    let first = first.unwrap_or("not understood").trim();
    let first = match first.strip_prefix("error: line ") {
        Some(placed) => placed.split_once(": ").map_or(first, |(_, what)| what),
        None => first,
    };
    let place = first
        .rfind(" at line ")
        .filter(|_| error.location().is_some());
    first[..place.unwrap_or(first.len())].to_owned()
}
