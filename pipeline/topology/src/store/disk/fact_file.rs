//! Blocks as a Parquet file, and back.
//!
//! A row is what one fact did in one stretch; rows are sorted by fact and time within a group of rows, and groups of rows
//! by time in chunks that are read as a whole.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;

use super::columns::{Column, Groups, Reader, write};
use crate::store::block::{Block, Writer, put_buckets};
use crate::store::spread::moment_of;
use crate::store::sum::{COUNT_NAMES, COUNTS, Sum};
use crate::{Gap, STEP, Tier};

/// Rows of one group: what is read at once for one fact.
const ROWS: usize = 131_072;
const MILLISECOND: u64 = 1_000_000;
/// The note that says how many steps of each block had data.
const ACTIVE: &str = "tidewatch.active_steps";

/// Names of the columns that are not plain counts.
const OTHERS: [&str; 8] = [
    "fact",
    "time",
    "gap_sum",
    "gap_count",
    "client_latency_sum",
    "client_latency",
    "server_latency_sum",
    "server_latency",
];

fn schema() -> String {
    let counts: String =
        COUNT_NAMES.iter().map(|name| format!("required int64 {name} (integer(64,false));\n")).collect();
    format!(
        "message facts {{\n\
         required int32 fact (integer(32,false));\n\
         required int64 time (timestamp(millis,true));\n\
         {counts}\
         required int64 gap_sum;\n\
         required int64 gap_count (integer(64,false));\n\
         required int64 client_latency_sum (integer(64,false));\n\
         required binary client_latency;\n\
         required int64 server_latency_sum (integer(64,false));\n\
         required binary server_latency;\n\
         }}"
    )
}

/// How many steps one chunk of a file spans: with 20,000 edges some hundred thousand rows, since one block of a chunk is
/// not read without the others.
pub(crate) fn chunk_steps(tier: Tier) -> u32 {
    match tier {
        Tier::Step | Tier::Minute | Tier::TenMinutes => 240,
        Tier::Hour => 6 * 240,
        Tier::Day => 4 * 5760,
    }
}

/// Rows on their way into columns.
struct Rows {
    fact: Vec<i32>,
    time: Vec<i64>,
    counts: [Vec<i64>; COUNTS],
    gap: (Vec<i64>, Vec<i64>),
    client: (Vec<i64>, Vec<ByteArray>),
    server: (Vec<i64>, Vec<ByteArray>),
}

impl Rows {
    fn new() -> Self {
        Self {
            fact: Vec::new(),
            time: Vec::new(),
            counts: std::array::from_fn(|_| Vec::new()),
            gap: Default::default(),
            client: Default::default(),
            server: Default::default(),
        }
    }

    fn push(&mut self, fact: u32, start: u32, sum: &Sum) {
        let long = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.fact.push(fact.cast_signed());
        self.time.push(long(moment_of(start).0 / MILLISECOND));
        for (column, value) in self.counts.iter_mut().zip(&sum.counts) {
            column.push(long(*value));
        }
        self.gap.0.push(sum.gap.sum);
        self.gap.1.push(long(sum.gap.count));
        for (column, side) in [(&mut self.client, &sum.client), (&mut self.server, &sum.server)] {
            let mut buckets = Vec::new();
            put_buckets(&mut buckets, side);
            column.0.push(long(side.sum));
            column.1.push(buckets.into());
        }
    }

    /// The columns in the order of the schema.
    fn columns(self) -> Vec<Column> {
        let counts = self.counts.into_iter().map(Column::Long);
        [Column::Int(self.fact), Column::Long(self.time)]
            .into_iter()
            .chain(counts)
            .chain([
                Column::Long(self.gap.0),
                Column::Long(self.gap.1),
                Column::Long(self.client.0),
                Column::Bytes(self.client.1),
                Column::Long(self.server.0),
                Column::Bytes(self.server.1),
            ])
            .collect()
    }
}

/// Blocks by first step.
pub(crate) type Blocks = BTreeMap<u32, Arc<Block>>;

/// A file's bytes from its chunks in order, and how many rows it has.
pub(crate) fn encode(tier: Tier, chunks: &mut dyn Iterator<Item = Blocks>) -> Result<(Vec<u8>, u64), ParquetError> {
    let mut groups = ChunkGroups { tier, chunks, chunk: Blocks::new(), from_fact: 0, rows: 0, active: Vec::new() };
    let bytes = write(&schema(), &mut groups, 2)?;
    Ok((bytes, groups.rows))
}

/// Splits blocks into the chunks that a file has.
pub(crate) fn chunks(tier: Tier, blocks: Blocks) -> impl Iterator<Item = Blocks> {
    let mut chunks: BTreeMap<u32, Blocks> = BTreeMap::new();
    for (start, block) in blocks {
        chunks.entry(start / chunk_steps(tier)).or_default().insert(start, block);
    }
    chunks.into_values()
}

struct ChunkGroups<'a> {
    tier: Tier,
    chunks: &'a mut dyn Iterator<Item = Blocks>,
    /// The chunk whose rows are being written, from this fact on.
    chunk: Blocks,
    from_fact: u32,
    rows: u64,
    active: Vec<String>,
}

impl Groups for ChunkGroups<'_> {
    fn next_group(&mut self) -> Option<Vec<Column>> {
        loop {
            let mut rows = Rows::new();
            match self.fill(&mut rows) {
                Some(next) => self.from_fact = next,
                None => {
                    self.from_fact = 0;
                    self.chunk = Blocks::new();
                }
            }
            if !rows.fact.is_empty() {
                self.rows = self.rows.saturating_add(rows.fact.len() as u64);
                return Some(rows.columns());
            }
            self.chunk = self.chunks.next()?;
            let active = self.chunk.iter().map(|(start, block)| format!("{start}:{}", block.steps()));
            self.active.extend(active);
        }
    }

    fn notes(&self) -> Vec<(&'static str, String)> {
        vec![("tidewatch.tier", self.tier.as_str().to_owned()), (ACTIVE, self.active.join(" "))]
    }
}

impl ChunkGroups<'_> {
    /// Fills one group, fact by fact. Gives the fact to go on with, if there is one.
    fn fill(&self, rows: &mut Rows) -> Option<u32> {
        let mut blocks: Vec<_> =
            self.chunk.iter().map(|(start, block)| (*start, block.rows_from(self.from_fact))).collect();
        let mut sum = Sum::default();
        while let Some(fact) = blocks.iter().filter_map(|(_, rows)| rows.fact()).min() {
            if rows.fact.len() >= ROWS {
                return Some(fact);
            }
            for (start, block) in blocks.iter_mut().filter(|(_, block)| block.fact() == Some(fact)) {
                sum.clear();
                block.take(&mut sum);
                rows.push(fact, *start, &sum);
            }
        }
        None
    }
}

/// How many steps of each block had data, by first step.
fn active_steps(reader: &Reader) -> BTreeMap<u32, u32> {
    let note = reader.note(ACTIVE).unwrap_or_default();
    note.split(' ')
        .filter_map(|pair| pair.split_once(':'))
        .filter_map(|(start, steps)| Some((start.parse().ok()?, steps.parse().ok()?)))
        .collect()
}

/// Blocks of a file by first step: of one chunk, or of all.
pub(crate) fn decode(path: &Path, chunk: Option<(Tier, u32)>) -> Result<Blocks, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let file = std::fs::File::open(path).map_err(|error| told(&error))?;
    let reader = Reader::open(file).map_err(|error| told(&error))?;
    let wanted = chunk.map_or(0..u32::MAX, |(tier, chunk)| {
        let first = chunk.saturating_mul(chunk_steps(tier));
        first..first.saturating_add(chunk_steps(tier))
    });
    let mut writers: BTreeMap<u32, Writer> = BTreeMap::new();
    for group in 0..reader.groups() {
        let elsewhere = match reader.range(group, "time") {
            Some((first, last)) => step(last)? < wanted.start || step(first)? >= wanted.end,
            None => false,
        };
        if !elsewhere {
            add_group(&reader, group, &wanted, &mut writers)?;
        }
    }
    let active = active_steps(&reader);
    let steps = |start| active.get(&start).copied().unwrap_or(1);
    Ok(writers.into_iter().map(|(start, writer)| (start, Arc::new(writer.finish(steps(start))))).collect())
}

fn step(milliseconds: i64) -> Result<u32, String> {
    let moment = u64::try_from(milliseconds).ok().and_then(|time| time.checked_mul(MILLISECOND));
    let step = moment.and_then(|moment| u32::try_from(moment / STEP).ok());
    step.ok_or_else(|| format!("{milliseconds} is no time"))
}

/// Adds those rows of a group that are of wanted steps.
fn add_group(
    reader: &Reader,
    group: usize,
    wanted: &Range<u32>,
    writers: &mut BTreeMap<u32, Writer>,
) -> Result<(), String> {
    let bad = |_| "a column has another type or is cut".to_owned();
    // Most counts are of what a plane or a lane never sees.
    let used = |(_, name): &(usize, &str)| reader.range(group, name) != Some((0, 0));
    let used: Vec<(usize, &str)> = COUNT_NAMES.into_iter().enumerate().filter(used).collect();
    let names: Vec<&str> = OTHERS.into_iter().chain(used.iter().map(|(_, name)| *name)).collect();
    let columns = reader.read(group, &names).map_err(|error| error.to_string())?;
    let mut columns = columns.into_iter();
    let mut next = || columns.next().ok_or(());
    let facts = next().and_then(|column| column.ints().ok_or(())).map_err(bad)?;
    let times = next().and_then(|column| column.longs().ok_or(())).map_err(bad)?;
    let gap_sum = next().and_then(|column| column.longs().ok_or(())).map_err(bad)?;
    let gap_count = next().and_then(|column| column.longs().ok_or(())).map_err(bad)?;
    let client_sum = next().and_then(|column| column.longs().ok_or(())).map_err(bad)?;
    let client = next().and_then(|column| column.bytes().ok_or(())).map_err(bad)?;
    let server_sum = next().and_then(|column| column.longs().ok_or(())).map_err(bad)?;
    let server = next().and_then(|column| column.bytes().ok_or(())).map_err(bad)?;
    let used: Vec<(usize, Vec<i64>)> = used
        .into_iter()
        .zip(columns)
        .map(|((place, _), column)| column.longs().ok_or(()).map(|values| (place, values)))
        .collect::<Result<_, _>>()
        .map_err(bad)?;
    let count =
        |column: &[i64], row: usize| column.get(row).and_then(|value| u64::try_from(*value).ok()).unwrap_or_default();
    for (row, (fact, time)) in facts.iter().zip(times).enumerate() {
        let start = step(time)?;
        if !wanted.contains(&start) {
            continue;
        }
        let mut counts = [0; COUNTS];
        for (place, column) in &used {
            if let Some(held) = counts.get_mut(*place) {
                *held = count(column, row);
            }
        }
        let gap = Gap { sum: gap_sum.get(row).copied().unwrap_or_default(), count: count(&gap_count, row) };
        let sides = [(&client_sum, &client), (&server_sum, &server)]
            .map(|(sums, buckets)| (count(sums, row), buckets.get(row).map(ByteArray::data).unwrap_or_default()));
        writers.entry(start).or_default().row_of_file(fact.cast_unsigned(), &counts, gap, sides)?;
    }
    Ok(())
}
