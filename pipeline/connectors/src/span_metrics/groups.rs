//! Spans of one scope that have the same labels: few of a batch's spans have labels of their own.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Groups by key, numbered by whoever asks for them.
#[derive(Debug, Default)]
pub(super) struct Groups {
    index: HashTable<Group>,
    /// The keys, one after the other.
    keys: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    hash: u64,
    start: usize,
    end: usize,
    number: usize,
}

impl Groups {
    /// Forgets all groups.
    pub(super) fn start(&mut self) {
        self.index.clear();
        self.keys.clear();
    }

    /// The number of the group whose key `write` appends; it is `next` if the group is new.
    pub(super) fn get(&mut self, hasher: &RandomState, next: usize, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.keys.len();
        write(&mut self.keys);
        let (known, key) = self.keys.split_at(start);
        let hash = hasher.hash_one(key);
        let same = |group: &Group| group.hash == hash && known.get(group.start..group.end) == Some(key);
        if let Some(group) = self.index.find(hash, same) {
            let number = group.number;
            self.keys.truncate(start);
            return number;
        }
        let group = Group { hash, start, end: self.keys.len(), number: next };
        self.index.insert_unique(hash, group, |group| group.hash);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_is_the_same_group_until_everything_starts_over() {
        let hasher = RandomState::default();
        let mut groups = Groups::default();
        let mut group = |next: usize, key: &[u8]| groups.get(&hasher, next, |out| out.extend_from_slice(key));

        assert_eq!([group(0, b"a"), group(1, b"ab"), group(2, b"a"), group(2, b"ab"), group(2, b"")], [0, 1, 0, 1, 2]);

        groups.start();
        assert_eq!(groups.get(&hasher, 7, |out| out.extend_from_slice(b"a")), 7);
    }
}
