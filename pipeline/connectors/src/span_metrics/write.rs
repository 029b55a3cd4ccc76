//! From tables to metrics.

use pdata::{Batch, ExemplarFields, MetricsWriter, Number, PointFields, PointsWriter, Temporality};

use super::config::{SpanMetricsConfig, Unit};
use super::tables::{Count, Exemplar, MetricTable, Resource, Tables};
use crate::emit;
use crate::histogram::Shape;

/// Names and units of the metrics.
pub(super) struct MetricNames {
    calls: String,
    duration: String,
    events: String,
    unit: &'static str,
}

impl MetricNames {
    pub(super) fn new(config: &SpanMetricsConfig) -> Self {
        let name = |name: &str| match config.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}.{name}"),
        };
        Self {
            calls: name("calls"),
            duration: name("duration"),
            events: name("events"),
            unit: match config.histogram.unit {
                Unit::Milliseconds => "ms",
                Unit::Seconds => "s",
            },
        }
    }

    /// All that is to be told at `time`. `is_last`: there will be no other time.
    pub(super) fn metrics(&self, tables: &Tables, time: u64, is_last: bool) -> Batch {
        let mut writer = MetricsWriter::new();
        for resource in &tables.resources {
            if !resource.tells_something() {
                continue;
            }
            let attributes = resource.attributes.resources().next();
            writer.resource(|out| {
                for attribute in attributes.iter().flat_map(|resource| resource.attributes()) {
                    out.add(attribute.key(), attribute.value());
                }
            });
            writer.scope("spanmetricsconnector", "");
            let telling = Telling { time, is_last, is_delta: tables.is_delta };
            telling.counts(&mut writer, &self.calls, &resource.calls);
            self.durations(&mut writer, &telling, &tables.shape, resource);
            telling.counts(&mut writer, &self.events, &resource.events);
        }
        writer.finish()
    }

    fn durations(&self, writer: &mut MetricsWriter, telling: &Telling, shape: &Shape, resource: &Resource) {
        if resource.durations.is_silent() {
            return;
        }
        let points = |points: &mut PointsWriter<'_>| {
            for series in resource.durations.telling() {
                let exemplars = telling.exemplars(&series.value.exemplars);
                let fields = telling.fields(series.start);
                emit::duration(points, &fields, &series.value.value, &exemplars, &series.labels);
            }
        };
        let (name, unit, temporality) = (&self.duration, self.unit, telling.temporality());
        match shape {
            Shape::Explicit(_) => writer.histogram(name, "", unit, temporality, points),
            Shape::Exponential(_) => writer.exponential_histogram(name, "", unit, temporality, points),
        };
    }
}

/// One time of telling.
struct Telling {
    time: u64,
    is_last: bool,
    is_delta: bool,
}

impl Telling {
    fn counts(&self, writer: &mut MetricsWriter, name: &str, table: &MetricTable<Count>) {
        if table.is_silent() {
            return;
        }
        writer.sum(name, "", "", self.temporality(), true, |points| {
            for series in table.telling() {
                let count = &series.value.value;
                let starts_at_zero = !(self.is_delta || self.is_last || count.was_told);
                let value = emit::whole(if starts_at_zero { 0 } else { count.total });
                let exemplars = self.exemplars(&series.value.exemplars);
                points.number_with(&self.fields(series.start), value, &exemplars, |out| {
                    emit::labels(out, &series.labels);
                });
            }
        });
    }

    fn temporality(&self) -> Temporality {
        if self.is_delta { Temporality::Delta } else { Temporality::Cumulative }
    }

    fn fields(&self, start: u64) -> PointFields {
        PointFields { start_unix_nano: start, time_unix_nano: self.time, flags: 0 }
    }

    fn exemplars<'e>(&self, exemplars: &'e [Exemplar]) -> Vec<ExemplarFields<'e>> {
        let fields = |exemplar: &'e Exemplar| ExemplarFields {
            time_unix_nano: self.time,
            value: Number::Double(exemplar.value),
            trace_id: &exemplar.trace,
            span_id: &exemplar.span,
        };
        exemplars.iter().map(fields).collect()
    }
}
