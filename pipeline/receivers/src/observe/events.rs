//! What a source of connections tells an observer, and what the observer counts about itself.

use std::net::SocketAddr;
use std::rc::Rc;

use protocols::connection::Start;
use protocols::{Close, Role};

use super::process::Process;

/// Tells who a process is.
pub trait Identify {
    /// The process with this id.
    fn process(&mut self, id: u32) -> Rc<Process>;
}

/// A connection is established, or seen for the first time.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    /// What the observed end is.
    pub role: Role,
    /// Address of the observed end.
    pub local: SocketAddr,
    /// Address of the other end, as the observed end knows it.
    pub peer: SocketAddr,
    /// Positions of the first bytes of both directions, if known.
    pub start: Option<Start>,
    /// Process that owns the socket; 0 if unknown.
    pub process: u32,
    /// True if the beginning of the connection was seen.
    pub is_new: bool,
    /// How long connecting took, if that was seen.
    pub connect_seconds: Option<f64>,
    /// Sums of the connection when it was first seen; they are not ours to report.
    pub before: Statistics,
}

/// Sums of a connection since its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Payload bytes that the observed end sent.
    pub sent: u64,
    /// Payload bytes that it received.
    pub received: u64,
    /// Segments that it sent again.
    pub retransmits: u64,
    /// Smoothed round trip time in microseconds; 0 if not measured.
    pub rtt_us: u32,
}

/// A connection is over.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// How it ended.
    pub close: Close,
    /// Its final sums, if the source keeps them.
    pub statistics: Option<Statistics>,
}

/// A connection never came to be.
#[derive(Debug, Clone, Copy)]
pub struct Failed {
    /// Address of the end that wanted it.
    pub local: SocketAddr,
    /// Where it should have gone.
    pub peer: SocketAddr,
    /// Who wanted it; 0 if unknown.
    pub process: u32,
    /// `errno`.
    pub error: u16,
}

/// What was seen, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exchanges found.
    pub exchanges: u64,
    /// Requests whose response was lost, or cannot be told from others.
    pub unpaired: u64,
    /// Requests that were lost, as the count of turns tells.
    pub unseen: u64,
    /// Exchanges without a duration, because their end was lost.
    pub untimed: u64,
    /// Places where bytes were not what the protocol allows.
    pub malformed: u64,
    /// Connections that were not watched, because too many were.
    pub connections_over_limit: u64,
}

impl Statistics {
    /// What has come since `before`. Sums that were read while bytes were underway may be ahead of later ones: then
    /// nothing has come.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            received: self.received.saturating_sub(before.received),
            retransmits: self.retransmits.saturating_sub(before.retransmits),
            rtt_us: self.rtt_us,
        }
    }

    /// The larger of both sums, so that nothing is ever reported twice.
    pub(super) fn at_least(self, before: Self) -> Self {
        Self {
            sent: self.sent.max(before.sent),
            received: self.received.max(before.received),
            retransmits: self.retransmits.max(before.retransmits),
            rtt_us: self.rtt_us,
        }
    }
}
