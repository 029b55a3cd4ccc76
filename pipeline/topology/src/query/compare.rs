//! Two windows, or two exports, side by side: what is new, what is gone, what changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::detail::{Calls, ratio};
use super::figures::WindowFigures;
use super::tally::Tally;
use crate::{Measures, Name, NodeId, Observed, Protocol, View};

/// What to overlook when comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlook {
    /// Clusters: a new region is held against an old one.
    pub cluster: bool,
}

/// How two observations differ. All lists are in order of ids.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The earlier or expected one.
    pub before: WindowFigures,
    /// The other.
    pub after: WindowFigures,
    /// True if nothing was added, removed or changed.
    pub same: bool,
    /// Nodes.
    pub nodes: Changes<NodeId, ()>,
    /// Edges, by source and target.
    pub edges: Changes<EdgeName, EdgeChange>,
}

/// What is new, what is gone, what changed.
#[derive(Debug, Clone, Serialize)]
pub struct Changes<T, C> {
    /// Only in the second.
    pub added: Vec<T>,
    /// Only in the first.
    pub removed: Vec<T>,
    /// In both, and different.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<C>,
}

/// An edge by its ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EdgeName {
    /// The caller.
    pub source: NodeId,
    /// The called.
    pub target: NodeId,
}

/// An edge that differs.
#[derive(Debug, Clone, Serialize)]
pub struct EdgeChange {
    /// Which.
    #[serde(flatten)]
    pub edge: EdgeName,
    /// In which ways.
    pub what: Vec<Difference>,
    /// The numbers before.
    pub before: Calls,
    /// The numbers after.
    pub after: Calls,
    /// Protocols that are new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols_added: Vec<Protocol>,
    /// Protocols that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols_removed: Vec<Protocol>,
    /// Ports that are new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports_added: Vec<u16>,
    /// Ports that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports_removed: Vec<u16>,
}

/// In which way an edge differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Other protocols. What one side does not know is no difference.
    Protocols,
    /// Other ports. What one side does not know is no difference.
    Ports,
    /// Half as many requests per second again, or a third fewer.
    Rate,
    /// Errors differ by a percentage point or more.
    Errors,
    /// The 95th percentile differs by a quarter and by a millisecond or more.
    Latency,
}

/// Holds `after` against `before`.
pub fn compare(before: &Observed, after: &Observed, view: View, overlook: Overlook) -> Comparison {
    let (first, second) = (Side::of(before, view, overlook), Side::of(after, view, overlook));
    let only = |these: &Side, those: &Side| -> Vec<EdgeName> {
        these.edges.keys().filter(|edge| !those.edges.contains_key(*edge)).cloned().collect()
    };
    let both = first.edges.iter().filter_map(|(edge, held)| Some((edge, held, second.edges.get(edge)?)));
    let seconds = (before.window.covered_seconds(), after.window.covered_seconds());
    let changed = both.filter_map(|(edge, held, now)| EdgeChange::of(edge, held, now, seconds));
    let nodes = Changes {
        added: second.nodes.difference(&first.nodes).cloned().collect(),
        removed: first.nodes.difference(&second.nodes).cloned().collect(),
        changed: vec![],
    };
    let edges = Changes { added: only(&second, &first), removed: only(&first, &second), changed: changed.collect() };
    let same = nodes.added.is_empty()
        && nodes.removed.is_empty()
        && edges.added.is_empty()
        && edges.removed.is_empty()
        && edges.changed.is_empty();
    Comparison { before: before.window.into(), after: after.window.into(), same, nodes, edges }
}

struct Side {
    nodes: BTreeSet<NodeId>,
    edges: BTreeMap<EdgeName, Tally>,
}

impl Side {
    fn of(observed: &Observed, view: View, overlook: Overlook) -> Self {
        let node = |entity| {
            let id = observed.registry.get(entity)?.who.node(view);
            Some(if overlook.cluster { NodeId { cluster: Name::from(""), ..id } } else { id })
        };
        let mut side = Self { nodes: BTreeSet::new(), edges: BTreeMap::new() };
        for edge in &observed.edges {
            if let (Some(source), Some(target)) = (node(edge.source), node(edge.target)) {
                side.nodes.extend([source.clone(), target.clone()]);
                side.edges.entry(EdgeName { source, target }).or_default().add(edge, true);
            }
        }
        side.nodes.extend(observed.nodes.iter().filter_map(|facts| node(facts.entity)));
        side
    }
}

impl EdgeChange {
    fn of(edge: &EdgeName, before: &Tally, after: &Tally, seconds: (f64, f64)) -> Option<Self> {
        let (protocols_added, protocols_removed) = differences(&protocols(before), &protocols(after));
        let (ports_added, ports_removed) = differences(&ports(before), &ports(after));
        let mut what = vec![];
        let mut note = |is: bool, difference| {
            if is {
                what.push(difference);
            }
        };
        note(!protocols_added.is_empty() || !protocols_removed.is_empty(), Difference::Protocols);
        note(!ports_added.is_empty() || !ports_removed.is_empty(), Difference::Ports);
        let (first, second) = (Calls::of(&before.whole, seconds.0), Calls::of(&after.whole, seconds.1));
        note(rate_differs(first.rate, second.rate), Difference::Rate);
        note(errors_differ(&before.whole, &after.whole), Difference::Errors);
        note(latency_differs(&before.whole, &after.whole), Difference::Latency);
        (!what.is_empty()).then(|| Self {
            edge: edge.clone(),
            what,
            before: first,
            after: second,
            protocols_added,
            protocols_removed,
            ports_added,
            ports_removed,
        })
    }
}

fn protocols(tally: &Tally) -> BTreeSet<Protocol> {
    let known = tally.protocols.iter().map(|(protocol, _)| protocol).filter(|protocol| !protocol.is_unspecified());
    known.cloned().collect()
}

fn ports(tally: &Tally) -> BTreeSet<u16> {
    tally.rows.iter().filter_map(|(key, _)| key.port).collect()
}

/// What is new and what is gone; nothing if one side knows nothing.
fn differences<T: Ord + Clone>(before: &BTreeSet<T>, after: &BTreeSet<T>) -> (Vec<T>, Vec<T>) {
    if before.is_empty() || after.is_empty() {
        return (vec![], vec![]);
    }
    (after.difference(before).cloned().collect(), before.difference(after).cloned().collect())
}

fn rate_differs(before: Option<f64>, after: Option<f64>) -> bool {
    match before.zip(after) {
        Some((before, after)) => after > before * 1.5 || after < before / 1.5,
        None => false,
    }
}

fn errors_differ(before: &Measures, after: &Measures) -> bool {
    let share = |measures: &Measures| ratio(measures.errors(), measures.requests());
    share(before).zip(share(after)).is_some_and(|(before, after)| (before - after).abs() >= 0.01)
}

fn latency_differs(before: &Measures, after: &Measures) -> bool {
    let p95 = |measures: &Measures| measures.latency().quantile_ms(0.95);
    let differs =
        |(before, after): (f64, f64)| (before - after).abs() >= 1.0 && (after > before * 1.25 || after < before / 1.25);
    p95(before).zip(p95(after)).is_some_and(differs)
}
