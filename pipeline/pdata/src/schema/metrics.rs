//! Messages of metrics.

use super::common::{RESOURCE, SCOPE};
use super::{Kind, Message, always, attributes, choice, item, many, message, one, optional};

pub(crate) static METRICS: Message =
    message(&[many(1, "resource_metrics", "resourceMetrics", Kind::Message(&RESOURCE_METRICS))]);

static RESOURCE_METRICS: Message = message(&[
    always(1, "resource", "resource", Kind::Message(&RESOURCE)),
    many(2, "scope_metrics", "scopeMetrics", Kind::Message(&SCOPE_METRICS)),
    one(3, "schema_url", "schemaUrl", Kind::String),
]);

static SCOPE_METRICS: Message = message(&[
    always(1, "scope", "scope", Kind::Message(&SCOPE)),
    many(2, "metrics", "metrics", Kind::Message(&METRIC)),
    one(3, "schema_url", "schemaUrl", Kind::String),
]);

static METRIC: Message = message(&[
    one(1, "name", "name", Kind::String),
    one(2, "description", "description", Kind::String),
    one(3, "unit", "unit", Kind::String),
    choice(5, "gauge", "gauge", Kind::Message(&GAUGE)),
    choice(7, "sum", "sum", Kind::Message(&SUM)),
    choice(9, "histogram", "histogram", Kind::Message(&HISTOGRAM)),
    choice(10, "exponential_histogram", "exponentialHistogram", Kind::Message(&EXPONENTIAL_HISTOGRAM)),
    choice(11, "summary", "summary", Kind::Message(&SUMMARY)),
    attributes(12, "metadata", "metadata"),
]);

static GAUGE: Message = message(&[many(1, "data_points", "dataPoints", Kind::Message(&NUMBER_POINT))]);

static SUM: Message = message(&[
    many(1, "data_points", "dataPoints", Kind::Message(&NUMBER_POINT)),
    one(2, "aggregation_temporality", "aggregationTemporality", Kind::Enum(TEMPORALITIES)),
    one(3, "is_monotonic", "isMonotonic", Kind::Bool),
]);

static HISTOGRAM: Message = message(&[
    many(1, "data_points", "dataPoints", Kind::Message(&HISTOGRAM_POINT)),
    one(2, "aggregation_temporality", "aggregationTemporality", Kind::Enum(TEMPORALITIES)),
]);

static EXPONENTIAL_HISTOGRAM: Message = message(&[
    many(1, "data_points", "dataPoints", Kind::Message(&EXPONENTIAL_POINT)),
    one(2, "aggregation_temporality", "aggregationTemporality", Kind::Enum(TEMPORALITIES)),
]);

static SUMMARY: Message = message(&[many(1, "data_points", "dataPoints", Kind::Message(&SUMMARY_POINT))]);

static NUMBER_POINT: Message = item(&[
    attributes(7, "attributes", "attributes"),
    one(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64),
    one(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    choice(4, "as_double", "asDouble", Kind::Double),
    choice(6, "as_int", "asInt", Kind::Sfixed64),
    many(5, "exemplars", "exemplars", Kind::Message(&EXEMPLAR)),
    one(8, "flags", "flags", Kind::Uint32),
]);

static HISTOGRAM_POINT: Message = item(&[
    attributes(9, "attributes", "attributes"),
    one(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64),
    one(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    one(4, "count", "count", Kind::Fixed64),
    optional(5, "sum", "sum", Kind::Double),
    many(6, "bucket_counts", "bucketCounts", Kind::Fixed64),
    many(7, "explicit_bounds", "explicitBounds", Kind::Double),
    many(8, "exemplars", "exemplars", Kind::Message(&EXEMPLAR)),
    one(10, "flags", "flags", Kind::Uint32),
    optional(11, "min", "min", Kind::Double),
    optional(12, "max", "max", Kind::Double),
]);

static EXPONENTIAL_POINT: Message = item(&[
    attributes(1, "attributes", "attributes"),
    one(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64),
    one(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    one(4, "count", "count", Kind::Fixed64),
    optional(5, "sum", "sum", Kind::Double),
    one(6, "scale", "scale", Kind::Sint32),
    one(7, "zero_count", "zeroCount", Kind::Fixed64),
    always(8, "positive", "positive", Kind::Message(&BUCKETS)),
    always(9, "negative", "negative", Kind::Message(&BUCKETS)),
    one(10, "flags", "flags", Kind::Uint32),
    many(11, "exemplars", "exemplars", Kind::Message(&EXEMPLAR)),
    optional(12, "min", "min", Kind::Double),
    optional(13, "max", "max", Kind::Double),
    one(14, "zero_threshold", "zeroThreshold", Kind::Double),
]);

static BUCKETS: Message =
    message(&[one(1, "offset", "offset", Kind::Sint32), many(2, "bucket_counts", "bucketCounts", Kind::Uint64)]);

static SUMMARY_POINT: Message = item(&[
    attributes(7, "attributes", "attributes"),
    one(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64),
    one(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    one(4, "count", "count", Kind::Fixed64),
    one(5, "sum", "sum", Kind::Double),
    many(6, "quantile_values", "quantileValues", Kind::Message(&QUANTILE)),
    one(8, "flags", "flags", Kind::Uint32),
]);

static QUANTILE: Message =
    message(&[one(1, "quantile", "quantile", Kind::Double), one(2, "value", "value", Kind::Double)]);

static EXEMPLAR: Message = message(&[
    attributes(7, "filtered_attributes", "filteredAttributes"),
    one(2, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    choice(3, "as_double", "asDouble", Kind::Double),
    choice(6, "as_int", "asInt", Kind::Sfixed64),
    one(4, "span_id", "spanId", Kind::Id(8)),
    one(5, "trace_id", "traceId", Kind::Id(16)),
]);

static TEMPORALITIES: &[&str] =
    &["AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA", "AGGREGATION_TEMPORALITY_CUMULATIVE"];
