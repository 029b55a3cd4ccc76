//! What the exporter says about itself.

use component::{BuildContext, Counter, ExporterTelemetry, Gauge};

use super::spans::Tally;

/// Counters and gauges.
pub(super) struct Telemetry {
    pub(super) items: ExporterTelemetry,
    pub(super) rows: Counter,
    pub(super) dropped_rows: Counter,
    paired: Counter,
    expired: Counter,
    evicted: Counter,
    repeated: Counter,
    waiting: Gauge,
}

impl Telemetry {
    pub(super) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let named = |name: &str| format!("tidewatch_exporter_topology_{name}");
        let counter = |name: &str, help| context.registry.counter(&named(name), help, &[("exporter", &id)]);
        let ends = |outcome| {
            let labels = [("exporter", id.as_str()), ("outcome", outcome)];
            context.registry.counter(
                &named("span_ends"),
                "Ends of calls that spans told, by what became of them.",
                &labels,
            )
        };
        let waiting = "Ends of calls that wait for the other end.";
        Self {
            items: context.exporter_telemetry(),
            rows: counter("rows", "Rows that the map took."),
            dropped_rows: counter("dropped_rows", "Rows for which the map had no room."),
            paired: ends("paired"),
            expired: ends("expired"),
            evicted: ends("evicted"),
            repeated: ends("repeated"),
            waiting: context.registry.gauge(&named("waiting_ends"), waiting, &[("exporter", &id)]),
        }
    }

    pub(super) fn report(&self, (tally, waiting): (Tally, usize)) {
        self.paired.add(tally.paired.saturating_mul(2));
        self.expired.add(tally.expired);
        self.evicted.add(tally.evicted);
        self.repeated.add(tally.repeated);
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        self.waiting.set(waiting as f64);
    }
}
