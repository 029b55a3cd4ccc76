//! The store in which one end waits for the other.

use std::collections::VecDeque;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::ends::Half;
use crate::keys::{Keys, PairKey};

/// What became of an end.
#[derive(Debug, PartialEq, Eq)]
pub enum Met<V> {
    /// Nothing is missing any more. `waited` tells whether something had been waiting for it.
    Whole {
        /// The call.
        value: V,
        /// The keys under which it was known.
        keys: Keys,
        /// Whether a half had been in the store.
        waited: bool,
    },
    /// It waits; `first` tells that nothing had been waiting under its keys.
    Waits {
        /// Whether it is the first under its keys.
        first: bool,
    },
    /// There is no room for it to wait.
    NoRoom(V),
}

struct Waiting<V> {
    value: V,
    alias: Option<PairKey>,
    deadline: Duration,
    /// Tells a later occupant of the same key from the one that the queue means.
    stamp: u64,
}

/// Ends that wait for the other one: at most `capacity`, each for `patience`, oldest first out.
pub struct PairStore<V> {
    waiting: HashMap<PairKey, Waiting<V>, RandomState>,
    aliases: HashMap<PairKey, PairKey, RandomState>,
    /// In order of arrival. Those that have met meanwhile are skipped, and swept out when they are the majority.
    pub(crate) queue: VecDeque<(PairKey, u64)>,
    capacity: usize,
    patience: Duration,
    stamp: u64,
}

impl<V: Half> PairStore<V> {
    /// An empty store.
    pub fn new(capacity: usize, patience: Duration) -> Self {
        Self {
            waiting: HashMap::default(),
            aliases: HashMap::default(),
            queue: VecDeque::new(),
            capacity,
            patience,
            stamp: 0,
        }
    }

    /// How many ends wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the next end that does not meet another one finds no room.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.capacity
    }

    /// Whether something waits under one of the keys.
    pub fn awaits(&self, keys: Keys) -> bool {
        self.find(keys).is_some()
    }

    /// An end arrives. Per span; no allocation when the store is warm.
    pub fn meet(&mut self, keys: Keys, half: V, now: Duration) -> Met<V> {
        let place = match keys.second {
            None if self.aliases.is_empty() => keys.first,
            _ => self.find(keys).unwrap_or(keys.first),
        };
        let full = self.waiting.len() >= self.capacity;
        match self.waiting.entry(place) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().value.join(half);
                if !entry.get().value.is_whole() {
                    return Met::Waits { first: false };
                }
                let found = entry.remove();
                if let Some(alias) = found.alias {
                    self.aliases.remove(&alias);
                }
                self.sweep();
                Met::Whole { value: found.value, keys: Keys { first: place, second: found.alias }, waited: true }
            }
            Entry::Vacant(_) if half.is_whole() => Met::Whole { value: half, keys, waited: false },
            Entry::Vacant(_) if full => Met::NoRoom(half),
            Entry::Vacant(entry) => {
                self.stamp = self.stamp.wrapping_add(1);
                let deadline = now.saturating_add(self.patience);
                entry.insert(Waiting { value: half, alias: keys.second, deadline, stamp: self.stamp });
                self.queue.push_back((place, self.stamp));
                if let Some(alias) = keys.second {
                    self.aliases.insert(alias, place);
                }
                Met::Waits { first: true }
            }
        }
    }

    /// Takes out the oldest end if it has waited longer than its patience.
    pub fn pop_expired(&mut self, now: Duration) -> Option<(Keys, V)> {
        self.pop_if(|deadline| now > deadline)
    }

    /// Takes out the oldest end, however long it has waited.
    pub fn pop_oldest(&mut self) -> Option<(Keys, V)> {
        self.pop_if(|_| true)
    }

    fn pop_if(&mut self, due: impl Fn(Duration) -> bool) -> Option<(Keys, V)> {
        loop {
            let (key, stamp) = *self.queue.front()?;
            match self.waiting.entry(key) {
                Entry::Occupied(entry) if entry.get().stamp == stamp => {
                    if !due(entry.get().deadline) {
                        return None;
                    }
                    let found = entry.remove();
                    self.queue.pop_front();
                    if let Some(alias) = found.alias {
                        self.aliases.remove(&alias);
                    }
                    return Some((Keys { first: key, second: found.alias }, found.value));
                }
                _ => self.queue.pop_front(),
            };
        }
    }

    fn find(&self, keys: Keys) -> Option<PairKey> {
        let place = |key: PairKey| {
            if self.waiting.contains_key(&key) { Some(key) } else { self.aliases.get(&key).copied() }
        };
        place(keys.first).or_else(|| keys.second.and_then(place))
    }

    /// Keeps the queue within twice what waits.
    fn sweep(&mut self) {
        const SLACK: usize = 64;
        if self.queue.len() > self.waiting.len().saturating_mul(2).saturating_add(SLACK) {
            let waiting = &self.waiting;
            self.queue.retain(|(key, stamp)| waiting.get(key).is_some_and(|found| found.stamp == *stamp));
        }
    }
}
