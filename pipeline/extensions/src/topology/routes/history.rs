//! `/api/v1/history`: how many nodes were in which state, step by step: what the time strip shows.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use topology::{EntityId, Interval, Level, Moment, NodeId, STEP, Subject};

use super::Settings;
use super::subject::view;
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// Steps of an answer: as many as a strip has room for.
const MOST_STEPS: u64 = 240;

/// One entry per step.
#[derive(Serialize, Debug, PartialEq)]
struct History {
    /// When the first step begins.
    from: u64,
    step_s: f64,
    /// Nodes that were known.
    nodes: Vec<u32>,
    /// Those that were yellow at some moment of the step, and never red.
    yellow: Vec<u32>,
    /// Those that were red at some moment of the step.
    red: Vec<u32>,
}

/// Steps of one length.
#[derive(Debug, Clone, Copy)]
struct Steps {
    first: u64,
    length: u64,
    count: usize,
}

/// The history.
pub fn answer(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let (from, to) = asked.window(map.now)?;
    let (view, snapshot) = (view(asked)?, &map.snapshot);
    let steps = Steps::of(from, to);
    let entities = (0_u32..).map(EntityId).zip(&snapshot.registry().entities);
    let nodes: HashMap<EntityId, (NodeId, Moment)> =
        entities.map(|(id, entity)| (id, (entity.who.node(view), entity.first_seen))).collect();
    Answer::json(&history(steps, &nodes, &snapshot.intervals(from, to)))
}

impl Steps {
    fn of(from: Moment, to: Moment) -> Self {
        let length = to.since(from).div_ceil(MOST_STEPS).next_multiple_of(STEP).max(STEP);
        let first = from.0 / length;
        let count = to.0.div_ceil(length).saturating_sub(first).min(MOST_STEPS.saturating_add(1));
        Self { first, length, count: usize::try_from(count).unwrap_or(0) }
    }

    /// The place of the step in which a moment lies: the first for what is before.
    fn place(self, moment: Moment) -> usize {
        usize::try_from((moment.0 / self.length).saturating_sub(self.first)).unwrap_or(usize::MAX)
    }
}

fn history(steps: Steps, nodes: &HashMap<EntityId, (NodeId, Moment)>, intervals: &[Interval]) -> History {
    let mut first_seen: HashMap<&NodeId, Moment> = HashMap::new();
    for (node, seen) in nodes.values() {
        first_seen.entry(node).and_modify(|first| *first = (*first).min(*seen)).or_insert(*seen);
    }
    let mut known = vec![0_u32; steps.count];
    for seen in first_seen.values() {
        let since = known.get_mut(steps.place(*seen)..).unwrap_or_default();
        since.iter_mut().for_each(|count| *count = count.saturating_add(1));
    }
    let worst = worst(steps, nodes, intervals);
    let count = |level: Level| {
        let mut counts = vec![0_u32; steps.count];
        for ((place, _), _) in worst.iter().filter(|(_, is)| **is == level) {
            if let Some(count) = counts.get_mut(*place) {
                *count = count.saturating_add(1);
            }
        }
        counts
    };
    History {
        from: steps.first.saturating_mul(steps.length) / 1_000_000,
        step_s: steps.length as f64 / 1e9,
        nodes: known,
        yellow: count(Level::Yellow),
        red: count(Level::Red),
    }
}

/// The worst level of each node in each step in which it was not well.
fn worst<'n>(
    steps: Steps,
    nodes: &'n HashMap<EntityId, (NodeId, Moment)>,
    intervals: &[Interval],
) -> BTreeMap<(usize, &'n NodeId), Level> {
    let mut worst: BTreeMap<(usize, &NodeId), Level> = BTreeMap::new();
    for interval in intervals.iter().filter(|interval| interval.level >= Level::Yellow) {
        let Subject::Node(entity) = &interval.subject else { continue };
        let Some((node, _)) = nodes.get(entity) else { continue };
        let last = interval.to.map_or(usize::MAX, |to| steps.place(to.minus(1)));
        for place in steps.place(interval.from)..=last.min(steps.count.saturating_sub(1)) {
            let level = worst.entry((place, node)).or_insert(interval.level);
            *level = (*level).max(interval.level);
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        format!("prod/shop/Deployment/{name}").parse().unwrap()
    }

    fn interval(entity: u32, level: Level, from: u64, to: Option<u64>) -> Interval {
        let at = |step: u64| Moment(step * STEP);
        let subject = Subject::Node(EntityId(entity));
        Interval { subject, rule: "errors".into(), level, from: at(from), to: to.map(at), value: 1.0 }
    }

    #[test]
    fn each_node_counts_once_per_step_by_its_worst() {
        let nodes = HashMap::from([
            (EntityId(0), (node("web"), Moment(0))),
            (EntityId(1), (node("cart"), Moment(2 * STEP))),
            (EntityId(2), (node("cart"), Moment(3 * STEP))),
        ]);
        let intervals = [
            interval(0, Level::Yellow, 0, Some(2)),
            interval(1, Level::Yellow, 2, None),
            interval(2, Level::Red, 3, Some(4)),
        ];

        let history = history(Steps::of(Moment(0), Moment(5 * STEP)), &nodes, &intervals);

        assert_eq!(history.nodes, [1, 1, 2, 2, 2]);
        assert_eq!(history.yellow, [1, 1, 1, 0, 1]);
        assert_eq!(history.red, [0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_long_range_has_no_more_steps_than_a_strip_shows() {
        let steps = Steps::of(Moment(7 * STEP), Moment(1_000_000 * STEP));

        assert!(steps.count <= 241);
        assert_eq!(steps.length % STEP, 0);
    }
}
