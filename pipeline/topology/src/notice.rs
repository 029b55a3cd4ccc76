//! What is to be told to the world: findings as they leave through pipelines.
//!
//! In this room: a finding in the words of its readers, the board on which the owner of the map hangs all that are open for
//! the receiver that tells them, and what this has told.
//! Not here: what makes a finding (rules, baselines), OTLP (`receivers::topology`).
//!
//! Enter at [`Board`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Class, Interval, Level, Moment, Name, NodeId, Protocol, Subject, Transport};

/// A finding that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The same for the same finding, across restarts too: a hash of baseline or rule file, rule and subject.
    pub id: Name,
    /// What was found: `edge.unexpected`, `edge.missing`, `node.missing`, ...
    pub finding: Name,
    /// What sort of problem it is.
    pub class: Class,
    /// How bad it is.
    pub level: Level,
    /// The baseline that says so; empty if a rule does.
    pub baseline: Name,
    /// The line or rule that says so; empty if it is the lack of one.
    pub rule: Name,
    /// The calling end, or the node that the finding is about.
    pub client: NodeId,
    /// The called end, if the finding is about an edge.
    pub server: Option<NodeId>,
    /// The port of the called, if the finding is about one.
    pub port: Option<u16>,
    /// Under the protocol, if known.
    pub transport: Transport,
    /// What they speak, if known.
    pub protocol: Option<Protocol>,
    /// Since when.
    pub first_seen: Moment,
    /// When it was last so.
    pub last_seen: Moment,
    /// How many calls it is about, so far as they were counted.
    pub requests: u64,
    /// A sentence for people.
    pub message: String,
}

/// How a baseline is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Its name.
    pub baseline: Name,
    /// Its edges by state: `expected`, `unexpected`, `missing`, ...
    pub edges: Vec<(&'static str, u64)>,
    /// Share of requests in its scope that could be judged, 0 to 1.
    pub coverage: Option<f64>,
}

/// All that is open at one moment.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// When that was; zero before the first judgement.
    pub at: Moment,
    /// Findings.
    pub open: Vec<Arc<Notice>>,
    /// Baselines.
    pub standings: Vec<Standing>,
}

/// Where the owner of the map hangs what is open, and the receiver reads it; and where the receiver notes what it told,
/// and the owner takes that to the store, so that a restart tells nothing again.
///
/// A lock each, held to exchange a pointer or a few: written once in 15 seconds, read once in one.
#[derive(Debug, Default)]
pub struct Board {
    open: Mutex<Arc<Notices>>,
    told: Mutex<Vec<Interval>>,
    remembered: Mutex<Arc<[Interval]>>,
}

impl Board {
    /// Replaces everything.
    pub fn hang(&self, notices: Notices) {
        *lock(&self.open) = Arc::new(notices);
    }

    /// Everything that hangs there now.
    pub fn read(&self) -> Arc<Notices> {
        Arc::clone(&lock(&self.open))
    }

    /// Notes what was told, or that it is over.
    pub fn note(&self, told: impl IntoIterator<Item = Telling>) {
        lock(&self.told).extend(told.into_iter().map(Telling::into_interval));
    }

    /// What was noted since it was last taken, as the store keeps it.
    pub fn take(&self) -> Vec<Interval> {
        std::mem::take(&mut *lock(&self.told))
    }

    /// Keeps what the store remembers of this, for receivers that begin. What else it remembers does not matter.
    pub fn remember(&self, intervals: &[Interval]) {
        *lock(&self.remembered) = intervals.iter().filter(|interval| Telling::is(interval)).cloned().collect();
    }

    /// What a receiver told before a restart and was not over then.
    pub fn remembered(&self, teller: &str) -> Vec<Telling> {
        let remembered = Arc::clone(&lock(&self.remembered));
        remembered.iter().filter_map(Telling::of_interval).filter(|telling| &*telling.teller == teller).collect()
    }
}

/// Each statement that changes it leaves it whole, so a panic elsewhere does not spoil it.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// That a finding was told to the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// By which receiver.
    pub teller: Name,
    /// Which finding, by its id.
    pub finding: Name,
    /// How bad it was.
    pub level: Level,
    /// When for the first time.
    pub first: Moment,
    /// When for the last time.
    pub last: Moment,
    /// When it was over; `None` while it is open.
    pub over: Option<Moment>,
}

/// What the rule of such an interval begins with; the teller follows.
const TOLD: &str = "told by ";

impl Telling {
    /// True if the interval is about what was told.
    pub fn is(interval: &Interval) -> bool {
        matches!(interval.subject, Subject::Finding(_)) && interval.rule.starts_with(TOLD)
    }

    fn into_interval(self) -> Interval {
        Interval {
            subject: Subject::Finding(self.finding),
            rule: format!("{TOLD}{}", self.teller).into(),
            level: self.level,
            from: self.first,
            to: self.over,
            // Nothing was measured; the time of the last telling stands here, to the microsecond.
            value: self.last.0 as f64,
        }
    }

    fn of_interval(interval: &Interval) -> Option<Self> {
        let Subject::Finding(finding) = &interval.subject else { return None };
        Some(Self {
            teller: interval.rule.strip_prefix(TOLD)?.into(),
            finding: finding.clone(),
            level: interval.level,
            first: interval.from,
            last: Moment(interval.value as u64),
            over: interval.to,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_comes_back_to_who_told_it_by_way_of_the_store() {
        let telling = |teller: &str| Telling {
            teller: teller.into(),
            finding: "f1".into(),
            level: Level::Red,
            first: Moment(1 << 60),
            last: Moment((1 << 60) + (1 << 40)),
            over: None,
        };
        let board = Board::default();
        board.note([telling("topology"), telling("topology/other")]);
        let mut kept = board.take();
        kept.push(Interval { rule: "edge.unexpected".into(), ..kept[0].clone() });

        let after_a_restart = Board::default();
        after_a_restart.remember(&kept);

        assert_eq!(after_a_restart.remembered("topology"), [telling("topology")]);
        assert_eq!(after_a_restart.remembered("topology/third"), []);
        assert!(board.take().is_empty(), "it is taken once");
    }
}
