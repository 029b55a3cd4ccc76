//! A graph for other eyes: files to keep and compare, pictures, tables, and the shapes that Grafana and Jaeger read.
//!
//! In this room: JSON and YAML of a whole window, and back; DOT, Mermaid, SVG and CSV of a drawn graph; frames of
//! Grafana's node graph; Jaeger's dependencies. Names come from anywhere, so each format escapes all of them.
//! Not here: what is drawn ([`crate::query`]), where it stands ([`crate::layout`]).
//!
//! Enter at [`window`] and [`read`] for files to keep, at [`picture`] for the rest.

mod csv;
mod document;
mod dot;
mod grafana;
mod jaeger;
mod mermaid;
mod read;
mod svg;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

use std::fmt;
use std::str::FromStr;

pub use self::grafana::{GrafanaFields, GrafanaGraph, fields, grafana};
pub use self::jaeger::{Dependencies, Dependency, dependencies};
pub use self::read::{ReadError, read};
use crate::Observed;
use crate::query::Graph;

/// A format of `graph export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Their own names.
pub enum Format {
    Json,
    Yaml,
    Dot,
    Mermaid,
    Svg,
    Csv,
}

/// Files that [`read`] understands: everything a window shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Their own names.
pub enum File {
    Json,
    Yaml,
}

/// A drawn graph in another format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Their own names.
pub enum Picture {
    Dot,
    Mermaid,
    Svg,
    Csv,
}

const FORMATS: [(Format, &str, &str); 6] = [
    (Format::Json, "json", "application/json"),
    (Format::Yaml, "yaml", "application/yaml"),
    (Format::Dot, "dot", "text/vnd.graphviz"),
    (Format::Mermaid, "mermaid", "text/vnd.mermaid"),
    (Format::Svg, "svg", "image/svg+xml"),
    (Format::Csv, "csv", "text/csv; charset=utf-8"),
];

/// No format has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no format is called `{0}`; there are json, yaml, dot, mermaid, svg and csv")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = FORMATS.iter().find(|(_, name, _)| *name == text).map(|(format, _, _)| *format);
        found.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(FORMATS.iter().find(|(it, _, _)| it == self).map_or("", |(_, name, _)| name))
    }
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        FORMATS.iter().find(|(it, _, _)| *it == self).map_or("text/plain", |(_, _, media)| media)
    }

    /// What it shows: all of a window, or a drawn graph.
    pub fn shows(self) -> Shows {
        match self {
            Self::Json => Shows::Window(File::Json),
            Self::Yaml => Shows::Window(File::Yaml),
            Self::Dot => Shows::Graph(Picture::Dot),
            Self::Mermaid => Shows::Graph(Picture::Mermaid),
            Self::Svg => Shows::Graph(Picture::Svg),
            Self::Csv => Shows::Graph(Picture::Csv),
        }
    }
}

/// What a format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Everything a window shows: [`window`].
    Window(File),
    /// A drawn graph: [`picture`].
    Graph(Picture),
}

/// Everything a window shows, as text that [`read`] reads back.
pub fn window(observed: &Observed, format: File) -> String {
    let document = document::Document::of(observed);
    // A document is strings and numbers; there is nothing in it that could not be written.
    let value = serde_json::to_value(&document).unwrap_or_default();
    match format {
        File::Json => format!("{value:#}\n"),
        File::Yaml => yaml::write(&value),
    }
}

/// A drawn graph as text. For SVG it must have been placed; what was not is an empty picture.
pub fn picture(graph: &Graph, format: Picture) -> String {
    match format {
        Picture::Dot => dot::write(graph),
        Picture::Mermaid => mermaid::write(graph),
        Picture::Svg => svg::write(graph),
        Picture::Csv => csv::write(graph),
    }
}
