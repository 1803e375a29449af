//! A trace's file, plain or compressed with gzip: told apart by content, not by name.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::TraceError;

/// Most bytes that a compressed file may unpack to.
const MAX_UNPACKED: u64 = 4 << 30;

/// What stands in `file`.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, TraceError> {
    let bytes = fs::read(file).map_err(|error| unreadable(file, &error))?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let unpacker = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    let read = unpacker.take(MAX_UNPACKED + 1).read_to_end(&mut unpacked);
    read.map_err(|error| unreadable(file, &format!("gzip: {error}")))?;
    if unpacked.len() as u64 > MAX_UNPACKED {
        let what = format!("gzip: expected at most {MAX_UNPACKED} bytes unpacked");
        return Err(unreadable(file, &what));
    }
    Ok(unpacked)
}

/// A complaint about the file as a whole.
pub(super) fn unreadable(file: &Path, reason: &dyn std::fmt::Display) -> TraceError {
    TraceError::Unreadable {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}
