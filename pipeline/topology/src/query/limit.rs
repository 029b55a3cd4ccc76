//! Cuts an answer down to what was asked for, and says how much went.

use std::cmp::Reverse;

use super::ask::Limits;
use super::graph::{Edge, Graph, Node, Spot};
use super::stage::{at, count_up};
use super::tally::is_unexpected;
use crate::Level;

/// Drops nodes over the limit, edges that lose an end, then edges over the limit: the healthiest and quietest first.
/// Counts of groups stay: they tell of all members.
pub(super) fn limit(graph: &mut Graph, limits: Limits) {
    if graph.nodes.len() > limits.nodes {
        let stays = most_telling(&graph.nodes, limits.nodes, Node::weight);
        drop_nodes(graph, &stays);
    }
    if graph.edges.len() > limits.edges {
        let stays = most_telling(&graph.edges, limits.edges, Edge::weight);
        let before = graph.edges.len();
        retain(&mut graph.edges, &stays);
        graph.lack("edges", before.saturating_sub(graph.edges.len()));
    }
}

type Weight = (Level, bool, u64);

fn most_telling<T>(items: &[T], most: usize, weight: impl Fn(&T) -> Weight) -> Vec<bool> {
    let mut order: Vec<(usize, Weight)> = items.iter().map(weight).enumerate().collect();
    order.sort_by_key(|(_, weight)| Reverse(*weight));
    let mut stays = vec![false; items.len()];
    for (place, _) in order.into_iter().take(most) {
        if let Some(slot) = stays.get_mut(place) {
            *slot = true;
        }
    }
    stays
}

fn retain<T>(items: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    items.retain(|_| stays.next().copied().unwrap_or(false));
}

fn drop_nodes(graph: &mut Graph, stays: &[bool]) {
    let mut next = 0;
    let moved: Vec<Option<u32>> = stays.iter().map(|stays| stays.then(|| count_up(&mut next))).collect();
    let follow = |spot: Spot| match spot {
        Spot::Node(place) => at(&moved, place).copied().flatten().map(Spot::Node),
        group @ Spot::Group(_) => Some(group),
    };
    let (nodes, edges) = (graph.nodes.len(), graph.edges.len());
    retain(&mut graph.nodes, stays);
    let kept = std::mem::take(&mut graph.edges).into_iter();
    graph.edges = kept
        .filter_map(|edge| Some(Edge { source: follow(edge.source)?, target: follow(edge.target)?, ..edge }))
        .collect();
    graph.lack("nodes", nodes.saturating_sub(graph.nodes.len()));
    graph.lack("edges", edges.saturating_sub(graph.edges.len()));
}

impl Graph {
    fn lack(&mut self, what: &'static str, count: usize) {
        if count > 0 {
            self.complete = false;
            let sum = self.dropped.entry(what).or_default();
            *sum = sum.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
}

impl Node {
    fn weight(&self) -> Weight {
        let calls = self.inbound.requests().saturating_add(self.outbound.requests);
        (self.health.level, is_unexpected(self.expected), calls)
    }
}

impl Edge {
    fn weight(&self) -> Weight {
        let calls = self.whole.requests().max(self.whole.flow.connections);
        (self.health.level, is_unexpected(self.expected), calls)
    }
}
