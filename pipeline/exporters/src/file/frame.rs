//! A batch as it stands in a file.

use std::io;

use pdata::{Batch, json};

use super::config::FileConfig;

/// How messages are encoded and told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framing {
    is_json: bool,
    /// The level, if messages are compressed.
    zstd: Option<i32>,
}

impl Framing {
    pub(crate) fn new(config: &FileConfig) -> Self {
        let level = if config.compression_params.level == 0 { 3 } else { config.compression_params.level };
        Self { is_json: config.format == "json", zstd: (config.compression == "zstd").then_some(level) }
    }

    /// The bytes of one message with what separates it from the next.
    pub(crate) fn frame(self, batch: &Batch) -> io::Result<Vec<u8>> {
        let message = if self.is_json { json::encode(batch) } else { batch.to_bytes().into() };
        match self.zstd {
            Some(level) => with_length(&zstd::bulk::compress(&message, level)?),
            None if self.is_json => {
                let mut line = message;
                line.push(b'\n');
                Ok(line)
            }
            None => with_length(&message),
        }
    }
}

fn with_length(message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(message.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a message of 4 GiB or more has no length here"))?;
    let mut frame = Vec::with_capacity(message.len().saturating_add(4));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    Ok(frame)
}
