//! What is to be told now, and what was told: each finding when it opens, once in a while, and when it closes.

use std::collections::HashMap;
use std::sync::Arc;

use topology::notice::Telling;
use topology::{Board, Moment, Name, Notice, Notices, SECOND};

/// Most findings in one batch of log records.
const MOST_AT_ONCE: usize = 500;
/// What was told before a restart and is not open again after so long is over.
const PATIENCE: u64 = 15 * 60 * SECOND;

/// Remembers what was told.
#[derive(Debug)]
pub struct Herald {
    /// As tellings name it.
    name: Name,
    /// Nanoseconds; 0 for never again.
    renotify: u64,
    told: HashMap<Name, Told>,
    /// What was told before a restart and was not open since.
    recalled: HashMap<Name, Telling>,
    /// When it began to recall that; none before it did.
    began: Option<Moment>,
}

#[derive(Debug)]
struct Told {
    first: Moment,
    last: Moment,
    notice: Arc<Notice>,
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is told for the first time.
    Open,
    /// It is still open.
    StillOpen,
    /// It is over.
    Closed,
}

/// One thing to tell.
#[derive(Debug, Clone)]
pub struct Message {
    /// How the finding stands.
    pub state: State,
    /// The finding; as it last was, if it is over.
    pub notice: Arc<Notice>,
}

impl Herald {
    /// One that has told nothing yet.
    pub fn new(name: &str, renotify: u64) -> Self {
        Self { name: name.into(), renotify, told: HashMap::new(), recalled: HashMap::new(), began: None }
    }

    /// Looks at what is open and recalls, once, what it told in an earlier life. Gives what of that is over.
    pub fn look(&mut self, board: &Board, notices: &Notices, now: Moment) -> Vec<Telling> {
        if notices.at == Moment::default() {
            // Nothing was judged yet; what was open before a restart may still be.
            return Vec::new();
        }
        let began = *self.began.get_or_insert_with(|| {
            let remembered = board.remembered(&self.name).into_iter();
            self.recalled = remembered.map(|telling| (telling.finding.clone(), telling)).collect();
            now
        });
        if self.recalled.is_empty() {
            return Vec::new();
        }
        for notice in &notices.open {
            if let Some(Telling { first, last, .. }) = self.recalled.remove(&notice.id) {
                let told = Told { first, last, notice: Arc::clone(notice) };
                self.told.entry(notice.id.clone()).or_insert(told);
            }
        }
        if now.since(began) < PATIENCE {
            return Vec::new();
        }
        self.recalled.drain().map(|(_, telling)| Telling { over: Some(now), ..telling }).collect()
    }

    /// What is to be told. It stays due until [`Herald::delivered`]: delivery is at least once.
    pub fn due(&self, notices: &Notices, now: Moment) -> Vec<Message> {
        if notices.at == Moment::default() {
            return Vec::new();
        }
        let open = notices.open.iter().filter_map(|notice| {
            let state = match self.told.get(&notice.id) {
                None => State::Open,
                Some(told) if self.renotify > 0 && now.since(told.last) >= self.renotify => State::StillOpen,
                Some(_) => return None,
            };
            Some(Message { state, notice: Arc::clone(notice) })
        });
        let is_open = |id: &Name| notices.open.iter().any(|notice| notice.id == *id);
        let closed = self.told.values().filter(|told| !is_open(&told.notice.id));
        let closed = closed.map(|told| Message { state: State::Closed, notice: Arc::clone(&told.notice) });
        open.chain(closed).take(MOST_AT_ONCE).collect()
    }

    /// Notes that a pipeline took them. Gives what is to be remembered of that.
    pub fn delivered(&mut self, messages: &[Message], now: Moment) -> Vec<Telling> {
        let teller = self.name.clone();
        let tellings = messages.iter().map(|Message { state, notice }| {
            let first = self.told.get(&notice.id).map_or(now, |told| told.first);
            let over = (*state == State::Closed).then_some(now);
            match over {
                Some(_) => drop(self.told.remove(&notice.id)),
                None => {
                    let told = Told { first, last: now, notice: Arc::clone(notice) };
                    self.told.insert(notice.id.clone(), told);
                }
            }
            let (teller, finding, level) = (teller.clone(), notice.id.clone(), notice.level);
            Telling { teller, finding, level, first, last: now, over }
        });
        tellings.collect()
    }
}
