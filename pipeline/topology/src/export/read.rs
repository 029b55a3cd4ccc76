//! Exports that come back: offline baselines and comparisons read them.

use super::document::{API_VERSION, Document, KIND, Unfit};
use super::yaml;
use crate::Observed;

/// Why a text is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not YAML (which includes JSON).
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// It is something else.
    #[error(
        "this is no graph export: it says apiVersion `{api_version}`, kind `{kind}` instead of `{API_VERSION}`, \
         `{KIND}`; write one with `graph export -o yaml`"
    )]
    OtherKind {
        /// What it says.
        api_version: String,
        /// What it says.
        kind: String,
    },
    /// A part is missing or of another type.
    #[error("this is no graph export: {0}; write one with `graph export -o yaml`")]
    Shape(String),
    /// An edge or state of an entity that is not listed.
    #[error("the export names entity {0}, which it does not list; it was cut or edited")]
    Stranger(u32),
}

/// Reads what [`window`](super::window) wrote, as JSON or YAML.
pub fn read(text: &str) -> Result<Observed, ReadError> {
    let document: Document = if text.trim_start().starts_with('{') { from_json(text)? } else { from_yaml(text)? };
    document.observed().map_err(|unfit| match unfit {
        Unfit::Kind { api_version, kind } => ReadError::OtherKind { api_version, kind },
        Unfit::Entity(place) => ReadError::Stranger(place),
    })
}

fn from_json(text: &str) -> Result<Document, ReadError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ReadError::Shape(error.to_string()),
        _ => ReadError::Syntax { line: error.line(), column: error.column(), message: error.to_string() },
    })
}

fn from_yaml(text: &str) -> Result<Document, ReadError> {
    let value = yaml::read(text).map_err(|bad| ReadError::Syntax {
        line: bad.line,
        column: bad.column,
        message: bad.message,
    })?;
    serde_json::from_value(value).map_err(|error| ReadError::Shape(error.to_string()))
}
