//! Requests of any shape, made from bytes of chance. Fewer bytes make a smaller request, so failures shrink.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    exponential_histogram_data_point::Buckets, metric, number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData, span};

/// Chance, until it runs out; then only zeros come.
pub(super) struct Chance<'a>(pub(super) &'a [u8]);

impl Chance<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    pub(super) fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    pub(super) fn yes(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn list<T>(&mut self, most: u8, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }

    fn number(&mut self) -> u64 {
        let bits = self.below(64);
        (u64::from(self.byte()) << 56 | u64::from(self.byte())) >> bits
    }

    fn number32(&mut self) -> u32 {
        self.number() as u32
    }

    fn double(&mut self) -> f64 {
        f64::from(self.number() as i32) / 4.0
    }

    fn maybe_double(&mut self) -> Option<f64> {
        self.yes().then(|| self.double())
    }

    fn id(&mut self, size: usize) -> Vec<u8> {
        if self.yes() { (0..size).map(|_| self.byte()).collect() } else { Vec::new() }
    }

    pub(super) fn text(&mut self) -> String {
        let words =
            ["", "a", "GET /cart", "Grüße", "a longer text, of more than sixteen bytes", "\"quoted\"\n", "日本"];
        words[usize::from(self.below(7))].to_owned()
    }

    /// Few keys, so that some come twice.
    pub(super) fn key(&mut self) -> String {
        ["service.name", "k", "http.route", "", "k8s.pod.name"][usize::from(self.below(5))].to_owned()
    }

    pub(super) fn value(&mut self) -> AnyValue {
        self.nested_value(3)
    }

    fn nested_value(&mut self, depth: u8) -> AnyValue {
        let value = match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => None,
            1 => Some(any_value::Value::StringValue(self.text())),
            2 => Some(any_value::Value::BoolValue(self.yes())),
            3 => Some(any_value::Value::IntValue(self.number() as i64)),
            4 => Some(any_value::Value::DoubleValue(self.double())),
            5 => Some(any_value::Value::BytesValue(self.list(5, Self::byte))),
            6 => Some(any_value::Value::ArrayValue(ArrayValue {
                values: self.list(3, |chance| chance.nested_value(depth - 1)),
            })),
            _ => Some(any_value::Value::KvlistValue(KeyValueList {
                values: self.list(3, |chance| chance.key_value(depth - 1)),
            })),
        };
        AnyValue { value }
    }

    fn key_value(&mut self, depth: u8) -> KeyValue {
        KeyValue { key: self.key(), value: Some(self.nested_value(depth)), ..KeyValue::default() }
    }

    pub(super) fn attributes(&mut self) -> Vec<KeyValue> {
        self.list(4, |chance| chance.key_value(3))
    }

    fn resource(&mut self) -> Option<Resource> {
        Some(Resource {
            attributes: self.attributes(),
            dropped_attributes_count: self.number32(),
            entity_refs: self.list(3, |chance| EntityRef {
                schema_url: chance.text(),
                r#type: chance.text(),
                id_keys: chance.list(2, Self::key),
                description_keys: chance.list(2, Self::key),
            }),
        })
    }

    fn scope(&mut self) -> Option<InstrumentationScope> {
        Some(InstrumentationScope {
            name: self.text(),
            version: self.text(),
            attributes: self.attributes(),
            dropped_attributes_count: self.number32(),
        })
    }

    pub(super) fn traces(&mut self) -> TracesData {
        TracesData { resource_spans: self.list(3, Self::resource_spans) }
    }

    pub(super) fn resource_spans(&mut self) -> ResourceSpans {
        ResourceSpans {
            resource: self.resource(),
            scope_spans: self.list(3, |chance| ScopeSpans {
                scope: chance.scope(),
                spans: chance.list(4, Self::span),
                schema_url: chance.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: self.number32(),
            name: self.text(),
            kind: i32::from(self.below(6)),
            start_time_unix_nano: self.number(),
            end_time_unix_nano: self.number(),
            attributes: self.attributes(),
            dropped_attributes_count: self.number32(),
            events: self.list(2, |chance| span::Event {
                time_unix_nano: chance.number(),
                name: chance.text(),
                attributes: chance.attributes(),
                dropped_attributes_count: chance.number32(),
            }),
            dropped_events_count: self.number32(),
            links: self.list(2, |chance| span::Link {
                trace_id: chance.id(16),
                span_id: chance.id(8),
                trace_state: chance.text(),
                attributes: chance.attributes(),
                dropped_attributes_count: chance.number32(),
                flags: chance.number32(),
            }),
            dropped_links_count: self.number32(),
            status: Some(Status { message: self.text(), code: i32::from(self.below(3)) }),
        }
    }

    pub(super) fn logs(&mut self) -> LogsData {
        LogsData {
            resource_logs: self.list(3, |chance| ResourceLogs {
                resource: chance.resource(),
                scope_logs: chance.list(3, |chance| ScopeLogs {
                    scope: chance.scope(),
                    log_records: chance.list(4, Self::record),
                    schema_url: chance.text(),
                }),
                schema_url: chance.text(),
            }),
        }
    }

    fn record(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.number(),
            observed_time_unix_nano: self.number(),
            severity_number: i32::from(self.below(25)),
            severity_text: self.text(),
            body: Some(self.value()),
            attributes: self.attributes(),
            dropped_attributes_count: self.number32(),
            flags: self.number32(),
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    pub(super) fn metrics(&mut self) -> MetricsData {
        MetricsData {
            resource_metrics: self.list(2, |chance| ResourceMetrics {
                resource: chance.resource(),
                scope_metrics: chance.list(2, |chance| ScopeMetrics {
                    scope: chance.scope(),
                    metrics: chance.list(4, Self::metric),
                    schema_url: chance.text(),
                }),
                schema_url: chance.text(),
            }),
        }
    }

    pub(super) fn metric(&mut self) -> Metric {
        let aggregation_temporality = i32::from(self.below(3));
        let data = match self.below(6) {
            0 => None,
            1 => Some(metric::Data::Gauge(Gauge { data_points: self.list(3, Self::number_point) })),
            2 => Some(metric::Data::Sum(Sum {
                data_points: self.list(3, Self::number_point),
                aggregation_temporality,
                is_monotonic: self.yes(),
            })),
            3 => Some(metric::Data::Histogram(Histogram {
                data_points: self.list(3, Self::histogram_point),
                aggregation_temporality,
            })),
            4 => Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.list(3, Self::exponential_point),
                aggregation_temporality,
            })),
            _ => Some(metric::Data::Summary(Summary { data_points: self.list(3, Self::summary_point) })),
        };
        Metric { name: self.text(), description: self.text(), unit: self.text(), metadata: self.attributes(), data }
    }

    fn number_point(&mut self) -> NumberDataPoint {
        NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.number(),
            time_unix_nano: self.number(),
            exemplars: self.list(2, Self::exemplar),
            flags: self.number32(),
            value: match self.below(3) {
                0 => None,
                1 => Some(number_data_point::Value::AsDouble(self.double())),
                _ => Some(number_data_point::Value::AsInt(self.number() as i64)),
            },
        }
    }

    fn exemplar(&mut self) -> Exemplar {
        Exemplar {
            filtered_attributes: self.attributes(),
            time_unix_nano: self.number(),
            span_id: self.id(8),
            trace_id: self.id(16),
            value: match self.below(3) {
                0 => None,
                1 => Some(exemplar::Value::AsDouble(self.double())),
                _ => Some(exemplar::Value::AsInt(self.number() as i64)),
            },
        }
    }

    fn histogram_point(&mut self) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.number(),
            time_unix_nano: self.number(),
            count: self.number(),
            sum: self.maybe_double(),
            bucket_counts: self.list(4, Self::number),
            explicit_bounds: self.list(3, Self::double),
            exemplars: self.list(1, Self::exemplar),
            flags: self.number32(),
            min: self.maybe_double(),
            max: self.maybe_double(),
        }
    }

    fn exponential_point(&mut self) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.number(),
            time_unix_nano: self.number(),
            count: self.number(),
            sum: self.maybe_double(),
            scale: self.number() as i32,
            zero_count: self.number(),
            positive: Some(self.buckets()),
            negative: Some(self.buckets()),
            flags: self.number32(),
            exemplars: self.list(1, Self::exemplar),
            min: self.maybe_double(),
            max: self.maybe_double(),
            zero_threshold: self.double(),
        }
    }

    fn buckets(&mut self) -> Buckets {
        Buckets { offset: self.number() as i32, bucket_counts: self.list(4, Self::number) }
    }

    fn summary_point(&mut self) -> SummaryDataPoint {
        SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.number(),
            time_unix_nano: self.number(),
            count: self.number(),
            sum: self.double(),
            quantile_values: self
                .list(3, |chance| ValueAtQuantile { quantile: chance.double(), value: chance.double() }),
            flags: self.number32(),
        }
    }
}
