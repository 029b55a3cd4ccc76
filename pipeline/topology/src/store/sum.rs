//! Adding up many rows of one fact, with dense buckets, so that a row costs no allocation and no search.

use crate::measures::{FailedConnects, Flow, Gap, Histogram, Measures, Requests, Side};

/// How many plain counts there are.
pub(crate) const COUNTS: usize = 17;

/// Their names, as files call them.
pub(crate) const COUNT_NAMES: [&str; COUNTS] = [
    "paired",
    "client_only",
    "server_only",
    "client_faults",
    "client_client_errors",
    "server_faults",
    "server_client_errors",
    "bytes_sent",
    "bytes_received",
    "connections",
    "connect_refused",
    "connect_timed_out",
    "connect_unreachable",
    "rtt_sum",
    "rtt_count",
    "retransmits",
    "segments",
];

/// All plain counts of measures, in the order of [`COUNT_NAMES`].
pub(crate) fn counts(measures: &Measures) -> [u64; COUNTS] {
    let Measures { requests, client, server, flow, .. } = measures;
    [
        requests.paired,
        requests.client_only,
        requests.server_only,
        client.errors,
        client.client_errors,
        server.errors,
        server.client_errors,
        flow.bytes_sent,
        flow.bytes_received,
        flow.connections,
        flow.failed.refused,
        flow.failed.timed_out,
        flow.failed.unreachable,
        flow.rtt_sum,
        flow.rtt_count,
        flow.retransmits,
        flow.segments,
    ]
}

/// Measures from their parts.
pub(crate) fn measures(counts: &[u64; COUNTS], gap: Gap, client: Histogram, server: Histogram) -> Measures {
    let [
        paired,
        client_only,
        server_only,
        client_faults,
        client_client_errors,
        server_faults,
        server_client_errors,
        bytes_sent,
        bytes_received,
        connections,
        refused,
        timed_out,
        unreachable,
        rtt_sum,
        rtt_count,
        retransmits,
        segments,
    ] = *counts;
    Measures {
        requests: Requests { paired, client_only, server_only },
        client: Side { errors: client_faults, client_errors: client_client_errors, latency: client },
        server: Side { errors: server_faults, client_errors: server_client_errors, latency: server },
        gap,
        flow: Flow {
            bytes_sent,
            bytes_received,
            connections,
            failed: FailedConnects { refused, timed_out, unreachable },
            rtt_sum,
            rtt_count,
            retransmits,
            segments,
        },
    }
}

/// A histogram with a place for every bucket.
pub(crate) struct Dense {
    pub(crate) sum: u64,
    counts: [u64; 256],
    /// Buckets outside of `low..=high` are zero; `low > high` means that all are.
    low: u8,
    high: u8,
}

impl Default for Dense {
    fn default() -> Self {
        Self { sum: 0, counts: [0; 256], low: u8::MAX, high: 0 }
    }
}

impl Dense {
    pub(crate) fn clear(&mut self) {
        if self.low <= self.high
            && let Some(used) = self.counts.get_mut(usize::from(self.low)..=usize::from(self.high))
        {
            used.fill(0);
        }
        (self.sum, self.low, self.high) = (0, u8::MAX, 0);
    }

    pub(crate) fn add(&mut self, bucket: u8, count: u64) {
        if let Some(held) = self.counts.get_mut(usize::from(bucket)) {
            *held = held.saturating_add(count);
        }
        self.low = self.low.min(bucket);
        self.high = self.high.max(bucket);
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        self.sum = self.sum.saturating_add(other.sum());
        for (bucket, count) in other.buckets() {
            self.add(bucket, count);
        }
    }

    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        (self.low..=self.high).filter_map(|bucket| {
            let count = *self.counts.get(usize::from(bucket))?;
            (count > 0).then_some((bucket, count))
        })
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.sum == 0 && self.buckets().next().is_none()
    }
}

/// What rows of one fact add up to.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) counts: [u64; COUNTS],
    pub(crate) gap: Gap,
    pub(crate) client: Dense,
    pub(crate) server: Dense,
}

impl Sum {
    pub(crate) fn clear(&mut self) {
        self.counts = [0; COUNTS];
        self.gap = Gap::default();
        self.client.clear();
        self.server.clear();
    }

    pub(crate) fn count(&mut self, place: usize, value: u64) {
        if let Some(held) = self.counts.get_mut(place) {
            *held = held.saturating_add(value);
        }
    }

    pub(crate) fn add(&mut self, other: &Measures) {
        for (place, value) in counts(other).into_iter().enumerate() {
            self.count(place, value);
        }
        self.gap.sum = self.gap.sum.saturating_add(other.gap.sum);
        self.gap.count = self.gap.count.saturating_add(other.gap.count);
        self.client.merge(&other.client.latency);
        self.server.merge(&other.server.latency);
    }

    pub(crate) fn measures(&self) -> Measures {
        let histogram = |dense: &Dense| Histogram::from_parts(dense.sum, dense.buckets());
        measures(&self.counts, self.gap, histogram(&self.client), histogram(&self.server))
    }
}
