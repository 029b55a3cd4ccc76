//! What the `file` exporter wrote, in a form that stories can ask.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Attributes with their values as text; arrays joined by commas.
pub type Attributes = BTreeMap<String, String>;

/// Which side of a call a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Neither of both below.
    Other,
    /// It was called.
    Server,
    /// It called.
    Client,
}

/// A span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of its resource.
    pub service: String,
    /// Its side.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Hexadecimal.
    pub trace_id: String,
    /// Hexadecimal.
    pub span_id: String,
    /// Hexadecimal; empty without parent.
    pub parent_id: String,
    /// Its status is an error.
    pub is_error: bool,
    /// Unix nanoseconds.
    pub start: u64,
    /// Unix nanoseconds.
    pub end: u64,
    /// Its attributes.
    pub attributes: Attributes,
    /// Attributes of its resource.
    pub resource: Attributes,
    /// Span ids of its links.
    pub links: Vec<String>,
}

/// A point of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// `service.name` of its resource.
    pub service: String,
    /// Name of the metric.
    pub metric: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Value of a number, sum of a histogram.
    pub value: f64,
    /// Observations of a histogram.
    pub count: u64,
    /// Unix nanoseconds.
    pub time: u64,
}

/// A call that was seen at both ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The end that called.
    pub client: Span,
    /// The end that was called.
    pub server: Span,
}

/// All that was told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// In the order in which they were written.
    pub spans: Vec<Span>,
    /// In the order in which they were written.
    pub points: Vec<Point>,
    /// Bodies of log records.
    pub logs: Vec<String>,
    /// The log of the process that told it: for the reader of a failure.
    pub log: String,
}

impl Span {
    /// An attribute; empty if it is not there.
    pub fn get(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// The status code of the response; empty without one.
    pub fn status(&self) -> &str {
        self.get("http.response.status_code")
    }

    /// The key that both ends of an exchange share.
    pub fn wire_key(&self) -> &str {
        self.get("tidewatch.wire.key")
    }
}

impl Told {
    /// Reads lines of OTLP JSON. The last one may still be being written.
    pub fn read(text: &str) -> Self {
        let mut told = Self::default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"));
            told.read_spans(&line);
            told.read_points(&line);
            let records = each(&line["resourceLogs"]).flat_map(|resource| each(&resource["scopeLogs"]));
            let records = records.flat_map(|scope| each(&scope["logRecords"]));
            told.logs.extend(records.map(|record| text_of(&record["body"])));
        }
        told
    }

    fn read_spans(&mut self, line: &Value) {
        for resource in each(&line["resourceSpans"]) {
            let attributes = attributes(&resource["resource"]);
            let spans = each(&resource["scopeSpans"]).flat_map(|scope| each(&scope["spans"]));
            self.spans.extend(spans.map(|span| read_span(span, &attributes)));
        }
    }

    fn read_points(&mut self, line: &Value) {
        for resource in each(&line["resourceMetrics"]) {
            let service = attributes(&resource["resource"]).remove("service.name").unwrap_or_default();
            for metric in each(&resource["scopeMetrics"]).flat_map(|scope| each(&scope["metrics"])) {
                let kinds = ["gauge", "sum", "histogram", "exponentialHistogram"];
                let points = kinds.iter().flat_map(|kind| each(&metric[kind]["dataPoints"]));
                self.points.extend(points.map(|point| read_point(point, &service, &plain(&metric["name"]))));
            }
        }
    }

    /// Spans of one side.
    pub fn of_kind(&self, kind: Kind) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.kind == kind).collect()
    }

    /// Every span is one end of a call whose other end is there too, as its parent or child, in the same trace and under
    /// the same wire key. In the order of the starts of the calls.
    #[track_caller]
    pub fn pairs(&self) -> Vec<Pair> {
        let clients: BTreeMap<&str, &Span> =
            self.of_kind(Kind::Client).into_iter().map(|span| (span.span_id.as_str(), span)).collect();
        let servers = self.of_kind(Kind::Server);
        assert_eq!(
            (clients.len(), servers.len()),
            (servers.len(), self.spans.len() - servers.len()),
            "pairs in {self}"
        );
        let mut pairs: Vec<Pair> = servers
            .into_iter()
            .map(|server| {
                let client =
                    clients.get(server.parent_id.as_str()).unwrap_or_else(|| panic!("no parent of {server} in {self}"));
                assert_eq!(client.trace_id, server.trace_id, "traces of a pair in {self}");
                assert_eq!(client.wire_key(), server.wire_key(), "wire keys of a pair in {self}");
                assert!(client.start <= server.start, "the call began before it was called: {client} {server}");
                Pair { client: (*client).clone(), server: server.clone() }
            })
            .collect();
        pairs.sort_by_key(|pair| pair.client.start);
        pairs
    }

    /// The only call.
    #[track_caller]
    pub fn only_pair(&self) -> Pair {
        let pairs = self.pairs();
        assert_eq!(pairs.len(), 1, "calls in {self}");
        pairs.into_iter().next().expect("one pair")
    }

    /// The last points of all series of a metric; a series is a service with a set of attributes.
    pub fn last(&self, metric: &str) -> Vec<&Point> {
        let mut series = BTreeMap::new();
        for point in self.points.iter().filter(|point| point.metric == metric) {
            series.insert((&point.service, &point.attributes), point);
        }
        series.into_values().collect()
    }

    /// The same, only series that have all these attributes.
    pub fn last_of(&self, metric: &str, having: &[(&str, &str)]) -> Vec<&Point> {
        let has =
            |point: &Point| having.iter().all(|(key, value)| point.attributes.get(*key).is_some_and(|is| is == value));
        self.last(metric).into_iter().filter(|point| has(point)).collect()
    }

    /// Sum of the last values of these series.
    pub fn total(&self, metric: &str, having: &[(&str, &str)]) -> f64 {
        self.last_of(metric, having).iter().map(|point| point.value).sum()
    }

    /// Sum of the last counts of these series.
    pub fn count(&self, metric: &str, having: &[(&str, &str)]) -> u64 {
        self.last_of(metric, having).iter().map(|point| point.count).sum()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, service, name, span_id, parent_id, .. } = self;
        let [path, url, error] = ["url.path", "url.full", "error.type"].map(|key| self.get(key));
        write!(
            out,
            "{kind:?} {service} \"{name}\" {} {path}{url} {error} {span_id}<{parent_id} {}",
            self.status(),
            self.wire_key()
        )
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        writeln!(out, "{} spans:", self.spans.len())?;
        for span in self.spans.iter().take(SHOWN) {
            writeln!(out, "  {span}")?;
        }
        write!(out, "{}", self.log)
    }
}

fn read_span(span: &Value, resource: &Attributes) -> Span {
    Span {
        service: resource.get("service.name").cloned().unwrap_or_default(),
        kind: match span["kind"].as_u64() {
            Some(2) => Kind::Server,
            Some(3) => Kind::Client,
            _ => Kind::Other,
        },
        name: plain(&span["name"]),
        trace_id: plain(&span["traceId"]),
        span_id: plain(&span["spanId"]),
        parent_id: plain(&span["parentSpanId"]),
        is_error: span["status"]["code"] == 2,
        start: number(&span["startTimeUnixNano"]),
        end: number(&span["endTimeUnixNano"]),
        attributes: attributes(span),
        resource: resource.clone(),
        links: each(&span["links"]).map(|link| plain(&link["spanId"])).collect(),
    }
}

fn read_point(point: &Value, service: &str, metric: &str) -> Point {
    let value = ["asDouble", "asInt", "sum"].iter().find_map(|key| float(&point[key]));
    Point {
        service: service.into(),
        metric: metric.into(),
        attributes: attributes(point),
        value: value.unwrap_or(0.0),
        count: number(&point["count"]),
        time: number(&point["timeUnixNano"]),
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn attributes(owner: &Value) -> Attributes {
    each(&owner["attributes"]).map(|pair| (plain(&pair["key"]), text_of(&pair["value"]))).collect()
}

/// An `AnyValue` as text.
fn text_of(value: &Value) -> String {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return String::new() };
    match kind.as_str() {
        "arrayValue" => each(&value["values"]).map(text_of).collect::<Vec<_>>().join(","),
        _ => plain(value),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, Into::into)
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

fn float(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
