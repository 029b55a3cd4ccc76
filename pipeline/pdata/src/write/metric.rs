//! Metrics, written.

use super::attributes::AttributesWriter;
use super::nest::{Nest, put_present, put_text, writer};
use crate::batch::{Batch, Signal};
use crate::view::{Number, Temporality, layout};
use crate::wire::{close, open, put_fixed64_field, put_varint, put_varint_field, zigzag};

writer!(
    /// Writes metrics.
    MetricsWriter,
    Signal::Metrics
);

/// When a point was measured, and whether it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct PointFields {
    /// When the series began: nanoseconds since 1970, 0 if unknown.
    pub start_unix_nano: u64,
    /// When it was measured: nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// 1: no recorded value.
    pub flags: u32,
}

/// The numbers of a histogram point.
#[derive(Debug, Clone, Copy, Default)]
pub struct HistogramFields<'a> {
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// How many in each bucket: one more than there are bounds.
    pub bucket_counts: &'a [u64],
    /// Upper bounds of all buckets but the last.
    pub explicit_bounds: &'a [f64],
}

/// The numbers of an exponential histogram point.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExponentialFields<'a> {
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// The base of the buckets is 2^(2^-scale).
    pub scale: i32,
    /// How many were zero.
    pub zero_count: u64,
    /// How near to zero counts as zero.
    pub zero_threshold: f64,
    /// Index of the first positive bucket, and the counts.
    pub positive: (i32, &'a [u64]),
    /// Index of the first negative bucket, and the counts.
    pub negative: (i32, &'a [u64]),
}

/// One measurement of a point.
#[derive(Debug, Clone, Copy)]
pub struct ExemplarFields<'a> {
    /// When it was made: nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The value.
    pub value: Number,
    /// 16 bytes, or none.
    pub trace_id: &'a [u8],
    /// 8 bytes, or none.
    pub span_id: &'a [u8],
}

impl MetricsWriter {
    /// Adds a gauge.
    pub fn gauge(
        &mut self,
        name: &str,
        description: &str,
        unit: &str,
        points: impl FnOnce(&mut PointsWriter<'_>),
    ) -> &mut Self {
        self.metric([name, description, unit], layout::GAUGE, None, points)
    }

    /// Adds a sum.
    pub fn sum(
        &mut self,
        name: &str,
        description: &str,
        unit: &str,
        temporality: Temporality,
        monotonic: bool,
        points: impl FnOnce(&mut PointsWriter<'_>),
    ) -> &mut Self {
        self.metric([name, description, unit], layout::SUM, Some((temporality, monotonic)), points)
    }

    /// Adds a histogram.
    pub fn histogram(
        &mut self,
        name: &str,
        description: &str,
        unit: &str,
        temporality: Temporality,
        points: impl FnOnce(&mut PointsWriter<'_>),
    ) -> &mut Self {
        self.metric([name, description, unit], layout::HISTOGRAM, Some((temporality, false)), points)
    }

    /// Adds an exponential histogram.
    pub fn exponential_histogram(
        &mut self,
        name: &str,
        description: &str,
        unit: &str,
        temporality: Temporality,
        points: impl FnOnce(&mut PointsWriter<'_>),
    ) -> &mut Self {
        self.metric([name, description, unit], layout::EXPONENTIAL, Some((temporality, false)), points)
    }

    fn metric(
        &mut self,
        [name, description, unit]: [&str; 3],
        kind: u32,
        sum: Option<(Temporality, bool)>,
        points: impl FnOnce(&mut PointsWriter<'_>),
    ) -> &mut Self {
        let metric = self.nest.item();
        let out = &mut self.nest.out;
        put_text(out, layout::METRIC_NAME, name);
        put_text(out, 2, description);
        put_text(out, 3, unit);
        let data = open(out, kind, 2);
        let mut writer = PointsWriter { out, kind, points: 0 };
        points(&mut writer);
        let written = writer.points;
        if let Some((temporality, monotonic)) = sum {
            put_varint_field(out, 2, temporality.to_wire());
            if monotonic {
                put_varint_field(out, 3, 1);
            }
        }
        close(out, data);
        self.nest.end_item(metric, written);
        self
    }
}

/// Writes the points of one metric. A point of another type than the metric's is not written.
pub struct PointsWriter<'a> {
    out: &'a mut Vec<u8>,
    /// The field of the metric that holds these points.
    kind: u32,
    points: usize,
}

impl PointsWriter<'_> {
    /// Adds a point to a gauge or sum.
    pub fn number(
        &mut self,
        fields: &PointFields,
        value: Number,
        attributes: impl FnOnce(&mut AttributesWriter<'_>),
    ) -> &mut Self {
        self.number_with(fields, value, &[], attributes)
    }

    /// Adds a point with exemplars to a gauge or sum.
    pub fn number_with(
        &mut self,
        fields: &PointFields,
        value: Number,
        exemplars: &[ExemplarFields<'_>],
        attributes: impl FnOnce(&mut AttributesWriter<'_>),
    ) -> &mut Self {
        self.point(&[layout::GAUGE, layout::SUM], fields, 8, attributes, |out| {
            put_number(out, 4, value);
            put_exemplars(out, 5, exemplars);
        })
    }

    /// Adds a point to a histogram.
    pub fn histogram(
        &mut self,
        fields: &PointFields,
        numbers: &HistogramFields<'_>,
        exemplars: &[ExemplarFields<'_>],
        attributes: impl FnOnce(&mut AttributesWriter<'_>),
    ) -> &mut Self {
        self.point(&[layout::HISTOGRAM], fields, 10, attributes, |out| {
            put_fixed64_field(out, 4, numbers.count);
            put_double(out, 5, numbers.sum);
            put_packed(out, 6, numbers.bucket_counts.iter().copied());
            put_packed(out, 7, numbers.explicit_bounds.iter().map(|bound| bound.to_bits()));
            put_exemplars(out, 8, exemplars);
            put_double(out, 11, numbers.min);
            put_double(out, 12, numbers.max);
        })
    }

    /// Adds a point to an exponential histogram.
    pub fn exponential(
        &mut self,
        fields: &PointFields,
        numbers: &ExponentialFields<'_>,
        exemplars: &[ExemplarFields<'_>],
        attributes: impl FnOnce(&mut AttributesWriter<'_>),
    ) -> &mut Self {
        self.point(&[layout::EXPONENTIAL], fields, 10, attributes, |out| {
            put_fixed64_field(out, 4, numbers.count);
            put_double(out, 5, numbers.sum);
            if numbers.scale != 0 {
                put_varint_field(out, 6, zigzag(numbers.scale));
            }
            if numbers.zero_count != 0 {
                put_fixed64_field(out, 7, numbers.zero_count);
            }
            put_buckets(out, 8, numbers.positive);
            put_buckets(out, 9, numbers.negative);
            put_exemplars(out, 11, exemplars);
            put_double(out, 12, numbers.min);
            put_double(out, 13, numbers.max);
            if numbers.zero_threshold != 0.0 {
                put_double(out, 14, Some(numbers.zero_threshold));
            }
        })
    }

    /// Adds a point if it is of the metric's type. Fields 2 and 3 are the times in points of all types.
    fn point(
        &mut self,
        kinds: &[u32],
        fields: &PointFields,
        flags: u32,
        attributes: impl FnOnce(&mut AttributesWriter<'_>),
        numbers: impl FnOnce(&mut Vec<u8>),
    ) -> &mut Self {
        debug_assert!(kinds.contains(&self.kind), "a point of another type than its metric");
        if !kinds.contains(&self.kind) {
            return self;
        }
        let point = open(self.out, layout::POINTS, 2);
        if fields.start_unix_nano != 0 {
            put_fixed64_field(self.out, 2, fields.start_unix_nano);
        }
        put_fixed64_field(self.out, 3, fields.time_unix_nano);
        attributes(&mut AttributesWriter { out: self.out, number: layout::attributes_of(self.kind) });
        numbers(self.out);
        if fields.flags != 0 {
            put_varint_field(self.out, flags, u64::from(fields.flags));
        }
        close(self.out, point);
        self.points += 1;
        self
    }
}

fn put_double(out: &mut Vec<u8>, number: u32, value: Option<f64>) {
    if let Some(value) = value {
        put_fixed64_field(out, number, value.to_bits());
    }
}

/// A number of which the floating-point form has field number `double`; the integer's is 6 everywhere.
fn put_number(out: &mut Vec<u8>, double: u32, value: Number) {
    match value {
        Number::Double(value) => put_fixed64_field(out, double, value.to_bits()),
        Number::Int(value) => put_fixed64_field(out, 6, value as u64),
    }
}

fn put_packed(out: &mut Vec<u8>, number: u32, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() == 0 {
        return;
    }
    let packed = open(out, number, 1);
    values.for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    close(out, packed);
}

fn put_buckets(out: &mut Vec<u8>, number: u32, (offset, counts): (i32, &[u64])) {
    if counts.is_empty() {
        return;
    }
    let buckets = open(out, number, 1);
    if offset != 0 {
        put_varint_field(out, 1, zigzag(offset));
    }
    let packed = open(out, 2, 1);
    counts.iter().for_each(|count| put_varint(out, *count));
    close(out, packed);
    close(out, buckets);
}

fn put_exemplars(out: &mut Vec<u8>, number: u32, exemplars: &[ExemplarFields<'_>]) {
    for fields in exemplars {
        let exemplar = open(out, number, 1);
        put_fixed64_field(out, 2, fields.time_unix_nano);
        put_number(out, 3, fields.value);
        put_present(out, 4, fields.span_id);
        put_present(out, 5, fields.trace_id);
        close(out, exemplar);
    }
}
