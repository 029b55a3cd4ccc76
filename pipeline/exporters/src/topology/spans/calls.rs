//! Ends that wait for each other, and the facts that come of them.

use std::sync::Arc;
use std::time::Duration;

use component::Now;
use pairing::{Counted, Ends, Keys, Met, PairStore, Role};
use topology::{
    End, Exemplar, FactRow, Gap, Histogram, Lane, Measures, Moment, Name, OutsideKind, Requests, Rows, Side,
};

use super::super::identity::Known;
use super::super::outcome::Outcome;
use super::super::route::{nobody, place};
use super::{Seen, Spoke};

/// How long and how many.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Patience {
    /// How long an end waits for the other.
    pub(in super::super) wait: Duration,
    /// How many may wait; the oldest gives way.
    pub(in super::super) ends: usize,
    /// How long a counted span is remembered.
    pub(in super::super) memory: Duration,
    /// How many counted spans are remembered.
    pub(in super::super) spans: usize,
}

/// For how long an end that waited in vain still tells its other end, when that comes late, who called.
const LATE: Duration = Duration::from_secs(60);

/// What happened to spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Tally {
    /// Calls of which both ends were seen.
    pub(in super::super) paired: u64,
    /// Ends whose other end did not come in time.
    pub(in super::super) expired: u64,
    /// Ends that gave way before their time.
    pub(in super::super) evicted: u64,
    /// Spans that were counted already.
    pub(in super::super) repeated: u64,
}

/// Calls of which one end was seen so far. One for all shards: what they see of one call must meet somewhere.
pub(in super::super) struct Calls {
    waiting: PairStore<Ends<Spoke>>,
    late_clients: PairStore<Ends<Spoke>>,
    late_servers: PairStore<Ends<Spoke>>,
    counted: Counted,
    tally: Tally,
}

impl Calls {
    pub(in super::super) fn new(patience: &Patience) -> Self {
        let late = patience.ends / 4;
        Self {
            waiting: PairStore::new(patience.ends, patience.wait),
            late_clients: PairStore::new(late, LATE),
            late_servers: PairStore::new(late, LATE),
            counted: Counted::new(patience.spans, patience.memory),
            tally: Tally::default(),
        }
    }

    /// Takes the ends of one batch, and tells what they make known. Per span, under the lock:
    /// benches/micro/topology_rows.rs.
    pub(in super::super) fn take(
        &mut self,
        seen: impl Iterator<Item = Seen>,
        known: &Known,
        now: Now,
        rows: &mut Rows,
    ) {
        for Seen { keys, mut spoke } in seen {
            if self.counted.knows(&spoke.id()) {
                self.tally.repeated = self.tally.repeated.saturating_add(spoke.weight);
                continue;
            }
            if spoke.at.0 == 0 {
                spoke.at = Moment(now.unix_nanos);
            }
            if spoke.tells_alone() {
                self.count(&spoke, now);
                rows.facts.push(alone(&spoke, known));
                continue;
            }
            self.meet(keys, spoke, known, now, rows);
        }
    }

    /// Gives up on ends that have waited too long.
    pub(in super::super) fn expire(&mut self, known: &Known, now: Now, rows: &mut Rows) {
        while let Some((keys, ends)) = self.waiting.pop_expired(now.monotonic) {
            self.tally.expired = self.tally.expired.saturating_add(1);
            self.give_up(keys, ends, known, now, rows);
        }
        while self.late_clients.pop_expired(now.monotonic).is_some() {}
        while self.late_servers.pop_expired(now.monotonic).is_some() {}
        self.counted.forget(now.monotonic);
    }

    /// Nothing more will come.
    pub(in super::super) fn finish(&mut self, known: &Known, now: Now, rows: &mut Rows) {
        while let Some((keys, ends)) = self.waiting.pop_oldest() {
            self.tally.expired = self.tally.expired.saturating_add(1);
            self.give_up(keys, ends, known, now, rows);
        }
    }

    /// What happened since this was last asked.
    pub(in super::super) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// How many ends wait.
    pub(in super::super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn meet(&mut self, keys: Keys, spoke: Spoke, known: &Known, now: Now, rows: &mut Rows) {
        let late = if spoke.role.is_client() { &mut self.late_servers } else { &mut self.late_clients };
        if late.awaits(keys)
            && let Met::Whole { value: Ends { client: Some(client), server: Some(server) }, .. } =
                late.meet(keys, Ends::one(spoke.role, spoke.clone()), now.monotonic)
        {
            self.count(&spoke, now);
            let side = if spoke.role.is_client() { one_side(&client) } else { one_side(&server) };
            rows.facts.push(between(&client, &server, side));
            return;
        }
        if self.waiting.is_full()
            && !self.waiting.awaits(keys)
            && let Some((keys, ends)) = self.waiting.pop_oldest()
        {
            self.tally.evicted = self.tally.evicted.saturating_add(1);
            self.give_up(keys, ends, known, now, rows);
        }
        match self.waiting.meet(keys, Ends::one(spoke.role, spoke), now.monotonic) {
            Met::Whole { value: Ends { client: Some(client), server: Some(server) }, .. } => {
                self.tally.paired = self.tally.paired.saturating_add(1);
                self.count(&client, now);
                self.count(&server, now);
                rows.facts.push(between(&client, &server, both_sides(&client, &server)));
            }
            Met::Whole { value, .. } | Met::NoRoom(value) => {
                self.tally.evicted = self.tally.evicted.saturating_add(1);
                self.give_up(keys, value, known, now, rows);
            }
            Met::Waits { .. } => {}
        }
    }

    /// What is said of a call whose other end was not seen. It is kept for a while, for an other end that comes late.
    fn give_up(&mut self, keys: Keys, ends: Ends<Spoke>, known: &Known, now: Now, rows: &mut Rows) {
        for spoke in [ends.client, ends.server].into_iter().flatten() {
            self.count(&spoke, now);
            rows.facts.push(alone(&spoke, known));
            let late = if spoke.role.is_client() { &mut self.late_clients } else { &mut self.late_servers };
            if late.is_full() {
                late.pop_oldest();
            }
            late.meet(keys, Ends::one(spoke.role, spoke), now.monotonic);
        }
    }

    fn count(&mut self, spoke: &Spoke, now: Now) {
        self.counted.note(&spoke.id(), now.monotonic);
    }
}

impl Spoke {
    fn id(&self) -> (u128, u64) {
        (u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span))
    }

    /// Whether there is nobody to wait for: a queue stands between, the other end tells nothing, or nobody called.
    fn tells_alone(&self) -> bool {
        match self.role {
            Role::Producer | Role::Consumer if self.route.queue.is_some() => true,
            Role::Client => self.route.is_silent && !self.is_wired,
            Role::Server => self.is_root && !self.is_wired,
            Role::Producer | Role::Consumer => false,
        }
    }
}

/// The call as one end tells it.
fn alone(spoke: &Spoke, known: &Known) -> FactRow {
    let own = Arc::clone(&spoke.end);
    let (source, target) = match (spoke.role.is_client(), &spoke.route.queue) {
        (true, Some(queue)) => (own, Arc::clone(queue)),
        (false, Some(queue)) => (Arc::clone(queue), own),
        (true, None) => (own, spoke.route.peer(known)),
        (false, None) => (stranger(spoke), own),
    };
    fact(spoke, source, target, one_side(spoke))
}

/// A caller of whom nothing is known: the world outside for the root of a trace, anybody else otherwise.
fn stranger(spoke: &Spoke) -> Arc<End> {
    let (cluster, _) = place(&spoke.end);
    let kind = if spoke.is_root { OutsideKind::User } else { OutsideKind::Unknown };
    nobody(&Name::from(cluster), kind)
}

fn between(client: &Spoke, server: &Spoke, measures: Measures) -> FactRow {
    let mut row = fact(client, Arc::clone(&client.end), Arc::clone(&server.end), measures);
    if row.protocol.is_unspecified() {
        row.protocol = server.route.protocol.clone();
    }
    if row.transport == topology::Transport::Unspecified {
        row.transport = server.route.transport;
    }
    row.port = row.port.or(server.route.port);
    row.exemplar = row
        .exemplar
        .map(|exemplar| Exemplar { failed: exemplar.failed || server.outcome == Outcome::Fault, ..exemplar });
    row
}

fn fact(spoke: &Spoke, source: Arc<End>, target: Arc<End>, measures: Measures) -> FactRow {
    let exemplar =
        Exemplar { trace: spoke.trace, duration: spoke.nanoseconds, failed: spoke.outcome == Outcome::Fault };
    FactRow {
        at: spoke.at,
        over: 0,
        lane: Lane::Spans,
        source: Some(source),
        target,
        protocol: spoke.route.protocol.clone(),
        port: spoke.route.port,
        transport: spoke.route.transport,
        measures,
        exemplar: (spoke.trace != [0; 16]).then_some(exemplar),
    }
}

fn side(spoke: &Spoke, weight: u64) -> Side {
    let counted = |outcome| if spoke.outcome == outcome { weight } else { 0 };
    Side {
        errors: counted(Outcome::Fault),
        client_errors: counted(Outcome::ClientError),
        latency: Histogram::of(spoke.nanoseconds, weight),
    }
}

fn one_side(spoke: &Spoke) -> Measures {
    let weight = spoke.weight;
    if spoke.role.is_client() {
        let requests = Requests { client_only: weight, ..Requests::default() };
        return Measures { requests, client: side(spoke, weight), ..Measures::default() };
    }
    let requests = Requests { server_only: weight, ..Requests::default() };
    Measures { requests, server: side(spoke, weight), ..Measures::default() }
}

fn both_sides(client: &Spoke, server: &Spoke) -> Measures {
    let weight = client.weight;
    let more = i64::try_from(client.nanoseconds).unwrap_or(i64::MAX);
    let less = i64::try_from(server.nanoseconds).unwrap_or(i64::MAX);
    let difference = more.saturating_sub(less);
    Measures {
        requests: Requests { paired: weight, ..Requests::default() },
        client: side(client, weight),
        server: side(server, weight),
        gap: Gap { sum: difference.saturating_mul(i64::try_from(weight).unwrap_or(i64::MAX)), count: weight },
        ..Measures::default()
    }
}
