//! When is judged, and what: each step of 15 seconds once, when its data has arrived.

use std::sync::Arc;

use topology::baseline::{Absent, Baseline, Watch, Watches};
use topology::rules::{Judge, LAG, Rules};
use topology::store::Snapshot;
use topology::{Board, Interval, Moment, Name, Notices, STEP};

use super::asked::DEFAULT_WINDOW;
use super::notices;
use super::opinion::Opinion;

/// The rules and baselines, and what they said last.
pub struct Judging {
    judge: Judge,
    watches: Watches,
    baselines: Arc<[Arc<Baseline>]>,
    /// That of what does not name one.
    cluster: Name,
    /// The end of the last step that was judged.
    judged: Moment,
    opinion: Arc<Opinion>,
    /// Where what is open is told.
    board: Arc<Board>,
}

impl Judging {
    /// Nothing is judged yet.
    pub fn new(rules: &Rules, baselines: Arc<[Arc<Baseline>]>, cluster: &str, board: Arc<Board>) -> Self {
        let watches = Watches(baselines.iter().map(|baseline| Watch::new(Arc::clone(baseline))).collect());
        let (judge, judged, opinion) = (Judge::new(rules.clone()), Moment::default(), Arc::default());
        Self { judge, watches, baselines, cluster: cluster.into(), judged, opinion, board }
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
            self.make_room(snapshot.registry().entities.len());
            return Vec::new();
        }
        if self.judged == Moment::default() {
            self.recall(snapshot, end);
        }
        self.judged = end;
        let absent = Absent::of(&self.baselines, snapshot.registry(), &self.cluster);
        let recent = absent.beside(snapshot.observe(end.minus(DEFAULT_WINDOW), end));
        let watched = self.watches.step(&recent, end);
        let expectations = watched.expectations;
        let judged = self.judge.step(end, &expectations, &mut |from, to| snapshot.observe(from, to));
        let baselines = Arc::clone(&self.baselines);
        self.opinion = Arc::new(Opinion { at: end, judgements: judged.judgements, expectations, baselines, absent });
        let mut open = watched.notices;
        open.extend(notices::of_rules(&self.opinion, &recent));
        self.board.hang(Notices { at: end, open, standings: watched.standings });
        let mut changes = judged.changes;
        changes.extend(watched.changes);
        changes
    }

    /// Between steps somebody may come: who is absent stands behind all who are known.
    fn make_room(&mut self, known: usize) {
        if !self.opinion.absent.is_behind(known) {
            let mut opinion = Opinion::clone(&self.opinion);
            opinion.absent.move_behind(known, &mut opinion.expectations);
            self.opinion = Arc::new(opinion);
        }
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
