//! MySQL and MariaDB: the server speaks first, with a greeting of protocol version 10.

use crate::protocol::{Heads, Score};

/// Judges first bytes: three bytes length (little-endian), sequence 0, version 10, a version text that ends with zero.
pub fn detect(heads: Heads<'_>) -> Score {
    let bytes = heads.server;
    let Some((header, rest)) = bytes.split_at_checked(5) else {
        return if heads.client.is_empty() { Score::Maybe } else { Score::No };
    };
    let [low, middle, high, 0, 10] = *header else { return Score::No };
    let length = u32::from_le_bytes([low, middle, high, 0]);
    let version = rest.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let begins_with_digit = rest.first().is_none_or(u8::is_ascii_digit);
    if !(30..=1024).contains(&length) || !begins_with_digit {
        return Score::No;
    }
    match rest.get(version) {
        Some(0) if version > 0 => Score::Sure,
        None if version < 60 => Score::Maybe,
        _ => Score::No,
    }
}
