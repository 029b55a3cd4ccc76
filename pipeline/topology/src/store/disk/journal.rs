//! Records of the log: what the store learned, in the order in which it must learn it again.

use crate::store::entities::Known;
use crate::store::facts::{Edge, Fact, Seen};
use crate::store::varint::{put, put_bytes, put_signed, take, take_bytes, take_signed, take_u32};
use crate::{
    EntityId, Event, Exemplar, Interval, Lane, Level, Moment, Name, Protocol, StateMetric, Subject, Transport, Who,
};

/// One thing that the store learned. `plane` is 0 for entities and 1 for machines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record<'a> {
    Entity {
        plane: u8,
        who: Who,
        first: u32,
        last: u32,
    },
    Edge {
        plane: u8,
        edge: Edge,
    },
    /// The place of the protocol is another in each process: its name counts.
    Fact {
        plane: u8,
        fact: Fact,
        protocol: Protocol,
    },
    Block {
        plane: u8,
        step: u32,
        bytes: &'a [u8],
    },
    State {
        entity: EntityId,
        pod: Option<Name>,
        host: Option<Name>,
        metric: StateMetric,
        at: Moment,
        value: f64,
    },
    Event {
        entity: EntityId,
        at: Moment,
        event: Event,
    },
    Exemplar {
        edge: u32,
        at: Moment,
        exemplar: Exemplar,
    },
    Interval(Interval),
    /// The store begins to run in this step; what follows says how long it did.
    Awake(u32),
}

const METRICS: [StateMetric; 14] = [
    StateMetric::CpuUsage,
    StateMetric::CpuLimit,
    StateMetric::CpuRequest,
    StateMetric::CpuLimitUtilization,
    StateMetric::CpuThrottled,
    StateMetric::MemoryWorkingSet,
    StateMetric::MemoryLimit,
    StateMetric::MemoryLimitUtilization,
    StateMetric::Ready,
    StateMetric::Restarts,
    StateMetric::OomKills,
    StateMetric::Phase,
    StateMetric::ReplicasDesired,
    StateMetric::ReplicasAvailable,
];
const LEVELS: [Level; 4] = [Level::Unknown, Level::Ok, Level::Yellow, Level::Red];
const TRANSPORTS: [Transport; 3] = [Transport::Tcp, Transport::Udp, Transport::Unspecified];

fn place<T: PartialEq>(all: &[T], value: &T) -> u64 {
    all.iter().position(|other| other == value).unwrap_or_default() as u64
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_bytes(bytes, text.as_bytes());
}

fn put_optional(bytes: &mut Vec<u8>, text: Option<&Name>) {
    put(bytes, u64::from(text.is_some()));
    if let Some(text) = text {
        put_text(bytes, text);
    }
}

impl Record<'_> {
    /// Appends it.
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Entity { plane, who, first, last } => {
                bytes.extend([1, *plane]);
                // Identities are few, and JSON of them is their documented form.
                put_bytes(bytes, &serde_json::to_vec(who).unwrap_or_default());
                put(bytes, u64::from(*first));
                put(bytes, u64::from(*last));
            }
            Self::Edge { plane, edge } => {
                bytes.extend([3, *plane]);
                put(bytes, edge.source.map_or(0, |source| u64::from(source.0).saturating_add(1)));
                put(bytes, u64::from(edge.target.0));
                put(bytes, u64::from(edge.seen.first));
                put(bytes, u64::from(edge.seen.last));
                put(bytes, edge.seen.days);
            }
            Self::Fact { plane, fact, protocol } => {
                bytes.extend([4, *plane]);
                put(bytes, u64::from(fact.edge));
                put(bytes, place(&Lane::ALL, &fact.lane));
                put_text(bytes, &protocol.0);
                put(bytes, fact.port.map_or(0, |port| u64::from(port).saturating_add(1)));
                put(bytes, place(&TRANSPORTS, &fact.transport));
            }
            Self::Block { plane, step, bytes: block } => {
                bytes.extend([5, *plane]);
                put(bytes, u64::from(*step));
                put_bytes(bytes, block);
            }
            Self::State { entity, pod, host, metric, at, value } => {
                bytes.push(6);
                put(bytes, u64::from(entity.0));
                put_optional(bytes, pod.as_ref());
                put_optional(bytes, host.as_ref());
                put(bytes, place(&METRICS, metric));
                put(bytes, at.0);
                put(bytes, value.to_bits().swap_bytes());
            }
            Self::Event { entity, at, event } => {
                bytes.push(7);
                put(bytes, u64::from(entity.0));
                put(bytes, at.0);
                put_text(bytes, &event.reason);
                put_text(bytes, &event.message);
                put(bytes, u64::from(event.warning));
                put(bytes, u64::from(event.count));
            }
            Self::Exemplar { edge, at, exemplar } => {
                bytes.push(8);
                put(bytes, u64::from(*edge));
                put(bytes, at.0);
                bytes.extend(exemplar.trace);
                put(bytes, exemplar.duration);
                put(bytes, u64::from(exemplar.failed));
            }
            Self::Interval(interval) => {
                bytes.push(9);
                put_interval(bytes, interval);
            }
            Self::Awake(step) => {
                bytes.push(10);
                put(bytes, u64::from(*step));
            }
        }
    }

    /// Takes one off the front; `None` if there is none, or none that this version knows.
    pub(crate) fn take<'a>(bytes: &mut &'a [u8]) -> Option<Record<'a>> {
        let kind = byte(bytes)?;
        Some(match kind {
            1 => Record::Entity {
                plane: byte(bytes)?,
                who: serde_json::from_slice(take_bytes(bytes)?).ok()?,
                first: take_u32(bytes)?,
                last: take_u32(bytes)?,
            },
            3 => Record::Edge {
                plane: byte(bytes)?,
                edge: Edge {
                    source: take_u32(bytes)?.checked_sub(1).map(EntityId),
                    target: EntityId(take_u32(bytes)?),
                    facts: 0,
                    seen: Seen { first: take_u32(bytes)?, last: take_u32(bytes)?, days: take(bytes)? },
                },
            },
            4 => {
                let (plane, edge, lane) = (byte(bytes)?, take_u32(bytes)?, *chosen(&Lane::ALL, bytes)?);
                let protocol = Protocol(text(bytes)?);
                let port = take_u32(bytes)?.checked_sub(1).and_then(|port| u16::try_from(port).ok());
                let transport = *chosen(&TRANSPORTS, bytes)?;
                Record::Fact { plane, fact: Fact { edge, lane, protocol: 0, port, transport }, protocol }
            }
            5 => Record::Block { plane: byte(bytes)?, step: take_u32(bytes)?, bytes: take_bytes(bytes)? },
            6 => Record::State {
                entity: EntityId(take_u32(bytes)?),
                pod: optional(bytes)?,
                host: optional(bytes)?,
                metric: *chosen(&METRICS, bytes)?,
                at: Moment(take(bytes)?),
                value: f64::from_bits(take(bytes)?.swap_bytes()),
            },
            7 => Record::Event {
                entity: EntityId(take_u32(bytes)?),
                at: Moment(take(bytes)?),
                event: Event {
                    reason: text(bytes)?,
                    message: text(bytes)?,
                    warning: take(bytes)? != 0,
                    count: take_u32(bytes)?,
                },
            },
            8 => Record::Exemplar { edge: take_u32(bytes)?, at: Moment(take(bytes)?), exemplar: exemplar(bytes)? },
            9 => Record::Interval(interval(bytes)?),
            10 => Record::Awake(take_u32(bytes)?),
            _ => return None,
        })
    }

    /// An entity as the log has it.
    pub(crate) fn entity(plane: u8, known: &Known) -> Record<'static> {
        Record::Entity { plane, who: known.who.clone(), first: known.first, last: known.last }
    }
}

fn put_interval(bytes: &mut Vec<u8>, interval: &Interval) {
    match &interval.subject {
        Subject::Node(node) => {
            bytes.push(0);
            put(bytes, u64::from(node.0));
        }
        Subject::Edge(source, target) => {
            bytes.push(1);
            put(bytes, u64::from(source.0));
            put(bytes, u64::from(target.0));
        }
        Subject::Group(group) => {
            bytes.push(2);
            put_text(bytes, group);
        }
        Subject::Finding(finding) => {
            bytes.push(3);
            put_text(bytes, finding);
        }
    }
    put_text(bytes, &interval.rule);
    put(bytes, place(&LEVELS, &interval.level));
    put(bytes, interval.from.0);
    put_signed(bytes, interval.to.map_or(-1, |to| i64::try_from(to.0).unwrap_or(i64::MAX)));
    put(bytes, interval.value.to_bits().swap_bytes());
}

fn interval(bytes: &mut &[u8]) -> Option<Interval> {
    let subject = match byte(bytes)? {
        0 => Subject::Node(EntityId(take_u32(bytes)?)),
        1 => Subject::Edge(EntityId(take_u32(bytes)?), EntityId(take_u32(bytes)?)),
        2 => Subject::Group(text(bytes)?),
        3 => Subject::Finding(text(bytes)?),
        _ => return None,
    };
    Some(Interval {
        subject,
        rule: text(bytes)?,
        level: *chosen(&LEVELS, bytes)?,
        from: Moment(take(bytes)?),
        to: u64::try_from(take_signed(bytes)?).ok().map(Moment),
        value: f64::from_bits(take(bytes)?.swap_bytes()),
    })
}

fn exemplar(bytes: &mut &[u8]) -> Option<Exemplar> {
    let (trace, rest) = bytes.split_first_chunk::<16>()?;
    let trace = *trace;
    *bytes = rest;
    Some(Exemplar { trace, duration: take(bytes)?, failed: take(bytes)? != 0 })
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn chosen<'t, T>(all: &'t [T], bytes: &mut &[u8]) -> Option<&'t T> {
    all.get(usize::try_from(take(bytes)?).ok()?)
}

fn text(bytes: &mut &[u8]) -> Option<Name> {
    std::str::from_utf8(take_bytes(bytes)?).ok().map(Name::from)
}

fn optional(bytes: &mut &[u8]) -> Option<Option<Name>> {
    Some(if take(bytes)? == 0 { None } else { Some(text(bytes)?) })
}
