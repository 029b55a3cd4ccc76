//! Lists, maps, optional values, and pairs that keep their order.

use std::collections::BTreeMap;

use super::{Check, Decode, DecodeContext};
use crate::document::KeyDoc;
use crate::node::{Map, Node, Value};

impl<T: Decode> Decode for Vec<T> {
    const TYPE_NAME: &'static str = "list";
    const SECRET: bool = T::SECRET;

    fn type_doc() -> String {
        format!("list of {}", T::type_doc())
    }

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        if let Value::List(items) = &node.value {
            return decode_all(items.iter().enumerate(), context);
        }
        let split = node.as_str().and_then(T::split_list);
        if split.is_none() {
            context.not_a_list(node);
        }
        split
    }

    fn show(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let items: Vec<String> = self.iter().map(Decode::show).collect();
        format!("[{}]", items.join(", "))
    }

    fn type_docs() -> Vec<KeyDoc> {
        T::type_docs()
    }

    fn validate_inside(&self, node: Option<&Node>, check: &mut Check<'_, '_>) {
        let nodes = node.and_then(Node::as_list).unwrap_or_default();
        for (index, item) in self.iter().enumerate() {
            let node = nodes.get(index);
            check.at_item(&index.to_string(), node, |check| item.validate_inside(node, check));
        }
    }
}

/// All items, or `None` after all of their problems have been reported.
fn decode_all<'n, T: Decode>(
    items: impl Iterator<Item = (usize, &'n Node)>,
    context: &mut DecodeContext<'_>,
) -> Option<Vec<T>> {
    let decoded: Vec<Option<T>> =
        items.map(|(index, item)| context.at_index(index, |context| decode_item(item, context))).collect();
    decoded.into_iter().collect()
}

fn decode_item<T: Decode>(node: &Node, context: &mut DecodeContext<'_>) -> Option<T> {
    let null = if node.is_null() { T::from_null(node) } else { None };
    null.or_else(|| T::decode(node, context))
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    const TYPE_NAME: &'static str = "map";
    const SECRET: bool = T::SECRET;

    fn type_doc() -> String {
        format!("map of {}", T::type_doc())
    }

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            context.not_a_map(node);
            return None;
        };
        decode_entries(map, context).map(|pairs| pairs.into_iter().collect())
    }

    fn type_docs() -> Vec<KeyDoc> {
        T::type_docs()
    }

    fn validate_inside(&self, node: Option<&Node>, check: &mut Check<'_, '_>) {
        for (key, value) in self {
            let node = node.and_then(|node| node.get(key));
            check.at_item(key, node, |check| value.validate_inside(node, check));
        }
    }
}

fn decode_entries<T: Decode>(map: &Map, context: &mut DecodeContext<'_>) -> Option<Vec<(String, T)>> {
    let decoded: Vec<Option<(String, T)>> = map
        .iter()
        .map(|entry| {
            let value = context.inside(&entry.key, |context| decode_item(&entry.value, context))?;
            Some((entry.key.clone(), value))
        })
        .collect();
    decoded.into_iter().collect()
}

/// Names with values in the order of the file: a map, or a list of `{name, value}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs<T>(pub Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Pairs<T> {
    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of the last pair with this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<T: Decode> Decode for Pairs<T> {
    const TYPE_NAME: &'static str = "map";
    const SECRET: bool = T::SECRET;

    fn type_doc() -> String {
        format!("map or `{{name, value}}` list of {}", T::type_doc())
    }

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        match &node.value {
            Value::Map(map) => decode_entries(map, context).map(Pairs),
            Value::List(items) => {
                let pairs: Vec<Option<(String, T)>> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| context.at_index(index, |context| decode_pair(item, context)))
                    .collect();
                pairs.into_iter().collect::<Option<_>>().map(Pairs)
            }
            _ => {
                context.not_a_map(node);
                None
            }
        }
    }
}

fn decode_pair<T: Decode>(node: &Node, context: &mut DecodeContext<'_>) -> Option<(String, T)> {
    let Value::Map(map) = &node.value else {
        context.not_a_map(node);
        return None;
    };
    for entry in map {
        if entry.key != "name" && entry.key != "value" {
            let message = format!("{}'{}' has invalid keys: {}", context.owner_prefix(), context.path(), entry.key);
            context.problems.error(entry.mark, message);
        }
    }
    let Some(name) = map.get("name").filter(|name| !name.is_null()) else {
        context.error(node, "needs a 'name'");
        return None;
    };
    let name = context.inside("name", |context| String::decode(name, context));
    let absent = Node::null(node.mark);
    let value = context.inside("value", |context| decode_item(map.get("value").unwrap_or(&absent), context));
    Some((name?, value?))
}

impl<T: Decode> Decode for Option<T> {
    const TYPE_NAME: &'static str = T::TYPE_NAME;
    const SECRET: bool = T::SECRET;

    fn type_doc() -> String {
        T::type_doc()
    }

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        T::decode(node, context).map(Some)
    }

    fn decode_over(self, node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        match self {
            Some(base) => base.decode_over(node, context).map(Some),
            None => Self::decode(node, context),
        }
    }

    fn show(&self) -> String {
        self.as_ref().map(Decode::show).unwrap_or_default()
    }

    fn child_docs(&self) -> Vec<KeyDoc> {
        self.as_ref().map_or_else(T::type_docs, Decode::child_docs)
    }

    fn type_docs() -> Vec<KeyDoc> {
        T::type_docs()
    }

    fn from_null(node: &Node) -> Option<Self> {
        Some(T::from_null(node))
    }

    fn validate_inside(&self, node: Option<&Node>, check: &mut Check<'_, '_>) {
        if let Some(value) = self {
            value.validate_inside(node, check);
        }
    }
}
