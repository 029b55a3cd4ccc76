//! What an observer gets to see of a conversation: chunks, cut anywhere, perhaps in part, perhaps not all.
//!
//! In this room: cutting, capturing within a budget, losing, and feeding a [`Connection`].
//! Not here: what was said (`conversation`).
//!
//! Enter at [`Observed::by_kernel`].

use protocols::connection::Start;
use protocols::exchange::Details;
use protocols::{Chunk, Close, Connection, ConnectionConfig, Exchange, Flow, Nanos, Origin, Role};

use crate::conversation::{Conversation, Side};

/// One chunk as a source would report it, with its place in the conversation's bytes.
#[derive(Debug, Clone)]
pub struct Seen {
    pub side: Side,
    pub from: usize,
    pub to: usize,
    pub captured: usize,
    pub turn: Option<u32>,
    pub lost_before: bool,
}

/// Bytes captured per turn.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub request: usize,
    pub response: usize,
}

pub const EVERYTHING: Budget = Budget { request: usize::MAX, response: usize::MAX };

/// A small stream of choices, so that a failing case shrinks to few numbers.
#[derive(Debug, Clone)]
pub struct Choices(pub u64);

impl Choices {
    pub fn below(&mut self, bound: usize) -> usize {
        // xorshift64: any sequence will do that is the same for the same seed.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        if bound == 0 { 0 } else { (self.0 % bound as u64) as usize }
    }
}

/// Cuts the writes of a conversation into chunks as a kernel would report them, in causal order.
pub fn cut(talk: &Conversation, budget: Budget, choices: &mut Choices) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let (mut client, mut server) = (0, 0);
    let (mut turn, mut left, mut last) = (0, 0, None);
    for (side, length) in &talk.writes {
        let side = *side;
        let place = if side == Side::Client { &mut client } else { &mut server };
        let end = *place + length;
        while *place < end {
            let rest = end - *place;
            let longest = [1, 3, 17, 200, 1400, 9000][choices.below(6)];
            let size = (1 + choices.below(longest)).min(rest);
            if last != Some(side) {
                turn += u32::from(last.is_some());
                left = if side == Side::Client { budget.request } else { budget.response };
                last = Some(side);
            }
            let captured = size.min(left);
            left -= captured;
            let (from, to) = (*place, *place + size);
            seen.push(Seen { side, from, to, captured, turn: Some(turn), lost_before: false });
            *place = to;
        }
    }
    seen
}

/// Merges the two directions anew, without regard for causality: only the order within each is kept.
pub fn interleave(seen: Vec<Seen>, choices: &mut Choices) -> Vec<Seen> {
    let (mut client, mut server): (Vec<_>, Vec<_>) = seen.into_iter().partition(|chunk| chunk.side == Side::Client);
    client.reverse();
    server.reverse();
    let mut merged = Vec::new();
    while !client.is_empty() || !server.is_empty() {
        let from_client = server.is_empty() || (!client.is_empty() && choices.below(2) == 0);
        let next = if from_client { client.pop() } else { server.pop() };
        merged.extend(next);
    }
    for chunk in &mut merged {
        chunk.turn = None;
    }
    merged
}

/// Swaps some neighbours, as records of two processors swap in a ring.
pub fn reorder(seen: &mut [Seen], choices: &mut Choices) {
    for index in 1..seen.len() {
        if choices.below(4) == 0 {
            seen.swap(index - 1, index);
        }
    }
}

/// Loses the chunk at `index`; the next record of the connection says so.
pub fn lose(seen: &mut Vec<Seen>, index: usize) {
    seen.remove(index);
    if let Some(next) = seen.get_mut(index) {
        next.lost_before = true;
    }
}

/// Where the bytes of both directions ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ends {
    pub client: usize,
    pub server: usize,
}

impl Ends {
    pub fn of(seen: &[Seen]) -> Self {
        let end = |side| seen.iter().filter(|chunk| chunk.side == side).map(|chunk| chunk.to).max().unwrap_or(0);
        Self { client: end(Side::Client), server: end(Side::Server) }
    }
}

/// A connection that was observed from its first byte to its end.
pub struct Observed {
    pub exchanges: Vec<Exchange>,
    pub connection: Connection,
    start: u32,
}

impl Observed {
    pub fn new(talk: &Conversation, seen: &[Seen], ends: Ends, role: Role, start: u32, known: bool) -> Self {
        let server_start = start.wrapping_mul(7).wrapping_add(99);
        let (sent, received) = if role == Role::Server { (server_start, start) } else { (start, server_start) };
        let mut connection = Connection::new(ConnectionConfig {
            role,
            start: known.then_some(Start { sent, received }),
            ..ConnectionConfig::default()
        });
        let mut exchanges = Vec::new();
        for (index, chunk) in seen.iter().enumerate() {
            let (bytes, base) = match chunk.side {
                Side::Client => (&talk.client[chunk.from..chunk.to], start),
                Side::Server => (&talk.server[chunk.from..chunk.to], server_start),
            };
            connection.push(
                flow(role, chunk.side),
                Chunk {
                    position: base.wrapping_add(chunk.from as u32),
                    length: bytes.len() as u32,
                    captured: &bytes[..chunk.captured],
                    tail: &bytes[bytes.len().saturating_sub(16)..],
                    origin: Origin { time: Nanos(1000 + index as u64), tgid: 7, tid: 8 },
                    turn: chunk.turn,
                    lost_before: chunk.lost_before,
                },
            );
            connection.drain(|exchange| exchanges.push(exchange.clone()));
        }
        Self { exchanges, connection, start }.closed(role, ends, server_start)
    }

    /// Feeds what was seen of a whole conversation, and closes at its true end.
    pub fn whole(talk: &Conversation, seen: &[Seen], role: Role, start: u32) -> Self {
        let ends = Ends { client: talk.client.len(), server: talk.server.len() };
        let mut observed = Self::new(talk, seen, ends, role, start, true);
        observed.exchanges.sort_by_key(|exchange| exchange.position.wrapping_sub(start));
        observed
    }

    fn closed(mut self, role: Role, ends: Ends, server_start: u32) -> Self {
        let client = self.start.wrapping_add(ends.client as u32);
        let server = server_start.wrapping_add(ends.server as u32);
        let (sent, received) = if role == Role::Server { (server, client) } else { (client, server) };
        self.connection.close(Close {
            time: Nanos(1_000_000),
            first: Some(flow(role, Side::Server)),
            reset: false,
            sent_until: Some(sent),
            received_until: Some(received),
        });
        let exchanges = &mut self.exchanges;
        self.connection.drain(|exchange| exchanges.push(exchange.clone()));
        self
    }

    pub fn offset(&self, exchange: &Exchange) -> usize {
        exchange.position.wrapping_sub(self.start) as usize
    }
}

pub fn http(exchange: &Exchange) -> &protocols::http::HttpExchange {
    let Details::Http(http) = &exchange.details;
    http
}

fn flow(role: Role, side: Side) -> Flow {
    match (role, side) {
        (Role::Server, Side::Client) | (Role::Client | Role::Unknown, Side::Server) => Flow::Received,
        (Role::Server, Side::Server) | (Role::Client | Role::Unknown, Side::Client) => Flow::Sent,
    }
}
