//! A block: what all facts did in one stretch of time, sorted by fact, in few bytes, and never changed.
//!
//! A row is the distance to the previous fact, a mask of what is not zero, and that. Blocks of one stretch add up, so
//! late data is one more block, and a longer stretch is the sum of its parts. [`Merge`] walks any number of them side by
//! side, fact by fact, with one accumulator.

use std::sync::Arc;

use super::sum::{COUNTS, Dense, Sum};
use super::varint;
use crate::{Gap, Measures};

/// Rows between two places of a block's index.
const STRIDE: u32 = 64;
/// Bits of a row's mask, most frequent first, so that most masks are one byte.
const CLIENT_LATENCY: u32 = 1 << 3;
const SERVER_LATENCY: u32 = 1 << 4;
const GAP: u32 = 1 << 5;
/// The mask's bit of each plain count.
const COUNT_BITS: [u32; COUNTS] = [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/// What all facts did in one stretch of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    rows: u32,
    /// In how many steps something happened.
    steps: u32,
    bytes: Arc<[u8]>,
    /// First fact after, and place of, every 64th row.
    index: Arc<[Place]>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// The fact of the row before.
    before: u32,
    at: u32,
}

impl Block {
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    pub(crate) fn steps(&self) -> u32 {
        self.steps
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len().saturating_add(self.index.len().saturating_mul(size_of::<Place>())).saturating_add(64)
    }

    /// From bytes that [`Block::bytes`] gave; `None` if they are no block.
    pub(crate) fn read(bytes: &[u8], steps: u32) -> Option<Self> {
        let mut writer = Writer::default();
        let mut cursor = Cursor { rest: bytes, fact: 0 };
        let mut sum = Sum::default();
        while !cursor.rest.is_empty() {
            let fact = cursor.next_fact()?;
            sum.clear();
            cursor.add_row(&mut sum)?;
            writer.row(fact, &sum);
        }
        Some(writer.finish(steps))
    }

    /// Its rows, one by one, from a fact on.
    pub(crate) fn rows_from(&self, fact: u32) -> Rows<'_> {
        let mut cursor = Cursor { rest: &self.bytes, fact: 0 };
        self.skip_to(fact, &mut cursor);
        let mut rows = Rows { next: cursor.next_fact(), cursor };
        let mut passed = Sum::default();
        while rows.next.is_some_and(|next| next < fact) {
            rows.take(&mut passed);
        }
        rows
    }

    /// Every row as its fact and its sum.
    #[cfg(test)]
    pub(crate) fn each(&self, mut visit: impl FnMut(u32, &Sum)) {
        let mut merge = Merge::of([self]);
        while let Some((fact, sum)) = merge.next() {
            visit(fact, sum);
        }
    }

    /// What the given facts (sorted) did, added to `sums` at the fact's place.
    pub(crate) fn pick(&self, facts: &[(u32, usize)], mut visit: impl FnMut(usize, &Sum)) {
        let mut sum = Sum::default();
        let mut cursor = Cursor { rest: &self.bytes, fact: 0 };
        for (wanted, place) in facts {
            self.skip_to(*wanted, &mut cursor);
            while let Some(fact) = cursor.peek_fact() {
                if fact > *wanted {
                    break;
                }
                sum.clear();
                if cursor.next_fact().is_none() || cursor.add_row(&mut sum).is_none() {
                    return;
                }
                if fact == *wanted {
                    visit(*place, &sum);
                    break;
                }
            }
        }
    }

    /// Moves the cursor near a fact that lies ahead, by the index.
    fn skip_to<'a>(&'a self, wanted: u32, cursor: &mut Cursor<'a>) {
        let after = self.index.partition_point(|place| place.before < wanted);
        let Some(place) = after.checked_sub(1).and_then(|before| self.index.get(before)) else {
            return;
        };
        let passed = self.bytes.len().saturating_sub(cursor.rest.len());
        if let Some(rest) = self.bytes.get(place.at as usize..).filter(|_| place.at as usize > passed) {
            *cursor = Cursor { rest, fact: place.before };
        }
    }
}

/// Writes a block, row by row, by rising fact.
#[derive(Default)]
pub(crate) struct Writer {
    rows: u32,
    last: u32,
    bytes: Vec<u8>,
    index: Vec<Place>,
}

impl Writer {
    pub(crate) fn row(&mut self, fact: u32, sum: &Sum) {
        let sides = [&sum.client, &sum.server];
        self.head(fact, &sum.counts, sum.gap, sides.map(|side| !side.is_zero()));
        for side in sides.into_iter().filter(|side| !side.is_zero()) {
            put_latency(&mut self.bytes, side);
        }
    }

    /// What a row begins with; of each side, if it has latency.
    fn head(&mut self, fact: u32, counts: &[u64; COUNTS], gap: Gap, has: [bool; 2]) {
        if self.rows.is_multiple_of(STRIDE) {
            self.index.push(Place { before: self.last, at: self.bytes.len() as u32 });
        }
        varint::put(&mut self.bytes, u64::from(fact.saturating_sub(self.last)));
        varint::put(&mut self.bytes, u64::from(mask(counts, gap, has)));
        for value in counts.iter().filter(|value| **value != 0) {
            varint::put(&mut self.bytes, *value);
        }
        if gap != Gap::default() {
            varint::put_signed(&mut self.bytes, gap.sum);
            varint::put(&mut self.bytes, gap.count);
        }
        self.last = fact;
        self.rows = self.rows.saturating_add(1);
    }

    /// Writes a row from elsewhere, which may be anything; of each side the sum and what [`put_buckets`] wrote.
    pub(crate) fn row_of_file(
        &mut self,
        fact: u32,
        counts: &[u64; COUNTS],
        gap: Gap,
        sides: [(u64, &[u8]); 2],
    ) -> Result<(), String> {
        if self.rows > 0 && fact <= self.last {
            return Err(format!("row of fact {fact} follows that of {}", self.last));
        }
        let has = |(sum, buckets): (u64, &[u8])| sum != 0 || !buckets.is_empty();
        self.head(fact, counts, gap, sides.map(has));
        for (sum, buckets) in sides.into_iter().filter(|side| has(*side)) {
            varint::put(&mut self.bytes, sum);
            varint::put(&mut self.bytes, count_buckets(buckets).ok_or("a histogram is no histogram")?);
            self.bytes.extend_from_slice(buckets);
        }
        Ok(())
    }

    pub(crate) fn finish(self, steps: u32) -> Block {
        Block { rows: self.rows, steps, bytes: self.bytes.into(), index: self.index.into() }
    }
}

fn mask(counts: &[u64; COUNTS], gap: Gap, [client, server]: [bool; 2]) -> u32 {
    let mut mask = 0;
    for (bit, value) in COUNT_BITS.iter().zip(counts) {
        mask |= u32::from(*value != 0) << bit;
    }
    for (bit, is_set) in [(GAP, gap != Gap::default()), (CLIENT_LATENCY, client), (SERVER_LATENCY, server)] {
        mask |= if is_set { bit } else { 0 };
    }
    mask
}

fn put_latency(bytes: &mut Vec<u8>, side: &Dense) {
    varint::put(bytes, side.sum);
    varint::put(bytes, side.buckets().count() as u64);
    put_buckets(bytes, side);
}

/// Buckets in use as distance to the previous one and count.
pub(crate) fn put_buckets(bytes: &mut Vec<u8>, side: &Dense) {
    let mut last = 0;
    for (bucket, count) in side.buckets() {
        varint::put(bytes, u64::from(bucket.saturating_sub(last)));
        varint::put(bytes, count);
        last = bucket;
    }
}

/// Reads what [`put_buckets`] wrote: one pair.
fn take_bucket(bytes: &mut &[u8], last: u8) -> Option<(u8, u64)> {
    let bucket = u8::try_from(varint::take(bytes)?).ok()?.checked_add(last)?;
    Some((bucket, varint::take(bytes)?))
}

/// How many pairs [`put_buckets`] wrote. `None` if the bytes are something else.
fn count_buckets(mut bytes: &[u8]) -> Option<u64> {
    let (mut last, mut count) = (0, 0_u64);
    while !bytes.is_empty() {
        (last, _) = take_bucket(&mut bytes, last)?;
        count = count.saturating_add(1);
    }
    Some(count)
}

struct Cursor<'a> {
    rest: &'a [u8],
    fact: u32,
}

impl Cursor<'_> {
    fn peek_fact(&self) -> Option<u32> {
        let mut rest = self.rest;
        self.fact.checked_add(varint::take_u32(&mut rest)?)
    }

    fn next_fact(&mut self) -> Option<u32> {
        self.fact = self.fact.checked_add(varint::take_u32(&mut self.rest)?)?;
        Some(self.fact)
    }

    /// Adds the row whose fact was just taken.
    fn add_row(&mut self, sum: &mut Sum) -> Option<()> {
        let mask = varint::take_u32(&mut self.rest)?;
        for (place, bit) in COUNT_BITS.iter().enumerate() {
            if mask & (1 << bit) != 0 {
                sum.count(place, varint::take(&mut self.rest)?);
            }
        }
        if mask & GAP != 0 {
            sum.gap.sum = sum.gap.sum.saturating_add(varint::take_signed(&mut self.rest)?);
            sum.gap.count = sum.gap.count.saturating_add(varint::take(&mut self.rest)?);
        }
        if mask & CLIENT_LATENCY != 0 {
            self.add_latency(&mut sum.client)?;
        }
        if mask & SERVER_LATENCY != 0 {
            self.add_latency(&mut sum.server)?;
        }
        Some(())
    }

    fn add_latency(&mut self, side: &mut Dense) -> Option<()> {
        side.sum = side.sum.saturating_add(varint::take(&mut self.rest)?);
        let mut last = 0;
        for _ in 0..varint::take(&mut self.rest)? {
            let (bucket, count) = take_bucket(&mut self.rest, last)?;
            side.add(bucket, count);
            last = bucket;
        }
        Some(())
    }
}

/// The rows of one block.
pub(crate) struct Rows<'a> {
    next: Option<u32>,
    cursor: Cursor<'a>,
}

impl Rows<'_> {
    /// The fact of the next row.
    pub(crate) fn fact(&self) -> Option<u32> {
        self.next
    }

    /// Adds the next row and goes on.
    pub(crate) fn take(&mut self, sum: &mut Sum) {
        self.next = self.cursor.add_row(sum).and_then(|()| self.cursor.next_fact());
    }
}

/// The sum of blocks, fact by fact.
pub(crate) struct Merge<'a> {
    cursors: Vec<(Option<u32>, Cursor<'a>)>,
    sum: Sum,
}

impl<'a> Merge<'a> {
    pub(crate) fn of(blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        let cursors = blocks.into_iter().map(|block| {
            let mut cursor = Cursor { rest: &block.bytes, fact: 0 };
            (cursor.next_fact(), cursor)
        });
        Self { cursors: cursors.collect(), sum: Sum::default() }
    }

    /// The next fact and what it did in all blocks.
    pub(crate) fn next(&mut self) -> Option<(u32, &Sum)> {
        let fact = self.cursors.iter().filter_map(|(fact, _)| *fact).min()?;
        self.sum.clear();
        for (next, cursor) in &mut self.cursors {
            while *next == Some(fact) {
                // Blocks are written here and checked when they come from a file.
                *next = cursor.add_row(&mut self.sum).and_then(|()| cursor.next_fact());
            }
        }
        Some((fact, &self.sum))
    }

    /// All of it as one block.
    pub(crate) fn into_block(mut self, steps: u32) -> Block {
        let mut writer = Writer::default();
        while let Some((fact, sum)) = self.next() {
            writer.row(fact, sum);
        }
        writer.finish(steps)
    }
}

/// A block of rows that are sorted by fact.
pub(crate) fn block_of<'a>(rows: impl IntoIterator<Item = (u32, &'a Measures)>) -> Block {
    let mut writer = Writer::default();
    let mut sum = Sum::default();
    for (fact, measures) in rows {
        sum.clear();
        sum.add(measures);
        writer.row(fact, &sum);
    }
    writer.finish(1)
}
