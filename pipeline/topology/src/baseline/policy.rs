//! NetworkPolicies that let pass what a baseline allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::difference::allowed;
use super::end::{EndPattern, External, Named, Shape};
use super::expect::{Baseline, Line};
use super::file::State;
use super::pattern::Pattern;
use super::port::{Layer, Port};
use super::write;

/// Policies as YAML, and what they cannot say.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// One document per workload.
    pub text: String,
    /// Where a policy is wider than its line, or missing.
    pub warnings: Vec<String>,
}

/// The label by which pods are told apart, if nothing else is said.
pub const LABEL: &str = "app.kubernetes.io/name";
/// Kubernetes puts it on every namespace.
pub(super) const NAMESPACE: &str = "kubernetes.io/metadata.name";
/// Annotations with the lines of which a policy is made.
pub(super) const ANNOTATION: &str = "topology/line.";

/// Who is guarded: a namespace and the pods in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Guarded {
    namespace: String,
    /// All pods without.
    name: Option<String>,
    kind: String,
}

#[derive(Default)]
struct Rules {
    lines: BTreeSet<String>,
    ingress: BTreeMap<String, BTreeSet<String>>,
    egress: BTreeMap<String, BTreeSet<String>>,
}

/// A policy per workload, for what comes in and what goes out; questions to name servers are always let out. `label` is
/// the one that carries the workload's name on its pods.
pub fn policies(baseline: &Baseline, label: &str) -> Policies {
    let mut warnings = BTreeSet::new();
    let mut guarded: BTreeMap<Guarded, Rules> = BTreeMap::new();
    for line in allowed(baseline, true) {
        for from in &line.from.shapes {
            for to in &line.to.shapes {
                permit(baseline, (from, to, &line.ports), label, &mut guarded, &mut warnings);
            }
        }
    }
    let text = guarded.iter().map(|(who, rules)| document(who, rules, label)).collect::<Vec<_>>().join("---\n");
    Policies { text, warnings: warnings.into_iter().collect() }
}

type Traffic<'l> = (&'l Shape, &'l Shape, &'l [Port]);

fn permit(
    baseline: &Baseline,
    (from, to, ports): Traffic<'_>,
    label: &str,
    guarded: &mut BTreeMap<Guarded, Rules>,
    warnings: &mut BTreeSet<String>,
) {
    let end = |shape: &Shape| EndPattern { group: None, shapes: vec![shape.clone()] };
    let listed: Vec<String> = ports.iter().map(write::port).collect();
    let line =
        format!("{{ from: {}, to: {}, ports: [{}] }}", write::end(&end(from)), write::end(&end(to)), listed.join(", "));
    let ports = port_lines(ports);
    if let Some(who) = who(baseline, to, warnings) {
        let rules = guarded.entry(who).or_default();
        rules.ingress.entry(peer(from, label, warnings)).or_default().extend(ports.iter().cloned());
        rules.lines.insert(line.clone());
    }
    if let Some(who) = who(baseline, from, warnings) {
        let rules = guarded.entry(who).or_default();
        rules.egress.entry(peer(to, label, warnings)).or_default().extend(ports);
        rules.lines.insert(line);
    }
}

/// Whom a policy can guard.
fn who(baseline: &Baseline, shape: &Shape, warnings: &mut BTreeSet<String>) -> Option<Guarded> {
    let Shape::Named(named) = shape else { return None };
    if named.kind.is_some_and(crate::Kind::is_outside) {
        return None;
    }
    let Some(namespace) = named.ns.as_ref().filter(|ns| ns.is_literal()) else {
        warnings.insert(format!("`{named}` is in no certain namespace: there is no policy for it"));
        return None;
    };
    let is_in_scope = baseline.scope.is_empty() || baseline.scope.iter().any(|pattern| pattern.matches(&namespace.0));
    is_in_scope.then(|| Guarded {
        namespace: namespace.0.clone(),
        name: pod_name(named, warnings),
        kind: named.kind.map_or("", crate::Kind::as_str).to_owned(),
    })
}

/// The name by which its pods are selected; none for all pods.
fn pod_name(named: &Named, warnings: &mut BTreeSet<String>) -> Option<String> {
    let pattern = named.name.as_ref().or(named.service.as_ref())?;
    if pattern.0 != "*" && !pattern.is_literal() {
        warnings.insert(format!(
            "no label matches the pattern `{pattern}` of `{named}`: all pods of the namespace are let pass",
            pattern = pattern.0
        ));
    }
    pattern.is_literal().then(|| pattern.0.clone())
}

fn pod_selector(name: Option<&str>, label: &str) -> String {
    name.map_or_else(|| "{}".to_owned(), |name| format!("{{ matchLabels: {{ {label}: {} }} }}", quoted(name)))
}

/// Labels are strings, whatever they look like.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The other end, as items of `from` or `to`.
fn peer(shape: &Shape, label: &str, warnings: &mut BTreeSet<String>) -> String {
    match shape {
        Shape::Named(named) if !named.kind.is_some_and(crate::Kind::is_outside) => {
            let literal = |ns: &&Pattern| ns.is_literal();
            let namespace = match named.ns.as_ref().filter(literal) {
                Some(ns) => format!("{{ matchLabels: {{ {NAMESPACE}: {} }} }}", quoted(&ns.0)),
                None => "{}".to_owned(),
            };
            let name = pod_name(named, warnings);
            format!("{{ namespaceSelector: {namespace}, podSelector: {} }}", pod_selector(name.as_deref(), label))
        }
        Shape::Named(named) => {
            warnings.insert(format!("nobody knows addresses of `{named}`: every address is let pass"));
            any_address()
        }
        Shape::External(external) => blocks(external, warnings),
    }
}

fn any_address() -> String {
    "{ ipBlock: { cidr: 0.0.0.0/0 } }, { ipBlock: { cidr: \"::/0\" } }".to_owned()
}

fn blocks(external: &External, warnings: &mut BTreeSet<String>) -> String {
    if external.networks.is_empty() {
        warnings.insert(format!("a policy knows addresses only, not `{external}`: every address is let pass"));
        return any_address();
    }
    if !external.dns.is_empty() {
        warnings.insert(format!("a policy knows addresses only: of `{external}` the names are left out"));
    }
    let network = |text: &String| {
        let whole = match (text.contains('/'), text.contains(':')) {
            (true, _) => text.clone(),
            (false, true) => format!("{text}/128"),
            (false, false) => format!("{text}/32"),
        };
        format!("{{ ipBlock: {{ cidr: {} }} }}", quoted(&whole))
    };
    external.networks.iter().map(network).collect::<Vec<_>>().join(", ")
}

/// `protocol` and `port`; both protocols where a line says none. Empty for all ports.
fn port_lines(ports: &[Port]) -> Vec<String> {
    let mut lines = Vec::new();
    for port in ports {
        let layers: &[Layer] = match port.transport {
            Some(Layer::Tcp) => &[Layer::Tcp],
            Some(Layer::Udp) => &[Layer::Udp],
            None => &[Layer::Tcp, Layer::Udp],
        };
        for layer in layers {
            let number = port.number.map_or(String::new(), |number| format!(", port: {number}"));
            lines.push(format!("{{ protocol: {}{number} }}", layer.as_str().to_ascii_uppercase()));
        }
    }
    if lines.is_empty() { vec![String::new()] } else { lines }
}

fn document(who: &Guarded, rules: &Rules, label: &str) -> String {
    let kind = if who.kind.is_empty() { "any".to_owned() } else { who.kind.to_ascii_lowercase() };
    let name = format!("{}-{kind}", who.name.as_deref().unwrap_or("all-pods"));
    let mut text = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {}\n  namespace: {}\n  annotations:\n",
        quoted(&name),
        quoted(&who.namespace),
    );
    for (place, line) in rules.lines.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {ANNOTATION}{place}: {}", quoted(line));
    }
    let _ = writeln!(
        text,
        "spec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]",
        pod_selector(who.name.as_deref(), label)
    );
    let side = |text: &mut String, key: &str, rules: &BTreeMap<String, BTreeSet<String>>| {
        for (peer, ports) in rules {
            let _ = writeln!(text, "    - {key}: [{peer}]");
            if !ports.contains("") {
                let _ = writeln!(text, "      ports: [{}]", ports.iter().cloned().collect::<Vec<_>>().join(", "));
            }
        }
    };
    text.push_str(if rules.ingress.is_empty() { "  ingress: []\n" } else { "  ingress:\n" });
    side(&mut text, "from", &rules.ingress);
    text.push_str("  egress:\n");
    side(&mut text, "to", &rules.egress);
    let _ = writeln!(
        text,
        "    - to: [{{ namespaceSelector: {{ matchLabels: {{ {NAMESPACE}: kube-system }} }} }}]\n      \
         ports: [{{ protocol: TCP, port: 53 }}, {{ protocol: UDP, port: 53 }}]"
    );
    text
}

/// A line of a baseline, one per document that says it.
pub(super) fn edges(lines: &BTreeSet<String>) -> String {
    lines.iter().map(|line| format!("    - {line}\n")).collect()
}

/// Lines in the order of their ends, as a file has them.
pub(super) fn sorted(baseline: &Baseline) -> String {
    let mut lines: Vec<&Line> = baseline.lines.iter().collect();
    lines.sort_by(|one, other| (&one.from, &one.to, &one.ports).cmp(&(&other.from, &other.to, &other.ports)));
    lines.iter().map(|line| write::line(4, (&line.from, &line.to), &line.ports, State::Allow, "")).collect()
}
