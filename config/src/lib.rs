//! Reads configuration as the OpenTelemetry Collector does, and explains better what is wrong with it.
//!
//! In this room: YAML with positions, sources and merging, `${...}` expansion, typed decoding and its documentation,
//! the shape of the whole file, problems with place and remedy.
//! Not here: any component, which types exist and how they are spelled (`engine`), the command line (`tidewatch`).
//!
//! Enter at [`load`], then [`decode_component`] for each component with settings that derive [`Config`](macro@Config).
//!
//! ```
//! use config::{Check, Config, GoDuration, Request, Validate, decode_component, load};
//!
//! /// `memory_limiter`: refuses data before memory runs out.
//! #[derive(Debug, Config)]
//! struct MemoryLimiter {
//!     /// How often memory is measured.
//!     check_interval: GoDuration,
//!     /// Most memory that the process may use, in MiB.
//!     #[config(default = 512)]
//!     limit_mib: u32,
//! }
//!
//! impl Validate for MemoryLimiter {
//!     fn validate(&self, check: &mut Check<'_, '_>) {
//!         let measured = !self.check_interval.is_zero();
//!         check.require(measured, "check_interval", "'check_interval' must be greater than zero");
//!     }
//! }
//!
//! let uris = ["yaml:processors: {memory_limiter: {limit_mib: '${env:LIMIT}', chek_interval: 1s}}".to_owned()];
//! let environment = |name: &str| (name == "LIMIT").then(|| "100".to_owned());
//! let request = Request { uris: &uris, sets: &[], gates: &[], environment: &environment };
//! let mut loaded = load(&request).map_err(|problems| problems.render()).unwrap();
//!
//! let declared = &loaded.processors[0];
//! let path = format!("processors::{}", declared.id);
//! let decoded: Option<MemoryLimiter> = decode_component(&declared.node, &path, declared.mark, &mut loaded.problems);
//!
//! assert!(decoded.is_none());
//! let text = loaded.problems.render();
//! assert!(text.contains("error: processors::memory_limiter: '' has invalid keys: chek_interval\n"));
//! assert!(text.contains("help: did you mean `check_interval`?\n"));
//! ```
#![forbid(unsafe_code)]

// `#[derive(Config)]` names this crate by its name, in this crate too.
extern crate self as config;

mod decode;
mod document;
mod expand;
mod file;
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
pub use file::{decode_file, read_tree};
pub use gates::{ALLOW_NO_PIPELINES, Gates, MERGE_APPEND, PROFILES};
pub use id::{ComponentId, Declared, IdError, PipelineId, Reference, Signal};
pub use node::{Entry, Map, Mark, Node, SourceId, Style, Value};
pub use print::{print_json, print_yaml};
pub use problems::{Problem, Problems, Severity, did_you_mean};
pub use source::{Environment, Request};
pub use top::{Loaded, Pipeline, Service, Shards, load};
