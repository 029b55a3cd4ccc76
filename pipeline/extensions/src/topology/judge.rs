//! When is judged, and what: each step of 15 seconds once, when its data has arrived.

use std::sync::Arc;

use topology::baseline::{Baseline, Watch, Watches};
use topology::rules::{Judge, LAG, Rules};
use topology::store::Snapshot;
use topology::{Board, Interval, Moment, Notices, STEP};

use super::asked::DEFAULT_WINDOW;
use super::notices;
use super::opinion::Opinion;

/// The rules and baselines, and what they said last.
pub struct Judging {
    judge: Judge,
    watches: Watches,
    baselines: Arc<[Arc<Baseline>]>,
    /// The end of the last step that was judged.
    judged: Moment,
    opinion: Arc<Opinion>,
    /// Where what is open is told.
    board: Arc<Board>,
}

impl Judging {
    /// Nothing is judged yet.
    pub fn new(rules: &Rules, baselines: Arc<[Arc<Baseline>]>, board: Arc<Board>) -> Self {
        let watches = Watches(baselines.iter().map(|baseline| Watch::new(Arc::clone(baseline))).collect());
        let (judge, judged, opinion) = (Judge::new(rules.clone()), Moment::default(), Arc::default());
        Self { judge, watches, baselines, judged, opinion, board }
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
        if self.judged == Moment::default() {
            self.recall(snapshot, end);
        }
        self.judged = end;
        let recent = snapshot.observe(end.minus(DEFAULT_WINDOW), end);
        let watched = self.watches.step(&recent, end);
        let expectations = watched.expectations;
        let judged = self.judge.step(end, &expectations, &mut |from, to| snapshot.observe(from, to));
        let baselines = Arc::clone(&self.baselines);
        self.opinion = Arc::new(Opinion { at: end, judgements: judged.judgements, expectations, baselines });
        let mut open = watched.notices;
        open.extend(notices::of_rules(&self.opinion, &recent));
        self.board.hang(Notices { at: end, open, standings: watched.standings });
        let mut changes = judged.changes;
        changes.extend(watched.changes);
        changes
    }

    /// Before the first step: what the store remembers of edges.
    fn recall(&mut self, snapshot: &Snapshot, now: Moment) {
        if self.watches.0.is_empty() {
            return;
        }
        let known = snapshot.known_edges();
        let edges: Vec<_> = known.iter().map(|edge| (edge.source, edge.target, edge.last_seen)).collect();
        self.watches.recall(snapshot.registry(), &edges, now);
    }
}
