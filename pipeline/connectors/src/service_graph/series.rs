//! The series of edges, and the metrics that are written from them.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use component::{BuildContext, Now};
use foldhash::fast::RandomState;
use pdata::{Batch, MetricsWriter, PointFields, PointsWriter, Temporality};

use super::config::ServiceGraphConfig;
use super::edge::{Edge, End};
use crate::emit;
use crate::histogram::{Histogram, Shape, default_bounds};
use crate::labels::{self, LabelValue};
use crate::series::{Series, SeriesTable};

const SCOPE: &str = "traces_service_graph";

/// What is known of an edge.
#[derive(Debug)]
struct Calls {
    total: u64,
    failed: u64,
    client: Histogram,
    server: Histogram,
}

/// Counts of spans by the services at both ends, as far as they are known.
type Losses = SeriesTable<u64>;

/// All series.
pub(super) struct EdgeSeries {
    edges: SeriesTable<Calls>,
    unpaired: Losses,
    dropped: Losses,
    hasher: RandomState,
    scratch: Vec<u8>,
    overflow: Vec<u8>,
    shape: Shape,
    /// Names of the labels for dimensions: of clients, of servers.
    dimensions: Vec<(String, String)>,
    virtual_node_label: bool,
    namespace_labels: bool,
    workload_labels: bool,
    protocol_label: bool,
    loss_metrics: bool,
    limit: usize,
    expiration: Duration,
    offset: u64,
    /// Since when a series that appears now has been counting. It moves on when series are dropped, so that one that
    /// comes back does not pretend to have counted from 1 since the beginning.
    start: u64,
}

impl EdgeSeries {
    pub(super) fn new(config: &ServiceGraphConfig, context: &BuildContext) -> Self {
        let mut overflow = Vec::new();
        labels::put(&mut overflow, "otel.metric.overflow", LabelValue::Flag(true));
        let offset = u64::try_from(config.metrics_timestamp_offset.as_nanoseconds()).unwrap_or(0);
        let label_names = |key: &String| (format!("client_{key}"), format!("server_{key}"));
        Self {
            edges: SeriesTable::default(),
            unpaired: Losses::default(),
            dropped: Losses::default(),
            hasher: RandomState::default(),
            scratch: Vec::new(),
            overflow,
            shape: shape(config),
            dimensions: config.dimensions.iter().map(label_names).collect(),
            virtual_node_label: config.virtual_node_extra_label,
            namespace_labels: config.namespace_labels,
            workload_labels: config.workload_labels,
            protocol_label: config.protocol_label,
            loss_metrics: config.loss_metrics,
            limit: if config.series_limit == 0 { usize::MAX } else { config.series_limit },
            expiration: config.series_expiration.as_duration(),
            offset,
            start: context.clock.now().unix_nanos,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.edges.len()
    }

    /// Counts a call whose both ends are known. Per pair of spans, no allocation for an edge that was seen before.
    pub(super) fn count(&mut self, edge: &Edge, now: Now) {
        let (Some(client), Some(server)) = (&edge.client, &edge.server) else { return };
        self.write_labels(edge, client, server);
        let shape = &self.shape;
        let fresh = || Calls { total: 0, failed: 0, client: shape.empty(), server: shape.empty() };
        let keys = [self.scratch.as_slice(), self.overflow.as_slice()];
        let Some(series) = series(&mut self.edges, &self.hasher, keys, self.limit, self.start, fresh) else { return };
        series.touched = now.monotonic;
        series.value.total += 1;
        series.value.failed += u64::from(edge.failed);
        series.value.client.observe(client.seconds, 1);
        series.value.server.observe(server.seconds, 1);
    }

    /// Counts a span whose other end did not come.
    pub(super) fn unpaired(&mut self, edge: &Edge, now: Now) {
        if self.loss_metrics {
            self.write_ends(edge);
            let keys = [self.scratch.as_slice(), self.overflow.as_slice()];
            lose(series(&mut self.unpaired, &self.hasher, keys, self.limit, self.start, || 0), now);
        }
    }

    /// Counts a span that found no room to wait.
    pub(super) fn dropped(&mut self, edge: &Edge, now: Now) {
        if self.loss_metrics {
            self.write_ends(edge);
            let keys = [self.scratch.as_slice(), self.overflow.as_slice()];
            lose(series(&mut self.dropped, &self.hasher, keys, self.limit, self.start, || 0), now);
        }
    }

    /// Drops series that nothing has updated for long.
    pub(super) fn expire(&mut self, now: Now) {
        if self.expiration.is_zero() {
            return;
        }
        let is_fresh = |touched: Duration| now.monotonic.saturating_sub(touched) <= self.expiration;
        let dropped = self.edges.retain(|series| is_fresh(series.touched))
            + self.unpaired.retain(|series| is_fresh(series.touched))
            + self.dropped.retain(|series| is_fresh(series.touched));
        if dropped > 0 {
            self.start = now.unix_nanos.saturating_sub(self.offset);
        }
    }

    fn write_labels(&mut self, edge: &Edge, client: &End, server: &End) {
        let out = &mut self.scratch;
        out.clear();
        labels::put_text(out, "client", &client.service);
        labels::put_text(out, "server", &server.service);
        labels::put_text(out, "connection_type", edge.connection.label());
        labels::put(out, "failed", LabelValue::Flag(edge.failed));
        for (place, (of_client, of_server)) in self.dimensions.iter().enumerate() {
            put_known(out, of_client, client.dimensions.get(place).and_then(Option::as_ref));
            put_known(out, of_server, server.dimensions.get(place).and_then(Option::as_ref));
        }
        if self.namespace_labels {
            put_known(out, "client_service_namespace", client.namespace.as_ref());
            put_known(out, "server_service_namespace", server.namespace.as_ref());
        }
        if self.workload_labels {
            let ends = [
                ("client_k8s_workload_name", "client_k8s_workload_kind", client),
                ("server_k8s_workload_name", "server_k8s_workload_kind", server),
            ];
            for (name, kind, end) in ends {
                let Some(workload) = &end.workload else { continue };
                labels::put_text(out, name, &workload.name);
                labels::put_text(out, kind, workload.kind);
            }
        }
        if self.protocol_label {
            put_known(out, "network_protocol_name", edge.protocol.as_ref());
        }
        if self.virtual_node_label {
            labels::put_text(out, "virtual_node", edge.unseen.label());
        }
    }

    fn write_ends(&mut self, edge: &Edge) {
        let name = |end: &Option<End>| end.as_ref().map_or_else(|| "".into(), |end| Arc::clone(&end.service));
        self.scratch.clear();
        labels::put_text(&mut self.scratch, "client", &name(&edge.client));
        labels::put_text(&mut self.scratch, "server", &name(&edge.server));
    }

    /// All series as metrics; a batch without items if there are none.
    pub(super) fn metrics(&self, now: Now) -> Batch {
        let mut writer = MetricsWriter::new();
        writer.resource(|_| {}).scope(SCOPE, "");
        let time = now.unix_nanos.saturating_sub(self.offset);
        counter(&mut writer, "request_total", &self.edges, time, |calls| Some(calls.total));
        counter(&mut writer, "request_failed_total", &self.edges, time, |calls| {
            (calls.failed > 0).then_some(calls.failed)
        });
        self.durations(&mut writer, "traces_service_graph_request_server", time, |calls| &calls.server);
        self.durations(&mut writer, "traces_service_graph_request_client", time, |calls| &calls.client);
        counter(&mut writer, "unpaired_spans_total", &self.unpaired, time, |spans| Some(*spans));
        counter(&mut writer, "dropped_spans_total", &self.dropped, time, |spans| Some(*spans));
        writer.finish()
    }

    fn durations(&self, writer: &mut MetricsWriter, name: &str, time: u64, of: impl Fn(&Calls) -> &Histogram) {
        if self.edges.len() == 0 {
            return;
        }
        let points = |points: &mut PointsWriter<'_>| {
            for series in self.edges.iter() {
                let fields = PointFields { start_unix_nano: series.start, time_unix_nano: time, flags: 0 };
                emit::duration(points, &fields, of(&series.value), &[], &series.labels);
            }
        };
        match self.shape {
            Shape::Explicit(_) => writer.histogram(name, "", "s", Temporality::Cumulative, points),
            Shape::Exponential(_) => writer.exponential_histogram(name, "", "s", Temporality::Cumulative, points),
        };
    }
}

/// The series with labels `labels`; the one for everything beyond the limit if there is no room for it.
fn series<'t, V>(
    table: &'t mut SeriesTable<V>,
    hasher: &RandomState,
    [labels, overflow]: [&[u8]; 2],
    limit: usize,
    start: u64,
    fresh: impl FnOnce() -> V,
) -> Option<&'t mut Series<V>> {
    let mut labels = labels;
    let mut hash = hasher.hash_one(labels);
    let mut place = table.find(hash, labels);
    if place.is_none() && table.len() >= limit {
        labels = overflow;
        hash = hasher.hash_one(labels);
        place = table.find(hash, labels);
    }
    let place = place.unwrap_or_else(|| table.add(hash, labels, start, fresh()));
    table.get_mut(place)
}

fn lose(series: Option<&mut Series<u64>>, now: Now) {
    if let Some(series) = series {
        series.value += 1;
        series.touched = now.monotonic;
    }
}

fn put_known(labels: &mut Vec<u8>, key: &str, value: Option<&Arc<str>>) {
    if let Some(value) = value {
        labels::put_text(labels, key, value);
    }
}

/// A sum of all series for which `value` gives something; no metric if it never does.
fn counter<V>(
    writer: &mut MetricsWriter,
    name: &str,
    table: &SeriesTable<V>,
    time: u64,
    value: impl Fn(&V) -> Option<u64>,
) {
    let counted = || table.iter().filter_map(|series| Some((series, value(&series.value)?)));
    if counted().next().is_none() {
        return;
    }
    let name = format!("{SCOPE}_{name}");
    writer.sum(&name, "", "", Temporality::Cumulative, true, |points| {
        for (series, value) in counted() {
            let fields = PointFields { start_unix_nano: series.start, time_unix_nano: time, flags: 0 };
            points.number(&fields, emit::whole(value), |out| emit::labels(out, &series.labels));
        }
    });
}

fn shape(config: &ServiceGraphConfig) -> Shape {
    const NANOSECONDS: f64 = 1e9;
    if let Some(size) = usize::try_from(config.exponential_histogram_max_size).ok().filter(|size| *size > 0) {
        return Shape::Exponential(size);
    }
    match &config.latency_histogram_buckets {
        Some(bounds) => Shape::Explicit(bounds.iter().map(|bound| bound.as_duration().as_secs_f64()).collect()),
        None => Shape::Explicit(default_bounds(NANOSECONDS)),
    }
}
