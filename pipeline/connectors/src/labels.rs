//! Labels as bytes: the identity of a series, and what its points are written from.
//!
//! Each label is a tag, the length of the key, the key, the length of the value, the value. Nobody outside sees this form.

use pdata::{ValueKind, ValueView};

const TEXT: u8 = 0;
const FLAG: u8 = 1;
const INT: u8 = 2;
const DOUBLE: u8 = 3;
const BYTES: u8 = 4;

/// The value of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LabelValue<'a> {
    /// Text.
    Text(&'a str),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// Appends a label.
pub(crate) fn put(labels: &mut Vec<u8>, key: &str, value: LabelValue<'_>) {
    match value {
        LabelValue::Text(text) => put_raw(labels, TEXT, key, text.as_bytes()),
        LabelValue::Flag(flag) => put_raw(labels, FLAG, key, &[u8::from(flag)]),
        LabelValue::Int(number) => put_raw(labels, INT, key, &number.to_le_bytes()),
        LabelValue::Double(number) => put_raw(labels, DOUBLE, key, &number.to_bits().to_le_bytes()),
        LabelValue::Bytes(bytes) => put_raw(labels, BYTES, key, bytes),
    }
}

/// Appends a label that is text.
pub(crate) fn put_text(labels: &mut Vec<u8>, key: &str, text: &str) {
    put_raw(labels, TEXT, key, text.as_bytes());
}

/// Appends a label made of an attribute. Lists and maps become their JSON.
pub(crate) fn put_value(labels: &mut Vec<u8>, key: &str, value: ValueView<'_>) {
    match value.kind() {
        ValueKind::Str(text) => put_text(labels, key, text),
        ValueKind::Bool(flag) => put(labels, key, LabelValue::Flag(flag)),
        ValueKind::Int(number) => put(labels, key, LabelValue::Int(number)),
        ValueKind::Double(number) => put(labels, key, LabelValue::Double(number)),
        ValueKind::Bytes(bytes) => put(labels, key, LabelValue::Bytes(bytes)),
        ValueKind::Empty | ValueKind::Array(_) | ValueKind::Map(_) => {
            put_text(labels, key, &value.as_display_string());
        }
    }
}

fn put_raw(labels: &mut Vec<u8>, tag: u8, key: &str, value: &[u8]) {
    labels.push(tag);
    put_length(labels, key.len());
    labels.extend_from_slice(key.as_bytes());
    put_length(labels, value.len());
    labels.extend_from_slice(value);
}

/// Seven bits a byte: nearly all lengths have one.
fn put_length(labels: &mut Vec<u8>, mut length: usize) {
    while length > 0x7f {
        labels.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    labels.push((length & 0x7f) as u8);
}

/// Reads labels back.
pub(crate) fn read(labels: &[u8]) -> Labels<'_> {
    Labels { rest: labels }
}

/// Labels in the order in which they were put.
#[derive(Debug, Clone)]
pub(crate) struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Labels<'a> {
    fn length(&mut self) -> Option<usize> {
        let mut length = 0usize;
        for shift in (0..usize::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            length |= usize::from(byte & 0x7f) << shift;
            if *byte <= 0x7f {
                return Some(length);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = (&'a str, LabelValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        let key = std::str::from_utf8(self.bytes()?).ok()?;
        let bytes = self.bytes()?;
        let value = match *tag {
            TEXT => LabelValue::Text(std::str::from_utf8(bytes).ok()?),
            FLAG => LabelValue::Flag(bytes != [0]),
            INT => LabelValue::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
            DOUBLE => LabelValue::Double(f64::from_bits(u64::from_le_bytes(bytes.try_into().ok()?))),
            _ => LabelValue::Bytes(bytes),
        };
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_they_were_put() {
        let long = "x".repeat(300);
        let put_in = [
            ("client", LabelValue::Text("front")),
            ("failed", LabelValue::Flag(true)),
            ("code", LabelValue::Int(-5)),
            ("ratio", LabelValue::Double(0.5)),
            ("id", LabelValue::Bytes(&[0, 255])),
            ("long", LabelValue::Text(&long)),
            ("", LabelValue::Text("")),
        ];
        let mut labels = Vec::new();

        for (key, value) in put_in {
            put(&mut labels, key, value);
        }

        assert_eq!(read(&labels).collect::<Vec<_>>(), put_in);
    }

    #[test]
    fn the_type_of_a_value_is_part_of_the_identity() {
        let (mut number, mut text) = (Vec::new(), Vec::new());
        put(&mut number, "code", LabelValue::Int(1));
        put_text(&mut text, "code", "1");

        assert_ne!(number, text);
    }
}
