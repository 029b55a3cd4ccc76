//! Owns everything that is known about connections and turns events into telemetry.
//!
//! One thread owns an observer; both ends of a local connection meet in it. Times of events are Unix nanoseconds and
//! serve as its clock, so that a capture of yesterday ages as it did yesterday.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashMap;
use pdata::Batch;
use protocols::connection::{Start, Want};
use protocols::exchange::Details;
use protocols::{Chunk, Connection, ConnectionConfig, Exchange, Flow, Nanos};

use super::end::{End, Pairs};
use super::events::{Closed, Counts, Failed, Identify, Opened, Statistics};
use super::finished::{Addresses, EndId, Finished};
use super::http_metrics::HttpMetrics;
use super::lineage::{Begun, Lineage, LineageLimits, Side, WireContext};
use super::process::Who;
use super::report::report;
use super::sdk::Sdk;
use super::settings::{ObserverSettings, Temporality};
use super::spans::Spans;
use super::tcp_metrics::{Edge, EdgeCounts, Endpoint, TcpMetrics, cause};
use super::waiting::{Arrival, Waiting};
use super::wire::SequencePair;

/// How often connections that fell silent are asked what they still wait for.
const SETTLE_INTERVAL: u64 = 1_000_000_000;

/// See the module.
pub struct Observer<I> {
    settings: ObserverSettings,
    identify: I,
    ends: HashMap<EndId, End>,
    pairs: Pairs,
    lineage: Lineage,
    waiting: Waiting,
    spans: Spans,
    http: HttpMetrics,
    tcp: TcpMetrics,
    sdk: Sdk,
    counts: Counts,
    /// Everything that metrics will tell happened after this: the last report, or the first event.
    since: Option<Nanos>,
    settled: Nanos,
}

impl<I: Identify> Observer<I> {
    /// An observer that has seen nothing.
    pub fn new(settings: ObserverSettings, identify: I) -> Self {
        Self {
            identify,
            ends: HashMap::new(),
            pairs: Pairs::default(),
            lineage: Lineage::new(LineageLimits::default()),
            waiting: Waiting::new(settings.patience, settings.connection_limit),
            spans: Spans::new(&settings),
            http: HttpMetrics::new(settings.series_limit),
            tcp: TcpMetrics::new(settings.series_limit),
            sdk: Sdk::new(settings.sdk_instrumented),
            counts: Counts::default(),
            since: None,
            settled: Nanos(0),
            settings,
        }
    }

    /// Who tells who processes are.
    pub fn identify(&mut self) -> &mut I {
        &mut self.identify
    }

    /// Whether a connection is watched.
    pub fn watches(&self, id: EndId) -> bool {
        self.ends.contains_key(&id)
    }

    /// A connection is there. One that is told again is told better now: it begins anew.
    pub fn opened(&mut self, id: EndId, opened: &Opened) {
        if self.ends.len() >= self.settings.connection_limit && !self.ends.contains_key(&id) {
            self.counts.connections_over_limit += 1;
            return;
        }
        self.forget(id);
        let config = ConnectionConfig {
            role: opened.role,
            start: opened.start.filter(|_| opened.is_new),
            limits: self.settings.stream,
            http: self.settings.http.parser.clone(),
        };
        let end = End {
            addresses: Rc::new(Addresses::new(opened.local, opened.peer)),
            start: opened.start,
            pair: None,
            stand_in: stand_in(id),
            last_key: None,
            process: opened.process,
            partner: None,
            peer_process: None,
            connection: Connection::new(config),
            is_new: opened.is_new,
            connect_seconds: opened.connect_seconds,
            is_counted: false,
            seen: opened.before,
            reported: opened.before,
            counted: Default::default(),
            open: VecDeque::new(),
            received_until: opened.start.filter(|_| opened.is_new).map(|start| start.received),
        };
        self.ends.insert(id, end);
        self.find_partner(id);
    }

    /// Both ends of one connection are there, seen from outside: they belong together whatever is known of their
    /// sequence numbers.
    pub fn opened_together(&mut self, one: (EndId, &Opened), other: (EndId, &Opened)) {
        self.opened(one.0, one.1);
        self.opened(other.0, other.1);
        for (id, partner) in [(one.0, other.0), (other.0, one.0)] {
            let is_there = self.ends.contains_key(&partner);
            if let Some(end) = self.ends.get_mut(&id) {
                end.stand_in = stand_in(one.0);
                end.partner = is_there.then_some(partner);
            }
        }
    }

    /// Stops watching both ends of a connection, as if it had never been seen.
    pub fn leave_out(&mut self, start: Start) {
        for side in [Side::Client, Side::Server] {
            let ends = self.pairs.of(sequence_pair(side, start));
            ends.into_iter().flatten().for_each(|id| self.forget(id));
        }
    }

    /// Bytes were moved. Returns what payload of the connection still serves, if it is watched.
    // Per chunk: most bring a request's head or complete an exchange, the others end before `collect`.
    pub fn chunk(&mut self, id: EndId, flow: Flow, chunk: Chunk<'_>) -> Option<Want> {
        let end = self.ends.get_mut(&id)?;
        self.since.get_or_insert(chunk.origin.time);
        if chunk.origin.tgid != 0 {
            end.process = chunk.origin.tgid;
        }
        let length = u64::from(chunk.length);
        match flow {
            Flow::Sent => end.seen.sent += length,
            Flow::Received => {
                end.seen.received += length;
                end.received_until = Some(chunk.position.wrapping_add(chunk.length));
            }
        }
        end.connection.push(flow, chunk);
        let wants = end.connection.wants();
        if end.has_news() {
            self.collect(id, chunk.origin.time);
        }
        Some(wants)
    }

    /// Whether the application was not yet seen to receive all bytes up to this position.
    pub fn is_behind(&self, id: EndId, until: u32) -> bool {
        let received = self.ends.get(&id).and_then(|end| end.received_until);
        received.is_some_and(|received| received != until)
    }

    /// A connection is over.
    pub fn closed(&mut self, id: EndId, closed: &Closed) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        self.since.get_or_insert(closed.close.time);
        end.connection.close(closed.close);
        self.collect(id, closed.close.time);
        if let Some(statistics) = closed.statistics {
            self.statistics(id, statistics);
        }
        self.report_edge(id, true, closed.close.time);
        self.forget(id);
    }

    /// A connection never came to be.
    pub fn failed(&mut self, failed: &Failed, now: Nanos) {
        self.since.get_or_insert(now);
        let process = self.identify.process(failed.process);
        let edge = Edge {
            reporter: Side::Client,
            source: Endpoint::new(Some(&process), failed.local.ip()),
            process: Who(process),
            destination: Endpoint::new(None, failed.peer.ip()),
            destination_port: failed.peer.port(),
            protocol: None,
        };
        self.edge(&edge, now).fail(cause(failed.error));
    }

    /// New sums of a connection.
    pub fn statistics(&mut self, id: EndId, statistics: Statistics) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.seen = statistics;
    }

    /// A process is gone.
    pub fn process_ended(&mut self, id: u32) {
        self.lineage.process_ended(id);
        self.sdk.process_ended(id);
    }

    /// Time has passed: gives up what waited too long.
    pub fn tick(&mut self, now: Nanos) {
        let (lineage, spans) = (&mut self.lineage, &mut self.spans);
        self.waiting.give_up(age(now), |end| spans.add(&end, lineage));
        if now.0.saturating_sub(self.settled.0) >= SETTLE_INTERVAL {
            self.settle(now);
        }
    }

    /// Gives up bytes that connections wait for and that have not come by now.
    pub fn settle(&mut self, now: Nanos) {
        self.settled = now;
        let ids: Vec<EndId> = self.ends.keys().copied().collect();
        for id in ids {
            if let Some(end) = self.ends.get_mut(&id) {
                end.connection.expire(now);
                self.collect(id, now);
            }
        }
    }

    /// Connections whose sequence numbers are known.
    #[cfg(test)]
    pub fn pairs_known(&self) -> usize {
        self.pairs.len()
    }

    /// Spans that are ready and not yet taken.
    pub fn spans_ready(&self) -> usize {
        self.spans.len()
    }

    /// Takes the spans that are ready.
    pub fn take_spans(&mut self) -> Option<Batch> {
        self.spans.take()
    }

    /// Takes metrics as of now.
    pub fn take_metrics(&mut self, now: Nanos) -> Option<Batch> {
        let ids: Vec<EndId> = self.ends.keys().copied().collect();
        ids.into_iter().for_each(|id| self.report_edge(id, false, now));
        let temporality = match self.settings.temporality {
            Temporality::Cumulative => pdata::Temporality::Cumulative,
            Temporality::Delta => pdata::Temporality::Delta,
        };
        let batch = report(&self.http, &self.tcp, temporality, now.0);
        match self.settings.temporality {
            Temporality::Delta => {
                self.http.clear();
                self.tcp.clear();
            }
            Temporality::Cumulative => {
                let age = u64::try_from(self.settings.series_age.as_nanos()).unwrap_or(u64::MAX);
                let before = now.0.saturating_sub(age);
                self.http.forget_idle(before);
                self.tcp.retain(|_, counts| counts.until >= before);
            }
        }
        self.since = Some(now);
        batch
    }

    /// Lets go of what waits for its other end; connections stay open.
    pub fn flush(&mut self) {
        let (lineage, spans) = (&mut self.lineage, &mut self.spans);
        self.waiting.finish(|end| spans.add(&end, lineage));
    }

    /// What payload of a connection still serves, if it is watched.
    pub fn wants(&self, id: EndId) -> Option<Want> {
        self.ends.get(&id).map(|end| end.connection.wants())
    }

    /// What was seen, and what was not.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Requests for which several open ones could have been the cause, so that none was chosen.
    pub fn ambiguous_parents(&self) -> u64 {
        self.lineage.ambiguous()
    }

    /// Exchanges whose trace was forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.lineage.forgotten()
    }

    /// Ends that went alone because the other did not come in time, or because too many waited.
    pub fn unjoined(&self) -> u64 {
        self.waiting.gave_up + self.waiting.crowded_out
    }

    /// Takes what a connection has found.
    fn collect(&mut self, id: EndId, now: Nanos) {
        self.find_partner(id);
        let Some(end) = self.ends.get_mut(&id) else { return };
        let Some(side) = end.side() else { return };
        while let Some(begun) = end.connection.next_begun() {
            let process = if begun.origin.tgid == 0 { end.process } else { begun.origin.tgid };
            let is_told = self.sdk.is_idle() || !self.sdk.suppresses(&self.identify.process(process));
            begin(&mut self.lineage, end, side, &begun, is_told, now);
        }
        let unreported = end.connection.unreported();
        let before = std::mem::replace(&mut end.counted, unreported);
        self.counts.unpaired += unreported.unpaired - before.unpaired;
        self.counts.unseen += unreported.unseen - before.unseen;
        self.counts.untimed += unreported.untimed - before.untimed;
        self.counts.malformed += unreported.malformed - before.malformed;
        if !end.connection.has_news() {
            return;
        }
        let (partner, last_seen) = (end.partner, end.peer_process);
        let process = partner.and_then(|partner| self.ends.get(&partner)).map(|partner| partner.process);
        let peer = Peer { is_there: partner.is_some(), process: process.or(last_seen) };
        while let Some(end) = self.ends.get_mut(&id)
            && let Some(exchange) = end.connection.next_exchange()
        {
            for key in end.answered(exchange.position) {
                self.lineage.end(key, side);
            }
            let finished = finished(end, side, exchange, peer.process, &mut self.identify);
            self.tell(finished, &peer, now);
        }
    }

    /// Finds the other end as soon as it is known which one this is.
    fn find_partner(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(&id).filter(|end| end.pair.is_none()) else { return };
        let (Some(start), Some(side)) = (end.start, end.side()) else { return };
        let pair = sequence_pair(side, start);
        end.pair = Some(pair);
        let Some(partner) = self.pairs.join(pair, side, id) else { return };
        end.partner = Some(partner);
        if let Some(partner) = self.ends.get_mut(&partner) {
            partner.partner = Some(id);
        }
    }

    /// Counts what an end saw of an exchange, and makes a span of it, at once or when the other end has seen it too.
    fn tell(&mut self, finished: Finished, peer: &Peer, now: Nanos) {
        self.counts.exchanges += 1;
        self.sdk.notice(finished.side, &finished.exchange, &finished.process);
        let rule = self.ignored_by(&finished.exchange);
        if rule.is_none_or(|counts| counts) {
            self.http.record(&finished, &self.settings.http, self.since.unwrap_or(now));
        }
        if rule.is_some() || self.sdk.suppresses(&finished.process) {
            return;
        }
        let will_come = peer.is_there && !peer.process.is_some_and(|peer| self.leaves_spans_to(peer));
        // The other end may be over, and gone, before this one has read the answer.
        if !will_come && !self.waiting.holds(&finished.key) {
            self.spans.add(&finished, &mut self.lineage);
            return;
        }
        match self.waiting.arrive(Box::new(finished), age(now)) {
            Arrival::First => {}
            Arrival::Alone(end) => self.spans.add(&end, &mut self.lineage),
            Arrival::Second(first, second) => self.spans.add_pair(first, second, &mut self.lineage),
        }
    }

    /// Whether a rule says that the exchange gives no spans, and then whether it counts in metrics.
    fn ignored_by(&self, exchange: &Exchange) -> Option<bool> {
        let Details::Http(http) = &exchange.details;
        let matching = self.settings.ignore.iter().find(|rule| rule.matches(http.path(), http.user_agent()));
        matching.map(|rule| rule.metrics)
    }

    fn leaves_spans_to(&mut self, process: u32) -> bool {
        !self.sdk.is_idle() && self.sdk.suppresses(&self.identify.process(process))
    }

    /// Who is, or was, at the other end.
    fn peer_process(&self, id: EndId) -> Option<u32> {
        let end = self.ends.get(&id)?;
        let partner = end.partner.and_then(|partner| self.ends.get(&partner)).map(|partner| partner.process);
        partner.or(end.peer_process)
    }

    /// Adds what happened on a connection since the last time to its edge.
    fn report_edge(&mut self, id: EndId, is_over: bool, now: Nanos) {
        let peer_process = self.peer_process(id);
        let Some(end) = self.ends.get_mut(&id) else { return };
        // Its first bytes may still tell who called whom.
        let is_settled = is_over || end.connection.wants() == Want::Counters;
        let Some(side) = end.side().or_else(|| is_settled.then(|| end.side_by_ports())) else { return };
        let news = end.seen.since(end.reported);
        let is_first = end.is_new && !std::mem::replace(&mut end.is_counted, true);
        if news == (Statistics { rtt_us: end.reported.rtt_us, ..Statistics::default() }) && !is_first {
            return;
        }
        end.reported = end.seen.at_least(end.reported);
        let connect = end.connect_seconds.take();
        let process = self.identify.process(end.process);
        let other = peer_process.map(|id| self.identify.process(id));
        let own = Endpoint::new(Some(&process), end.addresses.local.ip());
        let other = Endpoint::new(other.as_deref(), end.addresses.peer.ip());
        let (source, destination, port) = match side {
            Side::Client => (own, other, end.addresses.peer.port()),
            Side::Server => (other, own, end.addresses.local.port()),
        };
        let protocol = end.connection.protocol().name();
        let process = Who(process);
        let edge = Edge { reporter: side, process, source, destination, destination_port: port, protocol };
        self.edge(&edge, now).count(side, news, is_first, connect);
    }

    fn edge(&mut self, edge: &Edge, now: Nanos) -> &mut EdgeCounts {
        let since = self.since.unwrap_or(now);
        let counts = self.tcp.entry(edge, || EdgeCounts::new(since.0));
        counts.until = counts.until.max(now.0);
        counts
    }

    /// Lets go of an end; the other remembers who it was.
    fn forget(&mut self, id: EndId) {
        let Some(mut end) = self.ends.remove(&id) else { return };
        while let Some(position) = end.open.pop_front() {
            self.lineage.end(end.key(position), Side::Server);
        }
        if let Some(pair) = end.pair {
            self.pairs.leave(pair, id);
        }
        if let Some(partner) = end.partner.and_then(|partner| self.ends.get_mut(&partner)) {
            partner.partner = None;
            partner.peer_process = Some(end.process);
        }
    }
}

/// The other end of an exchange that is over.
struct Peer {
    is_there: bool,
    process: Option<u32>,
}

/// Tells the lineage of a request whose head has been read.
fn begin(lineage: &mut Lineage, end: &mut End, side: Side, begun: &protocols::Begun, is_told: bool, now: Nanos) {
    let key = end.key(begun.position);
    let given_up = if side == Side::Server { end.open_request(begun.position) } else { None };
    let context = begun.context.map(|context| WireContext { trace_id: context.trace_id, parent_id: context.span_id });
    // A source that cannot tell processes apart does not know whose request causes whose.
    let (process, thread) = (begun.origin.tgid, begun.origin.tid);
    lineage.begin(&Begun { key, side, process, thread, context, is_told }, age(now));
    if let Some(key) = given_up {
        lineage.end(key, side);
    }
}

fn finished(
    end: &mut End,
    side: Side,
    exchange: Exchange,
    peer: Option<u32>,
    identify: &mut impl Identify,
) -> Finished {
    let process = if exchange.request_origin.tgid == 0 { end.process } else { exchange.request_origin.tgid };
    Finished {
        key: end.key(exchange.position),
        is_key_genuine: end.pair.is_some(),
        side,
        process: identify.process(process),
        peer_process: peer.map(|id| identify.process(id)),
        addresses: Rc::clone(&end.addresses),
        exchange,
    }
}

fn age(time: Nanos) -> Duration {
    Duration::from_nanos(time.0)
}

fn sequence_pair(side: Side, start: Start) -> SequencePair {
    match side {
        Side::Client => SequencePair { client: start.sent, server: start.received },
        Side::Server => SequencePair { client: start.received, server: start.sent },
    }
}

/// What keys are made of when the sequence numbers are unknown: unique among the ends of this observer, told to nobody.
fn stand_in(id: EndId) -> SequencePair {
    #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
    let (low, high) = (id.0 as u32, (id.0 >> 32) as u32);
    SequencePair { client: low, server: high }
}
