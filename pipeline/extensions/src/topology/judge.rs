//! When is judged, and what: each step of 15 seconds once, when its data has arrived.

use std::sync::Arc;

use topology::rules::{Judge, LAG, Rules};
use topology::store::Snapshot;
use topology::{Board, Expectations, Interval, Moment, Notices, STEP};

use super::asked::DEFAULT_WINDOW;
use super::notices;
use super::opinion::Opinion;

/// The rules and what they said last.
pub struct Judging {
    judge: Judge,
    /// The end of the last step that was judged.
    judged: Moment,
    opinion: Arc<Opinion>,
    /// Where what is open is told.
    board: Arc<Board>,
}

impl Judging {
    /// Nothing is judged yet.
    pub fn new(rules: &Rules, board: Arc<Board>) -> Self {
        Self { judge: Judge::new(rules.clone()), judged: Moment::default(), opinion: Arc::default(), board }
    }

    /// What is thought of the map now.
    pub fn opinion(&self) -> Arc<Opinion> {
        Arc::clone(&self.opinion)
    }

    /// What of that is told to the world.
    pub fn notices(&self) -> Arc<Notices> {
        self.board.read()
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
        let open = notices::of_rules(&self.opinion, &snapshot.observe(end.minus(DEFAULT_WINDOW), end));
        self.board.hang(Notices { at: end, open, standings: Vec::new() });
        judged.changes
    }
}
