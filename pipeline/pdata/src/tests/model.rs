//! The same edits on a batch and on prost types, chosen by chance.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::{MetricsData, metric};
use opentelemetry_proto::tonic::trace::v1::{Status, TracesData};

use super::generate::Chance;
use crate::{AttributesMut, Batch, Value};

/// What happens to the attributes of one thing.
struct AttributeOps(Vec<(u8, String, String)>);

impl AttributeOps {
    fn by(chance: &mut Chance<'_>) -> Self {
        Self((0..chance.below(3)).map(|_| (chance.below(4), chance.key(), chance.text())).collect())
    }

    fn edit(&self, attributes: &mut AttributesMut<'_>) {
        for (verb, key, value) in &self.0 {
            match verb {
                0 => drop(attributes.insert(key, value)),
                1 => drop(attributes.update(key, value)),
                2 => attributes.upsert(key, Value::Str(value)),
                _ => drop(attributes.delete(key)),
            }
        }
    }

    fn model(&self, attributes: &mut Vec<KeyValue>) {
        for (verb, key, value) in &self.0 {
            let first = attributes.iter().position(|attribute| attribute.key == *key);
            match (verb, first) {
                (0 | 2, None) => {
                    attributes.push(KeyValue { key: key.clone(), value: text(value), ..KeyValue::default() });
                }
                (1 | 2, Some(first)) => {
                    attributes[first].value = text(value);
                    let mut index = 0;
                    attributes.retain(|attribute| {
                        index += 1;
                        index == first + 1 || attribute.key != *key
                    });
                }
                (3, _) => attributes.retain(|attribute| attribute.key != *key),
                _ => {}
            }
        }
    }
}

fn text(value: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) })
}

/// Keeps the children of which `keep` says yes, and says whether the parent lives on.
fn retain<T>(children: &mut Vec<T>, keep: impl FnMut(&mut T) -> bool) -> bool {
    let was_empty = children.is_empty();
    children.retain_mut(keep);
    was_empty || !children.is_empty()
}

/// Whether to discard something; seldom, so that most survives.
fn discards(chance: &mut Chance<'_>) -> bool {
    chance.below(4) == 1
}

pub(super) fn edit_traces(batch: &mut Batch, chance: &mut Chance<'_>) {
    for mut resource in batch.resources_mut() {
        AttributeOps::by(chance).edit(&mut resource.attributes_mut());
        for mut scope in resource.scopes_mut() {
            AttributeOps::by(chance).edit(&mut scope.attributes_mut());
            for mut span in scope.spans_mut() {
                AttributeOps::by(chance).edit(&mut span.attributes_mut());
                match chance.below(4) {
                    1 => span.set_name(&chance.text()),
                    2 => span.set_status(i32::from(chance.below(3)), &chance.text()),
                    _ => {}
                }
                if discards(chance) {
                    span.discard();
                }
            }
        }
    }
}

pub(super) fn model_traces(data: &mut TracesData, chance: &mut Chance<'_>) {
    retain(&mut data.resource_spans, |resource| {
        AttributeOps::by(chance).model(&mut resource.resource.get_or_insert_default().attributes);
        retain(&mut resource.scope_spans, |scope| {
            AttributeOps::by(chance).model(&mut scope.scope.get_or_insert_default().attributes);
            retain(&mut scope.spans, |span| {
                AttributeOps::by(chance).model(&mut span.attributes);
                match chance.below(4) {
                    1 => span.name = chance.text(),
                    2 => span.status = Some(Status { code: i32::from(chance.below(3)), message: chance.text() }),
                    _ => {}
                }
                !discards(chance)
            })
        })
    });
}

/// Items of all signals are edited through the same handle.
pub(super) fn edit_items(batch: &mut Batch, chance: &mut Chance<'_>) {
    for mut resource in batch.resources_mut() {
        for mut scope in resource.scopes_mut() {
            for mut item in scope.items_mut() {
                AttributeOps::by(chance).edit(&mut item.attributes_mut());
                if discards(chance) {
                    item.discard();
                }
            }
        }
    }
}

pub(super) fn model_logs(data: &mut LogsData, chance: &mut Chance<'_>) {
    retain(&mut data.resource_logs, |resource| {
        retain(&mut resource.scope_logs, |scope| {
            retain(&mut scope.log_records, |record| {
                AttributeOps::by(chance).model(&mut record.attributes);
                !discards(chance)
            })
        })
    });
}

pub(super) fn model_metrics(data: &mut MetricsData, chance: &mut Chance<'_>) {
    macro_rules! points {
        ($data:expr) => {
            retain(&mut $data.data_points, |point| {
                AttributeOps::by(chance).model(&mut point.attributes);
                !discards(chance)
            })
        };
    }
    retain(&mut data.resource_metrics, |resource| {
        retain(&mut resource.scope_metrics, |scope| {
            retain(&mut scope.metrics, |metric| match &mut metric.data {
                None => true,
                Some(metric::Data::Gauge(data)) => points!(data),
                Some(metric::Data::Sum(data)) => points!(data),
                Some(metric::Data::Histogram(data)) => points!(data),
                Some(metric::Data::ExponentialHistogram(data)) => points!(data),
                Some(metric::Data::Summary(data)) => points!(data),
            })
        })
    });
}
