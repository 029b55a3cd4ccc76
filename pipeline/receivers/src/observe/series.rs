//! Tables of series that cannot grow without bound.

use std::hash::Hash;

use hashbrown::HashMap;

/// Series by key. Beyond the limit everything new is counted in one overflow series.
#[derive(Debug)]
pub struct SeriesTable<K, V> {
    series: HashMap<K, V>,
    overflow: Option<V>,
    limit: usize,
}

impl<K: Hash + Eq, V: Default> SeriesTable<K, V> {
    /// A table of at most `limit` series and the overflow series.
    pub fn new(limit: usize) -> Self {
        Self { series: HashMap::new(), overflow: None, limit }
    }

    /// The series of a key, or the overflow series if there is no room for another.
    pub fn entry(&mut self, key: K) -> &mut V {
        if self.series.len() >= self.limit && !self.series.contains_key(&key) {
            return self.overflow.get_or_insert_default();
        }
        self.series.entry(key).or_default()
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

    /// Number of series, the overflow series not counted.
    pub fn len(&self) -> usize {
        self.series.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_together() {
        let mut table: SeriesTable<&str, u64> = SeriesTable::new(1);
        *table.entry("a") += 1;
        *table.entry("b") += 2;
        *table.entry("c") += 3;
        *table.entry("a") += 4;

        let mut series: Vec<_> = table.iter().map(|(key, value)| (key.copied(), *value)).collect();
        series.sort_unstable();

        assert_eq!(series, vec![(None, 5), (Some("a"), 5)]);
    }
}
