//! UIDs of pods: UUIDs, as Kubernetes writes them and as the core counts them.

use stowage_core::units::PodUid;

use crate::k8s::problem::Wrong;

/// What a UID should be.
pub(super) const A_UUID: &str = "a UUID";

/// Reads a UUID, with or without dashes.
///
/// # Errors
/// When `text` is something else.
pub fn parse_uid(text: &str) -> Result<PodUid, Wrong> {
    let wrong = || Wrong::value("metadata.uid", A_UUID, text);
    let bytes = text.as_bytes();
    let dashed = match bytes.len() {
        32 => false,
        36 => true,
        _ => return Err(wrong()),
    };
    let mut uid = 0u128;
    for (at, &byte) in bytes.iter().enumerate() {
        if dashed && matches!(at, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return Err(wrong());
            }
            continue;
        }
        let digit = char::from(byte).to_digit(16).ok_or_else(wrong)?;
        uid = uid << 4 | u128::from(digit);
    }
    Ok(PodUid(uid))
}

/// `uid` as Kubernetes writes it.
#[must_use]
pub fn uid_text(uid: PodUid) -> String {
    let hex = format!("{:032x}", uid.0);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
