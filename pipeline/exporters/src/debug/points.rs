//! Every field of each data point, in the Collector's layout.

use std::fmt::{self, Write};

use pdata::{
    Attributes, Exemplars, ExponentialPointView, HistogramPointView, MetricData, MetricView, Number, NumberPointView,
    SummaryPointView, Temporality,
};

use super::detailed::write_attributes;
use super::go::{Fixed, Id, Timestamp};

pub(crate) fn write_metric(out: &mut String, metric: &MetricView<'_>) -> fmt::Result {
    writeln!(out, "Descriptor:")?;
    writeln!(out, "     -> Name: {}", metric.name())?;
    writeln!(out, "     -> Description: {}", metric.description())?;
    writeln!(out, "     -> Unit: {}", metric.unit())?;
    let data = metric.data();
    writeln!(out, "     -> DataType: {}", type_name(&data))?;
    write_attributes(out, "     ", "     -> Metadata", metric.metadata())?;
    match data {
        MetricData::Empty => Ok(()),
        MetricData::Gauge(points) => numbered(points, |number, point| write_number(out, number, &point)),
        MetricData::Sum { points, temporality, monotonic } => {
            writeln!(out, "     -> IsMonotonic: {monotonic}")?;
            write_temporality(out, temporality)?;
            numbered(points, |number, point| write_number(out, number, &point))
        }
        MetricData::Histogram { points, temporality } => {
            write_temporality(out, temporality)?;
            numbered(points, |number, point| write_histogram(out, number, &point))
        }
        MetricData::ExponentialHistogram { points, temporality } => {
            write_temporality(out, temporality)?;
            numbered(points, |number, point| write_exponential(out, number, &point))
        }
        MetricData::Summary(points) => numbered(points, |number, point| write_summary(out, number, &point)),
    }
}

fn numbered<T>(points: impl Iterator<Item = T>, mut write: impl FnMut(usize, T) -> fmt::Result) -> fmt::Result {
    points.enumerate().try_for_each(|(number, point)| write(number, point))
}

fn type_name(data: &MetricData<'_>) -> &'static str {
    match data {
        MetricData::Empty => "Empty",
        MetricData::Gauge(_) => "Gauge",
        MetricData::Sum { .. } => "Sum",
        MetricData::Histogram { .. } => "Histogram",
        MetricData::ExponentialHistogram { .. } => "ExponentialHistogram",
        MetricData::Summary(_) => "Summary",
    }
}

fn write_temporality(out: &mut String, temporality: Temporality) -> fmt::Result {
    let name = match temporality {
        Temporality::Unspecified => "Unspecified",
        Temporality::Delta => "Delta",
        Temporality::Cumulative => "Cumulative",
    };
    writeln!(out, "     -> AggregationTemporality: {name}")
}

/// What all points begin with.
fn write_head(
    out: &mut String,
    name: &str,
    number: usize,
    attributes: Attributes<'_>,
    (start, time): (u64, u64),
) -> fmt::Result {
    writeln!(out, "{name} #{number}")?;
    write_attributes(out, "", "Data point attributes", attributes)?;
    writeln!(out, "StartTimestamp: {}", Timestamp(start))?;
    writeln!(out, "Timestamp: {}", Timestamp(time))
}

fn write_number(out: &mut String, number: usize, point: &NumberPointView<'_>) -> fmt::Result {
    let times = (point.start_unix_nano(), point.time_unix_nano());
    write_head(out, "NumberDataPoints", number, point.attributes(), times)?;
    write_value(out, "", point.value())?;
    write_exemplars(out, point.exemplars())
}

fn write_value(out: &mut String, indent: &str, value: Option<Number>) -> fmt::Result {
    match value {
        Some(Number::Int(value)) => writeln!(out, "{indent}Value: {value}"),
        Some(Number::Double(value)) => writeln!(out, "{indent}Value: {}", Fixed(value)),
        None => Ok(()),
    }
}

/// Count, sum and extremes of a histogram of either kind.
fn write_totals(out: &mut String, count: u64, totals: [(&str, Option<f64>); 3]) -> fmt::Result {
    writeln!(out, "Count: {count}")?;
    for (name, value) in totals {
        if let Some(value) = value {
            writeln!(out, "{name}: {}", Fixed(value))?;
        }
    }
    Ok(())
}

fn write_histogram(out: &mut String, number: usize, point: &HistogramPointView<'_>) -> fmt::Result {
    let times = (point.start_unix_nano(), point.time_unix_nano());
    write_head(out, "HistogramDataPoints", number, point.attributes(), times)?;
    write_totals(out, point.count(), [("Sum", point.sum()), ("Min", point.min()), ("Max", point.max())])?;
    for (number, bound) in point.explicit_bounds().enumerate() {
        writeln!(out, "ExplicitBounds #{number}: {}", Fixed(bound))?;
    }
    for (number, count) in point.bucket_counts().enumerate() {
        writeln!(out, "Buckets #{number}, Count: {count}")?;
    }
    write_exemplars(out, point.exemplars())
}

fn write_exponential(out: &mut String, number: usize, point: &ExponentialPointView<'_>) -> fmt::Result {
    let times = (point.start_unix_nano(), point.time_unix_nano());
    write_head(out, "ExponentialHistogramDataPoints", number, point.attributes(), times)?;
    write_totals(out, point.count(), [("Sum", point.sum()), ("Min", point.min()), ("Max", point.max())])?;
    let bounds = Bounds::of(point.scale());
    let negative = point.negative();
    let counts: Vec<u64> = negative.counts().collect();
    for (place, count) in counts.into_iter().enumerate().rev() {
        let (lower, upper) = bounds.around(negative.offset(), place);
        writeln!(out, "Bucket [{}, {}), Count: {count}", Fixed(-upper), Fixed(-lower))?;
    }
    if point.zero_count() != 0 {
        writeln!(out, "Bucket [0, 0], Count: {}", point.zero_count())?;
    }
    let positive = point.positive();
    for (place, count) in positive.counts().enumerate() {
        let (lower, upper) = bounds.around(positive.offset(), place);
        writeln!(out, "Bucket ({}, {}], Count: {count}", Fixed(lower), Fixed(upper))?;
    }
    write_exemplars(out, point.exemplars())
}

/// Bounds of exponential buckets.
pub(crate) struct Bounds {
    factor: f64,
}

impl Bounds {
    pub(crate) fn of(scale: i32) -> Self {
        Self { factor: std::f64::consts::LN_2 * (-f64::from(scale)).exp2() }
    }

    /// The lower and upper bound of the bucket at `place` after `offset`. Computed as there, in floating-point numbers
    /// all the way: beyond their range a bound is infinite.
    #[expect(clippy::cast_precision_loss, reason = "no point has so many buckets")]
    pub(crate) fn around(&self, offset: i32, place: usize) -> (f64, f64) {
        let index = f64::from(offset) + place as f64;
        ((index * self.factor).exp(), ((index + 1.0) * self.factor).exp())
    }
}

fn write_summary(out: &mut String, number: usize, point: &SummaryPointView<'_>) -> fmt::Result {
    let times = (point.start_unix_nano(), point.time_unix_nano());
    write_head(out, "SummaryDataPoints", number, point.attributes(), times)?;
    writeln!(out, "Count: {}", point.count())?;
    writeln!(out, "Sum: {}", Fixed(point.sum()))?;
    for (number, (quantile, value)) in point.quantiles().enumerate() {
        writeln!(out, "QuantileValue #{number}: Quantile {}, Value {}", Fixed(quantile), Fixed(value))?;
    }
    Ok(())
}

fn write_exemplars(out: &mut String, exemplars: Exemplars<'_>) -> fmt::Result {
    for (number, exemplar) in exemplars.enumerate() {
        if number == 0 {
            out.push_str("Exemplars:\n");
        }
        writeln!(out, "Exemplar #{number}")?;
        writeln!(out, "     -> Trace ID: {}", Id(exemplar.trace_id()))?;
        writeln!(out, "     -> Span ID: {}", Id(exemplar.span_id()))?;
        writeln!(out, "     -> Timestamp: {}", Timestamp(exemplar.time_unix_nano()))?;
        write_value(out, "     -> ", exemplar.value())?;
        write_attributes(out, "     ", "     -> FilteredAttributes", exemplar.filtered_attributes())?;
    }
    Ok(())
}
