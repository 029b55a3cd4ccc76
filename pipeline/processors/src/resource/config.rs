//! The keys of `resource`.

use config::{Check, Config, Validate};

use crate::actions::ActionConfig;

/// `resource`: adds, changes and removes attributes of resources.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct ResourceConfig {
    /// What to do, in this order. Required.
    pub attributes: Vec<ActionConfig>,
}

impl Validate for ResourceConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.attributes.is_empty(), "attributes", "missing required field \"attributes\"");
    }
}
