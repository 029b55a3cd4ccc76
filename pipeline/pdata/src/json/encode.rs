//! Bytes to JSON, as the Collector writes it: fields in the order of the .proto files, defaults left out, `resource`,
//! `scope`, `status`, `body` and `value` always there.

use serde::Serialize;

use crate::batch::Batch;
use crate::schema::{Field, Kind, Message, Rule};
use crate::text::text;
use crate::wire::{Fields, Payload, Reader, unzigzag};

/// The batch as one JSON object. Fields that we do not know have no JSON name and are left out.
pub fn encode(batch: &Batch) -> Vec<u8> {
    // A resource lies in one segment, but the list of resources goes through all of them.
    let bytes = batch.to_bytes();
    let mut out = Vec::with_capacity(bytes.len() * 2);
    put_message(&mut out, batch.signal().schema(), &bytes);
    out
}

/// The place of a field that does not occur.
const NOWHERE: usize = usize::MAX;

fn put_message(out: &mut Vec<u8>, schema: &'static Message, message: &[u8]) {
    // Where each field first occurs, so that one walk serves all of them.
    let mut first = [NOWHERE; 32];
    for field in Fields::new(message) {
        if let Some(place) = first.get_mut(field.number as usize) {
            *place = field.start.min(*place);
        }
    }
    out.push(b'{');
    let begin = out.len();
    for field in schema.fields {
        let place = first.get(usize::from(field.number)).copied().filter(|place| *place != NOWHERE);
        match place.and_then(|place| Fields::starting_at(message, place).next()) {
            Some(found) if field.rule == Rule::Repeated => {
                put_name(out, begin, field);
                put_list(out, field, message, found.start);
            }
            Some(found) if field.rule != Rule::Single || !is_default(found.payload) => {
                put_name(out, begin, field);
                put_value(out, field.kind, found.payload);
            }
            None if field.rule == Rule::Always => {
                put_name(out, begin, field);
                out.extend_from_slice(b"{}");
            }
            _ => {}
        }
    }
    out.push(b'}');
}

fn is_default(payload: Payload<'_>) -> bool {
    payload.number() == 0 && payload.bytes().is_empty()
}

fn put_name(out: &mut Vec<u8>, begin: usize, field: &Field) {
    if out.len() > begin {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(field.json.as_bytes());
    out.extend_from_slice(b"\":");
}

fn put_list(out: &mut Vec<u8>, field: &Field, message: &[u8], first: usize) {
    out.push(b'[');
    let begin = out.len();
    let same = Fields::starting_at(message, first).filter(|found| found.number == u32::from(field.number));
    for found in same {
        if field.is_packed() {
            put_packed(out, begin, field.kind, found.payload.bytes());
        } else {
            put_comma(out, begin);
            put_value(out, field.kind, found.payload);
        }
    }
    out.push(b']');
}

fn put_packed(out: &mut Vec<u8>, begin: usize, kind: Kind, numbers: &[u8]) {
    let mut reader = Reader::new(numbers);
    while !reader.is_done() {
        let payload = match kind {
            Kind::Fixed64 | Kind::Double => reader.array().map(|bytes| Payload::Fixed64(u64::from_le_bytes(bytes))),
            _ => reader.varint().map(Payload::Varint),
        };
        let Some(payload) = payload else { return };
        put_comma(out, begin);
        put_value(out, kind, payload);
    }
}

fn put_comma(out: &mut Vec<u8>, begin: usize) {
    if out.len() > begin {
        out.push(b',');
    }
}

fn put_value(out: &mut Vec<u8>, kind: Kind, payload: Payload<'_>) {
    match kind {
        Kind::String => put_string(out, text(payload.bytes())),
        Kind::Bytes => {
            out.push(b'"');
            put_base64(out, payload.bytes());
            out.push(b'"');
        }
        Kind::Id(_) => put_hex(out, payload.bytes()),
        Kind::Bool => out.extend_from_slice(if payload.number() == 0 { b"false" } else { b"true" }),
        Kind::Uint32 | Kind::Fixed32 => put(out, &payload.number32()),
        Kind::Enum(_) => put(out, &(payload.number32() as i32)),
        Kind::Sint32 => put(out, &unzigzag(payload.number32())),
        Kind::Int64 | Kind::Sfixed64 => put_between_quotes(out, &(payload.number() as i64)),
        Kind::Uint64 | Kind::Fixed64 => put_between_quotes(out, &payload.number()),
        Kind::Double => put_double(out, payload.double()),
        Kind::Message(schema) => put_message(out, schema, payload.bytes()),
    }
}

fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing a number or a string to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

fn put_between_quotes(out: &mut Vec<u8>, number: &impl Serialize) {
    out.push(b'"');
    put(out, number);
    out.push(b'"');
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Without a branch per byte, so that many bytes are looked at together.
    if text.bytes().fold(false, |any, byte| any | needs_escape(byte)) {
        return put(out, text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn put_double(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        put(out, &value);
        // Whole numbers stand without a fraction, as in Go.
        if out.ends_with(b".0") {
            out.truncate(out.len() - 2);
        }
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else {
        out.extend_from_slice(if value > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    }
}

fn put_hex(out: &mut Vec<u8>, id: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in id {
        out.extend([byte >> 4, byte & 15].map(|digit| DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0')));
    }
    out.push(b'"');
}

/// Standard alphabet, padded (RFC 4648 section 4).
pub(crate) fn put_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain(&[0, 0]).take(3).fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
        for index in 0..4 {
            let letter = ALPHABET.get(group >> (18 - 6 * index) & 63).copied().unwrap_or(b'=');
            out.push(if index <= chunk.len() { letter } else { b'=' });
        }
    }
}
