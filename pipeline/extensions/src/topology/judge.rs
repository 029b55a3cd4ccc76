//! When is judged, and what: each step of 15 seconds once, when its data has arrived.

use std::sync::Arc;

use topology::baseline::{Absent, Baseline, Watch, Watches};
use topology::notice::Telling;
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
        let mut changes = self.board.take();
        // After a pause only the last step is judged: nobody waits for opinions of the past.
        if end <= self.judged {
            self.make_room(snapshot.registry().entities.len());
            return changes;
        }
        if self.judged == Moment::default() {
            changes.extend(self.recall(snapshot, end));
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
        changes.extend(judged.changes);
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

    /// Before the first step: what the store remembers of edges, and of what was told. What was abnormal when it last
    /// heard of anything ends there, and begins anew if it still is: nobody judged the time between.
    fn recall(&mut self, snapshot: &Snapshot, now: Moment) -> Vec<Interval> {
        let mut open = snapshot.intervals(now.minus(1), Moment(u64::MAX));
        open.retain(|interval| interval.to.is_none());
        self.board.remember(&open);
        let heard = snapshot.registry().entities.iter().map(|entity| entity.last_seen).max().unwrap_or_default();
        open.retain(|interval| !Telling::is(interval));
        for interval in &mut open {
            interval.to = Some(heard.min(now).max(interval.from));
        }
        if !self.watches.0.is_empty() {
            let known = snapshot.known_edges();
            let edges: Vec<_> = known.iter().map(|edge| (edge.source, edge.target, edge.last_seen)).collect();
            self.watches.recall(snapshot.registry(), &edges, now);
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use topology::store::{Store, StoreConfig};
    use topology::{EntityId, Level, SECOND, Subject};

    use super::*;

    const NOON: Moment = Moment(1_767_268_800 * SECOND);

    fn judging(board: &Arc<Board>) -> Judging {
        Judging::new(&Rules::default(), Arc::from([]), "prod", Arc::clone(board))
    }

    #[test]
    fn what_was_abnormal_before_a_restart_is_not_abnormal_for_ever() {
        let (mut store, _) = Store::open(StoreConfig::default(), NOON).unwrap();
        let since = |rule: &str, from| Interval {
            subject: Subject::Node(EntityId(0)),
            rule: rule.into(),
            level: Level::Red,
            from,
            to: None,
            value: 1.0,
        };
        store.record(since("errors", NOON.minus(60 * SECOND)));
        store.tick(NOON).unwrap();

        let ended = judging(&Arc::default()).step(&store.snapshot(), NOON);

        assert_eq!(ended.len(), 1);
        assert!(ended[0].to.is_some_and(|to| to <= NOON), "{ended:?}");
        assert_eq!(ended[0].from, NOON.minus(60 * SECOND));
    }

    #[test]
    fn what_was_told_is_kept_and_known_after_a_restart() {
        let (mut store, _) = Store::open(StoreConfig::default(), NOON).unwrap();
        let (board, finding) = (Arc::<Board>::default(), Name::from("f1"));
        let mut before = judging(&board);
        before.step(&store.snapshot(), NOON);
        let (first, last, teller) = (NOON, NOON.plus(SECOND), Name::from("topology"));
        board.note([Telling { teller, finding, level: Level::Red, first, last, over: None }]);
        for interval in before.step(&store.snapshot(), NOON.plus(SECOND)) {
            store.record(interval);
        }
        store.tick(NOON.plus(SECOND)).unwrap();

        let after = Arc::default();
        let ended = judging(&after).step(&store.snapshot(), NOON.plus(60 * SECOND));

        assert_eq!(after.remembered("topology").iter().map(|told| &*told.finding).collect::<Vec<_>>(), ["f1"]);
        assert_eq!(ended, [], "it goes on");
    }
}
