//! A graph as columns: one array per field, texts once, ids by position. A tenth of the size of objects.

use std::collections::HashMap;

use serde::Serialize;

use super::figures::{Carried, EXPECTATIONS, Head, LEVELS, Latency, code};
use super::graph::{Edge, Graph, Group, Node, Spot};
use crate::layout::Rect;
use crate::{Expectation, Health, Lane, Level};

/// A graph as columns.
///
/// `source` and `target` of edges count nodes first and groups after them: with `n` nodes, `n + g` is group `g`.
/// `kind`, `cluster`, `namespace`, `protocol`, `rule` and `class` are positions in `texts`, as is `unit`. `level` and `expected` are
/// positions in `levels` and `expectations`; `sources` has one bit per entry of `lanes`. `protocols` and `reasons` are
/// tables of their own that name the edge or node by position.
#[derive(Debug, Serialize)]
pub struct Columns<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    levels: [Level; 4],
    expectations: [Expectation; 6],
    lanes: [Lane; 4],
    texts: Vec<&'a str>,
    groups: GroupColumns<'a>,
    nodes: NodeColumns<'a>,
    edges: EdgeColumns<'a>,
}

#[derive(Debug, Default, Serialize)]
struct GroupColumns<'a> {
    id: Vec<&'a str>,
    label: Vec<&'a str>,
    collapsed: Vec<bool>,
    nodes: Vec<u32>,
    yellow: Vec<u32>,
    red: Vec<u32>,
    unexpected: Vec<u32>,
    edges_red: Vec<u32>,
    /// Per group: names of up to three members and their levels, alternating.
    worst: Vec<Vec<(&'a str, u8)>>,
    #[serde(flatten)]
    place: Option<RectColumns>,
}

#[derive(Debug, Default, Serialize)]
struct NodeColumns<'a> {
    id: Vec<String>,
    kind: Vec<usize>,
    cluster: Vec<usize>,
    namespace: Vec<usize>,
    name: Vec<&'a str>,
    group: Vec<u32>,
    out_requests: Vec<u64>,
    out_errors: Vec<u64>,
    instances: Vec<Option<u32>>,
    ready: Vec<Option<u32>>,
    #[serde(flatten)]
    calls: CallColumns,
    #[serde(flatten)]
    state: StateColumns,
    #[serde(flatten)]
    place: Option<RectColumns>,
}

#[derive(Debug, Default, Serialize)]
struct RectColumns {
    x: Vec<i32>,
    y: Vec<i32>,
    w: Vec<i32>,
    h: Vec<i32>,
}

#[derive(Debug, Default, Serialize)]
struct EdgeColumns<'a> {
    source: Vec<u32>,
    target: Vec<u32>,
    edges: Vec<u32>,
    red: Vec<u32>,
    unexpected: Vec<u32>,
    sources: Vec<u8>,
    #[serde(flatten)]
    calls: CallColumns,
    #[serde(flatten)]
    state: StateColumns,
    protocols: ProtocolColumns,
    network: NetworkColumns,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a [Vec<i32>]>,
}

#[derive(Debug, Default, Serialize)]
struct CallColumns {
    requests: Vec<u64>,
    errors: Vec<u64>,
    client_errors: Vec<u64>,
    client_avg_ms: Vec<Option<f64>>,
    client_p95_ms: Vec<Option<f64>>,
    server_avg_ms: Vec<Option<f64>>,
    server_p95_ms: Vec<Option<f64>>,
}

#[derive(Debug, Default, Serialize)]
struct StateColumns {
    level: Vec<u8>,
    expected: Vec<Option<u8>>,
    reasons: ReasonColumns,
}

#[derive(Debug, Default, Serialize)]
struct ReasonColumns {
    of: Vec<usize>,
    rule: Vec<usize>,
    class: Vec<usize>,
    level: Vec<u8>,
    value: Vec<f64>,
    threshold: Vec<f64>,
    since: Vec<u64>,
    unit: Vec<usize>,
}

#[derive(Debug, Default, Serialize)]
struct ProtocolColumns {
    of: Vec<usize>,
    protocol: Vec<usize>,
    requests: Vec<u64>,
    errors: Vec<u64>,
    avg_ms: Vec<Option<f64>>,
}

#[derive(Debug, Default, Serialize)]
struct NetworkColumns {
    of: Vec<usize>,
    connections: Vec<u64>,
    failed_connects: Vec<u64>,
    bytes_sent: Vec<u64>,
    bytes_received: Vec<u64>,
}

impl Graph {
    /// The graph as columns.
    pub fn columns(&self) -> Columns<'_> {
        let mut texts = Texts::default();
        let placement = self.placement.as_ref();
        let mut groups = GroupColumns::of(&self.groups);
        let mut nodes = NodeColumns::of(&self.nodes, &mut texts);
        let mut edges = EdgeColumns::of(&self.edges, self.nodes.len(), &mut texts);
        groups.place = placement.map(|placement| RectColumns::of(&placement.groups));
        nodes.place = placement.map(|placement| RectColumns::of(&placement.nodes));
        edges.route = placement.map(|placement| placement.routes.as_slice());
        Columns {
            head: Head::of(self),
            levels: LEVELS,
            expectations: EXPECTATIONS,
            lanes: Lane::ALL,
            texts: texts.list,
            groups,
            nodes,
            edges,
        }
    }
}

/// Each text once.
#[derive(Default)]
struct Texts<'a> {
    list: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    fn place(&mut self, text: &'a str) -> usize {
        *self.places.entry(text).or_insert_with(|| {
            self.list.push(text);
            self.list.len().saturating_sub(1)
        })
    }
}

impl<'a> GroupColumns<'a> {
    fn of(groups: &'a [Group]) -> Self {
        let mut columns = Self::default();
        for group in groups {
            columns.id.push(&group.id);
            columns.label.push(&group.label);
            columns.collapsed.push(group.collapsed);
            columns.nodes.push(group.nodes);
            columns.yellow.push(group.yellow);
            columns.red.push(group.red);
            columns.unexpected.push(group.unexpected);
            columns.edges_red.push(group.edges_red);
            let worst = group.worst.iter().map(|(id, level)| (&*id.name, level_code(*level)));
            columns.worst.push(worst.collect());
        }
        columns
    }
}

impl<'a> NodeColumns<'a> {
    fn of(nodes: &'a [Node], texts: &mut Texts<'a>) -> Self {
        let mut columns = Self::default();
        for (node, place) in nodes.iter().zip(0..) {
            columns.id.push(node.id.to_string());
            columns.kind.push(texts.place(node.id.kind.as_str()));
            columns.cluster.push(texts.place(&node.id.cluster));
            columns.namespace.push(texts.place(&node.id.namespace));
            columns.name.push(&node.id.name);
            columns.group.push(node.group);
            columns.out_requests.push(node.outbound.requests);
            columns.out_errors.push(node.outbound.errors);
            columns.instances.push(node.instances.map(|it| it.total));
            columns.ready.push(node.instances.map(|it| it.ready));
            columns.calls.push(&node.inbound);
            columns.state.push(place, &node.health, node.expected, texts);
        }
        columns
    }
}

impl RectColumns {
    fn of(rects: &[Rect]) -> Self {
        Self {
            x: rects.iter().map(|rect| rect.x).collect(),
            y: rects.iter().map(|rect| rect.y).collect(),
            w: rects.iter().map(|rect| rect.w).collect(),
            h: rects.iter().map(|rect| rect.h).collect(),
        }
    }
}

impl<'a> EdgeColumns<'a> {
    fn of(edges: &'a [Edge], nodes: usize, texts: &mut Texts<'a>) -> Self {
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
        let position = |spot: Spot| match spot {
            Spot::Node(place) => place,
            Spot::Group(place) => nodes.saturating_add(place),
        };
        let mut columns = Self::default();
        for (edge, place) in edges.iter().zip(0..) {
            columns.source.push(position(edge.source));
            columns.target.push(position(edge.target));
            columns.edges.push(edge.edges);
            columns.red.push(edge.red);
            columns.unexpected.push(edge.unexpected);
            columns.sources.push(edge.sources.0);
            columns.calls.push(&edge.whole);
            columns.state.push(place, &edge.health, edge.expected, texts);
            columns.protocols.push(place, edge, texts);
            columns.network.push(place, edge);
        }
        columns
    }
}

impl CallColumns {
    fn push(&mut self, measures: &crate::Measures) {
        let (client, server) = (Latency::of_side(&measures.client), Latency::of_side(&measures.server));
        self.requests.push(measures.requests());
        self.errors.push(measures.errors());
        self.client_errors.push(measures.client_errors());
        self.client_avg_ms.push(client.map(|side| side.avg_ms));
        self.client_p95_ms.push(client.map(|side| side.p95_ms));
        self.server_avg_ms.push(server.map(|side| side.avg_ms));
        self.server_p95_ms.push(server.map(|side| side.p95_ms));
    }
}

impl StateColumns {
    fn push<'a>(&mut self, of: usize, health: &'a Health, expected: Option<Expectation>, texts: &mut Texts<'a>) {
        self.level.push(level_code(health.level));
        self.expected.push(expected.and_then(|state| code(&EXPECTATIONS, &state)));
        for reason in &health.reasons {
            self.reasons.of.push(of);
            self.reasons.rule.push(texts.place(&reason.rule));
            self.reasons.class.push(texts.place(reason.class.as_str()));
            self.reasons.level.push(level_code(reason.level));
            self.reasons.value.push(reason.value);
            self.reasons.threshold.push(reason.threshold);
            self.reasons.since.push(super::figures::millis(reason.since));
            self.reasons.unit.push(texts.place(reason.unit));
        }
    }
}

impl ProtocolColumns {
    fn push<'a>(&mut self, of: usize, edge: &'a Edge, texts: &mut Texts<'a>) {
        for (protocol, measures) in &edge.protocols {
            self.of.push(of);
            self.protocol.push(texts.place(&protocol.0));
            self.requests.push(measures.requests());
            self.errors.push(measures.errors());
            self.avg_ms.push(measures.latency().mean_ms().map(super::figures::rounded));
        }
    }
}

impl NetworkColumns {
    fn push(&mut self, of: usize, edge: &Edge) {
        if let Some(carried) = Carried::of(&edge.whole) {
            self.of.push(of);
            self.connections.push(carried.connections);
            self.failed_connects.push(carried.failed_connects);
            self.bytes_sent.push(carried.bytes_sent);
            self.bytes_received.push(carried.bytes_received);
        }
    }
}

fn level_code(level: Level) -> u8 {
    code(&LEVELS, &level).unwrap_or(0)
}
