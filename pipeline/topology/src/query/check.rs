//! Can A reach B? The answer of what was seen: it works, it is refused, nobody answers, or nobody ever tried.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use serde::Serialize;

use super::figures::WindowFigures;
use crate::{Measures, NodeId, Observed, View};

/// What was seen between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Calls get there and some succeed.
    Ok,
    /// All calls that were seen failed.
    Failing,
    /// No connection came about: the other end says no.
    Refused,
    /// No connection came about: the other end says nothing.
    TimedOut,
    /// No connection came about: there is no way, or for a cause of another kind.
    Unreachable,
    /// Nobody tried in the window.
    NeverTried,
}

/// The answer to `check A B`.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The window.
    pub window: WindowFigures,
    /// The calls from A to B, or the shortest way over others if there are none.
    pub hops: Vec<Hop>,
    /// Of the worst hop.
    pub verdict: Verdict,
}

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hop {
    /// The caller.
    pub source: NodeId,
    /// The called.
    pub target: NodeId,
    /// How it goes.
    pub verdict: Verdict,
    /// Calls seen.
    pub requests: u64,
    /// Faults among them.
    pub errors: u64,
    /// Connections opened.
    pub connections: u64,
    /// Connections refused.
    pub refused: u64,
    /// Connections nobody answered.
    pub timed_out: u64,
    /// Connections that did not come about for another cause.
    pub unreachable: u64,
}

/// A name that means no node, or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchNode {
    /// Nobody goes by it.
    #[error("nobody called `{0}` was ever seen; `graph export` lists who was")]
    Unknown(String),
    /// Several do.
    #[error("`{name}` may mean {}; say which", several(.candidates))]
    Several {
        /// What was asked.
        name: String,
        /// Ids of those that go by it.
        candidates: Vec<NodeId>,
    },
}

fn several(candidates: &[NodeId]) -> String {
    let listed: Vec<String> = candidates.iter().take(5).map(|id| format!("`{id}`")).collect();
    let more = candidates.len().saturating_sub(listed.len());
    let rest = if more > 0 { format!(" or {more} more") } else { String::new() };
    format!("{}{rest}", listed.join(", "))
}

impl Verdict {
    /// As a process tells it: 0 for what works, 4 for what nobody tried, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::NeverTried => 4,
            Self::Failing | Self::Refused | Self::TimedOut | Self::Unreachable => 1,
        }
    }

    fn of(measures: &Measures) -> Self {
        let (requests, errors) = (measures.requests(), measures.errors());
        let failed = measures.flow.failed;
        if requests > errors || (requests == 0 && measures.flow.connections > failed.total()) {
            return Self::Ok;
        }
        let causes = [
            (failed.refused, Self::Refused),
            (failed.timed_out, Self::TimedOut),
            (failed.unreachable, Self::Unreachable),
        ];
        let worst = causes.into_iter().filter(|(count, _)| *count > 0).max_by_key(|(count, _)| *count);
        match worst {
            Some((_, cause)) => cause,
            None if requests > 0 => Self::Failing,
            None if measures.is_empty() => Self::NeverTried,
            None => Self::Ok,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ok => "works",
            Self::Failing => "every call fails",
            Self::Refused => "connections are refused",
            Self::TimedOut => "nobody answers",
            Self::Unreachable => "there is no way",
            Self::NeverTried => "nobody tried",
        })
    }
}

/// Looks from `a` to `b`. A name is a node id, `namespace/name`, or a name that only one node has.
pub fn check(observed: &Observed, view: View, a: &str, b: &str) -> Result<Check, NoSuchNode> {
    let (a, b) = (resolve(observed, view, a)?, resolve(observed, view, b)?);
    let sums = between_nodes(observed, view);
    let way = shortest(&sums, &a, &b);
    let hops: Vec<Hop> = way.iter().filter_map(|pair| Some(Hop::of(pair, sums.get(pair)?))).collect();
    let broken = hops.iter().find(|hop| hop.verdict != Verdict::Ok);
    let verdict = match (broken, hops.is_empty()) {
        (Some(hop), _) => hop.verdict.clone(),
        (None, true) => Verdict::NeverTried,
        (None, false) => Verdict::Ok,
    };
    Ok(Check { window: observed.window.into(), hops, verdict })
}

/// The node that a reader means.
pub fn resolve(observed: &Observed, view: View, name: &str) -> Result<NodeId, NoSuchNode> {
    let mut nodes: Vec<NodeId> = observed.registry.entities.iter().map(|entity| entity.who.node(view)).collect();
    nodes.sort();
    nodes.dedup();
    if let Ok(id) = name.parse::<NodeId>()
        && nodes.binary_search(&id).is_ok()
    {
        return Ok(id);
    }
    let (namespace, short) = name.rsplit_once('/').map_or((None, name), |(space, short)| (Some(space), short));
    let means = |id: &NodeId| {
        (&*id.name == short && namespace.is_none_or(|namespace| *id.namespace == *namespace)) || &*id.name == name
    };
    nodes.retain(means);
    match nodes.as_slice() {
        [] => Err(NoSuchNode::Unknown(name.to_owned())),
        [only] => Ok(only.clone()),
        _ => Err(NoSuchNode::Several { name: name.to_owned(), candidates: nodes }),
    }
}

type Pair = (NodeId, NodeId);

fn between_nodes(observed: &Observed, view: View) -> BTreeMap<Pair, Measures> {
    let mut sums: BTreeMap<Pair, Measures> = BTreeMap::new();
    let node = |entity| Some(observed.registry.get(entity)?.who.node(view));
    for edge in &observed.edges {
        if let (Some(source), Some(target)) = (node(edge.source), node(edge.target)) {
            let sum = sums.entry((source, target)).or_default();
            edge.rows.iter().for_each(|row| sum.add(&row.measures));
        }
    }
    sums
}

/// Breadth first, so a direct edge wins.
fn shortest(sums: &BTreeMap<Pair, Measures>, a: &NodeId, b: &NodeId) -> Vec<Pair> {
    let mut calls: HashMap<&NodeId, Vec<&NodeId>> = HashMap::new();
    for (source, target) in sums.keys() {
        calls.entry(source).or_default().push(target);
    }
    let mut came_from: HashMap<&NodeId, &NodeId> = HashMap::new();
    let mut waiting = VecDeque::from([a]);
    while let Some(here) = waiting.pop_front() {
        for there in calls.get(here).into_iter().flatten().copied() {
            if there == b {
                return steps(&came_from, a, here, b);
            }
            if there != a && !came_from.contains_key(there) {
                came_from.insert(there, here);
                waiting.push_back(there);
            }
        }
    }
    vec![]
}

fn steps(came_from: &HashMap<&NodeId, &NodeId>, a: &NodeId, last: &NodeId, b: &NodeId) -> Vec<Pair> {
    let mut steps = vec![(last.clone(), b.clone())];
    let mut here = last;
    while here != a {
        let Some(before) = came_from.get(here) else { break };
        steps.push(((*before).clone(), here.clone()));
        here = before;
    }
    steps.reverse();
    steps
}

impl Hop {
    fn of((source, target): &Pair, measures: &Measures) -> Self {
        let flow = &measures.flow;
        Self {
            source: source.clone(),
            target: target.clone(),
            verdict: Verdict::of(measures),
            requests: measures.requests(),
            errors: measures.errors(),
            connections: flow.connections,
            refused: flow.failed.refused,
            timed_out: flow.failed.timed_out,
            unreachable: flow.failed.unreachable,
        }
    }
}
