//! Several sources into one: later wins, mappings merge, an explicit null erases.

use crate::node::{Entry, Map, Mark, Node, Value};
use crate::problems::Problems;
use crate::yaml::MAX_DEPTH;

/// Puts `over` on top of `base`.
pub(crate) fn merge(base: Node, over: Node, append_lists: bool, problems: &mut Problems) -> Node {
    Merger { append_lists, problems, path: Vec::new() }.merge(base, over)
}

struct Merger<'a> {
    append_lists: bool,
    problems: &'a mut Problems,
    path: Vec<String>,
}

impl Merger<'_> {
    fn merge(&mut self, base: Node, over: Node) -> Node {
        match (base.value, over.value) {
            (Value::Map(below), Value::Map(overlay)) => {
                Node::new(Value::Map(self.merge_maps(below, overlay)), base.mark)
            }
            (Value::List(first), Value::List(second)) if self.append_lists && self.is_appended() => {
                Node { value: Value::List(append(first, second)), text: None, ..over }
            }
            (erased, Value::Null) => {
                self.warn_of_erasure(&erased, base.mark, over.mark);
                Node { value: Value::Null, ..over }
            }
            (_, value) => Node { value, ..over },
        }
    }

    fn merge_maps(&mut self, mut base: Map, overlay: Map) -> Map {
        for entry in overlay {
            match base.entry_mut(&entry.key) {
                None => base.push(entry),
                Some(slot) => {
                    let below = std::mem::replace(&mut slot.value, Node::null(entry.mark));
                    self.path.push(entry.key);
                    slot.value = self.merge(below, entry.value);
                    self.path.pop();
                    slot.mark = entry.mark;
                }
            }
        }
        base
    }

    /// A null that erases an earlier section is the documented trap of several sources.
    fn warn_of_erasure(&mut self, erased: &Value, base: Mark, null: Mark) {
        let lost = match erased {
            Value::Map(map) => !map.is_empty(),
            Value::List(items) => !items.is_empty(),
            _ => false,
        };
        if !lost {
            return;
        }
        let path = self.path.join("::");
        let place = self.problems.describe(base).map_or(String::new(), |place| format!(" at {place}"));
        let help = "leave the key out to keep the section, or write {} to say that it is empty".to_owned();
        self.problems.warn(null, format!("'{path}' is null and erases the section given{place}"), Some(help));
    }

    /// Gate `confmap.enableMergeAppendOption`: `service::extensions`, `service::**::receivers` and `::exporters`.
    fn is_appended(&self) -> bool {
        match self.path.as_slice() {
            [service, rest @ ..] if service == "service" => match rest {
                [key] => key == "extensions",
                [.., last] => last == "receivers" || last == "exporters",
                [] => false,
            },
            _ => false,
        }
    }
}

fn append(mut first: Vec<Node>, second: Vec<Node>) -> Vec<Node> {
    for node in second {
        if !first.iter().any(|known| known.value == node.value) {
            first.push(node);
        }
    }
    first
}

/// Splits keys at `::`, as the Collector does everywhere: `a::b: 1` is `a: {b: 1}`.
pub(crate) fn split_keys(node: Node, problems: &mut Problems) -> Node {
    split_below(node, 0, problems)
}

fn split_below(node: Node, depth: usize, problems: &mut Problems) -> Node {
    let value = match node.value {
        Value::List(items) => {
            let depth = depth.saturating_add(1);
            Value::List(items.into_iter().map(|item| split_below(item, depth, problems)).collect())
        }
        Value::Map(map) => {
            let mut whole = Node::new(Value::Map(Map::default()), node.mark);
            for entry in map {
                let depth = depth.saturating_add(entry.key.split("::").count());
                if depth > MAX_DEPTH {
                    problems.error(entry.mark, format!("nested deeper than {MAX_DEPTH} levels"));
                    continue;
                }
                let part = nest(&entry.key, split_below(entry.value, depth, problems), entry.mark);
                whole = merge(whole, part, false, problems);
            }
            whole.value
        }
        value => value,
    };
    Node { value, ..node }
}

/// `a::b` and a value become `{a: {b: value}}`.
pub(crate) fn nest(key: &str, value: Node, mark: Mark) -> Node {
    key.rsplit("::").fold(value, |inside, part| {
        let mut map = Map::default();
        map.push(Entry { key: part.to_owned(), mark, value: inside });
        Node::new(Value::Map(map), mark)
    })
}
