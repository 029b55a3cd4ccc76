//! What `${...}` and `$$` become, rule by rule (collector.md 1.3).
#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::fs;

use config::{Loaded, Problems, Request, load};

/// Variables of all stories here.
fn variable(name: &str) -> Option<String> {
    let value = match name {
        "PORT" => "4319",
        "OCTAL" => "0123",
        "HEX" => "0xdeadbeef",
        "EXPONENT" => "1e3",
        "DATE" => "2024-01-02",
        "BOOL" => "true",
        "LIST" => "[a, b]",
        "MAP" => "{a: 1}",
        "BAD_YAML" => "[a",
        "EMPTY" => "",
        "NAME" => "PORT",
        "AGAIN" => "${env:PORT}",
        "LIST_AGAIN" => "[\"${env:PORT}\", x]",
        "DOLLARS" => "a$$b",
        "LOOP" => "${env:LOOP}",
        "NESTED_LOOP" => "{a: \"${env:NESTED_LOOP}\"}",
        "BOMB" => "${env:BOMB}${env:BOMB}",
        "WIDE_BOMB" => "[\"${env:WIDE_BOMB}\", \"${env:WIDE_BOMB}\"]",
        "QUOTED" => "\"x\"",
        _ => return None,
    };
    Some(value.to_owned())
}

fn try_load(documents: &[&str]) -> Result<Loaded, Problems> {
    let uris: Vec<String> = documents.iter().map(|document| (*document).to_owned()).collect();
    load(&Request { uris: &uris, sets: &[], gates: &[], environment: &variable })
}

/// `value` as the value of a key, expanded, in the notation of the tree.
fn expand(value: &str) -> String {
    let document = format!("yaml:extensions: {{x: {{v: {value}}}}}");
    let loaded = try_load(&[&document]).unwrap_or_else(|problems| panic!("{value}: {}", problems.render()));
    format!("{:?}", loaded.extensions[0].node.get("v").expect("the key is there"))
}

/// The string that a string field would get.
fn expand_text(value: &str) -> Option<String> {
    let document = format!("yaml:extensions: {{x: {{v: {value}}}}}");
    let loaded = try_load(&[&document]).expect("it expands");
    loaded.extensions[0].node.get("v").and_then(|node| node.as_str().map(str::to_owned))
}

fn refusal(value: &str) -> String {
    let document = format!("yaml:extensions: {{x: {{v: {value}}}}}");
    let problems = try_load(&[&document]).expect_err("it does not expand");
    problems.sorted().first().map(|problem| problem.message.clone()).unwrap_or_default()
}

#[test]
fn values_are_found_typed_and_joined() {
    let cases = [
        // A whole scalar keeps the type of the value.
        ("'${env:PORT}'", "4319"),
        ("'${PORT}'", "4319"),
        ("'${env:OCTAL}'", "83"),
        ("'${env:HEX}'", "3735928559"),
        ("'${env:EXPONENT}'", "1000.0"),
        ("'${env:DATE}'", "\"2024-01-02\""),
        ("'${env:BOOL}'", "true"),
        ("'${env:LIST}'", "[\"a\", \"b\"]"),
        ("'${env:MAP}'", "{\"a\": 1}"),
        ("'${env:BAD_YAML}'", "\"[a\""),
        ("'${env:QUOTED}'", "\"\\\"x\\\"\""),
        // Inside a longer string everything is text.
        ("'x-${env:OCTAL}'", "\"x-0123\""),
        ("'test_${env:BOOL}'", "\"test_true\""),
        ("'${env:PORT}:${env:PORT}'", "\"4319:4319\""),
        // Innermost first, and again what a value brings.
        ("'${env:${env:NAME}}'", "4319"),
        ("'${env:AGAIN}'", "4319"),
        ("'a ${env:AGAIN}'", "\"a 4319\""),
        ("'${env:LIST_AGAIN}'", "[4319, \"x\"]"),
        ("['${env:PORT}', {a: '${env:BOOL}'}]", "[4319, {\"a\": true}]"),
        // Defaults are for unset variables only.
        ("'${env:UNSET:-5}'", "5"),
        ("'${env:UNSET:-}'", "null"),
        ("'${env:PORT:-5}'", "4319"),
        ("'${env:EMPTY:-dd}'", "null"),
        ("'${env:UNSET}'", "null"),
        ("'a${env:UNSET}b'", "\"ab\""),
        // Inline YAML.
        ("'${yaml:detailed}'", "\"detailed\""),
        ("'${yaml:a: [1]}'", "{\"a\": [1]}"),
        // Escapes, and what is no expansion at all.
        ("'$${env:PORT}'", "\"${env:PORT}\""),
        ("'$$${env:PORT}'", "\"$4319\""),
        ("'$$$${env:PORT}'", "\"$${env:PORT}\""),
        ("'a$$b'", "\"a$b\""),
        ("'$'", "\"$\""),
        ("'$PORT'", "\"$PORT\""),
        ("'{PORT}'", "\"{PORT}\""),
        ("'${env:PORT'", "\"${env:PORT\""),
        ("'$${a} ${env:PORT}'", "\"${a} ${env:PORT}\""),
        ("'${env:DOLLARS}'", "\"a$b\""),
        ("'x ${env:DOLLARS}'", "\"x a$b\""),
        ("'} ${env:PORT}'", "\"} 4319\""),
    ];
    for (value, expected) in cases {
        assert_eq!(expand(value), expected, "{value}");
    }
}

#[test]
fn a_string_field_gets_the_text_of_a_whole_scalar() {
    let cases = [
        ("'${env:OCTAL}'", Some("0123")),
        ("'${env:HEX}'", Some("0xdeadbeef")),
        ("'${env:EXPONENT}'", Some("1e3")),
        ("'${env:BOOL}'", Some("true")),
        ("'${env:LIST}'", Some("[a, b]")),
        ("'${env:EMPTY}'", Some("")),
        ("'${env:DOLLARS}'", Some("a$b")),
        ("5", None),
    ];
    for (value, expected) in cases {
        assert_eq!(expand_text(value).as_deref(), expected, "{value}");
    }
}

#[test]
fn what_cannot_be_expanded_is_refused() {
    let name = "has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$";
    let cases = [
        ("'${env:1x}'", format!("environment variable \"1x\" {name}")),
        ("'${env:}'", format!("environment variable \"\" {name}")),
        ("'${vault:x}'", "scheme \"vault\" is not supported for uri \"vault:x\"".to_owned()),
        ("'${PORT:-5}'", "scheme \"PORT\" is not supported for uri \"PORT:-5\"".to_owned()),
        ("'${s_3:x}'", "invalid uri: \"s_3:x\"".to_owned()),
        ("'${env:$PORT}'", "the uri \"env:$PORT\" contains unsupported characters ('$')".to_owned()),
        ("'${https://x/y}'", "configuration over https: is not supported yet; download it to a file".to_owned()),
        ("'a ${env:MAP}'", "expanding ${env:MAP}: a map or list cannot be part of a longer string".to_owned()),
        ("'${env:LOOP}'", "too many recursive expansions".to_owned()),
        ("'${env:NESTED_LOOP}'", "too many recursive expansions".to_owned()),
        ("'${env:BOMB}'", "too many recursive expansions".to_owned()),
        ("'${env:WIDE_BOMB}'", "too many recursive expansions".to_owned()),
    ];
    for (value, expected) in cases {
        assert_eq!(refusal(value), expected, "{value}");
    }
}

#[test]
fn keys_are_left_alone() {
    let loaded = try_load(&["yaml:extensions: {x: {'${env:PORT}': 1}}"]).expect("it loads");

    assert_eq!(format!("{:?}", loaded.extensions[0].node), "{\"${env:PORT}\": 1}");
}

#[test]
fn an_unset_variable_is_a_warning_and_an_empty_one_a_note() {
    let loaded = try_load(&["yaml:extensions: {x: {a: '${env:UNSET}', b: '${env:EMPTY}', c: '${env:UNSET:-}'}}"]);

    let text = loaded.expect("it loads").problems.render();
    let unset = "<--config 1>:1:21: warning: Configuration references unset environment variable \"UNSET\"\n";
    let empty = "<--config 1>:1:40: note: Configuration references empty environment variable \"EMPTY\"\n";
    assert!(text.contains(unset) && text.contains(empty), "{text}");
    assert_eq!(text.matches("variable \"UNSET\"").count(), 1, "{text}");
}

#[test]
fn block_style_needs_no_quotes() {
    let loaded = try_load(&["yaml:extensions:\n  x:\n    port: ${env:PORT}\n    address: ${env:PORT}:${PORT}\n"]);

    let node = loaded.expect("it loads").extensions[0].node.clone();
    assert_eq!(format!("{node:?}"), "{\"port\": 4319, \"address\": \"4319:4319\"}");
}

#[test]
fn a_file_is_parsed_and_its_values_keep_their_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("part.yaml");
    fs::write(&part, "otlp:\n  port: 1\n").expect("a file");
    let document = format!("yaml:receivers: '${{file:{}}}'", part.display());

    let loaded = try_load(&[&document]).expect("it loads");

    let port = loaded.receivers[0].node.as_map().and_then(|map| map.entry("port")).expect("the key is there");
    let place = loaded.problems.describe(port.mark).expect("a place");
    assert_eq!(place, format!("{}:2:3", part.display()));
}
