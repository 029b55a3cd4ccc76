//! From a batch of OTLP metrics to series with samples.

use foldhash::fast::RandomState;
use pdata::{
    Attributes, Batch, ExemplarView, Exemplars, ExponentialPointView, HistogramPointView, MetricData, MetricView,
    NumberPointView, ResourceView, SummaryPointView, Temporality,
};

use super::STALE;
use super::native::{self, Exponential, Side};
use super::series::{SeriesId, Table, write_label};
use super::wire::PutField;
use crate::prometheus_names::{
    Labeller, Labels, MetricNamer, NameError, ResourcePart, Role, ScopePart, decimal, unit_word,
};

/// Bit of a point's flags: the series has ended.
const NO_RECORDED_VALUE: u32 = 1;
/// Characters that an exemplar's labels may have together; OpenMetrics says so.
const LONGEST_EXEMPLAR: usize = 128;

/// Why points are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Dropped {
    /// A delta, or a sum that does not say what it is.
    Temporality,
    /// The metric or one of its labels has no legal name.
    Name,
    /// An exponential histogram coarser than Prometheus knows.
    Scale,
    /// No value.
    Empty,
    /// A later sample of the batch has the same series and time.
    Duplicate,
}

impl Dropped {
    pub(super) const ALL: [Self; 5] = [Self::Temporality, Self::Name, Self::Scale, Self::Empty, Self::Duplicate];

    /// The value of the label `reason`.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Temporality => "unsupported_temporality",
            Self::Name => "invalid_name",
            Self::Scale => "unsupported_scale",
            Self::Empty => "empty",
            Self::Duplicate => "duplicate_sample",
        }
    }
}

impl From<NameError> for Dropped {
    fn from(_: NameError) -> Self {
        Self::Name
    }
}

/// What came of a batch.
pub(super) struct Translated {
    pub(super) table: Table,
    /// Encoded metadata, empty unless it is asked for.
    pub(super) metadata: Vec<u8>,
    /// How many points, and the first metric of each reason.
    pub(super) dropped: Vec<(Dropped, usize, String)>,
}

impl Translated {
    fn drop_points(&mut self, why: Dropped, points: usize, metric: &str) {
        match self.dropped.iter_mut().find(|(known, _, _)| *known == why) {
            Some((_, count, _)) => *count = count.saturating_add(points),
            None => self.dropped.push((why, points, metric.to_owned())),
        }
    }
}

/// Translates batches; holds what the configuration says about it.
#[derive(Debug)]
pub(super) struct Translator {
    pub(super) metrics: MetricNamer,
    pub(super) labeller: Labeller,
    pub(super) target_info: bool,
    pub(super) metadata: bool,
}

impl Translator {
    /// Translates a batch. Equal hashers give a series the same lane in every batch.
    pub(super) fn translate(&self, batch: &Batch, hasher: RandomState) -> Translated {
        let mut done = Translated { table: Table::new(hasher), metadata: Vec::new(), dropped: Vec::new() };
        let mut labels = Labels::default();
        for view in batch.resources() {
            let resource = self.labeller.resource(&view);
            let mut latest = 0;
            for scope in view.scopes() {
                let part = self.labeller.scope(&scope);
                for metric in scope.metrics() {
                    let mut one =
                        One { translator: self, resource: &resource, scope: &part, labels: &mut labels, latest };
                    if let Err(why) = one.metric(&metric, &mut done) {
                        done.drop_points(why, metric.points().max(1), metric.name());
                    }
                    latest = one.latest;
                }
            }
            if self.target_info && latest > 0 {
                self.target(&view, &resource, latest, &mut labels, &mut done);
            }
        }
        done
    }

    /// `target_info` says what is known of a resource besides the job and instance that it is joined by.
    fn target(
        &self,
        view: &ResourceView,
        resource: &ResourcePart,
        time: u64,
        labels: &mut Labels,
        done: &mut Translated,
    ) {
        let name = self.metrics.own("target_info");
        match self.labeller.target(view, resource, labels) {
            Err(why) => done.drop_points(why.into(), 0, &name),
            Ok(0) => {}
            Ok(_) => {
                let identified = labels.iter().any(|(label, _)| matches!(label, "job" | "instance"));
                if let Some(series) = identified.then(|| done.table.series(&name, labels, None)).flatten() {
                    done.table.sample(series, millis(time), 1.0);
                }
            }
        }
    }
}

/// One metric on its way.
struct One<'a> {
    translator: &'a Translator,
    resource: &'a ResourcePart,
    scope: &'a ScopePart,
    labels: &'a mut Labels,
    /// The latest time of the resource's points.
    latest: u64,
}

impl One<'_> {
    /// An error drops all points of the metric.
    fn metric(&mut self, metric: &MetricView, done: &mut Translated) -> Result<(), Dropped> {
        let data = metric.data();
        let (role, kind) = match &data {
            MetricData::Empty => return Err(Dropped::Empty),
            MetricData::Gauge(_) => (Role::Gauge, 2),
            MetricData::Sum { monotonic: true, .. } => (Role::Counter, 1),
            MetricData::Sum { monotonic: false, .. } => (Role::Other, 2),
            MetricData::Histogram { .. } | MetricData::ExponentialHistogram { .. } => (Role::Other, 3),
            MetricData::Summary(_) => (Role::Other, 5),
        };
        let name = self.translator.metrics.name(metric.name(), metric.unit(), role)?;
        if let MetricData::Sum { temporality, .. }
        | MetricData::Histogram { temporality, .. }
        | MetricData::ExponentialHistogram { temporality, .. } = &data
            && *temporality != Temporality::Cumulative
        {
            return Err(Dropped::Temporality);
        }
        if self.translator.metadata {
            write_metadata(&mut done.metadata, kind, &name, metric);
        }
        match data {
            MetricData::Empty => {}
            MetricData::Gauge(points) => {
                self.each(points, metric, done, |one, point, table| one.number(&name, &point, false, table));
            }
            MetricData::Sum { points, monotonic, .. } => {
                self.each(points, metric, done, |one, point, table| one.number(&name, &point, monotonic, table));
            }
            MetricData::Histogram { points, .. } => {
                self.each(points, metric, done, |one, point, table| one.histogram(&name, &point, table));
            }
            MetricData::ExponentialHistogram { points, .. } => {
                self.each(points, metric, done, |one, point, table| one.exponential(&name, &point, table));
            }
            MetricData::Summary(points) => {
                self.each(points, metric, done, |one, point, table| one.summary(&name, &point, table));
            }
        }
        Ok(())
    }

    fn each<P>(
        &mut self,
        points: impl Iterator<Item = P>,
        metric: &MetricView,
        done: &mut Translated,
        mut translate: impl FnMut(&mut Self, P, &mut Table) -> Result<(), Dropped>,
    ) {
        for point in points {
            if let Err(why) = translate(self, point, &mut done.table) {
                done.drop_points(why, 1, metric.name());
            }
        }
    }

    fn label(&mut self, attributes: Attributes, time: u64) -> Result<(), Dropped> {
        self.latest = self.latest.max(time);
        Ok(self.translator.labeller.labels(self.resource, self.scope, attributes, self.labels)?)
    }

    fn number(
        &mut self,
        name: &str,
        point: &NumberPointView,
        exemplars: bool,
        table: &mut Table,
    ) -> Result<(), Dropped> {
        let time = point.time_unix_nano();
        self.label(point.attributes(), time)?;
        let value = match point.value() {
            _ if is_stale(point.flags()) => f64::from_bits(STALE),
            Some(value) => value.as_f64(),
            None => return Err(Dropped::Empty),
        };
        let series = table.series(name, self.labels, None).ok_or(Dropped::Name)?;
        table.sample(series, millis(time), value);
        if exemplars {
            point.exemplars().for_each(|exemplar| put_exemplar(table, series, exemplar));
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, point: &HistogramPointView, table: &mut Table) -> Result<(), Dropped> {
        let time = point.time_unix_nano();
        self.label(point.attributes(), time)?;
        let stale = is_stale(point.flags());
        let put = |table: &mut Table, name: &str, more: Option<(&str, &str)>, value: f64| {
            let series = table.series(name, self.labels, more)?;
            table.sample(series, millis(time), if stale { f64::from_bits(STALE) } else { value });
            Some(series)
        };
        if let Some(sum) = point.sum() {
            put(table, &format!("{name}_sum"), None, sum);
        }
        put(table, &format!("{name}_count"), None, float(point.count()));
        let bucket = format!("{name}_bucket");
        let mut buckets: Vec<(f64, Option<SeriesId>)> = Vec::new();
        let mut total = 0_u64;
        // Somebody may write infinity as a bound; the bucket of all is told by the count.
        for (bound, count) in point.explicit_bounds().zip(point.bucket_counts()).filter(|(bound, _)| bound.is_finite())
        {
            total = total.saturating_add(count);
            buckets.push((bound, put(table, &bucket, Some(("le", &decimal(bound))), float(total))));
        }
        buckets.push((f64::INFINITY, put(table, &bucket, Some(("le", "+Inf")), float(point.count()))));
        put_by_bucket(table, point.exemplars(), &buckets);
        Ok(())
    }

    fn exponential(&mut self, name: &str, point: &ExponentialPointView, table: &mut Table) -> Result<(), Dropped> {
        let time = point.time_unix_nano();
        self.label(point.attributes(), time)?;
        let (positive, negative) = (point.positive(), point.negative());
        let native = Exponential {
            stale: is_stale(point.flags()),
            count: point.count(),
            sum: point.sum().unwrap_or_default(),
            scale: point.scale(),
            zero_count: point.zero_count(),
            zero_threshold: point.zero_threshold(),
            positive: Side { offset: positive.offset(), counts: positive.counts() },
            negative: Side { offset: negative.offset(), counts: negative.counts() },
        };
        let series = table.series(name, self.labels, None).ok_or(Dropped::Name)?;
        let written = table.histogram(series, millis(time), |out| native::write(native, millis(time), out));
        written.map_err(|_| Dropped::Scale)?;
        point.exemplars().for_each(|exemplar| put_exemplar(table, series, exemplar));
        Ok(())
    }

    fn summary(&mut self, name: &str, point: &SummaryPointView, table: &mut Table) -> Result<(), Dropped> {
        let time = point.time_unix_nano();
        self.label(point.attributes(), time)?;
        let stale = is_stale(point.flags());
        let mut put = |name: &str, more: Option<(&str, &str)>, value: f64| {
            if let Some(series) = table.series(name, self.labels, more) {
                table.sample(series, millis(time), if stale { f64::from_bits(STALE) } else { value });
            }
        };
        put(&format!("{name}_sum"), None, point.sum());
        put(&format!("{name}_count"), None, float(point.count()));
        for (quantile, value) in point.quantiles() {
            put(name, Some(("quantile", &decimal(quantile))), value);
        }
        Ok(())
    }
}

fn is_stale(flags: u32) -> bool {
    flags & NO_RECORDED_VALUE != 0
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Puts each exemplar into the first bucket that holds its value.
fn put_by_bucket(table: &mut Table, exemplars: Exemplars, buckets: &[(f64, Option<SeriesId>)]) {
    for exemplar in exemplars {
        let value = exemplar.value().map_or(0.0, pdata::Number::as_f64);
        let bucket = buckets.iter().find(|(bound, _)| value <= *bound);
        if let Some((_, Some(series))) = bucket {
            put_exemplar(table, *series, exemplar);
        }
    }
}

fn put_exemplar(table: &mut Table, series: SeriesId, exemplar: ExemplarView) {
    let time = millis(exemplar.time_unix_nano());
    let mut labels: Vec<(&str, String)> = Vec::new();
    for (name, id) in [("trace_id", exemplar.trace_id()), ("span_id", exemplar.span_id())] {
        if id.iter().any(|byte| *byte != 0) {
            labels.push((name, id.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
    }
    let size = |labels: &[(&str, String)]| -> usize {
        labels.iter().map(|(name, value)| name.chars().count().saturating_add(value.chars().count())).sum()
    };
    let ids = labels.len();
    let filtered = exemplar.filtered_attributes();
    labels.extend(filtered.map(|attribute| (attribute.key(), attribute.value().as_display_string().into_owned())));
    if size(&labels) > LONGEST_EXEMPLAR {
        labels.truncate(ids);
    }
    table.exemplar(series, time, |out| {
        for (name, value) in &labels {
            write_label(out, name, value);
        }
        out.double(2, exemplar.value().map_or(0.0, pdata::Number::as_f64));
        out.varint(3, time.cast_unsigned());
    });
}

fn write_metadata(out: &mut Vec<u8>, kind: u64, name: &str, metric: &MetricView) {
    let mut metadata = Vec::new();
    metadata.varint(1, kind);
    metadata.bytes(2, name.as_bytes());
    for (field, text) in [(4, metric.description()), (5, unit_word(metric.unit()).as_str())] {
        if !text.is_empty() {
            metadata.bytes(field, text.as_bytes());
        }
    }
    out.bytes(3, &metadata);
}
