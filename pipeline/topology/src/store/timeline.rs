//! Blocks by time, in five lengths: what came in is in steps, and each longer length is the sum of the next shorter.
//!
//! A length is *rolled* up to a moment: before it, its blocks are there. What comes later for a rolled stretch is added to
//! every length that has rolled, so all lengths always add up to the same. Blocks that a file has and that are old leave
//! memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::block::{Block, Merge};
use super::spread::step_of;
use crate::{Moment, SECOND, Tier};

/// Until when after its end a step may still grow before longer blocks are made of it.
pub(crate) const LATE: u64 = 120 * SECOND;

/// One length.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// By first step of the stretch; several add up.
    pub(crate) held: BTreeMap<u32, SmallVec<[Held; 2]>>,
    /// First step that has not been rolled.
    pub(crate) rolled: u32,
    /// First step of which everything is in memory; what is earlier is in files, but for what is not saved yet.
    pub(crate) memory_from: u32,
    /// First step that is kept at all.
    pub(crate) kept_from: u32,
}

/// A block in memory.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) block: Arc<Block>,
    saved: Saved,
}

/// If a file has a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saved {
    No,
    /// It is being written.
    Soon,
    Yes,
}

/// Blocks with their first step, by stretch; those of one add up.
pub(crate) type Stretches = BTreeMap<u32, Vec<(u32, Arc<Block>)>>;

/// All lengths.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    lines: [Line; 5],
}

/// What may be let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forget {
    /// What files have; what they do not have yet stays.
    Saved,
    /// Everything.
    Everything,
}

/// Where blocks that are no longer in memory come from.
pub(crate) trait Archive {
    /// The blocks of a tier that begin at a step.
    fn blocks(&self, tier: Tier, start: u32) -> Vec<Arc<Block>>;

    /// How many files could not be read so far.
    fn lost(&self) -> u64 {
        0
    }
}

/// Nothing but memory.
pub(crate) struct NoFiles;

impl Archive for NoFiles {
    fn blocks(&self, _: Tier, _: u32) -> Vec<Arc<Block>> {
        Vec::new()
    }
}

/// The first step of the stretch that `step` lies in.
pub(crate) fn floor(step: u32, tier: Tier) -> u32 {
    step.saturating_sub(step % tier.steps())
}

/// The first step at or after `step` where a stretch may begin.
pub(crate) fn ceil(step: u32, tier: Tier) -> u32 {
    floor(step.saturating_add(tier.steps().saturating_sub(1)), tier)
}

impl Timeline {
    /// Nothing is known before the day of `birth`.
    pub(crate) fn new(birth: Moment) -> Self {
        let start = floor(step_of(birth), Tier::Day);
        let line = || Line { held: BTreeMap::new(), rolled: start, memory_from: 0, kept_from: 0 };
        Self { lines: Tier::ALL.map(|_| line()) }
    }

    pub(crate) fn line(&self, tier: Tier) -> &Line {
        let [step, minute, ten, hour, day] = &self.lines;
        match tier {
            Tier::Step => step,
            Tier::Minute => minute,
            Tier::TenMinutes => ten,
            Tier::Hour => hour,
            Tier::Day => day,
        }
    }

    pub(crate) fn line_mut(&mut self, tier: Tier) -> &mut Line {
        let [step, minute, ten, hour, day] = &mut self.lines;
        match tier {
            Tier::Step => step,
            Tier::Minute => minute,
            Tier::TenMinutes => ten,
            Tier::Hour => hour,
            Tier::Day => day,
        }
    }

    /// Takes what happened in one step.
    pub(crate) fn add(&mut self, step: u32, block: Block) {
        let block = Arc::new(block);
        for tier in Tier::ALL {
            let line = self.line_mut(tier);
            // Steps are never rolled; what is longer waits for its turn, or is late.
            if tier == Tier::Step || step < line.rolled {
                line.push(floor(step, tier), Arc::clone(&block));
            }
        }
    }

    /// Makes longer blocks of what no longer waits for late data.
    pub(crate) fn roll(&mut self, now: Moment, archive: &dyn Archive) {
        let mut end = step_of(now.minus(LATE));
        for (finer, tier) in Tier::ALL.into_iter().zip(Tier::ALL.into_iter().skip(1)) {
            let target = floor(end, tier);
            let from = self.line(tier).rolled;
            if target > from {
                self.roll_tier(finer, tier, from..target, archive);
                self.line_mut(tier).rolled = target;
            }
            end = self.line(tier).rolled;
        }
    }

    fn roll_tier(&mut self, finer: Tier, tier: Tier, steps: Range<u32>, archive: &dyn Archive) {
        let mut start = steps.start;
        while start < steps.end {
            let stretch = start..start.saturating_add(tier.steps());
            let parts = self.parts(finer, stretch.clone(), archive);
            if !parts.is_empty() {
                let active = distinct_steps(&parts, finer);
                let block = Merge::of(parts.iter().map(|(_, block)| block.as_ref())).into_block(active);
                self.line_mut(tier).push(start, Arc::new(block));
            }
            // Years without data, or a clock that jumped, are passed in one stride.
            start = match self.next_start(finer, stretch.end) {
                Some(next) => floor(next, tier).max(stretch.end),
                None => steps.end,
            };
        }
    }

    /// Where the next block at or after `step` begins; at once if files may know more.
    fn next_start(&self, tier: Tier, step: u32) -> Option<u32> {
        let line = self.line(tier);
        if step < line.memory_from {
            return Some(step);
        }
        line.held.range(step..).next().map(|(start, _)| *start)
    }

    /// All blocks of a length that begin in a range, with their first step.
    pub(crate) fn parts(&self, tier: Tier, steps: Range<u32>, archive: &dyn Archive) -> Vec<(u32, Arc<Block>)> {
        let line = self.line(tier);
        let mut parts = Vec::new();
        let mut start = steps.start.max(line.kept_from);
        while start < steps.end.min(line.memory_from) {
            parts.extend(archive.blocks(tier, start).into_iter().map(|block| (start, block)));
            start = start.saturating_add(tier.steps());
        }
        for (start, held) in line.held.range(steps) {
            parts.extend(held.iter().map(|held| (*start, Arc::clone(&held.block))));
        }
        parts
    }

    /// Goes on where files end.
    pub(crate) fn restore(&mut self, saved: [u32; 5], kept_from: [u32; 5]) {
        for ((line, saved), kept_from) in self.lines.iter_mut().zip(saved).zip(kept_from) {
            (line.rolled, line.memory_from, line.kept_from) = (saved, saved, kept_from);
        }
        // Steps are in no file: they are kept from where the log begins.
        let [steps, ..] = &mut self.lines;
        steps.kept_from = steps.memory_from;
    }

    /// Lets go of what began before `step`, but not of what the next length is still to be made of.
    pub(crate) fn forget_before(&mut self, tier: Tier, step: u32, what: Forget) {
        let step = step.min(self.needed_from(tier));
        let line = self.line_mut(tier);
        line.memory_from = line.memory_from.max(step);
        if what == Forget::Everything || tier == Tier::Step {
            line.kept_from = line.kept_from.max(step);
        }
        let keep = line.held.split_off(&line.memory_from);
        let mut old = std::mem::replace(&mut line.held, keep);
        if what == Forget::Saved && tier != Tier::Step {
            old.retain(|_, held| {
                held.retain(|held| held.saved != Saved::Yes);
                !held.is_empty()
            });
            line.held.append(&mut old);
        }
    }

    /// From where on the next length is still to be made.
    fn needed_from(&self, tier: Tier) -> u32 {
        let longer = Tier::ALL.into_iter().find(|longer| *longer > tier);
        longer.map_or(u32::MAX, |longer| self.line(longer).rolled)
    }

    /// The oldest stretch in memory that may go; not what the next length is still to be made of.
    pub(crate) fn oldest_to_forget(&self, tier: Tier, what: Forget) -> Option<u32> {
        let end = self.needed_from(tier);
        let may_go = |held: &SmallVec<[Held; 2]>| {
            what == Forget::Everything || tier == Tier::Step || held.iter().any(|held| held.saved == Saved::Yes)
        };
        self.line(tier).held.range(..end).find(|(_, held)| may_go(held)).map(|(start, _)| *start)
    }

    /// What no file has of the time before `end`, by first step; from now on it is being written.
    pub(crate) fn hand_over(&mut self, tier: Tier, end: u32) -> Stretches {
        let mut handed = Stretches::new();
        for (start, held) in self.line_mut(tier).held.range_mut(..end) {
            for held in held.iter_mut().filter(|held| held.saved == Saved::No) {
                held.saved = Saved::Soon;
                handed.entry(*start).or_default().push((*start, Arc::clone(&held.block)));
            }
        }
        handed
    }

    /// What was being written was not.
    pub(crate) fn take_back(&mut self) {
        self.settle(Saved::No);
    }

    /// Files have what was being written.
    pub(crate) fn saved(&mut self) {
        self.settle(Saved::Yes);
        for line in &mut self.lines {
            // What is read from files must not be in memory too.
            for (_, held) in line.held.range_mut(..line.memory_from) {
                held.retain(|held| held.saved != Saved::Yes);
            }
            line.held.retain(|_, held| !held.is_empty());
        }
    }

    fn settle(&mut self, as_what: Saved) {
        let held = self.lines.iter_mut().flat_map(|line| line.held.values_mut()).flatten();
        held.filter(|held| held.saved == Saved::Soon).for_each(|held| held.saved = as_what);
    }

    /// What happened from `start` on: by steps, and by minutes where steps have left memory.
    pub(crate) fn finest_from(&self, start: u32) -> Vec<(u32, Arc<Block>)> {
        let steps_from = ceil(self.line(Tier::Step).memory_from, Tier::Minute).max(start);
        let minutes = self.line(Tier::Minute).held.range(start..steps_from);
        let found = minutes.chain(self.line(Tier::Step).held.range(steps_from..));
        found.flat_map(|(start, held)| held.iter().map(|held| (*start, Arc::clone(&held.block)))).collect()
    }

    /// Bytes of what no file has yet of the time before `end`.
    pub(crate) fn unsaved_size(&self, tier: Tier, end: u32) -> usize {
        let held = self.line(tier).held.range(..end).flat_map(|(_, held)| held);
        held.filter(|held| held.saved == Saved::No).map(|held| held.block.size()).sum()
    }

    /// Bytes of all blocks of a length.
    pub(crate) fn size(&self, tier: Tier) -> usize {
        let blocks = self.line(tier).held.values().flatten();
        blocks.fold(0, |sum, held| sum.saturating_add(held.block.size()))
    }
}

impl Line {
    /// Adds a block. Small ones are merged with their neighbours, so that a stretch has few, and each row is merged a few
    /// times at most.
    fn push(&mut self, start: u32, block: Arc<Block>) {
        let held = self.held.entry(start).or_default();
        held.push(Held { block, saved: Saved::No });
        while let [.., before, last] = held.as_slice() {
            if before.saved != Saved::No || before.block.rows() > last.block.rows().saturating_mul(2) {
                break;
            }
            let steps = before.block.steps().max(last.block.steps());
            let merged = Merge::of([before.block.as_ref(), last.block.as_ref()]).into_block(steps);
            held.truncate(held.len().saturating_sub(2));
            held.push(Held { block: Arc::new(merged), saved: Saved::No });
        }
    }
}

/// In how many different steps something happened. Blocks of one stretch may overlap: the largest counts.
pub(crate) fn distinct_steps(parts: &[(u32, Arc<Block>)], tier: Tier) -> u32 {
    let mut by_start: BTreeMap<u32, u32> = BTreeMap::new();
    for (start, block) in parts {
        let most = by_start.entry(*start).or_default();
        *most = (*most).max(block.steps()).min(tier.steps());
    }
    by_start.values().fold(0, |sum, steps| sum.saturating_add(*steps))
}
