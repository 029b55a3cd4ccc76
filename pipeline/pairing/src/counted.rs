//! The memory of what was counted.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

/// Remembers for a while what was counted, so that a repeat is not counted again. It keeps 64-bit fingerprints, whose
/// seed nobody outside knows: among a million remembered things, one in 10^13 is mistaken for another.
pub struct Counted {
    known: HashTable<u64>,
    order: VecDeque<(Duration, u64)>,
    hasher: RandomState,
    capacity: usize,
    memory: Duration,
}

impl Counted {
    /// Remembers at most `capacity` things, each for `memory`.
    pub fn new(capacity: usize, memory: Duration) -> Self {
        Self { known: HashTable::new(), order: VecDeque::new(), hasher: RandomState::default(), capacity, memory }
    }

    /// Whether it was counted lately.
    pub fn knows(&self, thing: &impl Hash) -> bool {
        let fingerprint = self.fingerprint(thing);
        self.known.find(fingerprint, |known| *known == fingerprint).is_some()
    }

    /// Remembers that it is counted now. The oldest is forgotten when there is no room.
    pub fn note(&mut self, thing: &impl Hash, now: Duration) {
        let fingerprint = self.fingerprint(thing);
        if self.known.find(fingerprint, |known| *known == fingerprint).is_some() {
            return;
        }
        while self.order.len() >= self.capacity {
            if !self.forget_oldest() {
                return;
            }
        }
        self.known.insert_unique(fingerprint, fingerprint, |known| *known);
        self.order.push_back((now, fingerprint));
    }

    /// Forgets what is older than the memory lasts.
    pub fn forget(&mut self, now: Duration) {
        while self.order.front().is_some_and(|(noted, _)| now.saturating_sub(*noted) > self.memory) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((_, fingerprint)) = self.order.pop_front() else { return false };
        if let Ok(entry) = self.known.find_entry(fingerprint, |known| *known == fingerprint) {
            entry.remove();
        }
        true
    }

    fn fingerprint(&self, thing: &impl Hash) -> u64 {
        self.hasher.hash_one(thing)
    }
}
