//! Attributes and values, written.

use crate::view::ValueView;
use crate::wire::{
    FIXED64, LENGTH, VARINT, close, open, put_bytes_field, put_varint, put_varint_field, tag, varint_size,
};

/// A value to be written. Made from `&str`, `&String`, `bool`, integers, `f64`, `&[&str]` and [`ValueView`].
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A string.
    Str(&'a str),
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of strings.
    Strs(&'a [&'a str]),
    /// A value of another message, of any type, as it stands there.
    Copied(ValueView<'a>),
}

impl Value<'_> {
    /// About how many bytes it takes, so that room is made once.
    pub(crate) fn size_hint(&self) -> usize {
        match self {
            Value::Str(value) => value.len(),
            Value::Bytes(value) => value.len(),
            Value::Strs(values) => values.iter().map(|value| value.len() + 4).sum(),
            Value::Copied(value) => value.encoded().len(),
            Value::Bool(_) | Value::Int(_) | Value::Double(_) => 8,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Str(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Str(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<u16> for Value<'_> {
    fn from(value: u16) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::Double(value)
    }
}

impl<'a> From<&'a [&'a str]> for Value<'a> {
    fn from(value: &'a [&'a str]) -> Self {
        Value::Strs(value)
    }
}

impl<'a> From<ValueView<'a>> for Value<'a> {
    fn from(value: ValueView<'a>) -> Self {
        Value::Copied(value)
    }
}

/// Writes attributes one after the other.
pub struct AttributesWriter<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// The field of attributes in the message that is being written.
    pub(super) number: u32,
}

impl AttributesWriter<'_> {
    /// Adds an attribute. Keys are not compared: the caller gives each once.
    #[inline]
    pub fn add<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> &mut Self {
        let value = value.into();
        let is_written = match value {
            Value::Str(text) => put_short_text(self.out, self.number, key, text),
            Value::Int(number) => put_short_number(self.out, self.number, key, number),
            _ => false,
        };
        if !is_written {
            self.add_any(key, &value);
        }
        self
    }

    #[inline(never)]
    fn add_any(&mut self, key: &str, value: &Value<'_>) {
        let attribute = open(self.out, self.number, 1);
        put_key_value(self.out, key, value);
        close(self.out, attribute);
    }
}

/// Writes an attribute whose lengths all take one byte, as those of nearly all do: they are known beforehand, and
/// nothing has to be filled in later. False, and nothing is written, if one does not.
#[inline]
fn put_short_text(out: &mut Vec<u8>, number: u32, key: &str, text: &str) -> bool {
    let (Some(value), Some(attribute)) = (short(text.len(), 2), short(key.len() + text.len(), 6)) else { return false };
    let Some(tag) = short_tag(number) else { return false };
    out.reserve(key.len() + text.len() + 8);
    out.extend_from_slice(&[tag, attribute, KEY, key.len() as u8]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[VALUE, value, STRING, text.len() as u8]);
    out.extend_from_slice(text.as_bytes());
    true
}

/// The same for a number.
#[inline]
fn put_short_number(out: &mut Vec<u8>, number: u32, key: &str, value: i64) -> bool {
    let size = varint_size(value as u64);
    let (Some(any_value), Some(attribute)) = (short(size, 1), short(key.len() + size, 5)) else { return false };
    let Some(tag) = short_tag(number) else { return false };
    out.reserve(key.len() + size + 7);
    out.extend_from_slice(&[tag, attribute, KEY, key.len() as u8]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[VALUE, any_value, INTEGER]);
    put_varint(out, value as u64);
    true
}

/// `KeyValue.key`, `KeyValue.value`, `AnyValue.string_value` and `AnyValue.int_value`.
const KEY: u8 = tag(1, LENGTH) as u8;
const VALUE: u8 = tag(2, LENGTH) as u8;
const STRING: u8 = tag(1, LENGTH) as u8;
const INTEGER: u8 = tag(3, VARINT) as u8;

/// A length with what comes on top of it, if it takes one byte.
#[inline]
fn short(length: usize, more: usize) -> Option<u8> {
    u8::try_from(length.saturating_add(more)).ok().filter(|length| *length < 0x80)
}

#[inline]
fn short_tag(number: u32) -> Option<u8> {
    u8::try_from(tag(number, LENGTH)).ok().filter(|tag| *tag < 0x80)
}

/// The fields of a `KeyValue`.
pub(crate) fn put_key_value(out: &mut Vec<u8>, key: &str, value: &Value<'_>) {
    put_bytes_field(out, 1, key.as_bytes());
    put_any_value_field(out, 2, value);
}

/// Field `number`, of type `AnyValue`.
pub(super) fn put_any_value_field(out: &mut Vec<u8>, number: u32, value: &Value<'_>) {
    let any_value = open(out, number, 1);
    match value {
        Value::Str(value) => put_bytes_field(out, 1, value.as_bytes()),
        Value::Bool(value) => put_varint_field(out, 2, u64::from(*value)),
        Value::Int(value) => put_varint_field(out, 3, *value as u64),
        Value::Double(value) => {
            put_varint(out, tag(4, FIXED64));
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Bytes(value) => put_bytes_field(out, 7, value),
        Value::Strs(values) => put_strings(out, values),
        Value::Copied(value) => out.extend_from_slice(value.encoded()),
    }
    close(out, any_value);
}

fn put_strings(out: &mut Vec<u8>, values: &[&str]) {
    let array = open(out, 5, 1);
    for value in values {
        put_any_value_field(out, 1, &Value::Str(value));
    }
    close(out, array);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As any attribute is written, whatever its lengths.
    fn at_length(number: u32, key: &str, value: Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        AttributesWriter { out: &mut out, number }.add_any(key, &value);
        out
    }

    #[test]
    fn a_short_attribute_is_the_same_bytes_as_a_long_one_would_be() {
        for number in [1, 9, 15, 16] {
            for key in [0, 1, 113, 119, 120, 121, 122, 127, 128, 300] {
                let key = "k".repeat(key);
                for text in [0, 1, 2, 100, 119, 120, 121, 122, 125, 126, 127, 128, 20_000] {
                    let text = "v".repeat(text);
                    let mut out = Vec::new();
                    AttributesWriter { out: &mut out, number }.add(&key, text.as_str());
                    assert_eq!(out, at_length(number, &key, Value::Str(&text)), "{} and {}", key.len(), text.len());
                }
                for value in [0, 1, 127, 128, i64::MAX, -1, i64::MIN] {
                    let mut out = Vec::new();
                    AttributesWriter { out: &mut out, number }.add(&key, value);
                    assert_eq!(out, at_length(number, &key, Value::Int(value)), "{} and {value}", key.len());
                }
            }
        }
    }
}
