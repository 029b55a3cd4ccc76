//! What `batch` counts, under the Collector's names.

use component::{Counter, Histogram, Registry};
use pdata::Batch;

const ITEMS: &[f64] = &[
    10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0, 8000.0,
    9000.0, 10_000.0, 20_000.0, 30_000.0, 50_000.0, 100_000.0,
];

const BYTES: &[f64] = &[
    128.0,
    256.0,
    512.0,
    1024.0,
    2048.0,
    4096.0,
    8192.0,
    16_384.0,
    32_768.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
];

/// Why a batch was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// There was enough, or no room for more.
    Size,
    /// It had waited long enough, or nothing more would come.
    Timeout,
}

/// Its counters.
#[derive(Debug)]
pub(crate) struct Telemetry {
    by_size: Counter,
    by_timeout: Counter,
    items: Histogram,
    bytes: Histogram,
}

impl Telemetry {
    pub(crate) fn new(registry: &Registry, processor: &str) -> Self {
        let labels = [("processor", processor)];
        let counter = |name: &str, help| registry.counter(&format!("otelcol_processor_batch_{name}"), help, &labels);
        let histogram = |name: &str, help, bounds| {
            registry.histogram(&format!("otelcol_processor_batch_{name}"), help, &labels, bounds)
        };
        let cardinality = "Distinct combinations of metadata that are batched apart.";
        registry.gauge("otelcol_processor_batch_metadata_cardinality", cardinality, &labels).set(1.0);
        Self {
            by_size: counter("batch_size_trigger_send", "Batches that were sent because there was enough."),
            by_timeout: counter("timeout_trigger_send", "Batches that were sent because they had waited long enough."),
            items: histogram("batch_send_size", "Items in a batch that was sent.", ITEMS),
            bytes: histogram("batch_send_size_bytes", "Bytes in a batch that was sent.", BYTES),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "buckets are coarser than that")]
    pub(crate) fn sent(&self, trigger: Trigger, batch: &Batch) {
        match trigger {
            Trigger::Size => self.by_size.add(1),
            Trigger::Timeout => self.by_timeout.add(1),
        }
        self.items.observe(batch.items() as f64);
        self.bytes.observe(batch.size() as f64);
    }
}
