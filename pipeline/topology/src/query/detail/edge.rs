//! Everything about one edge.

use serde::Serialize;

use super::calls::{Calls, ProtocolCalls};
use super::links::{Links, hex};
use super::node::Crowd;
use crate::explain::{Explanation, explain_edge};
use crate::query::figures::{HealthFigures, WindowFigures, millis, rounded};
use crate::query::graph::RowKey;
use crate::query::tally::Tally;
use crate::{
    EntityId, Exemplar, Expectation, Expectations, Health, Judgements, Lane, Moment, NodeId, Observed, Protocol, Tier,
    Transport, View,
};

/// Everything about one edge between two nodes of a view.
#[derive(Debug, Clone, Serialize)]
pub struct EdgeDetail {
    /// The window.
    pub window: WindowFigures,
    /// From blocks of which lengths it was added up.
    pub tiers: Vec<Tier>,
    /// The caller.
    pub source: NodeId,
    /// The called.
    pub target: NodeId,
    /// First call, before this window too, in milliseconds since the epoch; absent for an edge without traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<u64>,
    /// Last call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
    /// On how many of the last 64 days it was seen.
    pub days: u32,
    /// All lanes that saw it; the numbers are those of one.
    pub sources: Vec<Lane>,
    /// How it is.
    #[serde(serialize_with = "as_figures")]
    pub health: Health,
    /// How it stands to the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expectation>,
    /// Everything together.
    #[serde(flatten)]
    pub calls: Calls,
    /// By protocol, most requests first.
    pub protocols: Vec<ProtocolCalls>,
    /// By port, transport and protocol.
    pub rows: Vec<RowDetail>,
    /// Traces to look at: failed first, then the slowest.
    pub exemplars: Vec<ExemplarLink>,
    /// Why it is abnormal, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// What an edge carried under one protocol to one port.
#[derive(Debug, Clone, Serialize)]
pub struct RowDetail {
    /// What they spoke.
    pub protocol: Protocol,
    /// The port of the called, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Under the protocol.
    pub transport: Transport,
    /// The numbers.
    #[serde(flatten)]
    pub calls: Calls,
}

/// A trace to look at.
#[derive(Debug, Clone, Serialize)]
pub struct ExemplarLink {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Its id, in hexadecimal.
    pub trace: String,
    /// How long the exchange took.
    pub duration_ms: f64,
    /// True if it was an error.
    pub failed: bool,
    /// Where it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

pub(super) fn as_figures<S: serde::Serializer>(health: &Health, serializer: S) -> Result<S::Ok, S::Error> {
    HealthFigures::from(health).serialize(serializer)
}

/// The entity edges that one edge of a view stands for: what to ask a store about it.
pub fn pairs(observed: &Observed, view: View, source: &NodeId, target: &NodeId) -> Vec<(EntityId, EntityId)> {
    let (from, to) = (Crowd::of(observed, view, source), Crowd::of(observed, view, target));
    let seen = observed.edges.iter().map(|edge| (edge.source, edge.target));
    seen.filter(|(source, target)| from.holds(*source) && to.holds(*target)).collect()
}

/// The entities that one node of a view stands for: what to ask a store about it.
pub fn members(observed: &Observed, view: View, id: &NodeId) -> Vec<EntityId> {
    Crowd::of(observed, view, id).list()
}

/// Everything about the edge from `source` to `target`; `None` if nobody between them called or should have.
pub fn edge(
    observed: &Observed,
    judgements: &Judgements,
    expectations: &Expectations,
    view: View,
    (source, target): (&NodeId, &NodeId),
    exemplars: &[(Moment, Exemplar)],
    links: &Links,
) -> Option<EdgeDetail> {
    let (from, to) = (Crowd::of(observed, view, source), Crowd::of(observed, view, target));
    let mut tally = Tally::default();
    let (mut first_seen, mut last_seen, mut days) = (None, None, 0);
    let parts = observed.edges.iter().filter(|edge| from.holds(edge.source) && to.holds(edge.target));
    for edge in parts {
        tally.add(edge, true);
        first_seen = Some(first_seen.map_or(edge.first_seen, |held| edge.first_seen.min(held)));
        last_seen = last_seen.max(Some(edge.last_seen));
        days = days.max(edge.days);
    }
    let between = |(a, b): &(_, _)| from.holds(*a) && to.holds(*b);
    judgements.edges.iter().filter(|(pair, _)| between(pair)).for_each(|(_, health)| tally.judge(health));
    expectations.edges.iter().filter(|(pair, _)| between(pair)).for_each(|(_, state)| tally.expect(*state));
    if first_seen.is_none() && tally.expected.is_none() {
        return None;
    }
    let seconds = observed.window.covered_seconds();
    tally.rows.sort_by(|(a, x), (b, y)| y.requests().cmp(&x.requests()).then_with(|| a.cmp(b)));
    let row = |(key, measures): &(RowKey, _)| RowDetail {
        protocol: key.protocol.clone(),
        port: key.port,
        transport: key.transport,
        calls: Calls::of(measures, seconds),
    };
    Some(EdgeDetail {
        window: observed.window.into(),
        tiers: observed.tiers.clone(),
        source: source.clone(),
        target: target.clone(),
        first_seen: first_seen.map(millis),
        last_seen: last_seen.map(millis),
        days,
        sources: tally.lanes.iter().collect(),
        calls: Calls::of(&tally.whole, seconds),
        protocols: Calls::by_protocol(&tally.protocols, seconds),
        rows: tally.rows.iter().map(row).collect(),
        health: tally.health,
        expected: tally.expected,
        exemplars: linked(exemplars, links),
        explanation: explain_edge(observed, judgements, view, &from.0, &to.0),
    })
}

fn linked(exemplars: &[(Moment, Exemplar)], links: &Links) -> Vec<ExemplarLink> {
    let mut exemplars = exemplars.to_vec();
    exemplars.sort_by_key(|(at, it)| (std::cmp::Reverse((it.failed, it.duration)), it.trace, *at));
    exemplars.dedup_by_key(|(_, it)| it.trace);
    let link = |(at, it): &(Moment, Exemplar)| ExemplarLink {
        at: millis(*at),
        trace: hex(&it.trace),
        duration_ms: rounded(it.duration as f64 / 1e6),
        failed: it.failed,
        link: links.of_trace(&it.trace),
    };
    exemplars.iter().map(link).collect()
}
