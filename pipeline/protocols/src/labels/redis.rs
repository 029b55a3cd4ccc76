//! Redis: the client sends an array of bulk strings (RESP), the server any RESP value.

use crate::protocol::{Heads, Score};

/// Longest array header that is plausible: `*1048576`.
const MAX_COUNT_DIGITS: usize = 7;

/// Judges first bytes.
pub fn detect(heads: Heads<'_>) -> Score {
    match command(heads.client) {
        Score::Likely if answers(heads.server) => Score::Sure,
        score => score,
    }
}

/// `*<count>\r\n$<length>\r\n`.
fn command(bytes: &[u8]) -> Score {
    let Some(after_array) = header(bytes, b'*') else { return Score::No };
    let Ok(rest) = after_array else { return Score::Maybe };
    match header(rest, b'$') {
        None => Score::No,
        Some(Err(Short)) => Score::Maybe,
        Some(Ok(_)) => Score::Likely,
    }
}

struct Short;

/// What follows `<kind><digits>\r\n`; `None` if the bytes say otherwise.
fn header(bytes: &[u8], kind: u8) -> Option<Result<&[u8], Short>> {
    let Some((first, rest)) = bytes.split_first() else { return Some(Err(Short)) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let after = rest.get(digits..)?;
    if *first != kind || digits > MAX_COUNT_DIGITS {
        return None;
    }
    match after {
        [] | [b'\r'] if digits > 0 || rest.is_empty() => Some(Err(Short)),
        [b'\r', b'\n', rest @ ..] if digits > 0 => Some(Ok(rest)),
        _ => None,
    }
}

fn answers(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|kind| b"+-:$*_#,(!=%~>".contains(kind))
}
