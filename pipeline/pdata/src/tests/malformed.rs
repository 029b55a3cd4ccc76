//! Bytes that are not OTLP are refused, with the place and the reason.

use bytes::Bytes;

use crate::wire::{put_bytes_field, put_varint};
use crate::{Batch, MAX_DEPTH, Problem, Signal};

/// A span with these fields, in a resource and scope.
fn span(fields: &[u8]) -> Bytes {
    [1, 2, 2].iter().rev().fold(fields.to_vec(), |body, number| field(*number, &body)).into()
}

fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes_field(&mut out, number, body);
    out
}

fn refused(bytes: Bytes) -> (String, Problem) {
    let error = Batch::from_otlp(Signal::Traces, bytes).expect_err("must be refused");
    (error.path, error.problem)
}

#[test]
fn the_error_names_field_place_and_reason() {
    let error = Batch::from_otlp(Signal::Traces, span(&field(1, &[7; 15]))).unwrap_err();

    assert_eq!(
        error.to_string(),
        "malformed OTLP at byte 7 in resource_spans.scope_spans.spans.trace_id: invalid length of an id: 15 bytes"
    );
}

#[test]
fn what_protobuf_forbids_is_refused() {
    let spans = "resource_spans.scope_spans.spans";
    let in_span = |field: &str| format!("{spans}.{field}");

    assert_eq!(refused(span(&field(5, &[0xff, 0xfe]))), (in_span("name"), Problem::Utf8));
    assert_eq!(refused(span(&[0x28, 1])), (in_span("name"), Problem::WireType(0)), "a string as a varint");
    assert_eq!(refused(span(&[0x4b])), (in_span("attributes"), Problem::WireType(3)), "a group");
    assert_eq!(refused(span(&[0xfb, 0x06])), (spans.to_owned(), Problem::WireType(3)), "a group we do not know");
    assert_eq!(refused(span(&[0x00, 0])), (spans.to_owned(), Problem::FieldNumber));
    assert_eq!(refused(span(&[0x2a, 200, 1, b'x'])), (in_span("name"), Problem::Truncated));
    assert_eq!(refused(span(&[0x39, 1, 2])), (in_span("start_time_unix_nano"), Problem::Truncated));
    assert_eq!(refused(span(&[0x30, 0xff])), (in_span("kind"), Problem::Varint));
}

#[test]
fn a_length_of_nearly_everything_is_refused_before_anything_is_added_to_it() {
    let mut bytes = vec![0x0a];
    put_varint(&mut bytes, u64::MAX);

    assert_eq!(refused(bytes.into()), ("resource_spans".to_owned(), Problem::Truncated));
}

#[test]
fn values_are_nested_only_so_deep() {
    let nested = |levels: usize| {
        // A list in a list in a list: two messages each.
        let value = (0..levels).fold(Vec::new(), |value, _| field(5, &field(1, &value)));
        span(&field(9, &[field(1, b"key"), field(2, &value)].concat()))
    };

    assert!(Batch::from_otlp(Signal::Traces, nested(MAX_DEPTH / 2 - 5)).is_ok());
    let error = Batch::from_otlp(Signal::Traces, nested(MAX_DEPTH * 10)).unwrap_err();
    assert_eq!(error.problem, Problem::Depth);
}

#[test]
fn fields_of_the_future_survive_edits_at_every_level() {
    let future = |level: u8| {
        let mut out = field(500, &[level; 3]);
        out.extend_from_slice(&[0xf8, 0x07, level]);
        out
    };
    let key_value = [field(1, b"k"), field(2, &[field(1, b"v"), future(6)].concat()), future(5)].concat();
    let span = [future(4), field(9, &key_value), field(5, b"name"), future(4)].concat();
    let scope = [future(3), field(1, &future(7)), field(2, &span)].concat();
    let resource = [field(1, &[field(1, &key_value), future(8)].concat()), field(2, &scope), future(2)].concat();
    let request: Bytes = [field(1, &resource), future(1)].concat().into();

    let mut batch = Batch::from_otlp(Signal::Traces, request.clone()).unwrap();
    assert_eq!(batch.to_bytes(), request);
    for mut resource in batch.resources_mut() {
        resource.upsert("added", 1);
        for mut scope in resource.scopes_mut() {
            scope.upsert("added", 1);
            for mut span in scope.spans_mut() {
                span.set_name("renamed");
                span.upsert("added", true);
            }
        }
    }

    let written = batch.to_bytes();
    let count = |bytes: &[u8], level: u8| bytes.windows(5).filter(|window| window[2..] == [level; 3]).count();
    for level in 1..=8 {
        assert_eq!(count(&written, level), count(&request, level), "level {level}");
        assert_ne!(count(&written, level), 0, "level {level}");
    }
}
