//! Sections that are on or off.

use super::{Check, Decode, DecodeContext, Section, decode_section};
use crate::document::KeyDoc;
use crate::node::{Map, Node, Value};

/// An optional section: absent it stays as its default says; written, even empty or null, it is on,
/// unless `enabled: false` stands inside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Toggle<T> {
    enabled: bool,
    settings: T,
}

impl<T> Toggle<T> {
    /// On, unless the file says otherwise.
    pub const fn on(settings: T) -> Self {
        Self { enabled: true, settings }
    }

    /// Off until it is written; then these settings are its defaults.
    pub const fn off(settings: T) -> Self {
        Self { enabled: false, settings }
    }

    /// The settings, if it is on.
    pub fn get(&self) -> Option<&T> {
        self.enabled.then_some(&self.settings)
    }

    /// The settings by value, if it is on.
    pub fn into_option(self) -> Option<T> {
        self.enabled.then_some(self.settings)
    }

    /// Whether it is on.
    pub const fn is_on(&self) -> bool {
        self.enabled
    }
}

impl<T: Section> Decode for Toggle<T> {
    const TYPE_NAME: &'static str = "optional section";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        Toggle::off(T::default()).decode_over(node, context)
    }

    fn decode_over(self, node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            context.not_a_map(node);
            return None;
        };
        let Some(switch) = map.get("enabled") else {
            return decode_section(self.settings, node, context).map(Toggle::on);
        };
        let enabled = match switch.value {
            Value::Null => Some(true),
            _ => context.inside("enabled", |context| bool::decode(switch, context)),
        };
        let settings = decode_section(self.settings, &without_switch(node, map), context);
        Some(Toggle { enabled: enabled?, settings: settings? })
    }

    fn decode_null(self, _node: &Node) -> Self {
        Toggle::on(self.settings)
    }

    fn from_null(_node: &Node) -> Option<Self> {
        Some(Toggle::on(T::default()))
    }

    fn show(&self) -> String {
        if self.enabled { "on".to_owned() } else { "off".to_owned() }
    }

    fn child_docs(&self) -> Vec<KeyDoc> {
        with_switch(self.settings.key_docs(), self.enabled)
    }

    fn type_docs() -> Vec<KeyDoc> {
        with_switch(T::keys(), false)
    }

    /// The rules of a section that is off do not matter.
    fn validate_inside(&self, node: Option<&Node>, check: &mut Check<'_, '_>) {
        if let Some(settings) = self.get() {
            settings.validate_inside(node, check);
        }
    }
}

/// The keys of the section and the one that every such section has.
fn with_switch(mut keys: Vec<KeyDoc>, enabled: bool) -> Vec<KeyDoc> {
    let switch = KeyDoc {
        name: "enabled",
        alias: None,
        type_name: bool::type_doc(),
        default: enabled.to_string(),
        doc: "Turns the section on or off. A section that is written is on.",
        deprecated: None,
        secret: false,
        children: Vec::new(),
    };
    keys.insert(0, switch);
    keys
}

fn without_switch(node: &Node, map: &Map) -> Node {
    let mut rest = Map::default();
    for entry in map.iter().filter(|entry| entry.key != "enabled") {
        rest.push(entry.clone());
    }
    Node::new(Value::Map(rest), node.mark)
}
