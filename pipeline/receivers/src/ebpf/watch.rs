//! The thread that reads the kernel's records and owns what is known about connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use component::Counter;
use ebpf_probes::{
    AttachError, ChunkHeader, Close, ConnectFailed, ConnectionIdentity, Decision, Direction, ExistingSocket, Mode,
    MonotonicNanos, Open, Payload, ProbeConfig, ProbeError, Probes, Record, RecordReader, SocketCookie, Subject,
    TcpState, Tgid, monotonic_to_wall_offset,
};
use hashbrown::{HashMap, HashSet};
use pdata::{Batch, Temporality};
use protocols::connection::{Start, Want};
use protocols::{Chunk, Flow, Nanos, Origin, Role};
use tokio::sync::{mpsc, oneshot};

use super::config::{EbpfConfig, TemporalityConfig};
use super::groups::{GroupFiles, Groups};
use super::lingering::Lingering;
use super::processes::Processes;
use super::selection::Selection;
use super::self_metrics;
use super::settings::settings;
use crate::observe::{Closed, EndId, Failed, Identify, Observer, Opened, ProcessFiles, Statistics};

/// How long records may wait in the ring at low rates.
const POLL: Duration = Duration::from_millis(25);
/// A ring that fills faster than it is read does not keep us from ending.
const MOST_LAST_POLLS: usize = 64;
/// Spans wait at most this long for others to share a batch with.
const SPANS_WAIT: u64 = 200_000_000;
/// As many spans leave without waiting.
const SPANS_PER_BATCH: usize = 512;
/// No more leave at once, however many records were waiting: a small buffer stays in the cache.
const MOST_SPANS_PER_BATCH: usize = 1024;
/// How often the offset between the clocks is measured again.
const CLOCK_INTERVAL: u64 = 60_000_000_000;
const TICK_INTERVAL: u64 = 100_000_000;
/// Most processes and connections about which the kernel side is remembered to have been told.
const MOST_REMEMBERED: usize = 131_072;

/// Where batches go.
pub struct Outbox {
    /// To the task that sends them.
    pub batches: mpsc::Sender<Batch>,
    /// A pipeline of traces uses the receiver.
    pub wants_traces: bool,
    /// A pipeline of metrics uses the receiver.
    pub wants_metrics: bool,
    /// Items that found the way full.
    pub overflowed: Counter,
}

impl Outbox {
    /// Sends without waiting: the kernel's ring must not fill because a pipeline is slow.
    fn send(&self, batch: Batch) {
        if let Err(error) = self.batches.try_send(batch) {
            self.overflowed.add(error.into_inner().items() as u64);
        }
    }
}

/// Why the thread cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The programs do not load.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The programs do not answer.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// Names of routes.
    #[error(transparent)]
    Route(#[from] protocols::route::PatternError),
}

/// Everything that the thread is born with. The programs are attached; the rest is made on the thread.
pub struct Watch {
    probes: Probes,
    ring: RecordReader,
    config: EbpfConfig,
    outbox: Outbox,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Loads and attaches the programs.
    pub fn attach(config: &EbpfConfig, outbox: Outbox, stop: Arc<AtomicBool>) -> Result<Self, WatchError> {
        let is_everybody = config.include.is_empty() && config.exclude.is_empty();
        let bytes = |size: ::config::ByteSize| u32::try_from(size.0).unwrap_or(u32::MAX);
        let probe_config = ProbeConfig {
            request_bytes: bytes(config.capture.request_bytes),
            response_bytes: bytes(config.capture.response_bytes),
            ring_bytes: bytes(config.capture.ring_bytes),
            default_decision: if is_everybody { Decision::Observe } else { Decision::Undecided },
            exclude_self: true,
        };
        // Found out here and not on the thread, so that the receiver does not start with them.
        settings(config)?;
        let mut probes = Probes::load(&probe_config)?;
        let ring = probes.ring()?;
        report_support(&probes);
        Ok(Self { probes, ring, config: config.clone(), outbox, stop })
    }

    /// Reads records until told to stop. `ready` is told when connections that are older than Tidewatch are known.
    pub fn run(self, ready: oneshot::Sender<()>) {
        let Self { probes, mut ring, config, outbox, stop } = self;
        let Ok(settings) = settings(&config) else { return };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let processes = Processes::new(ProcessFiles::new("/proc", host.trim()));
        let temporality = match config.metrics.temporality {
            TemporalityConfig::Cumulative => Temporality::Cumulative,
            TemporalityConfig::Delta => Temporality::Delta,
        };
        let mut desk = Desk {
            observer: Observer::new(settings, processes),
            selection: Selection::new(&config.include, &config.exclude),
            probes,
            outbox,
            decided: HashSet::new(),
            modes: HashMap::new(),
            lingering: Lingering::default(),
            groups: Groups::new(GroupFiles::new("/proc", "/sys/fs/cgroup"), temporality),
            own: HashSet::new(),
            clock_offset: monotonic_to_wall_offset(),
        };
        desk.take_in_existing();
        // Nobody may wait for it any more.
        let _ = ready.send(());
        let mut due = Due::new(&config, desk.now());
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = ring.poll(POLL, &mut |record| desk.record(record)) {
                tracing::error!(%error, "the kernel's records cannot be read any more; nothing more will be observed");
                break;
            }
            due.run(&mut desk, &ring);
        }
        // What happened before the signal is still in the ring.
        for _ in 0..MOST_LAST_POLLS {
            if !ring.poll(Duration::ZERO, &mut |record| desk.record(record)).is_ok_and(|polled| polled.more_waiting) {
                break;
            }
        }
        desk.leave();
    }
}

fn report_support(probes: &Probes) {
    for program in &probes.support().programs {
        if let ebpf_probes::Availability::Missing { remedy } = &program.availability {
            tracing::warn!(program = program.name, purpose = program.purpose, remedy, "this kernel lacks a hook");
        }
    }
}

/// What is to be done from time to time, Unix nanoseconds.
struct Due {
    tick: u64,
    spans: u64,
    metrics: u64,
    metrics_interval: u64,
    clock: u64,
}

impl Due {
    fn new(config: &EbpfConfig, now: Nanos) -> Self {
        let metrics_interval = u64::try_from(config.metrics.interval.as_nanoseconds()).unwrap_or(u64::MAX);
        let after = |pause: u64| now.0.saturating_add(pause);
        Self {
            tick: after(TICK_INTERVAL),
            spans: after(SPANS_WAIT),
            metrics: after(metrics_interval),
            metrics_interval,
            clock: after(CLOCK_INTERVAL),
        }
    }

    fn run(&mut self, desk: &mut Desk, ring: &RecordReader) {
        let now = desk.now();
        let is_due = |at: &mut u64, pause: u64| {
            let due = now.0 >= *at;
            if due {
                *at = now.0.saturating_add(pause);
            }
            due
        };
        if is_due(&mut self.tick, TICK_INTERVAL) {
            desk.tick(now);
        }
        if is_due(&mut self.spans, SPANS_WAIT) || desk.observer.spans_ready() >= SPANS_PER_BATCH {
            desk.send_spans();
        }
        if is_due(&mut self.metrics, self.metrics_interval) {
            desk.sweep();
            desk.send_metrics(now, ring.malformed().0);
        }
        if is_due(&mut self.clock, CLOCK_INTERVAL) {
            desk.clock_offset = monotonic_to_wall_offset();
        }
    }
}

/// What the thread works with.
struct Desk {
    observer: Observer<Processes>,
    selection: Selection,
    probes: Probes,
    outbox: Outbox,
    /// Processes about which the kernel side has been told.
    decided: HashSet<u32>,
    /// Connections of which less than usual is captured.
    modes: HashMap<SocketCookie, Mode>,
    lingering: Lingering,
    groups: Groups,
    /// Connections with Tidewatch at one end, while they live.
    own: HashSet<u64>,
    clock_offset: i64,
}

impl Desk {
    fn now(&self) -> Nanos {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Nanos(u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX))
    }

    fn wall(&self, time: MonotonicNanos) -> Nanos {
        Nanos(time.0.saturating_add_signed(self.clock_offset))
    }

    fn record(&mut self, record: Record<'_>) {
        match record {
            Record::Chunk(header, payload, tail) => self.chunk(&header, payload, tail),
            Record::Open(open) => self.open(&open),
            Record::Close(close) => self.close(&close),
            Record::ConnectFailed(failed) => self.connect_failed(&failed),
            // Their sums come with the sweep and at the end.
            Record::SocketError(_) | Record::Retransmit(_) => {}
            Record::Exec(exec) => {
                self.decided.remove(&exec.tgid.0);
                self.observer.identify().became(&exec);
                self.decide(exec.tgid);
            }
            Record::Fork(fork) => self.observer.identify().forked(fork.parent.0, fork.tgid.0),
            Record::Exit(exit) => {
                self.decided.remove(&exit.tgid.0);
                self.observer.identify().ended(exit.tgid.0, exit.time);
                self.observer.process_ended(exit.tgid.0);
                self.groups.ended(exit.tgid.0);
            }
        }
    }

    fn open(&mut self, open: &Open) {
        let identity = open.connection.identity;
        if open.own {
            // The other end may have been told first.
            self.own.insert(identity.symmetric());
            self.observer.leave_out(start(identity));
            return;
        }
        if self.own.contains(&identity.symmetric()) {
            return;
        }
        if open.undecided {
            self.decide(open.tgid);
        }
        // A connection that is older than Tidewatch opens for the kernel side with its first bytes that are seen. That is
        // not its beginning, and nearly always it was taken in at the start.
        let is_new = open.connect_nanoseconds.is_some();
        if !is_new && self.observer.watches(EndId(open.cookie.0)) {
            return;
        }
        let opened = Opened {
            role: role(open.role),
            local: open.connection.local,
            peer: open.connection.peer,
            start: Some(start(open.connection.identity)),
            process: open.tgid.0,
            is_new,
            connect_seconds: open.connect_nanoseconds.map(seconds),
            before: Statistics::default(),
        };
        self.watch(open.cookie, open.tgid, &opened);
    }

    /// Watches a connection if it is wanted; else has the kernel side count only.
    fn watch(&mut self, cookie: SocketCookie, tgid: Tgid, opened: &Opened) {
        let process = self.observer.identify().process(tgid.0);
        let server = if opened.role == Role::Client { opened.peer } else { opened.local };
        if self.selection.wants_connection(&process, server.port()) {
            self.observer.opened(EndId(cookie.0), opened);
            self.groups.observe(tgid.0);
        } else {
            self.count_only(cookie);
        }
    }

    fn chunk(&mut self, header: &ChunkHeader, payload: &[u8], tail: &[u8]) {
        if header.undecided {
            self.decide(header.tgid);
        }
        let id = EndId(header.cookie.0);
        let flow = match header.direction {
            Direction::Send => Flow::Sent,
            Direction::Receive => Flow::Received,
        };
        // A cut payload whose end was not in one piece cannot say what stands at its end.
        let tail = if header.payload == Payload::Available { tail } else { &[] };
        let chunk = Chunk {
            position: header.position.0,
            length: header.length,
            captured: payload,
            tail,
            origin: Origin { time: self.wall(header.time), tgid: header.tgid.0, tid: header.tid.0 },
            turn: Some(header.turn),
            lost_before: header.lost_before > 0,
        };
        let Some(wants) = self.observer.chunk(id, flow, chunk) else { return };
        if flow == Flow::Received {
            let until = header.position.0.wrapping_add(header.length);
            if let Some(closed) = self.lingering.received(id, until, self.wall(header.time)) {
                self.observer.closed(id, &closed);
                return;
            }
        }
        if wants == Want::Counters {
            self.count_only(header.cookie);
        }
        if self.observer.spans_ready() >= MOST_SPANS_PER_BATCH {
            self.send_spans();
        }
    }

    fn close(&mut self, close: &Close) {
        self.modes.remove(&close.cookie);
        self.own.remove(&close.connection.identity.symmetric());
        let statistics = &close.statistics;
        let identity = close.connection.identity;
        let until = |first: u32, bytes: u64| {
            #[expect(clippy::cast_possible_truncation, reason = "positions wrap")]
            let bytes = bytes as u32;
            first.wrapping_add(bytes)
        };
        let closed = Closed {
            close: protocols::Close {
                time: self.wall(close.time),
                first: None,
                reset: i32::from(close.error) == libc::ECONNRESET,
                sent_until: Some(until(identity.own_first.0, statistics.bytes_sent)),
                received_until: Some(until(identity.peer_first.0, statistics.bytes_received)),
            },
            statistics: Some(sums(statistics)),
        };
        self.end(EndId(close.cookie.0), closed);
    }

    /// Ends a connection, unless the application has yet to read what it received.
    fn end(&mut self, id: EndId, closed: Closed) {
        let is_behind = closed.close.received_until.is_some_and(|until| self.observer.is_behind(id, until));
        if is_behind && !closed.close.reset && self.observer.wants(id) == Some(Want::Turns) {
            let kept = self.lingering.keep(id, closed, closed.close.time);
            if kept.is_ok() {
                return;
            }
        }
        self.observer.closed(id, &closed);
    }

    fn tick(&mut self, now: Nanos) {
        for (id, closed) in self.lingering.give_up(now) {
            self.observer.closed(id, &closed);
        }
        self.observer.tick(now);
    }

    fn connect_failed(&mut self, failed: &ConnectFailed) {
        let process = self.observer.identify().process(failed.tgid.0);
        let peer: SocketAddr = failed.connection.peer;
        if self.selection.wants_connection(&process, peer.port()) {
            let event = Failed { local: failed.connection.local, peer, process: failed.tgid.0, error: failed.error };
            self.observer.failed(&event, self.wall(failed.time));
        }
    }

    /// Tells the kernel side whether a process is observed.
    fn decide(&mut self, tgid: Tgid) {
        if self.selection.is_everybody() || !self.decided.insert(tgid.0) {
            return;
        }
        let process = self.observer.identify().process(tgid.0);
        let decision = if self.selection.wants_process(&process) { Decision::Observe } else { Decision::Ignore };
        if let Err(error) = self.probes.set_policy(Subject::Process(tgid), decision) {
            tracing::warn!(%error, pid = tgid.0, "cannot tell the kernel side about a process");
        }
    }

    fn count_only(&mut self, cookie: SocketCookie) {
        if self.modes.insert(cookie, Mode::CountersOnly).is_none() {
            // It stays as it is, which costs time and no data.
            let _ = self.probes.set_mode(cookie, Mode::CountersOnly);
        }
    }

    /// Connections that were there before us.
    fn take_in_existing(&mut self) {
        match self.probes.existing_sockets() {
            Ok(sockets) => sockets.iter().for_each(|socket| self.take_in(socket)),
            Err(error) => tracing::warn!(%error, "connections that are older than Tidewatch will not be seen"),
        }
    }

    fn take_in(&mut self, socket: &ExistingSocket) {
        self.decide(socket.tgid);
        let is_connection = socket.state != TcpState::LISTEN && socket.state != TcpState::CLOSE;
        if !is_connection || self.observer.watches(EndId(socket.cookie.0)) {
            return;
        }
        let opened = Opened {
            role: role(socket.role),
            local: socket.connection.local,
            peer: socket.connection.peer,
            start: socket.certain.then(|| start(socket.connection.identity)),
            process: socket.tgid.0,
            is_new: false,
            connect_seconds: None,
            before: sums(&socket.statistics),
        };
        self.watch(socket.cookie, socket.tgid, &opened);
    }

    /// Sums of connections that live long.
    fn sweep(&mut self) {
        match self.probes.sweep() {
            Ok(all) => {
                for socket in &all {
                    self.observer.statistics(EndId(socket.cookie.0), sums(&socket.statistics));
                }
            }
            Err(error) => tracing::warn!(%error, "the sums of connections cannot be read"),
        }
    }

    fn send_spans(&mut self) {
        if let Some(batch) = self.observer.take_spans()
            && self.outbox.wants_traces
        {
            self.outbox.send(batch);
        }
    }

    fn send_metrics(&mut self, now: Nanos, malformed_records: u64) {
        let monotonic = MonotonicNanos(now.0.saturating_add_signed(self.clock_offset.saturating_neg()));
        self.observer.identify().forget_old(monotonic);
        self.bound_memories();
        let metrics = self.observer.take_metrics(now);
        if !self.outbox.wants_metrics {
            return;
        }
        metrics.into_iter().for_each(|batch| self.outbox.send(batch));
        if let Some(batch) = self.groups.report(now.0, self.observer.identify()) {
            self.outbox.send(batch);
        }
        let figures = self_metrics::Figures {
            kernel: self.probes.counters().unwrap_or_default(),
            missed_runs: self.probes.program_statistics().iter().map(|program| program.recursion_misses).sum(),
            observer: self.observer.counts(),
            unjoined: self.observer.unjoined(),
            ambiguous_parents: self.observer.ambiguous_parents(),
            forgotten: self.observer.forgotten(),
            processes: self.observer.identify().len() as u64,
            groups: self.groups.counts(),
            malformed_records,
            overflowed: self.outbox.overflowed.get(),
        };
        self.outbox.send(self_metrics::encode(&figures, now.0));
    }

    /// What the kernel side was told is forgotten with the process or the connection. A record of their end can be lost,
    /// so there is a bound too: being told twice does no harm.
    fn bound_memories(&mut self) {
        if self.decided.len() > MOST_REMEMBERED {
            self.decided.clear();
        }
        if self.modes.len() > MOST_REMEMBERED {
            self.modes.clear();
        }
        if self.own.len() > MOST_REMEMBERED {
            self.own.clear();
        }
    }

    /// Sends what there is; connections that are still open are not ended by our leaving.
    fn leave(&mut self) {
        let now = self.now();
        for (id, closed) in self.lingering.finish() {
            self.observer.closed(id, &closed);
        }
        self.observer.flush();
        self.send_spans();
        self.send_metrics(now, 0);
    }
}

fn role(role: Option<ebpf_probes::Role>) -> Role {
    match role {
        Some(ebpf_probes::Role::Client) => Role::Client,
        Some(ebpf_probes::Role::Server | ebpf_probes::Role::Listener) => Role::Server,
        None => Role::Unknown,
    }
}

fn start(identity: ConnectionIdentity) -> Start {
    Start { sent: identity.own_first.0, received: identity.peer_first.0 }
}

fn sums(statistics: &ebpf_probes::Statistics) -> Statistics {
    Statistics {
        sent: statistics.bytes_sent,
        received: statistics.bytes_received,
        retransmits: statistics.retransmits.into(),
        rtt_us: statistics.smoothed_rtt_us,
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}
