//! All that the shards' instances share: ends that wait, and the series of edges.

use std::sync::Arc;

use component::{BuildContext, Counter, Now};
use pairing::{Counted, Keys, Met, PairKey, PairStore};
use pdata::Batch;

use super::config::{ServiceGraphConfig, UnpairedServers};
use super::edge::{Connection, Edge, End, Unseen};
use super::series::EdgeSeries;

/// One span, as the graph needs it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) keys: Keys,
    pub(super) edge: Edge,
}

/// The graph.
pub(super) struct Graph {
    store: PairStore<Edge>,
    counted: Option<Counted>,
    series: EdgeSeries,
    names: Buckets,
    virtual_nodes: bool,
    unpaired_servers: UnpairedServers,
    evict_oldest: bool,
    telemetry: Telemetry,
}

/// Names of ends that nobody saw.
struct Buckets {
    user: Arc<str>,
    unknown: Arc<str>,
}

struct Telemetry {
    total_edges: Counter,
    expired_edges: Counter,
    dropped_spans: Counter,
    repeated_spans: Counter,
}

impl Telemetry {
    fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let counter = |name: &str, help| {
            let name = format!("otelcol_connector_servicegraph_{name}");
            context.registry.counter(&name, help, &[("connector", &id)])
        };
        Self {
            total_edges: counter("total_edges", "Edges of which a first end was seen."),
            expired_edges: counter("expired_edges", "Edges whose other end did not come in time."),
            dropped_spans: counter("dropped_spans", "Spans for which the store had no room."),
            repeated_spans: counter("repeated_spans", "Spans of calls that were counted already."),
        }
    }
}

impl Graph {
    pub(super) fn new(config: &ServiceGraphConfig, context: &BuildContext) -> Self {
        let capacity = usize::try_from(config.store.max_items).unwrap_or(0);
        let window = config.deduplication.window.as_duration();
        let remembers = !window.is_zero() && config.deduplication.max_items > 0;
        Self {
            store: PairStore::new(capacity, config.store.ttl.as_duration()),
            counted: remembers.then(|| Counted::new(config.deduplication.max_items, window)),
            series: EdgeSeries::new(config, context),
            names: Buckets { user: "user".into(), unknown: "unknown".into() },
            virtual_nodes: !config.virtual_node_peer_attributes.is_empty(),
            unpaired_servers: config.unpaired_servers,
            evict_oldest: config.store.evict_oldest,
            telemetry: Telemetry::new(context),
        }
    }

    /// Takes in the spans of one batch. Per span, under the lock, no allocation: benches/micro/connectors.rs.
    pub(super) fn take(&mut self, spans: impl Iterator<Item = Seen>, now: Now) {
        for Seen { keys, edge } in spans {
            if self.is_repeat(keys, &edge) {
                self.telemetry.repeated_spans.add(1);
                continue;
            }
            self.meet(keys, edge, now);
        }
    }

    fn meet(&mut self, keys: Keys, edge: Edge, now: Now) {
        let needs_room = self.evict_oldest && self.store.is_full() && !self.store.awaits(keys);
        if needs_room && let Some((keys, oldest)) = self.store.pop_oldest() {
            self.expired(keys, oldest, now);
        }
        match self.store.meet(keys, edge, now.monotonic) {
            Met::Waits { first } => self.telemetry.total_edges.add(u64::from(first)),
            Met::Whole { value, keys: stored, waited } => {
                self.telemetry.total_edges.add(u64::from(!waited));
                self.count(&[keys, stored], &value, now);
            }
            Met::NoRoom(edge) => {
                self.telemetry.dropped_spans.add(1);
                self.series.dropped(&edge, now);
            }
        }
    }

    /// Gives up on ends that have waited too long.
    pub(super) fn expire(&mut self, now: Now) {
        while let Some((keys, edge)) = self.store.pop_expired(now.monotonic) {
            self.expired(keys, edge, now);
        }
        if let Some(counted) = &mut self.counted {
            counted.forget(now.monotonic);
        }
    }

    /// Nothing more will come: ends that still wait have waited in vain.
    pub(super) fn finish(&mut self, now: Now) {
        self.expire(now);
        while let Some((_, edge)) = self.store.pop_oldest() {
            self.telemetry.expired_edges.add(1);
            self.series.unpaired(&edge, now);
        }
    }

    /// Drops series that nothing has updated for long.
    pub(super) fn clean(&mut self, now: Now) {
        self.series.expire(now);
    }

    /// All series, as metrics.
    pub(super) fn metrics(&mut self, now: Now) -> Batch {
        self.series.metrics(now)
    }

    fn expired(&mut self, keys: Keys, mut edge: Edge, now: Now) {
        self.telemetry.expired_edges.add(1);
        if let (Some(database), Some(client)) = (edge.database.take(), &edge.client) {
            edge.server = Some(End { seconds: client.seconds, ..End::unseen(database) });
            return self.count(&[keys], &edge, now);
        }
        self.series.unpaired(&edge, now);
        if let Some(unseen) = self.other_end(&edge) {
            edge.connection = Connection::Virtual;
            edge.unseen = unseen;
            match unseen {
                Unseen::Client => {
                    let name = if edge.is_root { &self.names.user } else { &self.names.unknown };
                    edge.client = Some(End::unseen(Arc::clone(name)));
                }
                Unseen::Server | Unseen::Nobody => {
                    let name = edge.peer.take().unwrap_or_else(|| Arc::clone(&self.names.unknown));
                    edge.server = Some(End::unseen(name));
                }
            }
            self.count(&[keys], &edge, now);
        }
    }

    /// Which end of an edge that was given up becomes a virtual node, if it is to be an edge at all.
    fn other_end(&self, edge: &Edge) -> Option<Unseen> {
        let kept = self.unpaired_servers == UnpairedServers::Bucket;
        match (&edge.client, &edge.server) {
            (Some(_), None) => self.virtual_nodes.then_some(Unseen::Server),
            (None, Some(_)) if edge.is_root && self.virtual_nodes => Some(Unseen::Client),
            (None, Some(_)) if kept => Some(Unseen::Client),
            _ => None,
        }
    }

    fn count(&mut self, keys: &[Keys], edge: &Edge, now: Now) {
        self.series.count(edge, now);
        let Some(counted) = &mut self.counted else { return };
        for span in edge.spans() {
            counted.note(&span, now.monotonic);
        }
        for key in keys.iter().flat_map(|keys| keys.iter()).filter(|key| names_one_call(edge, *key)) {
            counted.note(&key, now.monotonic);
        }
    }

    fn is_repeat(&self, keys: Keys, edge: &Edge) -> bool {
        let Some(counted) = &self.counted else { return false };
        edge.spans().any(|span| counted.knows(&span)) || keys.iter().any(|key| counted.knows(&key))
    }

    /// How many edges there are series of, for the gauge.
    pub(super) fn edges(&self) -> usize {
        self.series.len()
    }
}

/// Whether any other end under this key belongs to a call that is counted already. A message may have more consumers, and
/// a trace more roots.
fn names_one_call(edge: &Edge, key: PairKey) -> bool {
    match key {
        PairKey::Wire(_) => true,
        PairKey::Trace { client_span, .. } => edge.connection != Connection::Messaging && client_span != 0,
    }
}
