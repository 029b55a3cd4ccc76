//! Reads the file on a thread of its own: a pipe may keep it waiting for hours.

use std::fs::File;
use std::io::{ErrorKind, Read};

use tokio::sync::mpsc;

use super::file::{CaptureReader, Fault};
use super::frame;

/// A piece of the file.
const BLOCK: usize = 64 * 1024;
/// Pieces read ahead of the pipeline.
const BLOCKS_AHEAD: usize = 4;

/// Why a capture cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not there, or not for us.
    #[error("cannot read the capture {path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It holds something else.
    #[error("{path} is {fault}")]
    Fault {
        /// The file.
        path: String,
        /// What it is instead.
        fault: Fault,
    },
    /// It holds packets of a kind that carries no IP as far as we know.
    #[error(
        "{path} holds packets of link type {link}; the link types that can be read are Ethernet (1), Linux cooked (113, \
         276), raw IP (12, 14, 101, 228, 229) and loopback (0, 108)"
    )]
    LinkType {
        /// The file.
        path: String,
        /// Its number.
        link: u16,
    },
}

/// A file that is known to be a capture, and a reader that has taken its beginning.
pub struct Opened {
    file: File,
    /// Holds what was read so far.
    pub reader: CaptureReader,
}

/// Opens a capture and reads so much of it that what it is is known. Blocks.
pub fn open(path: &str) -> Result<Opened, OpenError> {
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    let fault = |fault| OpenError::Fault { path: path.to_owned(), fault };
    let mut file = File::open(path).map_err(io)?;
    let mut reader = CaptureReader::new();
    while !reader.begin().map_err(fault)? {
        let block = read(&mut file).map_err(io)?;
        if block.is_empty() {
            reader.end().map_err(fault)?;
            break;
        }
        reader.push(&block);
    }
    match reader.link().filter(|link| !frame::is_known(*link)) {
        Some(link) => Err(OpenError::LinkType { path: path.to_owned(), link: link.0 }),
        None => Ok(Opened { file, reader }),
    }
}

/// The rest of the file in blocks; the end of the channel is the end of the file.
pub type Blocks = mpsc::Receiver<std::io::Result<Vec<u8>>>;

/// Starts the thread. It ends with the file, or at its next block when nobody takes blocks any more.
pub fn blocks(mut file: File) -> std::io::Result<Blocks> {
    let (sender, blocks) = mpsc::channel(BLOCKS_AHEAD);
    std::thread::Builder::new().name("pcap".into()).spawn(move || {
        loop {
            let block = read(&mut file);
            let is_last = block.as_ref().map_or(true, Vec::is_empty);
            let is_end = block.as_ref().is_ok_and(Vec::is_empty);
            if is_end || sender.blocking_send(block).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(blocks)
}

fn read(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(count) => {
                block.truncate(count);
                return Ok(block);
            }
        }
    }
}

impl Opened {
    /// The file, and what was read of it.
    pub fn into_parts(self) -> (File, CaptureReader) {
        (self.file, self.reader)
    }
}
