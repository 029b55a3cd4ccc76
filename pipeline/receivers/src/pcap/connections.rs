//! Which segments belong together, and what they do to a connection.
//!
//! A capture sees a connection from outside, at one place. Both of its ends are told to the observer, with the same
//! segments at the same times, so that each exchange becomes a client span and a server span that are joined as those
//! of two live processes are.

use std::net::SocketAddr;

use hashbrown::HashMap;
use protocols::connection::Start;
use protocols::{Chunk, Close, Flow, Nanos, Origin, Role};

use super::frame::Segment;
use super::hosts::Hosts;
use super::way::Way;
use crate::observe::{Closed, EndId, Failed, Observer, Opened, Statistics};

/// A handshake without answer is a failed attempt after so long.
const HANDSHAKE_AGE: u64 = 60_000_000_000;
/// Both ends are done: what is missing may still come for so long.
const LINGER_AGE: u64 = 2_000_000_000;
/// Segments of a connection that is over are repeated for at most so long.
const GONE_AGE: u64 = 30_000_000_000;
/// A connection that was silent for so long is taken for gone.
const SILENT_AGE: u64 = 3_600_000_000_000;
/// How often ages are looked at.
const SWEEP_INTERVAL: u64 = 1_000_000_000;

/// Both addresses, whoever sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair(SocketAddr, SocketAddr);

impl Pair {
    fn of(one: SocketAddr, other: SocketAddr) -> Self {
        if one <= other { Self(one, other) } else { Self(other, one) }
    }
}

#[derive(Debug)]
struct Tracked {
    /// The end that connected; without a handshake, the one that was heard first.
    first: SocketAddr,
    second: SocketAddr,
    state: State,
    /// What `first` sends.
    forth: Way,
    /// What `second` sends.
    back: Way,
    /// Who said first that it is done.
    done_first: Option<Speaker>,
    last: Nanos,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Nobody was told of it. When it was asked for, if that was seen.
    New { asked: Option<Nanos> },
    /// The observer watches it under these names.
    Open { first: EndId, second: EndId },
    /// Over; what still comes of it means nothing.
    Gone,
}

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    First,
    Second,
}

impl Speaker {
    /// A direction as this end names it, from who speaks.
    fn flow(self, speaker: Self) -> Flow {
        if self == speaker { Flow::Sent } else { Flow::Received }
    }
}

/// Connections of a capture.
#[derive(Debug)]
pub struct Connections {
    table: HashMap<Pair, Tracked>,
    limit: usize,
    gone: usize,
    ends: u64,
    swept: Nanos,
    over_limit: u64,
}

impl Connections {
    /// At most `limit` at a time.
    pub fn new(limit: usize) -> Self {
        Self { table: HashMap::new(), limit, gone: 0, ends: 0, swept: Nanos(0), over_limit: 0 }
    }

    /// Segments that were not looked at, because too many connections were open.
    pub fn over_limit(&self) -> u64 {
        self.over_limit
    }

    /// Connections seen so far.
    pub fn seen(&self) -> u64 {
        self.ends / 2
    }

    /// A segment has passed.
    pub fn segment(&mut self, segment: &Segment<'_>, time: Nanos, observer: &mut Observer<Hosts>) {
        self.sweep(time, observer);
        let pair = Pair::of(segment.source, segment.destination);
        match (segment.flags.syn, segment.flags.ack) {
            (true, false) => return self.asks(pair, segment, time, observer),
            (true, true) => return self.answers(pair, segment, time, observer),
            (false, _) => {}
        }
        // What carries nothing and belongs to nothing known tells nothing.
        let is_known = self.table.contains_key(&pair) || (segment.length > 0 && self.watch(pair, segment, time, None));
        let Some(tracked) = self.table.get_mut(&pair).filter(|tracked| is_known && !tracked.is_gone()) else { return };
        tracked.last = time;
        let speaker = if segment.source == tracked.first { Speaker::First } else { Speaker::Second };
        if segment.flags.rst {
            tracked.reset(speaker, time, observer);
        } else {
            if segment.length > 0 {
                tracked.open(&mut self.ends, None, time, observer);
                tracked.pass(speaker, segment, time, observer);
            }
            if segment.flags.fin {
                tracked.finish(speaker, segment.sequence.wrapping_add(segment.length));
            }
            if tracked.forth.is_complete() && tracked.back.is_complete() {
                tracked.close(time, false, observer);
            }
        }
        self.gone = self.gone.saturating_add(usize::from(tracked.is_gone()));
    }

    /// Tells the observer the sums of all connections.
    pub fn report(&self, observer: &mut Observer<Hosts>) {
        for tracked in self.table.values() {
            if let State::Open { first, second } = tracked.state {
                observer.statistics(first, tracked.statistics(Speaker::First));
                observer.statistics(second, tracked.statistics(Speaker::Second));
            }
        }
    }

    /// Nothing more will come. Connections that both ends had given up are over; others may have gone on.
    pub fn end(&mut self, time: Nanos, observer: &mut Observer<Hosts>) {
        for tracked in self.table.values_mut().filter(|tracked| tracked.is_finished()) {
            tracked.close(time, false, observer);
        }
        self.report(observer);
    }

    /// A SYN: something new, unless it is repeated.
    fn asks(&mut self, pair: Pair, segment: &Segment<'_>, time: Nanos, observer: &mut Observer<Hosts>) {
        let start = segment.sequence.wrapping_add(1);
        if let Some(known) = self.table.get_mut(&pair) {
            let is_same = known.first == segment.source && known.forth.start() == Some(start);
            if is_same && !known.is_gone() {
                return;
            }
            // The ports are used again.
            known.close(time, false, observer);
            self.remove(&pair);
        }
        if self.watch(pair, segment, time, Some(time))
            && let Some(tracked) = self.table.get_mut(&pair)
        {
            tracked.forth.begin(start);
        }
    }

    /// A SYN with ACK: the connection is there. It tells where both directions begin.
    fn answers(&mut self, pair: Pair, segment: &Segment<'_>, time: Nanos, observer: &mut Observer<Hosts>) {
        if self.table.get(&pair).is_some_and(Tracked::is_gone) {
            self.remove(&pair);
        }
        let asker = Segment { source: segment.destination, destination: segment.source, ..*segment };
        if !self.table.contains_key(&pair) && !self.watch(pair, &asker, time, None) {
            return;
        }
        let Some(tracked) = self.table.get_mut(&pair).filter(|tracked| tracked.first == segment.destination) else {
            return;
        };
        tracked.last = time;
        if matches!(tracked.state, State::New { .. }) {
            // Data in a SYN (RFC 7413) is acknowledged with it.
            let sent = tracked.forth.start().unwrap_or(segment.acknowledged);
            let start = Start { sent, received: segment.sequence.wrapping_add(1) };
            tracked.forth.begin(start.sent);
            tracked.back.begin(start.received);
            tracked.open(&mut self.ends, Some(start), time, observer);
        }
    }

    /// Makes room for a connection whose first end sent this.
    fn watch(&mut self, pair: Pair, segment: &Segment<'_>, time: Nanos, asked: Option<Nanos>) -> bool {
        if self.table.len() >= self.limit && self.gone > 0 {
            self.table.retain(|_, tracked| !tracked.is_gone());
            self.gone = 0;
        }
        if self.table.len() >= self.limit {
            self.over_limit = self.over_limit.saturating_add(1);
            return false;
        }
        let tracked = Tracked {
            first: segment.source,
            second: segment.destination,
            state: State::New { asked },
            forth: Way::default(),
            back: Way::default(),
            done_first: None,
            last: time,
        };
        self.table.insert(pair, tracked);
        true
    }

    fn remove(&mut self, pair: &Pair) {
        let was_gone = self.table.remove(pair).is_some_and(|tracked| tracked.is_gone());
        self.gone = self.gone.saturating_sub(usize::from(was_gone));
    }

    /// Lets go of what is old.
    fn sweep(&mut self, now: Nanos, observer: &mut Observer<Hosts>) {
        if now.0.saturating_sub(self.swept.0) < SWEEP_INTERVAL {
            return;
        }
        self.swept = now;
        self.table.retain(|_, tracked| {
            let age = now.0.saturating_sub(tracked.last.0);
            match tracked.state {
                State::Gone => age < GONE_AGE,
                State::New { .. } if age >= HANDSHAKE_AGE => {
                    tracked.fail(now, libc::ETIMEDOUT, observer);
                    false
                }
                State::Open { .. } if age >= SILENT_AGE || (age >= LINGER_AGE && tracked.is_finished()) => {
                    tracked.close(now, false, observer);
                    true
                }
                State::New { .. } | State::Open { .. } => true,
            }
        });
        self.gone = self.table.values().filter(|tracked| tracked.is_gone()).count();
    }
}

impl Tracked {
    fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    /// Whether both ends are done, however much of what they said was seen.
    fn is_finished(&self) -> bool {
        self.forth.is_finished() && self.back.is_finished()
    }

    /// Tells the observer of both ends, if that was not done yet.
    fn open(&mut self, ends: &mut u64, start: Option<Start>, time: Nanos, observer: &mut Observer<Hosts>) {
        let State::New { asked } = self.state else { return };
        let mut next = || {
            *ends = ends.saturating_add(1);
            EndId(*ends)
        };
        let (first, second) = (next(), next());
        let connecting = asked.filter(|_| start.is_some()).map(|asked| time.0.saturating_sub(asked.0));
        let own = Opened {
            role: if asked.is_some() || start.is_some() { Role::Client } else { Role::Unknown },
            local: self.first,
            peer: self.second,
            start,
            process: observer.identify().id(self.first),
            is_new: asked.is_some() || start.is_some(),
            connect_seconds: connecting.map(|nanos| std::time::Duration::from_nanos(nanos).as_secs_f64()),
            before: Statistics::default(),
        };
        let other = Opened {
            role: if own.role == Role::Client { Role::Server } else { Role::Unknown },
            local: self.second,
            peer: self.first,
            start: start.map(|start| Start { sent: start.received, received: start.sent }),
            process: observer.identify().id(self.second),
            connect_seconds: None,
            ..own
        };
        observer.opened_together((first, &own), (second, &other));
        self.state = State::Open { first, second };
    }

    fn pass(&mut self, speaker: Speaker, segment: &Segment<'_>, time: Nanos, observer: &mut Observer<Hosts>) {
        self.way(speaker).pass(segment.sequence, segment.length);
        let State::Open { first, second } = self.state else { return };
        let chunk = Chunk {
            position: segment.sequence,
            length: segment.length,
            captured: segment.payload,
            origin: Origin { time, ..Origin::default() },
            ..Chunk::default()
        };
        observer.chunk(first, Speaker::First.flow(speaker), chunk);
        observer.chunk(second, Speaker::Second.flow(speaker), chunk);
    }

    fn finish(&mut self, speaker: Speaker, position: u32) {
        self.way(speaker).finish(position);
        self.done_first.get_or_insert(speaker);
    }

    fn reset(&mut self, speaker: Speaker, time: Nanos, observer: &mut Observer<Hosts>) {
        match self.state {
            State::New { .. } => {
                let error = if speaker == Speaker::Second { libc::ECONNREFUSED } else { 0 };
                self.fail(time, error, observer);
                self.state = State::Gone;
            }
            State::Open { .. } | State::Gone => {
                self.done_first.get_or_insert(speaker);
                self.close(time, true, observer);
            }
        }
    }

    /// The handshake came to nothing.
    fn fail(&mut self, time: Nanos, error: i32, observer: &mut Observer<Hosts>) {
        if let State::New { asked: Some(_) } = self.state {
            let process = observer.identify().id(self.first);
            let error = u16::try_from(error).unwrap_or_default();
            observer.failed(&Failed { local: self.first, peer: self.second, process, error }, time);
        }
    }

    fn close(&mut self, time: Nanos, reset: bool, observer: &mut Observer<Hosts>) {
        let State::Open { first, second } = std::mem::replace(&mut self.state, State::Gone) else { return };
        for (id, end, sent, received) in [
            (first, Speaker::First, self.forth.until(), self.back.until()),
            (second, Speaker::Second, self.back.until(), self.forth.until()),
        ] {
            let first = self.done_first.map(|speaker| end.flow(speaker));
            let close = Close { time, first, reset, sent_until: sent, received_until: received };
            observer.closed(id, &Closed { close, statistics: Some(self.statistics(end)) });
        }
    }

    fn statistics(&self, end: Speaker) -> Statistics {
        let (own, other) = match end {
            Speaker::First => (&self.forth, &self.back),
            Speaker::Second => (&self.back, &self.forth),
        };
        Statistics { sent: own.bytes(), received: other.bytes(), retransmits: own.repeated(), rtt_us: 0 }
    }

    fn way(&mut self, speaker: Speaker) -> &mut Way {
        match speaker {
            Speaker::First => &mut self.forth,
            Speaker::Second => &mut self.back,
        }
    }
}
