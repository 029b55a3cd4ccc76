//! Tables of series that cannot grow without bound.

use std::borrow::Borrow;
use std::hash::Hash;

use hashbrown::HashMap;

/// Series by key. Beyond the limit everything new is counted in one overflow series.
#[derive(Debug)]
pub struct SeriesTable<K, V> {
    series: HashMap<K, V>,
    overflow: Option<V>,
    limit: usize,
}

impl<K: Hash + Eq, V> SeriesTable<K, V> {
    /// A table of at most `limit` series and the overflow series.
    pub fn new(limit: usize) -> Self {
        Self { series: HashMap::new(), overflow: None, limit }
    }

    /// The series of a key, made if it is not there; the overflow series if there is no room for another.
    pub fn entry<Q>(&mut self, key: &Q, make: impl FnOnce() -> V) -> &mut V
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if self.series.len() >= self.limit && !self.series.contains_key(key) {
            return self.overflow.get_or_insert_with(make);
        }
        self.series.entry_ref(key).or_insert_with(make)
    }

    /// All series; the overflow series has no key.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&K>, &V)> {
        let named = self.series.iter().map(|(key, value)| (Some(key), value));
        named.chain(self.overflow.iter().map(|value| (None, value)))
    }

    /// Forgets the series that the predicate does not want to keep.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.series.retain(|key, value| keep(key, value));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.series.clear();
        self.overflow = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_together() {
        let mut table: SeriesTable<String, u64> = SeriesTable::new(1);
        for (key, amount) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] {
            *table.entry(key, || 0) += amount;
        }

        let mut series: Vec<_> = table.iter().map(|(key, value)| (key.cloned(), *value)).collect();
        series.sort_unstable();

        assert_eq!(series, vec![(None, 5), (Some("a".to_owned()), 5)]);
    }
}
