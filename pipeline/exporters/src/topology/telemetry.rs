//! What the exporter says about itself.

use component::{BuildContext, Counter, ExporterTelemetry, Gauge};

use super::extract::Told;

/// Counters and gauges.
pub(super) struct Telemetry {
    pub(super) items: ExporterTelemetry,
    pub(super) rows: Counter,
    pub(super) dropped_rows: Counter,
    ends: [Counter; 4],
    points: [Counter; 10],
    records: [Counter; 3],
    restarts: [Counter; 5],
    waiting: Gauge,
    streams: Gauge,
}

impl Telemetry {
    pub(super) fn new(context: &BuildContext) -> Self {
        let id = context.id.to_string();
        let named = |name: &str| format!("tidewatch_exporter_topology_{name}");
        let counter = |name: &str, help| context.registry.counter(&named(name), help, &[("exporter", &id)]);
        let gauge = |name: &str, help| context.registry.gauge(&named(name), help, &[("exporter", &id)]);
        let by_outcome = |name: &str, help, outcome| {
            context.registry.counter(&named(name), help, &[("exporter", id.as_str()), ("outcome", outcome)])
        };
        let end = |outcome| by_outcome("span_ends", "Ends of calls that spans told.", outcome);
        let point = |outcome| by_outcome("points", "Points of metrics.", outcome);
        let restart = |table| {
            let help = "How often a table was full and started over.";
            context.registry.counter(&named("table_restarts"), help, &[("exporter", id.as_str()), ("table", table)])
        };
        let record = |outcome| by_outcome("records", "Log records.", outcome);
        Self {
            items: context.exporter_telemetry(),
            rows: counter("rows", "Rows that the map took."),
            dropped_rows: counter("dropped_rows", "Rows for which the map had no room."),
            ends: ["paired", "expired", "evicted", "repeated"].map(end),
            points: [
                "taken",
                "foreign",
                "own",
                "reference",
                "repeated",
                "reset",
                "limit",
                "nobody",
                "absent",
                "unreadable",
            ]
            .map(point),
            records: ["taken", "foreign", "own"].map(record),
            restarts: ["names", "addresses", "owners", "states", "conventions"].map(restart),
            waiting: gauge("waiting_ends", "Ends of calls that wait for the other end."),
            streams: gauge("streams", "Series of metrics that are followed."),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    pub(super) fn report(&self, told: &Told) {
        let Told { ends, points, records, waiting, streams, restarts } = told;
        add(&self.ends, [ends.paired.saturating_mul(2), ends.expired, ends.evicted, ends.repeated]);
        let counts = [
            points.taken,
            points.foreign,
            points.own,
            points.references,
            points.repeated,
            points.resets,
            points.full,
            points.nobody,
            points.absent,
            points.unreadable,
        ];
        add(&self.points, counts);
        add(&self.records, [records.taken, records.foreign, records.own]);
        add(&self.restarts, *restarts);
        self.waiting.set(*waiting as f64);
        self.streams.set(*streams as f64);
    }
}

fn add<const N: usize>(counters: &[Counter; N], counts: [u64; N]) {
    for (counter, count) in counters.iter().zip(counts) {
        counter.add(count);
    }
}
