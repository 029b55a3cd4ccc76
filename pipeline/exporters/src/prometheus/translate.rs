//! From a batch of OTLP metrics to what the store takes.

use std::fmt::Write;
use std::time::Duration;

use pdata::{
    Batch, ExemplarView, Exemplars, HistogramPointView, MetricData, MetricView, NumberPointView, ScopeView,
    SummaryPointView, Temporality,
};

use super::exposition::{open_metrics_number, open_metrics_seconds};
use super::point::{Change, Point, Value};
use super::store::{Arrival, Kind, Refused, SeriesKey, Store};
use crate::prometheus_names::{Labeller, Labels, MetricNamer, ResourcePart, Role, ScopePart};

/// The coarsest scale of Prometheus' own exponential histograms.
const COARSEST_SCALE: i32 = -4;
/// Bit of a point's flags: the series has ended.
const NO_RECORDED_VALUE: u32 = 1;

/// Points of all types have the same methods and no common trait.
macro_rules! read {
    ($point:expr, $value:expr) => {
        Read {
            attributes: $point.attributes(),
            start: $point.start_unix_nano(),
            time: $point.time_unix_nano(),
            ended: $point.flags() & NO_RECORDED_VALUE != 0,
            value: $value,
        }
    };
}

/// Translates batches; holds what the configuration says about it.
#[derive(Debug)]
pub(super) struct Translator {
    pub(super) metrics: MetricNamer,
    pub(super) labeller: Labeller,
    /// Exemplars are served.
    pub(super) exemplars: bool,
}

/// What became of the points of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) taken: usize,
    pub(super) refused: Vec<(Refused, usize)>,
    /// The first refused metric of each reason, for the log.
    pub(super) examples: Vec<(Refused, String)>,
}

impl Outcome {
    fn refuse(&mut self, why: Refused, points: usize, metric: &str) {
        match self.refused.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count = count.saturating_add(points),
            None => {
                self.refused.push((why, points));
                self.examples.push((why, metric.to_owned()));
            }
        }
    }
}

impl Translator {
    /// Puts a batch into the store.
    pub(super) fn put(&self, batch: &Batch, store: &mut Store, now: Duration) -> Outcome {
        let mut outcome = Outcome::default();
        let mut labels = Labels::default();
        for view in batch.resources() {
            let resource = self.labeller.resource(&view);
            for scope in view.scopes() {
                let part = self.labeller.scope(&scope);
                let common = Common { translator: self, resource: &resource, scope: &part, now };
                common.scope(&scope, store, &mut labels, &mut outcome);
            }
            self.target(&view, &resource, store, &mut labels, now, &mut outcome);
        }
        outcome
    }

    /// `target_info` says what is known of a job's instance; without both there is nothing to join it with.
    fn target(
        &self,
        view: &pdata::ResourceView,
        resource: &ResourcePart,
        store: &mut Store,
        labels: &mut Labels,
        now: Duration,
        outcome: &mut Outcome,
    ) {
        let (Some(job), Some(instance)) = (&resource.job, &resource.instance) else { return };
        let family = self.metrics.own("target_info");
        let put = match self.labeller.target(view, resource, labels) {
            Err(_) => Err(Refused::Name),
            Ok(_) => {
                let value = Value::Number { value: 1.0, exemplar: None };
                let point = Point { time: 0, value };
                let arrival = Arrival {
                    family: &family,
                    kind: Kind::Gauge,
                    help: "Target metadata",
                    key: SeriesKey::of(labels, None),
                    point,
                    change: Change::To,
                };
                store.put_target(format!("{job}\u{0}{instance}"), arrival, now)
            }
        };
        if let Err(why) = put {
            // No point of the sender is lost, but what describes them.
            outcome.refuse(why, 0, &family);
        }
    }
}

/// What the metrics of a scope have in common.
struct Common<'a> {
    translator: &'a Translator,
    resource: &'a ResourcePart,
    scope: &'a ScopePart,
    now: Duration,
}

impl Common<'_> {
    fn scope(&self, scope: &ScopeView, store: &mut Store, labels: &mut Labels, outcome: &mut Outcome) {
        for metric in scope.metrics() {
            if let Err(why) = self.metric(&metric, store, labels, outcome) {
                outcome.refuse(why, metric.points().max(1), metric.name());
            }
        }
    }

    /// An error refuses all points of the metric; what is wrong with one of them goes to `outcome`.
    fn metric(
        &self,
        metric: &MetricView,
        store: &mut Store,
        labels: &mut Labels,
        outcome: &mut Outcome,
    ) -> Result<(), Refused> {
        let data = metric.data();
        let (kind, role, reserved) = match &data {
            MetricData::Empty => return Err(Refused::Empty),
            MetricData::Gauge(_) => (Kind::Gauge, Role::Gauge, None),
            MetricData::Sum { monotonic: false, .. } => (Kind::Gauge, Role::Other, None),
            MetricData::Sum { monotonic: true, .. } => (Kind::Counter, Role::Counter, None),
            MetricData::Histogram { .. } | MetricData::ExponentialHistogram { .. } => {
                (Kind::Histogram, Role::Other, Some("le"))
            }
            MetricData::Summary(_) => (Kind::Summary, Role::Other, Some("quantile")),
        };
        let temporality = match &data {
            MetricData::Sum { temporality: Temporality::Delta, monotonic: false, .. } => {
                return Err(Refused::Temporality);
            }
            MetricData::Sum { temporality, .. }
            | MetricData::Histogram { temporality, .. }
            | MetricData::ExponentialHistogram { temporality, .. } => *temporality,
            MetricData::Empty | MetricData::Gauge(_) | MetricData::Summary(_) => Temporality::Cumulative,
        };
        if temporality == Temporality::Unspecified {
            return Err(Refused::Temporality);
        }
        let name = self.translator.metrics.name(metric.name(), metric.unit(), role).map_err(|_| Refused::Name)?;
        let exemplars = self.translator.exemplars;
        let mut each = |point: Read| {
            let change = match temporality {
                Temporality::Delta => Change::Since(point.start),
                Temporality::Cumulative | Temporality::Unspecified => Change::To,
            };
            let series = Named { family: &name, kind, help: metric.description(), reserved };
            match self.point(point, &series, change, store, labels) {
                Ok(()) => outcome.taken = outcome.taken.saturating_add(1),
                Err(why) => outcome.refuse(why, 1, metric.name()),
            }
        };
        match data {
            MetricData::Empty => {}
            MetricData::Gauge(points) => points.map(|point| read!(point, number(&point, false))).for_each(&mut each),
            MetricData::Sum { points, monotonic, .. } => {
                let exemplars = exemplars && monotonic;
                points.map(|point| read!(point, number(&point, exemplars))).for_each(&mut each);
            }
            MetricData::Histogram { points, .. } => {
                points.map(|point| read!(point, Ok(histogram(&point, exemplars)))).for_each(&mut each);
            }
            MetricData::ExponentialHistogram { points, .. } => points
                .map(|point| {
                    let total = Value::Total { sum: point.sum().unwrap_or_default(), count: point.count() };
                    read!(point, if point.scale() < COARSEST_SCALE { Err(Refused::Scale) } else { Ok(total) })
                })
                .for_each(&mut each),
            MetricData::Summary(points) => points.map(|point| read!(point, Ok(summary(&point)))).for_each(&mut each),
        }
        Ok(())
    }

    fn point(
        &self,
        point: Read,
        series: &Named,
        change: Change,
        store: &mut Store,
        labels: &mut Labels,
    ) -> Result<(), Refused> {
        let labeller = &self.translator.labeller;
        labeller.labels(self.resource, self.scope, point.attributes, labels).map_err(|_| Refused::Name)?;
        let key = SeriesKey::of(labels, series.reserved);
        if point.ended {
            store.remove(series.family, &key);
            return Ok(());
        }
        let point = Point { time: point.time, value: point.value? };
        let Named { family, kind, help, .. } = *series;
        store.put(Arrival { family, kind, help, key, point, change }, self.now)
    }
}

/// What the points of a metric have in common.
struct Named<'a> {
    family: &'a str,
    kind: Kind,
    help: &'a str,
    /// The label that is written per line.
    reserved: Option<&'a str>,
}

/// What points of all types have.
struct Read<'a> {
    attributes: pdata::Attributes<'a>,
    start: u64,
    time: u64,
    ended: bool,
    value: Result<Value, Refused>,
}

fn number(point: &NumberPointView, exemplars: bool) -> Result<Value, Refused> {
    let value = point.value().ok_or(Refused::Empty)?.as_f64();
    // A counter's line has room for one: the latest.
    let exemplar = if exemplars { point.exemplars().last().and_then(exemplar_text) } else { None };
    Ok(Value::Number { value, exemplar })
}

fn histogram(point: &HistogramPointView, with_exemplars: bool) -> Value {
    // What is above the last bound is the rest of `count`, also when somebody writes infinity as a bound.
    let mut buckets: Vec<(f64, u64)> = point
        .explicit_bounds()
        .zip(point.bucket_counts().chain(std::iter::repeat(0)))
        .filter(|(bound, _)| bound.is_finite())
        .collect();
    if !buckets.is_sorted_by(|(a, _), (b, _)| a < b) {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        buckets.dedup_by(|(a, _), (b, _)| a == b);
    }
    let (bounds, counts): (Vec<f64>, Vec<u64>) = buckets.into_iter().unzip();
    let exemplars = if with_exemplars { by_bucket(point.exemplars(), &bounds) } else { Box::default() };
    Value::Histogram {
        bounds: bounds.into(),
        counts: counts.into(),
        sum: point.sum().unwrap_or_default(),
        count: point.count(),
        exemplars,
    }
}

/// The latest exemplar of each bucket, the one above all bounds included; empty if there is none at all.
fn by_bucket(exemplars: Exemplars, bounds: &[f64]) -> Box<[Option<Box<str>>]> {
    let mut places: Vec<Option<Box<str>>> = Vec::new();
    for exemplar in exemplars {
        let value = exemplar.value().map_or(0.0, pdata::Number::as_f64);
        let place = bounds.partition_point(|bound| *bound < value);
        places.resize(bounds.len().saturating_add(1), None);
        if let Some(at) = places.get_mut(place) {
            *at = exemplar_text(exemplar);
        }
    }
    places.into()
}

/// An exemplar as OpenMetrics writes it, if it tells a trace or a span.
fn exemplar_text(exemplar: ExemplarView) -> Option<Box<str>> {
    let mut text = String::new();
    for (name, id) in [("trace_id", exemplar.trace_id()), ("span_id", exemplar.span_id())] {
        if id.iter().all(|byte| *byte == 0) {
            continue;
        }
        text.push_str(if text.is_empty() { "{" } else { "," });
        text.push_str(name);
        text.push_str("=\"");
        for byte in id {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('"');
    }
    if text.is_empty() {
        return None;
    }
    let value = open_metrics_number(exemplar.value().map_or(0.0, pdata::Number::as_f64));
    let time = open_metrics_seconds(exemplar.time_unix_nano(), 1e9);
    let _ = write!(text, "}} {value} {time}");
    Some(text.into())
}

fn summary(point: &SummaryPointView) -> Value {
    let mut quantiles: Vec<(f64, f64)> = point.quantiles().collect();
    quantiles.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    quantiles.dedup_by(|(a, _), (b, _)| a == b);
    Value::Summary { quantiles: quantiles.into(), sum: point.sum(), count: point.count() }
}
