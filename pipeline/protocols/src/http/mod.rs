//! HTTP/1.0 and HTTP/1.1.
//!
//! In this room: requests in order, responses in order, and which belongs to which. Order is all that HTTP/1 has: the
//! n-th final response answers the n-th request, whenever either was seen.
//! Not here: HTTP/2, names of attributes (`semconv`).
//!
//! Enter at [`Http::advance`].
//!
//! What is certain stays certain: a body whose length is known may be lost or uncaptured, and the next message is still
//! found. Where framing itself is lost, pairing stops until [`resume`] can prove a place.

mod body;
mod head;
mod message;
mod request;
mod resume;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::exchange::{Begun, Exchanges, Outcome};
use crate::protocol::{Closed, Heads, Label, Place, Protocol, Score};
use crate::stream::{Front, Mark, Next, Stream};
use body::{Body, Progress};
use head::{Framing, RequestHead, ResponseHead};
pub use message::{HttpExchange, Part};
use request::{Request, Response};
use resume::Search;

/// What of HTTP is looked at beyond the necessary.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Headers to keep, in lower case.
    pub headers: Arc<[String]>,
}

/// Requests that wait for their responses on one connection; more wait unread.
const MAX_WAITING: usize = 256;

/// Longest method that is taken for one.
const MAX_METHOD: usize = 20;
/// Methods by which an unknown connection is recognised.
const METHODS: [&[u8]; 13] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"HEAD ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PROPFIND ",
    b"REPORT ",
    b"SEARCH ",
    b"QUERY ",
];

/// Judges first bytes.
pub fn detect(heads: Heads<'_>) -> Score {
    let server = starts_like_response(heads.server);
    if server == Score::Sure || server == Score::No {
        return server;
    }
    match starts_like_request(heads.client) {
        Score::No => has_request_line(heads.client),
        score => score,
    }
}

/// Whether a method that is not in the list stands in a line that can be nothing but a request's.
fn has_request_line(bytes: &[u8]) -> Score {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let method = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let rest = line.get(method..).unwrap_or(&[]);
    if method == 0 || method > MAX_METHOD || !(rest.is_empty() || rest.starts_with(b" /")) {
        return if rest == b" " && method <= MAX_METHOD { Score::Maybe } else { Score::No };
    }
    let whole = line.len() < bytes.len();
    match line.trim_ascii_end() {
        line if line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0") => Score::Likely,
        _ if whole => Score::No,
        _ => Score::Maybe,
    }
}

fn starts_like_response(bytes: &[u8]) -> Score {
    match bytes {
        [] => Score::Maybe,
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', ..] => Score::Sure,
        _ if b"HTTP/1.1 ".starts_with(bytes) || b"HTTP/1.0 ".starts_with(bytes) => Score::Maybe,
        _ => Score::No,
    }
}

fn starts_like_request(bytes: &[u8]) -> Score {
    let bytes = bytes.trim_ascii_start();
    let mut score = if bytes.is_empty() { Score::Maybe } else { Score::No };
    for method in METHODS {
        match bytes.strip_prefix(method) {
            Some([]) => score = Score::Maybe,
            Some([b'/' | b'*', ..]) => return Score::Likely,
            Some([first, ..]) if first.is_ascii_alphanumeric() || *first == b'[' => return Score::Likely,
            Some(_) => return Score::No,
            None if method.starts_with(bytes) => score = Score::Maybe,
            None => {}
        }
    }
    score
}

/// Makes a parser.
pub fn parser(place: Place, settings: &HttpSettings) -> Box<dyn Protocol> {
    Box::new(Http::new(place, settings.clone()))
}

/// One connection.
#[derive(Debug)]
pub struct Http {
    settings: HttpSettings,
    state: State,
    client: Client,
    server: Server,
    /// Requests whose responses are not complete, oldest first.
    waiting: VecDeque<Request>,
    /// The client was seen to ask before it was answered: turns prove nothing about it.
    pipelines: bool,
    /// Turn in which the next request begins, if the client waits for each answer.
    next_turn: Option<u32>,
    /// Turn of the request at which pairing resumed, until its response began.
    resumed_in: Option<u32>,
    label: Label,
}

#[derive(Debug)]
enum State {
    /// Both directions are understood.
    Paired,
    /// Framing was lost.
    Lost(Search),
    /// Something else is spoken now.
    Opaque,
}

#[derive(Debug)]
enum Client {
    Head {
        scanned: usize,
    },
    Body(Body),
    /// A body that is sent only if the server wants it.
    Expecting {
        framing: Framing,
        verdict: Option<Expect>,
    },
    /// After CONNECT or an offer to upgrade, the response decides what comes next.
    Switching,
    /// Framing was lost; requests before are still answered in order.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expect {
    Continue,
    Final,
}

#[derive(Debug)]
enum Server {
    Head {
        scanned: usize,
    },
    Body(Body),
    /// The response is complete while its request is still being sent.
    Done,
}

/// Whether anything moved.
#[derive(PartialEq)]
enum Moved {
    Yes,
    No,
}

impl Protocol for Http {
    fn advance(&mut self, client: &mut Stream, server: &mut Stream, exchanges: &mut Exchanges) {
        loop {
            let moved = match self.state {
                State::Opaque => {
                    discard(client);
                    discard(server);
                    Moved::No
                }
                State::Lost(_) => self.search(client, server, exchanges),
                State::Paired => {
                    let asked = self.read_request(client, exchanges);
                    let answered = self.read_response(server, exchanges);
                    if asked == Moved::Yes { asked } else { answered }
                }
            };
            if moved == Moved::No {
                return;
            }
        }
    }

    fn close(&mut self, _client: &mut Stream, server: &mut Stream, closed: &Closed, exchanges: &mut Exchanges) {
        if matches!(self.state, State::Paired) {
            let begun = !server.peek().is_empty() && matches!(self.server, Server::Head { .. });
            let partial = begun.then(|| server.mark_at(server.position()).copied()).flatten();
            let mut partial = partial.map(|mark| mark.origin.time);
            while let Some(request) = self.waiting.pop_front() {
                // Whether a request was whole cannot be said where its bytes are missing.
                if request.end.is_none() && request.response.is_none() && matches!(self.client, Client::Lost) {
                    let counts = exchanges.counts_mut();
                    counts.unpaired = counts.unpaired.saturating_add(1);
                    continue;
                }
                exchanges.report(request.cut_off(closed, partial.take()));
            }
        }
        self.count_unseen(exchanges);
    }

    fn label(&self) -> Label {
        self.label
    }

    fn needs_bytes(&self) -> bool {
        !matches!(self.state, State::Opaque)
    }
}

fn discard(stream: &mut Stream) {
    stream.skip(stream.reached().saturating_sub(stream.position()));
}

/// Passes empty lines between messages (RFC 9112 2.2).
fn skip_empty_lines(stream: &mut Stream) {
    let blank = stream.peek().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    stream.skip(blank as u64);
}

impl Http {
    fn new(place: Place, settings: HttpSettings) -> Self {
        let state = match place {
            Place::Beginning => State::Paired,
            Place::FirstSight => State::Lost(Search::at_first_sight()),
            Place::Middle => State::Lost(Search::default()),
        };
        Self {
            settings,
            state,
            client: Client::Head { scanned: 0 },
            server: Server::Head { scanned: 0 },
            waiting: VecDeque::new(),
            pipelines: false,
            next_turn: None,
            resumed_in: None,
            label: Label::Http,
        }
    }

    /// One step of the request side.
    fn read_request(&mut self, client: &mut Stream, exchanges: &mut Exchanges) -> Moved {
        match self.client {
            Client::Lost | Client::Switching => Moved::No,
            Client::Head { .. } => self.read_request_head(client, exchanges),
            Client::Expecting { framing, verdict } => self.read_expected(framing, verdict, client),
            Client::Body(ref mut body) => match body.advance(client) {
                Progress::Need => Moved::No,
                Progress::Done { end, size } => {
                    self.request_is_complete(end, size);
                    Moved::Yes
                }
                Progress::Gap => {
                    self.client = Client::Lost;
                    self.end_of_request_is_unknown();
                    Moved::Yes
                }
            },
        }
    }

    fn read_request_head(&mut self, client: &mut Stream, exchanges: &mut Exchanges) -> Moved {
        let Client::Head { ref mut scanned } = self.client else { return Moved::No };
        if *scanned == 0 {
            skip_empty_lines(client);
        }
        if client.is_drained() || self.waiting.len() >= MAX_WAITING {
            return Moved::No;
        }
        let start = client.position();
        let first = client.mark_at(start).copied();
        let mut http = exchanges.blank();
        let next = client.next(|bytes| head::request(bytes, scanned, &self.settings, &mut http));
        match (next, first) {
            (Next::Frame(head), Some(first)) => {
                exchanges.begin(Begun { position: start as u32, origin: first.origin, context: http.context() });
                self.begin_request(head, http, start, first, client);
                Moved::Yes
            }
            (Next::Need, _) => {
                exchanges.recycle(http);
                Moved::No
            }
            (Next::Gap | Next::Frame(_), _) => {
                exchanges.recycle(http);
                count_malformed(client, exchanges);
                self.client = Client::Lost;
                Moved::Yes
            }
        }
    }

    fn begin_request(
        &mut self,
        head: RequestHead,
        http: Box<HttpExchange>,
        start: u64,
        first: Mark,
        client: &mut Stream,
    ) {
        self.next_turn.get_or_insert(first.turn);
        let framing = head.framing;
        let expects = head.expects_continue && framing != Framing::None;
        self.waiting.push_back(Request { head, http, start, first, end: None, body: None, expects, response: None });
        self.client = if expects {
            Client::Expecting { framing, verdict: None }
        } else {
            Client::Body(Body::start(framing, client))
        };
    }

    /// After `Expect: 100-continue` (RFC 9110 10.1.1) the client sends its body, or, when it was answered without one,
    /// perhaps its next request.
    fn read_expected(&mut self, framing: Framing, verdict: Option<Expect>, client: &mut Stream) -> Moved {
        let body_follows = match verdict {
            None => return Moved::No,
            // Whether a body or a request was lost cannot be said.
            Some(_) if cannot_tell(client) => {
                self.client = Client::Lost;
                return Moved::Yes;
            }
            Some(Expect::Continue) => true,
            Some(Expect::Final) => match (client.front(), starts_like_request(client.peek())) {
                (Front::Waiting | Front::Ended, _) => return Moved::No,
                (Front::Bytes(_), Score::Maybe) => return Moved::No,
                (Front::Bytes(_), Score::Likely) => false,
                _ => true,
            },
        };
        self.client = match body_follows {
            true => Client::Body(Body::start(framing, client)),
            false => Client::Head { scanned: 0 },
        };
        Moved::Yes
    }

    fn request_is_complete(&mut self, end: u64, size: Option<u64>) {
        self.client = Client::Head { scanned: 0 };
        let Some(request) = self.waiting.back_mut().filter(|request| request.end.is_none()) else { return };
        // A request that was answered before its body was asked for is reported without.
        if request.expects && request.response.is_some() {
            return;
        }
        request.end = Some(end);
        request.body = size;
        let decided = request.response.is_some() && !request.switched();
        if request.may_switch() && !decided {
            self.client = Client::Switching;
        }
    }

    fn end_of_request_is_unknown(&mut self) {
        if let Some(request) = self.waiting.back_mut() {
            // The response does not depend on where the request ends.
            request.expects = true;
        }
    }

    /// One step of the response side.
    fn read_response(&mut self, server: &mut Stream, exchanges: &mut Exchanges) -> Moved {
        if self.waiting.is_empty() {
            return self.no_request_waits(exchanges);
        }
        match self.server {
            Server::Head { .. } => self.read_response_head(server, exchanges),
            Server::Body(ref mut body) => match body.advance(server) {
                Progress::Need => Moved::No,
                Progress::Gap => self.lose(exchanges),
                Progress::Done { end, size } => {
                    let last = end.checked_sub(1).and_then(|last| server.mark_at(last)).copied();
                    if let Some(response) = self.waiting.front_mut().and_then(|request| request.response.as_mut()) {
                        response.end = Some((end, last));
                        response.body = size;
                    }
                    self.server = Server::Done;
                    Moved::Yes
                }
            },
            Server::Done => self.finish(exchanges),
        }
    }

    /// A response without a request waits: its request may be on its way, for sends are stamped after they happened.
    fn no_request_waits(&mut self, exchanges: &mut Exchanges) -> Moved {
        if matches!(self.client, Client::Lost) { self.lose(exchanges) } else { Moved::No }
    }

    fn read_response_head(&mut self, server: &mut Stream, exchanges: &mut Exchanges) -> Moved {
        let (Server::Head { scanned }, Some(request)) = (&mut self.server, self.waiting.front_mut()) else {
            return Moved::No;
        };
        if *scanned == 0 {
            skip_empty_lines(server);
        }
        if server.is_drained() {
            return Moved::No;
        }
        let start = server.position();
        let first = server.mark_at(start).copied();
        // What was sent before the request at which pairing resumed answers another one.
        if let (Some(turn), Some(mark)) = (self.resumed_in, &first)
            && is_before(mark.turn, turn)
        {
            return self.lose(exchanges);
        }
        let http = &mut request.http;
        let next = server.next(|bytes| head::response(bytes, scanned, &self.settings, http));
        let (head, first) = match (next, first) {
            (Next::Frame(head), Some(first)) => (head, first),
            (Next::Need, _) => return Moved::No,
            (Next::Gap | Next::Frame(_), _) => {
                count_malformed(server, exchanges);
                return self.lose(exchanges);
            }
        };
        self.resumed_in = None;
        self.server = Server::Head { scanned: 0 };
        match head.status {
            101 if request.head.upgrade => self.begin_response(head, start, first, server, exchanges),
            101 => self.lose(exchanges),
            100..=199 => {
                self.expectation(Expect::Continue, head.status);
                Moved::Yes
            }
            _ => self.begin_response(head, start, first, server, exchanges),
        }
    }

    fn begin_response(
        &mut self,
        head: ResponseHead,
        start: u64,
        first: Mark,
        server: &mut Stream,
        exchanges: &mut Exchanges,
    ) -> Moved {
        let Some(request) = self.waiting.front_mut() else { return Moved::No };
        let Some(framing) = head.framing(request.head.method) else {
            let counts = exchanges.counts_mut();
            counts.malformed = counts.malformed.saturating_add(1);
            return self.lose(exchanges);
        };
        request.response = Some(Response { head, start, first, body: None, end: None });
        let stays = !request.switched();
        if stays && self.waiting.len() == 1 && matches!(self.client, Client::Switching) {
            self.client = Client::Head { scanned: 0 };
        }
        self.expectation(Expect::Final, head.status);
        self.server = Server::Body(Body::start(framing, server));
        Moved::Yes
    }

    /// Tells a client that waits with its body what the server said, if it said it to this client's latest request.
    fn expectation(&mut self, said: Expect, status: u16) {
        let concerns_latest = self.waiting.len() == 1 && (said == Expect::Final || status == 100);
        if let Client::Expecting { verdict: verdict @ None, .. } = &mut self.client
            && concerns_latest
        {
            *verdict = Some(said);
            if let Some(request) = self.waiting.back_mut() {
                request.expects = said == Expect::Final;
            }
        }
    }

    /// Reports the oldest exchange, if its request is complete too.
    fn finish(&mut self, exchanges: &mut Exchanges) -> Moved {
        let complete = |request: &mut Request| request.end.is_some() || request.expects || request.switched();
        let Some(request) = self.waiting.pop_front_if(complete) else { return Moved::No };
        self.server = Server::Head { scanned: 0 };
        if request.switched() {
            self.label = request.new_label();
            self.state = State::Opaque;
        }
        let last = request.response.as_ref().and_then(|response| response.end).and_then(|(_, last)| last);
        if let (Some(next), Some(last)) = (self.waiting.front(), last) {
            self.pipelines |= is_before(next.first.turn, last.turn);
        }
        let Some(last) = last else {
            let counts = exchanges.counts_mut();
            counts.untimed = counts.untimed.saturating_add(1);
            exchanges.recycle(request.http);
            return Moved::Yes;
        };
        self.next_turn = Some(last.turn.wrapping_add(1));
        exchanges.report(request.answered(last.origin.time, Outcome::Complete));
        Moved::Yes
    }
}

/// Whether what comes next is missing, or is too little to be told from the beginning of a request.
fn cannot_tell(client: &Stream) -> bool {
    let missing = matches!(client.front(), Front::Gap { .. });
    missing || (client.more_follows() && starts_like_request(client.peek()) == Score::Maybe)
}

/// A head that ends in a hole or a gap is not the sender's fault.
fn count_malformed(stream: &Stream, exchanges: &mut Exchanges) {
    if matches!(stream.front(), Front::Bytes(_)) && !stream.more_follows() {
        let counts = exchanges.counts_mut();
        counts.malformed = counts.malformed.saturating_add(1);
    }
}

/// Whether turn `a` came before turn `b`; turns wrap.
fn is_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) > u32::MAX / 2
}
