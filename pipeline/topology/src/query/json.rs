//! A graph as objects: the shape that the API promises.

use serde::{Serialize, Serializer};

use super::figures::{Carried, Head, HealthFigures, Latency};
use super::graph::{Edge, Graph, Group, Node, RowKey, Spot};
use super::stage::at;
use crate::layout::Rect;
use crate::{Expectation, Kind, Lane, Level, Measures, Protocol, ServiceOrigin, Transport};

#[derive(Serialize)]
struct GraphObject<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    groups: Vec<GroupObject<'a>>,
    nodes: Vec<NodeObject<'a>>,
    edges: Vec<EdgeObject<'a>>,
}

#[derive(Serialize)]
struct GroupObject<'a> {
    id: &'a str,
    label: &'a str,
    collapsed: bool,
    nodes: u32,
    yellow: u32,
    red: u32,
    unexpected: u32,
    edges_red: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    worst: Vec<WorstObject<'a>>,
    #[serde(flatten)]
    rect: Option<Rect>,
}

#[derive(Serialize)]
struct WorstObject<'a> {
    id: String,
    name: &'a str,
    level: Level,
}

#[derive(Serialize)]
struct NodeObject<'a> {
    id: &'a str,
    kind: Kind,
    cluster: &'a str,
    namespace: &'a str,
    name: &'a str,
    group: &'a str,
    #[serde(flatten)]
    calls: CallsObject,
    out: OutObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<InstancesObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<ServiceOrigin>,
    health: HealthFigures<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expectation>,
    #[serde(flatten)]
    rect: Option<Rect>,
}

#[derive(Serialize)]
struct CallsObject {
    requests: u64,
    errors: u64,
    client_errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Latency>,
}

#[derive(Serialize)]
struct OutObject {
    requests: u64,
    errors: u64,
}

#[derive(Serialize)]
struct InstancesObject {
    total: u32,
    ready: u32,
}

#[derive(Serialize)]
struct EdgeObject<'a> {
    source: &'a str,
    target: &'a str,
    edges: u32,
    red: u32,
    unexpected: u32,
    #[serde(flatten)]
    calls: CallsObject,
    #[serde(serialize_with = "by_protocol")]
    protocols: &'a [(Protocol, Measures)],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<RowObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Carried>,
    sources: Vec<Lane>,
    health: HealthFigures<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expectation>,
    /// Corners as pairs of x and y.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a [[i32; 2]]>,
}

#[derive(Serialize)]
struct ProtocolObject {
    requests: u64,
    errors: u64,
    client_errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<f64>,
}

#[derive(Serialize)]
struct RowObject<'a> {
    protocol: &'a Protocol,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    transport: Transport,
    requests: u64,
    errors: u64,
}

fn by_protocol<S: Serializer>(protocols: &&[(Protocol, Measures)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(protocols.iter().map(|(protocol, measures)| (protocol, ProtocolObject::of(measures))))
}

impl ProtocolObject {
    fn of(measures: &Measures) -> Self {
        let latency = Latency::of(measures.latency());
        Self {
            requests: measures.requests(),
            errors: measures.errors(),
            client_errors: measures.client_errors(),
            avg_ms: latency.map(|latency| latency.avg_ms),
            p95_ms: latency.map(|latency| latency.p95_ms),
        }
    }
}

/// Ids as text, each made once.
pub(super) struct Ids {
    pub(super) nodes: Vec<String>,
    pub(super) groups: Vec<String>,
}

impl Ids {
    pub(super) fn of(graph: &Graph) -> Self {
        Self {
            nodes: graph.nodes.iter().map(|node| node.id.to_string()).collect(),
            groups: graph.groups.iter().map(|group| group.id.clone()).collect(),
        }
    }

    pub(super) fn spot(&self, spot: Spot) -> &str {
        let id = match spot {
            Spot::Node(place) => at(&self.nodes, place),
            Spot::Group(place) => at(&self.groups, place),
        };
        id.map_or("", String::as_str)
    }
}

impl Serialize for Graph {
    /// Objects, one per group, node and edge.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ids = Ids::of(self);
        let placement = self.placement.as_ref();
        let rect = |spot| match spot {
            Spot::Node(place) => at(&placement?.nodes, place).copied(),
            Spot::Group(place) => at(&placement?.groups, place).copied(),
        };
        let route = |place: usize| placement?.routes.get(place).map(|route| route.as_chunks().0);
        let object = GraphObject {
            head: Head::of(self),
            groups: self
                .groups
                .iter()
                .zip(0..)
                .map(|(group, place)| GroupObject::of(group, rect(Spot::Group(place))))
                .collect(),
            nodes: self
                .nodes
                .iter()
                .zip(0..)
                .map(|(node, place)| NodeObject::of(node, &ids, place, rect(Spot::Node(place))))
                .collect(),
            edges: self.edges.iter().zip(0..).map(|(edge, place)| EdgeObject::of(edge, &ids, route(place))).collect(),
        };
        object.serialize(serializer)
    }
}

impl<'a> GroupObject<'a> {
    fn of(group: &'a Group, rect: Option<Rect>) -> Self {
        let worst = group.worst.iter();
        Self {
            id: &group.id,
            label: &group.label,
            collapsed: group.collapsed,
            nodes: group.nodes,
            yellow: group.yellow,
            red: group.red,
            unexpected: group.unexpected,
            edges_red: group.edges_red,
            worst: worst.map(|(id, level)| WorstObject { id: id.to_string(), name: &id.name, level: *level }).collect(),
            rect,
        }
    }
}

impl<'a> NodeObject<'a> {
    fn of(node: &'a Node, ids: &'a Ids, place: u32, rect: Option<Rect>) -> Self {
        Self {
            id: ids.spot(Spot::Node(place)),
            kind: node.id.kind,
            cluster: &node.id.cluster,
            namespace: &node.id.namespace,
            name: &node.id.name,
            group: ids.spot(Spot::Group(node.group)),
            calls: CallsObject::of(&node.inbound),
            out: OutObject { requests: node.outbound.requests, errors: node.outbound.errors },
            instances: node.instances.map(|it| InstancesObject { total: it.total, ready: it.ready }),
            origin: node.origin,
            health: HealthFigures::from(&node.health),
            expected: node.expected,
            rect,
        }
    }
}

impl CallsObject {
    fn of(measures: &Measures) -> Self {
        Self {
            requests: measures.requests(),
            errors: measures.errors(),
            client_errors: measures.client_errors(),
            client: Latency::of_side(&measures.client),
            server: Latency::of_side(&measures.server),
        }
    }
}

impl<'a> EdgeObject<'a> {
    fn of(edge: &'a Edge, ids: &'a Ids, route: Option<&'a [[i32; 2]]>) -> Self {
        Self {
            source: ids.spot(edge.source),
            target: ids.spot(edge.target),
            edges: edge.edges,
            red: edge.red,
            unexpected: edge.unexpected,
            calls: CallsObject::of(&edge.whole),
            protocols: &edge.protocols,
            rows: edge.rows.iter().map(RowObject::of).collect(),
            network: Carried::of(&edge.whole),
            sources: edge.sources.iter().collect(),
            health: HealthFigures::from(&edge.health),
            expected: edge.expected,
            route,
        }
    }
}

impl<'a> RowObject<'a> {
    fn of((key, measures): &'a (RowKey, Measures)) -> Self {
        Self {
            protocol: &key.protocol,
            port: key.port,
            transport: key.transport,
            requests: measures.requests(),
            errors: measures.errors(),
        }
    }
}
