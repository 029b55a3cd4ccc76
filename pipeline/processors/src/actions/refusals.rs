//! Actions that cannot be meant so, and the Collector's sentences for them.

use super::ActionConfig;

/// What is wrong with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NoKey,
    NoKeyNorPattern,
    UnknownAction,
    NoSource,
    SeveralSources,
    /// The fields in quotes that this action has no use for.
    Unused(&'static str),
    BadPattern,
    NoPattern,
    NoNamedGroup,
    UnnamedGroup,
    NoType,
    UnknownType,
}

impl Fault {
    pub(crate) fn sentence(self, config: &ActionConfig, index: usize) -> String {
        const CREATING: &str = "error creating AttrProc";
        let (key, action) = (&config.key, config.action.to_lowercase());
        let what = match self {
            Self::NoKey => {
                return format!("{CREATING} due to missing required field \"key\" at the {index}-th action");
            }
            Self::NoKeyNorPattern => {
                return format!(
                    "{CREATING} due to missing required field (at least one of \"key\" and \"pattern\" have to be used) at the {index}-th action"
                );
            }
            Self::UnknownAction => format!(" due to unsupported action {action:?}"),
            Self::NoSource => {
                ". Either field \"value\", \"from_attribute\", \"from_context\", or \"default_value\" must be specified"
                    .into()
            }
            Self::SeveralSources => " due to multiple value sources being set".into(),
            Self::Unused(fields) => format!(". Action \"{action}\" does not use {fields} must not be specified"),
            Self::BadPattern => format!(". Field \"pattern\" has invalid pattern: \"{}\"", config.pattern),
            Self::NoPattern => format!(" due to missing required field \"pattern\" for action \"{action}\""),
            Self::NoNamedGroup => ". Field \"pattern\" contains no named matcher groups".into(),
            Self::UnnamedGroup => ". Field \"pattern\" contains at least one unnamed matcher group".into(),
            Self::NoType => format!(" due to missing required field \"converted_type\" for action \"{action}\""),
            Self::UnknownType => format!(
                " due to invalid value \"{}\" in field \"converted_type\" for action \"{action}\"",
                config.converted_type
            ),
        };
        format!("error with key {key:?} ({index}-th action): {CREATING}{what}")
    }
}

const NO_PATTERN: Fault = Fault::Unused("the \"pattern\" field. This");
const NO_TYPE: Fault = Fault::Unused("the \"converted_type\" field. This");

/// The fault, if the rule is broken.
fn rule(broken: bool, fault: Fault) -> Result<(), Fault> {
    if broken { Err(fault) } else { Ok(()) }
}

fn has_value(config: &ActionConfig) -> bool {
    !config.value.is_null()
}

fn has_source(config: &ActionConfig) -> bool {
    has_value(config) || !config.from_attribute.is_empty()
}

/// `insert`, `update`, `upsert`.
pub(crate) fn of_setting(config: &ActionConfig) -> Result<(), Fault> {
    rule(!has_source(config) && config.default_value.is_null(), Fault::NoSource)?;
    rule(has_value(config) && !config.from_attribute.is_empty(), Fault::SeveralSources)?;
    rule(!config.pattern.is_empty(), NO_PATTERN)?;
    rule(!config.converted_type.is_empty(), NO_TYPE)
}

/// `delete`, `hash`.
pub(crate) fn of_removal(config: &ActionConfig) -> Result<(), Fault> {
    rule(has_source(config), Fault::Unused("\"value\" or \"from_attribute\" field. These"))?;
    rule(!config.converted_type.is_empty(), NO_TYPE)
}

/// `extract`.
pub(crate) fn of_extraction(config: &ActionConfig) -> Result<(), Fault> {
    rule(has_source(config), Fault::Unused("a value source field. These"))?;
    rule(config.pattern.is_empty(), Fault::NoPattern)?;
    rule(!config.converted_type.is_empty(), NO_TYPE)
}

/// `convert`.
pub(crate) fn of_conversion(config: &ActionConfig) -> Result<(), Fault> {
    let is_loaded = has_source(config) || !config.pattern.is_empty();
    rule(is_loaded, Fault::Unused("value sources or \"pattern\" field. These"))?;
    rule(config.converted_type.is_empty(), Fault::NoType)
}
