//! Sections: mappings with known keys, and the rules that hold between them.

use std::collections::HashSet;

use super::{Decode, DecodeContext};
use crate::document::KeyDoc;
use crate::node::{Entry, Map, Mark, Node, Value};
use crate::problems::{Problems, Severity, did_you_mean};

/// A mapping with known keys; `#[derive(Config)]` writes it.
pub trait Section: Decode + Default + Validate {
    /// Reads the keys that belong to this section over the values in `self`.
    fn decode_fields(self, fields: &mut Fields<'_>, context: &mut DecodeContext<'_>) -> Option<Self>;

    /// The keys with the values in `self` as their defaults.
    fn key_docs(&self) -> Vec<KeyDoc>;

    /// Runs the rules of the sections inside; those of this section are [`Validate::validate`].
    fn validate_fields(&self, node: Option<&Node>, check: &mut Check<'_, '_>);

    /// The keys with their defaults and documentation.
    fn keys() -> Vec<KeyDoc> {
        Self::default().key_docs()
    }
}

/// Rules that types cannot say. `#[config(no_rules)]` writes an empty one.
pub trait Validate {
    /// Reports what is wrong.
    fn validate(&self, check: &mut Check<'_, '_>);
}

/// Decodes the settings of a component and runs its rules. `path` is `exporters::debug` or the like.
///
/// `None` means that there were errors; all of them are in `problems`.
pub fn decode_component<T: Section>(node: &Node, path: &str, mark: Mark, problems: &mut Problems) -> Option<T> {
    let errors_before = problems.error_count();
    let decoded = if node.is_null() {
        Some(T::default())
    } else if node.as_map().is_none() {
        let message =
            format!("{path}: expected type 'map[string]interface {{}}', got unconvertible type '{}'", node.go_type());
        problems.error(node.mark, message);
        None
    } else {
        decode_section(T::default(), node, &mut DecodeContext::new(problems, path))
    };
    let decoded = decoded.filter(|_| problems.error_count() == errors_before)?;
    decoded.validate_inside(Some(node), &mut Check::new(problems, path, Some(node), mark));
    (problems.error_count() == errors_before).then_some(decoded)
}

/// Decodes a mapping over `base`. Its rules run when its component is complete.
pub fn decode_section<T: Section>(base: T, node: &Node, context: &mut DecodeContext<'_>) -> Option<T> {
    let Value::Map(map) = &node.value else {
        context.not_a_map(node);
        return None;
    };
    let mut fields = Fields::of(map);
    let decoded = base.decode_fields(&mut fields, context);
    fields.refuse_the_rest(context);
    decoded
}

/// The keys of a mapping while they are taken one by one; what nobody takes is unknown.
pub struct Fields<'n> {
    map: &'n Map,
    taken: HashSet<&'n str>,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    pub(crate) fn of(map: &'n Map) -> Self {
        Self { map, taken: HashSet::new(), known: Vec::new() }
    }

    /// Reports the keys that nobody took.
    pub(crate) fn refuse_the_rest(&self, context: &mut DecodeContext<'_>) {
        let path = context.path();
        let prefix = context.owner_prefix();
        self.refuse(&prefix, &path, context.problems);
    }

    /// Reports the keys that nobody took, of a section whose path the context does not know.
    pub(crate) fn refuse_the_rest_of(&self, path: &str, problems: &mut Problems) {
        self.refuse("", path, problems);
    }

    fn refuse(&self, prefix: &str, path: &str, problems: &mut Problems) {
        for entry in self.map.iter().filter(|entry| !self.taken.contains(entry.key.as_str())) {
            let help = did_you_mean(&entry.key, self.known.iter().copied()).or_else(|| self.list_keys());
            problems.error_with_help(entry.mark, format!("{prefix}'{path}' has invalid keys: {}", entry.key), help);
        }
    }

    /// The keys that there are, unless there are too many to read.
    fn list_keys(&self) -> Option<String> {
        const MOST: usize = 12;
        let readable = (1..=MOST).contains(&self.known.len());
        readable.then(|| format!("keys here: {}", self.known.join(", ")))
    }

    /// Takes a key by its name.
    pub fn take(&mut self, name: &'static str) -> Option<&'n Entry> {
        self.known.push(name);
        self.take_quietly(name)
    }

    fn take_quietly(&mut self, name: &str) -> Option<&'n Entry> {
        let entry = self.map.entry(name)?;
        self.taken.insert(&entry.key);
        Some(entry)
    }

    /// Reads a key over its default.
    pub fn read<T: Decode>(&mut self, base: T, name: &'static str, context: &mut DecodeContext<'_>) -> Option<T> {
        match self.take(name) {
            Some(entry) => read_entry(base, entry, context),
            None => Some(base),
        }
    }

    /// Reads a key that has an older name too.
    pub fn read_renamed<T: Decode>(
        &mut self,
        base: T,
        name: &'static str,
        old: &'static str,
        advice: &str,
        context: &mut DecodeContext<'_>,
    ) -> Option<T> {
        let entry = self.take(name);
        let Some(old_entry) = self.take_quietly(old) else {
            return match entry {
                Some(entry) => read_entry(base, entry, context),
                None => Some(base),
            };
        };
        context.inside(old, |context| {
            context.warn(old_entry.mark, "is deprecated", Some(advice.to_owned()));
            if entry.is_some() {
                context.error_with_help(old_entry.mark, format_args!("and '{name}' are the same key"), None);
            }
        });
        read_entry(base, entry.unwrap_or(old_entry), context)
    }

    /// Warns when a deprecated key is used.
    pub fn deprecated(&mut self, name: &'static str, advice: &str, context: &mut DecodeContext<'_>) {
        if let Some(entry) = self.map.entry(name) {
            context.inside(name, |context| context.warn(entry.mark, "is deprecated", Some(advice.to_owned())));
        }
    }

    /// Refuses keys that the Collector has and Tidewatch has not.
    pub fn unsupported(&mut self, names: &[&'static str], context: &mut DecodeContext<'_>) {
        for name in names {
            if let Some(entry) = self.take_quietly(name) {
                context.inside(name, |context| context.error_with_help(entry.mark, "is not supported yet", None));
            }
        }
    }
}

fn read_entry<T: Decode>(base: T, entry: &Entry, context: &mut DecodeContext<'_>) -> Option<T> {
    if entry.value.is_null() {
        return Some(base.decode_null(&entry.value));
    }
    context.inside(&entry.key, |context| base.decode_over(&entry.value, context))
}

/// Where rules report: knows the path of its section and where each key stands.
pub struct Check<'p, 'n> {
    problems: &'p mut Problems,
    path: String,
    node: Option<&'n Node>,
    mark: Mark,
}

impl<'p, 'n> Check<'p, 'n> {
    /// Rules of a section at `path`, whose own key stands at `mark`.
    pub fn new(problems: &'p mut Problems, path: impl Into<String>, node: Option<&'n Node>, mark: Mark) -> Self {
        Self { problems, path: path.into(), node, mark }
    }

    /// Reports an error at `key` (or at the section when the key is absent) unless `holds`.
    pub fn require(&mut self, holds: bool, key: &str, message: impl Into<String>) {
        if !holds {
            self.error(key, message);
        }
    }

    /// Reports an error at `key`, or at the section when the key is absent or empty.
    pub fn error(&mut self, key: &str, message: impl Into<String>) {
        self.report(Severity::Error, key, message.into(), None);
    }

    /// Reports an error with a remedy.
    pub fn error_with_help(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.report(Severity::Error, key, message.into(), Some(help.into()));
    }

    /// Reports a warning with a remedy.
    pub fn warn(&mut self, key: &str, message: impl Into<String>, help: Option<String>) {
        self.report(Severity::Warning, key, message.into(), help);
    }

    fn report(&mut self, severity: Severity, key: &str, message: String, help: Option<String>) {
        let message = if self.path.is_empty() { message } else { format!("{}: {message}", self.path) };
        let mark = self.mark_of(key);
        self.problems.add(severity, mark, message, help);
    }

    /// Whether the key is written in the file.
    pub fn is_set(&self, key: &str) -> bool {
        self.node.is_some_and(|node| node.get(key).is_some())
    }

    fn mark_of(&self, key: &str) -> Mark {
        let entry = self.node.and_then(Node::as_map).and_then(|map| map.entry(key));
        entry.map_or(self.mark, |entry| entry.mark)
    }

    /// Works on the section behind a key.
    pub fn inside<T>(&mut self, key: &str, work: impl FnOnce(Option<&Node>, &mut Check<'_, '_>) -> T) -> T {
        let mark = self.mark_of(key);
        let node = self.node.and_then(|node| node.get(key));
        let mut check = Check { path: self.join(key), problems: &mut *self.problems, node, mark };
        work(node, &mut check)
    }

    /// Works on an item of a list or map that stands at this place.
    pub(crate) fn at_item<T>(
        &mut self,
        name: &str,
        node: Option<&Node>,
        work: impl FnOnce(&mut Check<'_, '_>) -> T,
    ) -> T {
        let mark = node.map_or(self.mark, |node| node.mark);
        work(&mut Check { path: self.join(name), problems: &mut *self.problems, node, mark })
    }

    /// Works under another name at the same place: Go's path has the name of an embedded struct (`clientconfig`).
    pub fn under<T>(&mut self, name: &str, work: impl FnOnce(&mut Check<'_, '_>) -> T) -> T {
        work(&mut Check { path: self.join(name), problems: &mut *self.problems, node: self.node, mark: self.mark })
    }

    fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}::{name}", self.path) }
    }
}
