//! What the shards' instances share: the series of each resource.

use std::time::Duration;

use component::Now;
use hashbrown::HashTable;
use pdata::Batch;

use super::config::{SpanMetricsConfig, Unit};
use crate::histogram::{Histogram, Shape, default_bounds};
use crate::labels;
use crate::series::{Series, SeriesTable};

/// A span that a point links to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exemplar {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) value: f64,
}

/// What a series counts, with links to some of it.
#[derive(Debug)]
pub(super) struct Measured<V> {
    pub(super) value: V,
    pub(super) exemplars: Vec<Exemplar>,
    /// Delta: false while nothing came since the last point.
    pub(super) is_live: bool,
}

/// A counter.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) total: u64,
    /// A new counter is told as 0 once, so that its first value is an increase to Prometheus.
    pub(super) was_told: bool,
}

/// What can start over.
pub(super) trait Restart {
    fn restart(&mut self);
}

impl Restart for Count {
    fn restart(&mut self) {
        self.total = 0;
    }
}

impl Restart for Histogram {
    fn restart(&mut self) {
        self.clear();
    }
}

/// The labels of one observation, and their hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a> {
    pub(super) hash: u64,
    pub(super) labels: &'a [u8],
}

/// The series of one metric of one resource.
#[derive(Debug)]
pub(super) struct MetricTable<V> {
    pub(super) series: SeriesTable<Measured<V>>,
    live: usize,
}

impl<V> Default for MetricTable<V> {
    fn default() -> Self {
        Self { series: SeriesTable::default(), live: 0 }
    }
}

impl<V> MetricTable<V> {
    /// Whether no series has a point to be written.
    pub(super) fn is_silent(&self) -> bool {
        self.live == 0
    }

    /// The series that have a point to be written.
    pub(super) fn telling(&self) -> impl Iterator<Item = &Series<Measured<V>>> {
        self.series.iter().filter(|series| series.value.is_live)
    }
}

/// How many series there may be, and are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// In one table.
    per_table: usize,
    /// In all.
    in_all: usize,
    /// There are, in all.
    live: usize,
}

impl<V: Restart> MetricTable<V> {
    /// The series of an observation; the overflow series if there is no room for one more.
    fn touch(
        &mut self,
        identity: Identity<'_>,
        now: Now,
        room: &mut Room,
        overflow: Identity<'_>,
        fresh: impl FnOnce() -> V,
    ) -> Option<Target> {
        let known = self.series.find(identity.hash, identity.labels);
        let is_live =
            |table: &mut Self, place: usize| table.series.get_mut(place).is_some_and(|series| series.value.is_live);
        let (known, identity, overflowed) = match known {
            Some(place) if is_live(self, place) => (known, identity, false),
            _ if self.live < room.per_table && room.live < room.in_all => (known, identity, false),
            _ => (self.series.find(overflow.hash, overflow.labels), overflow, true),
        };
        let place = match known {
            Some(place) => place,
            None => {
                let measured = Measured { value: fresh(), exemplars: Vec::new(), is_live: false };
                self.series.add(identity.hash, identity.labels, now.unix_nanos, measured)
            }
        };
        let series = self.series.get_mut(place)?;
        series.touched = now.monotonic;
        if !series.value.is_live {
            series.value.is_live = true;
            self.live += 1;
            room.live += 1;
        }
        Some(Target { place, overflowed })
    }

    fn at(&mut self, target: Option<Target>) -> Option<(&mut Measured<V>, bool)> {
        let target = target?;
        Some((&mut self.series.get_mut(target.place)?.value, target.overflowed))
    }

    fn drop_older(&mut self, age: Duration, now: Now, room: &mut Room) {
        let dropped = self.series.retain(|series| now.monotonic.saturating_sub(series.touched) < age);
        self.live = self.live.saturating_sub(dropped);
        room.live = room.live.saturating_sub(dropped);
    }

    fn forget_exemplars(&mut self) {
        self.series.iter_mut().for_each(|series| series.value.exemplars.clear());
    }

    /// Delta: everything was told; what comes now counts from `now`.
    fn start_over(&mut self, now: Now, room: &mut Room) {
        for series in self.series.iter_mut().filter(|series| series.value.is_live) {
            series.value.is_live = false;
            series.value.value.restart();
            series.value.exemplars.clear();
            series.start = now.unix_nanos;
        }
        room.live = room.live.saturating_sub(self.live);
        self.live = 0;
    }
}

/// Where observations with the same labels are counted, until something is dropped.
#[derive(Debug, Clone, Copy)]
struct Target {
    place: usize,
    overflowed: bool,
}

/// Where spans with the same labels are counted, until something is dropped: what does not change is looked up once.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpanTarget {
    calls: Option<Target>,
    durations: Option<Target>,
}

/// A resource and its series.
#[derive(Debug)]
pub(super) struct Resource {
    hash: u64,
    identity: Box<[u8]>,
    /// A batch without items, for the attributes of its only resource.
    pub(super) attributes: Batch,
    pub(super) calls: MetricTable<Count>,
    pub(super) durations: MetricTable<Histogram>,
    pub(super) events: MetricTable<Count>,
    last_seen: Duration,
    used: u64,
}

impl Resource {
    /// Whether there is a point to be written.
    pub(super) fn tells_something(&self) -> bool {
        self.live() > 0
    }

    fn len(&self) -> usize {
        self.calls.series.len() + self.durations.series.len() + self.events.series.len()
    }

    fn live(&self) -> usize {
        self.calls.live + self.durations.live + self.events.live
    }
}

/// One span or event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    pub(super) spans: u64,
    pub(super) duration: f64,
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
}

/// All resources.
pub(super) struct Tables {
    pub(super) shape: Shape,
    pub(super) is_delta: bool,
    exemplars: usize,
    series_expiration: Duration,
    metrics_expiration: Duration,
    dormant_limit: usize,
    resource_limit: usize,
    room: Room,
    overflow: Box<[u8]>,
    overflow_hash: u64,
    index: HashTable<usize>,
    pub(super) resources: Vec<Resource>,
    uses: u64,
}

impl Tables {
    pub(super) fn new(config: &SpanMetricsConfig, hash: impl Fn(&[u8]) -> u64) -> Self {
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        let or_endless = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let mut overflow = Vec::new();
        labels::put(&mut overflow, "otel.metric.overflow", labels::LabelValue::Flag(true));
        Self {
            shape: shape(config),
            is_delta: config.is_delta(),
            exemplars: if config.exemplars.enabled { count(config.exemplars.max_per_data_point) } else { 0 },
            series_expiration: config.series_expiration.as_duration(),
            metrics_expiration: config.metrics_expiration.as_duration(),
            dormant_limit: count(config.metric_timestamp_cache_size),
            resource_limit: count(config.resource_metrics_cache_size),
            room: Room {
                per_table: or_endless(count(config.aggregation_cardinality_limit)),
                in_all: or_endless(config.series_limit),
                live: 0,
            },
            overflow_hash: hash(&overflow),
            overflow: overflow.into(),
            index: HashTable::new(),
            resources: Vec::new(),
            uses: 0,
        }
    }

    /// The place of a resource, which is made if it is new.
    pub(super) fn resource(&mut self, identity: Identity<'_>, attributes: impl FnOnce() -> Batch, now: Now) -> usize {
        self.uses += 1;
        let same = |place: &usize| self.resources.get(*place).is_some_and(|known| *known.identity == *identity.labels);
        if let Some(place) = self.index.find(identity.hash, same).copied() {
            if let Some(resource) = self.resources.get_mut(place) {
                resource.used = self.uses;
                resource.last_seen = now.monotonic;
            }
            return place;
        }
        // Between two flushes there may be more than the limit, so that what one of them lost is still told; not endlessly.
        if self.resources.len() >= self.resource_limit.saturating_mul(2) {
            self.forget_unused(self.resource_limit);
        }
        let place = self.resources.len();
        self.resources.push(Resource {
            hash: identity.hash,
            identity: identity.labels.into(),
            attributes: attributes(),
            calls: MetricTable::default(),
            durations: MetricTable::default(),
            events: MetricTable::default(),
            last_seen: now.monotonic,
            used: self.uses,
        });
        let resources = &self.resources;
        self.index.insert_unique(identity.hash, place, |place| resources.get(*place).map_or(0, |known| known.hash));
        place
    }

    /// Where spans with these labels count: a span is a call, and may have a duration.
    pub(super) fn spans(
        &mut self,
        place: usize,
        calls: Identity<'_>,
        durations: Option<Identity<'_>>,
        now: Now,
    ) -> Option<SpanTarget> {
        let overflow = Identity { hash: self.overflow_hash, labels: &self.overflow };
        let resource = self.resources.get_mut(place)?;
        let shape = &self.shape;
        let calls = resource.calls.touch(calls, now, &mut self.room, overflow, Count::default);
        let durations = durations
            .and_then(|labels| resource.durations.touch(labels, now, &mut self.room, overflow, || shape.empty()));
        Some(SpanTarget { calls, durations })
    }

    /// A span. Per span.
    pub(super) fn span(&mut self, place: usize, target: SpanTarget, seen: &Observation) {
        let Some(resource) = self.resources.get_mut(place) else { return };
        count(resource.calls.at(target.calls), seen, self.exemplars);
        if let Some((measured, overflowed)) = resource.durations.at(target.durations) {
            measured.value.observe(seen.duration, seen.spans);
            link(&mut measured.exemplars, seen, overflowed, self.exemplars);
        }
    }

    /// A span event.
    pub(super) fn event(&mut self, place: usize, identity: Identity<'_>, seen: &Observation, now: Now) {
        let overflow = Identity { hash: self.overflow_hash, labels: &self.overflow };
        let Some(resource) = self.resources.get_mut(place) else { return };
        let target = resource.events.touch(identity, now, &mut self.room, overflow, Count::default);
        count(resource.events.at(target), seen, self.exemplars);
    }

    /// Everything was told: forgets what is too old, and in delta all values.
    pub(super) fn told(&mut self, now: Now) {
        for resource in &mut self.resources {
            if self.is_delta {
                resource.calls.start_over(now, &mut self.room);
                resource.durations.start_over(now, &mut self.room);
                resource.events.start_over(now, &mut self.room);
                continue;
            }
            for counts in [&mut resource.calls, &mut resource.events] {
                counts.series.iter_mut().for_each(|series| series.value.value.was_told = true);
                counts.forget_exemplars();
            }
            resource.durations.forget_exemplars();
            if !self.series_expiration.is_zero() {
                resource.calls.drop_older(self.series_expiration, now, &mut self.room);
                resource.durations.drop_older(self.series_expiration, now, &mut self.room);
                resource.events.drop_older(self.series_expiration, now, &mut self.room);
            }
        }
        if self.is_delta {
            self.forget_dormant();
        }
        let age = self.metrics_expiration;
        self.keep(|resource| {
            resource.len() > 0 && (age.is_zero() || now.monotonic.saturating_sub(resource.last_seen) < age)
        });
        self.forget_unused(self.resource_limit);
    }

    /// How many series there are.
    pub(super) fn live(&self) -> usize {
        self.room.live
    }

    /// Keeps the `limit` resources that were used last.
    fn forget_unused(&mut self, limit: usize) {
        let Some(excess) = self.resources.len().checked_sub(limit).filter(|excess| *excess > 0) else { return };
        let mut uses: Vec<u64> = self.resources.iter().map(|resource| resource.used).collect();
        uses.sort_unstable();
        let oldest_kept = uses.get(excess).copied().unwrap_or(u64::MAX);
        self.keep(|resource| resource.used >= oldest_kept);
    }

    /// Delta: of series without a value only the time of the last point matters, and only so many are worth it.
    fn forget_dormant(&mut self) {
        let all: usize = self.resources.iter().map(Resource::len).sum();
        let Some(mut excess) = all.checked_sub(self.dormant_limit).filter(|excess| *excess > 0) else { return };
        let calls = self.resources.iter().flat_map(|resource| resource.calls.series.iter().map(|series| series.start));
        let durations =
            self.resources.iter().flat_map(|resource| resource.durations.series.iter().map(|series| series.start));
        let events =
            self.resources.iter().flat_map(|resource| resource.events.series.iter().map(|series| series.start));
        let mut starts: Vec<u64> = calls.chain(durations).chain(events).collect();
        starts.sort_unstable();
        let newest_dropped = starts.get(excess - 1).copied().unwrap_or(0);
        let mut keep = |start: u64| {
            let dropped = start <= newest_dropped && excess > 0;
            excess -= usize::from(dropped);
            !dropped
        };
        for resource in &mut self.resources {
            resource.calls.series.retain(|series| keep(series.start));
            resource.durations.series.retain(|series| keep(series.start));
            resource.events.series.retain(|series| keep(series.start));
        }
    }

    fn keep(&mut self, keep: impl Fn(&Resource) -> bool) {
        let before = self.resources.len();
        let room = &mut self.room;
        self.resources.retain(|resource| {
            let kept = keep(resource);
            if !kept {
                room.live = room.live.saturating_sub(resource.live());
            }
            kept
        });
        if self.resources.len() < before {
            self.index.clear();
            let resources = &self.resources;
            for (place, resource) in resources.iter().enumerate() {
                self.index
                    .insert_unique(resource.hash, place, |place| resources.get(*place).map_or(0, |known| known.hash));
            }
        }
    }
}

fn count(touched: Option<(&mut Measured<Count>, bool)>, seen: &Observation, most: usize) {
    let Some((measured, overflowed)) = touched else { return };
    measured.value.total = measured.value.total.saturating_add(seen.spans);
    link(&mut measured.exemplars, seen, overflowed, most);
}

fn link(exemplars: &mut Vec<Exemplar>, seen: &Observation, overflowed: bool, most: usize) {
    if exemplars.len() < most && !overflowed && seen.trace != [0; 16] {
        exemplars.push(Exemplar { trace: seen.trace, span: seen.span, value: seen.duration });
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53 nanoseconds")]
fn shape(config: &SpanMetricsConfig) -> Shape {
    const DEFAULT_SIZE: usize = 160;
    let unit = match config.histogram.unit {
        Unit::Milliseconds => 1e6,
        Unit::Seconds => 1e9,
    };
    if let Some(exponential) = config.histogram.exponential.get() {
        let size = usize::try_from(exponential.max_size).ok().filter(|size| *size > 0);
        return Shape::Exponential(size.unwrap_or(DEFAULT_SIZE));
    }
    match config.histogram.explicit.get() {
        Some(explicit) => {
            Shape::Explicit(explicit.buckets.iter().map(|bound| bound.as_nanoseconds() as f64 / unit).collect())
        }
        None => Shape::Explicit(default_bounds(unit)),
    }
}
