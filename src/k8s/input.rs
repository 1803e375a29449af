//! Files of objects as text: read within a bound, from standard input if the name is `-`, and YAML
//! turned into what the JSON reader takes.
//!
//! What begins with a brace or a bracket is JSON, everything else YAML. YAML goes through values,
//! which is slower and loses places inside of an object; large clusters are written as JSON.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::snapshot::SnapshotError;
use crate::config::yaml::one_line;

/// Most bytes of a file.
pub(super) const MAX_INPUT: u64 = 1 << 30;

/// The name that stands for standard input.
const STDIN: &str = "-";

/// The text of `file`.
///
/// # Errors
/// When it cannot be read, is larger than [`MAX_INPUT`] or is not UTF-8.
pub(super) fn read(file: &Path) -> Result<String, SnapshotError> {
    let bytes = bytes(file).map_err(|reason| SnapshotError::Unreadable {
        file: file.to_owned(),
        reason,
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = &bytes[..end];
        let line = before.iter().rposition(|&byte| byte == b'\n');
        SnapshotError::Json {
            file: file.to_owned(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: end - line.map_or(0, |at| at + 1) + 1,
            problem: format!("expected UTF-8 text, got 0x{:02x}", bytes[end]),
        }
    })
}

fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.as_os_str() == STDIN {
        take(io::stdin().lock(), &mut bytes)?;
    } else {
        let file = File::open(file)?;
        let length = file.metadata()?.len();
        if length > MAX_INPUT {
            return Err(too_large(&length.to_string()));
        }
        bytes.reserve(usize::try_from(length).unwrap_or(0));
        take(file, &mut bytes)?;
    }
    Ok(bytes)
}

/// A pipe does not say how much will come.
fn take(from: impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    from.take(MAX_INPUT + 1).read_to_end(bytes)?;
    match bytes.len() as u64 > MAX_INPUT {
        true => Err(too_large("more")),
        false => Ok(()),
    }
}

fn too_large(length: &str) -> io::Error {
    io::Error::other(format!("{length} bytes: expected at most {MAX_INPUT}"))
}

/// Whether `text` is to be read as JSON.
pub(super) fn is_json(text: &str) -> bool {
    let first = text.trim_start_matches('\u{feff}').trim_start().chars();
    matches!(first.clone().next(), None | Some('{' | '['))
}

/// The documents of a YAML file.
///
/// # Errors
/// Place and problem in one line, where it is not YAML.
pub(super) fn yaml(text: &str) -> Result<Vec<Value>, String> {
    // Bounds against small files that would become large; the file's size is bounded before.
    let options = serde_saphyr::options! {
        emit_comments: false,
        budget: serde_saphyr::budget! {
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_documents: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
            max_depth: 128,
        },
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|e| one_line(&e, text))
}
