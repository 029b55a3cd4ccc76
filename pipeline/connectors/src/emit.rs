//! Points, written from labels and distributions.

use pdata::{
    AttributesWriter, ExemplarFields, ExponentialFields, HistogramFields, Number, PointFields, PointsWriter, Value,
};

use crate::histogram::Histogram;
use crate::labels::{self as set, LabelValue};

/// Writes the labels of a series as the attributes of a point.
pub(crate) fn labels(out: &mut AttributesWriter<'_>, labels: &[u8]) {
    for (key, value) in set::read(labels) {
        let value = match value {
            LabelValue::Text(text) => Value::Str(text),
            LabelValue::Flag(flag) => Value::Bool(flag),
            LabelValue::Int(number) => Value::Int(number),
            LabelValue::Double(number) => Value::Double(number),
            LabelValue::Bytes(bytes) => Value::Bytes(bytes),
        };
        out.add(key, value);
    }
}

/// A count as the value of a point.
pub(crate) fn whole(count: u64) -> Number {
    Number::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Writes a distribution as a point of a metric of the same shape.
pub(crate) fn duration(
    points: &mut PointsWriter<'_>,
    fields: &PointFields,
    histogram: &Histogram,
    exemplars: &[ExemplarFields<'_>],
    of: &[u8],
) {
    match histogram {
        Histogram::Explicit(explicit) => {
            let numbers = HistogramFields {
                count: explicit.count(),
                sum: Some(explicit.sum()),
                bucket_counts: explicit.counts(),
                explicit_bounds: explicit.bounds(),
                ..HistogramFields::default()
            };
            points.histogram(fields, &numbers, exemplars, |out| labels(out, of));
        }
        Histogram::Exponential(exponential) => {
            let extremes = exponential.extremes();
            let numbers = ExponentialFields {
                count: exponential.count(),
                sum: Some(exponential.sum()),
                min: extremes.map(|(least, _)| least),
                max: extremes.map(|(_, most)| most),
                scale: exponential.scale(),
                zero_count: exponential.zeros(),
                positive: (exponential.offset(), exponential.counts()),
                ..ExponentialFields::default()
            };
            points.exponential(fields, &numbers, exemplars, |out| labels(out, of));
        }
    }
}
