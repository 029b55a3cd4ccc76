//! What TCP itself tells about each edge, whatever it carries.

use std::rc::Rc;

use super::events::Statistics;
use super::histogram::{Histogram, ROUND_TRIPS};
use super::lineage::Side;
use super::process::{Process, Who};
use super::series::SeriesTable;

/// An edge of the network as one end sees it. Client ports are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The observed end.
    pub reporter: Side,
    /// The process at the observed end: a resource.
    pub process: Who,
    /// What is known of the end that connected.
    pub source: Endpoint,
    /// What is known of the end that accepted.
    pub destination: Endpoint,
    /// Port of the end that accepted.
    pub destination_port: u16,
    /// What the connection speaks.
    pub protocol: Option<&'static str>,
}

/// One end, as metrics name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Endpoint {
    /// Service, if the process is known.
    pub service: Option<Rc<str>>,
    /// Workload, if the process's attributes tell.
    pub workload: Option<Rc<str>>,
    /// Namespace, if they tell.
    pub namespace: Option<Rc<str>>,
    /// IP address.
    pub address: Option<std::net::IpAddr>,
}

impl Endpoint {
    /// The end at `address`, where `process` is known to be.
    pub fn new(process: Option<&Process>, address: std::net::IpAddr) -> Self {
        let text = |text: &str| Rc::<str>::from(text);
        Self {
            service: process.map(|process| text(&process.service_name)),
            workload: process.and_then(Process::workload).map(text),
            namespace: process.and_then(|process| process.attribute("k8s.namespace.name")).map(text),
            address: Some(address),
        }
    }
}

/// What is counted per edge.
#[derive(Debug)]
pub struct EdgeCounts {
    /// Payload bytes that the source sent.
    pub bytes_to_destination: u64,
    /// Payload bytes that the destination sent.
    pub bytes_to_source: u64,
    /// Connections established.
    pub connections: u64,
    /// Failed attempts to connect, by cause.
    pub failed: Vec<(&'static str, u64)>,
    /// Time from SYN to establishment, seconds.
    pub connect_seconds: Histogram,
    /// Smoothed round trip times, seconds; one observation per connection and sweep.
    pub rtt_seconds: Histogram,
    /// Segments sent again by the observed end.
    pub retransmits: u64,
    /// All this happened after this, Unix nanoseconds.
    pub since: u64,
    /// When the last of all this was counted, Unix nanoseconds.
    pub until: u64,
}

impl EdgeCounts {
    /// Nothing yet.
    pub fn new(since: u64) -> Self {
        Self {
            since,
            until: since,
            bytes_to_destination: 0,
            bytes_to_source: 0,
            connections: 0,
            failed: Vec::new(),
            connect_seconds: Histogram::new(ROUND_TRIPS),
            rtt_seconds: Histogram::new(ROUND_TRIPS),
            retransmits: 0,
        }
    }

    /// Counts what has come of one connection, as the end on `side` tells it.
    pub fn count(&mut self, side: Side, news: Statistics, is_first: bool, connect_seconds: Option<f64>) {
        let (forth, back) = if side == Side::Client { (news.sent, news.received) } else { (news.received, news.sent) };
        self.bytes_to_destination = self.bytes_to_destination.saturating_add(forth);
        self.bytes_to_source = self.bytes_to_source.saturating_add(back);
        self.connections += u64::from(is_first);
        self.retransmits = self.retransmits.saturating_add(news.retransmits);
        if let Some(seconds) = connect_seconds {
            self.connect_seconds.observe(seconds);
        }
        if news.rtt_us > 0 {
            self.rtt_seconds.observe(f64::from(news.rtt_us) / 1e6);
        }
    }

    /// Counts a failed attempt.
    pub fn fail(&mut self, cause: &'static str) {
        match self.failed.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, count)) => *count += 1,
            None => self.failed.push((cause, 1)),
        }
    }
}

/// All edges.
pub type TcpMetrics = SeriesTable<Edge, EdgeCounts>;

/// The name of an `errno` with which connecting fails.
pub fn cause(errno: u16) -> &'static str {
    match i32::from(errno) {
        0 => "given_up",
        libc::ECONNREFUSED => "connection_refused",
        libc::ETIMEDOUT => "timeout",
        libc::EHOSTUNREACH => "host_unreachable",
        libc::ENETUNREACH => "network_unreachable",
        libc::ECONNRESET => "connection_reset",
        libc::ECONNABORTED => "connection_aborted",
        _ => "other",
    }
}
