//! JSON to bytes, in one pass and without a tree: the parser calls, the table says what to write.
//!
//! Both spellings of names are understood, numbers as strings and strings as numbers, enums by name; unknown fields and
//! nulls are skipped, as the protobuf JSON mapping asks.

use std::fmt;

use bytes::Bytes;
use serde_json::Deserializer;

use crate::batch::{Batch, Signal};
use crate::framing::{Malformed, Problem};
use crate::schema::{Field, Kind, Message, Rule};
use crate::wire::{FIXED32, FIXED64, VARINT, close, open, put_bytes_field, put_varint, tag, zigzag};

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Takes an export request in OTLP/JSON.
///
/// # Errors
/// When the bytes are not JSON, or not OTLP in JSON. Offset and path tell where in the JSON.
pub fn decode(signal: Signal, json: &[u8]) -> Result<Batch, Malformed> {
    let mut state = State { out: Vec::with_capacity(json.len() / 2), path: Vec::new() };
    let mut parser = Deserializer::from_slice(json);
    let outcome =
        MessageSeed { schema: signal.schema(), state: &mut state }.deserialize(&mut parser).and_then(|()| parser.end());
    match outcome {
        Ok(()) => Batch::from_otlp(signal, Bytes::from(state.out)),
        Err(error) => Err(Malformed {
            offset: offset_of(json, error.line(), error.column()),
            path: if state.path.is_empty() { "the request".to_owned() } else { state.path.join(".") },
            problem: Problem::Json(error.to_string()),
        }),
    }
}

fn offset_of(json: &[u8], line: usize, column: usize) -> usize {
    let lines = json.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    (lines.map(<[u8]>::len).sum::<usize>() + column.saturating_sub(1)).min(json.len())
}

struct State {
    out: Vec<u8>,
    /// The fields around the present place; left standing by an error.
    path: Vec<&'static str>,
}

struct MessageSeed<'s> {
    schema: &'static Message,
    state: &'s mut State,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(NameSeed(self.schema))? {
            match field {
                Some(field) => {
                    self.state.path.push(field.name);
                    map.next_value_seed(FieldSeed { field, place: Place::Field, state: self.state })?;
                    self.state.path.pop();
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Finds a field by its name, without keeping the name.
struct NameSeed(&'static Message);

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Option<&'static Field>;

    fn deserialize<D: serde::Deserializer<'de>>(self, parser: D) -> Result<Self::Value, D::Error> {
        parser.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field_named(name))
    }
}

/// What a value in JSON stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole field.
    Field,
    /// One of a repeated field.
    Element,
    /// One number among packed ones, which has no tag.
    Packed,
}

/// Reads the value of one field and writes the field.
struct FieldSeed<'s> {
    field: &'static Field,
    place: Place,
    state: &'s mut State,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_any(self)
    }
}

impl FieldSeed<'_> {
    /// Whether a default value is the same as none.
    fn leaves_out_default(&self) -> bool {
        self.place == Place::Field && !self.field.rule.has_presence()
    }

    fn check_not_list<E: Error>(&self) -> Result<(), E> {
        if self.place == Place::Field && self.field.rule == Rule::Repeated {
            return Err(E::custom("expected a list"));
        }
        Ok(())
    }

    fn put_tag(&mut self, wire: u8) {
        if self.place != Place::Packed {
            put_varint(&mut self.state.out, tag(u32::from(self.field.number), wire));
        }
    }

    fn put_varint<E: Error>(mut self, value: u64) -> Result<(), E> {
        if value != 0 || !self.leaves_out_default() {
            self.put_tag(VARINT);
            put_varint(&mut self.state.out, value);
        }
        Ok(())
    }

    fn put_fixed64<E: Error>(mut self, value: u64) -> Result<(), E> {
        if value != 0 || !self.leaves_out_default() {
            self.put_tag(FIXED64);
            self.state.out.extend_from_slice(&value.to_le_bytes());
        }
        Ok(())
    }

    fn put_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        if !bytes.is_empty() || !self.leaves_out_default() {
            put_bytes_field(&mut self.state.out, u32::from(self.field.number), bytes);
        }
        Ok(())
    }

    /// A number, whether it stood there as a number or in a string.
    fn put_integer<E: Error>(mut self, value: i128) -> Result<(), E> {
        self.check_not_list()?;
        let out_of_range = || E::custom(format_args!("{value} is out of range"));
        match self.field.kind {
            Kind::Int64 => self.put_varint(i64::try_from(value).map_err(|_| out_of_range())? as u64),
            Kind::Enum(_) => self.put_varint(i64::from(i32::try_from(value).map_err(|_| out_of_range())?) as u64),
            Kind::Uint32 => self.put_varint(u64::from(u32::try_from(value).map_err(|_| out_of_range())?)),
            Kind::Uint64 => self.put_varint(u64::try_from(value).map_err(|_| out_of_range())?),
            Kind::Sint32 => self.put_varint(zigzag(i32::try_from(value).map_err(|_| out_of_range())?)),
            Kind::Fixed64 => self.put_fixed64(u64::try_from(value).map_err(|_| out_of_range())?),
            Kind::Sfixed64 => self.put_fixed64(i64::try_from(value).map_err(|_| out_of_range())? as u64),
            Kind::Double => self.put_fixed64((value as f64).to_bits()),
            Kind::Fixed32 => {
                let value = u32::try_from(value).map_err(|_| out_of_range())?;
                if value != 0 || !self.leaves_out_default() {
                    self.put_tag(FIXED32);
                    self.state.out.extend_from_slice(&value.to_le_bytes());
                }
                Ok(())
            }
            _ => Err(E::custom("unexpected number")),
        }
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value for {}", self.field.json)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.field.kind {
            Kind::Bool => self.put_varint(u64::from(value)),
            _ => Err(E::custom("unexpected boolean")),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put_integer(i128::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put_integer(i128::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.check_not_list()?;
        match self.field.kind {
            Kind::Double => self.put_fixed64(value.to_bits()),
            // 1e3 is an integer to protobuf.
            _ if value.fract() == 0.0 && value.abs() < 1e19 => self.put_integer(value as i128),
            _ => Err(E::custom("expected an integer")),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.check_not_list()?;
        match self.field.kind {
            Kind::String => self.put_bytes(value.as_bytes()),
            Kind::Bytes => match decode_base64(value) {
                Some(bytes) => self.put_bytes(&bytes),
                None => Err(E::custom("invalid base64")),
            },
            Kind::Id(size) => match decode_hex(value) {
                Some(id) if id.is_empty() || id.len() == usize::from(size) => self.put_bytes(&id),
                Some(id) => Err(E::custom(Problem::IdLength(id.len()))),
                None => Err(E::custom("invalid hexadecimal id")),
            },
            Kind::Enum(names) => match names.iter().position(|name| *name == value) {
                Some(number) => self.put_integer(number as i128),
                None => self.put_text_number(value),
            },
            Kind::Double => match value {
                "NaN" => self.put_fixed64(f64::NAN.to_bits()),
                "Infinity" => self.put_fixed64(f64::INFINITY.to_bits()),
                "-Infinity" => self.put_fixed64(f64::NEG_INFINITY.to_bits()),
                _ => match value.parse::<f64>() {
                    Ok(number) => self.put_fixed64(number.to_bits()),
                    Err(_) => Err(E::custom("expected a number")),
                },
            },
            Kind::Bool => match value {
                "true" => self.put_varint(1),
                "false" => self.put_varint(0),
                _ => Err(E::custom("expected true or false")),
            },
            Kind::Message(_) => Err(E::custom("expected an object")),
            _ => self.put_text_number(value),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.check_not_list()?;
        let Kind::Message(schema) = self.field.kind else {
            return Err(A::Error::custom("unexpected object"));
        };
        let number = u32::from(self.field.number);
        let nested = open(&mut self.state.out, number, 1);
        MessageSeed { schema, state: self.state }.visit_map(map)?;
        close(&mut self.state.out, nested);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.place != Place::Field || self.field.rule != Rule::Repeated {
            return Err(A::Error::custom("unexpected list"));
        }
        let packed = self.field.is_packed();
        let place = if packed { Place::Packed } else { Place::Element };
        let begin = self.state.out.len();
        let number = u32::from(self.field.number);
        let nested = packed.then(|| open(&mut self.state.out, number, 1));
        let empty = self.state.out.len();
        while list.next_element_seed(FieldSeed { field: self.field, place, state: self.state })?.is_some() {}
        match nested {
            Some(_) if self.state.out.len() == empty => self.state.out.truncate(begin),
            Some(nested) => close(&mut self.state.out, nested),
            None => {}
        }
        Ok(())
    }
}

impl FieldSeed<'_> {
    fn put_text_number<E: Error>(self, value: &str) -> Result<(), E> {
        match value.parse::<i128>() {
            Ok(number) => self.put_integer(number),
            Err(_) => Err(E::custom("expected an integer")),
        }
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    if rest.is_empty() { bytes.collect() } else { None }
}

/// Both alphabets, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    if text.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.chunks(4) {
        let mut group = 0_u32;
        for index in 0..4 {
            group = group << 6 | chunk.get(index).map_or(Some(0), |letter| base64_digit(*letter))?;
        }
        let [_, bytes @ ..] = group.to_be_bytes();
        out.extend(bytes.iter().take(chunk.len() - 1));
    }
    Some(out)
}

fn base64_digit(letter: u8) -> Option<u32> {
    let digit = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}
