//! `tidewatch components`: what this binary is made of, as YAML.

use std::process::ExitCode;

use component::Identity;
use pdata::Signal;

use super::VERSION;
use crate::tables::TABLES;

/// Prints the lists.
pub fn components() -> ExitCode {
    print!("{}", text());
    ExitCode::SUCCESS
}

fn text() -> String {
    let mut text = format!("buildinfo:\n  command: tidewatch\n  version: {VERSION}\n");
    section(
        &mut text,
        "receivers",
        TABLES.receivers.iter().map(|factory| (&factory.identity, signals(factory.signals))),
    );
    section(
        &mut text,
        "processors",
        TABLES.processors.iter().map(|factory| (&factory.identity, signals(factory.signals))),
    );
    section(
        &mut text,
        "exporters",
        TABLES.exporters.iter().map(|factory| (&factory.identity, signals(factory.signals))),
    );
    section(&mut text, "connectors", TABLES.connectors.iter().map(|factory| (&factory.identity, pairs(factory.pairs))));
    section(
        &mut text,
        "extensions",
        TABLES.extensions.iter().map(|factory| (&factory.identity, vec!["extension".into()])),
    );
    text.push_str("providers:\n  - scheme: env\n  - scheme: file\n  - scheme: yaml\n");
    text
}

fn signals(signals: &[Signal]) -> Vec<String> {
    signals.iter().map(ToString::to_string).collect()
}

fn pairs(pairs: &[(Signal, Signal)]) -> Vec<String> {
    pairs.iter().map(|(from, to)| format!("{from}-to-{to}")).collect()
}

fn section<'a>(text: &mut String, name: &str, entries: impl Iterator<Item = (&'a Identity, Vec<String>)>) {
    text.push_str(&format!("{name}:\n"));
    for (identity, supports) in entries {
        text.push_str(&format!("  - name: {}\n", identity.name));
        if let Some(alias) = identity.alias {
            text.push_str(&format!("    alias: {alias}\n"));
        }
        text.push_str("    stability:\n");
        for support in supports {
            text.push_str(&format!("      {support}: {}\n", identity.stability.name()));
        }
    }
}
