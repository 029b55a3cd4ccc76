//! Tidewatch about itself: counters, gauges and histograms under the Collector's names.
//!
//! A series is a few atomics that its owner updates without a lock; the registry is locked only to register and to
//! read. Registering a series again returns the same one, so shards share it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pdata::Signal;

/// Monotonic count.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that goes up and down.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Adds to the value; negative amounts subtract.
    pub fn add(&self, amount: f64) {
        let sum = |bits| Some((f64::from_bits(bits) + amount).to_bits());
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }

    /// The value now.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Counts observations in buckets with fixed upper bounds.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    bounds: &'static [f64],
    counts: Vec<AtomicU64>,
    sum: Gauge,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { bounds, counts, sum: Gauge::default() }))
    }

    /// Counts one observation. A value equal to a bound falls below it.
    pub fn observe(&self, value: f64) {
        let bucket = self.0.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.0.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.add(value);
    }
}

/// How a family is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Monotonic sum.
    Counter,
    /// Value at a moment.
    Gauge,
    /// Buckets.
    Histogram,
}

/// One reading of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// Of a counter or gauge.
    Value(f64),
    /// Of a histogram: bounds, one count more than bounds (not cumulative), sum.
    Buckets(&'static [f64], Vec<u64>, f64),
}

/// One series of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Label names and values, in the order of registration.
    pub labels: Vec<(String, String)>,
    /// Its reading.
    pub sample: Sample,
}

/// All series of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name as on `/metrics`.
    pub name: String,
    /// What it counts.
    pub help: String,
    /// How to read it.
    pub kind: Kind,
    /// Its series, sorted by labels.
    pub series: Vec<Series>,
}

type Labels = Vec<(String, String)>;

enum Source {
    Counter(Counter),
    Gauge(Gauge),
    Reading(Box<dyn Fn() -> f64 + Send>),
    Histogram(Histogram),
}

struct Registered {
    help: &'static str,
    kind: Kind,
    series: BTreeMap<Labels, Source>,
}

/// All that Tidewatch reports about itself.
#[derive(Default)]
pub struct Registry {
    families: Mutex<BTreeMap<String, Registered>>,
}

impl Registry {
    /// A counter. Names and labels are those of the Collector where it has one.
    pub fn counter(&self, name: &str, help: &'static str, labels: &[(&str, &str)]) -> Counter {
        let fresh = || Source::Counter(Counter::default());
        let known = |source: &Source| match source {
            Source::Counter(counter) => Some(counter.clone()),
            _ => None,
        };
        self.register(name, help, Kind::Counter, labels, fresh, known).unwrap_or_default()
    }

    /// A gauge that its owner sets.
    pub fn gauge(&self, name: &str, help: &'static str, labels: &[(&str, &str)]) -> Gauge {
        let fresh = || Source::Gauge(Gauge::default());
        let known = |source: &Source| match source {
            Source::Gauge(gauge) => Some(gauge.clone()),
            _ => None,
        };
        self.register(name, help, Kind::Gauge, labels, fresh, known).unwrap_or_default()
    }

    /// A counter or gauge that is read when asked for. The first registration of a series stays.
    pub fn reading(
        &self,
        name: &str,
        help: &'static str,
        kind: Kind,
        labels: &[(&str, &str)],
        read: impl Fn() -> f64 + Send + 'static,
    ) {
        self.register(name, help, kind, labels, || Source::Reading(Box::new(read)), |_| Some(()));
    }

    /// A histogram with upper bounds `bounds`, ascending.
    pub fn histogram(
        &self,
        name: &str,
        help: &'static str,
        labels: &[(&str, &str)],
        bounds: &'static [f64],
    ) -> Histogram {
        let fresh = || Source::Histogram(Histogram::new(bounds));
        let known = |source: &Source| match source {
            Source::Histogram(histogram) => Some(histogram.clone()),
            _ => None,
        };
        self.register(name, help, Kind::Histogram, labels, fresh, known).unwrap_or_else(|| Histogram::new(bounds))
    }

    /// `None` if the name is taken by a series of another kind.
    fn register<T>(
        &self,
        name: &str,
        help: &'static str,
        kind: Kind,
        labels: &[(&str, &str)],
        fresh: impl FnOnce() -> Source,
        known: impl FnOnce(&Source) -> Option<T>,
    ) -> Option<T> {
        let labels: Labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name.into()).or_insert(Registered { help, kind, series: BTreeMap::new() });
        debug_assert_eq!(family.kind, kind, "{name} is registered as two kinds");
        known(family.series.entry(labels).or_insert_with(fresh))
    }

    /// Reads everything, sorted by name.
    pub fn read(&self) -> Vec<Family> {
        let families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |(name, family): (&String, &Registered)| Family {
            name: name.clone(),
            help: family.help.into(),
            kind: family.kind,
            series: family.series.iter().map(|(labels, source)| sample(labels, source)).collect(),
        };
        families.iter().map(read).collect()
    }

    /// Reads everything in the Prometheus text format, version 0.0.4.
    pub fn prometheus_text(&self) -> String {
        let mut text = String::new();
        for family in self.read() {
            write_family(&mut text, &family);
        }
        text
    }
}

fn sample(labels: &Labels, source: &Source) -> Series {
    let sample = match source {
        #[expect(clippy::cast_precision_loss, reason = "the text format has only floats")]
        Source::Counter(counter) => Sample::Value(counter.get() as f64),
        Source::Gauge(gauge) => Sample::Value(gauge.get()),
        Source::Reading(read) => Sample::Value(read()),
        Source::Histogram(Histogram(buckets)) => Sample::Buckets(
            buckets.bounds,
            buckets.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            buckets.sum.get(),
        ),
    };
    Series { labels: labels.clone(), sample }
}

fn write_family(text: &mut String, family: &Family) {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let name = &family.name;
    let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
    for series in &family.series {
        match &series.sample {
            Sample::Value(value) => write_line(text, name, "", &series.labels, None, *value),
            Sample::Buckets(bounds, counts, sum) => write_buckets(text, name, series, bounds, counts, *sum),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the text format has only floats")]
fn write_buckets(text: &mut String, name: &str, series: &Series, bounds: &[f64], counts: &[u64], sum: f64) {
    let mut total = 0;
    for (position, count) in counts.iter().enumerate() {
        total += count;
        let bound = bounds.get(position).map_or_else(|| "+Inf".into(), f64::to_string);
        write_line(text, name, "_bucket", &series.labels, Some(&bound), total as f64);
    }
    write_line(text, name, "_sum", &series.labels, None, sum);
    write_line(text, name, "_count", &series.labels, None, total as f64);
}

fn write_line(text: &mut String, name: &str, suffix: &str, labels: &Labels, bound: Option<&str>, value: f64) {
    let _ = write!(text, "{name}{suffix}");
    let bound = bound.map(|bound| ("le", bound));
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(bound);
    let mut separator = '{';
    for (name, value) in labels {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{separator}{name}=\"{escaped}\"");
        separator = ',';
    }
    let end = if separator == ',' { "}" } else { "" };
    let _ = writeln!(text, "{end} {value}");
}

/// The noun of a signal's items in metric names.
pub(crate) fn noun(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Metrics => "metric_points",
        Signal::Logs => "log_records",
    }
}

/// What every exporter counts.
#[derive(Debug, Clone)]
pub struct ExporterTelemetry {
    sent: Counter,
    failed: Counter,
    enqueue_failed: Counter,
}

impl ExporterTelemetry {
    /// Registers the counters of one exporter for one signal.
    pub fn new(registry: &Registry, exporter: &str, signal: Signal) -> Self {
        let labels = [("exporter", exporter)];
        let counter =
            |verb: &str, help| registry.counter(&format!("otelcol_exporter_{verb}_{}", noun(signal)), help, &labels);
        Self {
            sent: counter("sent", "Items that the destination took."),
            failed: counter("send_failed", "Items that the destination did not take."),
            enqueue_failed: counter("enqueue_failed", "Items that the sending queue did not take."),
        }
    }

    /// The destination took `items`.
    pub fn sent(&self, items: usize) {
        self.sent.add(items as u64);
    }

    /// The destination did not take `items`, and will not be asked again.
    pub fn failed(&self, items: usize) {
        self.failed.add(items as u64);
    }

    /// The queue had no room for `items`.
    pub fn enqueue_failed(&self, items: usize) {
        self.enqueue_failed.add(items as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_read_as_prometheus_text() {
        let registry = Registry::default();
        registry.counter("otelcol_receiver_accepted_spans", "Spans taken.", &[("receiver", "otlp")]).add(3);
        let sizes = registry.histogram("sizes", "Sizes.", &[("processor", "a\"b")], &[1.0, 2.0]);
        sizes.observe(2.0);
        sizes.observe(9.0);
        registry.reading("uptime", "Seconds.", Kind::Gauge, &[], || 1.5);

        assert_eq!(
            registry.prometheus_text(),
            "# HELP otelcol_receiver_accepted_spans Spans taken.\n\
             # TYPE otelcol_receiver_accepted_spans counter\n\
             otelcol_receiver_accepted_spans{receiver=\"otlp\"} 3\n\
             # HELP sizes Sizes.\n\
             # TYPE sizes histogram\n\
             sizes_bucket{processor=\"a\\\"b\",le=\"1\"} 0\n\
             sizes_bucket{processor=\"a\\\"b\",le=\"2\"} 1\n\
             sizes_bucket{processor=\"a\\\"b\",le=\"+Inf\"} 2\n\
             sizes_sum{processor=\"a\\\"b\"} 11\n\
             sizes_count{processor=\"a\\\"b\"} 2\n\
             # HELP uptime Seconds.\n\
             # TYPE uptime gauge\n\
             uptime 1.5\n"
        );
    }

    #[test]
    fn two_shards_share_one_series() {
        let registry = Registry::default();
        let first = registry.counter("sent", "Sent.", &[("exporter", "debug")]);
        let second = registry.counter("sent", "Sent.", &[("exporter", "debug")]);

        first.add(1);
        second.add(2);

        assert_eq!(first.get(), 3);
    }
}
