//! What the fields mean for a node and for an edge.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::field::{Flag, NumberField, TextField};
use super::grammar::Whose;
use crate::observed::{EdgeRow, Entity, EntityEdge, NodeFacts};
use crate::{EntityId, Expectation, Expectations, Judgements, Level, Measures, Moment, Observed, View, Who};

/// Everything that expressions are held against, with what concerns a node added up once.
pub(super) struct Subjects<'o> {
    observed: &'o Observed,
    judgements: &'o Judgements,
    expectations: &'o Expectations,
    now: Moment,
    nodes: HashMap<EntityId, NodeSums<'o>>,
    edges: Vec<Line<'o>>,
    /// Numbers of neighbours, most first.
    degrees: Vec<usize>,
}

#[derive(Default)]
struct NodeSums<'o> {
    inbound: Measures,
    callers: usize,
    callees: usize,
    protocols: Vec<&'o str>,
    facts: Option<&'o NodeFacts>,
}

/// An edge, seen in the window or missed by the baseline.
struct Line<'o> {
    ends: (EntityId, EntityId),
    seen: Option<&'o EntityEdge>,
    whole: Measures,
}

/// A node, or an edge with one end picked out.
pub(super) struct Subject<'s> {
    subjects: &'s Subjects<'s>,
    /// The node, or the end that is being looked at.
    end: EntityId,
    edge: Option<&'s Line<'s>>,
}

/// An edge that is looked at from both ends.
pub(super) struct Edge<'s> {
    subjects: &'s Subjects<'s>,
    line: &'s Line<'s>,
}

impl<'o> Subjects<'o> {
    pub(super) fn of(
        observed: &'o Observed,
        judgements: &'o Judgements,
        expectations: &'o Expectations,
        now: Moment,
    ) -> Self {
        let mut nodes: HashMap<EntityId, NodeSums<'o>> = HashMap::new();
        let mut edges: Vec<Line<'o>> = observed.edges.iter().map(Line::seen).collect();
        for (edge, line) in observed.edges.iter().zip(&edges) {
            nodes.entry(edge.source).or_default().callees += 1;
            let target = nodes.entry(edge.target).or_default();
            target.callers += 1;
            target.inbound.add(&line.whole);
            target.protocols.extend(edge.rows.iter().map(|row| &*row.protocol.0));
        }
        let there: HashSet<_> = edges.iter().map(|line| line.ends).collect();
        let missed = expectations.edges.iter().filter(|(_, state)| **state == Expectation::Missing);
        edges.extend(missed.filter(|(ends, _)| !there.contains(*ends)).map(|(ends, _)| Line::missed(*ends)));
        for facts in &observed.nodes {
            let node = nodes.entry(facts.entity).or_default();
            node.facts = Some(facts);
            for (protocol, measures) in &facts.answered {
                node.inbound.add(measures);
                node.protocols.push(&protocol.0);
            }
        }
        let mut degrees: Vec<usize> = nodes.values().map(|node| node.callers + node.callees).collect();
        degrees.sort_unstable_by(|left, right| right.cmp(left));
        Self { observed, judgements, expectations, now, nodes, edges, degrees }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = Subject<'_>> {
        let count = u32::try_from(self.observed.registry.entities.len()).unwrap_or(u32::MAX);
        (0..count).map(|id| Subject { subjects: self, end: EntityId(id), edge: None })
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.edges.iter().map(|line| Edge { subjects: self, line })
    }

    fn entity(&self, id: EntityId) -> Option<&Entity> {
        self.observed.registry.get(id)
    }

    /// A number that entities have and edges have not.
    fn entity_number(&self, id: EntityId, field: NumberField) -> Option<f64> {
        let sums = self.nodes.get(&id)?;
        let instances = || sums.facts.into_iter().flat_map(|facts| &facts.instances);
        let worst = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
        match field {
            NumberField::Cpu => worst(&mut instances().filter_map(|it| Some(it.cpu?.share? * 100.0))),
            NumberField::Memory => worst(&mut instances().filter_map(|it| Some(it.memory?.share? * 100.0))),
            NumberField::Restarts => sums.facts.map(|facts| facts.instances.iter().map(|it| it.restarts as f64).sum()),
            NumberField::Callers => Some(sums.callers as f64),
            NumberField::Callees => Some(sums.callees as f64),
            NumberField::Rank => {
                let degree = sums.callers + sums.callees;
                Some(self.degrees.partition_point(|other| *other > degree) as f64 + 1.0)
            }
            _ => None,
        }
    }
}

impl<'o> Line<'o> {
    fn seen(edge: &'o EntityEdge) -> Self {
        Self { ends: (edge.source, edge.target), seen: Some(edge), whole: edge.whole() }
    }

    fn missed(ends: (EntityId, EntityId)) -> Self {
        Self { ends, seen: None, whole: Measures::default() }
    }

    fn rows(&self) -> &'o [EdgeRow] {
        self.seen.map_or(&[], |edge| &edge.rows)
    }
}

impl<'s> Edge<'s> {
    pub(super) fn ends(&self) -> (EntityId, EntityId) {
        self.line.ends
    }

    /// The edge seen from each of its ends.
    pub(super) fn whole_way(&self) -> [Subject<'s>; 2] {
        let (source, target) = self.line.ends;
        [source, target].map(|end| Subject { subjects: self.subjects, end, edge: Some(self.line) })
    }
}

impl Subject<'_> {
    pub(super) fn id(&self) -> EntityId {
        self.end
    }

    /// True if any text that the field has passes the test.
    pub(super) fn text(&self, whose: Whose, field: TextField, test: &dyn Fn(&str) -> bool) -> bool {
        match field {
            TextField::Protocol => self.protocols(test),
            TextField::Level => test(self.level().as_str()),
            TextField::Expectation => self.expectation().is_some_and(|state| test(state.as_str())),
            _ => self.meant(whose).into_iter().flatten().any(|id| self.entity_text(id, field, test)),
        }
    }

    fn meant(&self, whose: Whose) -> [Option<EntityId>; 2] {
        match (whose, self.edge) {
            (Whose::This, _) | (Whose::Any, None) => [Some(self.end), None],
            // Without an edge there are no ends: a node passes no test about one.
            (Whose::From | Whose::To, None) => [None, None],
            (Whose::From, Some(line)) => [Some(line.ends.0), None],
            (Whose::To, Some(line)) => [Some(line.ends.1), None],
            (Whose::Any, Some(line)) => [Some(line.ends.0), Some(line.ends.1)],
        }
    }

    fn protocols(&self, test: &dyn Fn(&str) -> bool) -> bool {
        match self.edge {
            Some(line) => line.rows().iter().any(|row| test(&row.protocol.0)),
            None => self.sums().is_some_and(|sums| sums.protocols.iter().any(|protocol| test(protocol))),
        }
    }

    fn entity_text(&self, id: EntityId, field: TextField, test: &dyn Fn(&str) -> bool) -> bool {
        let Some(entity) = self.subjects.entity(id) else { return false };
        match (&entity.who, field) {
            (who, TextField::Id) => test(&who.node(View::Workload).to_string()),
            (Who::Inside(inside), TextField::Cluster) => test(&inside.cluster),
            (Who::Inside(inside), TextField::Namespace) => test(&inside.namespace),
            (Who::Inside(inside), TextField::Service) => inside.service.as_ref().is_some_and(|it| test(&it.name)),
            (Who::Inside(inside), TextField::Workload) => inside.workload.as_ref().is_some_and(|it| test(&it.name)),
            (Who::Inside(inside), TextField::Name) => {
                let workload = inside.workload.as_ref().is_some_and(|it| test(&it.name));
                workload || inside.service.as_ref().is_some_and(|it| test(&it.name))
            }
            (Who::Inside(inside), TextField::Kind) => {
                inside.workload.as_ref().is_some_and(|it| test(it.kind.as_str()))
                    || inside.service.is_some() && test("Service")
            }
            (Who::Outside(outside), TextField::Cluster) => test(&outside.cluster),
            (Who::Outside(_), TextField::Namespace) => test("external"),
            (Who::Outside(outside), TextField::Name) => test(&outside.name),
            (Who::Outside(outside), TextField::Kind) => test(outside.kind.as_str()),
            _ => false,
        }
    }

    /// True if any value that the field has passes the test.
    pub(super) fn number(&self, whose: Whose, field: NumberField, test: &dyn Fn(f64) -> bool) -> bool {
        if field.is_of_entities() {
            let ends = self.meant(whose).into_iter().flatten();
            return ends.filter_map(|id| self.subjects.entity_number(id, field)).any(test);
        }
        if let (NumberField::Port, Some(line)) = (field, self.edge) {
            return line.rows().iter().filter_map(|row| row.port).any(|port| test(f64::from(port)));
        }
        self.value(field).is_some_and(test)
    }

    fn value(&self, field: NumberField) -> Option<f64> {
        let measures = self.measures();
        let requests = measures.requests();
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64 * 100.0);
        let flow = &measures.flow;
        match field {
            NumberField::Errors => Some(measures.errors() as f64),
            NumberField::ErrorPercent => ratio(measures.errors(), requests),
            NumberField::ClientErrorPercent => ratio(measures.client_errors(), requests),
            NumberField::Requests => Some(requests as f64),
            NumberField::Rate => {
                let seconds = self.subjects.observed.window.covered_seconds();
                (seconds > 0.0).then(|| requests as f64 / seconds)
            }
            NumberField::Average => measures.latency().mean_ms(),
            NumberField::P50 => measures.latency().quantile_ms(0.5),
            NumberField::P95 => measures.latency().quantile_ms(0.95),
            NumberField::P99 => measures.latency().quantile_ms(0.99),
            NumberField::Gap => measures.gap.mean().map(|mean| mean as f64 / 1e6),
            NumberField::Rtt => flow.rtt_sum.checked_div(flow.rtt_count).map(|mean| mean as f64 / 1e6),
            NumberField::RetransmitPercent => ratio(flow.retransmits, flow.segments),
            NumberField::FailedConnects => Some(flow.failed.total() as f64),
            NumberField::Seen => Some(self.subjects.now.since(self.last_seen()?) as f64 / 1e9),
            NumberField::Age => Some(self.subjects.now.since(self.first_seen()?) as f64 / 1e9),
            // Of several ports and of ends there may be several values: `number` looks at each.
            NumberField::Port
            | NumberField::Cpu
            | NumberField::Memory
            | NumberField::Restarts
            | NumberField::Callers
            | NumberField::Callees
            | NumberField::Rank => None,
        }
    }

    pub(super) fn is(&self, flag: Flag) -> bool {
        let expectation = |state| self.expectation() == Some(state);
        match flag {
            Flag::Expected => expectation(Expectation::Expected),
            Flag::Unexpected => expectation(Expectation::Unexpected),
            Flag::Missing => expectation(Expectation::Missing),
            Flag::Forbidden => expectation(Expectation::Forbidden),
            Flag::Excepted => expectation(Expectation::Excepted),
            Flag::Pending => expectation(Expectation::Pending),
            Flag::Red => self.level() == Level::Red,
            Flag::Yellow => self.level() == Level::Yellow,
            Flag::Abnormal => self.level() >= Level::Yellow,
            Flag::Healthy => self.level() == Level::Ok,
            Flag::Idle => self.is_idle(),
            Flag::New => self.first_seen().is_some_and(|first| first >= self.subjects.observed.window.from),
            Flag::External => self.either_end(|who| matches!(who, Who::Outside(_))),
            Flag::Unresolved => self.either_end(Who::is_unresolved),
            Flag::Root => self.degrees().is_some_and(|(callers, callees)| callers == 0 && callees > 0),
            Flag::Leaf => self.degrees().is_some_and(|(callers, callees)| callers > 0 && callees == 0),
        }
    }

    fn is_idle(&self) -> bool {
        self.sums().is_none_or(|sums| sums.callers + sums.callees == 0 && sums.inbound.is_empty())
    }

    fn degrees(&self) -> Option<(usize, usize)> {
        self.sums().map(|sums| (sums.callers, sums.callees))
    }

    fn either_end(&self, test: impl Fn(&Who) -> bool) -> bool {
        let meant = self.meant(Whose::Any).into_iter().flatten();
        meant.filter_map(|id| self.subjects.entity(id)).any(|entity| test(&entity.who))
    }

    fn measures(&self) -> &Measures {
        static NOTHING: LazyLock<Measures> = LazyLock::new(Measures::default);
        match self.edge {
            Some(line) => &line.whole,
            None => self.sums().map_or(&NOTHING, |sums| &sums.inbound),
        }
    }

    fn sums(&self) -> Option<&NodeSums<'_>> {
        self.subjects.nodes.get(&self.end)
    }

    fn level(&self) -> Level {
        let judgements = self.subjects.judgements;
        let health = match self.edge {
            Some(line) => judgements.edges.get(&line.ends),
            None => judgements.nodes.get(&self.end),
        };
        health.map_or(Level::Unknown, |health| health.level)
    }

    fn expectation(&self) -> Option<Expectation> {
        let expectations = self.subjects.expectations;
        match self.edge {
            Some(line) => expectations.edges.get(&line.ends).copied(),
            None => expectations.nodes.get(&self.end).copied(),
        }
    }

    fn first_seen(&self) -> Option<Moment> {
        match self.edge {
            Some(line) => line.seen.map(|edge| edge.first_seen),
            None => self.subjects.entity(self.end).map(|entity| entity.first_seen),
        }
    }

    fn last_seen(&self) -> Option<Moment> {
        match self.edge {
            Some(line) => line.seen.map(|edge| edge.last_seen),
            None => self.subjects.entity(self.end).map(|entity| entity.last_seen),
        }
    }
}
