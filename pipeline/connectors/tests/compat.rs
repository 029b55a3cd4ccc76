//! What the Go Collector's connectors answered to the cases of `tests/compat`, and what ours answer.
//!
//! The settings go through the configuration as a user's do. `tests/compat/run` says how a case is written and recorded.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod kit;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kit::Playing;
use serde_json::{Map, Value, json};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_recorded_case_is_answered_as_the_go_collector_did() {
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(directory().join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 50, "the cases are there");

    let differences: Vec<String> = cases.iter().filter_map(|path| difference(path)).collect();

    assert!(differences.is_empty(), "{} cases differ:\n{}", differences.len(), differences.join("\n"));
}

/// With `UPDATE_OURS=1` the answers of cases that are known to differ are written down instead.
fn difference(path: &Path) -> Option<String> {
    let case = read(path);
    let name = path.file_stem().unwrap().to_str().unwrap();
    let is_known = case.get("differs").is_some();
    let recorded =
        directory().join("golden").join(if is_known { format!("{name}.ours.json") } else { format!("{name}.json") });

    let told = answers(&case);

    if is_known && std::env::var_os("UPDATE_OURS").is_some() {
        std::fs::write(&recorded, serde_json::to_string_pretty(&told).unwrap() + "\n").unwrap();
    }
    let expected = without_defaults(&read(&recorded), "");
    let told = without_defaults(&told, "");
    (expected != told).then(|| format!("--- {name}\nexpected: {expected}\ntold:     {told}"))
}

fn answers(case: &Value) -> Value {
    const A_WHILE: Duration = Duration::from_secs(2);
    let mut playing = Playing::new(case["connector"].as_str().unwrap(), &case["settings"].to_string());
    for step in case["steps"].as_array().unwrap() {
        match step.get("wait") {
            Some(seconds) => playing.wait(Duration::from_secs_f64(seconds.as_f64().unwrap())),
            None => playing.send(&step["send"].to_string()),
        }
    }
    playing.wait(A_WHILE);
    let mut told: Vec<Value> = Vec::new();
    for metrics in playing.told() {
        let answer = normal(&serde_json::from_str(&metrics).unwrap());
        if told.last() != Some(&answer) {
            told.push(answer);
        }
    }
    if case.get("last_answer_only").is_some() {
        told.drain(..told.len().saturating_sub(1));
    }
    Value::Array(told)
}

/// Without times, lists of messages in a fixed order, every number a float.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept: Map<String, Value> = members
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "startTimeUnixNano" | "timeUnixNano"))
                .map(|(key, value)| (key.clone(), normal(value)))
                .collect();
            if kept.get("key") == Some(&json!("collector.instance.id")) {
                kept.insert("value".into(), json!({"stringValue": "<instance>"}));
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            if items.first().is_some_and(Value::is_object) {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

/// Members that hold their default are as good as absent, unless their presence says something.
fn without_defaults(value: &Value, key: &str) -> Value {
    const SAYS_SOMETHING: [&str; 9] =
        ["asInt", "asDouble", "sum", "min", "max", "stringValue", "intValue", "boolValue", "doubleValue"];
    let is_default = |key: &str, value: &Value| {
        let empty = [json!(""), json!(0.0), json!([]), json!({}), json!(false), json!("0")];
        !SAYS_SOMETHING.contains(&key) && empty.contains(value)
    };
    match value {
        Value::Object(members) => {
            let inner = members.iter().map(|(key, value)| (key.clone(), without_defaults(value, key)));
            Value::Object(inner.filter(|(key, value)| !is_default(key, value)).collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| without_defaults(item, key)).collect();
            if !key.is_empty() && items.first().is_some_and(Value::is_object) {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        other => other.clone(),
    }
}
