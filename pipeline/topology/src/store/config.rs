//! What a store may take, and for how long it keeps.

use std::path::PathBuf;

use crate::{SECOND, Tier};

const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MIB: u64 = 1 << 20;

/// What a store may take, and for how long it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Where to keep what shall outlive the process; `None` keeps all in memory, for hours to days.
    pub directory: Option<PathBuf>,
    /// Entities that are told apart; others share a bucket of their namespace or type. Peers outside get half.
    pub max_entities: usize,
    /// Edges that are told apart; others share one of their pair of namespaces or types.
    pub max_edges: usize,
    /// Pods whose state is kept.
    pub max_instances: usize,
    /// Events kept of one entity.
    pub events_per_entity: usize,
    /// Events kept in all.
    pub max_events: usize,
    /// Edge-minutes of which trace ids are kept.
    pub max_exemplars: usize,
    /// Stretches of judgement kept.
    pub max_intervals: usize,
    /// How long each tier is kept.
    pub retention: Retention,
    /// Bytes of all blocks in memory. Over it the oldest of the finest go first.
    pub memory_bytes: u64,
    /// Bytes of all files. Over it the oldest of the finest go first.
    pub disk_bytes: u64,
}

/// How long each tier is kept, in nanoseconds. Steps are kept in memory only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// 15 seconds.
    pub steps: u64,
    /// A minute.
    pub minutes: u64,
    /// Ten minutes.
    pub ten_minutes: u64,
    /// An hour.
    pub hours: u64,
    /// A day.
    pub days: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            directory: None,
            max_entities: 50_000,
            max_edges: 50_000,
            max_instances: 20_000,
            events_per_entity: 50,
            max_events: 20_000,
            max_exemplars: 200_000,
            max_intervals: 100_000,
            retention: Retention::default(),
            memory_bytes: 128 * MIB,
            disk_bytes: 10 * 1024 * MIB,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { steps: HOUR, minutes: 7 * DAY, ten_minutes: 30 * DAY, hours: 400 * DAY, days: 400 * DAY }
    }
}

impl Retention {
    /// How long a tier is kept at all.
    pub fn of(&self, tier: Tier) -> u64 {
        match tier {
            Tier::Step => self.steps,
            Tier::Minute => self.minutes,
            Tier::TenMinutes => self.ten_minutes,
            Tier::Hour => self.hours,
            Tier::Day => self.days,
        }
    }

    /// How long a tier stays in memory: long enough to be the parts of the next, and near enough that files are read
    /// rarely.
    pub(crate) fn in_memory(&self, tier: Tier) -> u64 {
        let most = match tier {
            Tier::Step => HOUR,
            Tier::Minute => 2 * HOUR,
            Tier::TenMinutes => 12 * HOUR,
            Tier::Hour => 2 * DAY,
            Tier::Day => 30 * DAY,
        };
        self.of(tier).min(most)
    }
}
