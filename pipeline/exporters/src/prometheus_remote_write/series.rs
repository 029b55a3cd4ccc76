//! The series of one batch: each label set once, its samples together and in the order of time.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::wire::{PutField, bytes_size, varint_size};
use crate::prometheus_names::Labels;

/// A series of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesId(u32);

/// Encoded series, ready to be part of a `WriteRequest`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) series: usize,
}

#[derive(Debug)]
struct Series {
    labels: Range<usize>,
    hash: u64,
}

/// What a series has at a time: a sample, or a message in `Table::messages`.
#[derive(Debug, Clone)]
struct Entry {
    series: SeriesId,
    kind: EntryKind,
    time: i64,
    content: Content,
}

/// The order in which a `TimeSeries` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EntryKind {
    Sample,
    Exemplar,
    Histogram,
}

#[derive(Debug, Clone)]
enum Content {
    Value(f64),
    Message(Range<usize>),
}

/// Collects samples by series.
#[derive(Debug)]
pub(super) struct Table {
    /// Of all series, as fields of `TimeSeries`.
    labels: Vec<u8>,
    series: Vec<Series>,
    index: HashTable<SeriesId>,
    entries: Vec<Entry>,
    messages: Vec<u8>,
    hasher: RandomState,
}

impl Table {
    /// An empty table. Tables that share a hasher give a series the same lane.
    pub(super) fn new(hasher: RandomState) -> Self {
        Self {
            labels: Vec::new(),
            series: Vec::new(),
            index: HashTable::new(),
            entries: Vec::new(),
            messages: Vec::new(),
            hasher,
        }
    }

    /// The series of this name with these labels and perhaps one more.
    pub(super) fn series(&mut self, name: &str, labels: &Labels, more: Option<(&str, &str)>) -> Option<SeriesId> {
        let start = self.labels.len();
        write_labels(&mut self.labels, name, labels, more);
        let written = self.labels.get(start..)?;
        let hash = self.hasher.hash_one(written);
        let all = &self.labels;
        let known = self.index.find(hash, |id| {
            self.series.get(id.0 as usize).is_some_and(|series| all.get(series.labels.clone()) == Some(written))
        });
        if let Some(known) = known.copied() {
            self.labels.truncate(start);
            return Some(known);
        }
        let id = SeriesId(u32::try_from(self.series.len()).ok()?);
        self.series.push(Series { labels: start..self.labels.len(), hash });
        let series = &self.series;
        self.index.insert_unique(hash, id, |id| series.get(id.0 as usize).map_or(0, |series| series.hash));
        Some(id)
    }

    /// Adds a sample.
    pub(super) fn sample(&mut self, series: SeriesId, time: i64, value: f64) {
        self.entries.push(Entry { series, kind: EntryKind::Sample, time, content: Content::Value(value) });
    }

    /// Adds a native histogram that `write` writes; nothing if it fails.
    pub(super) fn histogram<E>(
        &mut self,
        series: SeriesId,
        time: i64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.message(series, EntryKind::Histogram, time, write)
    }

    /// Adds an exemplar that `write` writes.
    pub(super) fn exemplar(&mut self, series: SeriesId, time: i64, write: impl FnOnce(&mut Vec<u8>)) {
        let infallible = |out: &mut Vec<u8>| {
            write(out);
            Ok::<_, std::convert::Infallible>(())
        };
        let Ok(()) = self.message(series, EntryKind::Exemplar, time, infallible);
    }

    fn message<E>(
        &mut self,
        series: SeriesId,
        kind: EntryKind,
        time: i64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.messages.len();
        if let Err(error) = write(&mut self.messages) {
            self.messages.truncate(start);
            return Err(error);
        }
        let content = Content::Message(start..self.messages.len());
        self.entries.push(Entry { series, kind, time, content });
        Ok(())
    }

    /// How many series have something to send.
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// Encodes everything: for each lane, blocks of at most `limit` bytes (one series may be larger). A series always
    /// gets the same lane. Also tells how many samples were dropped because a later one has the same time.
    pub(super) fn into_lanes(mut self, lanes: usize, limit: usize) -> (Vec<Vec<Block>>, usize) {
        self.entries.sort_by_key(|entry| (entry.series, entry.kind, entry.time));
        let mut done: Vec<Vec<Block>> = (0..lanes.max(1)).map(|_| Vec::new()).collect();
        let mut duplicates = 0_usize;
        let mut scratch = Vec::new();
        for entries in self.entries.chunk_by(|a, b| a.series == b.series) {
            let Some(series) = entries.first().and_then(|first| self.series.get(first.series.0 as usize)) else {
                continue;
            };
            scratch.clear();
            scratch.extend_from_slice(self.labels.get(series.labels.clone()).unwrap_or_default());
            duplicates = duplicates.saturating_add(self.write_entries(entries, &mut scratch));
            let lane = series.hash.checked_rem(lanes as u64).and_then(|lane| usize::try_from(lane).ok());
            if let Some(blocks) = done.get_mut(lane.unwrap_or(0)) {
                append(blocks, &scratch, limit);
            }
        }
        (done, duplicates)
    }

    fn write_entries(&self, entries: &[Entry], out: &mut Vec<u8>) -> usize {
        let mut duplicates = 0_usize;
        // Within a time the last one wins: servers refuse a second value for the same time.
        for same_time in entries.chunk_by(|a, b| a.kind != EntryKind::Exemplar && (a.kind, a.time) == (b.kind, b.time))
        {
            duplicates = duplicates.saturating_add(same_time.len().saturating_sub(1));
            let Some(entry) = same_time.last() else { continue };
            match (&entry.content, entry.kind) {
                (Content::Value(value), _) => {
                    let time = entry.time.cast_unsigned();
                    out.head(2, varint_size(time).saturating_add(9));
                    out.double(1, *value);
                    out.varint(2, time);
                }
                (Content::Message(range), kind) => {
                    let field = if kind == EntryKind::Exemplar { 3 } else { 4 };
                    out.bytes(field, self.messages.get(range.clone()).unwrap_or_default());
                }
            }
        }
        duplicates
    }
}

fn append(blocks: &mut Vec<Block>, series: &[u8], limit: usize) {
    let full = blocks.last().is_none_or(|block| block.bytes.len().saturating_add(bytes_size(series.len())) > limit);
    if full {
        blocks.push(Block::default());
    }
    if let Some(block) = blocks.last_mut() {
        block.bytes.bytes(1, series);
        block.series = block.series.saturating_add(1);
    }
}

/// Writes labels sorted by name. `__name__` and the one more stand for any of the same name; empty ones say nothing.
fn write_labels(out: &mut Vec<u8>, name: &str, labels: &Labels, more: Option<(&str, &str)>) {
    let own = || std::iter::once(("__name__", name)).chain(more);
    let mut waiting = own().peekable();
    let others = labels.iter().filter(|(label, _)| own().all(|(own, _)| own != *label));
    for (label, value) in others {
        while let Some((own, value)) = waiting.next_if(|(own, _)| *own < label) {
            write_label(out, own, value);
        }
        write_label(out, label, value);
    }
    for (own, value) in waiting {
        write_label(out, own, value);
    }
}

/// Writes a label as field 1 of a series or an exemplar.
pub(super) fn write_label(out: &mut Vec<u8>, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    out.head(1, bytes_size(name.len()).saturating_add(bytes_size(value.len())));
    out.bytes(1, name.as_bytes());
    out.bytes(2, value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus_names::LabelNamer;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let mut labels = Labels::default();
        for (key, value) in pairs {
            labels.attribute(LabelNamer { utf8: false }, key, value).unwrap();
        }
        labels.merge();
        labels
    }

    fn table() -> Table {
        Table::new(RandomState::default())
    }

    fn encoded(name: &str, pairs: &[(&str, &str)], more: Option<(&str, &str)>) -> Vec<u8> {
        let mut out = Vec::new();
        write_labels(&mut out, name, &labels(pairs), more);
        out
    }

    #[test]
    fn labels_are_sorted_with_the_name_and_the_bound_among_them() {
        let mut expected = Vec::new();
        for (name, value) in [("Zone", "z"), ("__name__", "n"), ("a", "1"), ("le", "+Inf"), ("z", "2")] {
            write_label(&mut expected, name, value);
        }

        let pairs = [("z", "2"), ("Zone", "z"), ("a", "1"), ("le", "mine"), ("__name__", "mine"), ("empty", "")];
        assert_eq!(encoded("n", &pairs, Some(("le", "+Inf"))), expected);
    }

    #[test]
    fn samples_of_a_series_come_together_in_the_order_of_time() {
        let mut unordered = table();
        let a = unordered.series("a", &labels(&[]), None).unwrap();
        let b = unordered.series("b", &labels(&[]), None).unwrap();
        unordered.sample(a, 20, 2.0);
        unordered.sample(b, 10, 5.0);
        let again = unordered.series("a", &labels(&[]), None).unwrap();
        unordered.sample(again, 10, 1.0);

        let mut ordered = table();
        let a = ordered.series("a", &labels(&[]), None).unwrap();
        ordered.sample(a, 10, 1.0);
        ordered.sample(a, 20, 2.0);
        let b = ordered.series("b", &labels(&[]), None).unwrap();
        ordered.sample(b, 10, 5.0);

        assert_eq!(unordered.into_lanes(1, 1000), ordered.into_lanes(1, 1000));
    }

    #[test]
    fn of_two_samples_at_one_time_the_later_is_sent() {
        let mut twice = table();
        let series = twice.series("a", &labels(&[]), None).unwrap();
        twice.sample(series, 10, 1.0);
        twice.sample(series, 10, 2.0);
        let mut once = table();
        let series = once.series("a", &labels(&[]), None).unwrap();
        once.sample(series, 10, 2.0);

        let (lanes, duplicates) = twice.into_lanes(1, 1000);

        assert_eq!((lanes, duplicates), (once.into_lanes(1, 1000).0, 1));
    }

    #[test]
    fn a_series_keeps_its_lane_from_batch_to_batch() {
        let hasher = RandomState::default();
        let lane_of_each_series = || {
            let mut table = Table::new(hasher.clone());
            for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                let series = table.series(name, &labels(&[]), None).unwrap();
                table.sample(series, 1, 1.0);
            }
            table.into_lanes(3, 1_000_000)
        };

        assert_eq!(lane_of_each_series(), lane_of_each_series());
    }

    #[test]
    fn blocks_stay_below_the_limit_and_lose_nothing() {
        let mut table = table();
        for number in 0..100 {
            let series = table.series("m", &labels(&[("n", &number.to_string())]), None).unwrap();
            table.sample(series, 1, 1.0);
        }

        let (lanes, _) = table.into_lanes(2, 200);

        let blocks: Vec<&Block> = lanes.iter().flatten().collect();
        assert!(blocks.iter().all(|block| block.bytes.len() <= 200 && block.series > 0));
        assert_eq!(blocks.iter().map(|block| block.series).sum::<usize>(), 100);
    }

    #[test]
    fn a_series_without_samples_is_not_sent() {
        let mut table = table();
        table.series("a", &labels(&[]), None).unwrap();

        assert_eq!(table.into_lanes(1, 1000), (vec![Vec::new()], 0));
    }
}
