//! Narrows the stage to what a focus touches.

use std::collections::{HashMap, HashSet, VecDeque};

use super::ask::{Direction, Focus, GraphQuery};
use super::cast::{Cast, in_group};

/// What a focus leaves, by position of nodes in the cast.
pub(super) struct Near {
    pub(super) nodes: HashSet<u32>,
    pub(super) edges: HashSet<(u32, u32)>,
}

/// Follows calls from the focus: callers of callers up to the depth, called of called down to it, never callers of
/// the called. An edge is kept if a path runs over it.
pub(super) fn near(cast: &Cast, edges: &[(u32, u32)], focus: &Focus, query: &GraphQuery) -> Near {
    let (sources, targets) = starts(cast, focus);
    let mut near = Near { nodes: sources.iter().chain(&targets).copied().collect(), edges: HashSet::new() };
    if let Focus::Edge(..) = focus {
        let own = edges.iter().filter(|(source, target)| sources.contains(source) && targets.contains(target));
        near.edges.extend(own);
    }
    if query.direction != Direction::Up {
        near.walk(&targets, query.depth.0, edges, |edge| edge);
    }
    if query.direction != Direction::Down {
        near.walk(&sources, query.depth.0, edges, |(source, target)| (target, source));
    }
    near
}

fn starts(cast: &Cast, focus: &Focus) -> (Vec<u32>, Vec<u32>) {
    let same = |nodes: Vec<u32>| (nodes.clone(), nodes);
    match focus {
        Focus::Node(id) => same(cast.find(|member, _| member.id == *id)),
        Focus::Group(name) => same(cast.find(|_, circle| in_group(circle, name))),
        Focus::Edge(source, target) => {
            (cast.find(|member, _| member.id == *source), cast.find(|member, _| member.id == *target))
        }
    }
}

impl Near {
    /// Breadth first; `turn` makes (here, there) of an edge, and is its own inverse.
    fn walk(&mut self, starts: &[u32], depth: u32, edges: &[(u32, u32)], turn: fn((u32, u32)) -> (u32, u32)) {
        let mut ways: HashMap<u32, Vec<u32>> = HashMap::new();
        for edge in edges {
            let (here, there) = turn(*edge);
            ways.entry(here).or_default().push(there);
        }
        let mut seen: HashSet<u32> = starts.iter().copied().collect();
        let mut waiting: VecDeque<(u32, u32)> = starts.iter().map(|start| (*start, 0)).collect();
        while let Some((here, far)) = waiting.pop_front() {
            if far >= depth {
                continue;
            }
            for there in ways.get(&here).into_iter().flatten() {
                self.edges.insert(turn((here, *there)));
                self.nodes.insert(*there);
                if seen.insert(*there) {
                    waiting.push_back((*there, far.saturating_add(1)));
                }
            }
        }
    }
}
