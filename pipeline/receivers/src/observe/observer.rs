//! Owns everything that is known about connections and turns events into telemetry.
//!
//! One thread owns an observer; both ends of a local connection meet in it. Times of events are Unix nanoseconds and
//! serve as its clock, so that a capture of yesterday ages as it did yesterday.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use pdata::Batch;
use protocols::connection::{Start, Want};
use protocols::exchange::Details;
use protocols::{Chunk, Close, Connection, ConnectionConfig, Exchange, Flow, Nanos, Role};

use super::finished::{EndId, Finished};
use super::http_metrics::HttpMetrics;
use super::lineage::{Begun, Lineage, LineageLimits, Side, WireContext};
use super::process::{Process, Who};
use super::report::report;
use super::settings::{ObserverSettings, SdkInstrumented, Temporality};
use super::spans::Spans;
use super::tcp_metrics::{Edge, EdgeCounts, Endpoint, TcpMetrics, cause};
use super::waiting::{Arrival, Waiting};
use super::wire::{SequencePair, WireKey};

/// Tells who a process is.
pub trait Identify {
    /// The process with this id.
    fn process(&mut self, id: u32) -> Rc<Process>;
}

/// A connection is established, or seen for the first time.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    /// What the observed end is.
    pub role: Role,
    /// Address of the observed end.
    pub local: SocketAddr,
    /// Address of the other end, as the observed end knows it.
    pub peer: SocketAddr,
    /// Positions of the first bytes of both directions, if known.
    pub start: Option<Start>,
    /// Process that owns the socket; 0 if unknown.
    pub process: u32,
    /// True if the beginning of the connection was seen.
    pub is_new: bool,
    /// How long connecting took, if that was seen.
    pub connect_seconds: Option<f64>,
    /// Sums of the connection when it was first seen; they are not ours to report.
    pub before: Statistics,
}

/// Sums of a connection since its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Payload bytes that the observed end sent.
    pub sent: u64,
    /// Payload bytes that it received.
    pub received: u64,
    /// Segments that it sent again.
    pub retransmits: u64,
    /// Smoothed round trip time in microseconds; 0 if not measured.
    pub rtt_us: u32,
}

/// A connection is over.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// How it ended.
    pub close: Close,
    /// Its final sums, if the source keeps them.
    pub statistics: Option<Statistics>,
}

/// A connection never came to be.
#[derive(Debug, Clone, Copy)]
pub struct Failed {
    /// Address of the end that wanted it.
    pub local: SocketAddr,
    /// Where it should have gone.
    pub peer: SocketAddr,
    /// Who wanted it; 0 if unknown.
    pub process: u32,
    /// `errno`.
    pub error: u16,
}

/// What was seen, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exchanges found.
    pub exchanges: u64,
    /// Requests whose response was lost, or cannot be told from others.
    pub unpaired: u64,
    /// Requests that were lost, as the count of turns tells.
    pub unseen: u64,
    /// Exchanges without a duration, because their end was lost.
    pub untimed: u64,
    /// Places where bytes were not what the protocol allows.
    pub malformed: u64,
    /// Connections that were not watched, because too many were.
    pub connections_over_limit: u64,
}

struct End {
    local: SocketAddr,
    peer: SocketAddr,
    pair: Option<SequencePair>,
    /// Stands in for the pair in keys while there is none.
    stand_in: SequencePair,
    process: u32,
    connection: Connection,
    is_new: bool,
    connect_seconds: Option<f64>,
    is_counted: bool,
    seen: Statistics,
    reported: Statistics,
    unreported_counted: protocols::exchange::Unreported,
}

#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    client: Option<EndId>,
    server: Option<EndId>,
}

/// See the module.
pub struct Observer<I> {
    settings: ObserverSettings,
    identify: I,
    ends: HashMap<EndId, End>,
    by_pair: HashMap<SequencePair, Ends>,
    lineage: Lineage,
    waiting: Waiting,
    spans: Spans,
    http: HttpMetrics,
    tcp: TcpMetrics,
    reports_itself: HashSet<u32>,
    counts: Counts,
}

impl<I: Identify> Observer<I> {
    /// An observer that has seen nothing.
    pub fn new(settings: ObserverSettings, identify: I) -> Self {
        Self {
            identify,
            ends: HashMap::new(),
            by_pair: HashMap::new(),
            lineage: Lineage::new(LineageLimits::default()),
            waiting: Waiting::new(settings.patience, settings.connection_limit),
            spans: Spans::new(&settings),
            http: HttpMetrics::new(settings.series_limit),
            tcp: TcpMetrics::new(settings.series_limit),
            reports_itself: HashSet::new(),
            counts: Counts::default(),
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

    /// A connection is there.
    pub fn opened(&mut self, id: EndId, opened: &Opened) {
        if self.ends.len() >= self.settings.connection_limit && !self.ends.contains_key(&id) {
            self.counts.connections_over_limit += 1;
            return;
        }
        let pair = opened.start.and_then(|start| pair(opened.role, start));
        if let Some(pair) = pair {
            let ends = self.by_pair.entry(pair).or_default();
            match opened.role {
                Role::Client => ends.client = Some(id),
                Role::Server => ends.server = Some(id),
                Role::Unknown => {}
            }
        }
        let config = ConnectionConfig {
            role: opened.role,
            start: opened.start.filter(|_| opened.is_new),
            http: self.settings.http.parser.clone(),
            ..ConnectionConfig::default()
        };
        let end = End {
            local: opened.local,
            peer: opened.peer,
            pair,
            stand_in: stand_in(id),
            process: opened.process,
            connection: Connection::new(config),
            is_new: opened.is_new,
            connect_seconds: opened.connect_seconds,
            is_counted: false,
            seen: opened.before,
            reported: opened.before,
            unreported_counted: Default::default(),
        };
        self.ends.insert(id, end);
    }

    /// Stops watching both ends of a connection, as if it had never been seen.
    pub fn leave_out(&mut self, start: Start) {
        let pairs = [Role::Client, Role::Server].into_iter().filter_map(|role| pair(role, start));
        for pair in pairs {
            let ends = self.by_pair.remove(&pair).unwrap_or_default();
            [ends.client, ends.server].into_iter().flatten().for_each(|id| {
                self.ends.remove(&id);
            });
        }
    }

    /// Bytes were moved.
    pub fn chunk(&mut self, id: EndId, flow: Flow, chunk: Chunk<'_>) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        if chunk.origin.tgid != 0 {
            end.process = chunk.origin.tgid;
        }
        let length = u64::from(chunk.length);
        match flow {
            Flow::Sent => end.seen.sent += length,
            Flow::Received => end.seen.received += length,
        }
        end.connection.push(flow, chunk);
        self.collect(id, chunk.origin.time);
    }

    /// A connection is over.
    pub fn closed(&mut self, id: EndId, closed: &Closed) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.connection.close(closed.close);
        self.collect(id, closed.close.time);
        if let Some(statistics) = closed.statistics {
            self.statistics(id, statistics);
        }
        self.report_edge(id, closed.close.time);
        if let Some(end) = self.ends.remove(&id) {
            self.forget_pair(id, &end);
        }
    }

    /// A connection never came to be.
    pub fn failed(&mut self, failed: &Failed, now: Nanos) {
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
        self.reports_itself.remove(&id);
    }

    /// Time has passed: gives up what waited too long.
    pub fn tick(&mut self, now: Nanos) {
        let (lineage, spans) = (&mut self.lineage, &mut self.spans);
        self.waiting.give_up(age(now), |end| spans.add(end, lineage));
    }

    /// Gives up everything that still waits, because nothing more will come.
    pub fn finish(&mut self, now: Nanos) {
        let ids: Vec<EndId> = self.ends.keys().copied().collect();
        for id in ids {
            self.closed(id, &Closed { close: Close { time: now, ..Close::default() }, statistics: None });
        }
        self.flush();
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
        ids.into_iter().for_each(|id| self.report_edge(id, now));
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
        batch
    }

    /// Lets go of what waits for its other end; connections stay open.
    pub fn flush(&mut self) {
        let (lineage, spans) = (&mut self.lineage, &mut self.spans);
        self.waiting.finish(|end| spans.add(end, lineage));
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
        let Some(end) = self.ends.get_mut(&id) else { return };
        let side = match end.connection.role() {
            Role::Client => Side::Client,
            Role::Server => Side::Server,
            Role::Unknown => return,
        };
        let sequence = end.pair.unwrap_or(end.stand_in);
        while let Some(begun) = end.connection.next_begun() {
            let begun = Begun {
                key: WireKey::new(sequence, begun.position),
                side,
                process: begun.origin.tgid,
                thread: begun.origin.tid,
                context: begun
                    .context
                    .map(|context| WireContext { trace_id: context.trace_id, parent_id: context.span_id }),
            };
            self.lineage.begin(&begun, age(now));
        }
        let unreported = end.connection.unreported();
        let before = std::mem::replace(&mut end.unreported_counted, unreported);
        self.counts.unpaired += unreported.unpaired - before.unpaired;
        self.counts.unseen += unreported.unseen - before.unseen;
        self.counts.untimed += unreported.untimed - before.untimed;
        self.counts.malformed += unreported.malformed - before.malformed;
        while let Some(exchange) = self.ends.get_mut(&id).and_then(|end| end.connection.next_exchange()) {
            self.finished(id, side, exchange, now);
        }
    }

    fn finished(&mut self, id: EndId, side: Side, exchange: Exchange, now: Nanos) {
        self.counts.exchanges += 1;
        let Some(end) = self.ends.get(&id) else { return };
        let ends = end.pair.and_then(|pair| self.by_pair.get(&pair)).copied().unwrap_or_default();
        let other = if side == Side::Client { ends.server } else { ends.client };
        let other_process = other.and_then(|other| self.ends.get(&other)).map(|other| other.process);
        let process = if exchange.request_origin.tgid == 0 { end.process } else { exchange.request_origin.tgid };
        let finished = Finished {
            key: WireKey::new(end.pair.unwrap_or(end.stand_in), exchange.position),
            is_key_genuine: end.pair.is_some(),
            side,
            process: self.identify.process(process),
            peer_process: other_process.map(|id| self.identify.process(id)),
            local: end.local,
            peer: end.peer,
            exchange,
        };
        self.lineage.end(finished.key, side);
        self.notice_sdk(&finished);
        let rule = self.ignored_by(&finished.exchange);
        if rule.is_none_or(|counts| counts) {
            self.http.record(&finished, &self.settings.http);
        }
        if rule.is_some() || self.is_suppressed(&finished) {
            return;
        }
        if other.is_none() {
            self.spans.add(finished, &mut self.lineage);
            return;
        }
        match self.waiting.arrive(finished, age(now)) {
            Arrival::First => {}
            Arrival::Alone(end) => self.spans.add(end, &mut self.lineage),
            Arrival::Second(first, second) => self.spans.add_pair(first, second, &mut self.lineage),
        }
    }

    /// Whether a rule says that the exchange gives no spans, and then whether it counts in metrics.
    fn ignored_by(&self, exchange: &Exchange) -> Option<bool> {
        let Details::Http(http) = &exchange.details;
        let matching = self.settings.ignore.iter().find(|rule| rule.matches(http.path(), http.user_agent()));
        matching.map(|rule| rule.metrics)
    }

    /// A process that sends OTLP traces tells its spans itself.
    fn notice_sdk(&mut self, finished: &Finished) {
        let Details::Http(http) = &finished.exchange.details;
        let sends_traces = finished.side == Side::Client && http.method() == "POST" && http.path() == "/v1/traces";
        if sends_traces && self.settings.sdk_instrumented != SdkInstrumented::Keep {
            self.reports_itself.insert(finished.process.pid);
        }
    }

    fn is_suppressed(&self, finished: &Finished) -> bool {
        match self.settings.sdk_instrumented {
            SdkInstrumented::Keep => false,
            SdkInstrumented::Auto => self.reports_itself.contains(&finished.process.pid),
            SdkInstrumented::SuppressSpans => {
                self.reports_itself.contains(&finished.process.pid) || finished.process.declares_sdk
            }
        }
    }

    /// Adds what happened on a connection since the last time to its edge.
    fn report_edge(&mut self, id: EndId, now: Nanos) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        let side = match end.connection.role() {
            Role::Client => Side::Client,
            Role::Server => Side::Server,
            // Nobody knows yet who called whom; the sums stay until somebody does, or the connection ends.
            Role::Unknown => return,
        };
        let (seen, reported) = (end.seen, std::mem::replace(&mut end.reported, end.seen));
        let is_first = end.is_new && !std::mem::replace(&mut end.is_counted, true);
        let connect = end.connect_seconds.take();
        let (local, peer, pair, process) = (end.local, end.peer, end.pair, end.process);
        let protocol = end.connection.protocol().name();
        if seen == reported && !is_first {
            return;
        }
        let ends = pair.and_then(|pair| self.by_pair.get(&pair)).copied().unwrap_or_default();
        let other = if side == Side::Client { ends.server } else { ends.client };
        let other = other.and_then(|other| self.ends.get(&other)).map(|other| other.process);
        let process = self.identify.process(process);
        let other = other.map(|id| self.identify.process(id));
        let (own, other) = (Endpoint::new(Some(&process), local.ip()), Endpoint::new(other.as_deref(), peer.ip()));
        let (source, destination, port) = match side {
            Side::Client => (own, other, peer.port()),
            Side::Server => (other, own, local.port()),
        };
        let process = Who(process);
        let edge = Edge { reporter: side, process, source, destination, destination_port: port, protocol };
        count(self.edge(&edge, now), side, seen, reported, is_first, connect);
    }

    fn edge(&mut self, edge: &Edge, now: Nanos) -> &mut EdgeCounts {
        let counts = self.tcp.entry(edge, || EdgeCounts::new(now.0));
        counts.until = counts.until.max(now.0);
        counts
    }

    fn forget_pair(&mut self, id: EndId, end: &End) {
        let Some(pair) = end.pair else { return };
        let Some(ends) = self.by_pair.get_mut(&pair) else { return };
        if ends.client == Some(id) {
            ends.client = None;
        }
        if ends.server == Some(id) {
            ends.server = None;
        }
        if ends.client.is_none() && ends.server.is_none() {
            self.by_pair.remove(&pair);
        }
    }
}

fn count(
    edge: &mut EdgeCounts,
    side: Side,
    seen: Statistics,
    reported: Statistics,
    is_first: bool,
    connect_seconds: Option<f64>,
) {
    let sent = seen.sent.saturating_sub(reported.sent);
    let received = seen.received.saturating_sub(reported.received);
    let (forth, back) = if side == Side::Client { (sent, received) } else { (received, sent) };
    edge.bytes_to_destination += forth;
    edge.bytes_to_source += back;
    edge.connections += u64::from(is_first);
    edge.retransmits += seen.retransmits.saturating_sub(reported.retransmits);
    if let Some(seconds) = connect_seconds {
        edge.connect_seconds.observe(seconds);
    }
    if seen.rtt_us > 0 {
        edge.rtt_seconds.observe(f64::from(seen.rtt_us) / 1e6);
    }
}

fn age(time: Nanos) -> Duration {
    Duration::from_nanos(time.0)
}

fn pair(role: Role, start: Start) -> Option<SequencePair> {
    match role {
        Role::Client => Some(SequencePair { client: start.sent, server: start.received }),
        Role::Server => Some(SequencePair { client: start.received, server: start.sent }),
        Role::Unknown => None,
    }
}

/// What keys are made of when the sequence numbers are unknown: unique among the ends of this observer, told to nobody.
fn stand_in(id: EndId) -> SequencePair {
    #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
    let (low, high) = (id.0 as u32, (id.0 >> 32) as u32);
    SequencePair { client: low, server: high }
}
