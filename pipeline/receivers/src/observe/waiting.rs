//! The end of an exchange that is over first waits for the other, so that both leave in one batch.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::HashMap;

use super::finished::Finished;
use super::wire::WireKey;

/// Ends that wait, and how many went alone.
#[derive(Debug)]
pub struct Waiting {
    ends: HashMap<WireKey, Box<Finished>>,
    deadlines: VecDeque<(Duration, WireKey)>,
    patience: Duration,
    limit: usize,
    /// Ends whose partner did not come in time.
    pub gave_up: u64,
    /// Ends that went alone because too many waited.
    pub crowded_out: u64,
}

/// What comes of an end that is over.
#[derive(Debug)]
pub enum Arrival {
    /// It waits now.
    First,
    /// The other end was waiting.
    Second(Box<Finished>, Box<Finished>),
    /// It goes alone: too many wait.
    Alone(Box<Finished>),
}

impl Waiting {
    /// Nobody waits; each will for at most `patience`, at most `limit` at a time.
    pub fn new(patience: Duration, limit: usize) -> Self {
        Self { ends: HashMap::new(), deadlines: VecDeque::new(), patience, limit, gave_up: 0, crowded_out: 0 }
    }

    /// An end of an exchange whose other end is observed too is over.
    pub fn arrive(&mut self, end: Box<Finished>, now: Duration) -> Arrival {
        match self.ends.remove(&end.key) {
            Some(other) if other.side != end.side => return Arrival::Second(other, end),
            // The same end twice is two requests under one key, which cannot be told apart: the older one goes.
            Some(other) => {
                self.ends.insert(end.key, end);
                return Arrival::Alone(other);
            }
            None => {}
        }
        if self.ends.len() >= self.limit {
            self.crowded_out += 1;
            return Arrival::Alone(end);
        }
        self.deadlines.push_back((now.saturating_add(self.patience), end.key));
        self.ends.insert(end.key, end);
        Arrival::First
    }

    /// Whether an end of this exchange waits.
    pub fn holds(&self, key: &WireKey) -> bool {
        self.ends.contains_key(key)
    }

    /// Hands out the ends that have waited long enough.
    pub fn give_up(&mut self, now: Duration, mut alone: impl FnMut(Box<Finished>)) {
        while self.deadlines.front().is_some_and(|(deadline, _)| *deadline <= now) {
            let Some((_, key)) = self.deadlines.pop_front() else { return };
            if let Some(end) = self.ends.remove(&key) {
                self.gave_up += 1;
                alone(end);
            }
        }
    }

    /// Hands out all that wait.
    pub fn finish(&mut self, alone: impl FnMut(Box<Finished>)) {
        self.deadlines.clear();
        self.ends.drain().map(|(_, end)| end).for_each(alone);
    }
}
