//! Everything about one node.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::calls::{Calls, ProtocolCalls, ratio};
use super::edge::as_figures;
use super::links::Links;
use crate::explain::{Explanation, explain_node};
use crate::query::figures::{Carried, Latency, WindowFigures, millis};
use crate::query::tally::{Tally, inherit, sum_under};
use crate::{
    EntityId, Expectation, Expectations, Health, Instance, Judgements, Kind, Lane, Level, Measures, Name, NodeId,
    Observed, Phase, Protocol, Replicas, ServiceOrigin, Tier, Usage, View, Who,
};

/// Most events of one answer.
const EVENTS: usize = 100;

/// Everything about one node of a view.
#[derive(Debug, Clone, Serialize)]
pub struct NodeDetail {
    /// The window.
    pub window: WindowFigures,
    /// From blocks of which lengths it was added up.
    pub tiers: Vec<Tier>,
    /// Its id.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
    /// Where it lives.
    pub cluster: Name,
    /// Where it lives.
    pub namespace: Name,
    /// What it is called.
    pub name: Name,
    /// For a Service: how we know that it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<ServiceOrigin>,
    /// The same in the other view: the workloads behind a Service, the Services before a workload.
    pub also: Vec<NodeId>,
    /// First call or state of it, in milliseconds since the epoch.
    pub first_seen: u64,
    /// Last call or state of it.
    pub last_seen: u64,
    /// How it is.
    #[serde(serialize_with = "as_figures")]
    pub health: Health,
    /// How it stands to the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expectation>,
    /// Calls it answered.
    pub inbound: Flows,
    /// Calls it made.
    pub outbound: Flows,
    /// Its pods, worst first.
    pub instances: Vec<InstanceDetail>,
    /// Pods wanted and there, if told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// Who calls it, worst first.
    pub upstream: Vec<Neighbour>,
    /// Whom it calls, worst first.
    pub downstream: Vec<Neighbour>,
    /// What happened to it, newest first.
    pub events: Vec<EventDetail>,
    /// Where its logs are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
    /// Why it is abnormal, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// Calls one way.
#[derive(Debug, Clone, Serialize)]
pub struct Flows {
    /// Everything together.
    #[serde(flatten)]
    pub calls: Calls,
    /// By protocol, most requests first.
    pub protocols: Vec<ProtocolCalls>,
    /// True if these are calls whose callers nobody named: more of them were counted than on edges.
    pub anonymous: bool,
}

/// A node at the other end, and how calls between them go.
#[derive(Debug, Clone, Serialize)]
pub struct Neighbour {
    /// Its id.
    pub id: NodeId,
    /// Requests between them.
    pub requests: u64,
    /// Faults among them.
    pub errors: u64,
    /// Share of faults, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_ratio: Option<f64>,
    /// As the caller timed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Latency>,
    /// As the called timed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Latency>,
    /// What they speak.
    pub protocols: Vec<Protocol>,
    /// What the network carried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Carried>,
    /// The lanes that saw it.
    pub sources: Vec<Lane>,
    /// How the edge is.
    pub level: Level,
    /// How the edge stands to the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expectation>,
}

/// One pod.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // As in `Instance`.
pub struct InstanceDetail {
    pub name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready_since: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled: Option<f64>,
    pub restarts: u64,
    pub oom_kills: u64,
    pub last_seen: u64,
    /// Where its logs are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // As in `Event`.
pub struct EventDetail {
    pub at: u64,
    pub reason: Name,
    pub message: Name,
    pub warning: bool,
    pub count: u32,
}

/// The entities of one node.
pub(super) struct Crowd(pub(super) HashSet<EntityId>);

impl Crowd {
    pub(super) fn of(observed: &Observed, view: View, id: &NodeId) -> Self {
        let known = observed.registry.entities.iter().zip(0u32..);
        Self(known.filter(|(entity, _)| entity.who.node(view) == *id).map(|(_, place)| EntityId(place)).collect())
    }

    pub(super) fn list(&self) -> Vec<EntityId> {
        let mut list: Vec<EntityId> = self.0.iter().copied().collect();
        list.sort_unstable();
        list
    }

    pub(super) fn holds(&self, entity: EntityId) -> bool {
        self.0.contains(&entity)
    }
}

/// Everything about a node; `None` if nobody was ever called so.
pub fn node(
    observed: &Observed,
    judgements: &Judgements,
    expectations: &Expectations,
    view: View,
    id: &NodeId,
    links: &Links,
) -> Option<NodeDetail> {
    let crowd = Crowd::of(observed, view, id);
    let known = || crowd.0.iter().filter_map(|entity| observed.registry.get(*entity));
    let first_seen = known().map(|entity| entity.first_seen).min()?;
    let last_seen = known().map(|entity| entity.last_seen).max()?;
    let around = Around::of(observed, judgements, expectations, view, &crowd);
    let mut health = Health::default();
    crowd.0.iter().filter_map(|entity| judgements.nodes.get(entity)).for_each(|part| inherit(&mut health, part));
    let window = WindowFigures::from(observed.window);
    let seconds = observed.window.covered_seconds();
    let mut also: Vec<NodeId> = known().map(|entity| entity.who.node(other(view))).collect();
    also.sort();
    also.dedup();
    also.retain(|it| it != id);
    Some(NodeDetail {
        window,
        tiers: observed.tiers.clone(),
        kind: id.kind,
        cluster: id.cluster.clone(),
        namespace: id.namespace.clone(),
        name: id.name.clone(),
        origin: known().filter_map(|entity| origin(&entity.who, id.kind)).min(),
        also,
        first_seen: millis(first_seen),
        last_seen: millis(last_seen),
        health,
        expected: crowd.0.iter().filter_map(|entity| expectations.nodes.get(entity)).max().copied(),
        inbound: around.inbound(observed, &crowd, seconds),
        outbound: Flows::of(&around.outbound, false, seconds),
        instances: instances(observed, &crowd, id, links, window),
        replicas: replicas(observed, &crowd),
        upstream: neighbours(around.upstream),
        downstream: neighbours(around.downstream),
        events: events(observed, &crowd),
        logs: links.of_logs(id, "", window.from, window.to),
        explanation: explain_node(observed, judgements, view, &crowd.0),
        id: id.clone(),
    })
}

fn other(view: View) -> View {
    match view {
        View::Service => View::Workload,
        View::Workload | View::Namespace | View::Host => View::Service,
    }
}

fn origin(who: &Who, kind: Kind) -> Option<ServiceOrigin> {
    match who {
        Who::Inside(inside) if kind == Kind::Service => inside.service.as_ref().map(|service| service.origin),
        _ => None,
    }
}

/// Calls of a node, and who is at their other ends.
#[derive(Default)]
struct Around {
    inbound: Vec<(Protocol, Measures)>,
    outbound: Vec<(Protocol, Measures)>,
    upstream: BTreeMap<NodeId, Tally>,
    downstream: BTreeMap<NodeId, Tally>,
}

impl Around {
    fn of(
        observed: &Observed,
        judgements: &Judgements,
        expectations: &Expectations,
        view: View,
        crowd: &Crowd,
    ) -> Self {
        let mut around = Self::default();
        let far = |entity| Some(observed.registry.get(entity)?.who.node(view));
        for edge in &observed.edges {
            if crowd.holds(edge.target)
                && let Some(id) = far(edge.source)
            {
                edge.rows.iter().for_each(|row| sum_under(&mut around.inbound, &row.protocol, &row.measures));
                around.upstream.entry(id).or_default().add(edge, false);
            }
            if crowd.holds(edge.source)
                && let Some(id) = far(edge.target)
            {
                edge.rows.iter().for_each(|row| sum_under(&mut around.outbound, &row.protocol, &row.measures));
                around.downstream.entry(id).or_default().add(edge, false);
            }
        }
        for (pair, state) in &expectations.edges {
            around.each(*pair, crowd, far, *state == Expectation::Missing, |tally| tally.expect(*state));
        }
        for (pair, health) in &judgements.edges {
            around.each(*pair, crowd, far, false, |tally| tally.judge(health));
        }
        around
    }

    /// What is thought of an edge, told to whoever is at its other end. Only missing edges make new neighbours.
    fn each(
        &mut self,
        (source, target): (EntityId, EntityId),
        crowd: &Crowd,
        far: impl Fn(EntityId) -> Option<NodeId>,
        new: bool,
        tell: impl Fn(&mut Tally),
    ) {
        let sides = [(&mut self.upstream, target, source), (&mut self.downstream, source, target)];
        for (side, near, other) in sides {
            if !crowd.holds(near) {
                continue;
            }
            let Some(id) = far(other) else { continue };
            if new {
                side.entry(id.clone()).or_default();
            }
            if let Some(tally) = side.get_mut(&id) {
                tell(tally);
            }
        }
    }

    /// Calls of edges, or those without a known caller if they are more: lanes do not add.
    fn inbound(&self, observed: &Observed, crowd: &Crowd, seconds: f64) -> Flows {
        let mut answered = vec![];
        for facts in observed.nodes.iter().filter(|facts| crowd.holds(facts.entity)) {
            facts.answered.iter().for_each(|(protocol, more)| sum_under(&mut answered, protocol, more));
        }
        let total = |sums: &[(Protocol, Measures)]| sums.iter().map(|(_, sum)| sum.requests()).sum::<u64>();
        let anonymous = total(&answered) > total(&self.inbound);
        Flows::of(if anonymous { &answered } else { &self.inbound }, anonymous, seconds)
    }
}

impl Flows {
    fn of(sums: &[(Protocol, Measures)], anonymous: bool, seconds: f64) -> Self {
        let mut whole = Measures::default();
        sums.iter().for_each(|(_, measures)| whole.add(measures));
        Self { calls: Calls::of(&whole, seconds), protocols: Calls::by_protocol(sums, seconds), anonymous }
    }
}

fn neighbours(tallies: BTreeMap<NodeId, Tally>) -> Vec<Neighbour> {
    let mut list: Vec<Neighbour> = tallies.into_iter().map(|(id, tally)| Neighbour::of(id, tally)).collect();
    list.sort_by_key(|it| std::cmp::Reverse((it.level, it.expected, it.requests)));
    list
}

impl Neighbour {
    fn of(id: NodeId, tally: Tally) -> Self {
        let (requests, errors) = (tally.whole.requests(), tally.whole.errors());
        Self {
            id,
            requests,
            errors,
            error_ratio: ratio(errors, requests),
            client: Latency::of_side(&tally.whole.client),
            server: Latency::of_side(&tally.whole.server),
            protocols: tally.protocols.iter().map(|(protocol, _)| protocol.clone()).collect(),
            network: Carried::of(&tally.whole),
            sources: tally.lanes.iter().collect(),
            level: tally.health.level,
            expected: tally.expected,
        }
    }
}

fn instances(
    observed: &Observed,
    crowd: &Crowd,
    id: &NodeId,
    links: &Links,
    window: WindowFigures,
) -> Vec<InstanceDetail> {
    let facts = observed.nodes.iter().filter(|facts| crowd.holds(facts.entity));
    let mut list: Vec<&Instance> = facts.flat_map(|facts| &facts.instances).collect();
    list.sort_by(|a, b| trouble(b).total_cmp(&trouble(a)).then_with(|| a.name.cmp(&b.name)));
    let detail = |it: &Instance| InstanceDetail {
        name: it.name.clone(),
        host: it.host.clone(),
        phase: it.phase,
        ready: it.ready,
        unready_since: it.unready_since.map(millis),
        cpu: it.cpu,
        memory: it.memory,
        throttled: it.throttled,
        restarts: it.restarts,
        oom_kills: it.oom_kills,
        last_seen: millis(it.last_seen),
        logs: links.of_logs(id, &it.name, window.from, window.to),
    };
    list.into_iter().map(detail).collect()
}

/// How bad a pod is off: not taking traffic, killed, restarted, then how near it is to one of its limits.
fn trouble(instance: &Instance) -> f64 {
    let one = |is: bool, weight: f64| if is { weight } else { 0.0 };
    let share = |usage: Option<Usage>| usage.and_then(|usage| usage.share).unwrap_or(0.0);
    let pressed = share(instance.cpu).max(share(instance.memory)).max(instance.throttled.unwrap_or(0.0));
    one(instance.ready == Some(false), 100.0)
        + one(instance.phase.is_some_and(|it| !matches!(it, Phase::Running | Phase::Succeeded)), 50.0)
        + one(instance.oom_kills > 0, 25.0)
        + one(instance.restarts > 0, 10.0)
        + pressed.clamp(0.0, 5.0)
}

fn replicas(observed: &Observed, crowd: &Crowd) -> Option<Replicas> {
    let told = observed.nodes.iter().filter(|facts| crowd.holds(facts.entity)).filter_map(|facts| facts.replicas);
    told.reduce(|a, b| Replicas {
        desired: a.desired.saturating_add(b.desired),
        available: a.available.saturating_add(b.available),
    })
}

fn events(observed: &Observed, crowd: &Crowd) -> Vec<EventDetail> {
    let facts = observed.nodes.iter().filter(|facts| crowd.holds(facts.entity));
    let mut list: Vec<EventDetail> = facts
        .flat_map(|facts| &facts.events)
        .map(|(at, event)| EventDetail {
            at: millis(*at),
            reason: event.reason.clone(),
            message: event.message.clone(),
            warning: event.warning,
            count: event.count,
        })
        .collect();
    list.sort_by_key(|event| std::cmp::Reverse(event.at));
    list.truncate(EVENTS);
    list
}
