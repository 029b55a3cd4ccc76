//! What was found: one request with its response, or with the reason why there is none.
//!
//! In this room: the result type of all protocols, and the queue between parsers and their owner.
//! Not here: spans, metrics and attribute names (`semconv`).
//!
//! Enter at [`Exchange`].

use std::collections::VecDeque;

use crate::chunk::{Nanos, Origin, Party};
use crate::context::TraceContext;
use crate::http::HttpExchange;
use crate::protocol::Label;

/// One request with its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the connection spoke.
    pub protocol: Label,
    /// TCP position of the first request byte: part of the wire key.
    pub position: u32,
    /// First request byte.
    pub start: Nanos,
    /// First byte of the final response.
    pub first_response: Option<Nanos>,
    /// Last response byte; without a response, the end of the connection.
    pub end: Nanos,
    /// Who moved the first request byte at the observed end.
    pub request_origin: Origin,
    /// Who moved the first response byte at the observed end.
    pub response_origin: Option<Origin>,
    /// How it ended.
    pub outcome: Outcome,
    /// What the protocol knows.
    pub details: Details,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The response came whole.
    Complete,
    /// The request was sent whole, and the connection ended without a byte of response.
    NoResponse(Ending),
    /// The connection ended inside the request, before any response.
    RequestTruncated(Ending),
    /// The connection ended inside the response.
    ResponseTruncated(Ending),
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ending {
    /// Who ended it, if that is known.
    pub by: Option<Party>,
    /// It was a reset.
    pub reset: bool,
}

/// What only one protocol knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Details {
    /// HTTP/1.x. In a box, which moves from the request's head to whoever tells the exchange.
    Http(Box<HttpExchange>),
}

/// A request whose head has been read: an exchange that will be reported, or counted as one that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// TCP position of the first request byte.
    pub position: u32,
    /// Who moved the first request byte at the observed end.
    pub origin: Origin,
    /// Trace context that the request carries.
    pub context: Option<TraceContext>,
}

/// Exchanges on their way from a parser to its owner, with buffers to reuse.
#[derive(Debug, Default)]
pub struct Exchanges {
    ready: VecDeque<Exchange>,
    begun: VecDeque<Begun>,
    #[expect(clippy::vec_box, reason = "a box is handed out and moves on; its content stays where it is")]
    spare: Vec<Box<HttpExchange>>,
    counts: Unreported,
}

/// Exchanges that took place and are not reported, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unreported {
    /// Requests seen, whose response is lost or cannot be told from others.
    pub unpaired: u64,
    /// Requests never seen, by the count of turns. Exact while the client waits for each answer.
    pub unseen: u64,
    /// Responses paired exactly whose last byte was lost, so that they have no duration.
    pub untimed: u64,
    /// Places where the bytes were not what the protocol allows.
    pub malformed: u64,
}

/// Beginnings kept for an owner that may not ask for them.
const MAX_BEGUN: usize = 256;
/// Buffers kept for reuse.
const MAX_SPARE: usize = 4;
/// A larger buffer is not worth keeping.
const MAX_SPARE_CAPACITY: usize = 4096;

impl Exchanges {
    /// Tells that a request's head has been read.
    pub fn begin(&mut self, begun: Begun) {
        if self.begun.len() >= MAX_BEGUN {
            self.begun.pop_front();
        }
        self.begun.push_back(begun);
    }

    /// Whether anything was not handed out yet.
    pub fn has_news(&self) -> bool {
        !(self.begun.is_empty() && self.ready.is_empty())
    }

    /// The oldest beginning that was not handed out yet.
    pub fn next_begun(&mut self) -> Option<Begun> {
        self.begun.pop_front()
    }

    /// The oldest exchange that was not handed out yet, to keep.
    pub fn next_exchange(&mut self) -> Option<Exchange> {
        self.ready.pop_front()
    }

    /// Reports an exchange.
    pub fn report(&mut self, mut exchange: Exchange) {
        // A blocking send is stamped when it returns, which may be after the answer came.
        let answered = exchange.first_response.unwrap_or(exchange.end).min(exchange.end);
        exchange.start = exchange.start.min(answered);
        self.ready.push_back(exchange);
    }

    /// Counts what cannot be reported.
    pub fn counts_mut(&mut self) -> &mut Unreported {
        &mut self.counts
    }

    /// What could not be reported so far.
    pub fn counts(&self) -> Unreported {
        self.counts
    }

    /// An exchange that says nothing yet.
    pub fn blank(&mut self) -> Box<HttpExchange> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes back an exchange that nobody needs any more, for its buffers.
    pub fn recycle(&mut self, mut http: Box<HttpExchange>) {
        if self.spare.len() < MAX_SPARE && http.capacity() <= MAX_SPARE_CAPACITY {
            http.clear();
            self.spare.push(http);
        }
    }

    /// Shows everything that is ready, and uses its buffers again.
    pub fn drain(&mut self, mut take: impl FnMut(&Exchange)) {
        while let Some(exchange) = self.ready.pop_front() {
            take(&exchange);
            let Details::Http(http) = exchange.details;
            self.recycle(http);
        }
    }
}
