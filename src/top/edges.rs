//! Turns two readings of service-graph metrics into rates per edge.

use std::collections::BTreeMap;

use super::exposition::Sample;

/// What an edge is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeName {
    /// Who calls.
    pub client: String,
    /// Who is called.
    pub server: String,
    /// The protocol if a label tells it, else the connection type.
    pub protocol: String,
}

/// Cumulative counts of one edge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Requests, failed ones included.
    pub requests: f64,
    /// Failed requests.
    pub failed: f64,
    /// Requests by upper bound of their duration in seconds, cumulative over bounds.
    pub buckets: BTreeMap<Bound, f64>,
}

/// An upper bound that can be a key.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Bound(pub f64);

impl Eq for Bound {}

#[expect(clippy::derive_ord_xor_partial_ord, reason = "bounds are never NaN, so both orders agree")]
impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// All edges of one reading.
pub type Reading = BTreeMap<EdgeName, Totals>;

/// The common beginning of all service-graph metric names.
pub const PREFIX: &str = "traces_service_graph_request_";

/// Adds up the samples of one exposition.
pub fn reading(samples: impl Iterator<Item = Sample>) -> Reading {
    let mut edges = Reading::new();
    for sample in samples {
        let totals = edges.entry(name(&sample)).or_default();
        match sample.name.strip_prefix(PREFIX) {
            Some("total") => totals.requests += sample.value,
            Some("failed_total") => totals.failed += sample.value,
            Some("client_seconds_bucket") => {
                let bound = sample.label("le").parse().unwrap_or(f64::INFINITY);
                *totals.buckets.entry(Bound(bound)).or_default() += sample.value;
            }
            _ => {}
        }
    }
    edges.retain(|_, totals| totals.requests > 0.0);
    edges
}

fn name(sample: &Sample) -> EdgeName {
    // The label of `protocol_label`, else those of a dimension.
    const LABELS: [&str; 4] =
        ["network_protocol_name", "client_network_protocol_name", "server_network_protocol_name", "connection_type"];
    let protocol = LABELS.into_iter().map(|label| sample.label(label)).find(|value| !value.is_empty());
    EdgeName {
        client: sample.label("client").into(),
        server: sample.label("server").into(),
        protocol: protocol.unwrap_or("-").into(),
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Between whom.
    pub name: EdgeName,
    /// Requests a second.
    pub rate: f64,
    /// Part of the requests that failed, 0 to 1.
    pub failed: f64,
    /// 95th percentile of the client's duration in seconds, if there were requests.
    pub p95: Option<f64>,
}

/// What happened between two readings that are `seconds` apart. An edge that was reset counts from zero.
pub fn rates(before: &Reading, after: &Reading, seconds: f64) -> Vec<Edge> {
    let none = Totals::default();
    after
        .iter()
        .map(|(name, now)| {
            let then = before.get(name).filter(|then| then.requests <= now.requests).unwrap_or(&none);
            let requests = now.requests - then.requests;
            let failed = (now.failed - then.failed).max(0.0);
            Edge {
                name: name.clone(),
                rate: if seconds > 0.0 { requests / seconds } else { 0.0 },
                failed: if requests > 0.0 { failed / requests } else { 0.0 },
                p95: quantile(0.95, then, now),
            }
        })
        .collect()
}

/// As Prometheus' `histogram_quantile`: linear within the bucket that holds the rank.
fn quantile(quantile: f64, then: &Totals, now: &Totals) -> Option<f64> {
    let grown = |(bound, count): (&Bound, &f64)| (bound.0, count - then.buckets.get(bound).unwrap_or(&0.0));
    let buckets: Vec<(f64, f64)> = now.buckets.iter().map(grown).collect();
    let total = buckets.last()?.1;
    if total <= 0.0 {
        return None;
    }
    let rank = quantile * total;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= rank {
            let inside = (rank - below) / (count - below);
            return Some(if bound.is_finite() { lower + (bound - lower) * inside } else { lower });
        }
        (lower, below) = (bound, count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::exposition::samples;
    use super::*;

    const BEFORE: &str = "\
traces_service_graph_request_total{client=\"web\",server=\"cart\",connection_type=\"\"} 100
";
    const AFTER: &str = "\
traces_service_graph_request_total{client=\"web\",server=\"cart\",connection_type=\"\",failed=\"false\"} 115
traces_service_graph_request_total{client=\"web\",server=\"cart\",connection_type=\"\",failed=\"true\"} 5
traces_service_graph_request_failed_total{client=\"web\",server=\"cart\",connection_type=\"\"} 5
traces_service_graph_request_client_seconds_bucket{client=\"web\",server=\"cart\",le=\"0.1\"} 10
traces_service_graph_request_client_seconds_bucket{client=\"web\",server=\"cart\",le=\"0.2\"} 20
traces_service_graph_request_client_seconds_bucket{client=\"web\",server=\"cart\",le=\"+Inf\"} 20
";

    #[test]
    fn successes_and_failures_add_up_to_one_edge() {
        let before = reading(samples(BEFORE, PREFIX));
        let after = reading(samples(AFTER, PREFIX));

        let edges = rates(&before, &after, 10.0);

        assert_eq!(edges.len(), 1);
        assert_eq!(edges[0].rate, 2.0);
        assert_eq!(edges[0].failed, 0.25);
        assert!((edges[0].p95.unwrap() - 0.19).abs() < 1e-9);
    }

    #[test]
    fn a_counter_that_was_reset_counts_from_zero() {
        let before = reading(samples(AFTER, PREFIX));
        let after = reading(samples(BEFORE, PREFIX));

        assert_eq!(rates(&before, &after, 10.0)[0].rate, 10.0);
    }
}
