//! Where configuration comes from: `--config` in its schemes, `--set`, and what `${...}` names.

use std::io::{ErrorKind, Read as _};

use crate::expand::expand;
use crate::gates::{Gates, MERGE_APPEND};
use crate::merge::{merge, nest, split_keys};
use crate::node::{Map, Mark, Node, SourceId, Value};
use crate::problems::{Problems, Severity};
use crate::yaml::{self, YamlError};

/// Largest file that is read.
const LARGEST_FILE: u64 = 16 << 20;

/// The environment variables, handed in so that nobody reads the process's own by surprise.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What a run of Tidewatch was given.
pub struct Request<'a> {
    /// Each `--config`.
    pub uris: &'a [String],
    /// Each `--set`.
    pub sets: &'a [String],
    /// Each `--feature-gates`.
    pub gates: &'a [String],
    /// The environment variables.
    pub environment: &'a Environment<'a>,
}

/// All sources merged and expanded, or nothing after errors were reported.
pub(crate) fn resolve(request: &Request<'_>, gates: &Gates, problems: &mut Problems) -> Option<Node> {
    if request.uris.is_empty() {
        let help = "for instance `--config file:tidewatch.yaml`".to_owned();
        problems.error_with_help(Mark::NOWHERE, "at least one config flag must be provided", Some(help));
        return None;
    }
    let append_lists = gates.is_open(MERGE_APPEND);
    let mut whole: Option<Node> = None;
    let mut documents = Vec::new();
    for (uri, number) in request.uris.iter().zip(1..) {
        documents.extend(document(uri, number, request.environment, problems));
    }
    for set in request.sets {
        documents.extend(setting(set, problems));
    }
    for document in documents {
        let document = split_keys(document, problems);
        whole = Some(match whole {
            Some(base) => merge(base, document, append_lists, problems),
            None => document,
        });
    }
    let whole = whole.filter(|_| !problems.has_errors())?;
    let expanded = split_keys(expand(whole, request.environment, problems), problems);
    (!problems.has_errors()).then_some(expanded)
}

/// One `--config`, the how-manieth.
fn document(uri: &str, number: usize, environment: &Environment<'_>, problems: &mut Problems) -> Option<Node> {
    let (scheme, rest) = match location(uri) {
        Ok(parts) => parts,
        Err(message) => {
            problems.error(Mark::NOWHERE, message);
            return None;
        }
    };
    let text = match retrieve(scheme, rest, environment, Mark::NOWHERE, problems) {
        Ok(text) => text,
        Err(RetrieveError::UnknownScheme { .. }) => {
            problems.error(Mark::NOWHERE, format!("unsupported scheme on URI {uri:?}"));
            return None;
        }
        Err(error) => {
            problems.error(Mark::NOWHERE, error.to_string());
            return None;
        }
    };
    let name = match scheme {
        "file" => rest.to_owned(),
        "yaml" => format!("<--config {number}>"),
        _ => uri.to_owned(),
    };
    let source = problems.add_source(name, text.clone());
    match parse_document(&text, source, problems) {
        Ok(node) => as_map(node, problems),
        Err(error) => {
            problems.error_with_help(error.mark, error.message, error.help);
            None
        }
    }
}

fn parse_document(text: &str, source: SourceId, problems: &mut Problems) -> Result<Node, YamlError> {
    let document = yaml::parse(text, source)?;
    if let Some(mark) = document.second {
        problems.warn(mark, "only the first YAML document of a source is read", None);
    }
    Ok(document.root)
}

/// A source is a mapping, or nothing at all.
fn as_map(node: Node, problems: &mut Problems) -> Option<Node> {
    match node.value {
        Value::Map(_) => Some(node),
        Value::Null => Some(Node::new(Value::Map(Map::default()), node.mark)),
        _ => {
            let message = format!("retrieved value (type={}) cannot be used as a Conf", node.go_type());
            let help = "a configuration is a mapping: `receivers: ...`".to_owned();
            problems.error_with_help(node.mark, message, Some(help));
            None
        }
    }
}

/// One `--set a.b.c=value`.
fn setting(set: &str, problems: &mut Problems) -> Option<Node> {
    let Some((path, value)) = set.split_once('=') else {
        let message = format!("invalid argument {set:?} for \"--set\" flag: missing equal sign");
        problems.error(Mark::NOWHERE, message);
        return None;
    };
    let source = problems.add_source(format!("<--set {path}>"), value);
    let path = path.trim().replace('.', "::");
    let mark = Mark { source, line: 1, column: 1 };
    match parse_document(value, source, problems) {
        Ok(node) => Some(nest(&path, node, mark)),
        Err(error) => {
            problems.error_with_help(error.mark, error.message, error.help);
            None
        }
    }
}

/// Scheme and rest of a `--config`; without a scheme it is a file.
fn location(uri: &str) -> Result<(&str, &str), String> {
    let drive = uri.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && uri.as_bytes().get(1) == Some(&b':');
    if drive || !uri.contains(':') {
        return Ok(("file", uri));
    }
    split_scheme(uri).ok_or_else(|| format!("invalid uri: {uri:?}"))
}

/// `^[A-Za-z][A-Za-z0-9+.-]+:`.
pub(crate) fn split_scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let valid = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
    valid.then_some((scheme, rest))
}

/// Why nothing could be retrieved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetrieveError {
    #[error("scheme {scheme:?} is not supported for uri \"{scheme}:{rest}\"")]
    UnknownScheme { scheme: String, rest: String },
    #[error("configuration over {0}: is not supported yet; download it to a file")]
    NotYet(String),
    #[error("environment variable {0:?} has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$")]
    VariableName(String),
    #[error("cannot retrieve the configuration: unable to read the file file:{path}: open {path}: {reason}")]
    File { path: String, reason: String },
}

/// The text behind a scheme.
pub(crate) fn retrieve(
    scheme: &str,
    rest: &str,
    environment: &Environment<'_>,
    mark: Mark,
    problems: &mut Problems,
) -> Result<String, RetrieveError> {
    match scheme {
        "file" => read_file(rest),
        "yaml" => Ok(rest.to_owned()),
        "env" => variable(rest, environment, mark, problems),
        "http" | "https" => Err(RetrieveError::NotYet(scheme.to_owned())),
        _ => Err(RetrieveError::UnknownScheme { scheme: scheme.to_owned(), rest: rest.to_owned() }),
    }
}

/// `NAME` or `NAME:-default`; the default stands in for an unset variable, not for an empty one.
fn variable(
    rest: &str,
    environment: &Environment<'_>,
    mark: Mark,
    problems: &mut Problems,
) -> Result<String, RetrieveError> {
    let (name, default) = match rest.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (rest, None),
    };
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !valid {
        return Err(RetrieveError::VariableName(name.to_owned()));
    }
    match (environment(name), default) {
        (Some(value), _) => {
            if value.is_empty() {
                let message = format!("Configuration references empty environment variable {name:?}");
                problems.add(Severity::Note, mark, message, None);
            }
            Ok(value)
        }
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            let message = format!("Configuration references unset environment variable {name:?}");
            problems.warn(mark, message, Some(format!("set it, or give a default: ${{env:{name}:-value}}")));
            Ok(String::new())
        }
    }
}

fn read_file(path: &str) -> Result<String, RetrieveError> {
    let failed = |reason: String| RetrieveError::File { path: path.to_owned(), reason };
    let describe = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => failed("no such file or directory".to_owned()),
        ErrorKind::PermissionDenied => failed("permission denied".to_owned()),
        ErrorKind::IsADirectory => failed("is a directory".to_owned()),
        _ => failed(error.to_string()),
    };
    let file = std::fs::File::open(path).map_err(describe)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE.saturating_add(1)).read_to_end(&mut bytes).map_err(describe)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_FILE {
        return Err(failed(format!("larger than {} MiB", LARGEST_FILE >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| failed("not valid UTF-8".to_owned()))
}
