//! What servers do with an export request, whatever protocol brought it.

use std::net::SocketAddr;

use bytes::Bytes;
use component::Refusal;
use pdata::Signal;

use crate::admission::Admitted;

/// How the message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf.
    Protobuf,
    /// OTLP/JSON.
    Json,
}

/// One export request, decompressed and not yet looked at.
#[derive(Debug)]
pub struct Export {
    /// What it carries.
    pub signal: Signal,
    /// How it is written.
    pub encoding: Encoding,
    /// The message.
    pub message: Bytes,
    /// Its part of the budgets: to be dropped when the request is answered.
    pub admitted: Admitted,
    /// Who sent it.
    pub peer: SocketAddr,
}

/// Why an export request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It is not what it says it is.
    #[error("{0}")]
    Malformed(String),
    /// The pipeline did not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Takes export requests. One instance serves all connections of a server, on one thread.
pub trait Intake: 'static {
    /// True if requests of this signal are wanted; others are unimplemented to their senders.
    fn wants(&self, signal: Signal) -> bool;
    /// Takes one request, and returns when its sender may forget it.
    fn take(&self, export: Export) -> impl Future<Output = Result<(), Rejection>>;
}
