//! Findings as OTLP: log records that are events, and gauges.

use std::collections::{BTreeMap, BTreeSet};

use pdata::{AttributesWriter, Batch, LogFields, LogsWriter, MetricsWriter, Number, PointFields, PointsWriter, Value};
use topology::{Class, Level, Moment, NodeId, Notice, Notices, Transport};

use super::herald::{Message, State};

/// The scope of all that is written here; the exporter `topology` knows its own data by it.
pub const SCOPE: &str = "tidewatch.topology";

/// Log records for these messages.
pub fn events(messages: &[Message], now: Moment) -> Batch {
    let mut writer = LogsWriter::new();
    writer.resource(|attributes| {
        attributes.add("service.name", "tidewatch");
    });
    writer.scope(SCOPE, env!("CARGO_PKG_VERSION"));
    for Message { state, notice } in messages {
        let name = format!("topology.{}", notice.finding);
        let (number, text) = severity(*state, notice.level);
        let body = match state {
            State::Open | State::StillOpen => notice.message.clone(),
            State::Closed => format!("over: {}", notice.message),
        };
        let fields = LogFields {
            time_unix_nano: if *state == State::Open { notice.first_seen.0 } else { now.0 },
            observed_time_unix_nano: now.0,
            severity_number: number,
            severity_text: text,
            body: Some(Value::from(&body)),
            event_name: &name,
            ..LogFields::default()
        };
        writer.record(&fields, |attributes| describe(attributes, *state, notice));
    }
    writer.finish()
}

/// OpenTelemetry's numbers: 9 INFO, 13 WARN, 17 ERROR.
fn severity(state: State, level: Level) -> (i32, &'static str) {
    match (state, level) {
        (State::Closed, _) | (_, Level::Ok | Level::Unknown) => (9, "INFO"),
        (_, Level::Yellow) => (13, "WARN"),
        (_, Level::Red) => (17, "ERROR"),
    }
}

fn describe(attributes: &mut AttributesWriter<'_>, state: State, notice: &Notice) {
    let state = match state {
        State::Open => "open",
        State::StillOpen => "still_open",
        State::Closed => "closed",
    };
    attributes.add("topology.finding.id", &*notice.id);
    attributes.add("topology.finding.state", state);
    attributes.add("topology.finding", &*notice.finding);
    attributes.add("topology.class", class(notice.class));
    if !notice.baseline.is_empty() {
        attributes.add("topology.baseline", &*notice.baseline);
    }
    if !notice.rule.is_empty() {
        attributes.add("topology.rule", &*notice.rule);
    }
    end(attributes, if notice.server.is_some() { "client." } else { "" }, &notice.client);
    if let Some(server) = &notice.server {
        end(attributes, "server.", server);
        if server.kind.is_outside() {
            attributes.add("server.address", &*server.name);
        }
    }
    if let Some(port) = notice.port {
        attributes.add("server.port", port);
    }
    match notice.transport {
        Transport::Tcp => drop(attributes.add("network.transport", "tcp")),
        Transport::Udp => drop(attributes.add("network.transport", "udp")),
        Transport::Unspecified => {}
    }
    if let Some(protocol) = notice.protocol.as_ref().filter(|protocol| !protocol.is_unspecified()) {
        attributes.add("network.protocol.name", &*protocol.0);
    }
    attributes.add("topology.first_seen", notice.first_seen.to_rfc3339().as_str());
    attributes.add("topology.last_seen", notice.last_seen.to_rfc3339().as_str());
    attributes.add("topology.requests", i64::try_from(notice.requests).unwrap_or(i64::MAX));
}

fn end(attributes: &mut AttributesWriter<'_>, side: &str, node: &NodeId) {
    let parts = [
        ("k8s.cluster.name", &*node.cluster),
        ("k8s.namespace.name", &*node.namespace),
        ("k8s.workload.kind", node.kind.as_str()),
        ("k8s.workload.name", &*node.name),
    ];
    for (key, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
        attributes.add(&format!("{side}{key}"), value);
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Architecture => "architecture",
        Class::Performance => "performance",
        Class::Resource => "resource",
        Class::Scheduling => "scheduling",
        Class::Network => "network",
    }
}

/// Labels of the gauge of open findings. Namespaces and not workloads: pairs of workloads would be a series each.
const LABELS: [&str; 4] = ["baseline", "finding", "client_namespace", "server_namespace"];

/// Series that were told before and have nothing to count now are told as 0 once more, so that alerts end.
#[derive(Debug, Default)]
pub struct Gauges {
    told: BTreeSet<[String; 4]>,
}

impl Gauges {
    /// Metrics of what is open; `None` before anything was judged.
    pub fn write(&mut self, notices: &Notices, now: Moment) -> Option<Batch> {
        if notices.at == Moment::default() {
            return None;
        }
        let counts = self.counts(notices);
        let point = PointFields { time_unix_nano: now.0, ..PointFields::default() };
        let mut writer = MetricsWriter::new();
        writer.resource(|attributes| {
            attributes.add("service.name", "tidewatch");
        });
        writer.scope(SCOPE, env!("CARGO_PKG_VERSION"));
        writer.gauge("topology_edge_findings", "Findings that are open.", "", |points| {
            for (labels, (count, _)) in &counts {
                points.number(&point, integer(*count), |attributes| add(attributes, labels));
            }
        });
        let about = "When the first of the open findings was first seen, in seconds since 1970.";
        writer.gauge("topology_edge_first_seen_timestamp_seconds", about, "", |points| {
            for (labels, (_, first)) in counts.iter().filter(|(_, (count, _))| *count > 0) {
                points.number(&point, Number::Double(first.0 as f64 / 1e9), |attributes| add(attributes, labels));
            }
        });
        standings(&mut writer, notices, &point);
        Some(writer.finish())
    }

    fn counts(&mut self, notices: &Notices) -> BTreeMap<[String; 4], (u64, Moment)> {
        let mut counts: BTreeMap<[String; 4], (u64, Moment)> =
            std::mem::take(&mut self.told).into_iter().map(|labels| (labels, (0, Moment(u64::MAX)))).collect();
        for notice in &notices.open {
            let server = notice.server.as_ref().map_or("", |server| &*server.namespace);
            let labels = [&*notice.baseline, &*notice.finding, &*notice.client.namespace, server].map(str::to_owned);
            let (count, first) = counts.entry(labels).or_insert((0, Moment(u64::MAX)));
            *count = count.saturating_add(1);
            *first = (*first).min(notice.first_seen);
        }
        self.told = counts.iter().filter(|(_, (count, _))| *count > 0).map(|(labels, _)| labels.clone()).collect();
        counts
    }
}

fn add(attributes: &mut AttributesWriter<'_>, labels: &[String; 4]) {
    for (key, value) in LABELS.iter().zip(labels) {
        attributes.add(key, value);
    }
}

fn standings(writer: &mut MetricsWriter, notices: &Notices, point: &PointFields) {
    let baseline = |points: &mut PointsWriter<'_>, number, name: &str, state: Option<&str>| {
        points.number(point, number, |attributes| {
            attributes.add("baseline", name);
            if let Some(state) = state {
                attributes.add("state", state);
            }
        });
    };
    writer.gauge("topology_baseline_edges", "Edges in scope of a baseline, by how they stand to it.", "", |points| {
        for standing in &notices.standings {
            for (state, count) in &standing.edges {
                baseline(points, integer(*count), &standing.baseline, Some(state));
            }
        }
    });
    let about = "Share of requests in scope of a baseline that could be judged.";
    writer.gauge("topology_baseline_coverage", about, "1", |points| {
        for standing in &notices.standings {
            if let Some(coverage) = standing.coverage {
                baseline(points, Number::Double(coverage), &standing.baseline, None);
            }
        }
    });
}

fn integer(count: u64) -> Number {
    Number::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
