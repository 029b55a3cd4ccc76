//! Lines as YAML.

use std::fmt::Write as _;

use super::end::{EndPattern, External, Named, Shape};
use super::file::State;
use super::pattern::Pattern;
use super::port::Port;

/// A scalar that reads back as this text, whatever is in it.
pub(super) fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.chars().all(plain);
    match is_plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        true => text.to_owned(),
        // A JSON string is YAML.
        false => serde_json::Value::from(text).to_string(),
    }
}

/// A comment of one line, whatever is in it.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn list(texts: impl Iterator<Item = String>) -> String {
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

/// An end, on one line.
pub(super) fn end(end: &EndPattern) -> String {
    match (&end.group, end.shapes.as_slice()) {
        (Some(group), _) => format!("{{ group: {} }}", scalar(group)),
        (None, [Shape::Named(it)]) => format!("{{ {} }}", named(it)),
        (None, [Shape::External(it)]) => format!("{{ external: {{ {} }} }}", external(it)),
        (None, _) => "{ name: \"*\" }".to_owned(),
    }
}

fn named(named: &Named) -> String {
    let text = |key: &str, pattern: &Option<Pattern>| pattern.as_ref().map(|it| format!("{key}: {}", scalar(&it.0)));
    let kind = named.kind.map(|kind| format!("kind: {kind}"));
    let parts = [
        text("cluster", &named.cluster),
        text("ns", &named.ns),
        kind,
        text("name", &named.name),
        text("service", &named.service),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "name: \"*\"".to_owned() } else { parts.join(", ") }
}

fn external(external: &External) -> String {
    let mut parts = Vec::new();
    if !external.dns.is_empty() {
        parts.push(format!("dns: {}", list(external.dns.iter().map(|it| scalar(&it.0)))));
    }
    if !external.networks.is_empty() {
        parts.push(format!("cidr: {}", list(external.networks.iter().map(|it| scalar(it)))));
    }
    if !external.kinds.is_empty() {
        parts.push(format!("type: {}", list(external.kinds.iter().map(|it| scalar(it.as_str())))));
    }
    parts.extend(external.name.iter().map(|it| format!("name: {}", scalar(&it.0))));
    if !external.ports.is_empty() {
        parts.push(format!("ports: {}", list(external.ports.iter().map(ToString::to_string))));
    }
    parts.join(", ")
}

pub(super) fn port(port: &Port) -> String {
    let number = port.number.map(|number| format!("port: {number}"));
    let transport = port.transport.map(|transport| format!("transport: {}", transport.as_str()));
    let protocols = (!port.protocols.is_empty())
        .then(|| format!("protocols: {}", list(port.protocols.iter().map(|it| scalar(it)))));
    format!("{{ {} }}", [number, transport, protocols].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// A line, as an item of a list at this indent.
pub(super) fn line(
    indent: usize,
    ends: (&EndPattern, &EndPattern),
    ports: &[Port],
    state: State,
    note: &str,
) -> String {
    let space = " ".repeat(indent);
    let mut text = format!("{space}- from: {}\n{space}  to: {}\n", end(ends.0), end(ends.1));
    // Writing to a String cannot fail.
    if !ports.is_empty() {
        let _ = writeln!(text, "{space}  ports: {}", list(ports.iter().map(port)));
    }
    let _ = writeln!(text, "{space}  state: {}", state.as_str());
    if !note.is_empty() {
        let _ = writeln!(text, "{space}  note: {}", scalar(note));
    }
    text
}
