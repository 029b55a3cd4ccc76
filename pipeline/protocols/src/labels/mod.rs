//! Protocols that are recognised and not parsed: a connection gets a label, its bytes go on being counted.
//!
//! In this room: one detector each.
//! Not here: parsers.
//!
//! Enter at the `detect` of each.

pub mod http2;
pub mod mysql;
pub mod postgresql;
pub mod redis;
#[cfg(test)]
mod tests;
pub mod tls;

/// Reads fields from the front of bytes; every reader is `None` at the end.
#[derive(Debug, Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn u8(&mut self) -> Option<usize> {
        self.take(1)?.first().map(|byte| usize::from(*byte))
    }

    fn u16(&mut self) -> Option<usize> {
        let bytes: [u8; 2] = self.take(2)?.try_into().ok()?;
        Some(usize::from(u16::from_be_bytes(bytes)))
    }

    fn u24(&mut self) -> Option<usize> {
        let high = self.u8()?;
        Some((high << 16) | self.u16()?)
    }

    /// Bytes behind a two-byte length, as far as they are there.
    fn vector16(&mut self) -> Option<Fields<'a>> {
        let length = self.u16()?;
        let length = length.min(self.0.len());
        self.take(length).map(Fields)
    }
}
