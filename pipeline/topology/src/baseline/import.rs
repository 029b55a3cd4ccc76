//! A baseline that expects what NetworkPolicies let pass.

use std::collections::{BTreeMap, BTreeSet};

use config::{Node, Problems};

use super::documents::{self, plain, text};
use super::expect::Baseline;
use super::file::{API_VERSION, KIND};
use super::policy::{ANNOTATION, LABEL, NAMESPACE, edges, policies, sorted};
use super::write;

/// A baseline as YAML, and what of the policies it cannot say.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The file.
    pub text: String,
    /// What was left out, and where.
    pub warnings: Vec<String>,
}

/// Labels that carry the name of a workload.
const LABELS: [&str; 4] = [LABEL, "app", "k8s-app", "name"];

/// Reads files of policies, each a name and a text. Policies that were made from a baseline say of which lines; this is
/// believed as long as the lines make the same policy. `None` means that a file cannot be read; `problems` says why.
pub fn import(name: &str, files: &[(String, String)], problems: &mut Problems) -> Option<Imported> {
    let mut found: Vec<Node> = Vec::new();
    for (file, content) in files {
        found.extend(documents::read(file, content, problems)?);
    }
    found.retain(|document| text(document, &["kind"]) == Some("NetworkPolicy"));
    let mut reading = Reading { lines: BTreeSet::new(), warnings: Vec::new() };
    let said: BTreeSet<String> = found.iter().flat_map(annotated).collect();
    let made = made_of(name, &said);
    for policy in &found {
        let lines = annotated(policy);
        match made.get(&identity(policy)) {
            Some(spec) if !lines.is_empty() && policy.get("spec").map(plain).as_ref() == Some(spec) => {
                reading.lines.extend(lines);
            }
            _ => reading.policy(policy, problems),
        }
    }
    let draft = file(name, &edges(&reading.lines));
    let baseline = Baseline::read("imported", &draft, problems)?;
    Some(Imported { text: file(name, &sorted(&baseline)), warnings: reading.warnings })
}

fn file(name: &str, edges: &str) -> String {
    let name = write::scalar(name);
    let edges = if edges.is_empty() { "  edges: []\n".to_owned() } else { format!("  edges:\n{edges}") };
    format!(
        "apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{ name: {name} }}\nspec:\n  mode: observe\n  learning: {{ ignore: [dns] }}\n{edges}"
    )
}

fn annotated(policy: &Node) -> Vec<String> {
    let annotations = policy.get("metadata").and_then(|it| it.get("annotations")).and_then(Node::as_map);
    let entries = annotations.into_iter().flat_map(|map| map.iter());
    let lines = entries.filter(|entry| entry.key.starts_with(ANNOTATION)).filter_map(|entry| entry.value.as_str());
    lines.map(str::to_owned).collect()
}

/// Namespace and name.
fn identity(policy: &Node) -> (String, String) {
    let part = |key| text(policy, &["metadata", key]).unwrap_or("default").to_owned();
    (part("namespace"), part("name"))
}

/// The policies that these lines make.
fn made_of(name: &str, lines: &BTreeSet<String>) -> BTreeMap<(String, String), serde_json::Value> {
    let mut aside = Problems::new();
    let baseline = Baseline::read("annotations", &file(name, &edges(lines)), &mut aside);
    let made = baseline.map(|baseline| policies(&baseline, LABEL).text).unwrap_or_default();
    let documents = documents::read("made", &made, &mut aside).unwrap_or_default();
    documents.iter().filter_map(|it| Some((identity(it), plain(it.get("spec")?)))).collect()
}

struct Reading {
    lines: BTreeSet<String>,
    warnings: Vec<String>,
}

impl Reading {
    /// A policy that only its selectors explain.
    fn policy(&mut self, policy: &Node, problems: &Problems) {
        let (namespace, name) = identity(policy);
        let place = problems.describe(policy.mark).unwrap_or_default();
        let Some(spec) = policy.get("spec") else { return };
        let own = self.pods(spec.get("podSelector"), Some(&namespace), &place);
        let Some(own) = own else { return };
        for (key, side, is_in) in [("ingress", "from", true), ("egress", "to", false)] {
            for rule in spec.get(key).and_then(Node::as_list).unwrap_or_default() {
                let ports = self.ports(rule, &place);
                let Some(ports) = ports else { continue };
                for peer in self.peers(rule.get(side), &namespace, &place) {
                    let (from, to) = if is_in { (&peer, &own) } else { (&own, &peer) };
                    self.lines.insert(format!("{{ from: {from}, to: {to}, ports: [{ports}] }}"));
                }
            }
        }
        let has_rules = spec.get("ingress").or(spec.get("egress")).is_some();
        if !has_rules {
            self.warnings.push(format!("{place}: `{name}` lets nothing pass"));
        }
    }

    /// Ports of a rule; `None` for questions to name servers, which are everywhere.
    fn ports(&mut self, rule: &Node, place: &str) -> Option<String> {
        let ports = rule.get("ports").and_then(Node::as_list).unwrap_or_default();
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for port in ports {
            let number = port.get("port").and_then(Node::scalar_text);
            let protocol = text(port, &["protocol"]).unwrap_or("TCP").to_ascii_lowercase();
            let is_number = number.as_ref().is_none_or(|number| number.parse::<u16>().is_ok());
            if !is_number || !["tcp", "udp"].contains(&protocol.as_str()) || port.get("endPort").is_some() {
                self.warnings.push(format!("{place}: a port with a name, a range or another protocol was left out"));
                continue;
            }
            all.entry(number.unwrap_or_default()).or_default().insert(protocol);
        }
        if !ports.is_empty() && (all.is_empty() || all.keys().all(|number| number == "53")) {
            return None;
        }
        let told = all.iter().flat_map(|(number, protocols)| {
            let number = if number.is_empty() { String::new() } else { format!("port: {number}, ") };
            protocols.iter().map(move |protocol| format!("{{ {number}transport: {protocol} }}"))
        });
        Some(told.collect::<Vec<_>>().join(", "))
    }

    fn peers(&mut self, peers: Option<&Node>, namespace: &str, place: &str) -> Vec<String> {
        let Some(peers) = peers.and_then(Node::as_list).filter(|peers| !peers.is_empty()) else {
            return vec!["{ name: \"*\" }".to_owned()];
        };
        peers.iter().filter_map(|peer| self.peer(peer, namespace, place)).collect()
    }

    fn peer(&mut self, peer: &Node, namespace: &str, place: &str) -> Option<String> {
        if let Some(cidr) = text(peer, &["ipBlock", "cidr"]) {
            if peer.get("ipBlock").and_then(|block| block.get("except")).is_some() {
                self.warnings.push(format!(
                    "{place}: `except` of {cidr} was left out: more is expected than the policy lets pass"
                ));
            }
            return Some(format!("{{ external: {{ cidr: {} }} }}", write::scalar(cidr)));
        }
        let namespace = match peer.get("namespaceSelector") {
            None => Some(namespace.to_owned()),
            Some(selector) => match text(selector, &["matchLabels", NAMESPACE]) {
                Some(name) => Some(name.to_owned()),
                None if is_empty(selector) => None,
                None => {
                    self.warnings
                        .push(format!("{place}: a namespace is not selected by its name; the peer was left out"));
                    return None;
                }
            },
        };
        self.pods(peer.get("podSelector"), namespace.as_deref(), place)
    }

    /// Pods by the label that carries their workload's name.
    fn pods(&mut self, selector: Option<&Node>, namespace: Option<&str>, place: &str) -> Option<String> {
        let ns = namespace.map_or(String::new(), |namespace| format!("ns: {}, ", write::scalar(namespace)));
        let Some(selector) = selector.filter(|selector| !is_empty(selector)) else {
            return Some(format!("{{ {ns}name: \"*\" }}"));
        };
        let named = LABELS.iter().find_map(|label| text(selector, &["matchLabels", label]));
        if named.is_none() {
            self.warnings
                .push(format!("{place}: pods are not selected by one of {}; they were left out", LABELS.join(", ")));
        }
        named.map(|name| format!("{{ {ns}name: {} }}", write::scalar(name)))
    }
}

fn is_empty(selector: &Node) -> bool {
    selector.is_null() || selector.as_map().is_some_and(config::Map::is_empty)
}
