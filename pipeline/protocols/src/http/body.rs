//! Where a message body ends.
//!
//! In this room: bodies of known length, chunked bodies (seen, or passing uncaptured), bodies that end by close.
//! Not here: which of them a message has (`head`).
//!
//! Enter at [`Body::advance`].

use super::head::Framing;
use crate::stream::{Front, Next, Step, Stream, Tail};

/// Progress through one body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Fixed {
        end: u64,
        size: u64,
    },
    Chunked {
        part: Part,
        size: u64,
    },
    /// Chunk sizes passed uncaptured: only the terminator at the end of a chunk of the source tells the end.
    Blind {
        tail: Tail,
    },
    UntilClose {
        start: u64,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Size,
    Data { end: u64 },
    DataEnd,
    Trailers { bytes: usize },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The body ended at this position; its size without framing, where that is known.
    Done {
        end: u64,
        size: Option<u64>,
    },
    Need,
    Gap,
}

/// A chunk-size line with its extensions.
const MAX_SIZE_LINE: usize = 4096;
const MAX_TRAILERS: usize = 64 * 1024;
/// The last chunk, with the end of the data before it: five bytes alone are too easily part of a text.
const TERMINATOR: &[u8] = b"\r\n0\r\n\r\n";

impl Body {
    /// Starts a body at the reader's position.
    pub(super) fn start(framing: Framing, stream: &mut Stream) -> Self {
        let start = stream.position();
        match framing {
            Framing::None => Self::Fixed { end: start, size: 0 },
            Framing::Fixed(size) => {
                stream.skip(size);
                Self::Fixed { end: start.saturating_add(size), size }
            }
            Framing::Chunked => Self::Chunked { part: Part::Size, size: 0 },
            Framing::UntilClose => Self::UntilClose { start },
        }
    }

    pub(super) fn advance(&mut self, stream: &mut Stream) -> Progress {
        loop {
            match *self {
                Self::Fixed { end, size } if stream.has_reached(end) => {
                    return Progress::Done { end, size: Some(size) };
                }
                Self::Fixed { .. } => return Progress::Need,
                Self::UntilClose { start } => return until_close(start, stream),
                Self::Blind { ref mut tail } => return blind(tail, stream),
                Self::Chunked { ref mut part, ref mut size } => match chunked(part, size, stream) {
                    Chunked::Progress => {}
                    Chunked::Unseen => *self = Self::Blind { tail: Tail::default() },
                    Chunked::Stop(progress) => return progress,
                },
            }
        }
    }
}

fn until_close(start: u64, stream: &mut Stream) -> Progress {
    let end = stream.reached().max(start);
    stream.skip(end.saturating_sub(stream.position()));
    if stream.has_ended() { Progress::Done { end, size: Some(end.saturating_sub(start)) } } else { Progress::Need }
}

enum Chunked {
    Progress,
    /// The next framing bytes were not captured.
    Unseen,
    Stop(Progress),
}

fn chunked(part: &mut Part, size: &mut u64, stream: &mut Stream) -> Chunked {
    let next = match *part {
        Part::Data { end } if stream.has_reached(end) => Next::Frame(Part::DataEnd),
        Part::Data { .. } => return Chunked::Stop(Progress::Need),
        Part::DataEnd => stream.next(line_end),
        Part::Size => match stream.next(chunk_size) {
            Next::Frame(0) => Next::Frame(Part::Trailers { bytes: 0 }),
            Next::Frame(length) => {
                *size = size.saturating_add(length);
                let end = stream.position().saturating_add(length);
                stream.skip(length);
                Next::Frame(Part::Data { end })
            }
            Next::Need => Next::Need,
            Next::Gap => Next::Gap,
        },
        Part::Trailers { bytes } => match stream.next(trailer) {
            Next::Frame(0) => {
                return Chunked::Stop(Progress::Done { end: stream.position(), size: Some(*size) });
            }
            Next::Frame(length) if bytes.saturating_add(length) <= MAX_TRAILERS => {
                Next::Frame(Part::Trailers { bytes: bytes.saturating_add(length) })
            }
            Next::Frame(_) | Next::Gap => Next::Gap,
            Next::Need => Next::Need,
        },
    };
    match next {
        Next::Frame(then) => {
            *part = then;
            Chunked::Progress
        }
        Next::Need => Chunked::Stop(Progress::Need),
        Next::Gap if runs_into_hole(stream) => Chunked::Unseen,
        Next::Gap => Chunked::Stop(Progress::Gap),
    }
}

/// Whether the parse failed for want of captured bytes, and not because of what the bytes say.
fn runs_into_hole(stream: &Stream) -> bool {
    match stream.front() {
        Front::Hole { .. } => true,
        // A line that was cut off by the end of capture: nothing else is short of a line end.
        Front::Bytes(bytes) => stream.hole_follows() && bytes.len() < MAX_SIZE_LINE && !bytes.contains(&b'\n'),
        _ => false,
    }
}

/// Passes what was not captured, chunk of the source by chunk, and looks for the terminator at the end of each.
fn blind(tail: &mut Tail, stream: &mut Stream) -> Progress {
    loop {
        let position = stream.position();
        let left_in_chunk = stream.mark_at(position).map(|mark| mark.end.saturating_sub(position));
        let (length, at_end) = match stream.front() {
            Front::Waiting | Front::Ended => return Progress::Need,
            Front::Gap { .. } => return Progress::Gap,
            Front::Hole { length, tail: last } => {
                *tail = last;
                (length, left_in_chunk.is_none_or(|left| left == length))
            }
            Front::Bytes(bytes) => {
                let left = left_in_chunk.and_then(|left| usize::try_from(left).ok()).unwrap_or(bytes.len());
                let piece = bytes.get(..left).unwrap_or(bytes);
                tail.push(piece);
                (piece.len() as u64, piece.len() == left)
            }
        };
        stream.skip(length);
        if at_end && tail.ends_with(TERMINATOR) {
            return Progress::Done { end: stream.position(), size: None };
        }
    }
}

/// RFC 9112 7.1: hexadecimal digits, perhaps extensions, CRLF. A bare LF is a known way to smuggle.
fn chunk_size(bytes: &[u8]) -> Step<u64> {
    let Some(line) = line(bytes) else {
        let digits_so_far = bytes.iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let plausible = bytes.len() < MAX_SIZE_LINE && digits_so_far <= 16 && (digits_so_far > 0 || bytes.is_empty());
        return if plausible { Step::Need(bytes.len().saturating_add(1)) } else { Step::Gap };
    };
    let Some(text) = line.strip_suffix(b"\r\n") else { return Step::Gap };
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, rest) = text.split_at_checked(digits).unwrap_or((&[], text));
    let extension = rest.trim_ascii_start();
    if digits == 0 || digits > 16 || !(extension.is_empty() || extension.starts_with(b";")) {
        return Step::Gap;
    }
    let size = number.iter().fold(0_u64, |size, digit| {
        let value = char::from(*digit).to_digit(16).unwrap_or(0);
        size.wrapping_shl(4) | u64::from(value)
    });
    Step::Frame(size, line.len())
}

fn line_end(bytes: &[u8]) -> Step<Part> {
    match bytes {
        [b'\r', b'\n', ..] => Step::Frame(Part::Size, 2),
        [] | [b'\r'] => Step::Need(2),
        _ => Step::Gap,
    }
}

/// One line of the trailer section; zero is the empty line that ends it.
fn trailer(bytes: &[u8]) -> Step<usize> {
    match line(bytes) {
        Some(b"\r\n") => Step::Frame(0, 2),
        Some(line) if line.ends_with(b"\r\n") && line.contains(&b':') => Step::Frame(line.len(), line.len()),
        Some(_) => Step::Gap,
        None if bytes.len() > MAX_TRAILERS => Step::Gap,
        None => Step::Need(bytes.len().saturating_add(1)),
    }
}

fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    bytes.get(..=end)
}
