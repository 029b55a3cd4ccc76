//! Links out of the map: templates with names in braces.

use crate::NodeId;

/// Templates of links, for instance `https://tracing.example/trace/{trace_id}`. Names in them: `{trace_id}`;
/// `{cluster}`, `{namespace}`, `{kind}`, `{name}`, `{pod}`, `{from}` and `{to}` (milliseconds since the epoch).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// Of a trace.
    pub trace: Option<String>,
    /// Of the logs of a node or of one of its pods.
    pub logs: Option<String>,
}

impl Links {
    /// The link of a trace.
    pub fn of_trace(&self, trace: &[u8; 16]) -> Option<String> {
        fill(self.trace.as_deref()?, &[("trace_id", &hex(trace))])
    }

    /// The link of the logs of a node, or of one of its pods.
    pub fn of_logs(&self, id: &NodeId, pod: &str, from: u64, to: u64) -> Option<String> {
        let (kind, from, to) = (id.kind.to_string(), from.to_string(), to.to_string());
        let values = [
            ("cluster", &*id.cluster),
            ("namespace", &*id.namespace),
            ("kind", &kind),
            ("name", &*id.name),
            ("pod", pod),
            ("from", &from),
            ("to", &to),
        ];
        fill(self.logs.as_deref()?, &values)
    }
}

/// As traces are written.
pub(super) fn hex(trace: &[u8; 16]) -> String {
    trace.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Values are percent-encoded: a name cannot become a path, a query or a script. Only `http` and `https` make links.
fn fill(template: &str, values: &[(&str, &str)]) -> Option<String> {
    if !template.starts_with("http://") && !template.starts_with("https://") {
        return None;
    }
    let mut link = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        link.push_str(before);
        let named = after.split_once('}').and_then(|(name, behind)| {
            let value = values.iter().find(|(key, _)| *key == name)?.1;
            Some((value, behind))
        });
        match named {
            Some((value, behind)) => {
                encode(&mut link, value);
                rest = behind;
            }
            None => {
                link.push('{');
                rest = after;
            }
        }
    }
    link.push_str(rest);
    Some(link)
}

/// RFC 3986 2.3.
fn encode(link: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
}
