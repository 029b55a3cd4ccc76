//! Attributes and values, written.

use crate::view::ValueView;
use crate::wire::{FIXED64, close, open, put_bytes_field, put_varint, put_varint_field, tag};

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
    pub fn add<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> &mut Self {
        let attribute = open(self.out, self.number, 1);
        put_key_value(self.out, key, &value.into());
        close(self.out, attribute);
        self
    }
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
