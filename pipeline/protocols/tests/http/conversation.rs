//! Random HTTP/1 conversations that know what was said.
//!
//! In this room: making the bytes of both directions, in the order in which they were written, and the true exchanges.
//! Not here: how an observer gets to see them (`observer`).
//!
//! Enter at [`conversation`].

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

/// One request and what is done about it.
#[derive(Debug, Clone)]
pub struct Call {
    method: &'static str,
    path: u16,
    request: BodyKind,
    expect: Option<Rejected>,
    interim: u8,
    status: u16,
    response: BodyKind,
    /// Bodies contain what looks like heads.
    deceitful: bool,
    /// Sent before the answer to the one before.
    pipelined: bool,
}

/// Whether a server that is asked `Expect: 100-continue` refuses the body.
type Rejected = bool;

#[derive(Debug, Clone)]
enum BodyKind {
    None,
    Fixed(usize),
    Chunked(Vec<usize>, bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Side {
    Client,
    Server,
}

/// What an observer should say of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    pub offset: usize,
    pub method: &'static str,
    pub target: String,
    pub status: u16,
    pub request_body: Option<u64>,
    pub response_body: u64,
}

#[derive(Clone, Default)]
pub struct Conversation {
    pub client: Vec<u8>,
    pub server: Vec<u8>,
    /// Who wrote how many bytes, in causal order.
    pub writes: Vec<(Side, usize)>,
    pub truths: Vec<Truth>,
}

/// A failing case prints what was said in which order, not every byte.
impl std::fmt::Debug for Conversation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut client, mut server) = (0, 0);
        for (side, length) in &self.writes {
            let (bytes, from) = match side {
                Side::Client => (&self.client, &mut client),
                Side::Server => (&self.server, &mut server),
            };
            let shown = &bytes[*from..*from + (*length).min(60)];
            writeln!(out, "{side:?} +{from} {length}: {}", shown.escape_ascii())?;
            *from += length;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub pipelining: bool,
    pub deceit: bool,
    pub expect: bool,
}

fn body(deceit: bool) -> impl Strategy<Value = BodyKind> {
    let size = prop_oneof![4 => 0_usize..40, 2 => 40_usize..3000, 1 => 3000_usize..9000];
    prop_oneof![
        3 => Just(BodyKind::None),
        3 => size.clone().prop_map(BodyKind::Fixed),
        3 => (vec(size.prop_map(|size| size.max(1)), 0..4), any::<bool>())
            .prop_map(move |(sizes, trailers)| BodyKind::Chunked(sizes, trailers && deceit)),
    ]
}

fn call(shape: Shape) -> impl Strategy<Value = Call> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"]);
    let status = prop::sample::select(vec![200_u16, 201, 204, 304, 404, 500, 301]);
    (
        method,
        any::<u16>(),
        body(shape.deceit),
        prop::option::weighted(0.2, any::<bool>()),
        prop_oneof![4 => Just(0_u8), 1 => 1_u8..3],
        status,
        body(shape.deceit),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(move |(method, path, request, expect, interim, status, response, deceitful, pipelined)| Call {
            method,
            path,
            expect: expect.filter(|_| shape.expect && matches!(&request, BodyKind::Fixed(1..) | BodyKind::Chunked(..))),
            request,
            interim,
            status,
            response,
            deceitful: deceitful && shape.deceit,
            pipelined: pipelined && shape.pipelining,
        })
}

/// Conversations of up to eight calls; the last response may end by close.
pub fn conversation(shape: Shape) -> impl Strategy<Value = Conversation> {
    (vec(call(shape), 1..9), any::<bool>()).prop_map(|(calls, until_close)| Conversation::of(&calls, until_close))
}

impl Conversation {
    fn of(calls: &[Call], until_close: bool) -> Self {
        let mut talk = Self::default();
        let mut unanswered: Vec<&Call> = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            let waits = !call.pipelined || call.expect.is_some() || unanswered.iter().any(|call| call.expect.is_some());
            if waits {
                talk.answer(&mut unanswered, false);
            }
            talk.ask(call, index);
            unanswered.push(call);
        }
        talk.answer(&mut unanswered, until_close);
        talk
    }

    fn write(&mut self, side: Side, bytes: &[u8]) {
        match side {
            Side::Client => self.client.extend_from_slice(bytes),
            Side::Server => self.server.extend_from_slice(bytes),
        }
        self.writes.push((side, bytes.len()));
    }

    fn ask(&mut self, call: &Call, index: usize) {
        let target = format!("/items/{}?call={index}", call.path);
        let mut head = format!("{} {target} HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: story/1\r\n", call.method);
        call.request.describe(&mut head);
        if call.expect.is_some() {
            head.push_str("Expect: 100-continue\r\n");
        }
        head.push_str("\r\n");
        let rejected = call.expect == Some(true);
        self.truths.push(Truth {
            offset: self.client.len(),
            method: call.method,
            target,
            status: if rejected { 417 } else { call.status },
            request_body: (!rejected).then(|| call.request.size()),
            response_body: 0,
        });
        self.write(Side::Client, head.as_bytes());
        if call.expect == Some(false) {
            self.write(Side::Server, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = call.request.bytes(call.deceitful);
        if !rejected && !body.is_empty() {
            self.write(Side::Client, &body);
        }
    }

    fn answer(&mut self, unanswered: &mut Vec<&Call>, until_close: bool) {
        let first = self.truths.len() - unanswered.len();
        let last = unanswered.len().saturating_sub(1);
        for (index, call) in unanswered.drain(..).enumerate() {
            let truth = &mut self.truths[first + index];
            let bodiless = call.method == "HEAD" || matches!(truth.status, 204 | 304);
            let close = until_close && index == last && !bodiless;
            let mut head = String::new();
            for _ in 0..call.interim {
                head.push_str("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
            }
            let _ = write!(head, "HTTP/1.1 {} Fine\r\nServer: story\r\n", truth.status);
            match &call.response {
                _ if close => head.push_str("Connection: close\r\n"),
                BodyKind::None if !bodiless => head.push_str("Content-Length: 0\r\n"),
                kind => kind.describe(&mut head),
            }
            head.push_str("\r\n");
            let mut bytes = head.into_bytes();
            if !bodiless {
                let body = if close {
                    content(call.response.size() as usize, call.deceitful)
                } else {
                    call.response.bytes(call.deceitful)
                };
                truth.response_body = call.response.size();
                bytes.extend_from_slice(&body);
            }
            self.write(Side::Server, &bytes);
        }
    }
}

impl BodyKind {
    fn describe(&self, head: &mut String) {
        match self {
            Self::None => {}
            Self::Fixed(size) => {
                let _ = write!(head, "Content-Length: {size}\r\n");
            }
            Self::Chunked(..) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Fixed(size) => *size as u64,
            Self::Chunked(sizes, _) => sizes.iter().sum::<usize>() as u64,
        }
    }

    fn bytes(&self, deceitful: bool) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Fixed(size) => content(*size, deceitful),
            Self::Chunked(sizes, trailers) => {
                let mut bytes = Vec::new();
                for (index, size) in sizes.iter().enumerate() {
                    let extension = if index % 2 == 1 { ";name=\"value\"" } else { "" };
                    bytes.extend_from_slice(format!("{size:x}{extension}\r\n").as_bytes());
                    bytes.extend_from_slice(&content(*size, deceitful));
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(if *trailers { b"0\r\nChecksum: 12\r\n\r\n" } else { b"0\r\n\r\n" });
                bytes
            }
        }
    }
}

/// Body bytes; deceitful ones look like the very things that a parser looks for.
fn content(size: usize, deceitful: bool) -> Vec<u8> {
    let pattern: &[u8] = if deceitful {
        b"GET /lie HTTP/1.1\r\nHost: lie\r\n\r\nHTTP/1.1 200 Lie\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"
    } else {
        b"abcdefghijklmnopqrstuvwxyz\r\n"
    };
    pattern.iter().copied().cycle().take(size).collect()
}
