//! How long one rule has had which opinion of one subject.

use crate::{Level, Moment};

/// The opinion so far. A worse one counts when it has held for long enough, a better one at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct State {
    /// What counts.
    pub level: Level,
    /// Since when what counts has held.
    pub since: Moment,
    /// What was measured last.
    pub value: f64,
    /// The worst that was measured since.
    pub worst: f64,
    /// Since when values have been worse than what counts.
    worse_since: Option<(Level, Moment)>,
}

impl State {
    pub(super) fn new(now: Moment) -> Self {
        Self { level: Level::Ok, since: now, value: 0.0, worst: 0.0, worse_since: None }
    }

    /// True if it is as good as new: neither abnormal nor on its way there.
    pub(super) fn is_at_rest(&self) -> bool {
        self.level < Level::Yellow && self.worse_since.is_none()
    }

    /// Takes the level that the value of this step has by itself. True if what counts has changed.
    pub(super) fn take(&mut self, raw: Level, value: f64, hold: u64, now: Moment) -> bool {
        self.value = value;
        if value.abs() > self.worst.abs() {
            self.worst = value;
        }
        if raw <= self.level {
            self.worse_since = None;
            return raw < self.level && self.change(raw, now);
        }
        // From yellow on its way to red: the time of the first value that was worse counts for the lesser level.
        let (pending, since) = match self.worse_since {
            Some((pending, since)) => (pending.min(raw), since),
            None => (raw, now),
        };
        self.worse_since = Some((raw.max(pending), since));
        if now.since(since) < hold {
            return false;
        }
        self.worse_since = None;
        self.change(raw, since)
    }

    fn change(&mut self, level: Level, since: Moment) -> bool {
        self.level = level;
        self.since = since;
        self.worst = self.value;
        true
    }
}
