//! Says why a node or an edge is abnormal, and where to look: always in the same order, so that the same facts give the
//! same answer.
//!
//! In this room: own instances first, then what it calls, then the network, else unknown.
//! Not here: what is abnormal ([`crate::rules`]).
//!
//! Enter at [`explain_node`] and [`explain_edge`].

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde::Serialize;

use crate::judgement::{Class, Health, Level, Reason};
use crate::observed::EntityEdge;
use crate::rules::Metric;
use crate::{EntityId, Judgements, Measures, Moment, NodeId, Observed, View};

/// Longest way from a symptom to its cause, in calls.
const LONGEST_WAY: usize = 8;
/// Two judgements of one cause may fall into neighbouring steps.
const SAME_TIME: u64 = crate::STEP;

/// What speaks of the instances of a node, in the order in which it is looked for.
const OWN: [(Cause, &[Metric]); 4] = [
    (
        Cause::NotReady,
        &[Metric::NotReady, Metric::ReadyRatio, Metric::UnavailableRatio, Metric::Pending, Metric::Restarts],
    ),
    (Cause::Cpu, &[Metric::Cpu]),
    (Cause::Memory, &[Metric::Memory, Metric::OomKills]),
    (Cause::Throttled, &[Metric::Throttled]),
];
/// What speaks of the way between two ends, whatever its rule's class; other rules only if they are of the network.
const NETWORK: [Metric; 4] = [Metric::Gap, Metric::Rtt, Metric::RetransmitRatio, Metric::FailedConnectRatio];

/// Why something is abnormal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// What sort of cause it is.
    pub cause: Cause,
    /// Where the cause is: the node whose instances or network it is.
    pub subject: NodeId,
    /// The nodes from the symptom to the cause, both included.
    pub trail: Vec<NodeId>,
    /// The rules that fire at the cause.
    pub evidence: Vec<Evidence>,
    /// In words.
    pub sentence: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// What sort of cause it is, in the order in which they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Instances that take no traffic.
    NotReady,
    /// CPU of its instances.
    Cpu,
    /// Memory of its instances.
    Memory,
    /// Instances that are held back by their limit.
    Throttled,
    /// Something that it calls.
    Downstream,
    /// The way between two ends.
    Network,
    /// None of these.
    Unknown,
}

/// A rule that fires, as proof.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The rule.
    pub rule: String,
    /// What was measured.
    pub value: f64,
    /// What it was held against.
    pub threshold: f64,
    /// What both are measured in.
    pub unit: &'static str,
}

/// What is looked at.
struct Case<'c> {
    observed: &'c Observed,
    judgements: &'c Judgements,
    view: View,
}

/// What is wrong with something, as far as it matters for finding out why.
struct Symptom {
    since: Moment,
    errors: bool,
    latency: bool,
}

/// What was found, before it is put into words.
struct Found {
    cause: Cause,
    at: EntityId,
    trail: Vec<EntityId>,
    evidence: Vec<Reason>,
}

/// Why a node (the entities that `view` draws as one) is abnormal. `None` if it is not.
pub fn explain_node(
    observed: &Observed,
    judgements: &Judgements,
    view: View,
    members: &HashSet<EntityId>,
) -> Option<Explanation> {
    let case = Case { observed, judgements, view };
    let worst = case.worst_of(members.iter().copied())?;
    let health = judgements.nodes.get(&worst)?;
    let symptom = Symptom::of(health)?;
    let inbound = case.inbound(worst);
    let around = |edge: &&EntityEdge| edge.target == worst || edge.source == worst;
    let network = || case.network(case.edges().filter(around), &symptom);
    case.explain(worst, &symptom, &inbound, network, &mut vec![worst])
}

/// Why an edge is abnormal. `None` if it is not.
pub fn explain_edge(
    observed: &Observed,
    judgements: &Judgements,
    view: View,
    sources: &HashSet<EntityId>,
    targets: &HashSet<EntityId>,
) -> Option<Explanation> {
    let case = Case { observed, judgements, view };
    let between = |edge: &&EntityEdge| sources.contains(&edge.source) && targets.contains(&edge.target);
    let level = |edge: &&EntityEdge| judgements.edges.get(&(edge.source, edge.target)).map(|health| health.level);
    let worst = case.edges().filter(between).max_by_key(level)?;
    let health = judgements.edges.get(&(worst.source, worst.target))?;
    let symptom = Symptom::of(health)?;
    let network = || case.network(std::iter::once(worst), &symptom);
    case.explain(worst.target, &symptom, &worst.whole(), network, &mut vec![worst.source, worst.target])
}

impl Symptom {
    fn of(health: &Health) -> Option<Self> {
        if health.level < Level::Yellow {
            return None;
        }
        let has = |metrics: &[Metric]| health.reasons.iter().any(|reason| metrics.contains(&reason.metric));
        Some(Self {
            since: health.reasons.iter().map(|reason| reason.since).min().unwrap_or_default(),
            errors: has(&[Metric::ErrorRatio, Metric::ClientErrorRatio]),
            latency: has(&[Metric::AverageLatency, Metric::P95Latency]),
        })
    }
}

impl<'c> Case<'c> {
    fn edges(&self) -> impl Iterator<Item = &'c EntityEdge> {
        self.observed.edges.iter()
    }

    fn worst_of(&self, members: impl Iterator<Item = EntityId>) -> Option<EntityId> {
        let level = |id: &EntityId| self.judgements.nodes.get(id).map(|health| health.level);
        members.max_by_key(|id| (level(id), std::cmp::Reverse(*id)))
    }

    fn inbound(&self, id: EntityId) -> Measures {
        let mut sum = Measures::default();
        for edge in self.edges().filter(|edge| edge.target == id) {
            sum.add(&edge.whole());
        }
        for facts in self.observed.nodes.iter().filter(|facts| facts.entity == id) {
            for (_, measures) in &facts.answered {
                sum.add(measures);
            }
        }
        sum
    }

    fn explain(
        &self,
        at: EntityId,
        symptom: &Symptom,
        inbound: &Measures,
        network: impl FnOnce() -> Option<Vec<Reason>>,
        trail: &mut Vec<EntityId>,
    ) -> Option<Explanation> {
        if let Some((cause, evidence)) = self.own(at) {
            return self.tell(Found { cause, at, trail: trail.clone(), evidence });
        }
        if let Some(found) = self.downstream(at, symptom, inbound, trail) {
            return self.tell(found);
        }
        let trail = trail.clone();
        match network() {
            Some(evidence) => self.tell(Found { cause: Cause::Network, at, trail, evidence }),
            None => self.tell(Found { cause: Cause::Unknown, at, trail, evidence: Vec::new() }),
        }
    }

    /// What is wrong with the instances of an entity themselves.
    fn own(&self, id: EntityId) -> Option<(Cause, Vec<Reason>)> {
        let health = self.judgements.nodes.get(&id)?;
        OWN.iter().find_map(|(cause, metrics)| {
            let meant = health.reasons.iter().filter(|reason| metrics.contains(&reason.metric));
            let evidence: Vec<Reason> = meant.cloned().collect();
            (!evidence.is_empty()).then_some((*cause, evidence))
        })
    }

    /// The worst of what an entity calls: abnormal since no later, and at least half of its latency or errors. Followed to
    /// its own cause.
    fn downstream(
        &self,
        id: EntityId,
        symptom: &Symptom,
        inbound: &Measures,
        trail: &mut Vec<EntityId>,
    ) -> Option<Found> {
        let candidates = self.edges().filter(|edge| edge.source == id && !trail.contains(&edge.target));
        let blamed = candidates.filter_map(|edge| Some((self.blame(edge, symptom, inbound)?, edge)));
        let (_, edge) = blamed.max_by(|left, right| left.0.total_cmp(&right.0))?;
        trail.push(edge.target);
        let evidence = self.edge_and_server(edge).cloned().collect();
        if let Some((_, evidence)) = self.own(edge.target) {
            return Some(Found { cause: Cause::Downstream, at: edge.target, trail: trail.clone(), evidence });
        }
        let deeper =
            if trail.len() < LONGEST_WAY { self.downstream(edge.target, symptom, &edge.whole(), trail) } else { None };
        deeper.or_else(|| Some(Found { cause: Cause::Downstream, at: edge.target, trail: trail.clone(), evidence }))
    }

    /// The share of the trouble that an outgoing edge accounts for, if that is at least half.
    fn blame(&self, edge: &EntityEdge, symptom: &Symptom, inbound: &Measures) -> Option<f64> {
        let early = |reason: &Reason| reason.since <= symptom.since.plus(SAME_TIME);
        if !self.edge_and_server(edge).any(early) {
            return None;
        }
        let whole = edge.whole();
        let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
        let errors = if symptom.errors { share(whole.errors(), inbound.errors()) } else { 0.0 };
        let spent = whole.latency().sum();
        let latency = if symptom.latency { share(spent, served(inbound)) } else { 0.0 };
        let most = errors.max(latency);
        (most >= 0.5).then_some(most)
    }

    fn edge_and_server(&self, edge: &EntityEdge) -> impl Iterator<Item = &'c Reason> {
        let of_edge = self.judgements.edges.get(&(edge.source, edge.target));
        let of_node = self.judgements.nodes.get(&edge.target);
        of_edge.into_iter().chain(of_node).flat_map(|health| &health.reasons)
    }

    /// Proof that the way between is to blame: a rule of the network, or half of the client's time is not the server's. A
    /// way that is only slow makes no faults.
    fn network(&self, edges: impl Iterator<Item = &'c EntityEdge>, symptom: &Symptom) -> Option<Vec<Reason>> {
        let only_faults = symptom.errors && !symptom.latency;
        let of_network = |reason: &Reason| reason.class == Class::Network || NETWORK.contains(&reason.metric);
        let explains = |reason: &&Reason| of_network(reason) && !(only_faults && reason.unit == "ms");
        let mut evidence: Vec<Reason> = Vec::new();
        let mut gaping = false;
        for edge in edges {
            let health = self.judgements.edges.get(&(edge.source, edge.target));
            let reasons = health.into_iter().flat_map(|health| &health.reasons);
            evidence.extend(reasons.filter(explains).cloned());
            let is_abnormal = !only_faults && health.is_some_and(|health| health.level >= Level::Yellow);
            gaping |= is_abnormal && half_is_gap(&edge.whole());
        }
        (gaping || !evidence.is_empty()).then_some(evidence)
    }

    fn tell(&self, found: Found) -> Option<Explanation> {
        let node = |id: EntityId| Some(self.observed.registry.get(id)?.who.node(self.view));
        let subject = node(found.at)?;
        let mut trail: Vec<NodeId> = found.trail.into_iter().filter_map(node).collect();
        trail.dedup();
        let hint = found.evidence.first().map(|reason| reason.suggestion.clone()).unwrap_or_default();
        let evidence = found.evidence.into_iter().map(|reason| Evidence {
            rule: reason.rule,
            value: reason.value,
            threshold: reason.threshold,
            unit: reason.unit,
        });
        let sentence = sentence(found.cause, &subject.name);
        Some(Explanation { cause: found.cause, sentence, subject, trail, evidence: evidence.collect(), hint })
    }
}

/// Time that the called spent, as it saw it, else as its callers did.
fn served(inbound: &Measures) -> u64 {
    if inbound.server.latency.is_empty() { inbound.latency().sum() } else { inbound.server.latency.sum() }
}

fn half_is_gap(whole: &Measures) -> bool {
    let gap = whole.gap.mean().map(|mean| mean as f64 / 1e6);
    gap.zip(whole.client.latency.mean_ms()).is_some_and(|(gap, client)| client > 0.0 && gap >= client / 2.0)
}

fn sentence(cause: Cause, name: &str) -> String {
    match cause {
        Cause::NotReady => format!("{name} has instances that are not ready."),
        Cause::Cpu => format!("The CPU of {name} is the likely cause."),
        Cause::Memory => format!("The memory of {name} is the likely cause."),
        Cause::Throttled => format!("{name} is held back by its CPU limit."),
        Cause::Downstream => format!("The likely cause is what it calls: {name}."),
        Cause::Network => "The ends are healthy by themselves, so look at the network between them.".to_owned(),
        Cause::Unknown => format!("Neither the instances of {name}, nor what it calls, nor the network explain it."),
    }
}
