//! What is to be told now, and what was told: each finding when it opens, once in a while, and when it closes.

use std::collections::HashMap;
use std::sync::Arc;

use topology::{Moment, Name, Notice, Notices};

/// Most findings in one batch of log records.
const MOST_AT_ONCE: usize = 500;

/// Remembers what was told.
#[derive(Debug)]
pub struct Herald {
    /// Nanoseconds; 0 for never again.
    renotify: u64,
    told: HashMap<Name, Told>,
}

#[derive(Debug)]
struct Told {
    at: Moment,
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
    pub fn new(renotify: u64) -> Self {
        Self { renotify, told: HashMap::new() }
    }

    /// What is to be told. It stays due until [`Herald::delivered`]: delivery is at least once.
    pub fn due(&self, notices: &Notices, now: Moment) -> Vec<Message> {
        if notices.at == Moment::default() {
            // Nothing was judged yet; what was open before a restart may still be.
            return Vec::new();
        }
        let open = notices.open.iter().filter_map(|notice| {
            let state = match self.told.get(&notice.id) {
                None => State::Open,
                Some(told) if self.renotify > 0 && now.since(told.at) >= self.renotify => State::StillOpen,
                Some(_) => return None,
            };
            Some(Message { state, notice: Arc::clone(notice) })
        });
        let is_open = |id: &Name| notices.open.iter().any(|notice| notice.id == *id);
        let closed = self.told.values().filter(|told| !is_open(&told.notice.id));
        let closed = closed.map(|told| Message { state: State::Closed, notice: Arc::clone(&told.notice) });
        open.chain(closed).take(MOST_AT_ONCE).collect()
    }

    /// Notes that a pipeline took them.
    pub fn delivered(&mut self, messages: &[Message], now: Moment) {
        for Message { state, notice } in messages {
            match state {
                State::Open | State::StillOpen => {
                    self.told.insert(Name::clone(&notice.id), Told { at: now, notice: Arc::clone(notice) });
                }
                State::Closed => drop(self.told.remove(&notice.id)),
            }
        }
    }
}
