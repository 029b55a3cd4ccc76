//! From [`Node`] to typed settings: every problem is reported, none stops the others.
//!
//! In this room: the traits that `#[derive(Config)]` implements, and the types that settings are made of.
//! Not here: reading YAML (`yaml`), what a component does with its settings.
//!
//! Enter at [`decode_component`].

mod choice;
mod collection;
mod duration;
mod scalar;
mod section;
mod size;
mod toggle;

pub use choice::decode_choice;
pub use collection::Pairs;
pub use duration::{DurationError, GoDuration};
pub use scalar::Secret;
pub use section::{Check, Fields, Section, Validate, decode_component, decode_section};
pub use size::{ByteSize, SizeError};
pub use toggle::Toggle;

use crate::document::KeyDoc;
use crate::node::{Mark, Node};
use crate::problems::Problems;

/// A type that a setting can have.
///
/// Write it by hand for values with a syntax of their own, for instance a range of ports.
pub trait Decode: Sized {
    /// The name of the type, as Go has it where the Collector's sentences show it.
    const TYPE_NAME: &'static str;

    /// The type as documentation shows it.
    fn type_doc() -> String {
        Self::TYPE_NAME.to_owned()
    }

    /// Whether the value must never be printed.
    const SECRET: bool = false;

    /// Reads a value that is not null. `None` means that the problem has been reported.
    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self>;

    /// Reads over a value that has its defaults already; sections keep what is not written.
    fn decode_over(self, node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        drop(self);
        Self::decode(node, context)
    }

    /// What null means: by default nothing, the key is as if it were absent.
    fn decode_null(self, _node: &Node) -> Self {
        self
    }

    /// What null means where there is no default, as an item of a list; `None` when it means nothing.
    fn from_null(_node: &Node) -> Option<Self> {
        None
    }

    /// A list written as one string with commas, for types that allow it.
    fn split_list(_text: &str) -> Option<Vec<Self>> {
        None
    }

    /// The value as it would be written in a file; empty for nothing. Documentation shows it as the default.
    fn show(&self) -> String {
        String::new()
    }

    /// The keys inside, with this value as their default.
    fn child_docs(&self) -> Vec<KeyDoc> {
        Self::type_docs()
    }

    /// The keys inside, with the defaults of the type.
    fn type_docs() -> Vec<KeyDoc> {
        Vec::new()
    }

    /// Runs the rules of the sections inside.
    fn validate_inside(&self, _node: Option<&Node>, _check: &mut Check<'_, '_>) {}
}

/// One step of the way from a component to a value.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where decoding stands, and where it reports.
pub struct DecodeContext<'a> {
    /// Everything found so far.
    pub problems: &'a mut Problems,
    owner: String,
    steps: Vec<Step>,
}

impl<'a> DecodeContext<'a> {
    /// A context for a component (`exporters::debug`), or for something outside of components (``).
    pub fn new(problems: &'a mut Problems, owner: impl Into<String>) -> Self {
        Self { problems, owner: owner.into(), steps: Vec::new() }
    }

    /// Works on what stands behind a key.
    pub fn inside<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.step(Step::Key(key.to_owned()), work)
    }

    /// Works on an item of a list.
    pub fn at_index<T>(&mut self, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.step(Step::Index(index), work)
    }

    fn step<T>(&mut self, step: Step, work: impl FnOnce(&mut Self) -> T) -> T {
        self.steps.push(step);
        let done = work(self);
        self.steps.pop();
        done
    }

    /// Reports `'key' <sentence>` at a value, with the path of its section in front.
    pub fn error(&mut self, node: &Node, sentence: impl std::fmt::Display) {
        self.error_with_help(node.mark, sentence, None);
    }

    /// Reports `'key' <sentence>` with a remedy.
    pub fn error_with_help(&mut self, mark: Mark, sentence: impl std::fmt::Display, help: Option<String>) {
        let message = format!("{}'{}' {sentence}", self.section_prefix(), self.key());
        self.problems.error_with_help(mark, message, help);
    }

    /// Reports `'key' <sentence>` as a warning.
    pub fn warn(&mut self, mark: Mark, sentence: impl std::fmt::Display, help: Option<String>) {
        let message = format!("{}'{}' {sentence}", self.section_prefix(), self.key());
        self.problems.warn(mark, message, help);
    }

    /// Reports that the value has another type than the key wants.
    pub fn wrong_type(&mut self, node: &Node, expected: &str) {
        self.error(node, format_args!("expected type '{expected}', got unconvertible type '{}'", node.go_type()));
    }

    /// Reports that the value should be a mapping.
    pub fn not_a_map(&mut self, node: &Node) {
        self.error(node, format_args!("expected a map or struct, got \"{}\"", node.go_kind()));
    }

    /// Reports that the value should be a list.
    pub fn not_a_list(&mut self, node: &Node) {
        self.error(node, format_args!("source data must be an array or slice, got {}", node.go_kind()));
    }

    /// The innermost key, with the indices behind it: `dimensions[0]`.
    pub fn key(&self) -> String {
        let start = self.last_key();
        dotted(self.steps.get(start..).unwrap_or_default())
    }

    /// The path inside the component, as the Collector writes it: `protocols.grpc`.
    pub fn path(&self) -> String {
        dotted(&self.steps)
    }

    /// `receivers::otlp: `, for problems about a whole section.
    pub(crate) fn owner_prefix(&self) -> String {
        if self.owner.is_empty() { String::new() } else { format!("{}: ", self.owner) }
    }

    /// `receivers::otlp::protocols: `, for problems about a key of it.
    fn section_prefix(&self) -> String {
        let mut path = self.owner.clone();
        for step in self.steps.get(..self.last_key()).unwrap_or_default() {
            if !path.is_empty() {
                path.push_str("::");
            }
            match step {
                Step::Key(key) => path.push_str(key),
                Step::Index(index) => path.push_str(&index.to_string()),
            }
        }
        if path.is_empty() { path } else { path + ": " }
    }

    fn last_key(&self) -> usize {
        self.steps.iter().rposition(|step| matches!(step, Step::Key(_))).unwrap_or(0)
    }
}

fn dotted(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}
