//! Values of one type made into values of another, and hashes; to the letter as in the Collector.

use pdata::{ValueKind, ValueView};
use sha2::{Digest as _, Sha256};

use super::constant::Constant;

/// The type that `convert` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Int,
    Double,
    String,
}

impl Target {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "int" => Some(Self::Int),
            "double" => Some(Self::Double),
            "string" => Some(Self::String),
            _ => None,
        }
    }

    /// The value in this type; `None` if it is of this type already or cannot be made so.
    #[expect(clippy::cast_precision_loss, reason = "that is what converting an integer to a double means")]
    pub(crate) fn convert(self, value: ValueView<'_>) -> Option<Constant> {
        match (self, value.kind()) {
            (Self::String, ValueKind::Str(_)) => None,
            (Self::String, _) => Some(Constant::Str(value.as_display_string().into_owned())),
            (Self::Int, ValueKind::Double(value)) => Some(Constant::Int(truncated(value))),
            (Self::Int, ValueKind::Bool(value)) => Some(Constant::Int(value.into())),
            (Self::Int, ValueKind::Str(text)) => text.parse().ok().map(Constant::Int),
            (Self::Double, ValueKind::Int(value)) => Some(Constant::Double(value as f64)),
            (Self::Double, ValueKind::Bool(value)) => Some(Constant::Double(if value { 1.0 } else { 0.0 })),
            (Self::Double, ValueKind::Str(text)) => double(text).map(Constant::Double),
            _ => None,
        }
    }
}

/// The whole part. What is no 64-bit integer becomes the least one, as Go does it on amd64.
fn truncated(value: f64) -> i64 {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&value) { value as i64 } else { i64::MIN }
}

/// Decimal numbers as Go reads them: digits may be grouped by `_`, and what is too large is no number.
fn double(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let separates = |(at, _): (usize, &u8)| is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1));
    if !bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(separates) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    let says_infinity = bytes.iter().any(|byte| byte.eq_ignore_ascii_case(&b'i'));
    (number.is_finite() || number.is_nan() || says_infinity).then_some(number)
}

/// SHA-256 of a string's or number's bytes in hexadecimal; nothing for other types.
pub(crate) fn hashed(value: ValueView<'_>) -> String {
    let digest = match value.kind() {
        ValueKind::Str(text) => Sha256::digest(text),
        ValueKind::Bool(value) => Sha256::digest([u8::from(value)]),
        ValueKind::Int(value) => Sha256::digest(value.to_le_bytes()),
        ValueKind::Double(value) => Sha256::digest(value.to_le_bytes()),
        ValueKind::Empty | ValueKind::Bytes(_) | ValueKind::Array(_) | ValueKind::Map(_) => return String::new(),
    };
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
