//! One file that is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::backups::Rotation;

/// An open file. Either a whole message stands in it, or nothing of it.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: File,
    length: u64,
    rotation: Option<Rotation>,
}

impl Output {
    /// Opens a file to write after what is there, or over it. With rotation what is there stays.
    pub(crate) fn open(path: &Path, append: bool, rotation: Option<Rotation>) -> io::Result<Self> {
        let keeps = append || rotation.is_some();
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        if !keeps && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let length = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, length, rotation })
    }

    /// Writes a message, in a new file if it does not fit into this one.
    pub(crate) fn write(&mut self, message: &[u8], now_ms: u64) -> io::Result<()> {
        let size = message.len() as u64;
        if let Some(rotation) = self.rotation {
            if size > rotation.max_bytes {
                let fault = format!("write length {size} exceeds maximum file size {}", rotation.max_bytes);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, fault));
            }
            if self.length.saturating_add(size) > rotation.max_bytes {
                rotation.retire(&self.path, now_ms)?;
                *self = Self::open(&self.path, false, self.rotation)?;
            }
        }
        if let Err(error) = self.file.write_all(message) {
            // A part of it may be there, and the next message must not stand behind a torn one. What is no regular
            // file cannot be cut, and has kept nothing.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length = self.length.saturating_add(size);
        Ok(())
    }
}
