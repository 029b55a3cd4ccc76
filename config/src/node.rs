//! The tree that every source is read into: values that remember where they were written.

use std::collections::HashMap;
use std::fmt;

/// Which text a [`Mark`] points into; an index into the sources kept by [`Problems`](crate::Problems).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u32);

/// A place in a source: line and column count from one. Line zero means "nowhere in particular".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The text that is meant.
    pub source: SourceId,
    /// The line, from one.
    pub line: u32,
    /// The column in characters, from one.
    pub column: u32,
}

impl Mark {
    /// A mark for problems that belong to no line, such as a missing file.
    pub const NOWHERE: Mark = Mark { source: SourceId(u32::MAX), line: 0, column: 0 };

    /// Whether this mark points at a line.
    pub fn is_somewhere(&self) -> bool {
        self.line > 0
    }
}

/// How a scalar came to be; it decides whether a string field may use its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Written without quotes: the YAML core schema gives it a type.
    Plain,
    /// Written with quotes, as a block, or tagged as a string.
    Quoted,
    /// The whole value was one `${...}`: the text is kept beside the typed value.
    Expanded,
}

/// A typed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any integer that fits 64 bits, signed or not.
    Int(i128),
    /// A number with fraction or exponent.
    Float(f64),
    /// Everything else that is a scalar.
    String(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping with string keys.
    Map(Map),
}

/// A value, where it was written, and its text if it is a scalar (or came from an expansion).
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it starts.
    pub mark: Mark,
    /// The text as written.
    pub text: Option<String>,
    /// How the text was written.
    pub style: Style,
}

/// A null that is written nowhere.
impl Default for Node {
    fn default() -> Self {
        Self::null(Mark::NOWHERE)
    }
}

/// One `key: value` of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub mark: Mark,
    /// Its value.
    pub value: Node,
}

/// A mapping that keeps the order of its source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map {
    entries: Vec<Entry>,
    /// Where each key is among the entries: hostile files have many keys.
    places: HashMap<String, usize>,
}

impl Map {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, with the mark of the key itself.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(*self.places.get(key)?)
    }

    /// The entry of `key` for changing its value; its key stays.
    pub(crate) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.get_mut(*self.places.get(key)?)
    }

    /// All entries in the order of the source.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry; the caller knows that the key is new.
    pub fn push(&mut self, entry: Entry) {
        self.places.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
    }
}

impl IntoIterator for Map {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Node {
    /// A value without text of its own.
    pub fn new(value: Value, mark: Mark) -> Self {
        Self { value, mark, text: None, style: Style::Plain }
    }

    /// A null at `mark`.
    pub fn null(mark: Mark) -> Self {
        Self::new(Value::Null, mark)
    }

    /// A quoted string.
    pub fn string(text: impl Into<String>, mark: Mark) -> Self {
        let text = text.into();
        Self { value: Value::String(text.clone()), mark, text: Some(text), style: Style::Quoted }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text for a string field: a string, or the raw text of a whole-scalar expansion.
    pub fn as_str(&self) -> Option<&str> {
        match (&self.value, self.style) {
            (Value::String(text), _) => Some(text),
            (_, Style::Expanded) => self.text.as_deref(),
            _ => None,
        }
    }

    /// Any scalar but null as text: `1`, `true`, `x`.
    pub fn scalar_text(&self) -> Option<String> {
        match (&self.value, &self.text) {
            (Value::String(text), _) => Some(text.clone()),
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), Some(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The name that Go has for the type of this value, as in the Collector's error sentences.
    pub fn go_type(&self) -> &'static str {
        match self.value {
            Value::Null => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::List(_) => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
        }
    }

    /// The kind (Go's word for the outer shape of a type) of this value.
    pub fn go_kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nil",
            Value::List(_) => "slice",
            Value::Map(_) => "map",
            _ => self.go_type(),
        }
    }

    /// Changes every scalar of the tree.
    pub(crate) fn for_each_scalar(&mut self, change: &mut impl FnMut(&mut Node)) {
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.for_each_scalar(change)),
            Value::Map(map) => map.entries.iter_mut().for_each(|entry| entry.value.for_each_scalar(change)),
            _ => change(self),
        }
    }

    /// Puts the mark on this value and on everything inside it.
    pub(crate) fn moved_to(mut self, mark: Mark) -> Self {
        self.mark = mark;
        match &mut self.value {
            Value::List(items) => {
                for item in items {
                    *item = std::mem::replace(item, Node::null(mark)).moved_to(mark);
                }
            }
            Value::Map(map) => {
                for entry in &mut map.entries {
                    entry.mark = mark;
                    entry.value = std::mem::replace(&mut entry.value, Node::null(mark)).moved_to(mark);
                }
            }
            _ => {}
        }
        self
    }
}

/// Prints the value only: a tree with all its marks is unreadable, and tests compare values.
impl fmt::Debug for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => out.write_str("null"),
            Value::Bool(value) => value.fmt(out),
            Value::Int(value) => value.fmt(out),
            Value::Float(value) => value.fmt(out),
            Value::String(value) => value.fmt(out),
            Value::List(items) => out.debug_list().entries(items).finish(),
            Value::Map(map) => out.debug_map().entries(map.iter().map(|entry| (&entry.key, &entry.value))).finish(),
        }
    }
}
