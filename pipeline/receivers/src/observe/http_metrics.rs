//! Counts HTTP exchanges by semantic convention.

use pdata::{AttributesWriter, HistogramFields, MetricsWriter, PointFields, PointsWriter, Temporality};
use protocols::Nanos;
use protocols::exchange::Details;
use protocols::semconv::{Description, Scratch, Value};

use super::finished::Finished;
use super::histogram::{BYTES, Histogram, SECONDS};
use super::lineage::Side;
use super::process::Who;
use super::series::SeriesTable;
use super::settings::HttpRules;
use super::spans::party;

/// An attribute's value that outlives the exchange.
#[derive(Debug, Clone, PartialEq)]
enum Kept {
    Text(Box<str>),
    Number(i64),
}

/// One series of each of the three metrics of a side.
#[derive(Debug)]
pub struct HttpSeries {
    /// Whose it is.
    pub who: Who,
    /// Of which side.
    pub side: Side,
    attributes: Vec<(Box<str>, Kept)>,
    duration: Histogram,
    request_size: Histogram,
    response_size: Histogram,
    /// All this happened after this, Unix nanoseconds.
    pub since: u64,
    /// When the last exchange was counted, Unix nanoseconds.
    pub until: u64,
}

/// HTTP series of all processes.
pub struct HttpMetrics {
    /// One table per side, so that what does not fit into one is not mixed with what does not fit into the other.
    clients: SeriesTable<Vec<u8>, HttpSeries>,
    servers: SeriesTable<Vec<u8>, HttpSeries>,
    scratch: Scratch,
    key: Vec<u8>,
}

impl HttpMetrics {
    /// At most `limit` series of each side.
    pub fn new(limit: usize) -> Self {
        Self {
            clients: SeriesTable::new(limit),
            servers: SeriesTable::new(limit),
            scratch: Scratch::default(),
            key: Vec::new(),
        }
    }

    // Per exchange and side. No allocation for a series that exists.
    /// Counts an exchange; a series that is new begins at `since`.
    pub fn record(&mut self, end: &Finished, rules: &HttpRules, since: Nanos) {
        let ends = end.addresses.endpoints(end.side);
        let point = rules.naming.metric(&end.exchange, party(end.side), &ends, &mut self.scratch);
        self.key.clear();
        self.key.extend_from_slice(&Who(end.process.clone()).number().to_ne_bytes());
        point.metric_attributes(|key, value| append(&mut self.key, key, value));
        let table = if end.side == Side::Client { &mut self.clients } else { &mut self.servers };
        let since = since.min(end.exchange.end);
        table.entry(self.key.as_slice(), || HttpSeries::new(end, &point, since.0)).count(end);
    }

    /// All series; the overflow series is marked.
    pub fn iter(&self) -> impl Iterator<Item = (bool, &HttpSeries)> {
        self.clients.iter().chain(self.servers.iter()).map(|(key, series)| (key.is_none(), series))
    }

    /// Forgets series that nothing was added to since `before`.
    pub fn forget_idle(&mut self, before: u64) {
        for table in [&mut self.clients, &mut self.servers] {
            table.retain(|_, series| series.until >= before);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.clients.clear();
        self.servers.clear();
    }
}

impl HttpSeries {
    fn new(end: &Finished, point: &Description<'_>, since: u64) -> Self {
        let mut attributes = Vec::new();
        point.metric_attributes(|key, value| {
            let value = match value {
                Value::Str(text) | Value::List(text) => Kept::Text(text.into()),
                Value::Int(number) => Kept::Number(number),
            };
            attributes.push((key.into(), value));
        });
        Self {
            who: Who(end.process.clone()),
            side: end.side,
            attributes,
            duration: Histogram::new(SECONDS),
            request_size: Histogram::new(BYTES),
            response_size: Histogram::new(BYTES),
            since,
            until: since,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "durations and sizes are far below 2^52")]
    fn count(&mut self, end: &Finished) {
        let exchange = &end.exchange;
        self.duration.observe(exchange.end.0.saturating_sub(exchange.start.0) as f64 / 1e9);
        let Details::Http(http) = &exchange.details;
        if let Some(size) = http.request_body_size() {
            self.request_size.observe(size as f64);
        }
        if let Some(size) = http.response_body_size() {
            self.response_size.observe(size as f64);
        }
        self.until = self.until.max(exchange.end.0);
    }

    fn add_attributes(&self, is_overflow: bool, attributes: &mut AttributesWriter<'_>) {
        if is_overflow {
            attributes.add("otel.metric.overflow", true);
            return;
        }
        for (key, value) in &self.attributes {
            match value {
                Kept::Text(text) => attributes.add(key, text.as_ref()),
                Kept::Number(number) => attributes.add(key, *number),
            };
        }
    }
}

/// A text that no other attribute gives.
fn append(key: &mut Vec<u8>, name: &str, value: Value<'_>) {
    key.extend_from_slice(name.as_bytes());
    key.push(0);
    match value {
        Value::Str(text) | Value::List(text) => {
            key.extend_from_slice(&text.len().to_ne_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        Value::Int(number) => key.extend_from_slice(&number.to_ne_bytes()),
    }
}

/// Writes the three metrics of each side that `series`, all of one process, have.
pub fn write(writer: &mut MetricsWriter, series: &[(bool, &HttpSeries)], temporality: Temporality, now: u64) {
    type Pick = fn(&HttpSeries) -> &Histogram;
    const METRICS: [(&str, &str, &str, Pick); 3] = [
        ("request.duration", "Duration of HTTP requests.", "s", |series| &series.duration),
        ("request.body.size", "Size of HTTP request bodies.", "By", |series| &series.request_size),
        ("response.body.size", "Size of HTTP response bodies.", "By", |series| &series.response_size),
    ];
    for (side, kind) in [(Side::Server, "server"), (Side::Client, "client")] {
        if series.iter().all(|(_, series)| series.side != side) {
            continue;
        }
        for (name, description, unit, pick) in METRICS {
            let full_name = format!("http.{kind}.{name}");
            writer.histogram(&full_name, description, unit, temporality, |points| {
                for (is_overflow, series) in series.iter().filter(|(_, series)| series.side == side) {
                    write_histogram(points, pick(series), series.since, now, |attributes| {
                        series.add_attributes(*is_overflow, attributes);
                    });
                }
            });
        }
    }
}

/// Writes a histogram as one point, unless nothing was observed.
pub fn write_histogram(
    points: &mut PointsWriter<'_>,
    histogram: &Histogram,
    since: u64,
    now: u64,
    attributes: impl FnOnce(&mut AttributesWriter<'_>),
) {
    if histogram.count() == 0 {
        return;
    }
    let fields = PointFields { start_unix_nano: since, time_unix_nano: now, flags: 0 };
    let numbers = HistogramFields {
        count: histogram.count(),
        sum: Some(histogram.sum()),
        bucket_counts: histogram.counts(),
        explicit_bounds: histogram.bounds(),
        ..HistogramFields::default()
    };
    points.histogram(&fields, &numbers, &[], attributes);
}
