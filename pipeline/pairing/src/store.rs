//! The store in which one end waits for the other.

use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::arrivals::Arrivals;
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
    keys: Keys,
    deadline: Duration,
}

/// A key of something that waits.
#[derive(Debug, Clone, Copy)]
struct Known {
    hash: u64,
    place: usize,
}

/// Ends that wait for the other one: at most `capacity`, each for `patience`, oldest first out.
pub struct PairStore<V> {
    waiting: Arrivals<Waiting<V>>,
    /// Where it waits, by each of its keys. No two that wait have a key in common: the second would have met the first.
    index: HashTable<Known>,
    hasher: RandomState,
    capacity: usize,
    patience: Duration,
}

impl<V: Half> PairStore<V> {
    /// An empty store.
    pub fn new(capacity: usize, patience: Duration) -> Self {
        Self {
            waiting: Arrivals::default(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            capacity,
            patience,
        }
    }

    /// How many ends wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the next end that does not meet another one finds no room.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// Whether something waits under one of the keys.
    pub fn awaits(&self, keys: Keys) -> bool {
        keys.iter().any(|key| self.find(key, self.hasher.hash_one(key)).is_some())
    }

    /// How many places there are, free ones among them.
    #[cfg(test)]
    pub(crate) fn places(&self) -> usize {
        self.waiting.places()
    }

    /// An end arrives. Per span; no allocation when the store is warm.
    pub fn meet(&mut self, keys: Keys, half: V, now: Duration) -> Met<V> {
        let hash = self.hasher.hash_one(keys.first);
        let by_second = || keys.second.and_then(|second| self.find(second, self.hasher.hash_one(second)));
        let found = self.find(keys.first, hash).or_else(by_second);
        let Some((place, waiting)) = found.and_then(|place| Some((place, self.waiting.get_mut(place)?))) else {
            return self.arrive(keys, hash, half, now);
        };
        waiting.value.join(half);
        if !waiting.value.is_whole() {
            return Met::Waits { first: false };
        }
        match self.remove(place) {
            Some((keys, value)) => Met::Whole { value, keys, waited: true },
            None => Met::Waits { first: false },
        }
    }

    /// Takes out the oldest end if it has waited longer than its patience.
    pub fn pop_expired(&mut self, now: Duration) -> Option<(Keys, V)> {
        let oldest = self.waiting.oldest()?;
        let is_due = self.waiting.get(oldest).is_some_and(|waiting| now > waiting.deadline);
        if is_due { self.remove(oldest) } else { None }
    }

    /// Takes out the oldest end, however long it has waited.
    pub fn pop_oldest(&mut self) -> Option<(Keys, V)> {
        self.remove(self.waiting.oldest()?)
    }

    /// Nothing waits under the keys of this end.
    fn arrive(&mut self, keys: Keys, hash: u64, half: V, now: Duration) -> Met<V> {
        if half.is_whole() {
            return Met::Whole { value: half, keys, waited: false };
        }
        if self.is_full() {
            return Met::NoRoom(half);
        }
        let deadline = now.saturating_add(self.patience);
        let place = self.waiting.push(Waiting { value: half, keys, deadline });
        self.index.insert_unique(hash, Known { hash, place }, |known| known.hash);
        if let Some(second) = keys.second {
            let hash = self.hasher.hash_one(second);
            self.index.insert_unique(hash, Known { hash, place }, |known| known.hash);
        }
        Met::Waits { first: true }
    }

    fn remove(&mut self, place: usize) -> Option<(Keys, V)> {
        let Waiting { value, keys, .. } = self.waiting.take(place)?;
        for key in keys.iter() {
            if let Ok(entry) = self.index.find_entry(self.hasher.hash_one(key), |known| known.place == place) {
                entry.remove();
            }
        }
        Some((keys, value))
    }

    fn find(&self, key: PairKey, hash: u64) -> Option<usize> {
        let is_its_own = |waiting: &Waiting<V>| waiting.keys.first == key || waiting.keys.second == Some(key);
        let same = |known: &Known| known.hash == hash && self.waiting.get(known.place).is_some_and(is_its_own);
        self.index.find(hash, same).map(|known| known.place)
    }
}
