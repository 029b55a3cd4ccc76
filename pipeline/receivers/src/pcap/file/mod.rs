//! Capture files: bytes in, packets with their times out.
//!
//! In this room: the two formats (pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng), both byte orders, all
//! resolutions of time. Total: any bytes end in a packet, in "more is needed", or in a fault with its place.
//! Not here: what is in a packet (`frame`), reading from disk (`reading`).
//!
//! Enter at [`CaptureReader::next`].

mod blocks;
mod classic;
mod numbers;
#[cfg(test)]
mod tests;

use protocols::Nanos;

use self::blocks::Blocks;
use self::classic::Classic;

/// A packet as the file holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What its first bytes are.
    pub link: LinkType,
    /// When it was captured, Unix time; `None` if the file does not say (pcapng simple packets).
    pub time: Option<Nanos>,
    /// Its length on the wire.
    pub wire_length: u32,
    /// The bytes that were kept.
    pub captured: &'a [u8],
}

/// A number of the registry of link types (draft-ietf-opsawg-pcaplinktype).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// Why a file cannot be read, or not any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something else.
    #[error("not a capture: neither pcap nor pcapng begins with {0:02x?}")]
    NotACapture([u8; 4]),
    /// A capture that another program packed.
    #[error("compressed; decompress it first, for instance with `gunzip` or `zstd -d`")]
    Compressed,
    /// It holds something that no writer writes.
    #[error("damaged at byte {offset}: {what}; what came before was read")]
    Damaged {
        /// Where the record or block begins.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// It ends inside a record, as when its writer was killed or the disk was full.
    #[error("cut: it ends inside the record that begins at byte {offset}; what came before was read")]
    Cut {
        /// Where the record or block begins.
        offset: u64,
    },
    /// Nothing in it.
    #[error("empty")]
    Empty,
}

/// A larger packet, or block of a pcapng file, is taken for damage: no writer makes one.
const LARGEST_RECORD: u32 = 16 << 20;
/// A buffer with fewer read bytes in front is not worth moving.
const WORTH_MOVING: usize = 64 * 1024;

#[derive(Debug)]
enum Format {
    /// The first bytes have not come yet.
    Unknown,
    Classic(Classic),
    Blocks(Blocks),
}

/// Where in the buffer a packet lies, and what is known of it.
#[derive(Debug, Clone, Copy)]
struct Found {
    link: LinkType,
    time: Option<Nanos>,
    wire_length: u32,
    /// Distance of the first captured byte from the beginning of the record.
    start: usize,
    captured: usize,
}

/// What stands at the beginning of the buffer.
enum Record {
    /// A packet, in a record of this length.
    Packet(Found, usize),
    /// A record of this length without a packet.
    Other(usize),
    /// The record is not whole yet.
    Incomplete,
    /// No record.
    Damaged(&'static str),
}

/// Takes a file's bytes in pieces of any size, and gives its packets.
#[derive(Debug)]
pub struct CaptureReader {
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read.
    head: usize,
    /// Place in the file of the first byte that was not read.
    offset: u64,
    format: Format,
}

impl CaptureReader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self { buffer: Vec::new(), head: 0, offset: 0, format: Format::Unknown }
    }

    /// Takes more of the file. What is kept is at most one record longer than what was pushed last.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.head >= WORTH_MOVING {
            self.buffer.drain(..self.head.min(self.buffer.len()));
            self.head = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next packet; `None` if more of the file is needed. After a fault nothing more can be read.
    pub fn next(&mut self) -> Result<Option<Packet<'_>>, Fault> {
        self.begin()?;
        let found = loop {
            match self.record() {
                Record::Incomplete => return Ok(None),
                Record::Damaged(what) => return Err(Fault::Damaged { offset: self.offset, what }),
                Record::Other(length) => self.advance(length),
                Record::Packet(found, length) => {
                    let start = self.head.saturating_add(found.start);
                    self.advance(length);
                    break (start, found);
                }
            }
        };
        let (start, Found { link, time, wire_length, captured, .. }) = found;
        let captured = self.buffer.get(start..start.saturating_add(captured)).unwrap_or(&[]);
        Ok(Some(Packet { link, time, wire_length, captured }))
    }

    /// What the end of the file means here.
    pub fn end(&self) -> Result<(), Fault> {
        let is_whole = self.head >= self.buffer.len();
        match self.format {
            Format::Unknown if self.buffer.is_empty() => Err(Fault::Empty),
            _ if !is_whole => Err(Fault::Cut { offset: self.offset }),
            _ => Ok(()),
        }
    }

    /// Finds out what the file is; false if more of it is needed for that.
    pub fn begin(&mut self) -> Result<bool, Fault> {
        if !matches!(self.format, Format::Unknown) {
            return Ok(true);
        }
        let Some(magic) = self.buffer.first_chunk::<4>().copied() else { return Ok(false) };
        if magic == blocks::MAGIC {
            self.format = Format::Blocks(Blocks::default());
            return Ok(true);
        }
        if !classic::is_magic(magic) {
            return Err(unknown(magic));
        }
        let Some(header) = self.buffer.first_chunk() else { return Ok(false) };
        self.format = Classic::read(header).map(Format::Classic).ok_or_else(|| unknown(magic))?;
        self.advance(classic::HEADER);
        Ok(true)
    }

    /// The link type of the whole file, if it has only one.
    pub fn link(&self) -> Option<LinkType> {
        match &self.format {
            Format::Classic(classic) => Some(classic.link()),
            Format::Blocks(_) | Format::Unknown => None,
        }
    }

    fn record(&mut self) -> Record {
        let rest = self.buffer.get(self.head..).unwrap_or(&[]);
        match &mut self.format {
            Format::Unknown => Record::Incomplete,
            Format::Classic(classic) => classic.record(rest),
            Format::Blocks(blocks) => blocks.record(rest),
        }
    }

    fn advance(&mut self, length: usize) {
        self.head = self.head.saturating_add(length);
        self.offset = self.offset.saturating_add(length as u64);
    }
}

fn unknown(magic: [u8; 4]) -> Fault {
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    match magic {
        [0x1f, 0x8b, ..] | ZSTD | [0xfd, b'7', b'z', b'X'] => Fault::Compressed,
        _ => Fault::NotACapture(magic),
    }
}
