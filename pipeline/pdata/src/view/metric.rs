//! Metrics: name, unit and the points by type.

use super::attribute::Attributes;
use super::point::{ExponentialPoints, HistogramPoints, NumberPoints, SummaryPoints};
use super::{Live, layout, views};
use crate::edit::Node;
use crate::text::text;
use crate::wire::{Fields, find};

views!(
    /// The metrics of a scope.
    Metrics of MetricView
);

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct MetricView<'a> {
    body: &'a [u8],
    node: Option<&'a Node>,
    name: &'a [u8],
    description: &'a [u8],
    unit: &'a [u8],
    data: Option<(u32, &'a [u8])>,
}

/// Over what time the values of points add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Temporality {
    /// The sender does not say.
    #[default]
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since the series began.
    Cumulative,
}

impl Temporality {
    pub(crate) fn from_wire(number: u64) -> Self {
        match number {
            1 => Temporality::Delta,
            2 => Temporality::Cumulative,
            _ => Temporality::Unspecified,
        }
    }

    pub(crate) fn to_wire(self) -> u64 {
        match self {
            Temporality::Unspecified => 0,
            Temporality::Delta => 1,
            Temporality::Cumulative => 2,
        }
    }
}

/// The points of a metric by its type.
#[derive(Debug, Clone)]
pub enum MetricData<'a> {
    /// A metric without data.
    Empty,
    /// Values that do not add up.
    Gauge(NumberPoints<'a>),
    /// Values that add up.
    Sum {
        /// The points.
        points: NumberPoints<'a>,
        /// Over what time they add up.
        temporality: Temporality,
        /// Whether they only grow.
        monotonic: bool,
    },
    /// Counts in buckets with explicit bounds.
    Histogram {
        /// The points.
        points: HistogramPoints<'a>,
        /// Over what time they add up.
        temporality: Temporality,
    },
    /// Counts in buckets of exponential width.
    ExponentialHistogram {
        /// The points.
        points: ExponentialPoints<'a>,
        /// Over what time they add up.
        temporality: Temporality,
    },
    /// Quantiles that the sender computed.
    Summary(SummaryPoints<'a>),
}

impl<'a> MetricView<'a> {
    pub(crate) fn new(body: &'a [u8], node: Option<&'a Node>) -> Self {
        let mut metric = Self { body, node, name: &[], description: &[], unit: &[], data: None };
        for field in Fields::new(body) {
            match field.number {
                layout::METRIC_NAME => metric.name = field.payload.bytes(),
                2 => metric.description = field.payload.bytes(),
                3 => metric.unit = field.payload.bytes(),
                number if layout::is_data(number) => metric.data = Some((number, field.payload.bytes())),
                _ => {}
            }
        }
        for edit in node.map_or(&[][..], Node::fields) {
            if edit.number == layout::METRIC_NAME {
                metric.name = find(&edit.encoded, edit.number).map(|payload| payload.bytes()).unwrap_or_default();
            }
        }
        metric
    }

    /// Name of the metric.
    pub fn name(&self) -> &'a str {
        text(self.name)
    }

    /// What it measures.
    pub fn description(&self) -> &'a str {
        text(self.description)
    }

    /// Its unit, by UCUM.
    pub fn unit(&self) -> &'a str {
        text(self.unit)
    }

    /// Attributes of the metric itself, not part of its identity.
    pub fn metadata(&self) -> Attributes<'a> {
        Attributes::edited(self.body, 12, &[])
    }

    /// The points by type.
    pub fn data(&self) -> MetricData<'a> {
        let Some((number, body)) = self.data else { return MetricData::Empty };
        let points = Live::children(body, layout::POINTS, self.node);
        let temporality = || Temporality::from_wire(find(body, 2).map_or(0, |payload| payload.number()));
        match number {
            layout::GAUGE => MetricData::Gauge(NumberPoints(points)),
            layout::SUM => MetricData::Sum {
                points: NumberPoints(points),
                temporality: temporality(),
                monotonic: find(body, 3).is_some_and(|payload| payload.number() != 0),
            },
            layout::HISTOGRAM => MetricData::Histogram { points: HistogramPoints(points), temporality: temporality() },
            layout::EXPONENTIAL => {
                MetricData::ExponentialHistogram { points: ExponentialPoints(points), temporality: temporality() }
            }
            _ => MetricData::Summary(SummaryPoints(points)),
        }
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.data.map_or(0, |(_, body)| Live::children(body, layout::POINTS, self.node).count())
    }
}
