//! Which facts exist: a pair of entities, by what lane and under what protocol it is known; and since when.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::{EntityId, Lane, Name, Protocol, STEP, Transport};

/// Facts of one edge; beyond, ports and protocols are no longer told apart.
const MOST_FACTS_PER_EDGE: u16 = 64;
/// Protocols in all; beyond, they are `unspecified`.
const MOST_PROTOCOLS: usize = 512;
/// Days in the bitmap of an edge.
const DAYS: u32 = 64;
/// Nanoseconds of a day in steps.
const DAY: u32 = (86_400 * crate::SECOND / STEP) as u32;

/// All facts and their edges. Snapshots share it; a change copies it at most once a snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) edges: Vec<Edge>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) protocols: Vec<Protocol>,
}

/// A pair of entities with traffic; without a source, an entity that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) source: Option<EntityId>,
    pub(crate) target: EntityId,
    pub(crate) facts: u16,
    pub(crate) seen: Seen,
}

/// When something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// First and last step.
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// The day of `last` is bit 0, the day before bit 1.
    pub(crate) days: u64,
}

/// What a row in a block is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fact {
    pub(crate) edge: u32,
    pub(crate) lane: Lane,
    /// Position in the table's protocols.
    pub(crate) protocol: u16,
    pub(crate) port: Option<u16>,
    pub(crate) transport: Transport,
}

/// The table and the ways to find something in it.
pub(crate) struct Facts {
    most_edges: usize,
    table: Arc<Table>,
    pairs: HashMap<(Option<EntityId>, EntityId), u32, foldhash::fast::FixedState>,
    keys: HashMap<Fact, u32, foldhash::fast::FixedState>,
    protocols: HashMap<Name, u16>,
}

impl Facts {
    pub(crate) fn new(most_edges: usize) -> Self {
        Self {
            most_edges,
            table: Arc::default(),
            pairs: HashMap::default(),
            keys: HashMap::default(),
            protocols: HashMap::default(),
        }
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The edge of a pair, new or known; `None` if there is no room for a new one. A `bucket` always has room.
    pub(crate) fn edge(&mut self, source: Option<EntityId>, target: EntityId, step: u32, bucket: bool) -> Option<u32> {
        if let Some(edge) = self.pairs.get(&(source, target)) {
            return Some(*edge);
        }
        // Buckets are as many as pairs of namespaces and types; twice the bound is the end even for them.
        let most = if bucket { self.most_edges.saturating_mul(2) } else { self.most_edges };
        if self.table.edges.len() >= most {
            return None;
        }
        Some(self.add_edge(Edge { source, target, facts: 0, seen: Seen::at(step) }))
    }

    /// Adds an edge at the next position.
    pub(crate) fn add_edge(&mut self, edge: Edge) -> u32 {
        let table = Arc::make_mut(&mut self.table);
        let id = table.edges.len() as u32;
        table.edges.push(edge);
        self.pairs.insert((edge.source, edge.target), id);
        id
    }

    /// The id of a fact, new or known.
    pub(crate) fn fact(&mut self, mut fact: Fact) -> Option<u32> {
        if let Some(id) = self.keys.get(&fact) {
            return Some(*id);
        }
        let held = self.table.edges.get(fact.edge as usize)?.facts;
        if held >= MOST_FACTS_PER_EDGE {
            // Four lanes and three transports: this adds at most a dozen.
            fact = Fact { port: None, protocol: self.protocol(&Protocol::unspecified()), ..fact };
            if let Some(id) = self.keys.get(&fact) {
                return Some(*id);
            }
        }
        Some(self.add_fact(fact))
    }

    /// True if a fact is told apart by this protocol and this port.
    pub(crate) fn tells(&self, fact: u32, protocol: &Protocol, port: Option<u16>) -> bool {
        let held = self.table.facts.get(fact as usize);
        held.is_some_and(|held| {
            held.port == port && self.table.protocols.get(usize::from(held.protocol)) == Some(protocol)
        })
    }

    /// Adds a fact at the next position.
    pub(crate) fn add_fact(&mut self, fact: Fact) -> u32 {
        let table = Arc::make_mut(&mut self.table);
        let id = table.facts.len() as u32;
        table.facts.push(fact);
        if let Some(edge) = table.edges.get_mut(fact.edge as usize) {
            edge.facts = edge.facts.saturating_add(1);
        }
        self.keys.insert(fact, id);
        id
    }

    /// The position of a protocol, new or known; that of `unspecified` if there are too many.
    pub(crate) fn protocol(&mut self, protocol: &Protocol) -> u16 {
        if let Some(place) = self.protocols.get(&protocol.0) {
            return *place;
        }
        if self.table.protocols.len() >= MOST_PROTOCOLS && !protocol.is_unspecified() {
            return self.protocol(&Protocol::unspecified());
        }
        let table = Arc::make_mut(&mut self.table);
        let place = table.protocols.len() as u16;
        table.protocols.push(protocol.clone());
        self.protocols.insert(protocol.0.clone(), place);
        place
    }

    /// Notes that a fact was seen in a step; gives its edge.
    pub(crate) fn saw(&mut self, fact: u32, step: u32) -> Option<(Option<EntityId>, EntityId)> {
        let edge = self.table.facts.get(fact as usize)?.edge;
        let held = self.table.edges.get(edge as usize)?;
        let (seen, ends) = (held.seen.with(step), (held.source, held.target));
        if seen != held.seen
            && let Some(held) = Arc::make_mut(&mut self.table).edges.get_mut(edge as usize)
        {
            held.seen = seen;
        }
        Some(ends)
    }
}

impl Seen {
    pub(crate) fn at(step: u32) -> Self {
        Self { first: step, last: step, days: 1 }
    }

    /// Seen in `step` too.
    pub(crate) fn with(self, step: u32) -> Self {
        self.and(Self::at(step))
    }

    /// Seen when either was.
    pub(crate) fn and(self, other: Self) -> Self {
        let (late, early) = if self.last >= other.last { (self, other) } else { (other, self) };
        let apart = (late.last / DAY).saturating_sub(early.last / DAY);
        let days = if apart < DAYS { late.days | early.days << apart } else { late.days };
        Self { first: self.first.min(other.first), last: late.last, days }
    }
}

impl Table {
    /// What a fact is about, and its edge.
    pub(crate) fn get(&self, fact: u32) -> Option<(&Fact, &Edge)> {
        let fact = self.facts.get(fact as usize)?;
        Some((fact, self.edges.get(fact.edge as usize)?))
    }

    pub(crate) fn protocol(&self, fact: &Fact) -> Protocol {
        self.protocols.get(usize::from(fact.protocol)).cloned().unwrap_or_else(Protocol::unspecified)
    }
}
