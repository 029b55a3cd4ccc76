//! HTTP/2 with prior knowledge: the client's preface (RFC 9113 3.4), or a server that begins with SETTINGS.

use crate::protocol::{Heads, Score};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Judges first bytes.
pub fn detect(heads: Heads<'_>) -> Score {
    if heads.client.starts_with(PREFACE) {
        Score::Sure
    } else if PREFACE.starts_with(heads.client) {
        Score::Maybe
    } else {
        Score::No
    }
}
