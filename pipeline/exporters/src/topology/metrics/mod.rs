//! Metrics: what others counted, as rows.
//!
//! In this room: totals becoming increments, what metrics mean by name, edges and nodes from their labels.
//! Not here: who the ends are (`identity`).
//!
//! Enter at [`Metrics::take`].

mod edge;
mod flows;
mod graph;
mod latency;
mod meaning;
mod owners;
mod red;
mod states;
mod streams;

use std::hash::BuildHasher;
use std::sync::Arc;

use component::Now;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pdata::{Attributes, Batch, Exemplars, MetricData, MetricView, Number, ScopeView, Temporality};
use topology::{End, Rows};

use self::edge::{Edge, Edges};
use self::latency::Layouts;
use self::meaning::Meaning;
use self::states::Pods;
use self::streams::{Increment, Nothing, Reading, Streams};
use super::identity::{Identity, Known, Owners, Residents};
use super::route::Routes;

/// What reading points needs beside the points.
pub(super) struct Context<'c> {
    pub(super) residents: &'c mut Residents,
    pub(super) routes: &'c mut Routes,
    pub(super) owners: &'c Owners,
    pub(super) known: &'c mut Known,
    pub(super) now: Now,
}

impl Context<'_> {
    /// The end of an identity, known from now on.
    fn end(&mut self, identity: &Identity<'_>) -> Arc<End> {
        let end = self.residents.end(identity, self.owners);
        for fresh in self.residents.take_fresh() {
            self.known.meet(&fresh);
        }
        end
    }
}

/// What happened to points, by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PointTally {
    /// Gave a row, or told that nothing changed.
    pub(super) taken: u64,
    /// Mean nothing to the map.
    pub(super) foreign: u64,
    /// Findings of the map itself.
    pub(super) own: u64,
    /// First of their streams.
    pub(super) references: u64,
    /// Told already.
    pub(super) repeated: u64,
    /// Of writers that started over.
    pub(super) resets: u64,
    /// Of streams for which there is no room.
    pub(super) full: u64,
    /// Of nobody: without a name, of an address that every machine has, or the rest that a sender does not tell apart.
    pub(super) nobody: u64,
    /// Say that there is no value any more.
    pub(super) absent: u64,
    /// Of a kind that is not read, without temporality, or with a value that is no number.
    pub(super) unreadable: u64,
}

/// Everything that is kept of metrics. One for all shards, under their lock.
pub(super) struct Metrics {
    /// Streams of edges and nodes.
    streams: Streams<Arc<Edge>>,
    /// Streams of states that have to become rates.
    counters: Streams<()>,
    edges: Edges,
    layouts: Layouts,
    pods: Pods,
    /// When ends were last told of by semantic convention: their span metrics would tell the same again.
    by_convention: HashMap<u64, u64, RandomState>,
    by_convention_restarts: u64,
    hasher: RandomState,
    scratch: Vec<u64>,
    tally: PointTally,
}

/// Most rows for which room is made at once. They are large, and growing by doubling copies a scrape of them; but a point
/// takes a few bytes only, so that whoever sends many must not make us take much more.
const MOST_ROOM: usize = 65_536;

/// The flag of a point that says that there is no value (opentelemetry/proto/metrics/v1, `DataPointFlags`).
const NO_RECORDED_VALUE: u32 = 1;

/// A point, whatever its type.
struct Point<'a, 'b> {
    attributes: Attributes<'a>,
    start: u64,
    time: u64,
    is_absent: bool,
    temporality: Temporality,
    value: f64,
    count: u64,
    sum: f64,
    buckets: &'b [u64],
    shape: u32,
    exemplars: Option<Exemplars<'a>>,
}

/// The metric that is read, and whose it is.
struct Told<'a, 't> {
    /// Names resource, scope and metric.
    key: u64,
    resource_key: u64,
    resource: &'t Identity<'a>,
    unit: f64,
}

impl Metrics {
    pub(super) fn new(most: usize, expiration: u64, since: u64) -> Self {
        Self {
            streams: Streams::new(most, expiration, since),
            counters: Streams::new(most, expiration, since),
            edges: Edges::default(),
            layouts: Layouts::default(),
            pods: Pods::default(),
            by_convention: HashMap::default(),
            by_convention_restarts: 0,
            hasher: RandomState::default(),
            scratch: Vec::new(),
            tally: PointTally::default(),
        }
    }

    /// What happened since this was last asked.
    pub(super) fn take_tally(&mut self) -> PointTally {
        std::mem::take(&mut self.tally)
    }

    /// How often the numbers of all pods, and who told by convention, were forgotten for want of room.
    pub(super) fn restarts(&self) -> [u64; 2] {
        [self.pods.restarts, self.by_convention_restarts]
    }

    /// How many streams are followed.
    pub(super) fn streams(&self) -> usize {
        self.streams.len().saturating_add(self.counters.len())
    }

    /// Reads the points of a batch. Per point, no allocation for streams that are known:
    /// benches/micro/topology_rows.rs.
    pub(super) fn take(&mut self, batch: &Batch, context: &mut Context<'_>, rows: &mut Rows) {
        self.edges.begin(context.known.restarts().iter().sum());
        owners::learn(batch, context);
        let first = rows.facts.len();
        rows.facts.reserve(calls_in(batch).min(MOST_ROOM));
        for resource in batch.resources() {
            let identity = Identity::read(resource.attributes());
            let resource_key = self.hash(resource.attributes());
            for scope in resource.scopes() {
                self.take_scope(&scope, (resource_key, &identity), context, rows);
            }
        }
        self.pods.finish(rows);
        graph::close_gaps(rows.facts.get_mut(first..).unwrap_or_default());
    }

    fn take_scope<'a>(
        &mut self,
        scope: &ScopeView<'a>,
        (resource_key, resource): (u64, &Identity<'a>),
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) {
        let has_durations = scope.metrics().any(|metric| Meaning::of(metric.name()) == Some(Meaning::SpanDuration));
        for metric in scope.metrics() {
            let points = metric.points() as u64;
            let Some(meaning) = Meaning::of(metric.name()) else {
                self.tally.foreign = self.tally.foreign.saturating_add(points);
                continue;
            };
            if meaning == Meaning::Own {
                self.tally.own = self.tally.own.saturating_add(points);
                continue;
            }
            if meaning == Meaning::SpanCalls && has_durations {
                self.tally.taken = self.tally.taken.saturating_add(points);
                continue;
            }
            let key = self.hasher.hash_one((resource_key, scope.name(), metric.name()));
            let told = Told { key, resource_key, resource, unit: meaning::unit(metric.unit(), metric.name()) };
            self.take_metric(&metric, meaning, &told, context, rows);
        }
    }

    fn take_metric(
        &mut self,
        metric: &MetricView<'_>,
        meaning: Meaning,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let arrival = context.now.unix_nanos;
        match metric.data() {
            MetricData::Gauge(points) => {
                for point in points {
                    let fields = (point.start_unix_nano(), point.time_unix_nano(), point.flags());
                    let read = Point::at(point.attributes(), fields, Temporality::Unspecified, arrival);
                    self.take_point(read.number(point.value()), meaning, told, context, rows);
                }
            }
            MetricData::Sum { points, temporality, .. } => {
                for point in points {
                    let fields = (point.start_unix_nano(), point.time_unix_nano(), point.flags());
                    let read = Point::at(point.attributes(), fields, temporality, arrival);
                    self.take_point(read.number(point.value()), meaning, told, context, rows);
                }
            }
            MetricData::Histogram { points, temporality } => {
                for point in points {
                    let numbers = point.numbers();
                    scratch.clear();
                    scratch.extend(numbers.bucket_counts.take(latency::MOST_BUCKETS));
                    let fields = (numbers.start_unix_nano, numbers.time_unix_nano, numbers.flags);
                    let read = Point::at(point.attributes(), fields, temporality, arrival);
                    let shape = self.layouts.of(numbers.explicit_bounds, told.unit);
                    let read = read.observations(numbers.count, numbers.sum, (&scratch, shape), point.exemplars());
                    self.take_point(read, meaning, told, context, rows);
                }
            }
            MetricData::ExponentialHistogram { points, temporality } => {
                for point in points {
                    latency::rescale(&point, told.unit, &mut scratch);
                    let fields = (point.start_unix_nano(), point.time_unix_nano(), point.flags());
                    let read = Point::at(point.attributes(), fields, temporality, arrival);
                    let buckets = (scratch.as_slice(), latency::EXPONENTIAL);
                    let read = read.observations(point.count(), point.sum(), buckets, point.exemplars());
                    self.take_point(read, meaning, told, context, rows);
                }
            }
            MetricData::Empty | MetricData::Summary(_) => {
                self.tally.unreadable = self.tally.unreadable.saturating_add(metric.points() as u64);
            }
        }
        self.scratch = scratch;
    }

    fn take_point(
        &mut self,
        point: Result<Point<'_, '_>, Unplaced>,
        meaning: Meaning,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) {
        let outcome = point.and_then(|point| self.place(&point, meaning, told, context, rows));
        let place = match outcome {
            Ok(()) => &mut self.tally.taken,
            Err(Unplaced::Nothing(Nothing::Reference)) => &mut self.tally.references,
            Err(Unplaced::Nothing(Nothing::Repeated)) => &mut self.tally.repeated,
            Err(Unplaced::Nothing(Nothing::Reset)) => &mut self.tally.resets,
            Err(Unplaced::Nothing(Nothing::Full)) => &mut self.tally.full,
            Err(Unplaced::Nobody) => &mut self.tally.nobody,
            Err(Unplaced::Absent) => &mut self.tally.absent,
            Err(Unplaced::Nothing(Nothing::Temporality) | Unplaced::Unreadable) => &mut self.tally.unreadable,
        };
        *place = place.saturating_add(1);
    }

    fn place(
        &mut self,
        point: &Point<'_, '_>,
        meaning: Meaning,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unplaced> {
        match meaning {
            Meaning::Graph(what) => self.graph(what, point, told, context, rows),
            Meaning::Red(what) => self.red(what, point, told, context, rows),
            Meaning::SpanDuration | Meaning::SpanCalls => self.span_metrics(point, told, context, rows),
            Meaning::Flow(what) => self.flow(what, point, told, context, rows),
            Meaning::State(what) => self.state(what, false, point, told, context),
            Meaning::Labelled(what) => self.state(what, true, point, told, context),
            Meaning::Own | Meaning::Owner(_) => Ok(()),
        }
    }

    /// What a stream of an edge grew by, and its edge, made if it is new or may be known better now.
    fn follow(
        &mut self,
        stream: u64,
        point: &Point<'_, '_>,
        context: &mut Context<'_>,
        make: impl Fn(&mut Edges, &mut Context<'_>) -> Arc<Edge>,
    ) -> Result<(Increment, Arc<Edge>), Nothing> {
        let reading = point.reading(stream);
        let edges = &mut self.edges;
        let (grown, edge) = self.streams.take(&reading, context.now.unix_nanos, || make(edges, context));
        let increment = grown?;
        let edge = edge.ok_or(Nothing::Full)?;
        if self.edges.may_change(edge, context.known.revision()) {
            *edge = make(&mut self.edges, context);
        }
        Ok((increment, Arc::clone(edge)))
    }

    /// A hash of attributes in any order.
    fn hash(&self, attributes: Attributes<'_>) -> u64 {
        self.hashes(attributes, b"").0
    }

    /// The same, and that of all attributes but the one called `but`.
    fn hashes(&self, attributes: Attributes<'_>, but: &[u8]) -> (u64, u64) {
        let (mut all, mut rest) = (0_u64, 0_u64);
        for attribute in attributes {
            let key = attribute.key_bytes();
            let hash = self.hasher.hash_one((key, attribute.value().encoded()));
            all = all.wrapping_add(hash);
            if key != but {
                rest = rest.wrapping_add(hash);
            }
        }
        (all, rest)
    }
}

/// Why a point gives no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unplaced {
    Nothing(Nothing),
    /// It does not say whom it is about, or names what anybody may be.
    Nobody,
    /// It says that there is no value any more.
    Absent,
    /// Its value is no number.
    Unreadable,
}

impl From<Nothing> for Unplaced {
    fn from(nothing: Nothing) -> Self {
        Self::Nothing(nothing)
    }
}

impl<'a, 'b> Point<'a, 'b> {
    /// A point without a value yet, from its start, time and flags. One without a time tells of its arrival.
    fn at(
        attributes: Attributes<'a>,
        (start, time, flags): (u64, u64, u32),
        temporality: Temporality,
        arrival: u64,
    ) -> Self {
        Self {
            attributes,
            start,
            time: if time == 0 { arrival } else { time },
            is_absent: flags & NO_RECORDED_VALUE != 0,
            temporality,
            value: 0.0,
            count: 0,
            sum: 0.0,
            buckets: &[],
            shape: latency::NONE,
            exemplars: None,
        }
    }

    fn number(self, value: Option<Number>) -> Result<Self, Unplaced> {
        if self.is_absent {
            return Err(Unplaced::Absent);
        }
        let value = value.map(Number::as_f64).filter(|value| value.is_finite()).ok_or(Unplaced::Unreadable)?;
        Ok(Self { value, count: latency::nanoseconds(value), ..self })
    }

    fn observations(
        self,
        count: u64,
        sum: Option<f64>,
        (buckets, shape): (&'b [u64], u32),
        exemplars: Exemplars<'a>,
    ) -> Result<Self, Unplaced> {
        if self.is_absent {
            return Err(Unplaced::Absent);
        }
        let buckets = if shape == latency::NONE { &[] } else { buckets };
        Ok(Self { count, sum: sum.unwrap_or_default(), buckets, shape, exemplars: Some(exemplars), ..self })
    }

    fn reading(&self, stream: u64) -> Reading<'_> {
        Reading {
            stream,
            temporality: self.temporality,
            start: self.start,
            time: self.time,
            count: self.count,
            sum: self.sum,
            buckets: self.buckets,
            shape: self.shape,
        }
    }
}

/// How many points of a batch may tell of calls.
fn calls_in(batch: &Batch) -> usize {
    let mut points = 0_usize;
    for scope in batch.resources().flat_map(|resource| resource.scopes()) {
        let of_calls = scope.metrics().filter(|metric| Meaning::of(metric.name()).is_some_and(Meaning::is_of_calls));
        points = of_calls.fold(points, |points, metric| points.saturating_add(metric.points()));
    }
    points
}
