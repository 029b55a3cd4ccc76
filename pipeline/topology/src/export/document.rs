//! A whole window as a document: what `graph export` writes and offline baselines read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    EdgeRow, Entity, EntityEdge, EntityId, Event, FailedConnects, Flow, Gap, Histogram, Instance, Lane, Measures,
    Moment, Name, NodeFacts, Observed, Phase, Protocol, Registry, Replicas, Requests, Side, Tier, Transport, Usage,
    Who, Window,
};

pub(super) const API_VERSION: &str = "topology/v1alpha1";
pub(super) const KIND: &str = "ObservedGraph";

/// Times are nanoseconds since the epoch, durations nanoseconds. `from`, `to` and `of` are positions in `entities`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    api_version: String,
    kind: String,
    window: WindowPart,
    complete: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Tier>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    dropped: BTreeMap<String, u64>,
    entities: Vec<EntityPart>,
    edges: Vec<EdgePart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    states: Vec<StatePart>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowPart {
    from: u64,
    to: u64,
    covered: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntityPart {
    who: Who,
    first_seen: u64,
    last_seen: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EdgePart {
    from: u32,
    to: u32,
    lane: Lane,
    sources: Vec<Lane>,
    first_seen: u64,
    last_seen: u64,
    days: u32,
    rows: Vec<RowPart>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RowPart {
    protocol: Protocol,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    transport: Transport,
    #[serde(flatten)]
    measures: MeasuresPart,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MeasuresPart {
    /// Exchanges that both ends saw, only the caller, only the called.
    #[serde(default, skip_serializing_if = "is_default")]
    requests: [u64; 3],
    #[serde(default, skip_serializing_if = "is_default")]
    client: SidePart,
    #[serde(default, skip_serializing_if = "is_default")]
    server: SidePart,
    /// Sum and count of client minus server time.
    #[serde(default, skip_serializing_if = "is_default")]
    gap: (i64, u64),
    #[serde(default, skip_serializing_if = "is_default")]
    flow: FlowPart,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct SidePart {
    #[serde(skip_serializing_if = "is_default")]
    errors: u64,
    #[serde(skip_serializing_if = "is_default")]
    client_errors: u64,
    /// Exact sum of latencies.
    #[serde(skip_serializing_if = "is_default")]
    sum: u64,
    /// Bucket `i` counts latencies in [2^(i/4), 2^((i+1)/4)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<(u8, u64)>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct FlowPart {
    #[serde(skip_serializing_if = "is_default")]
    bytes_sent: u64,
    #[serde(skip_serializing_if = "is_default")]
    bytes_received: u64,
    #[serde(skip_serializing_if = "is_default")]
    connections: u64,
    #[serde(skip_serializing_if = "is_default")]
    refused: u64,
    #[serde(skip_serializing_if = "is_default")]
    timed_out: u64,
    #[serde(skip_serializing_if = "is_default")]
    unreachable: u64,
    #[serde(skip_serializing_if = "is_default")]
    rtt_sum: u64,
    #[serde(skip_serializing_if = "is_default")]
    rtt_count: u64,
    #[serde(skip_serializing_if = "is_default")]
    retransmits: u64,
    #[serde(skip_serializing_if = "is_default")]
    segments: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatePart {
    of: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    answered: Vec<AnsweredPart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instances: Vec<InstancePart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replicas: Option<Replicas>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventPart>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnsweredPart {
    protocol: Protocol,
    #[serde(flatten)]
    measures: MeasuresPart,
}

#[derive(Debug, Serialize, Deserialize)]
struct EventPart {
    at: u64,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InstancePart {
    name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<Phase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unready_since: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpu: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled: Option<f64>,
    #[serde(default, skip_serializing_if = "is_default")]
    restarts: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    oom_kills: u64,
    last_seen: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a document lacks to be one of ours.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Another kind of file, or another version.
    Kind { api_version: String, kind: String },
    /// A position that no entity has.
    Entity(u32),
}

/// Reasons of missing data that this version knows by name; others are added up under `export`.
const REASONS: [&str; 3] = ["entities", "nodes", "edges"];

impl Document {
    pub(super) fn of(observed: &Observed) -> Self {
        let window = observed.window;
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            window: WindowPart { from: window.from.0, to: window.to.0, covered: window.covered },
            complete: observed.complete,
            tiers: observed.tiers.clone(),
            dropped: observed.dropped.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
            entities: observed.registry.entities.iter().map(|entity| EntityPart::of(entity)).collect(),
            edges: observed.edges.iter().map(EdgePart::of).collect(),
            states: observed.nodes.iter().map(StatePart::of).collect(),
        }
    }

    pub(super) fn observed(self) -> Result<Observed, Unfit> {
        if self.api_version != API_VERSION || self.kind != KIND {
            return Err(Unfit::Kind { api_version: self.api_version, kind: self.kind });
        }
        let known = self.entities.len();
        let named = self.edges.iter().flat_map(|edge| [edge.from, edge.to]).chain(self.states.iter().map(|it| it.of));
        let strangers = |place: &u32| usize::try_from(*place).is_ok_and(|place| place >= known);
        if let Some(place) = named.into_iter().find(strangers) {
            return Err(Unfit::Entity(place));
        }
        let mut dropped = BTreeMap::new();
        for (reason, count) in self.dropped {
            let reason = REASONS.into_iter().find(|known| *known == reason).unwrap_or("export");
            let sum: &mut u64 = dropped.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        let mut edges: Vec<EntityEdge> = self.edges.into_iter().map(EdgePart::edge).collect();
        edges.sort_by_key(|edge| (edge.source, edge.target));
        let mut nodes: Vec<NodeFacts> = self.states.into_iter().map(StatePart::facts).collect();
        nodes.sort_by_key(|facts| facts.entity);
        Ok(Observed {
            window: Window { from: Moment(self.window.from), to: Moment(self.window.to), covered: self.window.covered },
            complete: self.complete,
            dropped,
            registry: Arc::new(Registry { entities: self.entities.into_iter().map(EntityPart::entity).collect() }),
            edges,
            nodes,
            tiers: self.tiers,
        })
    }
}

impl EntityPart {
    fn of(entity: &Entity) -> Self {
        Self { who: entity.who.clone(), first_seen: entity.first_seen.0, last_seen: entity.last_seen.0 }
    }

    fn entity(self) -> Arc<Entity> {
        let (first_seen, last_seen) = (Moment(self.first_seen), Moment(self.last_seen));
        Arc::new(Entity { who: self.who, first_seen, last_seen })
    }
}

impl EdgePart {
    fn of(edge: &EntityEdge) -> Self {
        let row = |row: &EdgeRow| RowPart {
            protocol: row.protocol.clone(),
            port: row.port,
            transport: row.transport,
            measures: MeasuresPart::of(&row.measures),
        };
        Self {
            from: edge.source.0,
            to: edge.target.0,
            lane: edge.lane,
            sources: edge.sources.clone(),
            first_seen: edge.first_seen.0,
            last_seen: edge.last_seen.0,
            days: edge.days,
            rows: edge.rows.iter().map(row).collect(),
        }
    }

    fn edge(self) -> EntityEdge {
        let row = |row: RowPart| EdgeRow {
            protocol: row.protocol,
            port: row.port,
            transport: row.transport,
            measures: row.measures.measures(),
        };
        EntityEdge {
            source: EntityId(self.from),
            target: EntityId(self.to),
            lane: self.lane,
            sources: self.sources,
            rows: self.rows.into_iter().map(row).collect(),
            first_seen: Moment(self.first_seen),
            last_seen: Moment(self.last_seen),
            days: self.days,
        }
    }
}

impl MeasuresPart {
    fn of(measures: &Measures) -> Self {
        let Requests { paired, client_only, server_only } = measures.requests;
        let flow = &measures.flow;
        Self {
            requests: [paired, client_only, server_only],
            client: SidePart::of(&measures.client),
            server: SidePart::of(&measures.server),
            gap: (measures.gap.sum, measures.gap.count),
            flow: FlowPart {
                bytes_sent: flow.bytes_sent,
                bytes_received: flow.bytes_received,
                connections: flow.connections,
                refused: flow.failed.refused,
                timed_out: flow.failed.timed_out,
                unreachable: flow.failed.unreachable,
                rtt_sum: flow.rtt_sum,
                rtt_count: flow.rtt_count,
                retransmits: flow.retransmits,
                segments: flow.segments,
            },
        }
    }

    fn measures(self) -> Measures {
        let [paired, client_only, server_only] = self.requests;
        let flow = self.flow;
        Measures {
            requests: Requests { paired, client_only, server_only },
            client: self.client.side(),
            server: self.server.side(),
            gap: Gap { sum: self.gap.0, count: self.gap.1 },
            flow: Flow {
                bytes_sent: flow.bytes_sent,
                bytes_received: flow.bytes_received,
                connections: flow.connections,
                failed: FailedConnects {
                    refused: flow.refused,
                    timed_out: flow.timed_out,
                    unreachable: flow.unreachable,
                },
                rtt_sum: flow.rtt_sum,
                rtt_count: flow.rtt_count,
                retransmits: flow.retransmits,
                segments: flow.segments,
            },
        }
    }
}

impl SidePart {
    fn of(side: &Side) -> Self {
        Self {
            errors: side.errors,
            client_errors: side.client_errors,
            sum: side.latency.sum(),
            buckets: side.latency.buckets().collect(),
        }
    }

    fn side(self) -> Side {
        Side {
            errors: self.errors,
            client_errors: self.client_errors,
            latency: Histogram::from_parts(self.sum, self.buckets),
        }
    }
}

impl StatePart {
    fn of(facts: &NodeFacts) -> Self {
        let answered = facts.answered.iter().map(|(protocol, measures)| AnsweredPart {
            protocol: protocol.clone(),
            measures: MeasuresPart::of(measures),
        });
        Self {
            of: facts.entity.0,
            answered: answered.collect(),
            instances: facts.instances.iter().map(InstancePart::of).collect(),
            replicas: facts.replicas,
            events: facts.events.iter().map(|(at, event)| EventPart { at: at.0, event: event.clone() }).collect(),
        }
    }

    fn facts(self) -> NodeFacts {
        NodeFacts {
            entity: EntityId(self.of),
            answered: self.answered.into_iter().map(|it| (it.protocol, it.measures.measures())).collect(),
            instances: self.instances.into_iter().map(InstancePart::instance).collect(),
            replicas: self.replicas,
            events: self.events.into_iter().map(|it| (Moment(it.at), it.event)).collect(),
        }
    }
}

impl InstancePart {
    fn of(it: &Instance) -> Self {
        Self {
            name: it.name.clone(),
            host: it.host.clone(),
            phase: it.phase,
            ready: it.ready,
            unready_since: it.unready_since.map(|moment| moment.0),
            cpu: it.cpu,
            memory: it.memory,
            throttled: it.throttled,
            restarts: it.restarts,
            oom_kills: it.oom_kills,
            last_seen: it.last_seen.0,
        }
    }

    fn instance(self) -> Instance {
        Instance {
            name: self.name,
            host: self.host,
            phase: self.phase,
            ready: self.ready,
            unready_since: self.unready_since.map(Moment),
            cpu: self.cpu,
            memory: self.memory,
            throttled: self.throttled,
            restarts: self.restarts,
            oom_kills: self.oom_kills,
            last_seen: Moment(self.last_seen),
        }
    }
}
