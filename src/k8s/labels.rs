//! How Kubernetes spells the keys and values of labels and taints.
//!
//! Source: `IsLabelKey` and `IsLabelValue` in `apimachinery/pkg/api/validate/content/kube.go`, and
//! `IsDNS1123Subdomain` in `dns.go` beside it, Kubernetes 1.37.

use super::problem::Wrong;

/// Most characters of a value, and of a key after its prefix.
const MAX_NAME: usize = 63;
/// Most characters of a key's prefix.
const MAX_PREFIX: usize = 253;

const A_KEY: &str = "a label's key such as zone or example.com/zone";
const A_VALUE: &str = "a label's value: at most 63 of A-Z, a-z, 0-9, -, _ and .";

/// `key`, if it can be one.
pub(super) fn key(field: impl FnOnce() -> String, key: &str) -> Result<String, Wrong> {
    let (prefix, name) = key.rsplit_once('/').unwrap_or(("a", key));
    match is_subdomain(prefix) && !name.is_empty() && is_name(name) {
        true => Ok(key.to_owned()),
        false => Err(Wrong::value(field(), A_KEY, key)),
    }
}

/// `value`, if it can be one. It may be empty.
pub(super) fn value(field: impl FnOnce() -> String, value: &str) -> Result<String, Wrong> {
    match is_name(value) {
        true => Ok(value.to_owned()),
        false => Err(Wrong::value(field(), A_VALUE, value)),
    }
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.len() <= MAX_NAME && text.bytes().all(inner) && has_ends(text, u8::is_ascii_alphanumeric)
}

fn is_subdomain(text: &str) -> bool {
    let outer = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        let inner = |byte: u8| outer(&byte) || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && has_ends(label, outer)
    };
    text.len() <= MAX_PREFIX && text.split('.').all(label)
}

/// Whether the first and the last byte are `good`, if there are any.
fn has_ends(text: &str, good: impl Fn(&u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_none_or(&good) && bytes.last().is_none_or(&good)
}
