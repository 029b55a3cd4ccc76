//! Which items are meant, against a Collector v0.161; what is done to them is told in `actions`.

use component::testkit::{Stage, faults, processor_fault, processor_on};
use pdata::Signal;
use serde_json::{Value, json};

use super::*;
use crate::stories::{batch, json_of};

const MARK: &str = "marked";

/// The names of all items that have the mark.
fn marked(value: &Value, found: &mut Vec<String>) {
    let has_mark = |value: &Value| {
        value["attributes"].as_array().is_some_and(|list| list.iter().any(|attribute| attribute["key"] == MARK))
    };
    let number = |value: &Value| {
        let list = value["attributes"].as_array().unwrap();
        list.iter().find(|attribute| attribute["key"] == "n").map(|attribute| attribute["value"]["stringValue"].clone())
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| marked(item, found)),
        Value::Object(_)
            if value["gauge"]["dataPoints"].as_array().is_some_and(|points| points.iter().any(has_mark)) =>
        {
            found.push(value["name"].as_str().unwrap_or_default().to_owned());
        }
        Value::Object(fields) => {
            if has_mark(value) && value["gauge"].is_null() {
                let name = number(value).unwrap_or_else(|| value["name"].clone());
                found.push(name.as_str().unwrap_or_default().to_owned());
            }
            for (key, inner) in fields {
                if key != "attributes" && key != "gauge" {
                    marked(inner, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_same_items_are_meant_as_by_the_collector() {
    let golden: Value = serde_json::from_str(include_str!("testdata/matching.json")).unwrap();

    for case in golden["cases"].as_array().unwrap() {
        let name = case["signal"].as_str().unwrap();
        let signal: Signal = name.parse().unwrap();
        let mut config = case["config"].clone();
        config["actions"] = json!([{ "key": MARK, "value": 1, "action": "insert" }]);
        let mut story = processor_on::<AttributesProcessor>(Stage::new(signal, 1 << 20), &config.to_string());

        let out = story.passes(batch(signal, &golden[name]));

        let mut found = Vec::new();
        marked(&json_of(&out), &mut found);
        assert_eq!(json!(found), case["marked"], "{config}");
    }
}

#[test]
fn all_kinds_of_points_are_changed() {
    let point = json!([{ "timeUnixNano": "1" }]);
    let metrics = json!([
        { "name": "gauge", "gauge": { "dataPoints": point } },
        { "name": "sum", "sum": { "dataPoints": point } },
        { "name": "histogram", "histogram": { "dataPoints": point } },
        { "name": "exponential", "exponentialHistogram": { "dataPoints": point } },
        { "name": "summary", "summary": { "dataPoints": point } },
    ]);
    let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] });
    let yaml = "{actions: [{key: zone, value: a, action: insert}]}";
    let mut story = processor_on::<AttributesProcessor>(Stage::new(Signal::Metrics, 1 << 20), yaml);

    let out = json_of(&story.passes(batch(Signal::Metrics, &request)));

    for metric in out["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap() {
        let data = metric.as_object().unwrap().iter().find(|(key, _)| *key != "name").unwrap().1;
        assert_eq!(data["dataPoints"][0]["attributes"][0]["key"], "zone", "{metric}");
    }
}

fn fault(signal: Signal, include: &str) -> String {
    let yaml = format!("{{include: {include}, actions: [{{key: a, action: delete}}]}}");
    processor_fault::<AttributesProcessor>(signal, &yaml)
}

#[test]
fn criteria_that_make_no_sense_are_refused_in_the_collectors_words() {
    let unrecognized = "unrecognized match_type: '', valid types are: [regexp strict]";
    let cases = [
        (Signal::Traces, "{services: [x]}", format!("error creating service name filters: {unrecognized}")),
        (Signal::Traces, "{span_names: [x]}", format!("error creating span name filters: {unrecognized}")),
        (Signal::Traces, "{span_kinds: [x]}", format!("error creating span kind filters: {unrecognized}")),
        (Signal::Traces, "{libraries: [{name: x}]}", format!("error creating library name filters: {unrecognized}")),
        (
            Signal::Traces,
            "{resources: [{key: x, value: y}]}",
            format!("error creating resource filters: {unrecognized}"),
        ),
        (Signal::Metrics, "{metric_names: [x]}", unrecognized.into()),
        (Signal::Logs, "{log_bodies: [x]}", format!("error creating log record body filters: {unrecognized}")),
        (
            Signal::Logs,
            "{log_severity_texts: [x]}",
            format!("error creating log record severity text filters: {unrecognized}"),
        ),
        (
            Signal::Traces,
            "{match_type: strict}",
            "at least one of \"attributes\", \"libraries\",  or \"resources\" field must be specified".into(),
        ),
        (
            Signal::Traces,
            "{match_type: strict, metric_names: [x]}",
            "metric_names should not be specified for trace spans".into(),
        ),
        (
            Signal::Logs,
            "{match_type: strict, services: [x]}",
            "services, span_names, span_kinds and metric_names are not valid for log records".into(),
        ),
        (
            Signal::Metrics,
            "{match_type: strict}",
            "at least one of \"metric_names\" or \"resources\" field must be specified".into(),
        ),
        (
            Signal::Traces,
            "{match_type: strict, attributes: [{value: 1}]}",
            "error creating attribute filters: can't have empty key in the list of attributes".into(),
        ),
        (
            Signal::Traces,
            "{match_type: regexp, attributes: [{key: code, value: 1}]}",
            "error creating attribute filters: match_type=regexp for \"code\" only supports Str, but found Int".into(),
        ),
    ];
    for (signal, include, sentence) in cases {
        assert_eq!(fault(signal, include), sentence, "{include}");
    }
    assert!(
        fault(Signal::Traces, "{match_type: strict, span_kinds: [server]}").starts_with("span_kinds string must match")
    );
    assert!(
        fault(Signal::Traces, "{match_type: regexp, span_names: ['(']}")
            .starts_with("error creating span name filters: ")
    );
}

#[test]
fn actions_are_needed() {
    assert_eq!(faults::<AttributesConfig>(""), ["missing required field \"actions\""]);
}

#[test]
fn the_readme_has_the_keys() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/attributes/README.md");
    ::config::assert_readme_table::<AttributesConfig>(readme);
}
