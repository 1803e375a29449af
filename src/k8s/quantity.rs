//! Kubernetes quantities (`100m`, `1.5`, `64Gi`, `1e3`, `12E`) to whole numbers of a stated unit.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/api/resource` (`quantity.go`, 1.37): digits with
//! an optional fraction, then a decimal suffix (n u m k M G T P E), a binary one (Ki Mi Gi Ti Pi Ei)
//! or an exponent (e3, E-3). What is finer than a billionth is rounded up, as there. Values are kept
//! exactly, in billionths; what a pod asks for is rounded up when the unit is coarser, what a node
//! has is rounded down. Refused: negative values, and more than 20 significant digits, which the API
//! server never writes.

use stowage_core::units::{Mebibytes, Milli};
use thiserror::Error;

use super::problem::{Wrong, quoted};

/// An amount of anything, not negative, exact to a billionth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    pub(super) billionths: u128,
}

/// A quantity that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected {expected}, got {}", quoted(got))]
pub struct QuantityError {
    got: String,
    expected: &'static str,
}

impl QuantityError {
    /// The same, with the field it stands in.
    pub(super) fn at(self, field: impl Into<String>) -> Wrong {
        Wrong::value(field, self.expected, &self.got)
    }
}

pub(super) const ONE: u128 = 1_000_000_000;
const MILLIONTHS: u128 = ONE / 1000;
const MEBIBYTE: u128 = ONE << 20;
/// Kubernetes counts in 64-bit signed integers and caps what is more.
pub(super) const CAP: u128 = i64::MAX as u128 * ONE;
/// So many digits times the largest binary suffix still fit in 128 bits.
const MAX_DIGITS: u32 = 20;

const A_QUANTITY: &str = "a quantity such as 500m, 2 or 64Gi";
const NOT_NEGATIVE: &str = "a quantity that is not negative";
const NOT_SO_LONG: &str = "a quantity of at most 20 digits";
const CORES: &str = "at most 4294967 cores";
const MEMORY: &str = "at most 4 PiB";
const A_COUNT: &str = "a whole number";

impl Quantity {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is not a quantity, or negative.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        read(text).map_err(|expected| wrong(text, expected))
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            billionths: self.billionths.saturating_add(other.billionths),
        }
    }

    /// Thousandths, rounded up; none if there are more than a [`Milli`] holds.
    #[must_use]
    pub fn milli_up(self) -> Option<Milli> {
        let milli = self.billionths.div_ceil(MILLIONTHS);
        u32::try_from(milli).ok().map(Milli)
    }

    /// MiB, rounded up, of a quantity of bytes; none if there are more than a [`Mebibytes`] holds.
    #[must_use]
    pub fn mebibytes_up(self) -> Option<Mebibytes> {
        let mebibytes = self.billionths.div_ceil(MEBIBYTE);
        u32::try_from(mebibytes).ok().map(Mebibytes)
    }
}

/// Cores that a node has.
///
/// # Errors
/// When `text` is not a quantity, or too large.
pub fn cores(text: &str) -> Result<Milli, QuantityError> {
    let milli = Quantity::parse(text)?.billionths / MILLIONTHS;
    let milli = u32::try_from(milli).map_err(|_| wrong(text, CORES))?;
    Ok(Milli(milli))
}

/// Memory that a node has, in bytes if `text` has no suffix.
///
/// # Errors
/// When `text` is not a quantity, or too large.
pub fn memory(text: &str) -> Result<Mebibytes, QuantityError> {
    let mebibytes = Quantity::parse(text)?.billionths / MEBIBYTE;
    let mebibytes = u32::try_from(mebibytes).map_err(|_| wrong(text, MEMORY))?;
    Ok(Mebibytes(mebibytes))
}

/// How many of an extended resource. `8k` is 8000: the API server itself shortens it so.
///
/// # Errors
/// When `text` is not a quantity, or not a whole one.
pub fn count(text: &str) -> Result<u64, QuantityError> {
    let billionths = Quantity::parse(text)?.billionths;
    match u64::try_from(billionths / ONE) {
        Ok(count) if billionths % ONE == 0 => Ok(count),
        _ => Err(wrong(text, A_COUNT)),
    }
}

fn wrong(text: &str, expected: &'static str) -> QuantityError {
    QuantityError {
        got: text.to_owned(),
        expected,
    }
}

fn read(text: &str) -> Result<Quantity, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end_of_digits = |from: &str| {
        let other = from.bytes().position(|b| !b.is_ascii_digit());
        other.unwrap_or(from.len())
    };
    let (whole, rest) = unsigned.split_at(end_of_digits(unsigned));
    let (part, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(end_of_digits(rest)),
        None => ("", rest),
    };
    if whole.is_empty() && part.is_empty() {
        return Err(A_QUANTITY);
    }
    let (two, ten) = scale(suffix).ok_or(A_QUANTITY)?;
    let part = part.trim_end_matches('0');
    let digits = whole.bytes().chain(part.bytes()).skip_while(|&b| b == b'0');
    let (mut number, mut length) = (0u128, 0);
    for digit in digits {
        length += 1;
        if length > MAX_DIGITS {
            return Err(NOT_SO_LONG);
        }
        number = number * 10 + u128::from(digit - b'0');
    }
    if number == 0 {
        return Ok(Quantity::default());
    }
    if text.starts_with('-') {
        return Err(NOT_NEGATIVE);
    }
    let places = i64::try_from(part.len()).unwrap_or(i64::MAX);
    let ten = ten.saturating_add(9).saturating_sub(places);
    Ok(Quantity {
        billionths: times_power_of_ten(number << two, ten).min(CAP),
    })
}

/// The powers of two and of ten that `suffix` stands for.
fn scale(suffix: &str) -> Option<(u32, i64)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // Beyond this nothing changes: all is capped or rounded up to a billionth.
            let size = digits.parse().unwrap_or(1000i64).min(1000);
            let negative = exponent.starts_with('-');
            (0, if negative { -size } else { size })
        }
    })
}

/// `number` x 10^`ten`, rounded up, capped.
fn times_power_of_ten(number: u128, ten: i64) -> u128 {
    let size = u32::try_from(ten.unsigned_abs()).unwrap_or(u32::MAX);
    let power = 10u128.checked_pow(size);
    if ten < 0 {
        power.map_or(1, |power| number.div_ceil(power))
    } else {
        let product = power.and_then(|power| number.checked_mul(power));
        product.unwrap_or(CAP)
    }
}
