//! Keeps what was observed, over time.
//!
//! In this room: which entities and facts exist, what they did by steps of 15 seconds and the longer blocks that those add
//! up to, the write-ahead log and the Parquet files, and the answers to "what happened between then and then".
//! Not here: where rows come from (`exporters::topology`), what is thought of the answers (rules, baseline), threads and
//! clocks: the owner calls [`Store::tick`] once a second, and readers share a [`Snapshot`].
//!
//! Enter at [`Store::apply`] and [`Snapshot::observe`].

mod block;
mod checkpoint;
mod config;
mod disk;
mod entities;
mod exemplars;
mod facts;
mod intervals;
mod lane;
mod observe;
mod plane;
mod restore;
mod series;
mod snapshot;
mod spread;
mod states;
mod sum;
mod tile;
mod timeline;
mod varint;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use self::checkpoint::Keeper;
pub use self::config::{Retention, StoreConfig};
use self::disk::journal::Record;
use self::exemplars::Exemplars;
use self::intervals::Intervals;
use self::plane::Plane;
pub use self::series::{Series, SeriesPoint, SeriesQuery};
use self::snapshot::View;
pub use self::snapshot::{KnownEdge, Snapshot};
use self::spread::step_of;
pub use self::states::UsagePoint;
use self::states::{StateLimits, States};
use self::timeline::{Forget, floor};
use self::writing::Rest;
use crate::{
    End, EntityId, EventRow, Exemplar, FactRow, Inside, Interval, Kind, Moment, Outside, OutsideKind, Rows, SECOND,
    StateRow, Tier, Who, Workload,
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
    /// Writes to the directory, if there is one.
    keeper: Option<Keeper>,
    revision: u64,
    now: Moment,
    /// What found no room of its own, or had to go before its time, by reason, since that was last told.
    forgone: BTreeMap<&'static str, u64>,
    /// Traces of which the log does not know yet.
    traces: Vec<(u32, Moment, Exemplar)>,
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
    /// What was not taken, and what since rows were last taken lost its details or had to go before its time, by reason.
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

impl Store {
    /// Opens a store, empty or as its directory has it. Whatever is wrong with the directory, the store opens: the report
    /// says what is lost, or that all is kept in memory only.
    pub fn open(config: StoreConfig, now: Moment) -> Result<(Self, OpenReport), StoreError> {
        if config.max_entities < 2 || config.max_edges == 0 {
            return Err(StoreError::Config("`max_entities` must be at least 2 and `max_edges` at least 1".to_owned()));
        }
        let mut store = Self::empty(config, now);
        let problems = store.restore(now);
        store.publish();
        Ok((store, OpenReport { problems }))
    }

    fn empty(config: StoreConfig, now: Moment) -> Self {
        let plane = || Plane::new(config.max_entities, config.max_edges, now);
        let (entities, hosts) = (plane(), plane());
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
            keeper: None,
            forgone: BTreeMap::new(),
            traces: Vec::new(),
            revision: 0,
            now,
            changed: true,
            current: Arc::new(Snapshot::empty(now)),
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
        // No answer lacks calls for these.
        for (reason, gone) in std::mem::take(&mut self.forgone) {
            count(&mut applied.dropped, reason, gone);
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
            return count(&mut applied.dropped, "too_old", 1);
        }
        let source = row.source.as_deref();
        let Some(placed) = self.entities.add(&row, source.map(|end| &end.who), &row.target.who) else {
            return count(&mut applied.dropped, "too_many_edges", 1);
        };
        applied.facts = applied.facts.saturating_add(1);
        if placed.bucketed {
            count(&mut applied.bucketed, "too_many_peers", 1);
        }
        if placed.nameless {
            count(&mut self.forgone, "too_many_ports", 1);
        }
        if let Some(exemplar) = row.exemplar {
            let offered = self.exemplars.offer(placed.edge, row.at, exemplar, self.config.max_exemplars);
            if offered.kept {
                self.traces.push((placed.edge, row.at, exemplar));
            }
            count(&mut self.forgone, "too_many_traces", offered.gone);
        }
        if let Some((from, to)) = machines(source, &row.target)
            && self.hosts.add(&row, Some(&from), &to).is_none_or(|placed| placed.bucketed)
        {
            count(&mut applied.bucketed, "too_many_machines", 1);
        }
    }

    fn apply_state(&mut self, row: &StateRow, now: Moment, applied: &mut Applied) {
        let at = clamped(row.at, now, applied);
        if !row.value.is_finite() {
            return count(&mut applied.dropped, "not_a_number", 1);
        }
        let entity = self.subject(&row.subject.who, at, applied);
        let instance = (row.subject.pod.as_ref(), row.subject.host.as_ref());
        let limits = self.state_limits();
        if !Arc::make_mut(&mut self.states).set(entity, instance, (row.metric, at, row.value), limits) {
            return count(&mut applied.dropped, "too_many_instances", 1);
        }
        applied.states = applied.states.saturating_add(1);
        let (pod, host) = (row.subject.pod.clone(), row.subject.host.clone());
        self.log(Record::State { entity, pod, host, metric: row.metric, at, value: row.value });
    }

    fn apply_event(&mut self, row: &EventRow, now: Moment, applied: &mut Applied) {
        let at = clamped(row.at, now, applied);
        let entity = self.subject(&row.subject.who, at, applied);
        let limits = self.state_limits();
        let gone = Arc::make_mut(&mut self.states).event(entity, at, &row.event, limits);
        count(&mut self.forgone, "too_many_events", gone);
        applied.events = applied.events.saturating_add(1);
        self.log(Record::Event { entity, at, event: row.event.clone() });
    }

    /// Of whom a state or an event tells.
    fn subject(&mut self, who: &Who, at: Moment, applied: &mut Applied) -> EntityId {
        let found = self.entities.entity(who, step_of(at));
        if found.bucketed {
            count(&mut applied.bucketed, "too_many_peers", 1);
        }
        found.id
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
        self.log(Record::Interval(interval.clone()));
        let gone = Arc::make_mut(&mut self.intervals).record(interval, self.config.max_intervals);
        count(&mut self.forgone, "too_many_judgements", gone);
        self.changed = true;
    }

    /// Takes a record into the log, after the names that it may need.
    fn log(&mut self, record: Record<'static>) {
        if let Some(keeper) = &mut self.keeper {
            keeper.log_names(0, &self.entities);
            keeper.log(&record);
        }
    }

    /// Once a second: makes what came durable, rolls what is complete, lets go of what is old. After an error everything
    /// is in memory, and the next tick tries again.
    pub fn tick(&mut self, now: Moment) -> Result<Ticked, StoreError> {
        self.wake(now);
        self.settle();
        for plane in [&mut self.entities, &mut self.hosts] {
            plane.roll(now);
        }
        let written = self.keep(now);
        self.forget(now);
        self.publish();
        let planes = [&self.entities, &self.hosts].into_iter();
        let sizes = planes.flat_map(|plane| Tier::ALL.map(|tier| plane.timeline.size(tier)));
        let memory_bytes = sizes.fold(0, |sum: u64, size| sum.saturating_add(size as u64));
        let disk_bytes = self.keeper.as_ref().map_or(0, |keeper| keeper.disk.bytes());
        Ok(Ticked { revision: self.revision, files: written?, memory_bytes, disk_bytes })
    }

    /// Moves what came to its place, and into the log.
    fn settle(&mut self) {
        let keeper = &mut self.keeper;
        for (number, plane) in [&mut self.entities, &mut self.hosts].into_iter().enumerate() {
            if !plane.has_fresh() {
                continue;
            }
            if let Some(keeper) = keeper.as_mut() {
                keeper.log_names(number, plane);
            }
            plane.settle(|step, block| {
                if let Some(keeper) = keeper.as_mut() {
                    keeper.log(&Record::Block { plane: number as u8, step, bytes: block.bytes() });
                }
            });
        }
        for (edge, at, exemplar) in self.traces.drain(..) {
            if let Some(keeper) = keeper.as_mut() {
                keeper.log(&Record::Exemplar { edge, at, exemplar });
            }
        }
    }

    /// Makes durable what came, and has files written when it is time.
    fn keep(&mut self, now: Moment) -> Result<usize, StoreError> {
        let Some(keeper) = &mut self.keeper else { return Ok(0) };
        let flushed = keeper.flush();
        let (exemplars, intervals) = (&self.exemplars, &self.intervals);
        let rest = Rest { states: &self.states, exemplars, intervals, awake: &self.awake };
        let bounds = (&self.config.retention, self.config.disk_bytes);
        let written = keeper.checkpoint(&mut [&mut self.entities, &mut self.hosts], &rest, bounds, now);
        let written = written.and_then(|files| keeper.is_durable().map(|()| files));
        let merged = keeper.maintain(now);
        if merged || matches!(written, Ok(1..)) {
            self.entities.archive = Arc::new(keeper.disk.files(0));
            self.hosts.archive = Arc::new(keeper.disk.files(1));
            self.changed = true;
        }
        flushed?;
        written
    }

    /// Ends what is being written, with what follows from it.
    #[cfg(test)]
    fn finish_writing(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.finish_writing();
        }
        // Whatever is wrong is told by ticks.
        let _ = self.keep(self.now);
    }

    /// Merges files of one stretch that is over, now. True if there were any.
    #[cfg(test)]
    fn finish_merging(&mut self) -> bool {
        let Some(keeper) = &mut self.keeper else { return false };
        let merged = keeper.finish_merging(self.now);
        self.entities.archive = Arc::new(keeper.disk.files(0));
        self.hosts.archive = Arc::new(keeper.disk.files(1));
        self.changed = true;
        merged
    }

    /// The disk takes nothing more.
    #[cfg(test)]
    fn fill_disk(&mut self) {
        self.keeper.as_mut().unwrap().disk.log.as_mut().unwrap().fill();
    }

    /// The disk takes something again.
    #[cfg(test)]
    fn free_disk(&mut self) {
        self.keeper.as_mut().unwrap().disk.log.as_mut().unwrap().free();
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
            _ => {
                ranges.push(step..end);
                if let Some(keeper) = &mut self.keeper {
                    keeper.log(&Record::Awake(step));
                }
            }
        }
        if ranges.len() > MOST_AWAKE {
            ranges.remove(0);
        }
    }

    fn forget(&mut self, now: Moment) {
        let retention = self.config.retention;
        let what = self.forgets();
        for plane in [&mut self.entities, &mut self.hosts] {
            for tier in Tier::ALL {
                let before = floor(step_of(now.minus(retention.in_memory(tier))), tier);
                plane.timeline.forget_before(tier, before, what);
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
        self.keep_budget(what);
    }

    /// What may be let go of in memory when it is old.
    fn forgets(&self) -> Forget {
        self.keeper.as_ref().map_or(Forget::Everything, Keeper::forget)
    }

    /// Over the budget the oldest steps go first, then minutes, and so on; what no file has goes last, and is counted.
    fn keep_budget(&mut self, what: Forget) {
        let budget = usize::try_from(self.config.memory_bytes).unwrap_or(usize::MAX);
        let size = |store: &Self| store.entities.size().saturating_add(store.hosts.size());
        for what in [what, Forget::Everything] {
            for tier in Tier::ALL {
                while size(self) > budget {
                    let oldest = |plane: &Plane| plane.timeline.oldest_to_forget(tier, what);
                    let Some(start) = [&self.entities, &self.hosts].into_iter().filter_map(oldest).min() else { break };
                    if what == Forget::Everything && self.forgets() == Forget::Saved && tier != Tier::Step {
                        self.note_lost("not_on_disk", 1, self.now);
                        count(&mut self.forgone, "not_on_disk", 1);
                    }
                    for plane in [&mut self.entities, &mut self.hosts] {
                        plane.timeline.forget_before(tier, start.saturating_add(tier.steps()), what);
                    }
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
            archive: Arc::clone(&plane.archive),
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

fn count(reasons: &mut BTreeMap<&'static str, u64>, reason: &'static str, more: u64) {
    if more > 0 {
        let held = reasons.entry(reason).or_default();
        *held = held.saturating_add(more);
    }
}

fn note(losses: &mut Arc<BTreeMap<u32, BTreeMap<&'static str, u64>>>, reason: &'static str, count: u64, now: Moment) {
    let held = Arc::make_mut(losses).entry(step_of(now)).or_default();
    self::count(held, reason, count);
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
