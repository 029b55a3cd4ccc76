//! What is found: in the words of its readers, and with what shows it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::port::Layer;
use crate::query::figures::millis;
use crate::{Class, EdgeRow, Kind, Lane, Level, Moment, Name, NodeId, Notice, Protocol, Transport};

/// The closed set of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A line forbids it.
    EdgeForbidden,
    /// No line allows it.
    EdgeUnexpected,
    /// The exception that let it pass is over.
    ExceptionExpired,
    /// A line allows its ends, but not its port, protocol or direction.
    EdgeChanged,
    /// It was tried and never came about.
    PolicyDenied,
    /// A line requires it.
    EdgeMissing,
    /// No line speaks of it.
    NodeUnexpected,
    /// A line requires calls of or to it, and nothing is seen of it.
    NodeMissing,
}

/// Something that stands against a baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The same for the same finding, across restarts too.
    pub id: Name,
    /// What was found.
    pub kind: FindingKind,
    /// How bad it is.
    pub level: Level,
    /// The baseline.
    pub baseline: Name,
    /// Where the line stands that says so; empty if it is the lack of one.
    pub rule: Name,
    /// The caller, or the node that it is about.
    pub client: NodeId,
    /// The called, if it is about one edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<NodeId>,
    /// To which ports.
    pub ports: Ports,
    /// What is spoken, as far as it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
    /// `inferred` if nobody saw who opened the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// Since when.
    #[serde(serialize_with = "in_millis")]
    pub first_seen: Moment,
    /// When it was last so.
    #[serde(serialize_with = "in_millis")]
    pub last_seen: Moment,
    /// Calls.
    pub requests: u64,
    /// Connections.
    pub connections: u64,
    /// Bytes both ways.
    pub bytes: u64,
    /// Pods of the caller; at most [`SAMPLES`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Name>,
    /// Edges that it stands for, if it is about a node; at most [`SAMPLES`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeSample>,
    /// How many edges it stands for.
    pub edges_total: u64,
    /// What shows it: `span`, `metric`, `tcp`.
    pub evidence: Vec<&'static str>,
    /// A sentence for people.
    pub message: String,
}

/// An edge that a finding about a node stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EdgeSample {
    /// The caller.
    pub client: NodeId,
    /// The called.
    pub server: NodeId,
}

/// Most samples of one finding.
pub const SAMPLES: usize = 5;

/// Ports of the called, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ports {
    /// Some of them; at most [`SAMPLES`].
    pub some: Vec<(u16, Transport)>,
    /// How many there are.
    pub total: usize,
}

impl Ports {
    pub(super) fn of<'r>(rows: impl IntoIterator<Item = &'r EdgeRow>) -> Self {
        let layer = |transport| Layer::of(transport);
        let mut all: Vec<(u16, Transport)> =
            rows.into_iter().filter_map(|row| Some((row.port?, row.transport))).collect();
        all.sort_by_key(|(port, transport)| (*port, layer(*transport)));
        all.dedup();
        let total = all.len();
        all.truncate(SAMPLES);
        Self { some: all, total }
    }

    /// The port, if it is one.
    pub fn only(&self) -> Option<u16> {
        let mut numbers = self.some.iter().map(|(port, _)| *port);
        let first = numbers.next()?;
        (self.total <= SAMPLES && numbers.all(|port| port == first)).then_some(first)
    }
}

/// `8080/tcp`, several with commas, or `many`.
impl fmt::Display for Ports {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total > SAMPLES {
            return formatter.write_str("many");
        }
        for (place, (port, transport)) in self.some.iter().enumerate() {
            let between = if place > 0 { ", " } else { "" };
            write!(formatter, "{between}{port}")?;
            if let Some(layer) = Layer::of(*transport) {
                write!(formatter, "/{}", layer.as_str())?;
            }
        }
        Ok(())
    }
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FindingKind {
    /// As files, events and answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdgeForbidden => "edge.forbidden",
            Self::EdgeUnexpected => "edge.unexpected",
            Self::ExceptionExpired => "exception.expired",
            Self::EdgeChanged => "edge.changed",
            Self::PolicyDenied => "policy.denied",
            Self::EdgeMissing => "edge.missing",
            Self::NodeUnexpected => "node.unexpected",
            Self::NodeMissing => "node.missing",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

fn in_millis<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(millis(*moment))
}

/// Of baseline, kind and subject. FNV-1a: the same in every version of this program.
pub(super) fn id(baseline: &str, kind: FindingKind, client: &NodeId, server: Option<&NodeId>) -> Name {
    let server = server.map(ToString::to_string).unwrap_or_default();
    let parts = [baseline, kind.as_str(), &client.to_string(), &server];
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}").into()
}

/// A node as sentences call it.
pub(super) fn called(id: &NodeId) -> String {
    match (id.kind, id.namespace.is_empty()) {
        (Kind::Outside(_), _) => format!("{} {}", id.kind, id.name),
        (_, true) => id.name.to_string(),
        (_, false) => format!("{}/{}", id.namespace, id.name),
    }
}

pub(super) fn evidence(lanes: &[Lane]) -> Vec<&'static str> {
    let mut evidence: Vec<&'static str> = lanes
        .iter()
        .map(|lane| match lane {
            Lane::Spans => "span",
            Lane::ServiceGraph | Lane::Red => "metric",
            Lane::Flows => "tcp",
        })
        .collect();
    evidence.sort_unstable();
    evidence.dedup();
    evidence
}

impl Finding {
    /// As it is told to the world.
    pub fn notice(&self) -> Notice {
        let protocol = match self.protocols.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let transports: Vec<Transport> = self.ports.some.iter().map(|(_, transport)| *transport).collect();
        Notice {
            id: self.id.clone(),
            finding: self.kind.as_str().into(),
            class: Class::Architecture,
            level: self.level,
            baseline: self.baseline.clone(),
            rule: self.rule.clone(),
            client: self.client.clone(),
            server: self.server.clone(),
            port: self.ports.only(),
            transport: match transports.as_slice() {
                [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
                _ => Transport::Unspecified,
            },
            protocol,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            requests: self.requests,
            message: self.message.clone(),
        }
    }
}
