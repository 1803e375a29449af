//! Files of objects as text: read within a bound, from standard input if the name is `-`, and YAML
//! turned into what the JSON reader takes. Bytes that are no UTF-8 are told with their places, so that
//! they spoil one object and not a file.
//!
//! What begins with a brace or a bracket is JSON, everything else YAML. YAML goes through values,
//! which is slower and loses places inside of an object; large clusters are written as JSON.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::snapshot::SnapshotError;
use crate::config::yaml::one_line;

/// Most bytes of a file.
pub(super) const MAX_INPUT: u64 = 1 << 30;

/// Most places of a file that are no UTF-8; a file with more is no text.
const MAX_BROKEN: usize = 1000;

/// What some editors begin a file with.
const BYTE_ORDER: &[u8] = b"\xef\xbb\xbf";

/// The name that stands for standard input.
const STDIN: &str = "-";

/// The text of a file.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// With U+FFFD for each place that is no UTF-8.
    pub(super) text: String,
    /// Those places, ascending.
    pub(super) broken: Vec<Broken>,
}

/// A place that is no UTF-8.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken {
    /// Which of the places of its file, from 0.
    number: usize,
    /// Where its U+FFFD begins in the text.
    pub(super) at: usize,
    /// The first byte that stood there.
    byte: u8,
    line: usize,
    column: usize,
}

/// The text of `file`.
///
/// # Errors
/// When it cannot be read, is larger than [`MAX_INPUT`] or has more than [`MAX_BROKEN`] places that are
/// no UTF-8.
pub(super) fn read(file: &Path) -> Result<Input, SnapshotError> {
    let bytes = bytes(file).map_err(|reason| SnapshotError::Unreadable {
        file: file.to_owned(),
        reason,
    })?;
    let input = Input::new(&bytes);
    match input.broken.get(MAX_BROKEN) {
        Some(broken) => Err(broken.error(file)),
        None => Ok(input),
    }
}

impl Input {
    /// Of the `bytes` of a file, without a byte order mark.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut input = Self::default();
        let (mut line, mut start) = (1, 0);
        for chunk in bytes
            .strip_prefix(BYTE_ORDER)
            .unwrap_or(bytes)
            .utf8_chunks()
        {
            let from = input.text.len();
            input.text.push_str(chunk.valid());
            let Some(&byte) = chunk.invalid().first() else {
                continue;
            };
            if let Some(last) = chunk.valid().rfind('\n') {
                line += chunk.valid().bytes().filter(|&b| b == b'\n').count();
                start = from + last + 1;
            }
            let at = input.text.len();
            input.broken.push(Broken {
                number: input.broken.len(),
                at,
                byte,
                line,
                column: at - start + 1,
            });
            if input.broken.len() > MAX_BROKEN {
                break;
            }
            input.text.push(char::REPLACEMENT_CHARACTER);
        }
        input
    }

    /// The text with the number of each of those places behind its U+FFFD, for readers who lose places.
    fn numbered(&self) -> String {
        let mut text = String::with_capacity(self.text.len() + 4 * self.broken.len());
        let mut from = 0;
        for broken in &self.broken {
            let to = broken.at + char::REPLACEMENT_CHARACTER.len_utf8();
            text.push_str(&self.text[from..to]);
            text.extend(char::from_u32(PRIVATE + broken.number as u32));
            from = to;
        }
        text + &self.text[from..]
    }
}

/// The character that stands for number 0; the others follow. They are of a plane for private use, so
/// that no name and no value of Kubernetes has them.
const PRIVATE: u32 = 0xf_0000;

/// The text of one object without the numbers of [`Input::numbered`], and which of `broken` they were.
pub(super) fn without_numbers(text: &str, broken: &mut Vec<Broken>) -> (String, Vec<Broken>) {
    let most = u32::try_from(MAX_BROKEN).unwrap_or(u32::MAX);
    let number = |c: char| u32::from(c).checked_sub(PRIVATE).filter(|n| *n <= most);
    let numbers: BTreeSet<_> = text.chars().filter_map(number).collect();
    let had = |broken: &mut Broken| numbers.contains(&(broken.number as u32));
    let found = broken.extract_if(.., had).collect();
    (text.replace(|c| number(c).is_some(), ""), found)
}

impl Broken {
    /// Line, column in bytes, and what is wrong there.
    pub(super) fn placed(self) -> (usize, usize, String) {
        let problem = format!("expected UTF-8 text, got 0x{:02x}", self.byte);
        (self.line, self.column, problem)
    }

    /// The whole `file` cannot be used.
    pub(super) fn error(self, file: &Path) -> SnapshotError {
        let (line, column, problem) = self.placed();
        SnapshotError::Json {
            file: file.to_owned(),
            line,
            column,
            problem,
        }
    }
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
    matches!(text.trim_start().chars().next(), None | Some('{' | '['))
}

/// The documents of a YAML file, see [`without_numbers`].
///
/// # Errors
/// Place and problem in one line, where it is not YAML.
pub(super) fn yaml(input: &Input) -> Result<Vec<Value>, String> {
    let text = &*match input.broken.is_empty() {
        true => Cow::Borrowed(&*input.text),
        false => Cow::Owned(input.numbered()),
    };
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
