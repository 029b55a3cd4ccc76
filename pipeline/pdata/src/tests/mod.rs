//! What must hold, told on small requests here and checked against prost for any request beside.
//!
//! Not here: the smallest pieces, which are tested where they are.

mod generate;
mod json;
mod layout;
mod malformed;
mod model;
mod oracle;
mod properties;
mod writers;

use crate::{Batch, Limit, Signal, SpanFields, TracesWriter};

/// Two resources, two and one spans.
fn shop() -> Batch {
    let mut writer = TracesWriter::new();
    writer.resource(|attributes| {
        attributes.add("service.name", "cart").add("host.cpus", 4);
    });
    writer.scope("http", "1.0");
    for (name, id) in [("GET /cart", 1_u8), ("POST /cart", 2)] {
        let fields = SpanFields {
            trace_id: &[7; 16],
            span_id: &[id; 8],
            name,
            kind: 2,
            start_unix_nano: 1_000,
            end_unix_nano: 2_000,
            ..SpanFields::default()
        };
        writer.span(&fields, |attributes| {
            attributes.add("http.request.method", "GET").add("http.response.status_code", 200);
        });
    }
    writer.resource(|attributes| {
        attributes.add("service.name", "front");
    });
    writer.span(&SpanFields { name: "page", ..SpanFields::default() }, |_| {});
    writer.finish()
}

fn names(batch: &Batch) -> Vec<String> {
    let scopes = batch.resources().flat_map(|resource| resource.scopes());
    scopes.flat_map(|scope| scope.spans()).map(|span| span.name().to_owned()).collect()
}

fn reread(batch: &Batch) -> Batch {
    Batch::from_otlp(batch.signal(), batch.to_bytes()).unwrap()
}

#[test]
fn what_was_written_is_read() {
    let batch = reread(&shop());

    assert_eq!(batch.items(), 3);
    assert_eq!(names(&batch), ["GET /cart", "POST /cart", "page"]);
    let resource = batch.resources().next().unwrap();
    assert_eq!(resource.attribute("service.name").unwrap().as_str(), Some("cart"));
    let span = resource.scopes().next().unwrap().spans().next().unwrap();
    assert_eq!(span.attribute("http.response.status_code").unwrap().as_int(), Some(200));
}

#[test]
fn edits_are_read_before_and_after_they_are_written() {
    let mut batch = shop();
    for mut resource in batch.resources_mut() {
        resource.upsert("k8s.pod.name", "pod-1");
        assert!(!resource.insert("service.name", "other"));
        for mut scope in resource.scopes_mut() {
            for mut span in scope.spans_mut() {
                span.set_name("renamed");
                span.set_status(2, "broken");
                span.delete("http.request.method");
            }
        }
    }

    let written = reread(&batch);
    for batch in [&batch, &written] {
        assert_eq!(names(batch), ["renamed", "renamed", "renamed"]);
        let resource = batch.resources().next().unwrap();
        assert_eq!(resource.attribute("k8s.pod.name").unwrap().as_str(), Some("pod-1"));
        let span = resource.scopes().next().unwrap().spans().next().unwrap();
        assert_eq!((span.status_code(), span.status_message()), (2, "broken"));
        assert!(span.attribute("http.request.method").is_none());
    }
    assert_eq!(batch.size(), written.size());
}

#[test]
fn an_attribute_that_is_deleted_and_added_again_comes_last() {
    let mut batch = shop();
    for mut resource in batch.resources_mut() {
        resource.delete("service.name");
        resource.upsert("service.name", "renamed");
    }

    for batch in [&batch, &reread(&batch)] {
        let keys: Vec<_> = batch.resources().next().unwrap().attributes().map(|attribute| attribute.key()).collect();
        assert_eq!(keys, ["host.cpus", "service.name"]);
    }
}

#[test]
fn a_parent_goes_with_its_last_child() {
    let mut batch = shop();
    batch.retain_spans(|span| span.name() == "POST /cart");

    assert_eq!(batch.items(), 1);
    assert_eq!(batch.resources().count(), 1);
    assert_eq!(names(&reread(&batch)), ["POST /cart"]);
    assert_eq!(reread(&batch).resources().count(), 1);
}

#[test]
fn split_and_merge_keep_every_item() {
    let parts = shop().split(Limit::Items(1));
    assert_eq!(parts.iter().map(Batch::items).collect::<Vec<_>>(), [1, 1, 1]);
    for part in &parts {
        assert!(part.resources().next().unwrap().attribute("service.name").is_some());
    }

    let whole = Batch::merge(parts).unwrap();
    assert_eq!(whole.items(), 3);
    assert_eq!(names(&reread(&whole)), names(&shop()));
}

#[test]
fn json_goes_both_ways() {
    let text = crate::json::encode(&shop());
    let back = crate::json::decode(Signal::Traces, &text).unwrap();

    assert_eq!(String::from_utf8(crate::json::encode(&back)).unwrap(), String::from_utf8(text).unwrap());
    assert_eq!(names(&back), names(&shop()));
}
