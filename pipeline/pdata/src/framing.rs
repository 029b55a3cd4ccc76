//! The checked framing pass: what every batch goes through once, on receipt.
//!
//! In this room: wire types, lengths, varints, UTF-8, id lengths, nesting depth; counting items.
//! Not here: repairing what is legal but unusual (`normal`), reading fields for their sake (`view`).
//!
//! Enter at [`check`]. What it accepted, all other code may trust.

use std::fmt;

use crate::schema::{Field, Form, Kind, Message, Rule};
use crate::wire::{FIXED32, FIXED64, LENGTH, Reader, VARINT, split_short};

/// Deepest nesting of messages that is accepted: the limit of other protobuf readers too.
pub const MAX_DEPTH: usize = 100;

/// Positions are kept in 32 bits.
const MAX_SIZE: usize = u32::MAX as usize;

/// Why bytes are not OTLP, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed OTLP at byte {offset} in {path}: {problem}")]
pub struct Malformed {
    /// Where in the bytes.
    pub offset: usize,
    /// The fields that lead there, such as `resource_spans.scope_spans.spans.trace_id`.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end inside a field, or a length points beyond its message.
    Truncated,
    /// A varint of more than 64 bits.
    Varint,
    /// A field number of 0 or above 2^29 - 1.
    FieldNumber,
    /// Not the wire type that this field has, or one that protobuf no longer has.
    WireType(u8),
    /// A string that is not UTF-8.
    Utf8,
    /// A trace id that is not 16 or a span id that is not 8 bytes long.
    IdLength(usize),
    /// Packed numbers whose length is not a multiple of their size.
    Packed,
    /// Messages nested deeper than [`MAX_DEPTH`].
    Depth,
    /// More bytes than a batch can address.
    TooLarge,
    /// OTLP/JSON: what the parser says.
    Json(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Truncated => f.write_str("the field reaches beyond its message"),
            Problem::Varint => f.write_str("varint cut short or longer than 64 bits"),
            Problem::FieldNumber => f.write_str("impossible field number"),
            Problem::WireType(wire) => write!(f, "unexpected wire type {wire}"),
            Problem::Utf8 => f.write_str("string is not valid UTF-8"),
            Problem::IdLength(length) => write!(f, "invalid length of an id: {length} bytes"),
            Problem::Packed => f.write_str("packed numbers of a wrong total length"),
            Problem::Depth => write!(f, "messages nested deeper than {MAX_DEPTH}"),
            Problem::TooLarge => f.write_str("more than 4 GiB"),
            Problem::Json(reason) => f.write_str(reason),
        }
    }
}

/// What the pass found out about good bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Framed {
    pub(crate) items: usize,
    /// No singular field twice, one member of each oneof at most, repeated numbers packed: views rely on it.
    pub(crate) is_normal: bool,
}

/// Checks a whole message, down to every message it holds.
pub(crate) fn check(schema: &'static Message, bytes: &[u8]) -> Result<Framed, Malformed> {
    check_by::<true>(schema, bytes)
}

/// With or without shortcuts; a test keeps both equal.
pub(crate) fn check_by<const SHORTCUTS: bool>(schema: &'static Message, bytes: &[u8]) -> Result<Framed, Malformed> {
    let mut checker = Checker::<SHORTCUTS> { items: 0, is_normal: true, path: Vec::new() };
    let outcome =
        if bytes.len() > MAX_SIZE { Err(fault(0, Problem::TooLarge)) } else { checker.message(schema, bytes, 0, 0) };
    match outcome {
        Ok(()) => Ok(Framed { items: checker.items, is_normal: checker.is_normal }),
        Err(fault) => {
            let (offset, problem) = *fault;
            checker.path.reverse();
            let path = if checker.path.is_empty() { "the request".to_owned() } else { checker.path.join(".") };
            Err(Malformed { offset, path, problem })
        }
    }
}

/// Offset and problem. In a box, so that good fields pay nothing for what bad ones have to tell.
type Fault = Box<(usize, Problem)>;

#[cold]
fn fault(offset: usize, problem: Problem) -> Fault {
    Box::new((offset, problem))
}

struct Checker<const SHORTCUTS: bool> {
    items: usize,
    is_normal: bool,
    /// Filled while an error travels up: innermost field first.
    path: Vec<&'static str>,
}

impl<const SHORTCUTS: bool> Checker<SHORTCUTS> {
    /// `bytes` end where this message ends and it begins at `at`, so that every offset counts from the request's start.
    // Per message. No allocation; an eighth of what prost takes to decode the same spans: benches/spans.rs.
    fn message(&mut self, schema: &'static Message, bytes: &[u8], at: usize, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(fault(at, Problem::Depth));
        }
        self.items += usize::from(schema.is_item);
        let mut reader = Reader { bytes, at };
        let mut seen = 0_u32;
        loop {
            // A value in an attribute is two messages deeper.
            if SHORTCUTS && depth < MAX_DEPTH - 1 {
                take_shortcuts(schema, &mut reader, &mut seen);
            }
            if reader.is_done() {
                return Ok(());
            }
            let start = reader.at;
            let tag = varint(&mut reader)?;
            let wire = (tag & 7) as u8;
            let number = tag >> 3;
            if number == 0 || number >= 1 << 29 {
                return Err(fault(start, Problem::FieldNumber));
            }
            let Some(field) = schema.field(number as u32) else {
                skip(&mut reader, wire)?;
                continue;
            };
            self.is_normal &= seen & field.bit == 0;
            seen |= field.bit;
            if let Err(fault) = self.field(field, wire, &mut reader, depth) {
                self.path.push(field.name);
                return Err(fault);
            }
        }
    }

    #[inline]
    fn field(&mut self, field: &'static Field, wire: u8, reader: &mut Reader<'_>, depth: usize) -> Result<(), Fault> {
        match (field.kind, wire) {
            (Kind::Message(schema), LENGTH) => {
                let body = length(reader)?;
                let start = reader.at;
                let inner = reader.bytes.get(..start + body).ok_or_else(|| fault(start, Problem::Truncated))?;
                reader.at = start + body;
                self.message(schema, inner, start, depth + 1)
            }
            (Kind::String, LENGTH) => {
                let start = reader.at;
                let text = prefixed(reader)?;
                if is_utf8(text) { Ok(()) } else { Err(fault(start, Problem::Utf8)) }
            }
            (Kind::Bytes, LENGTH) => prefixed(reader).map(drop),
            (Kind::Id(size), LENGTH) => {
                let start = reader.at;
                let id = prefixed(reader)?.len();
                if id == usize::from(size) || id == 0 { Ok(()) } else { Err(fault(start, Problem::IdLength(id))) }
            }
            (Kind::Fixed64 | Kind::Sfixed64 | Kind::Double, FIXED64)
            | (Kind::Fixed32, FIXED32)
            | (Kind::Bool | Kind::Uint32 | Kind::Int64 | Kind::Uint64 | Kind::Sint32 | Kind::Enum(_), VARINT) => {
                // A number of a repeated field, on its own: legal, but not packed.
                self.is_normal &= field.rule != Rule::Repeated;
                skip(reader, wire)
            }
            (kind, LENGTH) if field.is_packed() => {
                // A second run of packed numbers is legal too.
                let start = reader.at;
                let is_good = packed(kind, prefixed(reader)?);
                if is_good { Ok(()) } else { Err(fault(start, Problem::Packed)) }
            }
            _ => Err(fault(reader.at, Problem::WireType(wire))),
        }
    }
}

/// Steps over good fields of the most usual form: one byte of tag, one of length or number, not seen before. The first
/// field that is anything else is left to the table, which knows all forms and tells what is wrong.
#[inline]
fn take_shortcuts(schema: &'static Message, reader: &mut Reader<'_>, seen: &mut u32) {
    while let Some(&[tag, second, ref rest @ ..]) = reader.bytes.get(reader.at..) {
        let shortcut = schema.shortcut(tag);
        let short = || if second < 0x80 { rest.get(..usize::from(second)) } else { None };
        let size = match shortcut.form {
            Form::None => return,
            Form::Attribute => short().filter(|body| is_plain_attribute(body)).map(|body| 2 + body.len()),
            Form::Text => short().filter(|text| is_utf8(text)).map(|text| 2 + text.len()),
            Form::Id(size) => {
                short().filter(|id| id.len() == usize::from(size) || id.is_empty()).map(|id| 2 + id.len())
            }
            Form::Bytes => short().map(|bytes| 2 + bytes.len()),
            Form::Fixed64 => rest.get(..7).map(|_| 9),
            Form::Fixed32 => rest.get(..3).map(|_| 5),
            Form::Varint => (second < 0x80).then_some(2),
        };
        let Some(size) = size else { return };
        if *seen & shortcut.bit != 0 {
            return;
        }
        *seen |= shortcut.bit;
        reader.at += size;
    }
}

/// Whether this is a short key and a short string, number or boolean, and nothing else. Most bytes of most requests are
/// such attributes.
#[inline]
fn is_plain_attribute(key_value: &[u8]) -> bool {
    let Some((key, rest)) = split_short(key_value, 0x0a) else { return false };
    let Some((any_value, [])) = split_short(rest, 0x12) else { return false };
    match any_value {
        [0x0a, ..] => match split_short(any_value, 0x0a) {
            Some((text, [])) => is_utf8(key) && is_utf8(text),
            _ => false,
        },
        [0x10, 0 | 1] | [0x21, _, _, _, _, _, _, _, _] => is_utf8(key),
        [0x18, number @ ..] => {
            let mut reader = Reader::new(number);
            reader.varint().is_some() && reader.is_done() && is_utf8(key)
        }
        _ => false,
    }
}

fn packed(kind: Kind, numbers: &[u8]) -> bool {
    match kind {
        Kind::Fixed64 | Kind::Double => numbers.len().is_multiple_of(8),
        _ => {
            let mut reader = Reader::new(numbers);
            while !reader.is_done() {
                if reader.varint().is_none() {
                    return false;
                }
            }
            true
        }
    }
}

#[inline]
fn varint(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    let start = reader.at;
    reader.varint().ok_or_else(|| fault(start, Problem::Varint))
}

/// A length prefix that stays inside its message.
#[inline]
fn length(reader: &mut Reader<'_>) -> Result<usize, Fault> {
    let start = reader.at;
    let length = usize::try_from(varint(reader)?).unwrap_or(usize::MAX);
    if length > reader.bytes.len().saturating_sub(reader.at) {
        return Err(fault(start, Problem::Truncated));
    }
    Ok(length)
}

#[inline]
fn prefixed<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let length = length(reader)?;
    reader.take(length).ok_or_else(|| fault(reader.at, Problem::Truncated))
}

fn skip(reader: &mut Reader<'_>, wire: u8) -> Result<(), Fault> {
    let start = reader.at;
    match wire {
        VARINT => varint(reader).map(drop),
        FIXED64 => reader.array::<8>().map(drop).ok_or_else(|| fault(start, Problem::Truncated)),
        LENGTH => prefixed(reader).map(drop),
        FIXED32 => reader.array::<4>().map(drop).ok_or_else(|| fault(start, Problem::Truncated)),
        // Groups left protobuf before OTLP was born; 6 and 7 never were.
        wire => Err(fault(start, Problem::WireType(wire))),
    }
}

/// Keys and values are short and ASCII: two overlapping words tell so faster than a general check.
#[inline]
fn is_utf8(text: &[u8]) -> bool {
    is_short_ascii(text) || core::str::from_utf8(text).is_ok()
}

#[inline]
fn is_short_ascii(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    if let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        let words = u64::from_le_bytes(*head) | u64::from_le_bytes(*tail);
        if text.len() <= 16 {
            return words & HIGH == 0;
        }
        let (chunks, _) = text.as_chunks::<8>();
        return chunks.iter().fold(words, |all, chunk| all | u64::from_le_bytes(*chunk)) & HIGH == 0;
    }
    if let (Some(head), Some(tail)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*head) | u32::from_le_bytes(*tail)) & HIGH == 0;
    }
    text.iter().fold(0, |all, byte| all | byte) < 0x80
}
