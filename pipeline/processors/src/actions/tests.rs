//! Every action against what a Collector v0.161 made of the same attributes.

use component::BuildError;
use component::testkit::{processor, settings};
use pdata::Signal;
use serde_json::{Value, json};

use super::*;
use crate::resource::{ResourceConfig, ResourceProcessor};
use crate::stories::{batch, json_of};

/// The attributes of a resource after actions.
fn after(actions: &Value, attributes: &Value) -> Value {
    let mut story = processor::<ResourceProcessor>(&json!({ "attributes": actions }).to_string());
    let span = json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "x" });
    let request = json!({ "resourceSpans": [
        { "resource": { "attributes": attributes }, "scopeSpans": [{ "spans": [span] }] },
    ] });
    let out = json_of(&story.passes(batch(Signal::Traces, &request)));
    let mut attributes = out["resourceSpans"][0]["resource"]["attributes"].as_array().unwrap().clone();
    // Order means nothing; the Collector moves the last one into the place of a deleted one.
    attributes.sort_by_key(|attribute| attribute["key"].to_string());
    attributes.into()
}

#[test]
fn each_action_does_what_the_collector_does() {
    let golden: Value = serde_json::from_str(include_str!("testdata/golden.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();

    for case in cases {
        let out = after(&case["actions"], &golden["attributes"]);
        // Through our own reader, so that `3` and `3.0` are the same double.
        let expected = after(&json!([{ "key": "absent", "action": "delete" }]), &case["attributes"]);
        assert_eq!(out, expected, "{}", case["actions"]);
    }
    assert!(cases.len() > 90);
}

#[test]
fn a_value_that_leaves_the_range_of_integers_becomes_the_least_one() {
    let attributes = json!([{ "key": "n", "value": { "doubleValue": "NaN" } }]);

    let out = after(&json!([{ "key": "n", "action": "convert", "converted_type": "int" }]), &attributes);

    assert_eq!(out[0]["value"]["intValue"], "-9223372036854775808");
}

fn fault(action: &str) -> String {
    let config: ResourceConfig = settings(&format!("{{attributes: [{action}]}}"));
    let BuildError(sentence) = Actions::compile(&config.attributes).unwrap_err();
    sentence
}

#[test]
fn what_cannot_be_meant_is_refused_in_the_collectors_words() {
    let cases = [
        (
            "{key: a, value: 1, action: ADD}",
            r#"error with key "a" (0-th action): error creating AttrProc due to unsupported action "add""#,
        ),
        (
            "{value: 1, action: insert}",
            r#"error creating AttrProc due to missing required field "key" at the 0-th action"#,
        ),
        (
            "{action: delete}",
            r#"error creating AttrProc due to missing required field (at least one of "key" and "pattern" have to be used) at the 0-th action"#,
        ),
        (
            "{key: a, action: insert}",
            r#"error with key "a" (0-th action): error creating AttrProc. Either field "value", "from_attribute", "from_context", or "default_value" must be specified"#,
        ),
        (
            "{key: a, value: 1, from_attribute: b, action: insert}",
            r#"error with key "a" (0-th action): error creating AttrProc due to multiple value sources being set"#,
        ),
        (
            "{key: a, value: 1, pattern: b, action: update}",
            r#"error with key "a" (0-th action): error creating AttrProc. Action "update" does not use the "pattern" field. This must not be specified"#,
        ),
        (
            "{key: a, value: 1, converted_type: int, action: upsert}",
            r#"error with key "a" (0-th action): error creating AttrProc. Action "upsert" does not use the "converted_type" field. This must not be specified"#,
        ),
        (
            "{key: a, value: 1, action: delete}",
            r#"error with key "a" (0-th action): error creating AttrProc. Action "delete" does not use "value" or "from_attribute" field. These must not be specified"#,
        ),
        (
            "{pattern: '(', action: hash}",
            r#"error with key "" (0-th action): error creating AttrProc. Field "pattern" has invalid pattern: "(""#,
        ),
        (
            "{key: a, value: 1, pattern: b, action: extract}",
            r#"error with key "a" (0-th action): error creating AttrProc. Action "extract" does not use a value source field. These must not be specified"#,
        ),
        (
            "{key: a, action: extract}",
            r#"error with key "a" (0-th action): error creating AttrProc due to missing required field "pattern" for action "extract""#,
        ),
        (
            "{key: a, pattern: '^.*$', action: extract}",
            r#"error with key "a" (0-th action): error creating AttrProc. Field "pattern" contains no named matcher groups"#,
        ),
        (
            "{key: a, pattern: '(?P<x>.)(.)', action: extract}",
            r#"error with key "a" (0-th action): error creating AttrProc. Field "pattern" contains at least one unnamed matcher group"#,
        ),
        (
            "{key: a, value: 1, action: convert}",
            r#"error with key "a" (0-th action): error creating AttrProc. Action "convert" does not use value sources or "pattern" field. These must not be specified"#,
        ),
        (
            "{key: a, action: convert}",
            r#"error with key "a" (0-th action): error creating AttrProc due to missing required field "converted_type" for action "convert""#,
        ),
        (
            "{key: a, converted_type: float, action: convert}",
            r#"error with key "a" (0-th action): error creating AttrProc due to invalid value "float" in field "converted_type" for action "convert""#,
        ),
    ];
    for (action, sentence) in cases {
        assert_eq!(fault(action), sentence, "{action}");
    }
}

#[test]
fn the_place_of_a_bad_action_is_told() {
    assert!(fault("{key: a, action: delete}, {key: b, action: convert}").contains("\"b\" (1-th action)"));
}
