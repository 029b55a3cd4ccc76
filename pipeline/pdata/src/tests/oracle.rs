//! What the views say, in prost types, to be compared with what prost decodes.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    exponential_histogram_data_point, metric, number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData, span};

use crate::{
    Attributes, Batch, Buckets, EntityRefView, Exemplars, LogView, MetricData, MetricView, Number, NumberPoints,
    ResourceView, ScopeView, SpanView, Temporality, ValueKind, ValueView,
};

pub(super) fn traces(batch: &Batch) -> TracesData {
    let resource_spans = batch.resources().map(|view| ResourceSpans {
        resource: resource(&view),
        scope_spans: view
            .scopes()
            .map(|view| ScopeSpans {
                scope: scope(&view),
                spans: view.spans().map(|view| span(&view)).collect(),
                schema_url: view.schema_url().to_owned(),
            })
            .collect(),
        schema_url: view.schema_url().to_owned(),
    });
    TracesData { resource_spans: resource_spans.collect() }
}

pub(super) fn logs(batch: &Batch) -> LogsData {
    let resource_logs = batch.resources().map(|view| ResourceLogs {
        resource: resource(&view),
        scope_logs: view
            .scopes()
            .map(|view| ScopeLogs {
                scope: scope(&view),
                log_records: view.logs().map(|view| record(&view)).collect(),
                schema_url: view.schema_url().to_owned(),
            })
            .collect(),
        schema_url: view.schema_url().to_owned(),
    });
    LogsData { resource_logs: resource_logs.collect() }
}

pub(super) fn metrics(batch: &Batch) -> MetricsData {
    let resource_metrics = batch.resources().map(|view| ResourceMetrics {
        resource: resource(&view),
        scope_metrics: view
            .scopes()
            .map(|view| ScopeMetrics {
                scope: scope(&view),
                metrics: view.metrics().map(|view| metric(&view)).collect(),
                schema_url: view.schema_url().to_owned(),
            })
            .collect(),
        schema_url: view.schema_url().to_owned(),
    });
    MetricsData { resource_metrics: resource_metrics.collect() }
}

fn resource(view: &ResourceView<'_>) -> Option<Resource> {
    Some(Resource {
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count(),
        entity_refs: view.entity_refs().map(|view| entity_ref(&view)).collect(),
    })
}

fn entity_ref(view: &EntityRefView<'_>) -> EntityRef {
    EntityRef {
        schema_url: view.schema_url().to_owned(),
        r#type: view.kind().to_owned(),
        id_keys: view.id_keys().map(str::to_owned).collect(),
        description_keys: view.description_keys().map(str::to_owned).collect(),
    }
}

fn scope(view: &ScopeView<'_>) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: view.name().to_owned(),
        version: view.version().to_owned(),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count(),
    })
}

fn attributes(views: Attributes<'_>) -> Vec<KeyValue> {
    let one = |view: crate::AttributeView<'_>| KeyValue {
        key: view.key().to_owned(),
        value: Some(value(view.value())),
        ..KeyValue::default()
    };
    views.map(one).collect()
}

fn value(view: ValueView<'_>) -> AnyValue {
    let value = match view.kind() {
        ValueKind::Empty => None,
        ValueKind::Str(text) => Some(any_value::Value::StringValue(text.to_owned())),
        ValueKind::Bool(is) => Some(any_value::Value::BoolValue(is)),
        ValueKind::Int(number) => Some(any_value::Value::IntValue(number)),
        ValueKind::Double(number) => Some(any_value::Value::DoubleValue(number)),
        ValueKind::Bytes(bytes) => Some(any_value::Value::BytesValue(bytes.to_vec())),
        ValueKind::Array(values) => {
            Some(any_value::Value::ArrayValue(ArrayValue { values: values.map(value).collect() }))
        }
        ValueKind::Map(entries) => Some(any_value::Value::KvlistValue(KeyValueList { values: attributes(entries) })),
    };
    AnyValue { value }
}

fn span(view: &SpanView<'_>) -> Span {
    Span {
        trace_id: view.trace_id().to_vec(),
        span_id: view.span_id().to_vec(),
        trace_state: view.trace_state().to_owned(),
        parent_span_id: view.parent_span_id().to_vec(),
        flags: view.flags(),
        name: view.name().to_owned(),
        kind: view.kind(),
        start_time_unix_nano: view.start_unix_nano(),
        end_time_unix_nano: view.end_unix_nano(),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count(),
        events: view
            .events()
            .map(|view| span::Event {
                time_unix_nano: view.time_unix_nano(),
                name: view.name().to_owned(),
                attributes: attributes(view.attributes()),
                dropped_attributes_count: view.dropped_attributes_count(),
            })
            .collect(),
        dropped_events_count: view.dropped_events_count(),
        links: view
            .links()
            .map(|view| span::Link {
                trace_id: view.trace_id().to_vec(),
                span_id: view.span_id().to_vec(),
                trace_state: view.trace_state().to_owned(),
                attributes: attributes(view.attributes()),
                dropped_attributes_count: view.dropped_attributes_count(),
                flags: view.flags(),
            })
            .collect(),
        dropped_links_count: view.dropped_links_count(),
        status: Some(Status { message: view.status_message().to_owned(), code: view.status_code() }),
    }
}

fn record(view: &LogView<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: view.time_unix_nano(),
        observed_time_unix_nano: view.observed_time_unix_nano(),
        severity_number: view.severity_number(),
        severity_text: view.severity_text().to_owned(),
        body: Some(value(view.body())),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count(),
        flags: view.flags(),
        trace_id: view.trace_id().to_vec(),
        span_id: view.span_id().to_vec(),
        event_name: view.event_name().to_owned(),
    }
}

fn metric(view: &MetricView<'_>) -> Metric {
    let data = match view.data() {
        MetricData::Empty => None,
        MetricData::Gauge(points) => Some(metric::Data::Gauge(Gauge { data_points: numbers(points) })),
        MetricData::Sum { points, temporality, monotonic } => Some(metric::Data::Sum(Sum {
            data_points: numbers(points),
            aggregation_temporality: wire(temporality),
            is_monotonic: monotonic,
        })),
        MetricData::Histogram { points, temporality } => Some(metric::Data::Histogram(Histogram {
            data_points: points.map(|view| histogram(&view)).collect(),
            aggregation_temporality: wire(temporality),
        })),
        MetricData::ExponentialHistogram { points, temporality } => {
            Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: points.map(|view| exponential(&view)).collect(),
                aggregation_temporality: wire(temporality),
            }))
        }
        MetricData::Summary(points) => Some(metric::Data::Summary(Summary {
            data_points: points
                .map(|view| SummaryDataPoint {
                    attributes: attributes(view.attributes()),
                    start_time_unix_nano: view.start_unix_nano(),
                    time_unix_nano: view.time_unix_nano(),
                    count: view.count(),
                    sum: view.sum(),
                    quantile_values: view
                        .quantiles()
                        .map(|(quantile, value)| ValueAtQuantile { quantile, value })
                        .collect(),
                    flags: view.flags(),
                })
                .collect(),
        })),
    };
    Metric {
        name: view.name().to_owned(),
        description: view.description().to_owned(),
        unit: view.unit().to_owned(),
        metadata: attributes(view.metadata()),
        data,
    }
}

fn wire(temporality: Temporality) -> i32 {
    match temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    }
}

fn numbers(points: NumberPoints<'_>) -> Vec<NumberDataPoint> {
    let one = |view: crate::NumberPointView<'_>| NumberDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_unix_nano(),
        time_unix_nano: view.time_unix_nano(),
        exemplars: exemplars(view.exemplars()),
        flags: view.flags(),
        value: view.value().map(|value| match value {
            Number::Int(value) => number_data_point::Value::AsInt(value),
            Number::Double(value) => number_data_point::Value::AsDouble(value),
        }),
    };
    points.map(one).collect()
}

fn exemplars(views: Exemplars<'_>) -> Vec<Exemplar> {
    let one = |view: crate::ExemplarView<'_>| Exemplar {
        filtered_attributes: attributes(view.filtered_attributes()),
        time_unix_nano: view.time_unix_nano(),
        span_id: view.span_id().to_vec(),
        trace_id: view.trace_id().to_vec(),
        value: view.value().map(|value| match value {
            Number::Int(value) => exemplar::Value::AsInt(value),
            Number::Double(value) => exemplar::Value::AsDouble(value),
        }),
    };
    views.map(one).collect()
}

fn histogram(view: &crate::HistogramPointView<'_>) -> HistogramDataPoint {
    let numbers = view.numbers();
    assert_eq!(
        (numbers.start_unix_nano, numbers.time_unix_nano, numbers.flags, numbers.count, numbers.sum.map(f64::to_bits)),
        (view.start_unix_nano(), view.time_unix_nano(), view.flags(), view.count(), view.sum().map(f64::to_bits)),
        "one walk finds what single ones find"
    );
    assert!(numbers.bucket_counts.eq(view.bucket_counts()));
    assert!(numbers.explicit_bounds.map(f64::to_bits).eq(view.explicit_bounds().map(f64::to_bits)));
    HistogramDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_unix_nano(),
        time_unix_nano: view.time_unix_nano(),
        count: view.count(),
        sum: view.sum(),
        bucket_counts: view.bucket_counts().collect(),
        explicit_bounds: view.explicit_bounds().collect(),
        exemplars: exemplars(view.exemplars()),
        flags: view.flags(),
        min: view.min(),
        max: view.max(),
    }
}

fn exponential(view: &crate::ExponentialPointView<'_>) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_unix_nano(),
        time_unix_nano: view.time_unix_nano(),
        count: view.count(),
        sum: view.sum(),
        scale: view.scale(),
        zero_count: view.zero_count(),
        positive: buckets(view.positive()),
        negative: buckets(view.negative()),
        flags: view.flags(),
        exemplars: exemplars(view.exemplars()),
        min: view.min(),
        max: view.max(),
        zero_threshold: view.zero_threshold(),
    }
}

fn buckets(view: Buckets<'_>) -> Option<exponential_histogram_data_point::Buckets> {
    Some(exponential_histogram_data_point::Buckets { offset: view.offset(), bucket_counts: view.counts().collect() })
}
