//! From OTLP to rows: one extractor for each shard and signal, and what they share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use component::Now;
use pdata::{Batch, Signal};
use topology::{Name, Rows};

use super::config::TopologyConfig;
use super::events::{self, RecordTally};
use super::identity::{Known, Owners, Residents};
use super::metrics::{Context, Metrics, PointTally};
use super::route::Routes;
use super::spans::{Calls, Patience, Seen, SpanReader, Tally};

/// What all extractors of an exporter share.
pub struct Shared {
    /// A lock and not an owner: each shard takes it once per batch, for as long as it takes to add what it has read,
    /// and what shards see of one call must meet somewhere.
    state: Mutex<State>,
    owners: Owners,
    cluster: Name,
}

struct State {
    calls: Calls,
    known: Known,
    metrics: Metrics,
    records: RecordTally,
}

/// What happened to everything that was read since it was last told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) ends: Tally,
    pub(super) points: PointTally,
    pub(super) records: RecordTally,
    /// Ends that wait now.
    pub(super) waiting: usize,
    /// Streams that are followed now.
    pub(super) streams: usize,
}

impl Shared {
    /// Nothing seen yet, from `now` on. `cluster` is where ends live that do not say so.
    pub fn new(config: &TopologyConfig, cluster: Name, now: Now) -> Self {
        let patience = Patience {
            wait: config.pairing.wait.as_duration(),
            ends: config.pairing.max_items,
            memory: config.deduplication.window.as_duration(),
            spans: if config.deduplication.window.is_zero() { 0 } else { config.deduplication.max_items },
        };
        let expiration = u64::try_from(config.streams.expiration.as_nanoseconds()).unwrap_or(0);
        let state = State {
            calls: Calls::new(&patience),
            known: Known::default(),
            metrics: Metrics::new(config.streams.max_items, expiration, now.unix_nanos),
            records: RecordTally::default(),
        };
        Self { state: Mutex::new(state), owners: Owners::default(), cluster }
    }

    /// What has waited in vain until now.
    pub fn expire(&self, now: Now) -> Rows {
        let mut rows = Rows::default();
        let State { calls, known, .. } = &mut *self.state();
        calls.expire(known, now, &mut rows);
        rows
    }

    /// What still waits when nothing more will come.
    pub fn finish(&self, now: Now) -> Rows {
        let mut rows = Rows::default();
        let State { calls, known, .. } = &mut *self.state();
        calls.finish(known, now, &mut rows);
        rows
    }

    pub(super) fn told(&self) -> Told {
        let State { calls, metrics, records, .. } = &mut *self.state();
        Told {
            ends: calls.take_tally(),
            points: metrics.take_tally(),
            records: std::mem::take(records),
            waiting: calls.waiting(),
            streams: metrics.streams(),
        }
    }

    /// A shard that panicked leaves it as it was between two spans or points: it stays in use.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads batches.
pub struct Extractor {
    shared: Arc<Shared>,
    residents: Residents,
    spans: SpanReader,
    seen: Vec<Seen>,
    routes: Routes,
}

impl Extractor {
    /// A reader that shares what it learns with the others.
    pub fn new(shared: Arc<Shared>) -> Self {
        let residents = Residents::new(&shared.cluster);
        Self { shared, residents, spans: SpanReader::default(), seen: Vec::new(), routes: Routes::default() }
    }

    /// The rows that a batch makes known.
    pub fn rows(&mut self, batch: &Batch, now: Now) -> Rows {
        match batch.signal() {
            Signal::Traces => self.of_spans(batch, now),
            Signal::Metrics => self.of_points(batch, now),
            Signal::Logs => self.of_records(batch, now),
        }
    }

    fn of_points(&mut self, batch: &Batch, now: Now) -> Rows {
        let mut rows = Rows::default();
        let State { metrics, known, .. } = &mut *self.shared.state();
        let (residents, routes, owners) = (&mut self.residents, &mut self.routes, &self.shared.owners);
        metrics.take(batch, &mut Context { residents, routes, owners, known, now }, &mut rows);
        rows
    }

    fn of_records(&mut self, batch: &Batch, now: Now) -> Rows {
        let mut rows = Rows::default();
        let tally = events::read(batch, &mut self.residents, &self.shared.owners, now.unix_nanos, &mut rows);
        let state = &mut *self.shared.state();
        self.residents.take_fresh().iter().for_each(|end| state.known.meet(end));
        state.records.add(tally);
        rows
    }

    fn of_spans(&mut self, batch: &Batch, now: Now) -> Rows {
        self.spans.read(batch, &mut self.residents, &self.shared.owners, &mut self.seen);
        let fresh = self.residents.take_fresh();
        let mut rows = Rows::default();
        let State { calls, known, .. } = &mut *self.shared.state();
        fresh.iter().for_each(|end| known.meet(end));
        calls.take(self.seen.drain(..), known, now, &mut rows);
        rows
    }
}

/// How often ends that wait in vain are looked for.
pub(super) const BEAT: Duration = Duration::from_millis(500);
