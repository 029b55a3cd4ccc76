//! A baseline against one window: expectations to draw, and findings.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::end::{EndPattern, Fit, names};
use super::expect::{Baseline, Line, Stand};
use super::file::Mode;
use super::finding::{EdgeSample, Finding, FindingKind, Ports, SAMPLES, called, evidence, id};
use super::judge::{Judged, JudgedEdge, judge, required};
use crate::{
    EdgeRow, EntityId, Expectation, Expectations, Level, Moment, Name, NodeId, Observed, Protocol, Registry, Standing,
    View,
};

/// How a window stands to a baseline.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// To draw.
    pub expectations: Expectations,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Edges by how they stand.
    pub counts: Counts,
    /// True if the file says `mode: learn`: nothing was judged.
    pub learning: bool,
}

/// Edges in scope, by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// A line allows it.
    pub expected: u64,
    /// An exception lets it pass.
    pub excepted: u64,
    /// Not yet a finding.
    pub pending: u64,
    /// No line allows it.
    pub unexpected: u64,
    /// A line forbids it.
    pub forbidden: u64,
    /// Required and not there.
    pub missing: u64,
    /// Required and not seen, in a window too short to miss it.
    pub quiet: u64,
    /// Nobody knows an end of it.
    pub unresolved: u64,
    /// Of a kind that the file ignores.
    pub ignored: u64,
}

/// More unexpected edges of one source than this are one finding about it: it scans.
pub(super) const SCAN: usize = 20;

/// Holds a window against a baseline. Nothing is waited for, except that a window shorter than `missingAfter` misses
/// nothing.
pub fn compare(baseline: &Baseline, observed: &Observed, now: Moment) -> Comparison {
    let judged = judge(baseline, observed, now);
    let is_long = observed.window.covered >= baseline.missing_after;
    let misses = baseline.mode != Mode::Learn;
    let is_missing = |line: usize| judged.satisfied.get(line).is_some_and(Option::is_none);
    let missing: Vec<usize> = required(baseline).map(|(at, _)| at).filter(|at| misses && is_missing(*at)).collect();
    let quiet = if is_long { 0 } else { missing.len() as u64 };
    let missing = if is_long { missing } else { Vec::new() };
    let mut picture = Picture::of(baseline, observed, &judged);
    picture.miss(&missing, observed.window.from, now);
    let mut comparison = picture.finish(&judged, |_| false);
    comparison.counts.quiet = quiet;
    comparison
}

/// Findings as they come together.
pub(super) struct Picture<'a> {
    baseline: &'a Baseline,
    observed: &'a Observed,
    findings: Vec<Finding>,
    expectations: Expectations,
    pods: HashMap<EntityId, Vec<Name>>,
}

impl<'a> Picture<'a> {
    pub fn of(baseline: &'a Baseline, observed: &'a Observed, judged: &Judged<'a>) -> Self {
        let named = |facts: &crate::NodeFacts| {
            let names = facts.instances.iter().map(|it| it.name.clone()).filter(|name| !name.is_empty());
            (facts.entity, names.take(SAMPLES).collect())
        };
        let pods = observed.nodes.iter().map(named).collect();
        let coverage = if baseline.mode == Mode::Learn { None } else { judged.coverage() };
        let expectations = Expectations { coverage, ..Expectations::default() };
        let mut picture = Self { baseline, observed, findings: Vec::new(), expectations, pods };
        picture.find(judged);
        picture
    }

    fn find(&mut self, judged: &Judged<'_>) {
        let mut by_node: BTreeMap<EntityId, Vec<&JudgedEdge<'_>>> = BTreeMap::new();
        let mut by_source: BTreeMap<(EntityId, FindingKind), Vec<&JudgedEdge<'_>>> = BTreeMap::new();
        for edge in &judged.edges {
            self.expectations.edges.insert(edge.ends(), edge.expectation());
            self.meet(edge);
            let Some(kind) = kind(edge) else { continue };
            let is_nobodys = kind == FindingKind::EdgeUnexpected;
            let strangers = [(edge.strangers.0, edge.edge.source), (edge.strangers.1, edge.edge.target)];
            for (_, id) in strangers.iter().filter(|(is_stranger, _)| *is_stranger && is_nobodys) {
                by_node.entry(*id).or_default().push(edge);
            }
            if !is_nobodys || strangers.iter().all(|(is_stranger, _)| !is_stranger) {
                by_source.entry((edge.edge.source, kind)).or_default().push(edge);
            }
        }
        for (node, edges) in by_node {
            self.expectations.nodes.insert(node, Expectation::Unexpected);
            self.findings.extend(self.about_node(node, FindingKind::NodeUnexpected, &edges));
        }
        for ((source, kind), edges) in by_source {
            let is_scan = edges.len() > SCAN && matches!(kind, FindingKind::EdgeUnexpected | FindingKind::PolicyDenied);
            let found: Vec<Finding> = match is_scan {
                true => self.about_node(source, kind, &edges).into_iter().collect(),
                false => edges.iter().map(|edge| self.about_edge(edge, kind)).collect(),
            };
            self.findings.extend(found);
        }
    }

    /// Ends of judged edges that some line speaks of are expected themselves.
    fn meet(&mut self, edge: &JudgedEdge<'_>) {
        for (is_stranger, entity) in [(edge.strangers.0, edge.edge.source), (edge.strangers.1, edge.edge.target)] {
            if !is_stranger && matches!(edge.stand, Stand::Expected(_)) {
                self.expectations.nodes.entry(entity).or_insert(Expectation::Expected);
            }
        }
    }

    fn about_edge(&self, edge: &JudgedEdge<'_>, kind: FindingKind) -> Finding {
        let (client, server) = (edge.from.who.node(View::Workload), edge.to.who.node(View::Workload));
        let rows: Vec<&EdgeRow> = match &edge.stand {
            Stand::Changed { rows, .. } => rows.iter().filter_map(|at| edge.edge.rows.get(*at)).collect(),
            _ => edge.edge.rows.iter().collect(),
        };
        let ports = Ports::of(rows.iter().copied());
        let protocols = protocols(&rows);
        Finding {
            id: id(&self.baseline.name, kind, &client, Some(&server)),
            message: self.sentence(edge, kind, &ports, &protocols),
            kind,
            level: self.level(kind, edge),
            baseline: self.baseline.name.clone(),
            rule: self.baseline.place(&edge.stand),
            ports,
            protocols,
            direction: edge.reversed.then_some("inferred"),
            first_seen: edge.edge.first_seen,
            last_seen: edge.edge.last_seen,
            requests: edge.whole.requests(),
            connections: edge.whole.flow.connections,
            bytes: bytes(edge),
            pods: self.pods.get(&edge.edge.source).cloned().unwrap_or_default(),
            edges: Vec::new(),
            edges_total: 1,
            evidence: evidence(&edge.edge.sources),
            client,
            server: Some(server),
        }
    }

    /// One finding about a node that stands for all of these edges.
    fn about_node(&self, node: EntityId, kind: FindingKind, edges: &[&JudgedEdge<'_>]) -> Option<Finding> {
        let client = self.observed.registry.get(node)?.who.node(View::Workload);
        let sample = |edge: &&JudgedEdge<'_>| EdgeSample {
            client: edge.from.who.node(View::Workload),
            server: edge.to.who.node(View::Workload),
        };
        let mut samples: Vec<EdgeSample> = edges.iter().map(sample).collect();
        samples.sort();
        samples.truncate(SAMPLES);
        let rows: Vec<&EdgeRow> = edges.iter().flat_map(|edge| &edge.edge.rows).collect();
        let sum =
            |count: fn(&JudgedEdge<'_>) -> u64| edges.iter().fold(0_u64, |sum, edge| sum.saturating_add(count(edge)));
        let mut lanes: Vec<_> = edges.iter().flat_map(|edge| edge.edge.sources.iter().copied()).collect();
        lanes.dedup();
        let (total, name) = (edges.len(), called(&client));
        let message = match kind {
            FindingKind::NodeUnexpected => format!("no line speaks of {name}, which has {}", counted(total, "edge")),
            FindingKind::PolicyDenied => format!("{name} was refused by {}: it scans", counted(total, "peer")),
            _ => format!("{name} calls {} that no line allows: it scans", counted(total, "peer")),
        };
        let levels = edges.iter().map(|edge| self.level(kind, edge));
        Some(Finding {
            id: id(&self.baseline.name, kind, &client, None),
            kind,
            level: levels.max().unwrap_or_default(),
            baseline: self.baseline.name.clone(),
            rule: "".into(),
            ports: Ports::of(rows.iter().copied()),
            protocols: protocols(&rows),
            direction: None,
            first_seen: edges.iter().map(|edge| edge.edge.first_seen).min()?,
            last_seen: edges.iter().map(|edge| edge.edge.last_seen).max()?,
            requests: sum(|edge| edge.whole.requests()),
            connections: sum(|edge| edge.whole.flow.connections),
            bytes: sum(bytes),
            pods: self.pods.get(&node).cloned().unwrap_or_default(),
            edges: samples,
            edges_total: total as u64,
            evidence: evidence(&lanes),
            client,
            server: None,
            message,
        })
    }

    fn level(&self, kind: FindingKind, edge: &JudgedEdge<'_>) -> Level {
        let levels = self.baseline.levels;
        match kind {
            FindingKind::EdgeForbidden => Level::Red,
            FindingKind::EdgeUnexpected | FindingKind::ExceptionExpired => levels.unexpected_edge,
            // A guess is never red.
            FindingKind::EdgeChanged if edge.reversed => Level::Yellow,
            FindingKind::EdgeChanged => levels.changed_edge,
            FindingKind::PolicyDenied => Level::Yellow,
            FindingKind::EdgeMissing | FindingKind::NodeMissing => levels.missing_edge,
            FindingKind::NodeUnexpected => levels.unexpected_node,
        }
    }

    fn sentence(&self, edge: &JudgedEdge<'_>, kind: FindingKind, ports: &Ports, protocols: &[Protocol]) -> String {
        let (from, to) = (called(&edge.from.who.node(View::Workload)), called(&edge.to.who.node(View::Workload)));
        let spoken = protocols.iter().map(|protocol| &*protocol.0).collect::<Vec<_>>().join(", ");
        let on = match ports.total {
            0 => String::new(),
            1 => format!(" on port {ports}"),
            _ => format!(" on ports {ports}"),
        };
        let how = if spoken.is_empty() { on } else { format!("{on} ({spoken})") };
        let place = self.baseline.place(&edge.stand);
        match kind {
            FindingKind::EdgeForbidden => format!("{from} calls {to}{how}, which {place} forbids"),
            FindingKind::EdgeChanged if edge.reversed => {
                format!("{from} seems to call {to}{how}; a line allows the other direction")
            }
            FindingKind::EdgeChanged => format!("{from} calls {to}{how}; {place} allows other ports or protocols"),
            FindingKind::PolicyDenied => format!("{from} tries to reach {to}{how}, and no connection comes about"),
            FindingKind::ExceptionExpired => self.expired(edge, &format!("{from} calls {to}{how}")),
            _ => format!("{from} calls {to}{how}, which no line allows"),
        }
    }

    fn expired(&self, edge: &JudgedEdge<'_>, what: &str) -> String {
        let Stand::Expired(at) = edge.stand else { return what.to_owned() };
        let Some(exception) = self.baseline.exceptions.get(at) else { return what.to_owned() };
        let (until, owner, reason) = (exception.until.to_rfc3339(), &exception.owner, &exception.reason);
        format!("{what}; its exception ended {until} (owner {owner}: {reason})")
    }

    /// Adds findings about lines that nothing satisfies. Those of a node that is not there are one.
    pub fn miss(&mut self, lines: &[usize], since: Moment, now: Moment) {
        let baseline = self.baseline;
        if lines.is_empty() {
            return;
        }
        let census = Census::of(&self.observed.registry);
        let mut absent: BTreeMap<NodeId, u64> = BTreeMap::new();
        for line in lines.iter().filter_map(|at| baseline.lines.get(*at)) {
            let ends = [&line.from, &line.to].map(|end| census.last_of(end, &baseline.cluster));
            if let (Some((source, ..)), Some((target, ..))) = (&ends[0], &ends[1]) {
                self.expectations.edges.insert((*source, *target), Expectation::Missing);
            }
            let pairs = [&line.from, &line.to].into_iter().zip(&ends);
            let gone: Vec<NodeId> = pairs.filter_map(|(end, found)| self.gone(end, found.as_ref(), since)).collect();
            if gone.is_empty() {
                self.findings.push(self.missing(line, &ends, since, now));
            }
            for node in gone {
                let lines = absent.entry(node).or_default();
                *lines = lines.saturating_add(1);
            }
        }
        for (node, lines) in absent {
            self.findings.push(self.missing_node(node, lines, since, now));
        }
    }

    /// The node of an end by which nothing was seen since then. Who is outside shows nothing but calls.
    fn gone(&mut self, end: &EndPattern, found: Option<&Found>, since: Moment) -> Option<NodeId> {
        match found {
            Some((_, _, last_seen)) if *last_seen >= since => None,
            Some((_, node, _)) if node.kind.is_outside() => None,
            Some((id, node, _)) => {
                self.expectations.nodes.insert(*id, Expectation::Missing);
                Some(node.clone())
            }
            None => Some(end.node(&self.baseline.cluster)).filter(|node| !node.kind.is_outside()),
        }
    }

    fn missing(&self, line: &Line, ends: &[Option<Found>; 2], since: Moment, now: Moment) -> Finding {
        let node = |found: &Option<Found>, end: &EndPattern| {
            let seen = found.as_ref().filter(|_| end.group.is_none()).map(|(_, node, _)| node.clone());
            seen.unwrap_or_else(|| end.node(&self.baseline.cluster))
        };
        let [from, to] = ends;
        let (client, server) = (node(from, &line.from), node(to, &line.to));
        let message = format!("{} does not call {}, which {} requires", called(&client), called(&server), line.place);
        let absence = self.absence(FindingKind::EdgeMissing, client, Some(server), (since, now));
        Finding { rule: line.place.clone(), message, ..absence }
    }

    fn missing_node(&self, node: NodeId, lines: u64, since: Moment, now: Moment) -> Finding {
        let times = counted(usize::try_from(lines).unwrap_or(usize::MAX), "line");
        let message = format!("nothing is seen of {}, which is required by {times}", called(&node));
        let absence = self.absence(FindingKind::NodeMissing, node, None, (since, now));
        Finding { message, edges_total: lines, ..absence }
    }

    fn absence(&self, kind: FindingKind, client: NodeId, server: Option<NodeId>, times: (Moment, Moment)) -> Finding {
        Finding {
            id: id(&self.baseline.name, kind, &client, server.as_ref()),
            kind,
            level: self.baseline.levels.missing_edge,
            baseline: self.baseline.name.clone(),
            rule: "".into(),
            client,
            server,
            ports: Ports::default(),
            protocols: Vec::new(),
            direction: None,
            first_seen: times.0,
            last_seen: times.1,
            requests: 0,
            connections: 0,
            bytes: 0,
            pods: Vec::new(),
            edges: Vec::new(),
            edges_total: 1,
            evidence: Vec::new(),
            message: String::new(),
        }
    }

    /// What came of it. Findings for which `waits` is true are only pending.
    pub fn finish(self, judged: &Judged<'_>, mut waits: impl FnMut(&Finding) -> bool) -> Comparison {
        let Self { baseline, observed, mut findings, mut expectations, .. } = self;
        let mut pending: HashSet<(NodeId, Option<NodeId>)> = HashSet::new();
        findings.retain(|finding| {
            let is_waiting = waits(finding);
            if is_waiting {
                pending.insert((finding.client.clone(), finding.server.clone()));
            }
            !is_waiting
        });
        postpone(&mut expectations, judged, observed, &pending);
        findings.sort_by(|one, other| {
            let key = |it: &'_ Finding| (std::cmp::Reverse(it.level), it.kind);
            key(one).cmp(&key(other)).then_with(|| (&one.client, &one.server).cmp(&(&other.client, &other.server)))
        });
        let (unresolved, ignored) = (judged.unresolved, judged.ignored);
        let mut counts = Counts { unresolved, ignored, ..Counts::default() };
        for expectation in expectations.edges.values() {
            counts.add(*expectation);
        }
        Comparison { expectations, findings, counts, learning: baseline.mode == Mode::Learn }
    }
}

/// An entity, its node, and when it was last seen.
pub(super) type Found = (EntityId, NodeId, Moment);

/// Everybody by name.
pub(super) struct Census<'r> {
    registry: &'r Registry,
    by_name: HashMap<&'r str, Vec<EntityId>>,
}

impl<'r> Census<'r> {
    pub fn of(registry: &'r Registry) -> Self {
        let mut by_name: HashMap<&str, Vec<EntityId>> = HashMap::new();
        for (id, entity) in (0..).map(EntityId).zip(&registry.entities) {
            for name in names(&entity.who) {
                by_name.entry(name).or_default().push(id);
            }
        }
        Self { registry, by_name }
    }

    /// Whom an end means: who of them was seen last.
    pub fn last_of(&self, end: &EndPattern, cluster: &str) -> Option<Found> {
        let all = || (0..).map(EntityId).take(self.registry.entities.len());
        let candidates: Vec<EntityId> = match end.keys() {
            Some(keys) => keys.iter().filter_map(|key| self.by_name.get(key)).flatten().copied().collect(),
            None => all().collect(),
        };
        let known = candidates.into_iter().filter_map(|id| Some((id, self.registry.get(id)?)));
        let meant = known.filter(|(_, entity)| end.fit(&entity.who, cluster) > Fit::No);
        let (id, entity) = meant.max_by_key(|(_, entity)| entity.last_seen)?;
        Some((id, entity.who.node(View::Workload), entity.last_seen))
    }
}

/// What is only pending is drawn so.
fn postpone(
    expectations: &mut Expectations,
    judged: &Judged<'_>,
    observed: &Observed,
    pending: &HashSet<(NodeId, Option<NodeId>)>,
) {
    if pending.is_empty() {
        return;
    }
    let waits = |client: NodeId, server: NodeId| {
        let (one, other) = ((client.clone(), None), (server.clone(), None));
        pending.contains(&one) || pending.contains(&other) || pending.contains(&(client, Some(server)))
    };
    for edge in &judged.edges {
        let (client, server) = (edge.from.who.node(View::Workload), edge.to.who.node(View::Workload));
        if let Some(held) = expectations.edges.get_mut(&edge.ends())
            && *held == Expectation::Unexpected
            && waits(client, server)
        {
            *held = Expectation::Pending;
        }
    }
    for (id, held) in &mut expectations.nodes {
        let node = observed.registry.get(*id).map(|entity| entity.who.node(View::Workload));
        let is_pending = node.is_some_and(|node| pending.contains(&(node, None)));
        if is_pending && *held == Expectation::Unexpected {
            *held = Expectation::Pending;
        }
    }
}

impl Counts {
    fn add(&mut self, expectation: Expectation) {
        let count = match expectation {
            Expectation::Expected => &mut self.expected,
            Expectation::Excepted => &mut self.excepted,
            Expectation::Pending => &mut self.pending,
            Expectation::Missing => &mut self.missing,
            Expectation::Unexpected => &mut self.unexpected,
            Expectation::Forbidden => &mut self.forbidden,
        };
        *count = count.saturating_add(1);
    }

    /// By name, as gauges tell them.
    pub fn by_name(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("expected", self.expected),
            ("excepted", self.excepted),
            ("pending", self.pending),
            ("unexpected", self.unexpected),
            ("forbidden", self.forbidden),
            ("missing", self.missing),
        ]
    }
}

impl Comparison {
    /// How the baseline is doing.
    pub fn standing(&self, baseline: &Baseline) -> Standing {
        let edges = self.counts.by_name();
        Standing { baseline: baseline.name.clone(), edges, coverage: self.expectations.coverage }
    }

    /// True if there is a finding at least as bad.
    pub fn has(&self, least: Level) -> bool {
        self.findings.iter().any(|finding| finding.level >= least)
    }
}

/// What is to be told of an edge, if anything.
fn kind(edge: &JudgedEdge<'_>) -> Option<FindingKind> {
    let found = match edge.stand {
        Stand::Excepted(_) => return None,
        _ if edge.denied => return Some(FindingKind::PolicyDenied),
        Stand::Expected(_) => return None,
        Stand::Expired(_) => FindingKind::ExceptionExpired,
        Stand::Forbidden(_) => FindingKind::EdgeForbidden,
        Stand::Changed { .. } => FindingKind::EdgeChanged,
        Stand::Unexpected if edge.reversed => FindingKind::EdgeChanged,
        Stand::Unexpected => FindingKind::EdgeUnexpected,
    };
    Some(found)
}

fn protocols(rows: &[&EdgeRow]) -> Vec<Protocol> {
    let mut protocols: Vec<Protocol> =
        rows.iter().map(|row| row.protocol.clone()).filter(|protocol| !protocol.is_unspecified()).collect();
    protocols.sort();
    protocols.dedup();
    protocols.truncate(SAMPLES);
    protocols
}

fn bytes(edge: &JudgedEdge<'_>) -> u64 {
    edge.whole.flow.bytes_sent.saturating_add(edge.whole.flow.bytes_received)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
