//! The keys of one action.

use config::{Config, Node};

/// One thing to do with the attributes.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules, unsupported("from_context"))]
pub struct ActionConfig {
    /// The attribute that is meant. `delete` and `hash` can do with `pattern` alone.
    pub key: String,
    /// `insert`, `update`, `upsert`, `delete`, `hash`, `extract` or `convert`, in any case.
    pub action: String,
    /// What to set: a string, number, boolean, list or map.
    pub value: Node,
    /// The attribute whose value is to be set.
    pub from_attribute: String,
    /// What to set when `from_attribute` is not there.
    pub default_value: Node,
    /// A regular expression: which keys to delete or hash; for `extract`, with the names of new attributes as names of its groups.
    pub pattern: String,
    /// `int`, `double` or `string`, for `convert`.
    pub converted_type: String,
}
