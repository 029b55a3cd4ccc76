//! `print-config`: what comes out is the same configuration, without its secrets.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use config::{Loaded, Request, load, print_json, print_yaml};

fn loaded(document: &str) -> Loaded {
    let uris = [format!("yaml:{document}")];
    load(&Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None }).expect("it loads")
}

const DOCUMENT: &str = "\
extensions:
  a:
    text: plain words
    quoted: '0123'
    octal: 0123
    odd: \"a: b\\n#\"
    list: [1, {x: y, z: []}, [true]]
    none:
    empty: {}
    float: 1.5
    headers: {authorization: Bearer x}
";

#[test]
fn yaml_comes_back_as_it_went_in() {
    let first = loaded(DOCUMENT);

    let text = print_yaml(&first.resolved, &|_| false);
    let second = loaded(&text);

    assert_eq!(format!("{:?}", first.resolved), format!("{:?}", second.resolved), "{text}");
    assert!(text.contains("    text: plain words\n    quoted: \"0123\"\n    octal: 0123\n"), "{text}");
}

#[test]
fn secrets_do_not_come_out() {
    let secret = |path: &[&str]| path.contains(&"headers");

    let yaml = print_yaml(&loaded(DOCUMENT).resolved, &secret);
    let json = print_json(&loaded(DOCUMENT).resolved, &secret);

    assert!(yaml.contains("authorization: \"[REDACTED]\"") && !yaml.contains("Bearer"), "{yaml}");
    assert!(json.contains("\"authorization\":\"[REDACTED]\"") && !json.contains("Bearer"), "{json}");
}

#[test]
fn json_is_on_one_line() {
    let json = print_json(&loaded("extensions: {a: {x: [1, 2.5, ~, true, \"q\\\"\"]}}").resolved, &|_| false);

    assert_eq!(json, "{\"extensions\":{\"a\":{\"x\":[1,2.5,null,true,\"q\\\"\"]}}}\n");
}
