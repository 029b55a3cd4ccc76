//! Data points of all types, their buckets, quantiles and exemplars.

use super::attribute::{Attributes, ValueView};
use super::{edits, layout, views};
use crate::edit::Node;
use crate::wire::{Fields, Payload, Reader, find, unzigzag};

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

impl Number {
    /// The value as a floating-point number.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Double(value) => value,
        }
    }
}

/// A point: a message whose numbers are looked up when asked for.
#[derive(Debug, Clone, Copy)]
struct Point<'a> {
    body: &'a [u8],
    node: Option<&'a Node>,
}

impl<'a> Point<'a> {
    fn payload(&self, number: u32) -> Option<Payload<'a>> {
        find(self.body, number)
    }

    fn number(&self, number: u32) -> u64 {
        self.payload(number).map_or(0, |payload| payload.number())
    }

    fn bytes(&self, number: u32) -> &'a [u8] {
        self.payload(number).map(|payload| payload.bytes()).unwrap_or_default()
    }

    fn double(&self, number: u32) -> Option<f64> {
        self.payload(number).map(|payload| payload.double())
    }
}

/// Declares a point type with what all points have.
macro_rules! point {
    ($(#[$doc:meta])* $Points:ident of $Point:ident, attributes: $attributes:expr, flags: $flags:expr) => {
        views!(
            /// Points of a metric.
            $Points of $Point
        );

        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $Point<'a>(Point<'a>);

        impl<'a> $Point<'a> {
            pub(crate) fn new(body: &'a [u8], node: Option<&'a Node>) -> Self {
                Self(Point { body, node })
            }

            /// The attributes that name the series.
            pub fn attributes(&self) -> Attributes<'a> {
                Attributes::edited(self.0.body, $attributes, edits(self.0.node))
            }

            /// The value of one attribute.
            pub fn attribute(&self, key: &str) -> Option<ValueView<'a>> {
                self.attributes().get(key)
            }

            /// When the series began: nanoseconds since 1970, 0 if unknown.
            pub fn start_unix_nano(&self) -> u64 {
                self.0.number(2)
            }

            /// When it was measured: nanoseconds since 1970.
            pub fn time_unix_nano(&self) -> u64 {
                self.0.number(3)
            }

            /// Bit 0: no recorded value, the series has ended.
            pub fn flags(&self) -> u32 {
                self.0.payload($flags).map_or(0, |payload| payload.number32())
            }
        }
    };
}

point!(
    /// A point of a gauge or sum.
    NumberPoints of NumberPointView, attributes: layout::NUMBER_ATTRIBUTES, flags: 8
);

impl<'a> NumberPointView<'a> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<Number> {
        value(self.0.body, 4)
    }

    /// Measurements that led to the value.
    pub fn exemplars(&self) -> Exemplars<'a> {
        Exemplars { fields: Fields::new(self.0.body), number: 5 }
    }
}

/// The number of a point or exemplar, whose floating-point form has field number `double`.
fn value(body: &[u8], double: u32) -> Option<Number> {
    let field = Fields::new(body).find(|field| field.number == double || field.number == 6)?;
    Some(if field.number == 6 {
        Number::Int(field.payload.number() as i64)
    } else {
        Number::Double(field.payload.double())
    })
}

point!(
    /// A point of a histogram with explicit bounds.
    HistogramPoints of HistogramPointView, attributes: layout::HISTOGRAM_ATTRIBUTES, flags: 10
);

/// The numbers of a histogram's point, for those who need most of them.
#[derive(Debug, Clone, Copy)]
pub struct HistogramNumbers<'a> {
    /// When the series began: nanoseconds since 1970, 0 if unknown.
    pub start_unix_nano: u64,
    /// When it was measured: nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// See [`HistogramPointView::flags`].
    pub flags: u32,
    /// How many measurements.
    pub count: u64,
    /// Their sum, if known.
    pub sum: Option<f64>,
    /// How many in each bucket.
    pub bucket_counts: Fixed64s<'a>,
    /// Upper bounds of all buckets but the last.
    pub explicit_bounds: Doubles<'a>,
}

impl<'a> HistogramPointView<'a> {
    /// Times, flags, count, sum and buckets in one walk, where each by itself takes one.
    pub fn numbers(&self) -> HistogramNumbers<'a> {
        let none = Fixed64s(Reader::new(&[]));
        let mut numbers = HistogramNumbers {
            start_unix_nano: 0,
            time_unix_nano: 0,
            flags: 0,
            count: 0,
            sum: None,
            bucket_counts: none,
            explicit_bounds: Doubles(none),
        };
        for field in Fields::new(self.0.body) {
            match field.number {
                2 => numbers.start_unix_nano = field.payload.number(),
                3 => numbers.time_unix_nano = field.payload.number(),
                4 => numbers.count = field.payload.number(),
                5 => numbers.sum = Some(field.payload.double()),
                6 => numbers.bucket_counts = Fixed64s(Reader::new(field.payload.bytes())),
                7 => numbers.explicit_bounds = Doubles(Fixed64s(Reader::new(field.payload.bytes()))),
                10 => numbers.flags = field.payload.number32(),
                _ => {}
            }
        }
        numbers
    }

    /// How many measurements.
    pub fn count(&self) -> u64 {
        self.0.number(4)
    }

    /// Their sum, if known.
    pub fn sum(&self) -> Option<f64> {
        self.0.double(5)
    }

    /// How many in each bucket: one more than there are bounds, or none at all.
    pub fn bucket_counts(&self) -> Fixed64s<'a> {
        Fixed64s(Reader::new(self.0.bytes(6)))
    }

    /// Upper bounds of all buckets but the last.
    pub fn explicit_bounds(&self) -> Doubles<'a> {
        Doubles(Fixed64s(Reader::new(self.0.bytes(7))))
    }

    /// Some of the measurements.
    pub fn exemplars(&self) -> Exemplars<'a> {
        Exemplars { fields: Fields::new(self.0.body), number: 8 }
    }

    /// The least of them, if known.
    pub fn min(&self) -> Option<f64> {
        self.0.double(11)
    }

    /// The greatest of them, if known.
    pub fn max(&self) -> Option<f64> {
        self.0.double(12)
    }
}

point!(
    /// A point of an exponential histogram.
    ExponentialPoints of ExponentialPointView, attributes: layout::EXPONENTIAL_ATTRIBUTES, flags: 10
);

impl<'a> ExponentialPointView<'a> {
    /// How many measurements.
    pub fn count(&self) -> u64 {
        self.0.number(4)
    }

    /// Their sum, if known.
    pub fn sum(&self) -> Option<f64> {
        self.0.double(5)
    }

    /// The base of the buckets is 2^(2^-scale).
    pub fn scale(&self) -> i32 {
        unzigzag(self.0.payload(6).map_or(0, |payload| payload.number32()))
    }

    /// How many were zero, or too near to it.
    pub fn zero_count(&self) -> u64 {
        self.0.number(7)
    }

    /// How near to zero counts as zero.
    pub fn zero_threshold(&self) -> f64 {
        self.0.double(14).unwrap_or_default()
    }

    /// Buckets of positive measurements.
    pub fn positive(&self) -> Buckets<'a> {
        Buckets(self.0.bytes(8))
    }

    /// Buckets of negative measurements.
    pub fn negative(&self) -> Buckets<'a> {
        Buckets(self.0.bytes(9))
    }

    /// Some of the measurements.
    pub fn exemplars(&self) -> Exemplars<'a> {
        Exemplars { fields: Fields::new(self.0.body), number: 11 }
    }

    /// The least of them, if known.
    pub fn min(&self) -> Option<f64> {
        self.0.double(12)
    }

    /// The greatest of them, if known.
    pub fn max(&self) -> Option<f64> {
        self.0.double(13)
    }
}

/// Neighbouring buckets of an exponential histogram.
#[derive(Debug, Clone, Copy)]
pub struct Buckets<'a>(&'a [u8]);

impl<'a> Buckets<'a> {
    /// Index of the first bucket.
    pub fn offset(&self) -> i32 {
        unzigzag(find(self.0, 1).map_or(0, |payload| payload.number32()))
    }

    /// How many in each bucket.
    pub fn counts(&self) -> Varints<'a> {
        Varints(Reader::new(find(self.0, 2).map(|payload| payload.bytes()).unwrap_or_default()))
    }
}

point!(
    /// A point of a summary.
    SummaryPoints of SummaryPointView, attributes: layout::SUMMARY_ATTRIBUTES, flags: 8
);

impl<'a> SummaryPointView<'a> {
    /// How many measurements.
    pub fn count(&self) -> u64 {
        self.0.number(4)
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.0.double(5).unwrap_or_default()
    }

    /// Pairs of quantile (0 to 1) and value.
    pub fn quantiles(&self) -> Quantiles<'a> {
        Quantiles(Fields::new(self.0.body))
    }
}

/// Pairs of quantile and value.
#[derive(Debug, Clone)]
pub struct Quantiles<'a>(Fields<'a>);

impl Iterator for Quantiles<'_> {
    type Item = (f64, f64);

    fn next(&mut self) -> Option<Self::Item> {
        let body = self.0.find(|field| field.number == 6)?.payload.bytes();
        let double = |number| find(body, number).map_or(0.0, |payload| payload.double());
        Some((double(1), double(2)))
    }
}

/// The exemplars of a point.
#[derive(Debug, Clone)]
pub struct Exemplars<'a> {
    fields: Fields<'a>,
    number: u32,
}

impl<'a> Iterator for Exemplars<'a> {
    type Item = ExemplarView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.number;
        self.fields.find(|field| field.number == number).map(|field| ExemplarView { body: field.payload.bytes() })
    }
}

/// One measurement, with the span in which it was made.
#[derive(Debug, Clone, Copy)]
pub struct ExemplarView<'a> {
    body: &'a [u8],
}

impl<'a> ExemplarView<'a> {
    /// Attributes of the measurement that are not attributes of the point.
    pub fn filtered_attributes(&self) -> Attributes<'a> {
        Attributes::edited(self.body, 7, &[])
    }

    /// When it was made: nanoseconds since 1970.
    pub fn time_unix_nano(&self) -> u64 {
        find(self.body, 2).map_or(0, |payload| payload.number())
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<Number> {
        value(self.body, 3)
    }

    /// 8 bytes, or none.
    pub fn span_id(&self) -> &'a [u8] {
        find(self.body, 4).map(|payload| payload.bytes()).unwrap_or_default()
    }

    /// 16 bytes, or none.
    pub fn trace_id(&self) -> &'a [u8] {
        find(self.body, 5).map(|payload| payload.bytes()).unwrap_or_default()
    }
}

/// Packed numbers of eight bytes each.
#[derive(Debug, Clone, Copy)]
pub struct Fixed64s<'a>(Reader<'a>);

impl Iterator for Fixed64s<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0.array().map(u64::from_le_bytes)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.0.bytes.len().saturating_sub(self.0.at) / 8;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Fixed64s<'_> {}

/// Packed floating-point numbers.
#[derive(Debug, Clone, Copy)]
pub struct Doubles<'a>(Fixed64s<'a>);

impl Iterator for Doubles<'_> {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        self.0.next().map(f64::from_bits)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Doubles<'_> {}

/// Packed varints.
#[derive(Debug, Clone, Copy)]
pub struct Varints<'a>(Reader<'a>);

impl Iterator for Varints<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0.varint()
    }
}
