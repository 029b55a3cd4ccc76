//! A draft of a baseline, from what was observed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::end::{EndPattern, Shape};
use super::file::{API_VERSION, Ignore, KIND, State};
use super::judge::weight;
use super::port::{Layer, Port};
use super::write;
use crate::{EdgeRow, Moment, Observed, Who};

/// What a draft is made of.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// The name of the baseline.
    pub name: String,
    /// Edges with one end in one of these namespaces; all edges without.
    pub namespaces: Vec<String>,
    /// An edge with fewer calls is only mentioned.
    pub min_observations: u64,
    /// Traffic that is everywhere.
    pub ignore: Vec<Ignore>,
}

impl Lesson {
    /// As `baseline learn` does it if it is told nothing else.
    pub fn new(name: &str) -> Self {
        let ignore = vec![Ignore::KubeletProbes, Ignore::Dns, Ignore::PrometheusScrape, Ignore::NodeAgents];
        Self { name: name.to_owned(), namespaces: Vec::new(), min_observations: 3, ignore }
    }
}

/// More ports than this of one edge are not listed: whoever uses so many takes them from a range.
const MOST_PORTS: usize = 16;
/// Most edges that are only mentioned.
const MOST_MENTIONED: usize = 100;

/// An edge as several windows show it.
#[derive(Default)]
struct Lane {
    calls: u64,
    last_seen: Moment,
    ports: BTreeMap<(u16, Option<Layer>), BTreeSet<String>>,
    /// Some evidence does not know the port.
    is_vague: bool,
}

#[derive(Default)]
struct Notes {
    clusters: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    unresolved: u64,
    ignored: u64,
    unwritable: u64,
}

/// A draft: sorted, with counts as comments, to be read and committed.
pub fn learn(windows: &[&Observed], lesson: &Lesson) -> String {
    let mut notes = Notes::default();
    let mut lanes: BTreeMap<(EndPattern, EndPattern), Lane> = BTreeMap::new();
    for observed in windows {
        collect(observed, lesson, &mut lanes, &mut notes);
    }
    let (mut kept, rare): (Vec<_>, Vec<_>) =
        lanes.into_iter().partition(|(_, lane)| lane.calls >= lesson.min_observations);
    let mut text = head(windows, lesson, &notes);
    text.push_str(if kept.is_empty() { "  edges: []\n" } else { "  edges:\n" });
    for ((from, to), lane) in &mut kept {
        let ports = lane.ports();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    # {} calls, last {}", lane.calls, lane.last_seen.to_rfc3339());
        text.push_str(&write::line(4, (from, to), &ports, State::Allow, ""));
    }
    if !rare.is_empty() {
        let _ = writeln!(text, "  # Seen fewer than {} times, and not expected:", lesson.min_observations);
    }
    for ((from, to), lane) in rare.iter().take(MOST_MENTIONED) {
        let _ = writeln!(
            text,
            "  #   {} -> {}: {}",
            write::comment(&from.to_string()),
            write::comment(&to.to_string()),
            lane.calls
        );
    }
    text
}

fn collect(
    observed: &Observed,
    lesson: &Lesson,
    lanes: &mut BTreeMap<(EndPattern, EndPattern), Lane>,
    notes: &mut Notes,
) {
    for edge in &observed.edges {
        let ends = (observed.registry.get(edge.source), observed.registry.get(edge.target));
        let (Some(from), Some(to)) = ends else { continue };
        if ![from, to].iter().any(|end| lesson.covers(&end.who)) {
            continue;
        }
        if lesson.ignore.iter().any(|kind| kind.means(from, to, &edge.rows)) {
            notes.ignored = notes.ignored.saturating_add(1);
            continue;
        }
        if from.who.is_unresolved() || to.who.is_unresolved() {
            notes.unresolved = notes.unresolved.saturating_add(1);
            continue;
        }
        let (Some(source), Some(target)) = (exactly(&from.who), exactly(&to.who)) else {
            notes.unwritable = notes.unwritable.saturating_add(1);
            continue;
        };
        for who in [&from.who, &to.who] {
            notes.meet(who);
        }
        let lane = lanes.entry((source, target)).or_default();
        lane.calls = lane.calls.saturating_add(weight(&edge.whole()));
        lane.last_seen = lane.last_seen.max(edge.last_seen);
        edge.rows.iter().for_each(|row| lane.add(row));
    }
}

fn exactly(who: &Who) -> Option<EndPattern> {
    Some(EndPattern { group: None, shapes: vec![Shape::exactly(who)?] })
}

impl Lesson {
    fn covers(&self, who: &Who) -> bool {
        match who {
            _ if self.namespaces.is_empty() => true,
            Who::Inside(inside) => self.namespaces.iter().any(|namespace| **namespace == *inside.namespace),
            Who::Outside(_) => false,
        }
    }
}

impl Notes {
    fn meet(&mut self, who: &Who) {
        if let Who::Inside(inside) = who {
            self.clusters.insert(inside.cluster.to_string());
            self.namespaces.insert(inside.namespace.to_string());
        }
    }
}

impl Lane {
    fn add(&mut self, row: &EdgeRow) {
        let Some(port) = row.port else { return self.is_vague = true };
        let protocols = self.ports.entry((port, layer(row))).or_default();
        if !row.protocol.is_unspecified() {
            protocols.insert(row.protocol.0.to_string());
        }
    }

    /// None if they are too many, or if none is known. What evidence does not know contradicts no line.
    fn ports(&mut self) -> Vec<Port> {
        self.join();
        if self.ports.len() > MOST_PORTS {
            return Vec::new();
        }
        let port = |((number, transport), protocols): (&(u16, Option<Layer>), &BTreeSet<String>)| Port {
            number: Some(*number),
            transport: *transport,
            // A port on which one lane sees nothing more than bytes may carry anything that the other sees.
            protocols: protocols.iter().cloned().collect(),
        };
        self.ports.iter().map(port).collect()
    }

    /// Of two lanes that saw one port, one may know its transport and the other what is spoken.
    fn join(&mut self) {
        let vague: Vec<u16> = self.ports.keys().filter(|(_, layer)| layer.is_none()).map(|(port, _)| *port).collect();
        for number in vague {
            let known = [Layer::Tcp, Layer::Udp].map(|layer| (number, Some(layer)));
            let only = match known.map(|port| self.ports.contains_key(&port)) {
                [true, false] => known[0],
                [false, true] => known[1],
                _ => continue,
            };
            let spoken = self.ports.remove(&(number, None)).unwrap_or_default();
            self.ports.entry(only).or_default().extend(spoken);
        }
    }
}

/// Spans often do not tell the transport. Round trips and segments are those of TCP.
fn layer(row: &EdgeRow) -> Option<Layer> {
    let flow = &row.measures.flow;
    let is_tcp = flow.rtt_count > 0 || flow.segments > 0 || flow.retransmits > 0;
    Layer::of(row.transport).or(is_tcp.then_some(Layer::Tcp))
}

fn head(windows: &[&Observed], lesson: &Lesson, notes: &Notes) -> String {
    let from = windows.iter().map(|observed| observed.window.from).min().unwrap_or_default();
    let to = windows.iter().map(|observed| observed.window.to).max().unwrap_or_default();
    let cluster = match notes.clusters.iter().collect::<Vec<_>>().as_slice() {
        [only] if !only.is_empty() => format!(", cluster: {}", write::scalar(only)),
        _ => String::new(),
    };
    let mut namespaces: Vec<&str> = match lesson.namespaces.is_empty() {
        true => notes.namespaces.iter().map(String::as_str).filter(|it| !it.is_empty() && !it.contains('*')).collect(),
        false => lesson.namespaces.iter().map(String::as_str).collect(),
    };
    namespaces.sort_unstable();
    let namespaces: Vec<String> = namespaces.into_iter().map(write::scalar).collect();
    let ignore: Vec<&str> = lesson.ignore.iter().map(Ignore::as_str).collect();
    let mut text = format!("# Learned from {} to {}: read it, then commit it.\n", from.to_rfc3339(), to.to_rfc3339());
    for (count, what) in [
        (notes.unresolved, "edges were left out, since nobody knows an end of them"),
        (notes.ignored, "edges were left out, since they are of ignored kinds"),
        (notes.unwritable, "edges were left out, since their names cannot be written"),
    ] {
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# {count} {what}.");
        }
    }
    let (name, least) = (write::scalar(&lesson.name), lesson.min_observations);
    let _ = write!(
        text,
        "apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{ name: {name}{cluster} }}\nspec:\n  scope: {{ namespaces: [{}] }}\n  \
         mode: observe\n  learning: {{ minObservations: {least}, ignore: [{}] }}\n",
        namespaces.join(", "),
        ignore.join(", "),
    );
    text
}
