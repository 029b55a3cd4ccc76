//! State of workloads and their pods: use of resources, readiness, restarts, replicas.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pdata::Temporality;
use smallvec::SmallVec;
use topology::{End, Moment, Rows, SECOND, StateMetric, StateRow};

use super::meaning::State;
use super::streams::{Increment, Nothing};
use super::{Context, Metrics, Point, Told, Unplaced};
use crate::topology::identity::{Identity, Part};

impl Metrics {
    pub(super) fn state(
        &mut self,
        what: State,
        is_labelled: bool,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
    ) -> Result<(), Unplaced> {
        let labels = if is_labelled { Some(Labels::read(point)) } else { None };
        if labels.as_ref().is_some_and(|labels| labels.is_sum_of_others) {
            return Ok(());
        }
        let identity = match &labels {
            Some(labels) => {
                let mut identity = labels.identity;
                if let Some(cluster) = told.resource.get(Part::Cluster) {
                    identity.set(Part::Cluster, cluster);
                }
                identity
            }
            None => *told.resource,
        };
        if !identity.is_somebody() {
            return Err(Unplaced::Nobody);
        }
        let Some((metric, value)) = self.value(what, point, told, labels.as_ref(), context.now.unix_nanos)? else {
            return Ok(());
        };
        let container = self.hasher.hash_one(identity.get(Part::Container));
        let subject = context.end(&identity.without(Part::Container));
        let pod = self.hasher.hash_one(&*subject);
        self.pods.note((pod, metric), subject, container, point.time, value);
        Ok(())
    }

    /// The metric and its value. `None` for what says nothing yet, or nothing at all.
    fn value(
        &mut self,
        what: State,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        labels: Option<&Labels<'_>>,
        now: u64,
    ) -> Result<Option<(StateMetric, f64)>, Nothing> {
        let value = point.value;
        let says = |is: fn(&Labels<'_>) -> bool| labels.is_some_and(is);
        Ok(match what {
            State::As(metric) => Some((metric, value)),
            State::Limit(metric) => (value > 0.0).then_some((metric, value)),
            State::CpuQuota => (value > 0.0).then_some((StateMetric::CpuLimit, value / 100_000.0)),
            State::Limits => labels.and_then(|labels| match labels.resource {
                "cpu" => Some((StateMetric::CpuLimit, value)),
                "memory" => Some((StateMetric::MemoryLimit, value)),
                _ => None,
            }),
            State::Requests => {
                labels.filter(|labels| labels.resource == "cpu").map(|_| (StateMetric::CpuRequest, value))
            }
            State::PhaseByLabel if value > 0.0 => {
                labels.and_then(|labels| phase(labels.phase)).map(|phase| (StateMetric::Phase, phase))
            }
            State::ReadyByLabel => says(|labels| labels.condition == "true").then_some((StateMetric::Ready, value)),
            State::Terminated => says(|labels| labels.reason == "OOMKilled").then_some((StateMetric::OomKills, value)),
            State::PhaseByLabel => None,
            State::CpuTime => {
                let grown = self.growth(point, told, 1e9, now)?;
                (grown.over > 0).then(|| (StateMetric::CpuUsage, ratio(grown.count, grown.over)))
            }
            State::Periods | State::ThrottledPeriods => {
                let grown = self.growth(point, told, 1.0, now)?;
                self.throttled(what == State::Periods, point, told, grown.count)
            }
        })
    }

    /// By how much a total grew, in parts of which `scale` make one.
    fn growth(
        &mut self,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        scale: f64,
        now: u64,
    ) -> Result<Increment, Nothing> {
        let stream = told.key.wrapping_add(self.hash(point.attributes.clone()));
        let mut reading = point.reading(stream);
        reading.count = super::latency::nanoseconds(point.value * scale);
        // Scraped counters may not say when they began or how they add up; they are totals.
        if reading.temporality == Temporality::Unspecified {
            reading.temporality = Temporality::Cumulative;
        }
        self.counters.take(&reading, now, || ()).0
    }

    /// The share of periods in which it was held back, once both numbers of a scrape are there.
    fn throttled(
        &mut self,
        is_all: bool,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        grown: u64,
    ) -> Option<(StateMetric, f64)> {
        let key = self.hasher.hash_one((told.resource_key, self.hash(point.attributes.clone()), point.time));
        let (all, held) = self.pods.periods(key, is_all, grown)?;
        (all > 0).then(|| (StateMetric::CpuThrottled, ratio(held, all).min(1.0)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn phase(name: &str) -> Option<f64> {
    const PHASES: [&str; 5] = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
    let place = PHASES.iter().position(|phase| *phase == name)?;
    u32::try_from(place).ok().map(|place| f64::from(place) + 1.0)
}

/// Labels of kube-state-metrics and cAdvisor.
#[derive(Default)]
struct Labels<'a> {
    identity: Identity<'a>,
    resource: &'a str,
    phase: &'a str,
    condition: &'a str,
    reason: &'a str,
    /// cAdvisor tells of each pod's whole group too, and of the container that holds its network.
    is_sum_of_others: bool,
}

impl<'a> Labels<'a> {
    fn read(point: &Point<'a, '_>) -> Self {
        let mut labels = Self::default();
        let (mut container, mut has_id) = (None, false);
        for attribute in point.attributes.clone() {
            let Some(text) = attribute.value().as_str() else { continue };
            let key = attribute.key_bytes();
            match key.strip_prefix(b"exported_").unwrap_or(key) {
                b"namespace" => labels.identity.set(Part::Namespace, text),
                b"pod" => labels.identity.set(Part::Pod, text),
                b"container" => container = Some(text),
                b"node" => labels.identity.set(Part::Node, text),
                b"deployment" => labels.identity.set(Part::Deployment, text),
                b"statefulset" => labels.identity.set(Part::StatefulSet, text),
                b"daemonset" => labels.identity.set(Part::DaemonSet, text),
                b"resource" => labels.resource = text,
                b"phase" => labels.phase = text,
                b"condition" => labels.condition = text,
                b"reason" => labels.reason = text,
                b"id" => has_id = true,
                _ => {}
            }
        }
        if let Some(container) = container {
            labels.identity.set(Part::Container, container);
        }
        labels.is_sum_of_others = container == Some("POD") || (has_id && container.is_none_or(str::is_empty));
        labels
    }
}

/// Most pods and numbers of them; a full table starts over with the next batch.
const MOST: usize = 262_144;
/// A container of which nothing was heard for so long is gone.
const SILENCE: u64 = 300 * SECOND;
/// More containers than any pod has; of further ones the one that told first gives way.
const MOST_CONTAINERS: usize = 256;

/// The containers of pods: the map shows pods.
#[derive(Debug, Default)]
pub(super) struct Pods {
    values: HashMap<(u64, StateMetric), Pod, RandomState>,
    changed: Vec<(u64, StateMetric)>,
    /// How often the table started over.
    pub(super) restarts: u64,
    /// All periods and those held back, of the scrape that is read now.
    periods: HashMap<u64, (Option<u64>, Option<u64>), RandomState>,
}

#[derive(Debug)]
struct Pod {
    subject: Arc<End>,
    /// Container, time, value.
    containers: SmallVec<[(u64, u64, f64); 1]>,
    is_changed: bool,
}

impl Pods {
    fn note(&mut self, key: (u64, StateMetric), subject: Arc<End>, container: u64, time: u64, value: f64) {
        let fresh = || Pod { subject: Arc::clone(&subject), containers: SmallVec::new(), is_changed: false };
        let pod = self.values.entry(key).or_insert_with(fresh);
        pod.containers.retain(|(other, told, _)| *other != container && time.saturating_sub(*told) <= SILENCE);
        if pod.containers.len() >= MOST_CONTAINERS {
            pod.containers.remove(0);
        }
        pod.containers.push((container, time, value));
        pod.subject = subject;
        if !pod.is_changed {
            pod.is_changed = true;
            self.changed.push(key);
        }
    }

    fn periods(&mut self, key: u64, is_all: bool, grown: u64) -> Option<(u64, u64)> {
        let pair = self.periods.entry(key).or_default();
        *(if is_all { &mut pair.0 } else { &mut pair.1 }) = Some(grown);
        let whole = pair.0.zip(pair.1)?;
        self.periods.remove(&key);
        Some(whole)
    }

    /// A batch ends: pods of which it told become rows.
    pub(super) fn finish(&mut self, rows: &mut Rows) {
        self.periods.clear();
        for key in self.changed.drain(..) {
            let Some(pod) = self.values.get_mut(&key) else { continue };
            pod.is_changed = false;
            let at = pod.containers.iter().map(|(_, time, _)| *time).max().unwrap_or_default();
            let (_, metric) = key;
            let value = together(metric, pod.containers.iter().map(|(_, _, value)| *value));
            rows.states.push(StateRow { at: Moment(at), subject: Arc::clone(&pod.subject), metric, value });
        }
        if self.values.len() >= MOST {
            self.values.clear();
            self.restarts = self.restarts.saturating_add(1);
        }
    }
}

/// One number of a pod from those of its containers.
fn together(metric: StateMetric, values: impl Iterator<Item = f64>) -> f64 {
    match metric {
        StateMetric::Ready => values.fold(1.0, f64::min),
        StateMetric::CpuLimitUtilization
        | StateMetric::MemoryLimitUtilization
        | StateMetric::CpuThrottled
        | StateMetric::Phase => values.fold(0.0, f64::max),
        _ => values.sum(),
    }
}

#[cfg(test)]
mod tests {
    use topology::{Name, OutsideKind};

    use super::*;
    use crate::topology::route::nobody;

    #[test]
    fn a_batch_that_fills_the_table_is_told_whole_before_the_table_starts_over() {
        let (mut pods, mut rows) = (Pods::default(), Rows::default());
        let subject = nobody(&Name::from(""), OutsideKind::Unknown);
        let most = u64::try_from(MOST).unwrap();

        for pod in 0..most + 10 {
            pods.note((pod, StateMetric::Ready), Arc::clone(&subject), 0, 1, 1.0);
        }
        pods.finish(&mut rows);

        assert_eq!((rows.states.len(), pods.values.len(), pods.restarts), (MOST + 10, 0, 1));
    }

    #[test]
    fn a_pod_has_no_more_containers_than_pods_have() {
        let (mut pods, mut rows) = (Pods::default(), Rows::default());
        let subject = nobody(&Name::from(""), OutsideKind::Unknown);

        for container in 0..10_000 {
            pods.note((1, StateMetric::Restarts), Arc::clone(&subject), container, 1, 1.0);
        }
        pods.finish(&mut rows);

        let told: Vec<f64> = rows.states.iter().map(|row| row.value).collect();
        assert_eq!(told, [256.0]);
    }
}
