//! What one checkpoint writes, on a thread of its own: files of what is complete, the names behind them, and what a new
//! log goes on from.
//!
//! All of it is shared with the store, which goes on meanwhile. Nothing of it counts before the manifest names it, so it
//! may end at any point; whatever is written carries the checkpoint's number, so it may also be written again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::block::{Block, Merge};
use super::disk::fact_file::{self, Blocks};
use super::disk::files::FileEntry;
use super::disk::journal::Record;
use super::disk::log::Log;
use super::disk::manifest::{self, PlaneFiles};
use super::disk::{self, base_name, dictionary_names, file_name};
use super::entities::Known;
use super::exemplars::Exemplars;
use super::facts::Table;
use super::intervals::Intervals;
use super::plane::Plane;
use super::states::States;
use super::timeline::{Stretches, distinct_steps};
use crate::Tier;

/// Bytes of one frame of a base.
const FRAME: usize = 4 << 20;

/// What is written.
pub(crate) struct Writing {
    directory: PathBuf,
    /// Of all its files, and of the log that goes on where it ends.
    pub(crate) number: u64,
    planes: [Parts; 2],
    states: Arc<States>,
    exemplars: Exemplars,
    intervals: Arc<Intervals>,
    /// When the store ran until then.
    pub(crate) awake: Arc<Vec<Range<u32>>>,
}

/// What the store holds beside its planes.
pub(crate) struct Rest<'a> {
    pub(crate) states: &'a Arc<States>,
    pub(crate) exemplars: &'a Exemplars,
    pub(crate) intervals: &'a Arc<Intervals>,
    pub(crate) awake: &'a Arc<Vec<Range<u32>>>,
}

/// What is written of one plane.
struct Parts {
    /// What no file has.
    unsaved: Vec<(Tier, Stretches)>,
    /// What no file will have.
    recent: Vec<(u32, Arc<Block>)>,
    known: Vec<Known>,
    table: Arc<Table>,
    /// Up to where each tier is in files then.
    saved: [u32; 5],
}

/// The files of both planes.
pub(crate) type Written = [Vec<FileEntry>; 2];

impl Writing {
    /// Takes what no file has, which is then on its way.
    pub(crate) fn of(directory: &Path, number: u64, [entities, hosts]: &mut [&mut Plane; 2], rest: &Rest<'_>) -> Self {
        Self {
            directory: directory.to_owned(),
            number,
            planes: [Parts::of(entities), Parts::of(hosts)],
            states: Arc::clone(rest.states),
            exemplars: rest.exemplars.clone(),
            intervals: Arc::clone(rest.intervals),
            awake: Arc::clone(rest.awake),
        }
    }

    /// Begins to write on a thread; `None` if there is none to be had.
    pub(crate) fn start(self: &Arc<Self>) -> Option<JoinHandle<std::io::Result<Written>>> {
        let writing = Arc::clone(self);
        std::thread::Builder::new().name("map-write".to_owned()).spawn(move || writing.write()).ok()
    }

    /// Writes everything.
    pub(crate) fn write(&self) -> std::io::Result<Written> {
        let mut written = Written::default();
        for (number, (parts, files)) in self.planes.iter().zip(&mut written).enumerate() {
            for (tier, stretches) in &parts.unsaved {
                for blocks in by_period(*tier, sums(*tier, stretches)) {
                    files.push(self.seal(number, *tier, blocks)?);
                }
            }
            self.write_names(number, parts)?;
        }
        self.write_base()?;
        Ok(written)
    }

    fn seal(&self, plane: usize, tier: Tier, blocks: Blocks) -> std::io::Result<FileEntry> {
        let (start, end) = span(tier, &blocks);
        let (bytes, rows) =
            fact_file::encode(tier, &mut fact_file::chunks(tier, blocks)).map_err(std::io::Error::other)?;
        let name = file_name(plane, tier, start, self.number);
        manifest::replace(&self.directory, &name, &bytes)?;
        Ok(disk::entry(name, tier, (start, end), &bytes, rows))
    }

    fn write_names(&self, plane: usize, parts: &Parts) -> std::io::Result<()> {
        if parts.known.is_empty() {
            return Ok(());
        }
        let encoded = disk::dictionary::encode(&parts.known, &parts.table).map_err(std::io::Error::other)?;
        for (name, bytes) in dictionary_names(plane, self.number).iter().zip(encoded) {
            manifest::replace(&self.directory, name, &bytes)?;
        }
        Ok(())
    }

    /// Writes what no file has. It comes last: where a base is, all files of its number are.
    fn write_base(&self) -> std::io::Result<()> {
        let name = base_name(self.number);
        let (path, draft) = (self.directory.join(&name), self.directory.join(format!("{name}.draft")));
        let mut base = Log::create(&draft)?;
        let mut frame = Vec::new();
        let traces = self.exemplars.each().map(|(edge, at, exemplar)| Record::Exemplar { edge, at, exemplar });
        let intervals = self.intervals.each().map(|interval| Record::Interval(interval.clone()));
        let mut put = |record: Record<'_>| {
            record.put(&mut frame);
            if frame.len() < FRAME {
                return Ok(());
            }
            base.append(&std::mem::take(&mut frame))
        };
        self.recent().try_for_each(&mut put)?;
        self.states.records().chain(traces).chain(intervals).try_for_each(&mut put)?;
        base.append(&frame)?;
        std::fs::rename(draft, path)?;
        manifest::sync_directory(&self.directory)
    }

    fn recent(&self) -> impl Iterator<Item = Record<'_>> {
        (0_u8..).zip(&self.planes).flat_map(|(plane, parts)| {
            parts.recent.iter().map(move |(step, block)| Record::Block { plane, step: *step, bytes: block.bytes() })
        })
    }

    /// Notes what was written where the manifest says what belongs to a plane.
    pub(crate) fn note(&self, plane: usize, files: Vec<FileEntry>, into: &mut PlaneFiles) {
        let Some(Parts { known, table, saved, .. }) = self.planes.get(plane) else { return };
        into.files.extend(files);
        into.saved = *saved;
        if !known.is_empty() {
            (into.dictionary_before, into.dictionary) = (into.dictionary, self.number);
            into.named = [known.len(), table.edges.len(), table.facts.len()].map(|count| count as u32);
        }
    }
}

impl Parts {
    fn of(plane: &mut Plane) -> Self {
        let hour = plane.timeline.line(Tier::Hour).rolled;
        let saved = Tier::ALL.map(|tier| if tier == Tier::Day { plane.timeline.line(tier).rolled } else { hour });
        let tiers = Tier::ALL.into_iter().zip(saved).skip(1);
        Self {
            unsaved: tiers.map(|(tier, end)| (tier, plane.timeline.hand_over(tier, end))).collect(),
            recent: plane.timeline.finest_from(hour),
            known: plane.entities.list().to_vec(),
            table: Arc::clone(plane.facts.table()),
            saved,
        }
    }
}

/// One block for each stretch.
fn sums(tier: Tier, stretches: &Stretches) -> Blocks {
    stretches.iter().map(|(start, parts)| (*start, sum(tier, parts))).collect()
}

/// One block of several of one stretch.
pub(crate) fn sum(tier: Tier, parts: &[(u32, Arc<Block>)]) -> Arc<Block> {
    if let [(_, only)] = parts {
        return Arc::clone(only);
    }
    let merged = Merge::of(parts.iter().map(|(_, block)| block.as_ref()));
    Arc::new(merged.into_block(distinct_steps(parts, tier)))
}

/// The stretch that one file is for in the end: an hour of minutes, a day of ten minutes or hours, a month of days.
pub(crate) fn period(tier: Tier, start: u32) -> u64 {
    let (year, month, ..) = disk::date(start);
    match tier {
        Tier::Step | Tier::Minute => u64::from(start / Tier::Hour.steps()),
        Tier::TenMinutes | Tier::Hour => u64::from(start / Tier::Day.steps()),
        Tier::Day => year.saturating_mul(12).saturating_add(month),
    }
}

fn by_period(tier: Tier, blocks: Blocks) -> impl Iterator<Item = Blocks> {
    let mut periods: BTreeMap<u64, Blocks> = BTreeMap::new();
    for (start, block) in blocks {
        periods.entry(period(tier, start)).or_default().insert(start, block);
    }
    periods.into_values()
}

fn span(tier: Tier, blocks: &Blocks) -> (u32, u32) {
    let first = blocks.first_key_value().map_or(0, |(start, _)| *start);
    let last = blocks.last_key_value().map_or(0, |(start, _)| *start);
    (first, last.saturating_add(tier.steps()))
}
