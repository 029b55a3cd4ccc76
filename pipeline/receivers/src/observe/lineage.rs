//! Which trace an exchange belongs to, and which span is its parent.
//!
//! Both ends of an exchange share one entry, found by the wire key. Traces are resolved when a span leaves, by walking
//! up: from a server's end to the client's end of the same exchange, from a client's end to the request that its
//! process was answering. What was resolved once stays, so that parents and children agree.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::wire::WireKey;

/// One of the two ends of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Asked.
    Client,
    /// Answered.
    Server,
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Trace context that was found on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireContext {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span that sent it.
    pub parent_id: [u8; 8],
}

/// An end of an exchange whose request has been read.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// The exchange.
    pub key: WireKey,
    /// The end.
    pub side: Side,
    /// Process and thread that moved the first byte of the request at this end; 0 if unknown.
    pub process: u32,
    /// See `process`.
    pub thread: u32,
    /// Trace context that the request carries.
    pub context: Option<WireContext>,
    /// This end will be told as a span. Else its process tells it, under an id that only the wire knows.
    pub is_told: bool,
}

/// Why a request is believed to belong to the one that its process was answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// It was the only one open in the process.
    OnlyOneOpen,
    /// It was the only one open on the thread, and the last that the thread had read.
    SameThread,
    /// Both carry the same trace header.
    SameHeader,
}

impl Evidence {
    /// As an attribute value.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnlyOneOpen => "only_open_request",
            Self::SameThread => "same_thread",
            Self::SameHeader => "same_trace_header",
        }
    }
}

/// The place of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Its id.
    pub span_id: [u8; 8],
    /// Its parent.
    pub parent_id: Option<[u8; 8]>,
    /// A span of another trace that it belongs to: trace, span, and why we think so.
    pub link: Option<([u8; 16], [u8; 8], Evidence)>,
}

/// Bounds of the memory of exchanges.
#[derive(Debug, Clone, Copy)]
pub struct LineageLimits {
    /// Most exchanges remembered.
    pub exchanges: usize,
    /// How long one is remembered after its request.
    pub age: Duration,
}

impl Default for LineageLimits {
    fn default() -> Self {
        Self { exchanges: 65_536, age: Duration::from_secs(120) }
    }
}

#[derive(Debug)]
struct Entry {
    key: WireKey,
    born: Duration,
    client: Option<End>,
    server: Option<End>,
    trace_id: Option<[u8; 16]>,
    /// The server has read the request and is not done with it.
    is_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct End {
    process: u32,
    thread: u32,
    context: Option<WireContext>,
    inside: Option<(WireKey, Evidence)>,
    is_told: bool,
}

/// Remembers exchanges from their request until some time after their end.
#[derive(Debug)]
pub struct Lineage {
    limits: LineageLimits,
    /// By age. They are written and forgotten in turn, which memory likes better than a large table.
    entries: VecDeque<Entry>,
    /// Number of the oldest entry; those after it are numbered on.
    first: u64,
    numbers: HashMap<WireKey, u64>,
    /// Requests that a process has read and not yet answered.
    answering: HashMap<u32, SmallVec<[WireKey; 4]>>,
    last_request_of_thread: HashMap<u32, WireKey>,
    ambiguous: u64,
    forgotten: u64,
}

/// Chains of calls longer than this are cut.
const LONGEST_CHAIN: usize = 64;

impl Lineage {
    /// Remembers nothing yet.
    pub fn new(limits: LineageLimits) -> Self {
        Self {
            limits,
            entries: VecDeque::new(),
            first: 0,
            numbers: HashMap::new(),
            answering: HashMap::new(),
            last_request_of_thread: HashMap::new(),
            ambiguous: 0,
            forgotten: 0,
        }
    }

    /// Requests for which several open ones could have been the cause, so that none was chosen.
    pub fn ambiguous(&self) -> u64 {
        self.ambiguous
    }

    /// Exchanges that were forgotten for want of room before they were old.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// An end has read or sent a request.
    pub fn begin(&mut self, begun: &Begun, now: Duration) {
        self.forget_old(now);
        let inside = match begun.side {
            Side::Client => self.cause(begun),
            Side::Server => None,
        };
        if begun.side == Side::Server && begun.process != 0 {
            self.answering.entry(begun.process).or_default().push(begun.key);
            self.last_request_of_thread.insert(begun.thread, begun.key);
        }
        let end = End {
            process: begun.process,
            thread: begun.thread,
            context: begun.context,
            inside,
            is_told: begun.is_told,
        };
        let next = self.first.wrapping_add(self.entries.len() as u64);
        let number = *self.numbers.entry(begun.key).or_insert(next);
        if number == next {
            self.entries.push_back(Entry {
                key: begun.key,
                born: now,
                client: None,
                server: None,
                trace_id: None,
                is_open: false,
            });
        }
        if let Some(entry) = self.entry_mut(number) {
            match begun.side {
                Side::Client => entry.client = Some(end),
                Side::Server => (entry.server, entry.is_open) = (Some(end), true),
            }
        }
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(number.wrapping_sub(self.first)).ok()?)
    }

    fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(number.wrapping_sub(self.first)).ok()?)
    }

    fn find(&self, key: &WireKey) -> Option<&Entry> {
        self.numbers.get(key).and_then(|number| self.entry(*number))
    }

    /// An end is done with its exchange; it no longer causes others.
    pub fn end(&mut self, key: WireKey, side: Side) {
        if side == Side::Client {
            return;
        }
        let Some(entry) = self.numbers.get(&key).copied().and_then(|number| self.entry_mut(number)) else { return };
        let Some(end) = entry.server.filter(|_| std::mem::take(&mut entry.is_open)) else { return };
        if let Some(open) = self.answering.get_mut(&end.process) {
            open.retain(|open| *open != key);
            if open.is_empty() {
                self.answering.remove(&end.process);
            }
        }
        if self.last_request_of_thread.get(&end.thread) == Some(&key) {
            self.last_request_of_thread.remove(&end.thread);
        }
    }

    /// A process is gone, with all that it was answering.
    pub fn process_ended(&mut self, process: u32) {
        self.answering.remove(&process);
    }

    /// The place of a span that is about to leave.
    pub fn place(&mut self, key: WireKey, side: Side) -> Place {
        let trace_id = self.trace_of(key);
        let entry = self.find(&key);
        let client = entry.and_then(|entry| entry.client);
        let server = entry.and_then(|entry| entry.server);
        match side {
            Side::Client => self.client_place(key, trace_id, client),
            Side::Server => {
                let wire_parent = server.and_then(|end| end.context).map(|context| context.parent_id);
                let parent_id = client.filter(|end| end.is_told).map(|_| key.client_span_id()).or(wire_parent);
                Place { trace_id, span_id: key.server_span_id(), parent_id, link: None }
            }
        }
    }

    fn client_place(&mut self, key: WireKey, trace_id: [u8; 16], end: Option<End>) -> Place {
        let mut place = Place { trace_id, span_id: key.client_span_id(), parent_id: None, link: None };
        let Some(end) = end else { return place };
        place.parent_id = end.context.map(|context| context.parent_id);
        if let Some((outer, evidence)) = end.inside {
            let outer_trace = self.trace_of(outer);
            if outer_trace == trace_id {
                place.parent_id = Some(outer.server_span_id());
            } else {
                place.link = Some((outer_trace, outer.server_span_id(), evidence));
            }
        }
        place
    }

    /// The trace of an exchange; the same for both ends.
    fn trace_of(&mut self, key: WireKey) -> [u8; 16] {
        let mut walked: SmallVec<[u64; 8]> = SmallVec::new();
        let mut at = key;
        let trace_id = loop {
            let Some(number) = self.numbers.get(&at).copied() else { break at.trace_id() };
            let Some(entry) = self.entry(number) else { break at.trace_id() };
            if let Some(known) = entry.trace_id {
                break known;
            }
            let is_circle = walked.contains(&number);
            walked.push(number);
            let context = entry.client.and_then(|end| end.context).or(entry.server.and_then(|end| end.context));
            if let Some(context) = context {
                break context.trace_id;
            }
            match (entry.client.and_then(|end| end.inside), entry.server) {
                // With only one end here, the far agent derives the trace from the key; so must we.
                (Some((outer, _)), Some(_)) if walked.len() < LONGEST_CHAIN && !is_circle => at = outer,
                _ => break at.trace_id(),
            }
        };
        for number in walked {
            if let Some(entry) = self.entry_mut(number) {
                entry.trace_id = Some(trace_id);
            }
        }
        trace_id
    }

    /// The request that this process was answering when it sent another, if that is certain.
    fn cause(&mut self, begun: &Begun) -> Option<(WireKey, Evidence)> {
        let open = self.answering.get(&begun.process).filter(|_| begun.process != 0)?;
        if let Some(context) = begun.context {
            let carries = |key: &&WireKey| {
                self.find(key).and_then(|entry| entry.server).and_then(|end| end.context) == Some(context)
            };
            if let Some(key) = open.iter().find(carries) {
                return Some((*key, Evidence::SameHeader));
            }
        }
        if let [only] = open.as_slice() {
            return Some((*only, Evidence::OnlyOneOpen));
        }
        let of_thread = |key: &&WireKey| {
            self.find(key).and_then(|entry| entry.server).is_some_and(|end| end.thread == begun.thread)
        };
        let mut candidates = open.iter().filter(of_thread);
        let only = candidates.next().filter(|_| candidates.next().is_none());
        let last = self.last_request_of_thread.get(&begun.thread);
        match only.filter(|only| Some(*only) == last) {
            Some(key) => Some((*key, Evidence::SameThread)),
            None => {
                self.ambiguous += 1;
                None
            }
        }
    }

    fn forget_old(&mut self, now: Duration) {
        while let Some(&Entry { born, key, is_open, .. }) = self.entries.front() {
            let old = now.saturating_sub(born) > self.limits.age;
            if !old && self.entries.len() < self.limits.exchanges {
                break;
            }
            self.forgotten += u64::from(!old);
            if is_open {
                self.end(key, Side::Server);
            }
            self.entries.pop_front();
            self.first = self.first.wrapping_add(1);
            self.numbers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::SequencePair;
    use super::*;

    const WEB: u32 = 100;
    const SHOP: u32 = 200;

    fn key(number: u32) -> WireKey {
        WireKey::new(SequencePair { client: number, server: number + 1 }, number)
    }

    fn lineage() -> Lineage {
        Lineage::new(LineageLimits::default())
    }

    fn begin(lineage: &mut Lineage, key: WireKey, side: Side, process: u32, thread: u32) {
        let begun = Begun { key, side, process, thread, context: None, is_told: true };
        lineage.begin(&begun, Duration::ZERO);
    }

    #[test]
    fn a_call_made_while_one_request_is_open_joins_its_trace() {
        let mut lineage = lineage();
        let (outer, inner) = (key(1), key(2));
        begin(&mut lineage, outer, Side::Server, WEB, 1);
        begin(&mut lineage, inner, Side::Client, WEB, 9);
        begin(&mut lineage, inner, Side::Server, SHOP, 2);

        let client = lineage.place(inner, Side::Client);
        let server = lineage.place(inner, Side::Server);

        assert_eq!(client.trace_id, outer.trace_id());
        assert_eq!(client.parent_id, Some(outer.server_span_id()));
        assert_eq!(server.trace_id, outer.trace_id());
        assert_eq!(server.parent_id, Some(client.span_id));
    }

    #[test]
    fn a_call_whose_far_end_is_elsewhere_is_linked_and_keeps_the_trace_that_the_far_agent_derives() {
        let mut lineage = lineage();
        let (outer, inner) = (key(1), key(2));
        begin(&mut lineage, outer, Side::Server, WEB, 1);
        begin(&mut lineage, inner, Side::Client, WEB, 1);

        let place = lineage.place(inner, Side::Client);

        assert_eq!(place.trace_id, inner.trace_id());
        assert_eq!(place.parent_id, None);
        assert_eq!(place.link, Some((outer.trace_id(), outer.server_span_id(), Evidence::OnlyOneOpen)));
    }

    #[test]
    fn two_requests_open_on_an_event_loop_give_no_parent() {
        let mut lineage = lineage();
        begin(&mut lineage, key(1), Side::Server, WEB, 1);
        begin(&mut lineage, key(2), Side::Server, WEB, 1);
        begin(&mut lineage, key(3), Side::Client, WEB, 1);
        begin(&mut lineage, key(3), Side::Server, SHOP, 5);

        let place = lineage.place(key(3), Side::Client);

        assert_eq!((place.parent_id, place.link), (None, None));
        assert_eq!(lineage.ambiguous(), 1);
    }

    #[test]
    fn with_a_thread_per_request_the_thread_decides() {
        let mut lineage = lineage();
        begin(&mut lineage, key(1), Side::Server, WEB, 1);
        begin(&mut lineage, key(2), Side::Server, WEB, 2);
        begin(&mut lineage, key(3), Side::Client, WEB, 2);
        begin(&mut lineage, key(3), Side::Server, SHOP, 5);

        assert_eq!(lineage.place(key(3), Side::Client).parent_id, Some(key(2).server_span_id()));
    }

    #[test]
    fn the_wire_decides_the_trace_and_the_open_request_the_parent() {
        let context = WireContext { trace_id: [7; 16], parent_id: [8; 8] };
        let mut lineage = lineage();
        let with_context =
            |key, side, process| Begun { key, side, process, thread: 1, context: Some(context), is_told: true };
        lineage.begin(&with_context(key(1), Side::Server, WEB), Duration::ZERO);
        lineage.begin(&with_context(key(2), Side::Client, WEB), Duration::ZERO);

        let outer = lineage.place(key(1), Side::Server);
        let inner = lineage.place(key(2), Side::Client);

        assert_eq!((outer.trace_id, outer.parent_id), ([7; 16], Some([8; 8])));
        assert_eq!((inner.trace_id, inner.parent_id), ([7; 16], Some(key(1).server_span_id())));
    }

    #[test]
    fn an_answered_request_causes_nothing_any_more() {
        let mut lineage = lineage();
        begin(&mut lineage, key(1), Side::Server, WEB, 1);
        lineage.end(key(1), Side::Server);
        begin(&mut lineage, key(2), Side::Client, WEB, 1);

        let place = lineage.place(key(2), Side::Client);

        assert_eq!((place.parent_id, place.link), (None, None));
    }

    #[test]
    fn a_chain_of_three_is_one_trace_whichever_end_is_resolved_first() {
        let mut lineage = lineage();
        let (first, second, third) = (key(1), key(2), key(3));
        begin(&mut lineage, first, Side::Server, WEB, 1);
        begin(&mut lineage, second, Side::Client, WEB, 1);
        begin(&mut lineage, second, Side::Server, SHOP, 2);
        begin(&mut lineage, third, Side::Client, SHOP, 2);
        begin(&mut lineage, third, Side::Server, 300, 3);

        let traces: Vec<_> = [third, second, first].map(|key| lineage.place(key, Side::Server).trace_id).into();

        assert_eq!(traces, vec![first.trace_id(); 3]);
    }

    #[test]
    fn memory_is_bounded_in_entries_and_in_age() {
        let mut lineage = Lineage::new(LineageLimits { exchanges: 2, age: Duration::from_secs(10) });
        for number in 0..5 {
            begin(&mut lineage, key(number), Side::Server, WEB, 1);
        }
        assert_eq!(lineage.entries.len(), 2);
        assert_eq!(lineage.forgotten(), 3);
        assert_eq!(lineage.answering[&WEB].len(), 2);

        let late = Begun { key: key(9), side: Side::Server, process: WEB, thread: 1, context: None, is_told: true };
        lineage.begin(&late, Duration::from_secs(11));
        assert_eq!(lineage.entries.len(), 1);
    }
}
