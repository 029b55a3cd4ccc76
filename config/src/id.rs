//! Names of components and pipelines: `type[/name]`.

use std::fmt;

use crate::node::{Mark, Node};

const LONGEST_TYPE: usize = 63;
const LONGEST_NAME: usize = 1024;

/// Why a text is no id; the Collector's sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing but blanks.
    #[error("id must not be empty")]
    Empty,
    /// `/name`.
    #[error("in {0:?} id: the part before / should not be empty")]
    NoType(String),
    /// `type/`.
    #[error("in {0:?} id: the part after / should not be empty")]
    NoName(String),
    /// The type is not `^[a-zA-Z][0-9a-zA-Z_]{0,62}$`.
    #[error("in {id:?} id: invalid character(s) in type {kind:?}")]
    BadType {
        /// The whole id.
        id: String,
        /// Its type.
        kind: String,
    },
    /// The name has separators, control characters or symbols.
    #[error("in {id:?} id: invalid character(s) in name {name:?}")]
    BadName {
        /// The whole id.
        id: String,
        /// Its name.
        name: String,
    },
    /// The name is longer than 1024 characters.
    #[error("in {id:?} id: name {name:?} is longer than 1024 characters ({length} characters)")]
    LongName {
        /// The whole id.
        id: String,
        /// Its name.
        name: String,
        /// The characters in it.
        length: usize,
    },
    /// The type of a pipeline is no signal.
    #[error("in {id:?} id: unknown pipeline signal: {signal:?}")]
    UnknownSignal {
        /// The whole id.
        id: String,
        /// What stands where the signal should be.
        signal: String,
    },
}

/// The id of a component: its type and, when there are several, a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    kind: String,
    name: Option<String>,
}

impl ComponentId {
    /// Reads `type[/name]`; blanks around either part do not matter.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (kind, name) = split(text)?;
        if !is_type(kind) {
            return Err(IdError::BadType { id: text.to_owned(), kind: kind.to_owned() });
        }
        Ok(Self { kind: kind.to_owned(), name: name.map(str::to_owned) })
    }

    /// The id of a component that stands in no file. `kind` must be a valid type.
    pub fn of(kind: &str) -> Self {
        debug_assert!(is_type(kind), "{kind:?} is no component type");
        Self { kind: kind.to_owned(), name: None }
    }

    /// The type, as written: aliases are resolved by whoever has the factories.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The part after the slash.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(out, &self.kind, self.name.as_deref())
    }
}

/// What flows through a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metric points.
    Metrics,
    /// Log records.
    Logs,
    /// Profiles; known by name only.
    Profiles,
}

impl Signal {
    /// The name in a pipeline id.
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
            Signal::Profiles => "profiles",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Signal::Traces, Signal::Metrics, Signal::Logs, Signal::Profiles]
            .into_iter()
            .find(|signal| signal.as_str() == text)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The id of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId {
    /// What flows through it.
    pub signal: Signal,
    /// The part after the slash.
    pub name: Option<String>,
}

impl PipelineId {
    /// Reads `signal[/name]`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (signal, name) = split(text)?;
        let known = Signal::parse(signal);
        let signal = known.ok_or_else(|| IdError::UnknownSignal { id: text.to_owned(), signal: signal.to_owned() })?;
        Ok(Self { signal, name: name.map(str::to_owned) })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(out, self.signal.as_str(), self.name.as_deref())
    }
}

/// A component of the configuration: its id, its settings, and where its key stands.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The id, blanks trimmed.
    pub id: ComponentId,
    /// Its settings, not decoded yet.
    pub node: Node,
    /// Where the id stands.
    pub mark: Mark,
}

/// A mention of a component in a list, such as in a pipeline.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The component meant.
    pub id: ComponentId,
    /// Where it is mentioned.
    pub mark: Mark,
}

fn write_id(out: &mut fmt::Formatter<'_>, kind: &str, name: Option<&str>) -> fmt::Result {
    match name {
        Some(name) => write!(out, "{kind}/{name}"),
        None => out.write_str(kind),
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), IdError> {
    let (kind, name) = match text.split_once('/') {
        Some((kind, name)) => (kind.trim(), Some(name.trim())),
        None => (text.trim(), None),
    };
    match (kind, name) {
        ("", None) => Err(IdError::Empty),
        ("", Some(_)) => Err(IdError::NoType(text.to_owned())),
        (_, Some("")) => Err(IdError::NoName(text.to_owned())),
        (_, Some(name)) if name.chars().count() > LONGEST_NAME => {
            let length = name.chars().count();
            Err(IdError::LongName { id: text.to_owned(), name: name.to_owned(), length })
        }
        (_, Some(name)) if !name.chars().all(is_name_character) => {
            Err(IdError::BadName { id: text.to_owned(), name: name.to_owned() })
        }
        _ => Ok((kind, name)),
    }
}

fn is_type(kind: &str) -> bool {
    kind.len() <= LONGEST_TYPE
        && kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Go's `[^\pZ\pC\pS]`. Without Unicode tables: outside ASCII only letters and digits of any script count.
fn is_name_character(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_graphic() && !"$+<=>^`|~".contains(c) } else { c.is_alphanumeric() }
}
