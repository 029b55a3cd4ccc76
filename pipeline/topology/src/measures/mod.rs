//! What can be counted about calls, so that it adds up over time, ends and views.
//!
//! In this room: counts per side, latency, the gap between the sides, bytes and connections.
//! Not here: who called whom ([`crate::entity`]).
//!
//! Enter at [`Measures`].

mod histogram;
#[cfg(test)]
mod tests;

pub use self::histogram::Histogram;

/// Everything about the calls of one fact in one stretch of time. All parts are sums.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measures {
    /// Exchanges by which ends saw them.
    pub requests: Requests,
    /// As the caller saw it.
    pub client: Side,
    /// As the called saw it.
    pub server: Side,
    /// Client minus server time of the exchanges that both saw.
    pub gap: Gap,
    /// What the network carried.
    pub flow: Flow,
}

/// Exchanges by which ends saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Both.
    pub paired: u64,
    /// Only the caller.
    pub client_only: u64,
    /// Only the called.
    pub server_only: u64,
}

/// What one side saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side {
    /// Faults: no answer, 5xx, failing gRPC or database codes.
    pub errors: u64,
    /// 4xx and kin.
    pub client_errors: u64,
    /// Time from request to answer.
    pub latency: Histogram,
}

/// Client minus server time, over exchanges that both saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gap {
    /// Sum of differences in nanoseconds; a clock may run ahead.
    pub sum: i64,
    /// How many.
    pub count: u64,
}

/// What the network carried, as the caller counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Bytes from the caller to the called.
    pub bytes_sent: u64,
    /// Bytes back.
    pub bytes_received: u64,
    /// Connections opened.
    pub connections: u64,
    /// Connections that did not come about.
    pub failed: FailedConnects,
    /// Sum of round-trip times in nanoseconds.
    pub rtt_sum: u64,
    /// How many round-trip times that are.
    pub rtt_count: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Segments sent, where known: what retransmits are a share of.
    pub segments: u64,
}

/// Connections that did not come about, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailedConnects {
    /// The other end said no.
    pub refused: u64,
    /// The other end said nothing.
    pub timed_out: u64,
    /// No way there, or a cause of another kind.
    pub unreachable: u64,
}

impl Measures {
    /// Exchanges, each once: those seen by both ends, and the larger of those that only one end saw.
    pub fn requests(&self) -> u64 {
        self.requests.paired.saturating_add(self.requests.client_only.max(self.requests.server_only))
    }

    /// Faults, as the side saw them that saw more.
    pub fn errors(&self) -> u64 {
        self.client.errors.max(self.server.errors)
    }

    /// Errors of the caller's making, as the side saw them that saw more.
    pub fn client_errors(&self) -> u64 {
        self.client.client_errors.max(self.server.client_errors)
    }

    /// Latency of the side that is nearer to what a user feels: the client's, else the server's.
    pub fn latency(&self) -> &Histogram {
        if self.client.latency.is_empty() { &self.server.latency } else { &self.client.latency }
    }

    /// Adds what another stretch, end or fact saw.
    pub fn add(&mut self, other: &Self) {
        self.requests.add(other.requests);
        self.client.add(&other.client);
        self.server.add(&other.server);
        self.gap.sum = self.gap.sum.saturating_add(other.gap.sum);
        self.gap.count = self.gap.count.saturating_add(other.gap.count);
        self.flow.add(&other.flow);
    }

    /// True if nothing was seen.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Requests {
    fn add(&mut self, other: Self) {
        self.paired = self.paired.saturating_add(other.paired);
        self.client_only = self.client_only.saturating_add(other.client_only);
        self.server_only = self.server_only.saturating_add(other.server_only);
    }
}

impl Side {
    fn add(&mut self, other: &Self) {
        self.errors = self.errors.saturating_add(other.errors);
        self.client_errors = self.client_errors.saturating_add(other.client_errors);
        self.latency.merge(&other.latency);
    }
}

impl Gap {
    /// Mean difference in nanoseconds.
    pub fn mean(&self) -> Option<i64> {
        self.sum.checked_div(i64::try_from(self.count).ok()?)
    }
}

impl FailedConnects {
    /// Of all causes.
    pub fn total(&self) -> u64 {
        self.refused.saturating_add(self.timed_out).saturating_add(self.unreachable)
    }
}

impl Flow {
    fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.bytes_received, other.bytes_received),
            (&mut self.connections, other.connections),
            (&mut self.failed.refused, other.failed.refused),
            (&mut self.failed.timed_out, other.failed.timed_out),
            (&mut self.failed.unreachable, other.failed.unreachable),
            (&mut self.rtt_sum, other.rtt_sum),
            (&mut self.rtt_count, other.rtt_count),
            (&mut self.retransmits, other.retransmits),
            (&mut self.segments, other.segments),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}
