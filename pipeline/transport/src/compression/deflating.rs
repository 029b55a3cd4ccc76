//! Compression of the segments of a body into one.

use std::cell::RefCell;
use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Crc, FlushCompress, Status};
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::Codec;

/// Contexts kept per thread; more than the codecs that one configuration names.
const MOST_KEPT_CONTEXTS: usize = 8;
/// RFC 1952: magic, deflate, no flags, no time, no hint, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A codec and how hard it tries. `None` as level is the codec's own default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// The format.
    pub codec: Codec,
    /// gzip and zlib: 0 to 9, -1 default, -2 Huffman only; zstd: 1 to 22. Others have no levels.
    pub level: Option<i32>,
}

/// A compressor failed, which takes a lack of memory or a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot compress with {codec}: {reason}")]
pub struct CompressError {
    codec: &'static str,
    reason: String,
}

enum Context {
    Deflate(Compress),
    Zstd(CCtx<'static>),
    Snappy(Box<snap::raw::Encoder>),
    Frames,
}

thread_local! {
    // A deflate context is 270 kB and a zstd one more: made once per thread, not once per request.
    static CONTEXTS: RefCell<Vec<(Compression, Context)>> = const { RefCell::new(Vec::new()) };
}

/// Compresses the segments as if they were one.
pub fn compress(compression: Compression, segments: &[Bytes]) -> Result<Bytes, CompressError> {
    CONTEXTS.with_borrow_mut(|contexts| {
        let kept = contexts.iter().position(|(of, _)| *of == compression).map(|at| contexts.swap_remove(at).1);
        let mut context = kept.unwrap_or_else(|| Context::new(compression));
        let compressed = context.run(compression.codec, segments);
        if contexts.len() < MOST_KEPT_CONTEXTS {
            contexts.push((compression, context));
        }
        compressed.map_err(|reason| CompressError { codec: compression.codec.name(), reason })
    })
}

impl Context {
    fn new(compression: Compression) -> Self {
        match compression.codec {
            Codec::Gzip => Self::Deflate(Compress::new(flate_level(compression.level), false)),
            Codec::Zlib => Self::Deflate(Compress::new(flate_level(compression.level), true)),
            Codec::Zstd => {
                let mut context = CCtx::create();
                let _ = context.set_parameter(CParameter::CompressionLevel(compression.level.unwrap_or(3)));
                Self::Zstd(context)
            }
            Codec::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Codec::SnappyFramed | Codec::Lz4 => Self::Frames,
        }
    }

    fn run(&mut self, codec: Codec, segments: &[Bytes]) -> Result<Bytes, String> {
        let size = segments.iter().map(Bytes::len).sum::<usize>();
        let output = Vec::with_capacity(size / 3 + 64);
        let compressed = match self {
            Self::Deflate(context) if codec == Codec::Gzip => gzip(context, segments, output)?,
            Self::Deflate(context) => deflate(context, segments, output)?,
            Self::Zstd(context) => {
                zstd_stream(context, segments, size, output).map_err(|code| get_error_name(code).to_owned())?
            }
            Self::Snappy(encoder) => encoder.compress_vec(&joined(segments)).map_err(|error| error.to_string())?,
            Self::Frames if codec == Codec::Lz4 => lz4(segments, output).map_err(|error| error.to_string())?,
            Self::Frames => snappy_frames(segments, output).map_err(|error| error.to_string())?,
        };
        Ok(Bytes::from(compressed))
    }
}

fn flate_level(level: Option<i32>) -> flate2::Compression {
    match level {
        // Go's "Huffman only" has no counterpart here; the fastest level is the nearest.
        Some(-2) => flate2::Compression::fast(),
        Some(level @ 0..=9) => flate2::Compression::new(level.unsigned_abs()),
        _ => flate2::Compression::default(),
    }
}

fn joined(segments: &[Bytes]) -> Bytes {
    if let [only] = segments {
        return only.clone();
    }
    let mut all = BytesMut::with_capacity(segments.iter().map(Bytes::len).sum());
    segments.iter().for_each(|segment| all.extend_from_slice(segment));
    all.freeze()
}

fn gzip(context: &mut Compress, segments: &[Bytes], mut output: Vec<u8>) -> Result<Vec<u8>, String> {
    output.extend_from_slice(&GZIP_HEADER);
    let mut output = deflate(context, segments, output)?;
    let mut check = Crc::new();
    segments.iter().for_each(|segment| check.update(segment));
    output.put_u32_le(check.sum());
    output.put_u32_le(check.amount());
    Ok(output)
}

fn deflate(context: &mut Compress, segments: &[Bytes], mut output: Vec<u8>) -> Result<Vec<u8>, String> {
    context.reset();
    for segment in segments {
        let mut rest: &[u8] = segment;
        while !rest.is_empty() {
            make_room(&mut output);
            let before = context.total_in();
            context.compress_vec(rest, &mut output, FlushCompress::None).map_err(|error| error.to_string())?;
            let taken = usize::try_from(context.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
        }
    }
    loop {
        make_room(&mut output);
        let status =
            context.compress_vec(&[], &mut output, FlushCompress::Finish).map_err(|error| error.to_string())?;
        if status == Status::StreamEnd {
            return Ok(output);
        }
    }
}

fn make_room(output: &mut Vec<u8>) {
    if output.capacity() - output.len() < 1024 {
        output.reserve(output.len().max(16 * 1024));
    }
}

fn zstd_stream(context: &mut CCtx<'_>, segments: &[Bytes], size: usize, mut output: Vec<u8>) -> Result<Vec<u8>, usize> {
    context.reset(ResetDirective::SessionOnly)?;
    context.set_pledged_src_size(Some(size as u64))?;
    for segment in segments {
        let mut input = InBuffer::around(segment);
        while input.pos() < segment.len() {
            zstd_step(context, &mut input, &mut output, ZSTD_EndDirective::ZSTD_e_continue)?;
        }
    }
    while zstd_step(context, &mut InBuffer::around(&[]), &mut output, ZSTD_EndDirective::ZSTD_e_end)? > 0 {}
    Ok(output)
}

fn zstd_step(
    context: &mut CCtx<'_>,
    input: &mut InBuffer<'_>,
    output: &mut Vec<u8>,
    directive: ZSTD_EndDirective,
) -> Result<usize, usize> {
    make_room(output);
    let written = output.len();
    context.compress_stream2(&mut OutBuffer::around_pos(output, written), input, directive)
}

fn lz4(segments: &[Bytes], output: Vec<u8>) -> Result<Vec<u8>, lz4_flex::frame::Error> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(output);
    for segment in segments {
        encoder.write_all(segment)?;
    }
    encoder.finish()
}

fn snappy_frames(segments: &[Bytes], output: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut encoder = snap::write::FrameEncoder::new(output);
    for segment in segments {
        encoder.write_all(segment)?;
    }
    encoder.into_inner().map_err(|error| error.error().kind().into())
}
