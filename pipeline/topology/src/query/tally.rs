//! Adds up what is drawn as one: measures, health and expectation of all parts.

use super::graph::RowKey;
use crate::{EdgeRow, EntityEdge, Expectation, Health, Lane, Level, Measures, Protocol, Reason};

/// Most reasons that one drawn thing lists; the worst are kept.
const REASONS: usize = 16;

/// A sum over entity edges that are drawn as one.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) whole: Measures,
    pub(super) protocols: Vec<(Protocol, Measures)>,
    pub(super) rows: Vec<(RowKey, Measures)>,
    pub(super) lanes: LaneSet,
    pub(super) health: Health,
    pub(super) expected: Option<Expectation>,
}

/// A set of lanes, one bit each in the order of [`Lane::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaneSet(pub u8);

impl LaneSet {
    fn insert(&mut self, lane: Lane) {
        self.0 |= Self::bit(lane);
    }

    fn bit(lane: Lane) -> u8 {
        Lane::ALL.iter().zip([1, 2, 4, 8]).find(|(it, _)| **it == lane).map_or(0, |(_, bit)| bit)
    }

    /// The lanes in it.
    pub fn iter(self) -> impl Iterator<Item = Lane> {
        Lane::ALL.into_iter().filter(move |lane| self.0 & Self::bit(*lane) != 0)
    }
}

impl Tally {
    /// Hot: once per entity edge of an answer.
    pub(super) fn add(&mut self, edge: &EntityEdge, with_rows: bool) {
        for row in &edge.rows {
            self.whole.add(&row.measures);
            sum_under(&mut self.protocols, &row.protocol, &row.measures);
            if with_rows {
                self.add_row(row);
            }
        }
        for lane in &edge.sources {
            self.lanes.insert(*lane);
        }
        self.lanes.insert(edge.lane);
    }

    fn add_row(&mut self, row: &EdgeRow) {
        let key = RowKey { protocol: row.protocol.clone(), port: row.port, transport: row.transport };
        sum_under(&mut self.rows, &key, &row.measures);
    }

    pub(super) fn judge(&mut self, health: &Health) {
        inherit(&mut self.health, health);
    }

    pub(super) fn expect(&mut self, expectation: Expectation) {
        self.expected = self.expected.max(Some(expectation));
    }
}

/// Adds to the sum that stands under `key`. There are few keys, so a scan beats a map.
pub(super) fn sum_under<K: PartialEq + Clone>(sums: &mut Vec<(K, Measures)>, key: &K, measures: &Measures) {
    match sums.iter_mut().find(|(held, _)| held == key) {
        Some((_, sum)) => sum.add(measures),
        None => sums.push((key.clone(), measures.clone())),
    }
}

/// A view inherits the worst: the level, and the worst reason per rule.
pub(super) fn inherit(health: &mut Health, part: &Health) {
    health.level = health.level.max(part.level);
    for reason in &part.reasons {
        let held = health.reasons.iter_mut().find(|held| held.rule == reason.rule);
        match held {
            Some(held) if is_worse(reason, held) => *held = reason.clone(),
            Some(_) => {}
            None => health.reasons.push(reason.clone()),
        }
    }
    health.reasons.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.rule.cmp(&b.rule)));
    health.reasons.truncate(REASONS);
}

fn is_worse(reason: &Reason, held: &Reason) -> bool {
    let distance = |it: &Reason| (it.value - it.threshold).abs();
    (reason.level, distance(reason)) > (held.level, distance(held))
}

/// True for both abnormal levels.
pub(super) fn is_abnormal(level: Level) -> bool {
    level >= Level::Yellow
}

/// True for what no line allows and what a line forbids.
pub(super) fn is_unexpected(expected: Option<Expectation>) -> bool {
    expected.is_some_and(|state| state >= Expectation::Unexpected)
}
