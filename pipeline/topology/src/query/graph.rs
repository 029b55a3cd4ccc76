//! A window of time as a drawn graph.

use std::collections::BTreeMap;

use super::ask::GraphQuery;
use super::cast::{Cast, Drawn};
use super::limit::limit;
use super::narrow::near;
use super::stage::{Opinions, Stage};
use super::tally::LaneSet;
use crate::layout::{GroupInput, LayoutInput, NodeInput, Placement, place};
use crate::{
    Expectation, Expectations, Health, Judgements, Level, Measures, NodeId, Observed, Protocol, ServiceOrigin, Tier,
    Transport, View, Window,
};

/// What to draw. Positions refer to its own vectors; all are in order of their ids, so equal data draw equal graphs.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The window.
    pub window: Window,
    /// From blocks of which lengths it was added up.
    pub tiers: Vec<Tier>,
    /// What nodes are.
    pub view: View,
    /// False if something is missing; `dropped` says what.
    pub complete: bool,
    /// How much is missing, by reason: the store's, and `nodes` and `edges` over the limits.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Share of requests that the baseline could judge.
    pub coverage: Option<f64>,
    /// All groups, open or collapsed.
    pub groups: Vec<Group>,
    /// Nodes of open groups.
    pub nodes: Vec<Node>,
    /// Edges between what is visible.
    pub edges: Vec<Edge>,
    /// Where everything stands, after [`Graph::place`].
    pub placement: Option<Placement>,
}

/// A namespace, a cluster, or outside peers of one type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// `ns:cluster/namespace`, `cluster:name` or `ext:Kind`.
    pub id: String,
    /// As people read it.
    pub label: String,
    /// True if it is drawn as one card.
    pub collapsed: bool,
    /// How many nodes it has, drawn or not.
    pub nodes: u32,
    /// How many of them are yellow.
    pub yellow: u32,
    /// How many of them are red.
    pub red: u32,
    /// Unexpected and forbidden: its nodes, and edges with an end in it.
    pub unexpected: u32,
    /// Red edges with an end in it.
    pub edges_red: u32,
    /// Up to three abnormal members, worst first.
    pub worst: Vec<(NodeId, Level)>,
}

/// A drawn node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Position of its group.
    pub group: u32,
    /// The worst of its entities.
    pub health: Health,
    /// The worst of its entities.
    pub expected: Option<Expectation>,
    /// Calls it answered: those of its edges, or those without a known caller if they are more. Lanes do not add.
    pub inbound: Measures,
    /// Calls it made.
    pub outbound: Outbound,
    /// Pods by readiness, if any are known.
    pub instances: Option<Instances>,
    /// For a Service: how we know that it is one.
    pub origin: Option<ServiceOrigin>,
}

/// Calls that a node made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outbound {
    /// All.
    pub requests: u64,
    /// Faults among them.
    pub errors: u64,
}

/// Pods of a node by readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Instances {
    /// All that are known, or wanted if that is told.
    pub total: u32,
    /// Those that take traffic, or that nobody says do not.
    pub ready: u32,
}

/// An end of a drawn edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// Position of a node.
    Node(u32),
    /// Position of a collapsed group.
    Group(u32),
}

/// A drawn edge: all calls from one visible thing to another.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The caller.
    pub source: Spot,
    /// The called.
    pub target: Spot,
    /// How many edges between nodes this stands for; more than one only with a collapsed group.
    pub edges: u32,
    /// How many of those are red.
    pub red: u32,
    /// How many of those are unexpected or forbidden.
    pub unexpected: u32,
    /// Everything together.
    pub whole: Measures,
    /// By protocol, most requests first.
    pub protocols: Vec<(Protocol, Measures)>,
    /// By port, transport and protocol, if that was asked for.
    pub rows: Vec<(RowKey, Measures)>,
    /// The lanes that saw it.
    pub sources: LaneSet,
    /// The worst of its parts.
    pub health: Health,
    /// The worst of its parts.
    pub expected: Option<Expectation>,
}

/// What tells rows of an edge apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// What they spoke.
    pub protocol: Protocol,
    /// The port of the called, if known.
    pub port: Option<u16>,
    /// Under the protocol.
    pub transport: Transport,
}

/// Draws a window.
pub fn graph(observed: &Observed, judgements: &Judgements, expectations: &Expectations, query: &GraphQuery) -> Graph {
    let kept = query.kept.as_ref();
    let cast = Cast::of(observed, judgements, expectations, query.view, kept, query.focus.as_ref());
    let drawn = Drawn::of(observed, expectations, kept);
    let near = query.focus.as_ref().map(|focus| near(&cast, &drawn.between(&cast), focus, query));
    let opinions = Opinions { judgements, expectations };
    let stage = Stage::set(&cast, near, query);
    let mut graph = Graph {
        window: observed.window,
        tiers: observed.tiers.clone(),
        view: query.view,
        complete: observed.complete,
        dropped: observed.dropped.clone(),
        coverage: expectations.coverage,
        groups: stage.groups(opinions),
        nodes: stage.nodes(opinions),
        ..Graph::default()
    };
    stage.draw_edges(&mut graph, &drawn, opinions, query.rows);
    stage.draw_facts(&mut graph, observed);
    limit(&mut graph, query.limits);
    graph
}

impl Graph {
    /// Finds a place for everything; see [`place`].
    pub fn place(&mut self, previous: Option<&Placement>) -> &Placement {
        let group = |group: &Group| GroupInput { id: group.id.clone(), collapsed: group.collapsed };
        let node = |node: &Node| NodeInput { id: node.id.to_string(), group: node.group };
        let input = LayoutInput {
            groups: self.groups.iter().map(group).collect(),
            nodes: self.nodes.iter().map(node).collect(),
            edges: self.edges.iter().map(|edge| (edge.source, edge.target)).collect(),
        };
        self.placement.insert(place(&input, previous))
    }
}
