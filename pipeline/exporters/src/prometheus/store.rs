//! The series that are served: one table for the process, bounded in series and bytes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Duration;

use super::point::{Change, Point};
use crate::prometheus_names::Labels;

/// What stands after a `# TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// Why a point is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Refused {
    /// The table is full.
    SeriesLimit,
    /// A newer value of the series is served.
    OutOfOrder,
    /// A delta overlaps with what is already counted.
    MisalignedDelta,
    /// Neither cumulative nor a delta of something that only grows.
    Temporality,
    /// Another metric of the same name has another type.
    TypeConflict,
    /// The metric or one of its labels has no legal name.
    Name,
    /// An exponential histogram coarser than Prometheus knows.
    Scale,
    /// The metric holds no value.
    Empty,
}

impl Refused {
    pub(super) const ALL: [Self; 8] = [
        Self::SeriesLimit,
        Self::OutOfOrder,
        Self::MisalignedDelta,
        Self::Temporality,
        Self::TypeConflict,
        Self::Name,
        Self::Scale,
        Self::Empty,
    ];

    /// The value of the label `reason`.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::SeriesLimit => "series_limit",
            Self::OutOfOrder => "out_of_order",
            Self::MisalignedDelta => "misaligned_delta",
            Self::Temporality => "unsupported_temporality",
            Self::TypeConflict => "type_conflict",
            Self::Name => "invalid_name",
            Self::Scale => "unsupported_scale",
            Self::Empty => "empty",
        }
    }
}

/// The labels of a series: names and values, each ended by a byte that UTF-8 does not use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesKey(Box<[u8]>);

const END: u8 = 0xff;

impl SeriesKey {
    /// The key of these labels, without the one named `reserved`: that is written per line.
    pub(super) fn of(labels: &Labels, reserved: Option<&str>) -> Self {
        let mut key = Vec::new();
        for (name, value) in labels.iter().filter(|(name, _)| Some(*name) != reserved) {
            for part in [name, value] {
                key.extend_from_slice(part.as_bytes());
                key.push(END);
            }
        }
        Self(key.into_boxed_slice())
    }

    /// Names and values as bytes of UTF-8.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut parts = self.0.split(|byte| *byte == END);
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }
}

/// A metric and its series.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) help: Box<str>,
    pub(super) series: BTreeMap<SeriesKey, Series>,
}

/// A series and when it was last heard of.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) point: Point,
    updated: Duration,
}

/// How much the store may hold and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) series: usize,
    pub(super) bytes: usize,
    pub(super) expiration: Duration,
}

/// One point on its way in.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) family: &'a str,
    pub(super) kind: Kind,
    pub(super) help: &'a str,
    pub(super) key: SeriesKey,
    pub(super) point: Point,
    pub(super) change: Change,
}

/// All series that are served.
#[derive(Debug)]
pub(super) struct Store {
    families: BTreeMap<Box<str>, Family>,
    /// The series of `target_info` of each job and instance.
    targets: HashMap<String, SeriesKey>,
    limits: Limits,
    series: usize,
    bytes: usize,
    swept: Duration,
}

/// About what a series costs beside its labels and buckets.
const OVERHEAD: usize = 160;

impl Store {
    pub(super) fn new(limits: Limits) -> Self {
        Self { families: BTreeMap::new(), targets: HashMap::new(), limits, series: 0, bytes: 0, swept: Duration::ZERO }
    }

    /// Takes a point in.
    pub(super) fn put(&mut self, arrival: Arrival, now: Duration) -> Result<(), Refused> {
        self.expire_in_passing(now);
        let Arrival { family, kind, help, key, point, change } = arrival;
        if let Some(known) = self.families.get_mut(family) {
            if known.kind != kind {
                return Err(Refused::TypeConflict);
            }
            if let Some(series) = known.series.get_mut(&key) {
                let (before, after) = (series.point.bytes(), point.bytes());
                let bytes = self.bytes.saturating_sub(before).saturating_add(after);
                if after > before && bytes > self.limits.bytes {
                    return Err(Refused::SeriesLimit);
                }
                series.point.absorb(point, change)?;
                series.updated = now;
                self.bytes = bytes;
                return Ok(());
            }
        }
        self.insert(family, kind, help, key, Series { point, updated: now })
    }

    fn insert(&mut self, name: &str, kind: Kind, help: &str, key: SeriesKey, series: Series) -> Result<(), Refused> {
        let new_family = if self.families.contains_key(name) { 0 } else { family_cost(name, help) };
        let bytes = self.bytes.saturating_add(cost(&key, &series)).saturating_add(new_family);
        if self.series >= self.limits.series || bytes > self.limits.bytes {
            return Err(Refused::SeriesLimit);
        }
        let fresh = || Family { kind, help: help.into(), series: BTreeMap::new() };
        self.families.entry(name.into()).or_insert_with(fresh).series.insert(key, series);
        self.series = self.series.saturating_add(1);
        self.bytes = bytes;
        Ok(())
    }

    /// Takes what is known of a job's instance in; it replaces what was known before.
    pub(super) fn put_target(&mut self, identity: String, arrival: Arrival, now: Duration) -> Result<(), Refused> {
        let family = arrival.family.to_owned();
        let key = arrival.key.clone();
        if let Some(before) = self.targets.get(&identity).filter(|before| **before != key).cloned() {
            self.remove(&family, &before);
        }
        self.put(arrival, now)?;
        self.targets.insert(identity, key);
        Ok(())
    }

    /// Ends a series.
    pub(super) fn remove(&mut self, family: &str, key: &SeriesKey) {
        let Some(known) = self.families.get_mut(family) else { return };
        if let Some(series) = known.series.remove(key) {
            self.series = self.series.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(cost(key, &series));
        }
        if known.series.is_empty()
            && let Some(ended) = self.families.remove(family)
        {
            self.bytes = self.bytes.saturating_sub(family_cost(family, &ended.help));
        }
    }

    /// Sweeps a few times per expiration, so that what nobody scrapes does not stay.
    fn expire_in_passing(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) > self.limits.expiration / 4 {
            self.expire(now);
        }
    }

    /// Ends the series that were not heard of for the expiration.
    pub(super) fn expire(&mut self, now: Duration) {
        self.swept = now;
        let (mut ended, mut freed) = (0_usize, 0_usize);
        for family in self.families.values_mut() {
            family.series.retain(|key, series| {
                let stays = now.saturating_sub(series.updated) <= self.limits.expiration;
                if !stays {
                    ended = ended.saturating_add(1);
                    freed = freed.saturating_add(cost(key, series));
                }
                stays
            });
        }
        if ended > 0 {
            self.series = self.series.saturating_sub(ended);
            self.families.retain(|name, family| {
                let stays = !family.series.is_empty();
                if !stays {
                    freed = freed.saturating_add(family_cost(name, &family.help));
                }
                stays
            });
            self.bytes = self.bytes.saturating_sub(freed);
            let families = &self.families;
            self.targets.retain(|_, key| families.values().any(|family| family.series.contains_key(key)));
        }
    }

    /// The first family whose name is greater than `name`; all of them in order, one after the other.
    pub(super) fn after(&self, name: Option<&str>) -> Option<(&str, &Family)> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.families.range::<str, _>((from, Bound::Unbounded)).next();
        next.map(|(name, family)| (name.as_ref(), family))
    }

    /// How many series there are.
    pub(super) fn series(&self) -> usize {
        self.series
    }
}

fn family_cost(name: &str, help: &str) -> usize {
    OVERHEAD.saturating_add(name.len()).saturating_add(help.len())
}

fn cost(key: &SeriesKey, series: &Series) -> usize {
    OVERHEAD.saturating_add(key.0.len()).saturating_add(series.point.bytes())
}
