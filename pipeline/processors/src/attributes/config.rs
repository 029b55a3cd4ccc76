//! The keys of `attributes`.

use config::{Check, Config, Node, Validate};

use crate::actions::ActionConfig;

/// `attributes`: adds, changes and removes attributes of spans, data points and log records.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct AttributesConfig {
    /// What to do, in this order. Required.
    pub actions: Vec<ActionConfig>,
    /// Only what matches all of this is touched.
    pub include: Option<MatchConfig>,
    /// What matches all of this is left alone.
    pub exclude: Option<MatchConfig>,
}

impl Validate for AttributesConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.actions.is_empty(), "actions", "missing required field \"actions\"");
    }
}

/// What must match. Of a list of names one must, of several keys all must.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct MatchConfig {
    /// `strict` (equal) or `regexp` (found in it). Required.
    pub match_type: String,
    /// Accepted for compatibility: matching needs no cache.
    pub regexp: Option<RegexpConfig>,
    /// Values of `service.name`; spans only.
    pub services: Vec<String>,
    /// Names of spans.
    pub span_names: Vec<String>,
    /// Kinds of spans, as `SPAN_KIND_SERVER`.
    pub span_kinds: Vec<String>,
    /// Attributes that must be there; spans and log records.
    pub attributes: Vec<AttributeConfig>,
    /// Resource attributes that must be there. Not looked at for metrics, as in the Collector.
    pub resources: Vec<AttributeConfig>,
    /// Instrumentation scopes; all entries must match. Spans and log records.
    pub libraries: Vec<LibraryConfig>,
    /// Bodies of log records.
    pub log_bodies: Vec<String>,
    /// Severity texts of log records.
    pub log_severity_texts: Vec<String>,
    /// Severity numbers of log records.
    pub log_severity_number: Option<SeverityConfig>,
    /// Names of metrics.
    pub metric_names: Vec<String>,
}

/// The Collector's cache of regular expressions.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct RegexpConfig {
    /// Means nothing here.
    pub cacheenabled: bool,
    /// Means nothing here.
    pub cachemaxnumentries: u32,
}

/// An attribute that must be there.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct AttributeConfig {
    /// Its key. Required.
    pub key: String,
    /// The value that it must have, of the same type; for `regexp` an expression. Any, if left out.
    pub value: Node,
}

/// An instrumentation scope.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct LibraryConfig {
    /// Its name.
    pub name: String,
    /// Its version. Any, if left out.
    pub version: Option<String>,
}

/// Severity numbers.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct SeverityConfig {
    /// The least that matches, 1 to 24.
    pub min: i32,
    /// Whether records without a severity number match.
    pub match_undefined: bool,
}
