//! PostgreSQL: the client begins with a start-up message, or asks for encryption (protocol documentation, 55.7).

use super::Fields;
use crate::protocol::{Heads, Score};

const VERSION_3: usize = 3;
const REQUEST: usize = 1234;
/// CancelRequest, SSLRequest, GSSENCRequest.
const REQUEST_CODES: std::ops::RangeInclusive<usize> = 5678..=5680;
const MAX_STARTUP: usize = 10_000;

/// Judges first bytes.
pub fn detect(heads: Heads<'_>) -> Score {
    let mut fields = Fields(heads.client);
    let (high, length) = (fields.u16(), fields.u16());
    if high.is_some_and(|high| high != 0) || length.is_some_and(|length| !(8..=MAX_STARTUP).contains(&length)) {
        return Score::No;
    }
    match (length, fields.u16(), fields.u16()) {
        (Some(8 | 16), Some(REQUEST), Some(code)) if REQUEST_CODES.contains(&code) => Score::Sure,
        (Some(length), Some(VERSION_3), Some(minor)) if length > 8 && minor <= 2 => parameter(fields.0),
        (_, _, Some(_)) => Score::No,
        (_, Some(major), None) if major != VERSION_3 && major != REQUEST => Score::No,
        _ => Score::Maybe,
    }
}

/// The first parameter's name is text.
fn parameter(bytes: &[u8]) -> Score {
    match bytes.first() {
        None => Score::Maybe,
        Some(first) if first.is_ascii_lowercase() || *first == b'_' => Score::Sure,
        Some(_) => Score::No,
    }
}
