//! Writes HTTP and TCP metrics as one batch, a resource per process.

use pdata::{AttributesWriter, Batch, MetricsWriter, Number, PointFields, PointsWriter, Temporality};

use super::http_metrics::{self, HttpMetrics, HttpSeries, write_histogram};
use super::lineage::Side;
use super::process::Who;
use super::spans::SCOPE;
use super::tcp_metrics::{Edge, EdgeCounts, Endpoint, TcpMetrics};

type HttpRow<'a> = (bool, &'a HttpSeries);
type TcpRow<'a> = (Option<&'a Edge>, &'a EdgeCounts);

/// All metrics at `now`, Unix nanoseconds.
pub fn report(http: &HttpMetrics, tcp: &TcpMetrics, temporality: Temporality, now: u64) -> Option<Batch> {
    // Overflow series belong to no process; they stand first, under a resource of their own.
    let mut http: Vec<HttpRow<'_>> = http.iter().collect();
    http.sort_by_key(|row| http_owner(row).map(Who::number));
    let mut tcp: Vec<TcpRow<'_>> = tcp.iter().collect();
    tcp.sort_by_key(|(edge, _)| edge.map(|edge| edge.process.number()));
    let mut owners: Vec<Option<&Who>> = http.iter().map(http_owner).collect();
    owners.extend(tcp.iter().map(|(edge, _)| edge.map(|edge| &edge.process)));
    owners.sort_by_key(|owner| owner.map(Who::number));
    owners.dedup();
    if owners.is_empty() {
        return None;
    }
    let mut writer = MetricsWriter::new();
    for owner in owners {
        writer.resource(|attributes| resource(owner, attributes));
        writer.scope(SCOPE, env!("CARGO_PKG_VERSION"));
        let of_owner = run(&http, |row| http_owner(row).map(Who::number), owner.map(Who::number));
        http_metrics::write(&mut writer, of_owner, temporality, now);
        let of_owner = run(&tcp, |(edge, _)| edge.map(|edge| edge.process.number()), owner.map(Who::number));
        write_edges(&mut writer, of_owner, temporality, now);
    }
    Some(writer.finish())
}

fn http_owner<'a>(row: &HttpRow<'a>) -> Option<&'a Who> {
    let (is_overflow, series) = *row;
    (!is_overflow).then_some(&series.who)
}

fn resource(owner: Option<&Who>, attributes: &mut AttributesWriter<'_>) {
    match owner {
        Some(owner) => owner.0.attributes.iter().for_each(|(key, value)| {
            attributes.add(key, value.as_str());
        }),
        None => {
            attributes.add("service.name", SCOPE);
        }
    }
}

/// The rows with this key in a list sorted by it.
fn run<T, K: Ord>(rows: &[T], key: impl Fn(&T) -> K, wanted: K) -> &[T] {
    let start = rows.partition_point(|row| key(row) < wanted);
    let end = rows.partition_point(|row| key(row) <= wanted);
    rows.get(start..end).unwrap_or_default()
}

fn write_edges(writer: &mut MetricsWriter, edges: &[TcpRow<'_>], temporality: Temporality, now: u64) {
    if edges.is_empty() {
        return;
    }
    let point = |counts: &EdgeCounts| PointFields { start_unix_nano: counts.since, time_unix_nano: now, flags: 0 };
    writer.sum("tidewatch.tcp.bytes", "Payload bytes.", "By", temporality, true, |points| {
        for (edge, counts) in edges {
            let directions = [("forward", counts.bytes_to_destination), ("backward", counts.bytes_to_source)];
            for (direction, bytes) in directions {
                number(points, &point(counts), bytes, |attributes| {
                    describe(*edge, attributes);
                    attributes.add("tidewatch.direction", direction);
                });
            }
        }
    });
    type Pick = fn(&EdgeCounts) -> u64;
    const SUMS: [(&str, &str, &str, Pick); 2] = [
        ("tidewatch.tcp.connections", "Connections established.", "{connection}", |counts| counts.connections),
        ("tidewatch.tcp.retransmits", "Segments sent again by the observed end.", "{segment}", |counts| {
            counts.retransmits
        }),
    ];
    for (name, description, unit, pick) in SUMS {
        writer.sum(name, description, unit, temporality, true, |points| {
            for (edge, counts) in edges {
                number(points, &point(counts), pick(counts), |attributes| describe(*edge, attributes));
            }
        });
    }
    write_failures(writer, edges, temporality, now);
    write_times(writer, edges, temporality, now);
}

fn write_failures(writer: &mut MetricsWriter, edges: &[TcpRow<'_>], temporality: Temporality, now: u64) {
    if edges.iter().all(|(_, counts)| counts.failed.is_empty()) {
        return;
    }
    let description = "Attempts to connect that failed.";
    writer.sum("tidewatch.tcp.failed_connections", description, "{connection}", temporality, true, |points| {
        for (edge, counts) in edges {
            let fields = PointFields { start_unix_nano: counts.since, time_unix_nano: now, flags: 0 };
            for (cause, count) in &counts.failed {
                number(points, &fields, *count, |attributes| {
                    describe(*edge, attributes);
                    attributes.add("error.type", *cause);
                });
            }
        }
    });
}

fn write_times(writer: &mut MetricsWriter, edges: &[TcpRow<'_>], temporality: Temporality, now: u64) {
    type Pick = fn(&EdgeCounts) -> &super::histogram::Histogram;
    const TIMES: [(&str, &str, Pick); 2] = [
        ("tidewatch.tcp.connect.duration", "Time from SYN to establishment.", |counts| &counts.connect_seconds),
        ("tidewatch.tcp.rtt", "Smoothed round trip time.", |counts| &counts.rtt_seconds),
    ];
    for (name, description, pick) in TIMES {
        if edges.iter().all(|(_, counts)| pick(counts).count() == 0) {
            continue;
        }
        writer.histogram(name, description, "s", temporality, |points| {
            for (edge, counts) in edges {
                write_histogram(points, pick(counts), counts.since, now, |attributes| describe(*edge, attributes));
            }
        });
    }
}

fn number(
    points: &mut PointsWriter<'_>,
    fields: &PointFields,
    value: u64,
    attributes: impl FnOnce(&mut AttributesWriter<'_>),
) {
    points.number(fields, Number::Int(i64::try_from(value).unwrap_or(i64::MAX)), attributes);
}

/// Attributes of an edge; the overflow series has only its mark.
fn describe(edge: Option<&Edge>, attributes: &mut AttributesWriter<'_>) {
    let Some(edge) = edge else {
        attributes.add("otel.metric.overflow", true);
        return;
    };
    let reporter = if edge.reporter == Side::Client { "source" } else { "destination" };
    attributes.add("tidewatch.reporter", reporter);
    endpoint("source", &edge.source, attributes);
    endpoint("destination", &edge.destination, attributes);
    attributes.add("destination.port", edge.destination_port);
    attributes.add("network.transport", "tcp");
    if let Some(protocol) = edge.protocol {
        attributes.add("network.protocol.name", protocol);
    }
}

fn endpoint(side: &str, endpoint: &Endpoint, attributes: &mut AttributesWriter<'_>) {
    let texts = [
        ("service.name", &endpoint.service),
        ("k8s.workload.name", &endpoint.workload),
        ("k8s.namespace.name", &endpoint.namespace),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            attributes.add(&format!("{side}.{name}"), text.as_ref());
        }
    }
    if let Some(address) = endpoint.address {
        attributes.add(&format!("{side}.address"), address.to_string().as_str());
    }
}
