//! One connection: two streams, the protocol that it turns out to speak, and what was found.
//!
//! In this room: recognising the protocol and which end is the client; driving the parser.
//! Not here: who the ends are, which connections are worth keeping (the receiver).
//!
//! Enter at [`Connection::push`].

use crate::chunk::{Chunk, Close, Flow, Nanos, Party, Role};
use crate::exchange::{Begun, Ending, Exchange, Exchanges, Unreported};
use crate::http::HttpSettings;
use crate::labels::tls;
use crate::protocol::{Closed, Entry, Heads, Label, PROTOCOLS, Place, Protocol, Score};
use crate::stream::{Losses, Stream, StreamLimits};

/// What is known of a connection when it is first seen, and how to look at it.
#[derive(Debug, Clone, Default)]
pub struct ConnectionConfig {
    /// What the observed end is.
    pub role: Role,
    /// Positions of the first bytes sent and received, if the connection was seen from its beginning.
    pub start: Option<Start>,
    /// Bounds of each direction.
    pub limits: StreamLimits,
    /// What of HTTP is looked at.
    pub http: HttpSettings,
}

/// Positions of the first bytes of both directions: initial sequence numbers plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Of the bytes that the observed end sends.
    pub sent: u32,
    /// Of the bytes that it receives.
    pub received: u32,
}

/// What payload still serves this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The beginning of each turn.
    Turns,
    /// Nothing: counters are enough.
    Counters,
}

/// What a TLS client said in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsNames {
    /// Server Name Indication.
    pub server_name: Option<String>,
    /// First protocol of ALPN.
    pub protocol: Option<String>,
}

/// Beginnings of turns that are tried before a connection is left alone.
const MAX_ATTEMPTS: u8 = 16;
/// A detector must have decided by so many bytes.
const DETECTION_BYTES: usize = 256;

/// A connection, from its first chunk to its end.
#[derive(Debug)]
pub struct Connection {
    sent: Stream,
    received: Stream,
    role: Role,
    place: Place,
    http: HttpSettings,
    state: State,
    exchanges: Exchanges,
    tls: TlsNames,
    /// Turns by order of arrival, for sources that do not count them.
    turn: u32,
    last_flow: Option<Flow>,
    /// A record was lost, perhaps of this direction: its next chunk will tell.
    suspect: Option<Flow>,
}

#[derive(Debug)]
enum State {
    Detecting {
        attempts: u8,
    },
    Parsing(Box<dyn Protocol>),
    /// TLS whose ClientHello is still coming.
    Greeting,
    /// Recognised, or given up.
    Labelled(Label),
}

impl Connection {
    /// A connection about which nothing was pushed yet.
    pub fn new(config: ConnectionConfig) -> Self {
        Self {
            sent: Stream::new(config.start.map(|start| start.sent), config.limits),
            received: Stream::new(config.start.map(|start| start.received), config.limits),
            role: config.role,
            place: if config.start.is_some() { Place::Beginning } else { Place::FirstSight },
            http: config.http,
            state: State::Detecting { attempts: 0 },
            exchanges: Exchanges::default(),
            tls: TlsNames::default(),
            turn: 0,
            last_flow: None,
            suspect: None,
        }
    }

    /// Takes a chunk of one direction.
    pub fn push(&mut self, flow: Flow, chunk: Chunk<'_>) {
        if self.last_flow.replace(flow).is_some_and(|last| last != flow) {
            self.turn = self.turn.wrapping_add(1);
        }
        if matches!(self.state, State::Labelled(_)) {
            return;
        }
        let lost_before = chunk.lost_before || self.suspect == Some(flow);
        if chunk.lost_before {
            // The source cannot say of which direction the lost record was.
            self.suspect = Some(flow.opposite());
        } else if self.suspect == Some(flow) {
            self.suspect = None;
        }
        let chunk = Chunk { turn: chunk.turn.or(Some(self.turn)), lost_before, ..chunk };
        self.stream(flow).push(&chunk);
        self.stream(flow.opposite()).expire(chunk.origin.time);
        self.advance();
    }

    /// Gives up chunks that never came, by the time of something else. For connections that fell silent.
    pub fn expire(&mut self, now: Nanos) {
        self.sent.expire(now);
        self.received.expire(now);
        self.advance();
    }

    /// The connection is over. What was open is reported as what became of it.
    pub fn close(&mut self, close: Close) {
        self.sent.end(close.sent_until);
        self.received.end(close.received_until);
        self.advance();
        let by = close.first.and_then(|flow| self.sender(flow));
        let closed = Closed { time: close.time, ending: Ending { by, reset: close.reset } };
        if let State::Parsing(protocol) = &mut self.state {
            let (client, server) = by_role(self.role, &mut self.sent, &mut self.received);
            protocol.close(client, server, &closed, &mut self.exchanges);
        }
    }

    /// Whether a request or an exchange was found that was not handed out yet.
    pub fn has_news(&self) -> bool {
        self.exchanges.has_news()
    }

    /// The oldest request whose head has been read and that was not handed out yet.
    pub fn next_begun(&mut self) -> Option<Begun> {
        self.exchanges.next_begun()
    }

    /// The oldest exchange that was not handed out yet, to keep.
    pub fn next_exchange(&mut self) -> Option<Exchange> {
        self.exchanges.next_exchange()
    }

    /// Shows the exchanges found since the last call, and uses their buffers again.
    pub fn drain(&mut self, take: impl FnMut(&Exchange)) {
        self.exchanges.drain(take);
    }

    /// What the connection speaks, as far as is known.
    pub fn protocol(&self) -> Label {
        match &self.state {
            State::Detecting { .. } => Label::Unknown,
            State::Parsing(protocol) => protocol.label(),
            State::Greeting => Label::Tls,
            State::Labelled(label) => *label,
        }
    }

    /// What the observed end is; the first bytes may have told.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What payload still serves a purpose. A hint for the source: nothing here depends on its being followed.
    pub fn wants(&self) -> Want {
        match &self.state {
            State::Detecting { .. } | State::Greeting => Want::Turns,
            State::Parsing(protocol) if protocol.needs_bytes() => Want::Turns,
            State::Parsing(_) | State::Labelled(_) => Want::Counters,
        }
    }

    /// What a TLS client said in the clear.
    pub fn tls(&self) -> &TlsNames {
        &self.tls
    }

    /// What was not seen, of both directions.
    pub fn losses(&self) -> Losses {
        let mut losses = self.sent.losses();
        losses += self.received.losses();
        losses
    }

    /// Exchanges that took place and could not be reported.
    pub fn unreported(&self) -> Unreported {
        self.exchanges.counts()
    }

    fn stream(&mut self, flow: Flow) -> &mut Stream {
        match flow {
            Flow::Sent => &mut self.sent,
            Flow::Received => &mut self.received,
        }
    }

    fn sender(&self, flow: Flow) -> Option<Party> {
        Some(match (self.role, flow) {
            (Role::Unknown, _) => return None,
            (Role::Client, Flow::Sent) | (Role::Server, Flow::Received) => Party::Client,
            (Role::Client, Flow::Received) | (Role::Server, Flow::Sent) => Party::Server,
        })
    }

    fn advance(&mut self) {
        while let State::Detecting { attempts } = self.state {
            match self.detect() {
                Detection::Undecided => return,
                Detection::Found(entry, role) => {
                    self.role = role;
                    self.begin(entry);
                }
                Detection::Nothing if attempts >= MAX_ATTEMPTS => self.state = State::Labelled(Label::Unknown),
                Detection::Nothing => {
                    self.skip_to_next_chunks();
                    self.place = Place::Middle;
                    self.state = State::Detecting { attempts: attempts.saturating_add(1) };
                }
            }
        }
        let (client, server) = by_role(self.role, &mut self.sent, &mut self.received);
        match &mut self.state {
            State::Parsing(protocol) => protocol.advance(client, server, &mut self.exchanges),
            State::Greeting => self.read_client_hello(),
            State::Detecting { .. } | State::Labelled(_) => {}
        }
    }

    fn detect(&self) -> Detection {
        let (sent, received) = (self.sent.peek(), self.received.peek());
        if sent.is_empty() && received.is_empty() {
            let unreadable = !(self.sent.is_drained() && self.received.is_drained());
            return if unreadable { Detection::Nothing } else { Detection::Undecided };
        }
        let as_client = (Role::Client, Heads { client: sent, server: received });
        let as_server = (Role::Server, Heads { client: received, server: sent });
        let candidates = match self.role {
            Role::Client => [Some(as_client), None],
            Role::Server => [Some(as_server), None],
            Role::Unknown => [Some(as_client), Some(as_server)],
        };
        let mut best: Option<(Score, &'static Entry, Role)> = None;
        for (role, heads) in candidates.into_iter().flatten() {
            for entry in PROTOCOLS {
                let score = (entry.detect)(heads);
                if best.is_none_or(|(so_far, ..)| score > so_far) {
                    best = Some((score, entry, role));
                }
            }
        }
        match best {
            Some((Score::Likely | Score::Sure, entry, role)) => Detection::Found(entry, role),
            Some((Score::Maybe, ..)) if sent.len().max(received.len()) < DETECTION_BYTES => Detection::Undecided,
            _ => Detection::Nothing,
        }
    }

    fn begin(&mut self, entry: &'static Entry) {
        self.state = match entry.parser {
            Some(parser) => State::Parsing(parser(self.place, &self.http)),
            None if entry.label == Label::Tls => State::Greeting,
            None => State::Labelled(entry.label),
        };
    }

    /// Reads the names once the record is whole, or is answered, or cannot become whole.
    fn read_client_hello(&mut self) {
        let (client, server) = by_role(self.role, &mut self.sent, &mut self.received);
        let record = client.peek();
        let whole = tls::record_is_whole(record) || client.more_follows() || client.has_ended() || !server.is_drained();
        if !whole {
            return;
        }
        if let Some(hello) = tls::client_hello(record) {
            self.tls = TlsNames {
                server_name: hello.server_name.map(str::to_owned),
                protocol: hello.protocol.map(str::to_owned),
            };
        }
        self.state = State::Labelled(Label::Tls);
    }

    fn skip_to_next_chunks(&mut self) {
        for stream in [&mut self.sent, &mut self.received] {
            stream.skip(stream.reached().saturating_sub(stream.position()));
        }
    }
}

enum Detection {
    Undecided,
    Nothing,
    Found(&'static Entry, Role),
}

fn by_role<'s>(role: Role, sent: &'s mut Stream, received: &'s mut Stream) -> (&'s mut Stream, &'s mut Stream) {
    match role {
        Role::Server => (received, sent),
        Role::Client | Role::Unknown => (sent, received),
    }
}
