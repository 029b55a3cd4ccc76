//! Resources change; what is in them does not.

use component::testkit::{faults, processor};
use pdata::{BufferPool, Signal};
use serde_json::json;

use super::*;
use crate::stories::{batch, json_of, named_spans, names};

#[test]
fn every_resource_of_every_signal_is_changed() {
    let mut story = processor::<ResourceProcessor>("{attributes: [{key: zone, value: a, action: upsert}]}");
    let requests = [
        (
            Signal::Traces,
            json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{ "name": "x" }] }] }, { "resource": {}, "scopeSpans": [{ "spans": [{ "name": "y" }] }] }] }),
        ),
        (
            Signal::Metrics,
            json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": "m", "gauge": { "dataPoints": [{ "asInt": "1" }] } }] }] }] }),
        ),
        (
            Signal::Logs,
            json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "hello" } }] }] }] }),
        ),
    ];

    for (signal, request) in requests {
        let out = story.passes(batch(signal, &request));

        let zones: Vec<_> =
            out.resources().map(|resource| resource.attribute("zone").unwrap().as_str().unwrap().to_owned()).collect();
        assert_eq!(zones, vec!["a"; zones.len()]);
        assert_eq!(zones.len(), json_of(&out).as_object().unwrap().values().next().unwrap().as_array().unwrap().len());
    }
}

#[test]
fn the_bytes_of_spans_are_not_touched() {
    let mut story =
        processor::<ResourceProcessor>("{attributes: [{key: service.name, value: basket, action: update}]}");
    let names_in: Vec<String> = (0..200).map(|number| format!("a span with quite a long name {number}")).collect();
    let batch = named_spans(names_in.clone());
    let bytes = batch.to_bytes();

    let out = story.passes(batch);

    assert_eq!(names(&out), names_in);
    // What is long enough to be worth it is still the same memory.
    let input = bytes.as_ptr_range();
    let segments = out.into_segments(&mut BufferPool::default());
    let shared: usize =
        segments.iter().filter(|segment| input.contains(&segment.as_ptr())).map(|segment| segment.len()).sum();
    assert!(shared > bytes.len() * 9 / 10, "{shared} of {} bytes are shared", bytes.len());
}

#[test]
fn actions_are_needed_and_understood() {
    assert_eq!(faults::<ResourceConfig>(""), ["missing required field \"attributes\""]);
    assert_eq!(
        faults::<ResourceConfig>("{attributes: [{key: a, from_context: auth.x, action: insert}]}"),
        ["attributes::0: 'from_context' is not supported yet"]
    );
}

#[test]
fn the_readme_has_the_keys() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/resource/README.md");
    ::config::assert_readme_table::<ResourceConfig>(readme);
}
