//! The write-ahead log: what came since files were last written, in frames of a length, a checksum and records.
//!
//! A frame is written and flushed to the disk once a second. What a crash leaves of the last one is cut off.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// First bytes of a log.
const MAGIC: &[u8; 8] = b"TWMAPLG1";
/// A frame's head: length and checksum, little endian.
const HEAD: usize = 8;
/// No frame is longer: what claims to be is no frame.
const LONGEST: u32 = 128 << 20;

/// A log that is being written.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// Bytes that are known to be whole.
    good: u64,
    /// A write failed, and there may be more bytes than that.
    torn: bool,
}

/// What is in a log.
#[derive(Default)]
pub(crate) struct Logged {
    /// The records of all whole frames.
    pub(crate) frames: Vec<Vec<u8>>,
    /// How many bytes are whole.
    pub(crate) good: u64,
    /// How many bytes follow that are no frame.
    pub(crate) rest: u64,
}

impl Log {
    /// Begins an empty log.
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        file.write_all(MAGIC)?;
        Ok(Self { path: path.to_owned(), file, good: MAGIC.len() as u64, torn: false })
    }

    /// Goes on with a log after its first `good` bytes.
    pub(crate) fn resume(path: &Path, good: u64) -> std::io::Result<Self> {
        if good < MAGIC.len() as u64 {
            return Self::create(path);
        }
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Self { path: path.to_owned(), file, good, torn: true })
    }

    /// From now on it goes where no room is.
    #[cfg(test)]
    pub(crate) fn fill(&mut self) {
        self.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    }

    /// Back to its file.
    #[cfg(test)]
    pub(crate) fn free(&mut self) {
        self.file = OpenOptions::new().write(true).open(&self.path).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends records as one frame, on disk when this returns. After an error nothing of it counts.
    pub(crate) fn append(&mut self, records: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(records.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| std::io::Error::other("a frame is too long"))?;
        if self.torn {
            self.file.set_len(self.good)?;
            self.file.seek(SeekFrom::Start(self.good))?;
        }
        self.torn = true;
        let mut frame = Vec::with_capacity(records.len().saturating_add(HEAD));
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&crc32fast::hash(records).to_le_bytes());
        frame.extend_from_slice(records);
        self.file.write_all(&frame)?;
        self.file.sync_data()?;
        self.good = self.good.saturating_add(frame.len() as u64);
        self.torn = false;
        Ok(())
    }
}

/// Reads a log up to the first byte that cannot be right.
pub(crate) fn read(path: &Path) -> std::io::Result<Logged> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

pub(crate) fn parse(bytes: &[u8]) -> Logged {
    let mut found = Logged::default();
    let Some(mut rest) = bytes.strip_prefix(MAGIC.as_slice()) else {
        return Logged { rest: bytes.len() as u64, ..found };
    };
    while let Some((records, after)) = frame(rest) {
        found.frames.push(records.to_vec());
        rest = after;
    }
    found.good = bytes.len().saturating_sub(rest.len()) as u64;
    found.rest = rest.len() as u64;
    found
}

fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let (records, rest) = rest.split_at_checked(usize::try_from(length).ok().filter(|_| length <= LONGEST)?)?;
    (crc32fast::hash(records) == u32::from_le_bytes(*checksum)).then_some((records, rest))
}
