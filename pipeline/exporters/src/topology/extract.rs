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
    /// How often tables had started over when it was last told.
    restarts: [u64; 5],
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
    /// How often tables started over because they were full: names, addresses, owners, states, conventions.
    pub(super) restarts: [u64; 5],
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
            restarts: [0; 5],
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
        let State { calls, known, metrics, records, restarts } = &mut *self.state();
        let ([names, addresses], [states, conventions]) = (known.restarts(), metrics.restarts());
        let all = [names, addresses, self.owners.restarts(), states, conventions];
        let mut since = all;
        let before = std::mem::replace(restarts, all);
        since.iter_mut().zip(before).for_each(|(count, before)| *count = count.saturating_sub(before));
        Told {
            restarts: since,
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
        residents.keep_up_with(known);
        metrics.take(batch, &mut Context { residents, routes, owners, known, now }, &mut rows);
        rows
    }

    fn of_records(&mut self, batch: &Batch, now: Now) -> Rows {
        let mut rows = Rows::default();
        let tally = events::read(batch, &mut self.residents, &self.shared.owners, now.unix_nanos, &mut rows);
        let state = &mut *self.shared.state();
        self.residents.take_fresh().iter().for_each(|end| state.known.meet(end));
        self.residents.keep_up_with(&state.known);
        state.records.add(tally);
        rows
    }

    fn of_spans(&mut self, batch: &Batch, now: Now) -> Rows {
        self.spans.read(batch, &mut self.residents, &self.shared.owners, &mut self.seen);
        let fresh = self.residents.take_fresh();
        let mut rows = Rows::default();
        let State { calls, known, .. } = &mut *self.shared.state();
        fresh.iter().for_each(|end| known.meet(end));
        self.residents.keep_up_with(known);
        calls.take(self.seen.drain(..), known, now, &mut rows);
        rows
    }
}

/// How often ends that wait in vain are looked for.
pub(super) const BEAT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use component::testkit::{BEGINNING, settings};
    use component::{Clock as _, SteppedClock};
    use pdata::{SpanFields, TracesWriter};
    use topology::{End, Inside, Service, ServiceOrigin, Who};

    use super::*;

    fn service(name: &str) -> End {
        let service = Some(Service { name: name.into(), origin: ServiceOrigin::ServiceName });
        let inside = Inside { cluster: "".into(), namespace: "".into(), workload: None, service };
        End { who: Who::Inside(inside), pod: None, host: None }
    }

    /// A span of kind server without a parent, or of kind client for a peer.
    fn span(name: &str, number: u8, peer: Option<&str>) -> Batch {
        let mut writer = TracesWriter::new();
        writer.resource(|out| {
            out.add("service.name", name);
        });
        let (trace, id) = ([number; 16], [number; 8]);
        let kind = if peer.is_some() { 3 } else { 2 };
        writer.span(&SpanFields { trace_id: &trace, span_id: &id, kind, ..SpanFields::default() }, |out| {
            if let Some(peer) = peer {
                out.add("server.address", peer);
            }
        });
        writer.finish()
    }

    #[test]
    fn after_more_names_than_there_is_room_for_those_who_still_speak_are_known_again() {
        let clock = SteppedClock::at(BEGINNING);
        let mut extractor = Extractor::new(Arc::new(Shared::new(&settings(""), "".into(), clock.now())));
        extractor.rows(&span("cart", 1, None), clock.now());
        let mut others = 0_u32..;
        while extractor.shared.told().restarts[0] == 0 {
            let other = others.next().unwrap().to_string();
            extractor.shared.state().known.meet(&service(&other));
        }

        // The first batch after that shows that everybody has to be read anew.
        for number in [2, 3] {
            extractor.rows(&span("cart", number, None), clock.now());
        }
        extractor.rows(&span("front", 4, Some("cart")), clock.now());

        let facts = extractor.shared.finish(clock.now()).facts;
        let last = facts.last().unwrap();
        assert_eq!(*last.target, service("cart"), "{last:?}");
    }
}
