//! YAML of a JSON value, and back. Only what our exports need: no anchors, no tags, one document.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Deepest nesting that is read.
const DEPTH: usize = 32;

/// Why a text is not YAML that we read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadYaml {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block_map(&mut out, map, 0),
        other => flow(&mut out, other),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Keys one below the other; `indent` spaces stand before all but the first.
fn block_map(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (place, (key, value)) in map.iter().enumerate() {
        if place > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&text(key));
        out.push(':');
        match value {
            Value::Object(inner) if is_deep(value) => {
                out.push('\n');
                out.push_str(&" ".repeat(indent.saturating_add(2)));
                block_map(out, inner, indent.saturating_add(2));
            }
            Value::Array(items) if is_deep(value) => {
                out.push('\n');
                block_list(out, items, indent.saturating_add(2));
            }
            short => {
                out.push(' ');
                flow(out, short);
                out.push('\n');
            }
        }
    }
}

fn block_list(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        out.push_str(&" ".repeat(indent));
        out.push_str("- ");
        match item {
            Value::Object(map) if is_deep(item) => block_map(out, map, indent.saturating_add(2)),
            short => {
                flow(out, short);
                out.push('\n');
            }
        }
    }
}

/// True for what does not read well on one line: collections of objects.
fn is_deep(value: &Value) -> bool {
    let holds_some = |value: &Value| match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    };
    match value {
        Value::Object(map) => map.values().any(holds_some),
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    }
}

fn flow(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(words) => out.push_str(&text(words)),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                flow(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (place, (key, value)) in map.iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                out.push_str(&text(key));
                out.push_str(": ");
                flow(out, value);
            }
            out.push('}');
        }
    }
}

/// Words that a reader of YAML 1.1 or 1.2 takes for something else.
const TAKEN: [&str; 12] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];

/// Plain where every reader gets the same string back, else in double quotes with everything odd escaped.
fn text(words: &str) -> String {
    let plain = words.starts_with(|c: char| c.is_ascii_alphabetic())
        && words.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && !TAKEN.contains(&words.to_ascii_lowercase().as_str());
    if plain {
        return words.to_owned();
    }
    let mut out = String::from("\"");
    for c in words.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() => out.push(c),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Reads the one document of a text. An alias could make a small file a huge value, so there are none.
pub(super) fn read(text: &str) -> Result<Value, BadYaml> {
    let mut open: Vec<Open> = vec![];
    let mut root = None;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| BadYaml {
            line: error.marker().line(),
            column: error.marker().col().saturating_add(1),
            message: error.info().to_owned(),
        })?;
        let at = |message: &str| BadYaml {
            line: span.start.line(),
            column: span.start.col().saturating_add(1),
            message: message.to_owned(),
        };
        let value = match event {
            Event::DocumentStart(_) if documents > 0 => return Err(at("an export is one document")),
            Event::DocumentStart(_) => {
                documents = 1;
                continue;
            }
            Event::Alias(_) => return Err(at("an export has no aliases")),
            Event::SequenceStart(..) => {
                open.push(Open::List(vec![]));
                if open.len() > DEPTH { Err(at("nested too deep"))? } else { continue }
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                if open.len() > DEPTH { Err(at("nested too deep"))? } else { continue }
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Value::Array(items),
                Some(Open::Map(map, _)) => Value::Object(map),
                None => continue,
            },
            Event::Scalar(words, ScalarStyle::Plain, ..) => match open.last() {
                Some(Open::Map(_, None)) => Value::String(words.into_owned()),
                _ => plain(&words),
            },
            Event::Scalar(words, ..) => Value::String(words.into_owned()),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
        };
        match open.last_mut() {
            None => root = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(map, key)) => match (key.take(), value) {
                (None, Value::String(name)) => *key = Some(name),
                (None, _) => return Err(at("a key must be a string")),
                (Some(name), value) => {
                    if map.insert(name, value).is_some() {
                        return Err(at("a key stands twice"));
                    }
                }
            },
        }
    }
    Ok(root.unwrap_or(Value::Null))
}

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

fn plain(words: &str) -> Value {
    let float = || words.parse::<f64>().ok().filter(|_| words.contains(|c: char| c.is_ascii_digit()));
    match words {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => {
            let whole = words.parse::<u64>().map(Number::from).or_else(|_| words.parse::<i64>().map(Number::from));
            let number = whole.ok().or_else(|| Number::from_f64(float()?));
            number.map_or_else(|| Value::String(words.to_owned()), Value::Number)
        }
    }
}
