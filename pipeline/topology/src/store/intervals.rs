//! What was judged when.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Interval, Moment, Name, Subject};

/// The history of judgement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intervals {
    /// By subject, rule and start: what is told again replaces what was told first.
    by_key: BTreeMap<(Subject, Name, Moment), Arc<Interval>>,
}

impl Intervals {
    /// Keeps an interval, or what became of it. Gives how many had to go for it.
    pub(crate) fn record(&mut self, interval: Interval, most: usize) -> u64 {
        let key = (interval.subject.clone(), interval.rule.clone(), interval.from);
        self.by_key.insert(key, Arc::new(interval));
        if self.by_key.len() <= most {
            return 0;
        }
        // A tenth at once, so that this is rare: those that ended first.
        let mut ends: Vec<Moment> = self.by_key.values().filter_map(|interval| interval.to).collect();
        ends.sort_unstable();
        let before = self.by_key.len();
        match ends.get(most / 10).or(ends.last()).copied() {
            Some(end) => self.forget_before(end.plus(1)),
            None => drop(self.by_key.pop_first()),
        }
        before.saturating_sub(self.by_key.len()) as u64
    }

    /// Lets go of what was over before.
    pub(crate) fn forget_before(&mut self, at: Moment) {
        self.by_key.retain(|_, interval| interval.to.is_none_or(|to| to >= at));
    }

    /// Those that touch a window, by their start.
    pub(crate) fn between(&self, from: Moment, to: Moment) -> Vec<Interval> {
        let touches = |interval: &&Arc<Interval>| interval.from < to && interval.to.is_none_or(|end| end > from);
        let mut found: Vec<Interval> = self.by_key.values().filter(touches).map(|held| (**held).clone()).collect();
        found.sort_by(|one, other| one.from.cmp(&other.from).then_with(|| one.subject.cmp(&other.subject)));
        found
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Interval> {
        self.by_key.values().map(Arc::as_ref)
    }
}
