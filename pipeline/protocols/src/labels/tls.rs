//! TLS: a record with a ClientHello (RFC 8446 4.1.2), and what it says in the clear.

use super::Fields;
use crate::protocol::{Heads, Score};

const HANDSHAKE: usize = 22;
const CLIENT_HELLO: usize = 1;
const SERVER_NAME: usize = 0;
const ALPN: usize = 16;

/// What a ClientHello tells about where the connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientHello<'a> {
    /// Name of the server that the client wants.
    pub server_name: Option<&'a str>,
    /// The application protocol that the client likes best.
    pub protocol: Option<&'a str>,
}

/// Judges first bytes.
pub fn detect(heads: Heads<'_>) -> Score {
    let bytes = heads.client;
    match bytes {
        [0x16, 3, 0..=4, _, _, 1, ..] => Score::Sure,
        [] | [0x16] | [0x16, 3] => Score::Maybe,
        [0x16, 3, 0..=4, ..] if bytes.len() < 6 => Score::Maybe,
        // Seen from the middle: application data, at the start of a record.
        [0x17, 3, 1..=3, ..] if matches!(heads.server, [0x17, 3, 1..=3, ..]) => Score::Likely,
        _ => Score::No,
    }
}

/// Whether the record that begins here is all there.
pub fn record_is_whole(bytes: &[u8]) -> bool {
    let mut fields = Fields(bytes);
    fields.take(3).is_some() && fields.u16().is_some_and(|length| fields.0.len() >= length)
}

/// Reads a ClientHello as far as it is there; a part that is missing is `None`.
pub fn client_hello(record: &[u8]) -> Option<ClientHello<'_>> {
    let mut fields = Fields(record);
    if fields.u8()? != HANDSHAKE {
        return None;
    }
    fields.take(4)?;
    if fields.u8()? != CLIENT_HELLO {
        return None;
    }
    fields.u24()?;
    Some(hello_extensions(fields).map(read_extensions).unwrap_or_default())
}

fn hello_extensions(mut fields: Fields<'_>) -> Option<Fields<'_>> {
    // Version, random.
    fields.take(34)?;
    let session = fields.u8()?;
    fields.take(session)?;
    let suites = fields.u16()?;
    fields.take(suites)?;
    let compressions = fields.u8()?;
    fields.take(compressions)?;
    fields.vector16()
}

fn read_extensions(mut extensions: Fields<'_>) -> ClientHello<'_> {
    let mut hello = ClientHello::default();
    while let (Some(kind), Some(content)) = (extensions.u16(), extensions.vector16()) {
        match kind {
            SERVER_NAME => hello.server_name = server_name(content),
            ALPN => hello.protocol = first_protocol(content),
            _ => {}
        }
    }
    hello
}

/// The host name, if it is one: it becomes a peer's name.
fn server_name(mut content: Fields<'_>) -> Option<&str> {
    let mut names = content.vector16()?;
    let kind = names.u8()?;
    let length = names.u16()?;
    let name = std::str::from_utf8(names.take(length)?).ok()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (kind == 0 && !name.is_empty() && name.len() <= 255 && name.bytes().all(allowed)).then_some(name)
}

fn first_protocol(mut content: Fields<'_>) -> Option<&str> {
    let mut names = content.vector16()?;
    let length = names.u8()?;
    let name = std::str::from_utf8(names.take(length)?).ok()?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())).then_some(name)
}
