//! What `resource` and `attributes` do with attributes.
//!
//! In this room: the seven actions, checked and compiled once, and applied to the attributes of one message.
//! Not here: which messages they are applied to (`resource`, `attributes`).
//!
//! Enter at [`Actions::compile`].

mod config;
mod constant;
mod convert;
mod refusals;
#[cfg(test)]
mod tests;

use component::BuildError;
use pdata::AttributesMut;
use regex::Regex;

pub use self::config::ActionConfig;
pub(crate) use constant::Constant;
use convert::{Target, hashed};
use refusals::Fault;

/// Actions to be taken one after the other; a later one sees what an earlier one did.
#[derive(Debug)]
pub(crate) struct Actions(Vec<Action>);

#[derive(Debug)]
enum Action {
    Set {
        key: String,
        source: Source,
        when: When,
    },
    Delete {
        key: Option<String>,
        pattern: Option<Regex>,
    },
    Hash {
        key: Option<String>,
        pattern: Option<Regex>,
    },
    /// The groups of the pattern, from the first, are named after the attributes that they become.
    Extract {
        key: String,
        pattern: Regex,
        names: Vec<String>,
    },
    Convert {
        key: String,
        target: Target,
    },
}

#[derive(Debug, Clone, Copy)]
enum When {
    Absent,
    Present,
    Always,
}

/// Where a value comes from: the configuration, or another attribute and, if that is absent, a default.
#[derive(Debug)]
enum Source {
    Constant(Constant),
    Attribute(String, Option<Constant>),
}

impl Actions {
    /// Checks and prepares actions. The refusal is that of the Collector.
    pub(crate) fn compile(configs: &[ActionConfig]) -> Result<Self, BuildError> {
        let actions = configs
            .iter()
            .enumerate()
            .map(|(index, config)| compile(config).map_err(|fault| BuildError(fault.sentence(config, index))));
        actions.collect::<Result<_, _>>().map(Self)
    }

    /// Does everything to one set of attributes.
    // Per resource for `resource`, per item for `attributes`.
    pub(crate) fn apply(&self, attributes: &mut AttributesMut<'_>) {
        for action in &self.0 {
            action.apply(attributes);
        }
    }
}

impl Action {
    fn apply(&self, attributes: &mut AttributesMut<'_>) {
        match self {
            Self::Set { key, source, when } => source.set(attributes, key, *when),
            Self::Delete { key, pattern } => {
                if let Some(key) = key {
                    attributes.delete(key);
                }
                if let Some(pattern) = pattern {
                    attributes.retain(|attribute| !pattern.is_match(attribute.key()));
                }
            }
            Self::Hash { key, pattern } => {
                let is_meant = |name: &str| {
                    key.as_deref() == Some(name) || pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
                };
                let meant = attributes.iter().filter(|attribute| is_meant(attribute.key()));
                let hashes: Vec<_> =
                    meant.map(|attribute| (attribute.key().to_owned(), hashed(attribute.value()))).collect();
                for (name, hash) in &hashes {
                    attributes.update(name, hash);
                }
            }
            Self::Extract { key, pattern, names } => extract(attributes, key, pattern, names),
            Self::Convert { key, target } => {
                let converted = attributes.get(key).and_then(|value| target.convert(value));
                if let Some(converted) = converted {
                    attributes.update(key, converted.value());
                }
            }
        }
    }
}

impl Source {
    fn set(&self, attributes: &mut AttributesMut<'_>, key: &str, when: When) {
        let copied;
        let value = match self {
            Self::Constant(constant) => constant,
            Self::Attribute(from, fallback) => {
                copied = attributes.get(from).map(Constant::of_view);
                let Some(value) = copied.as_ref().or(fallback.as_ref()) else { return };
                value
            }
        };
        match when {
            When::Absent => _ = attributes.insert(key, value.value()),
            When::Present => _ = attributes.update(key, value.value()),
            When::Always => attributes.upsert(key, value.value()),
        }
    }
}

fn extract(attributes: &mut AttributesMut<'_>, key: &str, pattern: &Regex, names: &[String]) {
    let Some(text) = attributes.get(key).and_then(|value| value.as_str()).map(str::to_owned) else { return };
    let Some(groups) = pattern.captures(&text) else { return };
    for (name, group) in names.iter().zip(groups.iter().skip(1)) {
        attributes.upsert(name, group.map_or("", |group| group.as_str()));
    }
}

fn compile(config: &ActionConfig) -> Result<Action, Fault> {
    let verb = config.action.to_lowercase();
    let key = (!config.key.is_empty()).then(|| config.key.clone());
    match verb.as_str() {
        "delete" | "hash" if key.is_none() && config.pattern.is_empty() => return Err(Fault::NoKeyNorPattern),
        "delete" | "hash" => {}
        _ if key.is_none() => return Err(Fault::NoKey),
        _ => {}
    }
    match verb.as_str() {
        "insert" => set(config, When::Absent),
        "update" => set(config, When::Present),
        "upsert" => set(config, When::Always),
        "delete" => refusals::of_removal(config).and_then(|()| Ok(Action::Delete { key, pattern: pattern(config)? })),
        "hash" => refusals::of_removal(config).and_then(|()| Ok(Action::Hash { key, pattern: pattern(config)? })),
        "extract" => extraction(config),
        "convert" => refusals::of_conversion(config).and_then(|()| {
            let target = Target::parse(&config.converted_type).ok_or(Fault::UnknownType)?;
            Ok(Action::Convert { key: config.key.clone(), target })
        }),
        _ => Err(Fault::UnknownAction),
    }
}

fn set(config: &ActionConfig, when: When) -> Result<Action, Fault> {
    refusals::of_setting(config)?;
    let source = match Constant::of_node(&config.value) {
        Some(constant) => Source::Constant(constant),
        None => Source::Attribute(config.from_attribute.clone(), Constant::of_node(&config.default_value)),
    };
    Ok(Action::Set { key: config.key.clone(), source, when })
}

fn pattern(config: &ActionConfig) -> Result<Option<Regex>, Fault> {
    if config.pattern.is_empty() {
        return Ok(None);
    }
    Regex::new(&config.pattern).map(Some).map_err(|_| Fault::BadPattern)
}

fn extraction(config: &ActionConfig) -> Result<Action, Fault> {
    refusals::of_extraction(config)?;
    let pattern = Regex::new(&config.pattern).map_err(|_| Fault::BadPattern)?;
    let mut names = Vec::new();
    for name in pattern.capture_names().skip(1) {
        names.push(name.ok_or(Fault::UnnamedGroup)?.to_owned());
    }
    if names.is_empty() {
        return Err(Fault::NoNamedGroup);
    }
    Ok(Action::Extract { key: config.key.clone(), pattern, names })
}
