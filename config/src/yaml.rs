//! YAML text to [`Node`]: the types, merge keys and limits of Go's yaml.v3, on the events of `saphyr-parser`.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::node::{Entry, Map, Mark, Node, SourceId, Style, Value};

/// Deepest nesting of a document. Recursion over a tree is bounded by it.
pub(crate) const MAX_DEPTH: usize = 100;
/// Most values of one document, those behind aliases counted each time.
const MAX_NODES: usize = 200_000;

/// Why a text is not YAML.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// Where.
    pub mark: Mark,
    /// The sentence, as yaml.v3 says it where we know it.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A parsed text: the first document, and where a second one starts (yaml.v3 ignores it).
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) second: Option<Mark>,
}

/// Reads the first document of `text`; an empty text is null.
pub(crate) fn parse(text: &str, source: SourceId) -> Result<Document, YamlError> {
    let mut builder = Builder { source, stack: Vec::new(), root: None, anchors: HashMap::new(), nodes: 0 };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scan_error(text, source, &error))?;
        let mark = mark_of(source, &span.start);
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return Ok(Document { root: builder.finish(source), second: Some(mark) });
            }
        }
        builder.take(event, mark)?;
    }
    Ok(Document { root: builder.finish(source), second: None })
}

fn mark_of(source: SourceId, marker: &saphyr_parser::Marker) -> Mark {
    let line = u32::try_from(marker.line()).unwrap_or(u32::MAX).max(1);
    let column = u32::try_from(marker.col()).unwrap_or(u32::MAX).saturating_add(1);
    Mark { source, line, column }
}

/// yaml.v3 has one sentence for a tab where indentation should be; everything else keeps the scanner's own words.
fn scan_error(text: &str, source: SourceId, error: &saphyr_parser::ScanError) -> YamlError {
    let mark = mark_of(source, error.marker());
    let tab = text.lines().zip(1u32..).filter(|(_, line)| line.abs_diff(mark.line) <= 1).find_map(|(content, line)| {
        let indent = content.chars().take_while(|c| c.is_whitespace());
        let column = indent.zip(1u32..).find(|(c, _)| *c == '\t')?.1;
        Some(Mark { source, line, column })
    });
    match tab {
        Some(mark) => YamlError {
            mark,
            message: format!("yaml: line {}: found character that cannot start any token", mark.line),
            help: Some("a tab cannot indent YAML; use spaces".into()),
        },
        None => YamlError { mark, message: format!("yaml: line {}: {}", mark.line, error.info()), help: None },
    }
}

struct Builder {
    source: SourceId,
    stack: Vec<Open>,
    root: Option<Node>,
    /// Finished anchors with the number of values inside.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

/// A collection whose end has not been seen.
struct Open {
    mark: Mark,
    anchor: usize,
    nodes_before: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { map: Map, merges: Vec<Node>, key: Option<(String, Mark, bool)> },
}

impl Builder {
    fn finish(self, source: SourceId) -> Node {
        self.root.unwrap_or_else(|| Node::null(Mark { source, line: 1, column: 1 }))
    }

    fn take(&mut self, event: Event<'_>, mark: Mark) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref(), mark);
                self.count(1, mark)?;
                self.remember(anchor, &node, 1);
                self.place(node)
            }
            Event::SequenceStart(anchor, _) => self.open(Content::List(Vec::new()), anchor, mark),
            Event::MappingStart(anchor, _) => {
                self.open(Content::Map { map: Map::default(), merges: Vec::new(), key: None }, anchor, mark)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.error(mark, "an anchor's value contains itself"));
                };
                self.count(size, mark)?;
                self.place(node)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn open(&mut self, content: Content, anchor: usize, mark: Mark) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.error(mark, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        if let Some(Open { content: Content::Map { key: None, .. }, .. }) = self.stack.last() {
            return Err(self.error(mark, "a mapping key must be a scalar"));
        }
        self.count(1, mark)?;
        self.stack.push(Open { mark, anchor, nodes_before: self.nodes, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map { map, merges, .. } => Value::Map(self.merge_keys(map, merges)?),
        };
        let node = Node::new(value, open.mark);
        let size = self.nodes.saturating_sub(open.nodes_before).saturating_add(1);
        self.remember(open.anchor, &node, size);
        self.place(node)
    }

    fn place(&mut self, node: Node) -> Result<(), YamlError> {
        let source = self.source;
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { map, merges, key } => match key.take() {
                None => *key = Some(key_of(node)?),
                Some((_, _, true)) => merges.push(node),
                Some((name, mark, false)) => {
                    if let Some(first) = map.entry(&name) {
                        let message = format!(
                            "line {}: mapping key {name:?} already defined at line {}",
                            mark.line, first.mark.line
                        );
                        return Err(YamlError { mark: Mark { source, ..mark }, message, help: None });
                    }
                    map.push(Entry { key: name, mark, value: node });
                }
            },
        }
        Ok(())
    }

    /// `<<`: keys of the merged mappings that the mapping does not have itself; earlier ones win.
    fn merge_keys(&self, mut map: Map, merges: Vec<Node>) -> Result<Map, YamlError> {
        for merge in merges {
            let mark = merge.mark;
            let parts = match merge.value {
                Value::Map(part) => vec![part],
                Value::List(items) => items
                    .into_iter()
                    .map(|item| match item.value {
                        Value::Map(part) => Ok(part),
                        _ => Err(self.error(mark, "map merge requires map or sequence of maps as the value")),
                    })
                    .collect::<Result<_, _>>()?,
                _ => return Err(self.error(mark, "map merge requires map or sequence of maps as the value")),
            };
            for entry in parts.into_iter().flatten() {
                if map.entry(&entry.key).is_none() {
                    map.push(entry);
                }
            }
        }
        Ok(map)
    }

    fn remember(&mut self, anchor: usize, node: &Node, size: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn count(&mut self, nodes: usize, mark: Mark) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(self.error(mark, "document contains excessive aliasing or more than 200000 values"));
        }
        Ok(())
    }

    fn error(&self, mark: Mark, message: impl std::fmt::Display) -> YamlError {
        YamlError { mark, message: format!("yaml: line {}: {message}", mark.line), help: None }
    }
}

/// A key's text, its mark, and whether it is the merge key.
fn key_of(node: Node) -> Result<(String, Mark, bool), YamlError> {
    let merge = node.style == Style::Plain && node.text.as_deref() == Some("<<");
    match node.text {
        Some(text) => Ok((text, node.mark, merge)),
        None => Err(YamlError {
            mark: node.mark,
            message: format!("yaml: line {}: a mapping key must be a scalar", node.mark.line),
            help: None,
        }),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, mark: Mark) -> Node {
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    let plain = match tag {
        Some("str" | "binary") => false,
        Some("int" | "float" | "bool" | "null") => true,
        _ => style == ScalarStyle::Plain,
    };
    let value = match (plain, tag) {
        (false, _) => Value::String(text.to_owned()),
        (true, Some("float")) => match typed(text) {
            Value::Int(number) => Value::Float(number as f64),
            other => other,
        },
        (true, _) => typed(text),
    };
    let style = if plain { Style::Plain } else { Style::Quoted };
    Node { value, mark, text: Some(text.to_owned()), style }
}

/// The type that yaml.v3 gives a plain scalar (`resolve.go`); timestamps stay strings.
pub(crate) fn typed(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Value::String(text.to_owned());
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Value::Int(number);
    }
    match digits.parse::<f64>() {
        Ok(number) if is_yaml_float(&digits) => Value::Float(number),
        _ => Value::String(text.to_owned()),
    }
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: prefixes `0x`, `0o`, `0b`, and a bare leading zero is octal.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    let number = if negative { -magnitude } else { magnitude };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number).then_some(number)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`; Rust's own parser also knows `inf` and `nan`.
fn is_yaml_float(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'))
}
