//! Files of Kubernetes objects: several documents in one text.

use config::{Node, Problems, Value, read_tree};

/// The documents of a text, with the places that they have in it. `None` for a text with errors.
pub(super) fn read(name: &str, text: &str, problems: &mut Problems) -> Option<Vec<Node>> {
    let errors_before = problems.error_count();
    let mut documents = Vec::new();
    for document in split(text) {
        let Some(root) = read_tree(name, &document, problems) else { continue };
        match root.get("kind").and_then(Node::as_str) {
            Some("List") => {
                documents.extend(root.get("items").and_then(Node::as_list).unwrap_or_default().iter().cloned());
            }
            Some(_) => documents.push(root),
            None => {}
        }
    }
    (problems.error_count() == errors_before).then_some(documents)
}

/// Each document after as many empty lines as stand before it, so that places are those of the whole text.
fn split(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for (number, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") {
            documents.push("\n".repeat(number.saturating_add(1)));
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}

/// A scalar somewhere inside.
pub(super) fn text<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    path.iter().try_fold(node, |node, key| node.get(key))?.as_str()
}

/// Without places, to compare.
pub(super) fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => i64::try_from(*value).map_or(serde_json::Value::Null, Into::into),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(map) => map.iter().map(|entry| (entry.key.clone(), plain(&entry.value))).collect(),
    }
}
