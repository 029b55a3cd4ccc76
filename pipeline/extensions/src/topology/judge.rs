//! When is judged, and what: each step of 15 seconds once, when its data has arrived.

use std::sync::Arc;

use topology::rules::{Judge, LAG, Rules};
use topology::store::Snapshot;
use topology::{Expectations, Interval, Moment, STEP};

use super::opinion::Opinion;

/// The rules and what they said last.
pub struct Judging {
    judge: Judge,
    /// The end of the last step that was judged.
    judged: Moment,
    opinion: Arc<Opinion>,
}

impl Judging {
    /// Nothing is judged yet.
    pub fn new(rules: &Rules) -> Self {
        Self { judge: Judge::new(rules.clone()), judged: Moment::default(), opinion: Arc::default() }
    }

    /// What is thought of the map now.
    pub fn opinion(&self) -> Arc<Opinion> {
        Arc::clone(&self.opinion)
    }

    /// Judges the last step whose data has arrived, if it was not judged yet. Gives what begins or ends with it.
    pub fn step(&mut self, snapshot: &Snapshot, now: Moment) -> Vec<Interval> {
        let end = now.minus(LAG);
        let end = end.minus(end.0 % STEP);
        // After a pause only the last step is judged: nobody waits for opinions of the past.
        if end <= self.judged {
            return Vec::new();
        }
        self.judged = end;
        let expectations = Expectations::default();
        let judged = self.judge.step(end, &expectations, &mut |from, to| snapshot.observe(from, to));
        self.opinion = Arc::new(Opinion { at: end, judgements: judged.judgements, expectations });
        judged.changes
    }
}
