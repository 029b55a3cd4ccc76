//! Values that are kept for later: from the configuration, or copied from another attribute.

use std::collections::BTreeMap;

use config::{Node, Value as Written};
use pdata::{Batch, TracesWriter, Value, ValueKind, ValueView};

/// A value that belongs to nobody's batch.
#[derive(Debug, Clone)]
pub(crate) enum Constant {
    Str(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Everything else, as it would arrive: the only attribute of a batch that is never sent.
    Other(Batch),
}

const ONLY: &str = "value";

impl Constant {
    /// What stands in the configuration; nothing for null.
    pub(crate) fn of_node(node: &Node) -> Option<Self> {
        match &node.value {
            Written::Null => None,
            Written::Bool(value) => Some(Self::Bool(*value)),
            Written::Float(value) => Some(Self::Double(*value)),
            Written::String(value) => Some(Self::Str(value.clone())),
            // What does not fit wraps, as in Go.
            Written::Int(value) => Some(Self::Int(*value as i64)),
            Written::List(_) | Written::Map(_) => {
                let request = format!(
                    "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"{ONLY}\",\"value\":{}}}]}}}}]}}",
                    otlp_json(node)
                );
                let batch = pdata::json::decode(pdata::Signal::Traces, request.as_bytes());
                // We wrote it ourselves just now; were it wrong, the value would be left out.
                batch.ok().map(Self::Other)
            }
        }
    }

    /// A copy of an attribute's value.
    pub(crate) fn of_view(view: ValueView<'_>) -> Self {
        match view.kind() {
            ValueKind::Str(value) => Self::Str(value.to_owned()),
            ValueKind::Bool(value) => Self::Bool(value),
            ValueKind::Int(value) => Self::Int(value),
            ValueKind::Double(value) => Self::Double(value),
            ValueKind::Empty | ValueKind::Bytes(_) | ValueKind::Array(_) | ValueKind::Map(_) => {
                let mut writer = TracesWriter::new();
                writer.resource(|attributes| {
                    attributes.add(ONLY, view);
                });
                Self::Other(writer.finish())
            }
        }
    }

    /// The Collector's name for its type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Str(_) => "Str",
            Self::Bool(_) => "Bool",
            Self::Int(_) => "Int",
            Self::Double(_) => "Double",
            Self::Other(batch) => match only(batch).map(|value| value.kind()) {
                Some(ValueKind::Array(_)) => "Slice",
                Some(ValueKind::Map(_)) => "Map",
                Some(ValueKind::Bytes(_)) => "Bytes",
                _ => "Empty",
            },
        }
    }

    /// For writing.
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Str(value) => Value::Str(value),
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Double(value) => Value::Double(*value),
            Self::Other(batch) => only(batch).map_or(Value::Str(""), Value::Copied),
        }
    }

    /// Whether an attribute has this value, of this type.
    pub(crate) fn is(&self, view: ValueView<'_>) -> bool {
        match self {
            Self::Str(value) => view.as_str() == Some(value),
            Self::Bool(value) => view.as_bool() == Some(*value),
            Self::Int(value) => view.as_int() == Some(*value),
            Self::Double(value) => view.as_double() == Some(*value),
            Self::Other(batch) => only(batch).is_some_and(|value| are_equal(value, view)),
        }
    }
}

fn only(batch: &Batch) -> Option<ValueView<'_>> {
    batch.resources().next()?.attribute(ONLY)
}

/// Deep equality; the order of a map's entries does not matter.
fn are_equal(left: ValueView<'_>, right: ValueView<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (ValueKind::Empty, ValueKind::Empty) => true,
        (ValueKind::Str(left), ValueKind::Str(right)) => left == right,
        (ValueKind::Bool(left), ValueKind::Bool(right)) => left == right,
        (ValueKind::Int(left), ValueKind::Int(right)) => left == right,
        (ValueKind::Double(left), ValueKind::Double(right)) => left == right,
        (ValueKind::Bytes(left), ValueKind::Bytes(right)) => left == right,
        (ValueKind::Array(left), ValueKind::Array(right)) => {
            left.clone().count() == right.clone().count() && left.zip(right).all(|(left, right)| are_equal(left, right))
        }
        (ValueKind::Map(left), ValueKind::Map(right)) => {
            let left: BTreeMap<_, _> = left.map(|entry| (entry.key(), entry.value())).collect();
            let right: BTreeMap<_, _> = right.map(|entry| (entry.key(), entry.value())).collect();
            left.len() == right.len()
                && left
                    .into_iter()
                    .zip(right)
                    .all(|((left_key, left), (right_key, right))| left_key == right_key && are_equal(left, right))
        }
        _ => false,
    }
}

/// An `AnyValue` in OTLP/JSON.
fn otlp_json(node: &Node) -> serde_json::Value {
    use serde_json::json;
    match &node.value {
        Written::Null => json!({}),
        Written::Bool(value) => json!({ "boolValue": value }),
        Written::Int(value) => json!({ "intValue": (*value as i64).to_string() }),
        Written::Float(value) if value.is_finite() => json!({ "doubleValue": value }),
        Written::Float(value) => json!({ "doubleValue": not_finite(*value) }),
        Written::String(value) => json!({ "stringValue": value }),
        Written::List(items) => json!({ "arrayValue": { "values": items.iter().map(otlp_json).collect::<Vec<_>>() } }),
        Written::Map(map) => {
            let entry = |entry: &config::Entry| json!({ "key": entry.key, "value": otlp_json(&entry.value) });
            json!({ "kvlistValue": { "values": map.iter().map(entry).collect::<Vec<_>>() } })
        }
    }
}

fn not_finite(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}
