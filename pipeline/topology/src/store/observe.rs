//! From blocks to what a window shows: sums by fact, one entity for ids that are one, one lane for an edge.

use std::collections::{BTreeMap, HashMap};

use super::block::Merge;
use super::facts::Seen;
use super::lane::{RowKey, choose};
use super::snapshot::{Tile, View};
use super::spread::moment_of;
use crate::{EntityEdge, EntityId, Measures, NodeFacts};

/// What was found of one edge: when it was seen, and what each lane saw.
struct Found {
    seen: Seen,
    evidence: BTreeMap<RowKey, Measures>,
}

/// Ends of an edge; no source for what an entity answered.
pub(crate) type Ends = (Option<EntityId>, EntityId);

/// Edges with traffic in tiles, by source and target, and what entities answered to nobody known.
pub(crate) fn edges(view: &View, tiles: &[Tile]) -> (Vec<EntityEdge>, Vec<NodeFacts>) {
    let mut edges = Vec::new();
    let mut answered = Vec::new();
    for ((source, target), found) in sum(view, tiles) {
        let Some(chosen) = choose(found.evidence) else { continue };
        match source {
            Some(source) => edges.push(EntityEdge {
                source,
                target,
                lane: chosen.lane,
                sources: chosen.sources,
                rows: chosen.rows,
                first_seen: moment_of(found.seen.first),
                last_seen: moment_of(found.seen.last),
                days: found.seen.days.count_ones(),
            }),
            None => answered.push(NodeFacts {
                entity: target,
                answered: by_protocol(chosen.rows),
                instances: Vec::new(),
                replicas: None,
                events: Vec::new(),
            }),
        }
    }
    edges.sort_unstable_by_key(|edge| (edge.source, edge.target));
    (edges, answered)
}

fn by_protocol(rows: Vec<crate::EdgeRow>) -> Vec<(crate::Protocol, Measures)> {
    let mut by: BTreeMap<crate::Protocol, Measures> = BTreeMap::new();
    for row in rows {
        by.entry(row.protocol).or_default().add(&row.measures);
    }
    by.into_iter().collect()
}

fn sum(view: &View, tiles: &[Tile]) -> HashMap<Ends, Found> {
    let moved = moved(view);
    let mut found: HashMap<Ends, Found> = HashMap::new();
    let mut merge = Merge::of(tiles.iter().flat_map(|tile| &tile.blocks).map(|(_, block)| block.as_ref()));
    while let Some((id, sum)) = merge.next() {
        let Some((fact, edge)) = view.table.get(id) else { continue };
        let ends = view.ends(edge.source, edge.target);
        let edge_found = found.entry(ends).or_insert_with(|| Found {
            seen: moved.get(&ends).copied().unwrap_or(edge.seen),
            evidence: BTreeMap::new(),
        });
        let key = (fact.lane, view.table.protocol(fact), fact.port, fact.transport);
        match edge_found.evidence.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(sum.measures())),
            std::collections::btree_map::Entry::Occupied(mut held) => held.get_mut().add(&sum.measures()),
        }
    }
    found
}

/// When edges were seen that came under more than one pair of ids.
fn moved(view: &View) -> HashMap<Ends, Seen> {
    let mut moved: HashMap<Ends, Seen> = HashMap::new();
    let is_whole = |(place, id): (usize, &EntityId)| place == id.0 as usize;
    if view.whole.iter().enumerate().all(is_whole) {
        return moved;
    }
    let edges = || view.table.edges.iter().map(|edge| (view.ends(edge.source, edge.target), edge));
    for (ends, edge) in edges().filter(|(ends, edge)| *ends != (edge.source, edge.target)) {
        moved.entry(ends).and_modify(|seen| *seen = seen.and(edge.seen)).or_insert(edge.seen);
    }
    for (ends, edge) in edges().filter(|(ends, edge)| *ends == (edge.source, edge.target)) {
        if let Some(seen) = moved.get_mut(&ends) {
            *seen = seen.and(edge.seen);
        }
    }
    moved
}
