//! `${...}` in values: which text is found first, which type the result has, what `$$` means.
//!
//! The algorithm is the Collector's (`confmap/expand.go`), its quirks included: people's files rely on them.

use crate::node::{Entry, Map, Mark, Node, Style, Value};
use crate::problems::Problems;
use crate::source::{Environment, RetrieveError, retrieve, split_scheme};
use crate::yaml::{self, MAX_DEPTH};

/// Most expansions of one scalar, one after the other.
const MAX_ROUNDS: usize = 1000;
/// Most expansions of one configuration.
const MAX_EXPANSIONS: usize = 20_000;
/// Most bytes that expansions of one configuration may bring in.
const MAX_BYTES: usize = 64 << 20;
/// Longest text that expansion may grow.
const LONGEST_TEXT: usize = 4 << 20;

/// Expands every value of the tree, and then reduces `$$` to `$`.
pub(crate) fn expand(root: Node, environment: &Environment<'_>, problems: &mut Problems) -> Node {
    let mut expander = Expander { environment, problems, expansions: 0, bytes: 0 };
    let mut root = expander.node(root, 0);
    root.for_each_scalar(&mut unescape);
    root
}

fn unescape(node: &mut Node) {
    if let Value::String(text) = &mut node.value
        && text.contains("$$")
    {
        *text = text.replace("$$", "$");
    }
    if node.style == Style::Expanded
        && let Some(text) = &mut node.text
    {
        *text = text.replace("$$", "$");
    }
}

struct Expander<'a> {
    environment: &'a Environment<'a>,
    problems: &'a mut Problems,
    expansions: usize,
    bytes: usize,
}

/// What stood behind a `${...}`.
struct Found {
    node: Node,
    text: String,
}

impl Expander<'_> {
    fn node(&mut self, node: Node, depth: usize) -> Node {
        let Node { value, mark, text, style } = node;
        if depth > MAX_DEPTH {
            return self.too_many(mark);
        }
        let inside = depth.saturating_add(1);
        match value {
            Value::String(value) if may_expand(&value) => self.scalar(value, mark, depth),
            Value::List(items) => {
                let items = items.into_iter().map(|item| self.node(item, inside)).collect();
                Node { value: Value::List(items), mark, text, style }
            }
            Value::Map(map) => {
                let mut expanded = Map::default();
                for entry in map {
                    let value = self.node(entry.value, inside);
                    expanded.push(Entry { value, ..entry });
                }
                Node { value: Value::Map(expanded), mark, text, style }
            }
            value => Node { value, mark, text, style },
        }
    }

    fn scalar(&mut self, mut text: String, mark: Mark, depth: usize) -> Node {
        for _ in 0..MAX_ROUNDS {
            let Some(uri) = find_uri(&text).map(str::to_owned) else {
                return Node::string(text, mark);
            };
            let whole = uri == text;
            let Some(found) = self.fetch(&uri, mark) else {
                return Node::null(mark);
            };
            text = match (whole, found.node.value) {
                (true, Value::String(_)) => found.text,
                (true, value) => return self.typed(Node { value, ..found.node }, &found.text, mark, depth),
                (false, Value::List(_) | Value::Map(_)) => {
                    self.problems
                        .error(mark, format!("expanding {uri}: a map or list cannot be part of a longer string"));
                    return Node::null(mark);
                }
                (false, _) if grown(&text, &uri, &found.text) > LONGEST_TEXT => break,
                (false, _) => text.replace(&uri, &found.text),
            };
        }
        self.too_many(mark)
    }

    /// The whole scalar was one `${...}`: the value keeps its type and remembers its text for string fields.
    fn typed(&mut self, value: Node, text: &str, mark: Mark, depth: usize) -> Node {
        let value = self.node(value, depth.saturating_add(1)).value;
        let text = match value {
            Value::List(_) | Value::Map(_) if may_expand(text) => None,
            _ => Some(text.to_owned()),
        };
        Node { value, mark, text, style: Style::Expanded }
    }

    fn fetch(&mut self, uri: &str, mark: Mark) -> Option<Found> {
        self.expansions = self.expansions.saturating_add(1);
        if self.expansions > MAX_EXPANSIONS || self.bytes > MAX_BYTES {
            self.too_many(mark);
            return None;
        }
        let inner = uri.strip_prefix("${").and_then(|uri| uri.strip_suffix('}')).unwrap_or(uri);
        let (scheme, rest) = if inner.contains(':') {
            match split_scheme(inner) {
                Some(parts) => parts,
                None => {
                    self.problems.error(mark, format!("invalid uri: {inner:?}"));
                    return None;
                }
            }
        } else {
            ("env", inner)
        };
        if rest.contains('$') {
            let message = format!("the uri \"{scheme}:{rest}\" contains unsupported characters ('$')");
            self.problems.error(mark, message);
            return None;
        }
        match retrieve(scheme, rest, self.environment, mark, self.problems) {
            Ok(text) => {
                self.bytes = self.bytes.saturating_add(text.len());
                Some(self.parse(scheme, rest, text, mark))
            }
            Err(error) => {
                let help = remedy(&error);
                self.problems.error_with_help(mark, error.to_string(), help);
                None
            }
        }
    }

    /// The text as YAML; what is no YAML is a string. Values of a file keep their places in it.
    fn parse(&mut self, scheme: &str, rest: &str, text: String, mark: Mark) -> Found {
        let source = if scheme == "file" { self.problems.add_source(rest, text.clone()) } else { mark.source };
        let node = match yaml::parse(&text, source) {
            Ok(document) => document.root,
            Err(_) => Node::string(text.clone(), mark),
        };
        let node = if scheme == "file" { node } else { node.moved_to(mark) };
        Found { node, text }
    }

    fn too_many(&mut self, mark: Mark) -> Node {
        self.problems.error(mark, "too many recursive expansions");
        Node::null(mark)
    }
}

/// `${NAME:-default}` reads like a scheme called `NAME`.
fn remedy(error: &RetrieveError) -> Option<String> {
    match error {
        RetrieveError::UnknownScheme { scheme, rest } if rest.starts_with('-') => {
            Some(format!("a default needs the scheme: ${{env:{scheme}:{rest}}}"))
        }
        RetrieveError::UnknownScheme { .. } => Some("schemes are env:, file: and yaml:".to_owned()),
        _ => None,
    }
}

/// The length of `text` after the replacement, without making it.
fn grown(text: &str, uri: &str, value: &str) -> usize {
    text.len().saturating_add(text.matches(uri).count().saturating_mul(value.len()))
}

fn may_expand(text: &str) -> bool {
    text.contains("${") && text.contains('}')
}

/// The first innermost `${...}`, unless it is escaped; after an escaped one the rest is not looked at.
fn find_uri(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let close = rest.find('}')?;
        let head = rest.get(..=close)?;
        let Some(open) = head.rfind("${") else {
            rest = rest.get(close.checked_add(1)?..)?;
            continue;
        };
        let before = head.get(..open)?;
        let dollars = before.len().saturating_sub(before.trim_end_matches('$').len());
        return if dollars % 2 == 1 { None } else { head.get(open..) };
    }
}
