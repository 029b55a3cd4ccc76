//! Values as text, in the form of the Go Collector's `AsString`.
//!
//! Maps and lists are JSON as Go's `encoding/json` writes it: keys sorted, characters of HTML as they are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::attribute::{ValueKind, ValueView};
use crate::json::put_base64;

impl<'a> ValueView<'a> {
    /// The value as a person reads it: strings as they are, bytes in base64, maps and lists as JSON.
    pub fn as_display_string(&self) -> Cow<'a, str> {
        match self.kind() {
            ValueKind::Empty => Cow::Borrowed(""),
            ValueKind::Str(value) => Cow::Borrowed(value),
            ValueKind::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            ValueKind::Int(value) => Cow::Owned(value.to_string()),
            ValueKind::Double(value) if value.is_finite() => Cow::Owned(go_double(value)),
            ValueKind::Double(value) => Cow::Borrowed(not_finite(value)),
            ValueKind::Bytes(value) => Cow::Owned(base64(value)),
            kind @ (ValueKind::Array(_) | ValueKind::Map(_)) => {
                let mut out = String::new();
                // Go has no JSON for infinity, and then gives nothing at all.
                Cow::Owned(if put_json(&mut out, kind).is_some() { out } else { String::new() })
            }
        }
    }
}

fn put_json(out: &mut String, kind: ValueKind<'_>) -> Option<()> {
    match kind {
        ValueKind::Empty => out.push_str("null"),
        ValueKind::Str(value) => put_quoted(out, value),
        ValueKind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        ValueKind::Int(value) => out.push_str(&value.to_string()),
        ValueKind::Double(value) if value.is_finite() => out.push_str(&go_double(value)),
        ValueKind::Double(_) => return None,
        ValueKind::Bytes(value) => put_quoted(out, &base64(value)),
        ValueKind::Array(values) => {
            out.push('[');
            for (index, value) in values.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put_json(out, value.kind())?;
            }
            out.push(']');
        }
        ValueKind::Map(attributes) => {
            let sorted: BTreeMap<&str, ValueView<'_>> = attributes.map(|entry| (entry.key(), entry.value())).collect();
            out.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put_quoted(out, key);
                out.push(':');
                put_json(out, value.kind())?;
            }
            out.push('}');
        }
    }
    Some(())
}

fn put_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn base64(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    put_base64(&mut out, bytes);
    String::from_utf8(out).unwrap_or_default()
}

/// As in JavaScript: plain digits, but an exponent below 1e-6 and from 1e21 on.
fn go_double(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
