//! The resolved configuration as text, without its secrets.

use std::fmt::Write as _;

use crate::node::{Node, Value};
use crate::yaml::typed;

const REDACTED: &str = "[REDACTED]";

/// The tree as YAML. `is_secret` is asked with the path of every scalar (`["exporters", "otlp_grpc", "headers", "x"]`,
/// list items by their index); what it calls secret is printed as `[REDACTED]`.
pub fn print_yaml(node: &Node, is_secret: &dyn Fn(&[&str]) -> bool) -> String {
    let mut printer = Printer { out: String::new(), path: Vec::new(), is_secret };
    printer.yaml(node, 0);
    if printer.out.starts_with('\n') {
        printer.out.remove(0);
    }
    printer.out
}

/// The tree as JSON on one line; see [`print_yaml`].
pub fn print_json(node: &Node, is_secret: &dyn Fn(&[&str]) -> bool) -> String {
    let mut printer = Printer { out: String::new(), path: Vec::new(), is_secret };
    printer.json(node);
    printer.out.push('\n');
    printer.out
}

struct Printer<'a> {
    out: String,
    path: Vec<String>,
    is_secret: &'a dyn Fn(&[&str]) -> bool,
}

impl Printer<'_> {
    /// Writes a value after `key:` or `-`; blocks start on a line of their own.
    fn yaml(&mut self, node: &Node, indent: usize) {
        match &node.value {
            Value::Map(map) if map.is_empty() => self.out.push_str(" {}\n"),
            Value::List(items) if items.is_empty() => self.out.push_str(" []\n"),
            Value::Map(map) => {
                self.out.push('\n');
                for entry in map {
                    // Writing to a String cannot fail.
                    let _ = write!(self.out, "{}{}:", "  ".repeat(indent), yaml_text(&entry.key));
                    self.inside(&entry.key, |printer| printer.yaml(&entry.value, indent.saturating_add(1)));
                }
            }
            Value::List(items) => {
                self.out.push('\n');
                for (index, item) in items.iter().enumerate() {
                    let _ = write!(self.out, "{}-", "  ".repeat(indent));
                    self.inside(&index.to_string(), |printer| printer.yaml(item, indent.saturating_add(1)));
                }
            }
            _ => {
                let text = if self.hides(node) { yaml_text(REDACTED) } else { yaml_scalar(node) };
                let _ = writeln!(self.out, " {text}");
            }
        }
    }

    fn json(&mut self, node: &Node) {
        match &node.value {
            Value::Map(map) => {
                self.out.push('{');
                for (index, entry) in map.iter().enumerate() {
                    self.comma(index);
                    self.out.push_str(&quoted(&entry.key));
                    self.out.push(':');
                    self.inside(&entry.key, |printer| printer.json(&entry.value));
                }
                self.out.push('}');
            }
            Value::List(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.comma(index);
                    self.inside(&index.to_string(), |printer| printer.json(item));
                }
                self.out.push(']');
            }
            _ if self.hides(node) => self.out.push_str(&quoted(REDACTED)),
            Value::String(text) => self.out.push_str(&quoted(text)),
            Value::Float(number) if !number.is_finite() => self.out.push_str("null"),
            value => self.out.push_str(&plain_scalar(value)),
        }
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(',');
        }
    }

    fn inside(&mut self, key: &str, work: impl FnOnce(&mut Self)) {
        self.path.push(key.to_owned());
        work(self);
        self.path.pop();
    }

    fn hides(&self, node: &Node) -> bool {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        !node.is_null() && (self.is_secret)(&path)
    }
}

/// A number keeps the text it was written with: a string field may have meant `0123`.
fn yaml_scalar(node: &Node) -> String {
    match (&node.value, &node.text) {
        (Value::Int(_) | Value::Float(_), Some(text)) if typed(text) == node.value => text.clone(),
        (value, _) => plain_scalar(value),
    }
}

fn plain_scalar(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => ".nan".to_owned(),
        Value::Float(number) if number.is_infinite() && *number > 0.0 => ".inf".to_owned(),
        Value::Float(number) if number.is_infinite() => "-.inf".to_owned(),
        Value::Float(number) => format!("{number:?}"),
        Value::String(text) => yaml_text(text),
        Value::Null | Value::List(_) | Value::Map(_) => "null".to_owned(),
    }
}

/// Plain where a reader would get the same string back, quoted elsewhere.
fn yaml_text(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ':' | '$' | ' ' | '(' | ')');
    let plain = matches!(typed(text), Value::String(_))
        && text.chars().all(safe)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '$'))
        && !text.contains(": ")
        && !text.ends_with([':', ' ']);
    if plain { text.to_owned() } else { quoted(text) }
}

/// A JSON string, which is also a YAML string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
