//! Series by their labels: the bytes of the labels are their identity.

use std::time::Duration;

use hashbrown::HashTable;

/// One series.
#[derive(Debug)]
pub(crate) struct Series<V> {
    hash: u64,
    /// Its labels, see [`crate::labels`].
    pub(crate) labels: Box<[u8]>,
    /// Since when it counts, in nanoseconds since 1970.
    pub(crate) start: u64,
    /// When it was last updated, on the monotonic clock.
    pub(crate) touched: Duration,
    /// What it counts.
    pub(crate) value: V,
}

/// The series of one metric, in the order in which they appeared.
#[derive(Debug)]
pub(crate) struct SeriesTable<V> {
    index: HashTable<usize>,
    series: Vec<Series<V>>,
}

impl<V> Default for SeriesTable<V> {
    fn default() -> Self {
        Self { index: HashTable::new(), series: Vec::new() }
    }
}

impl<V> SeriesTable<V> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// The place of the series with these labels.
    pub(crate) fn find(&self, hash: u64, labels: &[u8]) -> Option<usize> {
        let same = |place: &usize| self.series.get(*place).is_some_and(|series| *series.labels == *labels);
        self.index.find(hash, same).copied()
    }

    /// The series at a place that `find` or `add` gave.
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Series<V>> {
        self.series.get_mut(place)
    }

    /// Adds a series that `find` does not know, and tells its place.
    pub(crate) fn add(&mut self, hash: u64, labels: &[u8], start: u64, value: V) -> usize {
        let place = self.series.len();
        let labels = labels.into();
        self.series.push(Series { hash, labels, start, touched: Duration::ZERO, value });
        let series = &self.series;
        self.index.insert_unique(hash, place, |place| series.get(*place).map_or(0, |series| series.hash));
        place
    }

    /// All series.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Series<V>> {
        self.series.iter()
    }

    /// All series, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Series<V>> {
        self.series.iter_mut()
    }

    /// Drops the series that are not worth keeping; tells how many.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Series<V>) -> bool) -> usize {
        let before = self.series.len();
        self.series.retain(keep);
        let dropped = before - self.series.len();
        if dropped > 0 {
            self.index.clear();
            let series = &self.series;
            let hash = |place: &usize| series.get(*place).map_or(0, |series| series.hash);
            for (place, kept) in series.iter().enumerate() {
                self.index.insert_unique(kept.hash, place, hash);
            }
        }
        dropped
    }
}
