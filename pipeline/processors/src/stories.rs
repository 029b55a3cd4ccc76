//! Data that stories feed.

use pdata::{Batch, Signal, SpanFields, TracesWriter, json};

/// A batch of spans of one service, called `0`, `1` and so on.
pub(crate) fn spans(count: usize) -> Batch {
    named_spans((0..count).map(|number| number.to_string()))
}

/// A batch of spans of one service with these names.
pub(crate) fn named_spans(names: impl IntoIterator<Item = String>) -> Batch {
    let mut writer = TracesWriter::new();
    writer.resource(|attributes| {
        attributes.add("service.name", "cart");
    });
    writer.scope("story", "");
    for name in names {
        let span = SpanFields { trace_id: &[1; 16], span_id: &[2; 8], name: &name, ..SpanFields::default() };
        writer.span(&span, |_| {});
    }
    writer.finish()
}

/// The names of all spans, in order.
pub(crate) fn names(batch: &Batch) -> Vec<String> {
    let mut names = Vec::new();
    for resource in batch.resources() {
        for scope in resource.scopes() {
            names.extend(scope.spans().map(|span| span.name().to_owned()));
        }
    }
    names
}

/// A batch from OTLP/JSON.
pub(crate) fn batch(signal: Signal, request: &serde_json::Value) -> Batch {
    json::decode(signal, request.to_string().as_bytes()).unwrap()
}

/// A batch as OTLP/JSON.
pub(crate) fn json_of(batch: &Batch) -> serde_json::Value {
    serde_json::from_slice(&json::encode(batch)).unwrap()
}
