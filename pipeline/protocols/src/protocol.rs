//! What a protocol is, and which there are.
//!
//! In this room: the trait, the labels and the one table.
//! Not here: any protocol (`http`, `labels`).
//!
//! Enter at [`PROTOCOLS`]: a new protocol is one line there and one folder beside this file.

use std::fmt;

use crate::chunk::Nanos;
use crate::exchange::{Ending, Exchanges};
use crate::http::{self, HttpSettings};
use crate::labels;
use crate::stream::Stream;

/// Turns the bytes of both directions into exchanges. Total: any bytes, in any order of arrival, end in a value.
pub trait Protocol: fmt::Debug + Send {
    /// Consumes what can be consumed.
    fn advance(&mut self, client: &mut Stream, server: &mut Stream, exchanges: &mut Exchanges);

    /// The connection is over, both streams have ended and were advanced: reports what stayed open.
    fn close(&mut self, client: &mut Stream, server: &mut Stream, closed: &Closed, exchanges: &mut Exchanges);

    /// What the connection speaks by now; an upgrade changes it.
    fn label(&self) -> Label;

    /// Whether payload still serves a purpose.
    fn needs_bytes(&self) -> bool;
}

/// How a connection ended, by the roles of its ends.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// When.
    pub time: Nanos,
    /// By whom, and how.
    pub ending: Ending,
}

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Label {
    /// Not decided yet, or not known.
    #[default]
    Unknown,
    /// HTTP/1.0 and HTTP/1.1.
    Http,
    /// HTTP/2 with prior knowledge, or after an upgrade.
    Http2,
    /// WebSocket after an HTTP upgrade.
    WebSocket,
    /// Another protocol after an HTTP upgrade.
    Upgraded,
    /// An HTTP CONNECT tunnel.
    Tunnel,
    /// TLS.
    Tls,
    /// Redis (RESP).
    Redis,
    /// PostgreSQL.
    PostgreSql,
    /// MySQL, MariaDB.
    MySql,
}

impl Label {
    /// The name in attributes; `None` while unknown.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => return None,
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::WebSocket => "websocket",
            Self::Upgraded => "upgraded",
            Self::Tunnel => "tunnel",
            Self::Tls => "tls",
            Self::Redis => "redis",
            Self::PostgreSql => "postgresql",
            Self::MySql => "mysql",
        })
    }
}

/// How well first bytes fit a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    /// They are something else.
    No,
    /// Too few bytes to say.
    Maybe,
    /// They fit.
    Likely,
    /// They fit, and hardly anything else begins so.
    Sure,
}

/// The first bytes of both directions, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heads<'a> {
    /// From the end that asks.
    pub client: &'a [u8],
    /// From the end that answers.
    pub server: &'a [u8],
}

/// Whether a parser meets a connection at its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing was sent before.
    Beginning,
    /// The connection is older than its observer, and this is the first that is seen of it.
    FirstSight,
    /// Something that was not understood came before.
    Middle,
}

/// Makes a parser for one connection.
pub type NewParser = fn(Place, &HttpSettings) -> Box<dyn Protocol>;

/// A protocol's line in the table.
pub struct Entry {
    /// What it is called.
    pub label: Label,
    /// Judges first bytes.
    pub detect: fn(Heads<'_>) -> Score,
    /// Makes its parser; without one it is recognised and no more.
    pub parser: Option<NewParser>,
}

/// Every protocol. Of equal scores the earlier line wins.
pub const PROTOCOLS: &[Entry] = &[
    Entry { label: Label::Http, detect: http::detect, parser: Some(http::parser) },
    Entry { label: Label::Http2, detect: labels::http2::detect, parser: None },
    Entry { label: Label::Tls, detect: labels::tls::detect, parser: None },
    Entry { label: Label::Redis, detect: labels::redis::detect, parser: None },
    Entry { label: Label::PostgreSql, detect: labels::postgresql::detect, parser: None },
    Entry { label: Label::MySql, detect: labels::mysql::detect, parser: None },
];
