//! Puts nodes, groups and edges where a reader sees them, and adds up what is behind each.

use std::collections::HashMap;

use super::ask::GraphQuery;
use super::cast::{Cast, Drawn, Member};
use super::graph::{Edge, Graph, Group, Instances, Node, Outbound, Spot};
use super::narrow::Near;
use super::tally::{Tally, inherit, is_abnormal, is_unexpected};
use crate::{
    EdgeRow, EntityId, Expectation, Expectations, Health, Judgements, Kind, Level, Measures, NodeFacts, Observed,
    Phase, ServiceOrigin, Who,
};

/// What is thought of entities.
#[derive(Clone, Copy)]
pub(super) struct Opinions<'a> {
    pub(super) judgements: &'a Judgements,
    pub(super) expectations: &'a Expectations,
}

impl Opinions<'_> {
    fn of_node(&self, member: &Member) -> (Level, Option<Expectation>) {
        let levels = member.entities.iter().filter_map(|id| Some(self.judgements.nodes.get(id)?.level));
        let states = member.entities.iter().filter_map(|id| self.expectations.nodes.get(id).copied());
        (levels.max().unwrap_or_default(), states.max())
    }

    fn of_edge(&self, pair: (EntityId, EntityId)) -> (Level, Option<Expectation>) {
        let level = self.judgements.edges.get(&pair).map_or(Level::Unknown, |health| health.level);
        (level, self.expectations.edges.get(&pair).copied())
    }
}

/// Where each node of the cast is seen.
pub(super) struct Stage<'a> {
    cast: &'a Cast,
    near: Option<Near>,
    /// By position in the cast; `None` is out of focus.
    spots: Vec<Option<Spot>>,
    /// By position in the cast: position in the answer.
    groups: Vec<Option<u32>>,
    collapsed: Vec<bool>,
}

impl<'a> Stage<'a> {
    pub(super) fn set(cast: &'a Cast, near: Option<Near>, query: &GraphQuery) -> Self {
        let collapsed = cast.collapsed(&query.collapse, query.view, query.focus.is_some());
        let is_near = |place: u32| near.as_ref().is_none_or(|near| near.nodes.contains(&place));
        let visible: Vec<bool> = (0u32..).zip(&cast.nodes).map(|(place, _)| is_near(place)).collect();

        let mut peopled = vec![false; cast.groups.len()];
        for (member, _) in cast.nodes.iter().zip(&visible).filter(|(_, visible)| **visible) {
            if let Some(slot) = slot(&mut peopled, member.group) {
                *slot = true;
            }
        }
        let mut next_group = 0;
        let groups: Vec<_> = peopled.into_iter().map(|here| here.then(|| count_up(&mut next_group))).collect();

        let mut next_node = 0;
        let spot = |(member, visible): (&Member, &bool)| {
            let group = *at(&groups, member.group)?;
            let folded = at(&collapsed, member.group).copied().unwrap_or(false);
            match (visible, folded) {
                (false, _) => None,
                (true, true) => group.map(Spot::Group),
                (true, false) => Some(Spot::Node(count_up(&mut next_node))),
            }
        };
        let spots = cast.nodes.iter().zip(&visible).map(spot).collect();
        Self { cast, near, spots, groups, collapsed }
    }

    fn members(&self) -> impl Iterator<Item = (&Member, Spot)> {
        self.cast.nodes.iter().zip(&self.spots).filter_map(|(member, spot)| Some((member, (*spot)?)))
    }

    /// Groups with counts of their members; counts of edges come with the edges.
    pub(super) fn groups(&self, opinions: Opinions<'_>) -> Vec<Group> {
        let present = self.cast.groups.iter().zip(&self.groups).zip(&self.collapsed);
        let present = present.filter(|((_, place), _)| place.is_some());
        let empty = |((circle, _), collapsed): ((&super::cast::Circle, _), &bool)| Group {
            id: circle.id(),
            label: circle.label(),
            collapsed: *collapsed,
            ..Group::default()
        };
        let mut groups: Vec<Group> = present.map(empty).collect();
        for (member, _) in self.members() {
            let place = at(&self.groups, member.group).copied().flatten();
            if let Some(group) = place.and_then(|place| slot(&mut groups, place)) {
                let (level, expected) = opinions.of_node(member);
                group.take(member, level, expected);
            }
        }
        groups
    }

    pub(super) fn nodes(&self, opinions: Opinions<'_>) -> Vec<Node> {
        let drawn = self.members().filter(|(_, spot)| matches!(spot, Spot::Node(_)));
        drawn.map(|(member, _)| self.node(member, opinions)).collect()
    }

    fn node(&self, member: &Member, opinions: Opinions<'_>) -> Node {
        let mut health = Health::default();
        for part in member.entities.iter().filter_map(|id| opinions.judgements.nodes.get(id)) {
            inherit(&mut health, part);
        }
        Node {
            id: member.id.clone(),
            group: at(&self.groups, member.group).copied().flatten().unwrap_or(0),
            health,
            expected: opinions.of_node(member).1,
            inbound: Measures::default(),
            outbound: Outbound::default(),
            instances: None,
            origin: None,
        }
    }

    /// Edges between what is visible, and what they say about their ends.
    pub(super) fn draw_edges(&self, graph: &mut Graph, drawn: &Drawn<'_>, opinions: Opinions<'_>, rows: bool) {
        let mut lines = Lines::default();
        for edge in &drawn.seen {
            let pair = (edge.source, edge.target);
            let Some((nodes, spots)) = self.ends(pair) else { continue };
            lines.judge(nodes, opinions.of_edge(pair));
            if let Spot::Node(place) = spots.1
                && let Some(node) = slot(&mut graph.nodes, place)
            {
                edge.rows.iter().for_each(|row| node.inbound.add(&row.measures));
            }
            if let Spot::Node(place) = spots.0
                && let Some(node) = slot(&mut graph.nodes, place)
            {
                node.outbound.add(&edge.rows);
            }
            if let Some(tally) = lines.tally(spots) {
                tally.add(edge, rows);
                opinions.tell(pair, tally);
            }
        }
        for pair in &drawn.missing {
            let Some((nodes, spots)) = self.ends(*pair) else { continue };
            lines.judge(nodes, opinions.of_edge(*pair));
            if let Some(tally) = lines.tally(spots) {
                opinions.tell(*pair, tally);
            }
        }
        self.finish(graph, lines);
    }

    /// Nodes and spots of an entity edge, if both are seen and a path of the focus runs over it.
    fn ends(&self, (source, target): (EntityId, EntityId)) -> Option<((u32, u32), (Spot, Spot))> {
        let nodes = self.cast.ends(source, target)?;
        let spots = ((*at(&self.spots, nodes.0)?)?, (*at(&self.spots, nodes.1)?)?);
        let on_path = self.near.as_ref().is_none_or(|near| near.edges.contains(&nodes));
        on_path.then_some((nodes, spots))
    }

    fn finish(&self, graph: &mut Graph, lines: Lines) {
        let mut edges: Vec<Edge> = lines.tallies.into_iter().map(|(spots, tally)| Edge::of(spots, tally)).collect();
        for (nodes, (level, expected)) in &lines.opinions {
            let red = u32::from(*level == Level::Red);
            let unexpected = u32::from(is_unexpected(*expected));
            let spots = at(&self.spots, nodes.0).zip(at(&self.spots, nodes.1));
            if let Some((Some(source), Some(target))) = spots
                && let Some(place) = lines.places.get(&(*source, *target))
                && let Some(edge) = slot(&mut edges, *place)
            {
                edge.edges = edge.edges.saturating_add(1);
                edge.red = edge.red.saturating_add(red);
                edge.unexpected = edge.unexpected.saturating_add(unexpected);
            }
            let group_of = |node: u32| at(&self.groups, at(&self.cast.nodes, node)?.group).copied().flatten();
            let (source, target) = (group_of(nodes.0), group_of(nodes.1));
            let ends = [source, target.filter(|_| source != target)];
            for place in ends.into_iter().flatten() {
                if let Some(group) = slot(&mut graph.groups, place) {
                    group.edges_red = group.edges_red.saturating_add(red);
                    group.unexpected = group.unexpected.saturating_add(unexpected);
                }
            }
        }
        edges.sort_by_key(|edge| (edge.source, edge.target));
        graph.edges = edges;
    }

    /// State of nodes, and calls that nobody claims to have made.
    pub(super) fn draw_facts(&self, graph: &mut Graph, observed: &Observed) {
        let mut answered: HashMap<u32, Measures> = HashMap::new();
        for facts in &observed.nodes {
            let Some(Spot::Node(place)) = self.spot_of(facts.entity) else { continue };
            let sum = answered.entry(place).or_default();
            facts.answered.iter().for_each(|(_, measures)| sum.add(measures));
            if let Some(node) = slot(&mut graph.nodes, place) {
                node.count_instances(facts);
            }
        }
        for (place, sum) in answered {
            if let Some(node) = slot(&mut graph.nodes, place)
                && sum.requests() > node.inbound.requests()
            {
                node.inbound = sum;
            }
        }
        for (member, spot) in self.members() {
            if let (Spot::Node(place), Kind::Service) = (spot, member.id.kind)
                && let Some(node) = slot(&mut graph.nodes, place)
            {
                let origins = member.entities.iter().filter_map(|id| origin(&observed.registry.get(*id)?.who));
                node.origin = origins.min();
            }
        }
    }

    fn spot_of(&self, entity: EntityId) -> Option<Spot> {
        *at(&self.spots, self.cast.node_of(entity)?)?
    }
}

fn origin(who: &Who) -> Option<ServiceOrigin> {
    match who {
        Who::Inside(inside) => inside.service.as_ref().map(|service| service.origin),
        Who::Outside(_) => None,
    }
}

impl Opinions<'_> {
    fn tell(&self, pair: (EntityId, EntityId), tally: &mut Tally) {
        if let Some(health) = self.judgements.edges.get(&pair) {
            tally.judge(health);
        }
        if let Some(state) = self.expectations.edges.get(&pair) {
            tally.expect(*state);
        }
    }
}

/// Edges in the making.
#[derive(Default)]
struct Lines {
    places: HashMap<(Spot, Spot), u32>,
    tallies: Vec<((Spot, Spot), Tally)>,
    /// The worst opinion of each pair of nodes: what a collapsed group counts.
    opinions: HashMap<(u32, u32), (Level, Option<Expectation>)>,
}

impl Lines {
    fn judge(&mut self, nodes: (u32, u32), (level, expected): (Level, Option<Expectation>)) {
        let held = self.opinions.entry(nodes).or_default();
        *held = (held.0.max(level), held.1.max(expected));
    }

    /// The sum to add to; what happens within a collapsed group is not drawn.
    fn tally(&mut self, spots: (Spot, Spot)) -> Option<&mut Tally> {
        if spots.0 == spots.1 && matches!(spots.0, Spot::Group(_)) {
            return None;
        }
        let next = u32::try_from(self.tallies.len()).ok()?;
        let place = *self.places.entry(spots).or_insert(next);
        if place == next {
            self.tallies.push((spots, Tally::default()));
        }
        slot(&mut self.tallies, place).map(|(_, tally)| tally)
    }
}

impl Edge {
    fn of((source, target): (Spot, Spot), mut tally: Tally) -> Self {
        tally.protocols.sort_by(|(a, x), (b, y)| y.requests().cmp(&x.requests()).then_with(|| a.cmp(b)));
        tally.rows.sort_by(|(a, x), (b, y)| y.requests().cmp(&x.requests()).then_with(|| a.cmp(b)));
        Self {
            source,
            target,
            edges: 0,
            red: 0,
            unexpected: 0,
            whole: tally.whole,
            protocols: tally.protocols,
            rows: tally.rows,
            sources: tally.lanes,
            health: tally.health,
            expected: tally.expected,
        }
    }
}

impl Group {
    fn take(&mut self, member: &Member, level: Level, expected: Option<Expectation>) {
        let count = |slot: &mut u32, is: bool| *slot = slot.saturating_add(u32::from(is));
        count(&mut self.nodes, true);
        count(&mut self.yellow, level == Level::Yellow);
        count(&mut self.red, level == Level::Red);
        count(&mut self.unexpected, is_unexpected(expected));
        if is_abnormal(level) {
            // Members come by id, and the sort is stable.
            self.worst.push((member.id.clone(), level));
            self.worst.sort_by_key(|(_, level)| std::cmp::Reverse(*level));
            self.worst.truncate(3);
        }
    }
}

impl Node {
    fn count_instances(&mut self, facts: &NodeFacts) {
        let named = facts.instances.iter().filter(|instance| !instance.name.is_empty());
        let gone = |phase: Option<Phase>| phase.is_some_and(|phase| phase != Phase::Running);
        let ready = named.clone().filter(|it| it.ready != Some(false) && !gone(it.phase)).count();
        let counted = match facts.replicas {
            Some(replicas) => Instances { total: replicas.desired, ready: replicas.available },
            None => Instances { total: saturated(named.count()), ready: saturated(ready) },
        };
        if counted.total > 0 || counted.ready > 0 {
            let held = self.instances.get_or_insert_default();
            held.total = held.total.saturating_add(counted.total);
            held.ready = held.ready.saturating_add(counted.ready);
        }
    }
}

impl Outbound {
    fn add(&mut self, rows: &[EdgeRow]) {
        for row in rows {
            self.requests = self.requests.saturating_add(row.measures.requests());
            self.errors = self.errors.saturating_add(row.measures.errors());
        }
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Hands out positions.
pub(super) fn count_up(next: &mut u32) -> u32 {
    let here = *next;
    *next = next.saturating_add(1);
    here
}

/// The item at a position of 32 bits.
pub(super) fn at<T>(items: &[T], place: u32) -> Option<&T> {
    items.get(usize::try_from(place).ok()?)
}

/// The item at a position of 32 bits, to change.
pub(super) fn slot<T>(items: &mut [T], place: u32) -> Option<&mut T> {
    items.get_mut(usize::try_from(place).ok()?)
}
