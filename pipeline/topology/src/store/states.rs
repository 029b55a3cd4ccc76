//! What is known of entities beside their edges: pods and their use of resources, replicas, events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::disk::journal::Record;
use crate::{
    Denominator, EntityId, Event, Instance, Moment, Name, NodeFacts, Phase, Replicas, SECOND, StateMetric, Usage,
};

/// Minutes for which use is kept.
const MINUTES: usize = 60;
/// Changes of a value that are remembered.
const CHANGES: usize = 16;
/// After this long without a word a pod is gone.
const SILENCE: u64 = 5 * 60 * SECOND;

/// The metrics that are averaged over the window; all others are as they last were.
const AVERAGED: [StateMetric; 5] = [
    StateMetric::CpuUsage,
    StateMetric::CpuLimitUtilization,
    StateMetric::CpuThrottled,
    StateMetric::MemoryWorkingSet,
    StateMetric::MemoryLimitUtilization,
];

/// State of all entities. Snapshots share it; an entity is copied when it changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct States {
    entities: HashMap<EntityId, Arc<EntityState>>,
    instances: usize,
    events: usize,
}

/// State of one entity.
#[derive(Debug, Clone, Default)]
struct EntityState {
    /// By name.
    instances: BTreeMap<Name, Arc<Pod>>,
    desired: Changes,
    available: Changes,
    /// Oldest first.
    events: VecDeque<(Moment, Event)>,
}

/// One pod, or what is known of an entity without naming one.
#[derive(Debug, Clone, Default)]
struct Pod {
    host: Option<Name>,
    values: SmallVec<[(StateMetric, Changes); 6]>,
    use_by_minute: VecDeque<Minute>,
    last_seen: Moment,
}

/// Averages of one minute, in the order of [`AVERAGED`].
#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    minute: u64,
    sums: [f64; 5],
    counts: [u16; 5],
}

/// A value and when it changed.
#[derive(Debug, Clone, Default)]
struct Changes(SmallVec<[(Moment, f64); 2]>);

/// Bounds of all this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StateLimits {
    pub(crate) instances: usize,
    pub(crate) events_per_entity: usize,
    pub(crate) events: usize,
}

impl States {
    /// Notes a value. False if there is no room for another pod.
    pub(crate) fn set(
        &mut self,
        entity: EntityId,
        (pod, host): (Option<&Name>, Option<&Name>),
        (metric, at, value): (StateMetric, Moment, f64),
        limits: StateLimits,
    ) -> bool {
        let state = Arc::make_mut(self.entities.entry(entity).or_default());
        match metric {
            StateMetric::ReplicasDesired => state.desired.note(at, value),
            StateMetric::ReplicasAvailable => state.available.note(at, value),
            _ => {
                let name = pod.cloned().unwrap_or_else(|| Name::from(""));
                if !state.instances.contains_key(&name) {
                    if self.instances >= limits.instances {
                        return false;
                    }
                    self.instances = self.instances.saturating_add(1);
                }
                let held = Arc::make_mut(state.instances.entry(name).or_default());
                held.note(host, metric, at, value);
            }
        }
        true
    }

    /// Notes an event; one that only counts on takes the place of its predecessor. Gives how many had to go.
    pub(crate) fn event(&mut self, entity: EntityId, at: Moment, event: &Event, limits: StateLimits) -> u64 {
        let state = Arc::make_mut(self.entities.entry(entity).or_default());
        let before = state.events.len();
        state.events.retain(|(_, held)| {
            held.reason != event.reason || held.message != event.message || held.count >= event.count
        });
        let place = state.events.partition_point(|(held, _)| *held <= at);
        state.events.insert(place, (at, event.clone()));
        let mut gone = 0;
        let one_more = state.events.len() > before;
        if state.events.len() > limits.events_per_entity || (one_more && before > 0 && self.events >= limits.events) {
            state.events.pop_front();
            gone = 1;
        }
        self.events = self.events.saturating_sub(before).saturating_add(state.events.len());
        gone
    }

    /// Forgets pods of which nothing was heard for an hour before `now`, and entities without anything.
    pub(crate) fn forget(&mut self, now: Moment) {
        let horizon = now.minus(3600 * SECOND);
        let instances = &mut self.instances;
        let events = &mut self.events;
        self.entities.retain(|_, state| {
            let old = |pod: &Arc<Pod>| pod.last_seen < horizon;
            let old_event = |(at, _): &(Moment, Event)| *at < now.minus(24 * 3600 * SECOND);
            if state.instances.values().any(old) || state.events.iter().any(old_event) {
                let state = Arc::make_mut(state);
                let before = (state.instances.len(), state.events.len());
                state.instances.retain(|_, pod| !old(pod));
                state.events.retain(|event| !old_event(event));
                *instances = instances.saturating_sub(before.0.saturating_sub(state.instances.len()));
                *events = events.saturating_sub(before.1.saturating_sub(state.events.len()));
            }
            let replicas = state.desired.0.last().or(state.available.0.last());
            !state.instances.is_empty() || !state.events.is_empty() || replicas.is_some_and(|(at, _)| *at >= horizon)
        });
    }

    /// Everything, as the rows and events that give it again: of use the means of each minute.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'static>> + '_ {
        self.entities.iter().flat_map(|(entity, state)| state.records(*entity))
    }

    /// Everything as it was in a window, by entity; ids that are one entity are told as one.
    pub(crate) fn observe(&self, from: Moment, to: Moment, whole: &[EntityId]) -> BTreeMap<EntityId, NodeFacts> {
        let mut nodes: BTreeMap<EntityId, NodeFacts> = BTreeMap::new();
        for (id, state) in &self.entities {
            let entity = whole.get(id.0 as usize).copied().unwrap_or(*id);
            let told = state.told(entity, from, to);
            if told.instances.is_empty() && told.events.is_empty() && told.replicas.is_none() {
                continue;
            }
            match nodes.get_mut(&entity) {
                Some(node) => join(node, told),
                None => {
                    nodes.insert(entity, told);
                }
            }
        }
        nodes
    }

    /// Events of one entity in a window, newest first.
    pub(crate) fn events(&self, entity: EntityId, from: Moment, to: Moment) -> Vec<(Moment, Event)> {
        self.entities.get(&entity).map(|state| state.events_between(from, to)).unwrap_or_default()
    }

    /// Use of each pod of an entity by minute.
    pub(crate) fn usage(&self, entity: EntityId, from: Moment, to: Moment) -> Vec<(Name, Vec<UsagePoint>)> {
        let Some(state) = self.entities.get(&entity) else { return Vec::new() };
        let between = |minute: &&Minute| {
            let at = Moment(minute.minute.saturating_mul(60 * SECOND));
            at.plus(60 * SECOND) > from && at < to
        };
        let points = |pod: &Pod| pod.use_by_minute.iter().filter(between).map(Minute::point).collect::<Vec<_>>();
        let pods = state.instances.iter().map(|(name, pod)| (name.clone(), points(pod)));
        pods.filter(|(_, points)| !points.is_empty()).collect()
    }
}

/// Use of resources by one pod in one minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsagePoint {
    /// When the minute began.
    pub at: Moment,
    /// Cores.
    pub cpu: Option<f64>,
    /// Share of the CPU limit.
    pub cpu_share: Option<f64>,
    /// Share of scheduling periods in which it was held back.
    pub throttled: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
    /// Share of the memory limit.
    pub memory_share: Option<f64>,
}

fn join(node: &mut NodeFacts, other: NodeFacts) {
    node.instances.extend(other.instances);
    node.instances.sort_by(|one, other| one.name.cmp(&other.name));
    node.replicas = node.replicas.or(other.replicas);
    node.events.extend(other.events);
    node.events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
}

impl EntityState {
    fn records(&self, entity: EntityId) -> impl Iterator<Item = Record<'static>> + '_ {
        let replicas =
            [(StateMetric::ReplicasDesired, &self.desired), (StateMetric::ReplicasAvailable, &self.available)];
        let replicas =
            replicas.into_iter().flat_map(|(metric, changes)| changes.0.iter().map(move |held| (metric, *held)));
        let replicas = replicas.map(move |(metric, (at, value))| Record::State {
            entity,
            pod: None,
            host: None,
            metric,
            at,
            value,
        });
        let pods = self.instances.iter().flat_map(move |(name, pod)| pod.records(entity, name));
        let events = self.events.iter();
        let events = events.map(move |(at, event)| Record::Event { entity, at: *at, event: event.clone() });
        replicas.chain(pods).chain(events)
    }

    fn told(&self, entity: EntityId, from: Moment, to: Moment) -> NodeFacts {
        let alive = |pod: &Pod| pod.last_seen >= from.minus(SILENCE) && pod.first_seen().is_none_or(|first| first < to);
        let pods = self.instances.iter().filter(|(_, pod)| alive(pod));
        let count = |changes: &Changes| changes.at(to).map(|value| value.max(0.0) as u32);
        NodeFacts {
            entity,
            answered: Vec::new(),
            instances: pods.map(|(name, pod)| pod.told(name, from, to)).collect(),
            replicas: match (count(&self.desired), count(&self.available)) {
                (None, None) => None,
                // Who says only one of them says that nothing is amiss.
                (desired, available) => Some(Replicas {
                    desired: desired.or(available).unwrap_or_default(),
                    available: available.or(desired).unwrap_or_default(),
                }),
            },
            events: self.events_between(from, to),
        }
    }

    fn events_between(&self, from: Moment, to: Moment) -> Vec<(Moment, Event)> {
        self.events.iter().rev().filter(|(at, _)| (from..to).contains(at)).cloned().collect()
    }
}

impl Pod {
    fn records<'a>(&'a self, entity: EntityId, name: &'a Name) -> impl Iterator<Item = Record<'static>> + 'a {
        let values = self.values.iter().flat_map(|(metric, changes)| changes.0.iter().map(|held| (*metric, *held)));
        let minutes = self.use_by_minute.iter().flat_map(|minute| {
            // Within its minute a mean stands anywhere; the last word of the pod is kept.
            let at = Moment(minute.minute.saturating_mul(60 * SECOND)).max(self.last_seen.minus(60 * SECOND));
            let within = Moment(minute.minute.saturating_add(1).saturating_mul(60 * SECOND)).minus(1);
            let at = self.last_seen.min(within).max(at.min(within));
            AVERAGED
                .into_iter()
                .zip(minute.sums.iter().zip(&minute.counts))
                .filter(|(_, (_, count))| **count > 0)
                .map(move |(metric, (sum, count))| (metric, (at, sum / f64::from(*count))))
        });
        values.chain(minutes).map(move |(metric, (at, value))| Record::State {
            entity,
            pod: (!name.is_empty()).then(|| name.clone()),
            host: self.host.clone(),
            metric,
            at,
            value,
        })
    }

    fn note(&mut self, host: Option<&Name>, metric: StateMetric, at: Moment, value: f64) {
        if let Some(host) = host {
            self.host = Some(host.clone());
        }
        self.last_seen = self.last_seen.max(at);
        if let Some(place) = AVERAGED.iter().position(|averaged| *averaged == metric) {
            return self.note_use(place, at, value);
        }
        match self.values.iter_mut().find(|(held, _)| *held == metric) {
            Some((_, changes)) => changes.note(at, value),
            None => {
                let mut changes = Changes::default();
                changes.note(at, value);
                self.values.push((metric, changes));
            }
        }
    }

    fn note_use(&mut self, place: usize, at: Moment, value: f64) {
        let minute = at.0 / (60 * SECOND);
        let after = self.use_by_minute.partition_point(|held| held.minute < minute);
        if self.use_by_minute.get(after).is_none_or(|held| held.minute != minute) {
            self.use_by_minute.insert(after, Minute { minute, ..Minute::default() });
        }
        if let Some(held) = self.use_by_minute.get_mut(after)
            && let (Some(sum), Some(count)) = (held.sums.get_mut(place), held.counts.get_mut(place))
        {
            *sum += value;
            *count = count.saturating_add(1);
        }
        while self.use_by_minute.len() > MINUTES {
            self.use_by_minute.pop_front();
        }
    }

    fn changes(&self, metric: StateMetric) -> Option<&Changes> {
        self.values.iter().find(|(held, _)| *held == metric).map(|(_, changes)| changes)
    }

    fn value(&self, metric: StateMetric, at: Moment) -> Option<f64> {
        self.changes(metric)?.at(at)
    }

    fn first_seen(&self) -> Option<Moment> {
        let by_change = self.values.iter().filter_map(|(_, changes)| changes.0.first().map(|(at, _)| *at)).min();
        let by_use = self.use_by_minute.front().map(|minute| Moment(minute.minute.saturating_mul(60 * SECOND)));
        by_change.into_iter().chain(by_use).min()
    }

    fn mean(&self, metric: StateMetric, from: Moment, to: Moment) -> Option<f64> {
        let place = AVERAGED.iter().position(|averaged| *averaged == metric)?;
        let minutes = from.0 / (60 * SECOND)..to.0.div_ceil(60 * SECOND);
        let (mut sum, mut count) = (0.0, 0_u64);
        for held in self.use_by_minute.iter().filter(|held| minutes.contains(&held.minute)) {
            sum += held.sums.get(place).copied().unwrap_or_default();
            count = count.saturating_add(u64::from(held.counts.get(place).copied().unwrap_or_default()));
        }
        (count > 0).then(|| sum / count as f64)
    }

    fn told(&self, name: &Name, from: Moment, to: Moment) -> Instance {
        use StateMetric as Metric;
        let mean = |metric| self.mean(metric, from, to);
        let ready = self.changes(Metric::Ready).and_then(|changes| changes.last(to));
        Instance {
            name: name.clone(),
            host: self.host.clone(),
            phase: self.value(Metric::Phase, to).map(phase),
            ready: ready.map(|(_, value)| value >= 0.5),
            unready_since: ready.filter(|(_, value)| *value < 0.5).map(|(since, _)| since),
            cpu: usage(
                mean(Metric::CpuUsage),
                mean(Metric::CpuLimitUtilization),
                self.value(Metric::CpuLimit, to),
                self.value(Metric::CpuRequest, to),
            ),
            memory: usage(
                mean(Metric::MemoryWorkingSet),
                mean(Metric::MemoryLimitUtilization),
                self.value(Metric::MemoryLimit, to),
                None,
            ),
            throttled: mean(Metric::CpuThrottled),
            restarts: self.grown(Metric::Restarts, from, to),
            oom_kills: self.grown(Metric::OomKills, from, to),
            last_seen: self.last_seen,
        }
    }

    /// How much a counter grew in a window. Its first value is where it starts.
    fn grown(&self, metric: StateMetric, from: Moment, to: Moment) -> u64 {
        let Some(changes) = self.changes(metric) else { return 0 };
        let steps = changes.0.windows(2).filter_map(|pair| match pair {
            [(_, before), (at, after)] if (from..to).contains(at) => {
                Some(if after >= before { after - before } else { *after })
            }
            _ => None,
        });
        steps.sum::<f64>().max(0.0) as u64
    }
}

/// A share of the limit as told, else of the limit, else of the request.
fn usage(used: Option<f64>, told: Option<f64>, limit: Option<f64>, request: Option<f64>) -> Option<Usage> {
    let of = |end: Option<f64>| Some(used? / end.filter(|end| *end > 0.0)?);
    if let Some(share) = told.or_else(|| of(limit)) {
        return Some(Usage { used, share: Some(share), of: Denominator::Limit });
    }
    if let Some(share) = of(request) {
        return Some(Usage { used, share: Some(share), of: Denominator::Request });
    }
    used.map(|_| Usage { used, share: None, of: Denominator::Nothing })
}

fn phase(value: f64) -> Phase {
    match value.round() as i64 {
        1 => Phase::Pending,
        2 => Phase::Running,
        3 => Phase::Succeeded,
        4 => Phase::Failed,
        _ => Phase::Unknown,
    }
}

impl Minute {
    fn point(&self) -> UsagePoint {
        let mean = |place: usize| {
            let count = *self.counts.get(place)?;
            (count > 0).then(|| self.sums.get(place).copied().unwrap_or_default() / f64::from(count))
        };
        UsagePoint {
            at: Moment(self.minute.saturating_mul(60 * SECOND)),
            cpu: mean(0),
            cpu_share: mean(1),
            throttled: mean(2),
            memory: mean(3),
            memory_share: mean(4),
        }
    }
}

impl Changes {
    fn note(&mut self, at: Moment, value: f64) {
        let place = self.0.partition_point(|(held, _)| *held <= at);
        let before = place.checked_sub(1).and_then(|before| self.0.get(before));
        if before.is_some_and(|(_, held)| *held == value) {
            return;
        }
        self.0.insert(place, (at, value));
        // A late value that is the same as its successor moves it forward.
        if self.0.get(place.saturating_add(1)).is_some_and(|(_, after)| *after == value) {
            self.0.remove(place.saturating_add(1));
        }
        if self.0.len() > CHANGES {
            self.0.remove(0);
        }
    }

    /// The last change before a moment, or the first one there is.
    fn last(&self, at: Moment) -> Option<(Moment, f64)> {
        let place = self.0.partition_point(|(held, _)| *held < at);
        place.checked_sub(1).and_then(|before| self.0.get(before)).copied()
    }

    fn at(&self, at: Moment) -> Option<f64> {
        self.last(at).map(|(_, value)| value)
    }
}
