//! `tidewatch print-config`: the configuration after merging and expansion.

use std::process::ExitCode;

use config::{ComponentId, KeyDoc, is_secret, print_json, print_yaml};

use super::{load, prepare, refuse};
use crate::cli::{Format, Mode, Sources};
use crate::tables::TABLES;

/// Prints it, after checking it if asked to.
pub fn print_config(sources: &Sources, format: Format, mode: Mode, validate: bool) -> ExitCode {
    let loaded = if validate { prepare(sources).map(|(loaded, _, _)| loaded) } else { load(sources) };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(&problems),
    };
    let hides = |path: &[&str]| mode == Mode::Redacted && holds_secret(path);
    let print = if format == Format::Json { print_json } else { print_yaml };
    print!("{}", print(&loaded.resolved, &hides));
    ExitCode::SUCCESS
}

/// True if the component's documentation calls the key a secret.
fn holds_secret(path: &[&str]) -> bool {
    let [section, id, rest @ ..] = path else { return false };
    let keys = ComponentId::parse(id).ok().and_then(|id| keys(section, &id));
    keys.is_some_and(|keys| is_secret(&keys, rest))
}

fn keys(section: &str, id: &ComponentId) -> Option<Vec<KeyDoc>> {
    let identities: Vec<_> = match section {
        "receivers" => TABLES.receivers.iter().map(|factory| &factory.identity).collect(),
        "processors" => TABLES.processors.iter().map(|factory| &factory.identity).collect(),
        "exporters" => TABLES.exporters.iter().map(|factory| &factory.identity).collect(),
        "connectors" => TABLES.connectors.iter().map(|factory| &factory.identity).collect(),
        "extensions" => TABLES.extensions.iter().map(|factory| &factory.identity).collect(),
        _ => Vec::new(),
    };
    let identity = identities.into_iter().find(|identity| identity.is_called(id.kind()))?;
    Some((identity.keys)())
}
