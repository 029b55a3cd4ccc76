//! Holds a baseline against what a window shows: how each edge stands, and which lines are satisfied.

use std::collections::HashMap;

use super::expect::{Baseline, Stand};
use super::file::{Ignore, Mode, State};
use crate::{
    EdgeRow, Entity, EntityEdge, EntityId, Expectation, Kind, Lane, Measures, Moment, Observed, OutsideKind, Who,
};

/// One edge that was judged.
pub(super) struct JudgedEdge<'o> {
    pub edge: &'o EntityEdge,
    pub from: &'o Entity,
    pub to: &'o Entity,
    pub whole: Measures,
    pub stand: Stand,
    /// It was tried, and never came about.
    pub denied: bool,
    /// It is an allowed edge seen from the wrong end.
    pub reversed: bool,
    /// Its ends that no line speaks of.
    pub strangers: (bool, bool),
}

/// All edges in scope.
pub(super) struct Judged<'o> {
    pub edges: Vec<JudgedEdge<'o>>,
    /// When each line was last satisfied in the window.
    pub satisfied: Vec<Option<Moment>>,
    /// Edges that could not be judged, since nobody knows an end.
    pub unresolved: u64,
    /// Calls of these, and of all others.
    pub calls: (u64, u64),
    /// Edges that nobody wants judged.
    pub ignored: u64,
}

/// The weight of an edge: its calls, or its connections where calls are not seen.
pub(super) fn weight(whole: &Measures) -> u64 {
    match whole.requests() {
        0 => whole.flow.connections.max(1),
        requests => requests,
    }
}

/// Judges every edge in scope. With `mode: learn`, nothing.
pub(super) fn judge<'o>(baseline: &Baseline, observed: &'o Observed, now: Moment) -> Judged<'o> {
    let mut judged = Judged {
        edges: Vec::new(),
        satisfied: vec![None; baseline.lines.len()],
        unresolved: 0,
        calls: (0, 0),
        ignored: 0,
    };
    if baseline.mode == Mode::Learn {
        return judged;
    }
    let mut known: HashMap<EntityId, bool> = HashMap::new();
    for edge in &observed.edges {
        let ends = (observed.registry.get(edge.source), observed.registry.get(edge.target));
        let (Some(from), Some(to)) = ends else { continue };
        if !baseline.in_scope(&from.who) && !baseline.in_scope(&to.who) {
            continue;
        }
        let whole = edge.whole();
        if baseline.ignore.iter().any(|kind| kind.means(from, to, &edge.rows)) {
            judged.ignored = judged.ignored.saturating_add(1);
            continue;
        }
        let (stand, satisfied) = baseline.stand(&from.who, &to.who, &edge.rows, now);
        let denied = is_denied(&whole);
        if !denied {
            judged.satisfy(&satisfied, edge.last_seen);
        }
        let is_unresolved = from.who.is_unresolved() || to.who.is_unresolved();
        if is_unresolved && matches!(stand, Stand::Unexpected | Stand::Changed { .. }) {
            judged.unresolved = judged.unresolved.saturating_add(1);
            judged.calls.0 = judged.calls.0.saturating_add(weight(&whole));
            continue;
        }
        judged.calls.1 = judged.calls.1.saturating_add(weight(&whole));
        let mut is_stranger = |id: EntityId, entity: &Entity| {
            let is_workload = matches!(entity.who, Who::Inside(_)) && baseline.in_scope(&entity.who);
            is_workload && !*known.entry(id).or_insert_with(|| baseline.knows(&entity.who))
        };
        let strangers = (is_stranger(edge.source, from), is_stranger(edge.target, to));
        let reversed = stand == Stand::Unexpected && is_only_flow(edge) && baseline.allows_ends(&to.who, &from.who);
        judged.edges.push(JudgedEdge { edge, from, to, whole, stand, denied, reversed, strangers });
    }
    judged
}

impl Judged<'_> {
    fn satisfy(&mut self, lines: &[usize], at: Moment) {
        for line in lines {
            if let Some(last) = self.satisfied.get_mut(*line) {
                *last = Some(last.map_or(at, |last| last.max(at)));
            }
        }
    }

    /// Share of what is in scope that could be judged.
    pub fn coverage(&self) -> Option<f64> {
        let (unresolved, resolved) = self.calls;
        let all = resolved.saturating_add(unresolved);
        Some(if all == 0 { 1.0 } else { resolved as f64 / all as f64 })
    }
}

impl JudgedEdge<'_> {
    pub fn ends(&self) -> (EntityId, EntityId) {
        (self.edge.source, self.edge.target)
    }

    /// As it is drawn.
    pub fn expectation(&self) -> Expectation {
        match self.stand {
            Stand::Expected(_) => Expectation::Expected,
            Stand::Excepted(_) => Expectation::Excepted,
            Stand::Forbidden(_) => Expectation::Forbidden,
            // Whoever opened it, its ends may talk.
            Stand::Unexpected if self.reversed => Expectation::Expected,
            Stand::Unexpected | Stand::Changed { .. } | Stand::Expired(_) => Expectation::Unexpected,
        }
    }
}

/// Connections were tried and none came about.
fn is_denied(whole: &Measures) -> bool {
    let failed = whole.flow.failed.total();
    failed > 0 && whole.requests() == 0 && whole.flow.connections <= failed
}

/// Who opened a connection that was open before is a guess from ports.
fn is_only_flow(edge: &EntityEdge) -> bool {
    edge.lane == Lane::Flows && edge.sources.iter().all(|lane| *lane == Lane::Flows)
}

impl Ignore {
    /// True if an edge is of this kind.
    pub(super) fn means(self, from: &Entity, to: &Entity, rows: &[EdgeRow]) -> bool {
        match self {
            Self::Dns => is_name_server(&to.who) || !rows.is_empty() && rows.iter().all(asks_names),
            Self::KubeletProbes => called(&from.who, &["kubelet", "kube-probe"]),
            Self::PrometheusScrape => called(&from.who, &["prometheus", "vmagent", "grafana-agent", "alloy"]),
            Self::NodeAgents => matches!(&from.who, Who::Inside(inside)
                if inside.workload.as_ref().is_some_and(|workload| workload.kind == Kind::DaemonSet)),
        }
    }
}

fn asks_names(row: &EdgeRow) -> bool {
    row.port == Some(53) || &*row.protocol.0 == "dns"
}

fn is_name_server(who: &Who) -> bool {
    match who {
        Who::Outside(outside) => outside.kind == OutsideKind::DNS,
        Who::Inside(_) => called(who, &["kube-dns", "coredns", "node-local-dns"]),
    }
}

/// True if one of its names begins with one of these.
fn called(who: &Who, beginnings: &[&str]) -> bool {
    super::end::names(who).any(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)))
}

/// Lines that must be satisfied, with their places.
pub(super) fn required(baseline: &Baseline) -> impl Iterator<Item = (usize, &super::expect::Line)> {
    baseline.lines.iter().enumerate().filter(|(_, line)| line.state == State::Require)
}
