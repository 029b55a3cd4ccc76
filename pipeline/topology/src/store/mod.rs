//! Keeps what was observed, over time.
//!
//! In this room: which entities and facts exist, what they did by steps of 15 seconds and the longer blocks that those add
//! up to, the write-ahead log and the Parquet files, and the answers to "what happened between then and then".
//! Not here: where rows come from (`exporters::topology`), what is thought of the answers (rules, baseline), threads and
//! clocks: the owner calls [`Store::tick`] once a second, and readers share a [`Snapshot`].
//!
//! Enter at [`Store::apply`] and [`Snapshot::observe`].

mod block;
mod config;
mod entities;
mod exemplars;
mod facts;
mod intervals;
mod lane;
mod observe;
mod plane;
mod series;
mod snapshot;
mod spread;
mod states;
mod sum;
mod tile;
mod timeline;
mod varint;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

pub use self::config::{Retention, StoreConfig};
use self::exemplars::Exemplars;
use self::intervals::Intervals;
use self::plane::Plane;
pub use self::series::{Series, SeriesPoint, SeriesQuery};
use self::snapshot::View;
pub use self::snapshot::{KnownEdge, Snapshot};
use self::spread::step_of;
pub use self::states::UsagePoint;
use self::states::{StateLimits, States};
use self::timeline::{Archive, floor};
use crate::{
    End, EventRow, FactRow, Inside, Interval, Kind, Moment, Outside, OutsideKind, Rows, SECOND, StateRow, Tier, Who,
    Workload,
};

/// What lies further ahead than this is told by a wrong clock.
const AHEAD: u64 = 120 * SECOND;
/// Stretches of running that are remembered.
const MOST_AWAKE: usize = 10_000;

/// The graph and its history. One thread owns it.
pub struct Store {
    config: StoreConfig,
    entities: Plane,
    hosts: Plane,
    states: Arc<States>,
    exemplars: Exemplars,
    intervals: Arc<Intervals>,
    awake: Arc<Vec<Range<u32>>>,
    losses: Arc<BTreeMap<u32, BTreeMap<&'static str, u64>>>,
    archive: Arc<dyn Archive + Send + Sync>,
    revision: u64,
    now: Moment,
    /// Something changed since `current` was taken.
    changed: bool,
    current: Arc<Snapshot>,
}

/// What became of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows that were taken.
    pub facts: u64,
    /// States that were taken.
    pub states: u64,
    /// Events that were taken.
    pub events: u64,
    /// Rows from the future, counted at their arrival.
    pub clamped: u64,
    /// Rows that a bucket stands for, by reason.
    pub bucketed: BTreeMap<&'static str, u64>,
    /// What was not taken, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// What a tick did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Of the snapshot that [`Store::snapshot`] gives from now on.
    pub revision: u64,
    /// Files that were written.
    pub files: usize,
    /// Bytes of blocks in memory.
    pub memory_bytes: u64,
    /// Bytes of files.
    pub disk_bytes: u64,
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Everything that somebody should know, one sentence each.
    pub problems: Vec<String>,
}

/// Why the store cannot do what it should. What is in memory is not harmed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bounds make no sense.
    #[error("{0}")]
    Config(String),
    /// Data is in memory but not on disk.
    #[error("cannot write {path}: {error}; the map goes on in memory and tries again every second")]
    Write {
        /// The file.
        path: String,
        /// What the system says.
        error: String,
    },
}

struct NoFiles;

impl Archive for NoFiles {
    fn blocks(&self, _: Tier, _: u32) -> Vec<Arc<block::Block>> {
        Vec::new()
    }
}

impl Store {
    /// Opens a store, empty or as its directory has it.
    pub fn open(config: StoreConfig, now: Moment) -> Result<(Self, OpenReport), StoreError> {
        if config.max_entities < 2 || config.max_edges == 0 {
            return Err(StoreError::Config("`max_entities` must be at least 2 and `max_edges` at least 1".to_owned()));
        }
        let mut store = Self::empty(config, now);
        store.publish();
        Ok((store, OpenReport::default()))
    }

    fn empty(config: StoreConfig, now: Moment) -> Self {
        let archive: Arc<dyn Archive + Send + Sync> = Arc::new(NoFiles);
        let plane = || Plane::new(config.max_entities, config.max_edges, now);
        let (entities, hosts) = (plane(), plane());
        let current = Arc::new(Snapshot::empty(now, &archive));
        let awake = std::iter::once(step_of(now)..step_of(now).saturating_add(1)).collect();
        Self {
            config,
            entities,
            hosts,
            states: Arc::default(),
            exemplars: Exemplars::default(),
            intervals: Arc::default(),
            awake: Arc::new(awake),
            losses: Arc::default(),
            archive,
            revision: 0,
            now,
            changed: true,
            current,
        }
    }

    /// Takes what evidence says.
    pub fn apply(&mut self, rows: Rows, now: Moment) -> Applied {
        let mut applied = Applied::default();
        for row in rows.facts {
            self.apply_fact(row, now, &mut applied);
        }
        for row in &rows.states {
            self.apply_state(row, now, &mut applied);
        }
        for row in rows.events {
            self.apply_event(&row, now, &mut applied);
        }
        let bucketed = applied.bucketed.iter();
        for (reason, count) in bucketed.chain(&applied.dropped) {
            note(&mut self.losses, reason, *count, now);
        }
        self.changed = true;
        applied
    }

    /// Counts what was lost before it came here; answers about this moment are not complete.
    pub fn note_lost(&mut self, reason: &'static str, count: u64, now: Moment) {
        note(&mut self.losses, reason, count, now);
        self.changed = true;
    }

    fn apply_fact(&mut self, mut row: FactRow, now: Moment, applied: &mut Applied) {
        row.at = clamped(row.at, now, applied);
        let oldest = self.entities.timeline.line(Tier::Day).kept_from.max(1);
        if step_of(row.at.minus(row.over)) < oldest {
            return count(&mut applied.dropped, "too_old");
        }
        let source = row.source.as_deref();
        let Some(placed) = self.entities.add(&row, source.map(|end| &end.who), &row.target.who) else {
            return count(&mut applied.dropped, "too_many_edges");
        };
        applied.facts = applied.facts.saturating_add(1);
        if placed.bucketed {
            count(&mut applied.bucketed, "too_many_peers");
        }
        if let Some(exemplar) = row.exemplar {
            self.exemplars.offer(placed.edge, row.at, exemplar, self.config.max_exemplars);
        }
        if let Some((from, to)) = machines(source, &row.target) {
            self.hosts.add(&row, Some(&from), &to);
        }
    }

    fn apply_state(&mut self, row: &StateRow, now: Moment, applied: &mut Applied) {
        let at = clamped(row.at, now, applied);
        if !row.value.is_finite() {
            return count(&mut applied.dropped, "not_a_number");
        }
        let entity = self.entities.entity(&row.subject.who, step_of(at));
        let instance = (row.subject.pod.as_ref(), row.subject.host.as_ref());
        let limits = self.state_limits();
        if !Arc::make_mut(&mut self.states).set(entity, instance, (row.metric, at, row.value), limits) {
            return count(&mut applied.dropped, "too_many_instances");
        }
        applied.states = applied.states.saturating_add(1);
    }

    fn apply_event(&mut self, row: &EventRow, now: Moment, applied: &mut Applied) {
        let at = clamped(row.at, now, applied);
        let entity = self.entities.entity(&row.subject.who, step_of(at));
        let limits = self.state_limits();
        Arc::make_mut(&mut self.states).event(entity, at, &row.event, limits);
        applied.events = applied.events.saturating_add(1);
    }

    fn state_limits(&self) -> StateLimits {
        StateLimits {
            instances: self.config.max_instances,
            events_per_entity: self.config.events_per_entity,
            events: self.config.max_events,
        }
    }

    /// Keeps a stretch of judgement; told again with an end, it ends.
    pub fn record(&mut self, interval: Interval) {
        Arc::make_mut(&mut self.intervals).record(interval, self.config.max_intervals);
        self.changed = true;
    }

    /// Once a second: makes what came durable, rolls what is complete, lets go of what is old.
    pub fn tick(&mut self, now: Moment) -> Result<Ticked, StoreError> {
        self.wake(now);
        for plane in [&mut self.entities, &mut self.hosts] {
            if plane.has_fresh() {
                plane.settle(|_, _| ());
            }
            plane.timeline.roll(now, self.archive.as_ref());
        }
        self.forget(now);
        self.publish();
        let planes = [&self.entities, &self.hosts].into_iter();
        let sizes = planes.flat_map(|plane| Tier::ALL.map(|tier| plane.timeline.size(tier)));
        let memory_bytes = sizes.fold(0, |sum: u64, size| sum.saturating_add(size as u64));
        Ok(Ticked { revision: self.revision, files: 0, memory_bytes, disk_bytes: 0 })
    }

    /// Notes that the store runs.
    fn wake(&mut self, now: Moment) {
        let step = step_of(now);
        self.changed |= step != step_of(self.now);
        self.now = now;
        if self.awake.iter().rev().take(8).any(|awake| awake.contains(&step)) {
            return;
        }
        let end = step.saturating_add(1);
        let ranges = Arc::make_mut(&mut self.awake);
        match ranges.last_mut() {
            // One step without a tick is a busy machine; more is a sleep, or a clock that jumped.
            Some(last) if (last.end..last.end.saturating_add(2)).contains(&step) => last.end = end,
            _ => ranges.push(step..end),
        }
        if ranges.len() > MOST_AWAKE {
            ranges.remove(0);
        }
    }

    fn forget(&mut self, now: Moment) {
        let retention = self.config.retention;
        for plane in [&mut self.entities, &mut self.hosts] {
            for tier in Tier::ALL {
                let before = floor(step_of(now.minus(retention.in_memory(tier))), tier);
                plane.timeline.forget_before(tier, before, false);
            }
        }
        if step_of(now).is_multiple_of(Tier::Minute.steps()) && step_of(now) != step_of(self.current.now) {
            self.exemplars.forget_before(now.minus(3600 * SECOND));
            Arc::make_mut(&mut self.states).forget(now);
            Arc::make_mut(&mut self.intervals).forget_before(now.minus(retention.of(Tier::Day)));
            let day_ago = step_of(now.minus(24 * 3600 * SECOND));
            let losses = Arc::make_mut(&mut self.losses);
            *losses = losses.split_off(&day_ago);
        }
        self.keep_budget();
    }

    /// Over the budget the oldest steps go first, then minutes, and so on.
    fn keep_budget(&mut self) {
        let budget = usize::try_from(self.config.memory_bytes).unwrap_or(usize::MAX);
        let size = |plane: &Plane| Tier::ALL.map(|tier| plane.timeline.size(tier)).iter().sum::<usize>();
        for tier in Tier::ALL {
            while size(&self.entities).saturating_add(size(&self.hosts)) > budget {
                let first = |plane: &Plane| {
                    let line = plane.timeline.line(tier);
                    let start = line.held.keys().next().copied()?;
                    // What the next tier is still to be made of stays.
                    let needed = Tier::ALL.into_iter().find(|longer| *longer > tier);
                    let rolled = needed.map_or(0, |longer| plane.timeline.line(longer).rolled);
                    (start < rolled).then_some(start.saturating_add(tier.steps()))
                };
                let Some(start) = [&self.entities, &self.hosts].into_iter().filter_map(first).min() else { break };
                for plane in [&mut self.entities, &mut self.hosts] {
                    plane.timeline.forget_before(tier, start, false);
                }
            }
        }
    }

    /// The graph as it is now; what was applied since the last tick is in it, though not yet durable.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        if !self.changed {
            return Arc::clone(&self.current);
        }
        let with_unsettled = |plane: &Plane| View { unsettled: plane.unsettled(), ..self.view(plane) };
        let (entities, hosts) = (with_unsettled(&self.entities), with_unsettled(&self.hosts));
        Arc::new(self.snapshot_of(entities, hosts, self.revision.saturating_add(1)))
    }

    fn publish(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        self.revision = self.revision.saturating_add(1);
        for plane in [&mut self.entities, &mut self.hosts] {
            plane.entities.publish();
        }
        let (entities, hosts) = (self.view(&self.entities), self.view(&self.hosts));
        self.current = Arc::new(self.snapshot_of(entities, hosts, self.revision));
    }

    fn view(&self, plane: &Plane) -> View {
        View {
            registry: plane.entities.registry(),
            whole: plane.entities.whole(),
            table: Arc::clone(plane.facts.table()),
            timeline: plane.timeline.clone(),
            unsettled: Vec::new(),
            archive: Arc::clone(&self.archive),
        }
    }

    fn snapshot_of(&self, entities: View, hosts: View, revision: u64) -> Snapshot {
        Snapshot {
            revision,
            now: self.now,
            entities,
            hosts,
            states: Arc::clone(&self.states),
            exemplars: self.exemplars.clone(),
            intervals: Arc::clone(&self.intervals),
            awake: Arc::clone(&self.awake),
            losses: Arc::clone(&self.losses),
            archive: Arc::clone(&self.archive),
        }
    }
}

/// The clock of who sent this is ahead; arrival is the best that is known.
fn clamped(at: Moment, now: Moment, applied: &mut Applied) -> Moment {
    if at > now.plus(AHEAD) {
        applied.clamped = applied.clamped.saturating_add(1);
        return now;
    }
    at
}

fn count(reasons: &mut BTreeMap<&'static str, u64>, reason: &'static str) {
    let held = reasons.entry(reason).or_default();
    *held = held.saturating_add(1);
}

fn note(losses: &mut Arc<BTreeMap<u32, BTreeMap<&'static str, u64>>>, reason: &'static str, count: u64, now: Moment) {
    let held = Arc::make_mut(losses).entry(step_of(now)).or_default().entry(reason).or_default();
    *held = held.saturating_add(count);
}

/// The machines that a call went between, if at least one is known.
fn machines(source: Option<&End>, target: &End) -> Option<(Who, Who)> {
    let source = source?;
    if source.host.is_none() && target.host.is_none() {
        return None;
    }
    Some((machine(source), machine(target)))
}

/// The machine of an end; an outside peer stands for its own.
fn machine(end: &End) -> Who {
    let cluster = match &end.who {
        Who::Inside(inside) => inside.cluster.clone(),
        Who::Outside(outside) => outside.cluster.clone(),
    };
    match (&end.host, &end.who) {
        (Some(host), _) => Who::Inside(Inside {
            cluster,
            namespace: "".into(),
            workload: Some(Workload { kind: Kind::Host, name: host.clone() }),
            service: None,
        }),
        (None, Who::Outside(_)) => end.who.clone(),
        (None, Who::Inside(_)) => Who::Outside(Outside { cluster, kind: OutsideKind::Unknown, name: "unknown".into() }),
    }
}
