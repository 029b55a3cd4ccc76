//! Reads configuration as the OpenTelemetry Collector does, and explains better what is wrong with it.
//!
//! In this room: YAML with positions, sources and merging, `${...}` expansion, typed decoding and its documentation,
//! the shape of the whole file, problems with place and remedy.
//! Not here: any component, which types exist and how they are spelled (`engine`), the command line (`tidewatch`).
//!
//! Enter at [`load`], then [`decode_component`] for each component with settings that derive [`Config`](macro@Config).
#![forbid(unsafe_code)]

// `#[derive(Config)]` names this crate by its name, in this crate too.
extern crate self as config;

mod decode;
mod document;
mod expand;
mod gates;
mod id;
mod merge;
mod node;
mod print;
mod problems;
mod source;
pub mod telemetry;
mod top;
mod yaml;

pub use config_derive::Config;
pub use decode::{
    ByteSize, Check, Decode, DecodeContext, DurationError, Fields, GoDuration, Pairs, Secret, Section, SizeError,
    Toggle, Validate, decode_choice, decode_component, decode_section,
};
pub use document::{KeyDoc, assert_readme_table, is_secret, markdown_table};
pub use gates::{ALLOW_NO_PIPELINES, Gates, MERGE_APPEND, PROFILES};
pub use id::{ComponentId, Declared, IdError, PipelineId, Reference, Signal};
pub use node::{Entry, Map, Mark, Node, SourceId, Style, Value};
pub use print::{print_json, print_yaml};
pub use problems::{Problem, Problems, Severity, did_you_mean};
pub use source::{Environment, Request};
pub use top::{Loaded, Pipeline, Service, Shards, load};
