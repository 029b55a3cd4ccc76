//! Numbers about calls, as panels show them.

use serde::Serialize;

use crate::query::figures::rounded;
use crate::{Histogram, Measures, Protocol};

/// Calls of one kind: counts, both sides, what the network did.
#[derive(Debug, Clone, Serialize)]
pub struct Calls {
    /// Exchanges, each once.
    pub requests: u64,
    /// Faults.
    pub errors: u64,
    /// Errors of the caller's making.
    pub client_errors: u64,
    /// Faults per request, 0 to 1; absent without requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_ratio: Option<f64>,
    /// Requests per second of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// By which ends saw them.
    pub seen: Seen,
    /// As the caller timed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Spread>,
    /// As the called timed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Spread>,
    /// Mean of client minus server time, over exchanges that both saw: what the way between them takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_ms: Option<f64>,
    /// What the network carried, where it was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// Exchanges by which ends saw them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Seen {
    /// Both.
    pub both: u64,
    /// Only the caller.
    pub client: u64,
    /// Only the called.
    pub server: u64,
}

/// Latency of one side.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(missing_docs)] // The usual quantiles.
pub struct Spread {
    pub avg_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    /// Faults that this side saw.
    pub errors: u64,
}

/// What the network carried.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Network {
    /// Connections opened.
    pub connections: u64,
    /// The other end said no.
    pub refused: u64,
    /// The other end said nothing.
    pub timed_out: u64,
    /// No way there, or a cause of another kind.
    pub unreachable: u64,
    /// Bytes to the called.
    pub bytes_sent: u64,
    /// Bytes back.
    pub bytes_received: u64,
    /// Mean round-trip time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Segments sent again.
    pub retransmits: u64,
    /// Their share of all segments, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmit_ratio: Option<f64>,
}

/// Calls under one protocol.
#[derive(Debug, Clone, Serialize)]
pub struct ProtocolCalls {
    /// What they speak.
    pub protocol: Protocol,
    /// The numbers.
    #[serde(flatten)]
    pub calls: Calls,
}

impl Calls {
    /// The numbers of a sum, over a window of so many seconds.
    pub fn of(measures: &Measures, seconds: f64) -> Self {
        let (requests, errors) = (measures.requests(), measures.errors());
        Self {
            requests,
            errors,
            client_errors: measures.client_errors(),
            error_ratio: ratio(errors, requests),
            rate: (seconds > 0.0).then(|| requests as f64 / seconds),
            seen: Seen {
                both: measures.requests.paired,
                client: measures.requests.client_only,
                server: measures.requests.server_only,
            },
            client: Spread::of(&measures.client.latency, measures.client.errors),
            server: Spread::of(&measures.server.latency, measures.server.errors),
            gap_ms: measures.gap.mean().map(|mean| rounded(mean as f64 / 1e6)),
            network: Network::of(measures),
        }
    }

    /// The numbers of each protocol, most requests first.
    pub fn by_protocol(sums: &[(Protocol, Measures)], seconds: f64) -> Vec<ProtocolCalls> {
        let mut list: Vec<_> = sums
            .iter()
            .map(|(protocol, measures)| ProtocolCalls {
                protocol: protocol.clone(),
                calls: Self::of(measures, seconds),
            })
            .collect();
        list.sort_by(|a, b| b.calls.requests.cmp(&a.calls.requests).then_with(|| a.protocol.cmp(&b.protocol)));
        list
    }
}

/// `None` for a share of nothing.
pub(in crate::query) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Spread {
    fn of(latency: &Histogram, errors: u64) -> Option<Self> {
        let quantile = |share| latency.quantile_ms(share).map(rounded);
        Some(Self {
            avg_ms: rounded(latency.mean_ms()?),
            p50_ms: quantile(0.5)?,
            p95_ms: quantile(0.95)?,
            p99_ms: quantile(0.99)?,
            errors,
        })
    }
}

impl Network {
    fn of(measures: &Measures) -> Option<Self> {
        let flow = &measures.flow;
        let rtt_ms = (flow.rtt_count > 0).then(|| rounded(flow.rtt_sum as f64 / flow.rtt_count as f64 / 1e6));
        (*flow != crate::Flow::default()).then_some(Self {
            connections: flow.connections,
            refused: flow.failed.refused,
            timed_out: flow.failed.timed_out,
            unreachable: flow.failed.unreachable,
            bytes_sent: flow.bytes_sent,
            bytes_received: flow.bytes_received,
            rtt_ms,
            retransmits: flow.retransmits,
            retransmit_ratio: ratio(flow.retransmits, flow.segments),
        })
    }
}
