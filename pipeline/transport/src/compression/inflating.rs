//! Decompression that cannot be made to fill the memory.

use std::cell::RefCell;
use std::io::{self, BufRead, Cursor, Read};

use bytes::Bytes;
use flate2::bufread::{GzDecoder, ZlibDecoder};
use zstd::zstd_safe::{DCtx, ResetDirective};

use super::Codec;

/// Output grows by at least this much at a time.
const FIRST_STEP: usize = 64 * 1024;
/// Go's encoders use windows up to 32 MiB; more would let a few bytes of input reserve a large buffer.
const LARGEST_ZSTD_WINDOW_LOG: u32 = 25;
/// A zstd context that grew beyond this is not kept for the next request.
const LARGEST_KEPT_CONTEXT: usize = 16 << 20;

/// Why bytes could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// The output passed the bound.
    #[error("the body is larger than {limit} bytes after decompression")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// The bytes in flight leave no room for the output.
    #[error("too many bytes in flight")]
    NoRoom,
    /// Not what the codec writes.
    #[error("invalid {codec} data: {reason}")]
    Corrupt {
        /// Its name.
        codec: &'static str,
        /// What the decoder says.
        reason: String,
    },
}

type Input = Cursor<Bytes>;

#[derive(Default)]
struct Contexts {
    gzip: Option<GzDecoder<Input>>,
    zlib: Option<ZlibDecoder<Input>>,
    zstd: Option<DCtx<'static>>,
}

thread_local! {
    // A fresh inflate or zstd context costs more than a small request.
    static CONTEXTS: RefCell<Contexts> = RefCell::default();
}

/// Decompresses `input` to at most `limit` bytes. `grow` is asked before memory is taken: it is told the whole size
/// that the output needs next, and at last its true size; when it says no, decompression ends.
pub fn decompress(
    codec: Codec,
    input: Bytes,
    limit: usize,
    grow: &mut dyn FnMut(usize) -> bool,
) -> Result<Bytes, DecompressError> {
    CONTEXTS.with_borrow_mut(|contexts| {
        let guess = input.len().saturating_mul(4);
        let mut output = Output { bytes: Vec::new(), codec, limit, guess, grow };
        match codec {
            Codec::Gzip => output.gzip(&mut contexts.gzip, input)?,
            Codec::Zlib => {
                let decoder = contexts.zlib.get_or_insert_with(|| ZlibDecoder::new(Cursor::default()));
                decoder.reset(Cursor::new(input));
                output.drain(decoder)?;
                decoder.reset(Cursor::default());
            }
            Codec::Zstd => output.zstd(&mut contexts.zstd, input)?,
            Codec::Snappy => output.snappy(&input)?,
            Codec::SnappyFramed => output.drain(&mut snap::read::FrameDecoder::new(Cursor::new(input)))?,
            Codec::Lz4 => output.lz4(input)?,
        }
        let true_size = output.bytes.len();
        (output.grow)(true_size);
        Ok(Bytes::from(output.bytes))
    })
}

struct Output<'a> {
    bytes: Vec<u8>,
    codec: Codec,
    limit: usize,
    guess: usize,
    grow: &'a mut dyn FnMut(usize) -> bool,
}

impl Output<'_> {
    /// Reads all that the decoder gives, in steps that double, each step granted before it is taken.
    fn drain(&mut self, decoder: &mut dyn Read) -> Result<(), DecompressError> {
        loop {
            let step = self.bytes.len().max(self.guess).max(FIRST_STEP);
            // One byte beyond the limit tells "exactly full" from "too large".
            let room = step.min(self.limit.saturating_add(1).saturating_sub(self.bytes.len()));
            self.take(room)?;
            let read = decoder.take(room as u64).read_to_end(&mut self.bytes).map_err(|error| self.corrupt(&error))?;
            if self.bytes.len() > self.limit {
                return Err(DecompressError::TooLarge { limit: self.limit });
            }
            if read < room {
                return Ok(());
            }
        }
    }

    fn take(&mut self, more: usize) -> Result<(), DecompressError> {
        if !(self.grow)(self.bytes.len().saturating_add(more)) {
            return Err(DecompressError::NoRoom);
        }
        self.bytes.reserve_exact(more);
        Ok(())
    }

    fn gzip(&mut self, context: &mut Option<GzDecoder<Input>>, input: Bytes) -> Result<(), DecompressError> {
        let decoder = context.get_or_insert_with(|| GzDecoder::new(Cursor::default()));
        let mut rest = Cursor::new(input);
        // RFC 1952 2.2: a file is a series of members.
        loop {
            decoder.reset(rest);
            self.drain(decoder)?;
            rest = std::mem::take(decoder.get_mut());
            if rest.fill_buf().is_ok_and(<[u8]>::is_empty) {
                return Ok(());
            }
        }
    }

    fn zstd(&mut self, kept: &mut Option<DCtx<'static>>, input: Bytes) -> Result<(), DecompressError> {
        let mut context = kept.take().unwrap_or_else(DCtx::create);
        let _ = context.reset(ResetDirective::SessionOnly);
        let mut decoder = zstd::stream::read::Decoder::with_context(Cursor::new(input), &mut context);
        decoder.window_log_max(LARGEST_ZSTD_WINDOW_LOG).map_err(|error| self.corrupt(&error))?;
        self.drain(&mut decoder)?;
        drop(decoder);
        if context.sizeof() <= LARGEST_KEPT_CONTEXT {
            *kept = Some(context);
        }
        Ok(())
    }

    fn lz4(&mut self, input: Bytes) -> Result<(), DecompressError> {
        // The decoder takes a frame that is cut between blocks for a whole one, so the end mark is looked for here: four
        // zero bytes, before the content checksum if the flags (fifth byte, third bit) say that there is one.
        let trailer = if input.get(4).is_some_and(|flags| flags & 4 != 0) { 8 } else { 4 };
        let end = input.len().checked_sub(trailer).and_then(|at| input.get(at..at + 4));
        if !input.is_empty() && end != Some(&[0; 4]) {
            return Err(self.corrupt(&io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        self.drain(&mut lz4_flex::frame::FrameDecoder::new(Cursor::new(input)))
    }

    fn snappy(&mut self, input: &[u8]) -> Result<(), DecompressError> {
        let size = snap::raw::decompress_len(input).map_err(|error| self.corrupt(&error))?;
        if size > self.limit {
            return Err(DecompressError::TooLarge { limit: self.limit });
        }
        self.take(size)?;
        self.bytes.resize(size, 0);
        let written =
            snap::raw::Decoder::new().decompress(input, &mut self.bytes).map_err(|error| self.corrupt(&error))?;
        self.bytes.truncate(written);
        Ok(())
    }

    fn corrupt(&self, reason: &dyn std::error::Error) -> DecompressError {
        DecompressError::Corrupt { codec: self.codec.name(), reason: reason.to_string() }
    }
}
